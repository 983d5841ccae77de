#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "supervisor/log/spool.h"

namespace reeve::log {

/// The log files of one service: DIRECTORY/current, which grows, and those rotated away beside it.
/// Opened when it is first needed; whoever drives it may close it at any time between two appends.
class LogFile {
  public:
    /// Opens `current`, making it and its directory where they are missing. `now` is any clock that
    /// goes forward: once in a second an open file is looked at again, and made anew when it was
    /// deleted. True: it was opened or looked at by this call.
    Result<bool> prepare(const std::string& directory, Time now);

    /// Whether prepare() would have anything to do.
    bool is_due(Time now) const { return !fd_ || look_due_ || now - looked_ >= 1s; }
    /// Has the next prepare() look at an open file, however short a time ago it did.
    void look_again() { look_due_ = true; }

    /// Makes a directory and those above it; false, with errno, when it cannot be had.
    static bool make_directories(const std::string& path);

    bool is_open() const { return static_cast<bool>(fd_); }
    void close() { fd_.reset(); }

    std::uint64_t size() const { return mark_.size; }
    /// Which file and how far it has come.
    const FileMark& mark() const { return mark_; }

    /// All of it or, after an error, nothing.
    Result<> append(std::string_view records);

    /// Renames `current`, and no more: what becomes of it is not for whoever writes to wait for.
    /// The next prepare() begins a new one. After an error `current` goes on growing.
    Result<> rotate(const std::string& directory, WallTime now);

    /// The moment to write next to a record: `now`, or that of the last one when the clock was set
    /// back.
    WallTime stamp(WallTime now);

    /// Whether the first record of the open file was that old at the moment that stamp() gave last.
    bool is_older_than(Duration age) const { return first_ && last_ - *first_ >= age; }

    /// Takes back what was appended to DIRECTORY/current after that mark, when it is still that
    /// file.
    static Result<> undo(const std::string& directory, const FileMark& mark);

  private:
    Result<> open(const std::string& directory);
    void read_ends();

    Fd fd_;
    bool torn_ = false;  // the last line has no newline: somebody else's, or of a crashed machine
    bool cut_due_ = false;  // there is half a batch behind the mark
    FileMark mark_;
    std::optional<WallTime> first_;  // of the first record, where that bears one
    WallTime last_{};
    std::optional<WallTime> newest_;  // of the rotated files; nothing: not looked yet
    Time looked_{};
    bool look_due_ = false;
};

}  // namespace reeve::log
