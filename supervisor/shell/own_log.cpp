#include "supervisor/shell/own_log.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <mutex>

#include "base/fd.h"

namespace reeve::shell {

namespace {

/// Writes whole lines to a descriptor, and drops those that would have to wait.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    LineSink(Fd file, config::LogFormat format) : file_(std::move(file)), format_(format) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        if (format_ == config::LogFormat::Json) {
            to_json(message, line);
        } else {
            formatter_->format(message, line);
        }
        const int fd = file_ ? file_.get() : STDERR_FILENO;
        // A pipe that is ready takes so much without making us wait.
        for (std::string_view rest(line.data(), line.size()); !rest.empty();) {
            pollfd ready{fd, POLLOUT, 0};
            if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
            const ssize_t written =
                ::write(fd, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
            if (written <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void flush_() override {}

  private:
    void to_json(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) {
        // The formatter's pattern is JSON up to the text, which alone needs escaping.
        formatter_->format(message, line);
        for (const char c : std::string_view(message.payload.data(), message.payload.size())) {
            const auto byte = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                line.push_back('\\');
                line.push_back(c);
            } else if (byte < 0x20 || byte == 0x7f) {
                fmt::format_to(fmt::appender(line), "\\u{:04x}", byte);
            } else {
                line.push_back(c);
            }
        }
        for (const char c : std::string_view("\"}\n")) line.push_back(c);
    }

    Fd file_;
    config::LogFormat format_;
};

spdlog::level::level_enum level_of(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::Trace:
            return spdlog::level::trace;
        case config::LogLevel::Debug:
            return spdlog::level::debug;
        case config::LogLevel::Info:
            return spdlog::level::info;
        case config::LogLevel::Warning:
            return spdlog::level::warn;
        case config::LogLevel::Error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

}  // namespace

OwnLog::OwnLog() = default;
OwnLog::~OwnLog() = default;

Result<std::unique_ptr<OwnLog>> OwnLog::open(const config::Supervisor::OwnLog& settings) {
    std::unique_ptr<OwnLog> log(new OwnLog);
    if (auto opened = log->configure(settings); !opened) return opened.error();
    return log;
}

Result<> OwnLog::configure(const config::Supervisor::OwnLog& settings) {
    Fd file;
    if (!settings.file.empty()) {
        file.reset(::open(settings.file.c_str(),
                          O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
        if (!file) return system_error("cannot open the log file " + settings.file);
    }
    auto sink = std::make_shared<LineSink>(std::move(file), settings.format);
    const bool json = settings.format == config::LogFormat::Json;
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":")"
             : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
        spdlog::pattern_time_type::utc, json ? "" : "\n"));
    const auto logger = std::make_shared<spdlog::logger>("reeved", std::move(sink));
    logger->set_level(level_of(settings.level));
    logger_ = logger;
    settings_ = settings;
    return {};
}

void OwnLog::debug(std::string_view text) { logger_.load()->debug("{}", text); }
void OwnLog::info(std::string_view text) { logger_.load()->info("{}", text); }
void OwnLog::warning(std::string_view text) { logger_.load()->warn("{}", text); }
void OwnLog::error(std::string_view text) { logger_.load()->error("{}", text); }

}  // namespace reeve::shell
