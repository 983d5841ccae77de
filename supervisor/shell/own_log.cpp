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
#include "base/time.h"
#include "ctl/protocol/json_writer.h"

namespace reeve::shell {

namespace {

/// Drops the rest of a line that would have to wait.
void write_line(int fd, std::string_view line) {
    // A pipe that is ready takes so much without making us wait.
    while (!line.empty()) {
        pollfd ready{fd, POLLOUT, 0};
        if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
        const ssize_t written =
            ::write(fd, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
        if (written <= 0) return;
        line.remove_prefix(static_cast<std::size_t>(written));
    }
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

std::string to_json(const spdlog::details::log_msg& message) {
    const auto text = [](spdlog::string_view_t view) {
        return std::string_view(view.data(), view.size());
    };
    protocol::JsonWriter json;
    json.begin_object();
    json.field("time", WallTime(message.time));
    json.field("level", text(spdlog::level::to_string_view(message.level)));
    json.field("message", text(message.payload));
    json.end_object();
    return json.take() + '\n';
}

/// Writes whole lines to a file or stderr, and drops those that would have to wait.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    LineSink(Fd file, config::LogFormat format, bool echo)
        : file_(std::move(file)), format_(format), echo_(echo) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t formatted;
        std::string json;
        std::string_view line;
        if (format_ == config::LogFormat::Json) {
            line = json = to_json(message);
        } else {
            formatter_->format(message, formatted);
            // What a service printed may be quoted; it shall not forge lines or steer a terminal.
            std::replace_if(formatted.begin(), formatted.end() - 1, is_control, '?');
            line = {formatted.data(), formatted.size()};
        }
        if (file_) write_line(file_.get(), line);
        if (!file_ || (echo_ && message.level >= spdlog::level::warn)) {
            write_line(STDERR_FILENO, line);
        }
    }
    void flush_() override {}

  private:
    Fd file_;
    config::LogFormat format_;
    bool echo_;
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

OwnLog::OwnLog(Echo echo) : echo_(echo) {}
OwnLog::~OwnLog() = default;

Result<std::unique_ptr<OwnLog>> OwnLog::open(const config::Supervisor::OwnLog& settings,
                                             Echo echo) {
    std::unique_ptr<OwnLog> log(new OwnLog(echo));
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
    auto sink =
        std::make_shared<LineSink>(std::move(file), settings.format, echo_ == Echo::Warnings);
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc, "\n"));
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
