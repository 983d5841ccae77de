#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::log {

/// The syslog daemon's own numbers.
enum class Severity : std::uint8_t { Error = 3, Warning = 4, Info = 6, Debug = 7 };

/// A connection to the syslog daemon, for messages as syslog(3) sends them: RFC 3164 with the local
/// time and no host name, facility daemon; see unix(7). It never blocks. When the daemon has gone
/// it connects anew with a later message, at most once a second.
class SyslogSocket {
  public:
    static constexpr const char* kPath = "/dev/log";

    explicit SyslogSocket(std::string path = kPath) : path_(std::move(path)) {}

    /// What stands before the text: "<30>Nov 26 09:05:00 web: ".
    static std::string head(Severity severity, std::string_view tag);
    /// The text with what daemons and terminals could trip over written as rsyslog writes it:
    /// "#033" for an escape. A NUL would end the message.
    static std::string harmless(std::string_view text);

    enum class Outcome : std::uint8_t { Sent, Full, Gone };
    /// Sends a harmless text, as several messages when it is too long for one. What was sent is
    /// taken from the front of it.
    Outcome send(std::string_view head, std::string_view& text, Time now);

    /// False: a stream has not taken all of the last message yet.
    bool flush();

    /// -1 while there is no connection.
    int fd() const { return socket_.get(); }
    /// Why it is Gone.
    const Error& error() const { return error_; }

  private:
    bool connect(Time now);
    void hang_up(int why);
    ssize_t put(std::string_view head, std::string_view text);

    std::string path_;
    Fd socket_;
    bool stream_ = false;
    std::string rest_;  // of a message that a stream took in part
    std::size_t limit_ = 8u << 10;
    Time next_try_{};
    Error error_;
};

}  // namespace reeve::log
