#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/time.h"
#include "config/plan.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/ledger.h"
#include "supervisor/log/log_file.h"
#include "supervisor/log/rate.h"
#include "supervisor/log/sink.h"
#include "supervisor/log/spool.h"
#include "supervisor/log/troubles.h"

namespace reeve::log {

struct Service;

/// One output of a service. Between two lines it is a descriptor and a few numbers; bytes it has
/// only in a slot.
struct Stream {
    /// Where it waits: for epoll, its turn, a moment to let the pipe fill, a sink, the disk; or the
    /// writing thread works on it.
    enum class Place : std::uint8_t { Idle, Ready, Resting, AtSink, AtDisk, InHand };

    Service* service = nullptr;
    Slot* slot = nullptr;
    Fd pipe;
    Source source = Source::Out;
    Place place = Place::Idle;
    bool hung_up = false;          ///< nobody can write until it is opened again
    bool mid_line = false;         ///< a part was written, the rest of its line is to come
    bool skipping = false;         ///< the beginning of its line was lost, so will be the rest
    bool over_rate = false;        ///< the same, as it was more than the rate allows
    bool called = false;           ///< something happened to it while it was in hand
    bool severed = false;          ///< what followed the bytes in the slot was thrown away
    bool severed_in_line = false;  ///< and that ended amid a line
    /// What at the front of the slot the console has taken and the syslog daemon not yet.
    Sink::Taken on_console{};
    std::size_t passed = 0;         ///< so many bytes of the slot wait for the file alone
    Tail passed_tail = Tail::Keep;  ///< what the last record of those was cut with
    std::uint32_t capacity = 0;     ///< of the pipe; 0: not asked yet
    std::uint64_t read = 0;         ///< bytes, ever
    /// Once that many bytes were read, an unfinished line is a line.
    std::optional<std::uint64_t> finish_at;
    Time served{};  ///< when bytes were last read
    Time due{};     ///< when its rest ends

    /// Bytes that wait in the pipe.
    std::size_t pending() const {
        int n = 0;
        if (!pipe || ::ioctl(pipe.get(), FIONREAD, &n) != 0 || n < 0) return 0;
        return static_cast<std::size_t>(n);
    }
    SlotUse use() const;

    /// What of the above has to outlive a kill.
    Progress progress() const {
        const int line = (mid_line ? Progress::MidLine : 0) | (skipping ? Progress::Skipping : 0) |
                         (over_rate ? Progress::OverRate : 0);
        const int cut =
            (severed ? Progress::Severed : 0) | (severed_in_line ? Progress::SeveredInLine : 0);
        return {static_cast<std::uint8_t>(line), static_cast<std::uint8_t>(cut)};
    }
    void go_on_from(const Progress& progress) {
        mid_line = (progress.line & Progress::MidLine) != 0;
        skipping = (progress.line & Progress::Skipping) != 0;
        over_rate = (progress.line & Progress::OverRate) != 0;
        severed = (progress.cut & Progress::Severed) != 0;
        severed_in_line = (progress.cut & Progress::SeveredInLine) != 0;
    }
};

/// What the log thread knows of a service. Small: there may be ten thousand.
struct Service {
    explicit Service(std::string its_name) : name(std::move(its_name)) {
        out.service = err.service = this;
        err.source = Source::Err;
    }
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    Stream& stream(Source source) { return source == Source::Out ? out : err; }

    const std::string name;
    config::Log log;
    Stream out, err;
    LogFile file;
    bool tended = false;       ///< the archive knows `log`
    bool file_listed = false;  ///< counted among the open files
    Time file_used{};
    Ledger::Entry* books = nullptr;  ///< once there was anything to write into them
    Counts on_console;               ///< missing there, and not told yet
    std::string lost_why, reported;  ///< why lines are lost, and the reason that was reported last
    Time reported_at{};
    bool end_unreported = false;
    std::unique_ptr<Trouble> trouble;  ///< once there was any
    RateWindow rate;
    bool rotation_failed = false;
    bool removed = false;  ///< to be forgotten once nobody works on it

    /// Missing in the file, and not told there yet.
    Counts untold() const { return books != nullptr ? books->untold() : Counts{}; }
    bool waits_for_disk() const { return log.to_file && log.on_full == config::Log::OnFull::Block; }
};

inline SlotUse Stream::use() const {
    const config::Log& log = service->log;
    return {service->name, source, log.to_file, log.to_console, log.max_line, log.to_syslog};
}

}  // namespace reeve::log
