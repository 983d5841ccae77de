#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/time.h"
#include "config/plan.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/log_file.h"
#include "supervisor/log/sink.h"
#include "supervisor/log/spool.h"

namespace reeve::log {

struct Service;

/// One output of a service. Between two lines it is a descriptor and a few numbers; bytes it has
/// only in a slot.
struct Stream {
    /// Where it waits: for epoll, its turn, a moment to let the pipe fill, or a sink.
    enum class Place : std::uint8_t { Idle, Ready, Resting, AtSink };

    Service* service = nullptr;
    Slot* slot = nullptr;
    Fd pipe;
    Source source = Source::Out;
    Place place = Place::Idle;
    bool hung_up = false;   ///< nobody can write until it is opened again
    bool mid_line = false;  ///< a part was written, the rest of its line is to come
    /// What at the front of the slot the console has taken and the syslog daemon not yet.
    Sink::Taken on_console{};
    std::uint32_t capacity = 0;  ///< of the pipe; 0: not asked yet
    std::uint64_t read = 0;      ///< bytes, ever
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
    bool file_listed = false;  ///< counted among the open files
    Time file_used{};
    std::uint64_t lost = 0;  ///< lines that no file took, not told in the file yet
    int lost_why = 0;        ///< errno
    Time lost_told{};        ///< when that was reported
    bool rotation_failed = false;
};

inline SlotUse Stream::use() const {
    const config::Log& log = service->log;
    return {service->name, source, log.to_file, log.to_console, log.max_line, log.to_syslog};
}

}  // namespace reeve::log
