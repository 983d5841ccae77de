#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/plan.h"
#include "supervisor/log/syslog_socket.h"

namespace spdlog {
class logger;
}

namespace reeve::shell {

/// The supervisor's own log: lines for people or JSON, to stderr, a file or the syslog daemon.
/// Written at once and never waited for: lines that a stuck stderr cannot take are dropped, and
/// what the syslog daemon does not take goes to stderr. Colours: on a terminal, unless NO_COLOR is
/// set. May be written to from any thread.
class OwnLog {
  public:
    /// What stderr gets while the log goes to a file: a daemon's warnings are for whoever starts
    /// it.
    enum class Echo { Nothing, Warnings };

    /// Fails when the file cannot be opened.
    static Result<std::unique_ptr<OwnLog>> open(const config::Supervisor::OwnLog& settings,
                                                Echo echo = Echo::Nothing,
                                                std::string syslog_path = log::SyslogSocket::kPath);
    ~OwnLog();

    /// Takes over other settings; on failure the old ones stay.
    Result<> configure(const config::Supervisor::OwnLog& settings);
    /// Opens the log file anew, after somebody has moved it.
    Result<> reopen() { return configure(settings_); }

    void debug(std::string_view text);
    void info(std::string_view text);
    void warning(std::string_view text);
    void error(std::string_view text);

  private:
    OwnLog(Echo echo, std::string syslog_path);

    Echo echo_;
    std::string syslog_path_;
    config::Supervisor::OwnLog settings_;
    // Replaced on one thread while others write.
    std::atomic<std::shared_ptr<spdlog::logger>> logger_;
};

}  // namespace reeve::shell
