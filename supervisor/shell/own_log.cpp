#include "supervisor/shell/own_log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "base/time.h"
#include "config/own_log.h"
#include "ctl/protocol/json_writer.h"
#include "supervisor/log/disk.h"
#include "supervisor/shell/clock.h"

namespace reeve::shell {

namespace {

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

std::string_view colour_of(spdlog::level::level_enum level) {
    if (level >= spdlog::level::err) return "\033[31m";
    if (level == spdlog::level::warn) return "\033[33m";
    return level == spdlog::level::info ? "\033[32m" : "\033[2m";
}

log::Severity severity_of(spdlog::level::level_enum level) {
    if (level >= spdlog::level::err) return log::Severity::Error;
    if (level == spdlog::level::warn) return log::Severity::Warning;
    return level == spdlog::level::info ? log::Severity::Info : log::Severity::Debug;
}

std::string to_text(spdlog::formatter& formatter, const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t formatted;
    formatter.format(message, formatted);
    std::string line(formatted.data(), formatted.size());
    // What a service printed may be quoted; it shall not forge lines or steer a terminal.
    std::replace_if(line.begin(), line.end() - 1, is_control, '?');
    return line;
}

std::unique_ptr<spdlog::formatter> make_formatter() {
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v",
                                                       spdlog::pattern_time_type::utc, "\n");
}

/// Writes whole lines to a file or to stderr, which loses those that would have to wait.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    LineSink(std::shared_ptr<OwnLogFile> file, config::LogFormat format, bool echo)
        : file_(std::move(file)),
          format_(format),
          echo_(echo),
          colours_(!file_ && ::isatty(STDERR_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const bool json = format_ == config::LogFormat::Json;
        std::string line = json ? to_json(message) : to_text(*formatter_, message);
        if (colours_ && !json) {
            line.insert(message.color_range_end, "\033[0m");
            line.insert(message.color_range_start, colour_of(message.level));
        }
        if (!file_ || (echo_ && message.level >= spdlog::level::warn)) {
            (void)write_line(STDERR_FILENO, line);
        }
        if (file_) file_->write(std::move(line));
    }
    void flush_() override {}

  private:
    std::shared_ptr<OwnLogFile> file_;
    config::LogFormat format_;
    bool echo_;
    bool colours_;
};

/// Sends messages to the syslog daemon; what that does not take goes to stderr.
class SyslogSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    SyslogSink(std::string path, config::LogFormat format, bool echo)
        : socket_(std::move(path)), format_(format), stderr_(nullptr, format, echo), echo_(echo) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        std::string text(message.payload.data(), message.payload.size());
        if (format_ == config::LogFormat::Json) {
            text = to_json(message);
            text.pop_back();
        }
        text = log::SyslogSocket::harmless(text);
        std::string_view left = text;
        const bool sent =
            socket_.send(log::SyslogSocket::head(severity_of(message.level), "reeved"), left,
                         now()) == log::SyslogSocket::Outcome::Sent;
        if (!sent || (echo_ && message.level >= spdlog::level::warn)) stderr_.log(message);
    }
    void flush_() override {}
    void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
        stderr_.set_formatter(std::move(formatter));
    }

  private:
    log::SyslogSocket socket_;
    config::LogFormat format_;
    LineSink stderr_;
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

/// Makes lines of what a log file itself has to say.
OwnLogFile::Render renderer(config::LogFormat format) {
    const std::shared_ptr<spdlog::formatter> formatter = make_formatter();
    return [format, formatter](config::LogLevel level, std::string_view text) {
        const spdlog::details::log_msg message("", level_of(level), text);
        return format == config::LogFormat::Json ? to_json(message) : to_text(*formatter, message);
    };
}

}  // namespace

OwnLog::OwnLog(Echo echo, std::string syslog_path)
    : echo_(echo), syslog_path_(std::move(syslog_path)) {}
OwnLog::~OwnLog() = default;

Result<std::unique_ptr<OwnLog>> OwnLog::open(const config::Supervisor::OwnLog& settings, Echo echo,
                                             std::string syslog_path, Duration patience) {
    std::unique_ptr<OwnLog> log(new OwnLog(echo, std::move(syslog_path)));
    if (auto opened = log->configure(settings, patience); !opened) return opened.error();
    return log;
}

Result<> OwnLog::configure(const config::Supervisor::OwnLog& settings) {
    return configure(settings, OwnLogFile::kPatience);
}

Result<> OwnLog::configure(const config::Supervisor::OwnLog& settings, Duration patience) {
    auto file = file_for(settings, patience);
    if (!file) return file.error();
    const bool echo = echo_ == Echo::Warnings;
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (settings.file == config::kSyslog) {
        sink = std::make_shared<SyslogSink>(syslog_path_, settings.format, echo);
    } else {
        sink = std::make_shared<LineSink>(*file, settings.format, echo);
    }
    sink->set_formatter(make_formatter());
    const auto logger = std::make_shared<spdlog::logger>("reeved", std::move(sink));
    logger->set_level(level_of(settings.level));
    logger_ = logger;
    file_ = std::move(*file);
    settings_ = settings;
    return {};
}

Result<std::shared_ptr<OwnLogFile>> OwnLog::file_for(const config::Supervisor::OwnLog& settings,
                                                     Duration patience) {
    const std::shared_ptr<OwnLogFile> late = std::exchange(late_, nullptr);
    if (settings.file.empty() || settings.file == config::kSyslog) {
        return std::shared_ptr<OwnLogFile>();
    }
    const auto render = renderer(settings.format);
    const bool is_known = file_ && file_->path() == settings.file;
    std::shared_ptr<OwnLogFile> file = is_known ? file_ : late;
    if (file && file->path() == settings.file) {
        file->reopen(render);
    } else {
        auto started = OwnLogFile::start(settings.file, render);
        if (!started) return started.error();
        file = std::move(*started);
    }
    const auto opened = file->wait_until_open(patience);
    if (!opened) {
        late_ = std::move(file);
        std::string problem = "cannot open the log file " + settings.file;
        return reeve::error(problem.append(": ").append(log::not_answering().text()));
    }
    if (!*opened) return opened->error();
    return file;
}

void OwnLog::reopen() {
    if (file_) file_->reopen(renderer(settings_.format));
}

void OwnLog::debug(std::string_view text) { logger_.load()->debug("{}", text); }
void OwnLog::info(std::string_view text) { logger_.load()->info("{}", text); }
void OwnLog::warning(std::string_view text) { logger_.load()->warn("{}", text); }
void OwnLog::error(std::string_view text) { logger_.load()->error("{}", text); }

}  // namespace reeve::shell
