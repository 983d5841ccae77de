#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "supervisor/log/archive.h"
#include "supervisor/log/console.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/service.h"
#include "supervisor/log/stamp.h"

namespace reeve::log {

/// Brings records from the slots to the files and the console, and counts those that it could not.
/// Driven by the log thread; it owns the one buffer that all streams share, and bounds how many
/// files are open.
class Writer {
  public:
    /// Without a log directory what is meant for a file goes to the console.
    Writer(std::string log_dir, int console_fd, std::function<void(std::string)> report);

    /// Writes all records in the stream's slot; false: the console has to take some first.
    bool write(Stream& stream, Tail tail, Time now);

    /// Takes back the batch that a killed predecessor was writing.
    void undo(const Service& service, const FileMark& mark);

    Console& console() { return console_; }
    Archive& archive() { return archive_; }

    /// Rotates the file of a service whose first line is older than it may be.
    void rotate_old(Service& service, Time now);

    /// Files are opened anew at their next line.
    void reopen();
    void forget(Service& service);

  private:
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
    Archive archive_;
    std::function<void(std::string)> report_;
    std::unique_ptr<char[]> buffer_;
    std::string_view stamp_;
    StampWriter stamps_;
    std::string path_;            // keeps its memory from one use to the next
    std::vector<Service*> open_;  // those that have a file open, or had one lately
};

}  // namespace reeve::log
