#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "supervisor/log/console.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/service.h"
#include "supervisor/log/stamp.h"
#include "supervisor/log/syslog.h"

namespace reeve::log {

/// Brings records from the slots to the files and sinks, and counts those that it could not.
/// Driven by the log thread; it owns the one buffer that all streams share, and bounds how many
/// files are open.
class Writer {
  public:
    /// Without a log directory what is meant for a file goes to the console.
    Writer(std::string log_dir, int console_fd, const std::string& syslog_path,
           std::function<void(std::string)> report);

    /// Writes all records in the stream's slot; otherwise says who has to take some first.
    Sink* write(Stream& stream, Tail tail, Time now);

    /// Takes back the batch that a killed predecessor was writing.
    void undo(const Service& service, const FileMark& mark);

    Console& console() { return console_; }
    Syslog& syslog() { return syslog_; }

    /// Files are opened anew at their next line.
    void reopen();
    void forget(Service& service);

  private:
    Sink* offer(Stream& stream, bool to_console, std::string_view& input, Cut& cut, Time now);
    void write_file(Stream& stream, std::string_view input, Cut cut, Time now);
    /// What fits into the file as it is; nothing when it should be rotated first.
    Framed frame_for(Stream& stream, std::string_view input, const Cut& cut, std::size_t head);
    bool rotate(Service& service);
    std::size_t put_lost_notice(const Service& service);
    void lost(Service& service, const Framed& batch, const Error& why, Time now);
    Result<> prepare(Service& service, Time now);
    bool close_one();
    const std::string& directory(const Service& service);

    const std::string log_dir_;
    Console console_;
    Syslog syslog_;
    std::function<void(std::string)> report_;
    std::unique_ptr<char[]> buffer_;
    std::string_view stamp_;
    StampWriter stamps_;
    std::string path_;            // keeps its memory from one use to the next
    std::vector<Service*> open_;  // those that have a file open, or had one lately
};

}  // namespace reeve::log
