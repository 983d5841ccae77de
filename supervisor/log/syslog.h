#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "supervisor/log/sink.h"
#include "supervisor/log/syslog_socket.h"

namespace reeve::log {

/// The syslog daemon as a place for lines, one message a line: severity info for stdout and err for
/// stderr, the service's name as tag. A daemon that is not there is like one that is stuck, only
/// that it is reported.
class Syslog : public Sink {
  public:
    Syslog(std::string path, std::function<void(std::string)> report)
        : socket_(std::move(path)), report_(std::move(report)) {}

    /// Some records at the front of the input, at least one of which must be there.
    Taken take(std::string_view service, Source source, std::string_view input, const Cut& cut,
               Time now);

    /// Sends what is left of a line that went in part or is dropped by now; false: try again later.
    bool flush(Time now);

    void give_up() override { dropping_ = true; }
    int fd() const override { return socket_.fd(); }

  private:
    bool put(std::string_view service, Source source, std::string_view line, Time now);
    bool tell_dropped(Time now);
    void tell_if_gone();

    SyslogSocket socket_;
    std::function<void(std::string)> report_;
    bool dropping_ = false;
    bool told_ = false;        // that the daemon has gone
    std::size_t dropped_ = 0;  // lines, not told yet
    std::string rest_head_, rest_;
};

}  // namespace reeve::log
