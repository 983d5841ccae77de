#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "supervisor/log/archive.h"
#include "supervisor/log/console.h"
#include "supervisor/log/disk.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/service.h"
#include "supervisor/log/stamp.h"
#include "supervisor/log/syslog.h"
#include "supervisor/log/troubles.h"

namespace reeve::log {

/// Brings records from the slots to the files and sinks, and counts those that it could not. Driven
/// by the thread that has the log's lock; while the disk does not answer (see disk.h), files take
/// nothing. It owns the one buffer that all streams share, and bounds how many files are open.
class Writer {
  public:
    using Report = std::function<void(std::string)>;

    /// Without a log directory what is meant for a file goes to the console.
    Writer(std::string log_dir, int console_fd, const std::string& syslog_path, Disk& disk,
           Troubles& troubles, Ledger& ledger, const Report& report);

    /// Makes the log directory.
    void begin();

    /// What has to take some before all records are written: a sink, the disk, or nobody.
    struct Awaits {
        Sink* sink = nullptr;
        bool disk = false;
        bool nobody() const { return sink == nullptr && !disk; }
    };
    /// Writes all records in the stream's slot, or as many as are taken.
    Awaits write(Stream& stream, Tail tail, Time now);

    /// Whether its lines are to wait when the disk does not take them.
    bool may_wait(const Service& service) const {
        return service.waits_for_disk() && !log_dir_.empty();
    }
    /// The disk does not answer, whether or not anything is lost by it.
    void find_disk_silent(Service& service, Time now) { failed(service, not_answering(), 0, now); }
    /// Counts lines that were read and are thrown away as the disk does not answer: all of the bin.
    void lose_unread(Stream& stream, Slot& bin, Time now);
    /// The bytes behind those in the slot were thrown away: an unfinished line stays unfinished.
    void sever(Stream& stream);

    /// Writes to the file how many lines are missing, if any are; false: not now.
    bool write_notices(Service& service, Time now);

    /// Takes back what a killed predecessor was writing.
    void undo(const std::string& service, const FileMark& mark);
    /// Goes on with the books that a predecessor has kept of a service.
    void take_over(Service& service, Ledger::Entry& books);

    Console& console() { return console_; }
    Syslog& syslog() { return syslog_; }
    Archive& archive() { return archive_; }

    /// Rotates the file of a service whose first line is older than it may be.
    void rotate_old(Service& service, Time now);

    /// Files are opened anew at their next line.
    void reopen();
    void forget(Service& service);

  private:
    struct Ways {
        bool file, console, syslog;
    };
    Ways ways_of(const Service& service) const;

    // Between slot and destinations.
    bool skip_rest(Stream& stream, const Cut& cut);
    std::string_view allowed(Stream& stream, const Cut& cut, Time now);
    Awaits pass(Stream& stream, const Cut& cut, Time now);
    Sink* offer(Stream& stream, std::string_view& input, Cut& cut, Time now);
    Awaits finish(Stream& stream, const Cut& cut, Time now);

    // Files.
    bool write_file(Stream& stream, std::string_view input, Cut cut, Time now);
    Result<Framed> put_batch(bool ending, Stream& stream, std::string_view input, const Cut& cut,
                             Time now);
    /// What fits into the file as it is; nothing when it should be rotated first.
    Framed frame_for(Stream& stream, std::string_view input, const Cut& cut, std::size_t head);
    bool rotate(Service& service);
    Result<> prepare(Service& service, Time now);
    bool close_one();
    const std::string& directory(const std::string& service);

    // What is missing, and who is told.
    std::size_t put_notices(const Service& service);
    bool show_notices(Service& service);
    Ledger::Entry& books(Service& service);
    void count(Stream& stream, const Counts& more, Slot* slot, std::size_t n);
    Sink::Taken show(Service& service, std::string_view input, const Cut& cut);
    void lose(Stream& stream, bool ending, std::string_view input, const Cut& cut, const Error& why,
              Time now);
    void failed(Service& service, const Error& why, std::uint64_t lines, Time now);
    void recovered(Service& service);
    void lose_rest(Stream& stream, std::size_t n);
    void count_over_rate(Stream& stream, std::uint64_t lines, std::size_t n);
    Trouble& trouble(Service& service);
    void publish(const Service& service);

    static constexpr std::size_t kBufferBytes = 256u << 10;

    const std::string log_dir_;
    Console console_;
    Syslog syslog_;
    Archive archive_;
    Disk& disk_;
    Troubles& troubles_;
    Ledger& ledger_;
    Report report_;
    std::unique_ptr<char[]> buffer_;
    std::string_view stamp_;
    StampWriter stamps_;
    std::string path_;            // keeps its memory from one use to the next
    std::vector<Service*> open_;  // those that have a file open, or had one lately
};

}  // namespace reeve::log
