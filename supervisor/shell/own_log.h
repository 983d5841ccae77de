#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "config/plan.h"
#include "supervisor/log/syslog_socket.h"
#include "supervisor/shell/own_log_file.h"

namespace spdlog {
class logger;
}

namespace reeve::shell {

/// The supervisor's own log: lines for people or JSON, to stderr, a file or the syslog daemon.
/// Never waited for: lines that a stuck stderr cannot take are dropped, what the syslog daemon does
/// not take goes to stderr, and a file has a thread that writes it (see own_log_file.h). Colours:
/// on a terminal, unless NO_COLOR is set. May be written to from any thread.
class OwnLog {
  public:
    /// What stderr gets while the log goes to a file: a daemon's warnings are for whoever starts
    /// it.
    enum class Echo { Nothing, Warnings };

    /// How long a start waits for the log file: a disk may have to be woken or mounted.
    static constexpr Duration kPatience = 10s;

    /// Fails when the file cannot be opened within the patience. A daemon forks before: no thread
    /// survives that.
    static Result<std::unique_ptr<OwnLog>> open(const config::Supervisor::OwnLog& settings,
                                                Echo echo = Echo::Nothing,
                                                std::string syslog_path = log::SyslogSocket::kPath,
                                                Duration patience = kPatience);
    ~OwnLog();

    /// Takes over other settings; on failure the old ones stay. Waits a moment at most for another
    /// file to be opened (OwnLogFile::kPatience): on a disk that does not answer that is a failure.
    /// The same file is opened anew, as by reopen().
    Result<> configure(const config::Supervisor::OwnLog& settings);
    /// Opens the log file anew, after somebody has moved it, without waiting for it. When that
    /// fails the old one stays, and is told.
    void reopen();

    /// Waits a moment at most (OwnLogFile::kPatience) until a file has all that was said.
    void flush() {
        if (file_) file_->flush();
    }

    void debug(std::string_view text);
    void info(std::string_view text);
    void warning(std::string_view text);
    void error(std::string_view text);

  private:
    OwnLog(Echo echo, std::string syslog_path);
    Result<> configure(const config::Supervisor::OwnLog& settings, Duration patience);
    /// The file that the settings name, open; nothing: they name none.
    Result<std::shared_ptr<OwnLogFile>> file_for(const config::Supervisor::OwnLog& settings,
                                                 Duration patience);

    Echo echo_;
    std::string syslog_path_;
    config::Supervisor::OwnLog settings_;
    std::shared_ptr<OwnLogFile> file_;
    // One that did not open in time: whoever asks for it again finds it here, so that a disk that
    // does not answer catches one thread and not one each time.
    std::shared_ptr<OwnLogFile> late_;
    // Replaced on one thread while others write.
    std::atomic<std::shared_ptr<spdlog::logger>> logger_;
};

}  // namespace reeve::shell
