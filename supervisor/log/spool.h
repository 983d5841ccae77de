#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/log/framer.h"

/// Every line exactly once, although the supervisor may be killed at any instant.
///
/// What was read from a pipe is gone from there, and what is not yet in the log file is nowhere
/// else: it must lie where a kill cannot reach it. That place is the spool, a file on tmpfs in the
/// runtime directory, mapped and shared, made of slots. A stream holds a slot while it has bytes
/// that are not in the log yet (an unfinished line among them) and none while it is idle.
///
/// The enemy is SIGKILL, not power loss: whatever the process had stored stays stored, in the order
/// of the program, and a system call that has begun ends before the process does. So it is enough
/// that each step commits with one store, and that the compiler keeps the order (release stores).
///
/// A slot is a ring. `begin` and `end` are positions that only ever grow, also from one use of the
/// slot to the next, so that a position never means two things. Two intents stand beside them, each
/// valid only while the position that it was made at is still the current one:
///
///   fill   1. fill_pos = none
///          2. fill_size = n, canary = c, and the canary goes where the bytes will land
///          3. fill_pos = end                      (the intent is valid)
///          4. read n bytes from the pipe to `end`
///          5. end += n                            (the bytes are ours, the intent is void)
///   write  1. batch_pos = none
///          2. mark = {device, inode, size} of the log file
///          3. batch_pos = begin                   (the intent is valid)
///          4. write the records of the first m bytes to the log file
///          5. begin += m                          (they are in the file, the intent is void)
///
/// A successor that finds a valid fill intent has to know whether 4 happened. We are the pipe's
/// only reader and at least n bytes were in it, so the read takes n bytes or none: a killed process
/// dies on its way back to user mode, not amid the copy. So it compares the landing place with the
/// canary. From kCanaryBytes on, the canary is random and nobody else can know it. Fewer bytes are
/// first seen by tee(2), and the canary is their complement: that comparison cannot err at all. A
/// valid write intent is undone by truncating the file to the mark's size, and the batch written
/// again.
///
/// What this leaves: a service that reads from its own output, or switches it to packet mode, may
/// get fewer than n bytes out of a read; a kill between 4 and 5 then gives its own log stale bytes.
/// And a console or a syslog daemon takes nothing back: after a kill their last lines may be there
/// twice.
namespace reeve::log {

inline constexpr std::size_t kSlotBytes = 128u << 10;
inline constexpr std::size_t kMaxSlots = 256;
inline constexpr std::size_t kCanaryBytes = 16;

/// The longest part of a line that is written as one record, whatever `max_line` says: a slot must
/// hold it with room to read on.
inline constexpr std::size_t kMaxPart = kSlotBytes / 2;

/// A log file and how far it had come before a batch.
struct FileMark {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    bool operator==(const FileMark&) const = default;
};

/// Whose bytes a slot holds and what is to become of them: all that a successor needs to know.
struct SlotUse {
    std::string service;
    Source source = Source::Out;
    bool to_file = true;
    bool to_console = false;
    std::size_t max_line = 0;
    bool to_syslog = false;
    bool operator==(const SlotUse&) const = default;
};

struct SlotHeader;

class Ledger;

/// Bytes of one stream between its pipe and its log, safe from a kill. Made by a Spool.
class Slot {
  public:
    /// In place of a number: memory that dies with the process.
    static constexpr std::size_t kPrivate = ~std::size_t{0};

    Slot(SlotHeader& header, char* data, std::size_t number)
        : header_(header), data_(data), number_(number) {}
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    /// In one piece: the data is mapped twice, one copy behind the other.
    std::string_view unwritten() const;
    std::size_t room() const;

    /// Notes the state of the log file before a batch is written to it.
    void arm(const FileMark& mark);
    /// The first n bytes are where they belong.
    void commit(std::size_t n);
    /// The log file is as it was before the batch: there is nothing to undo any more.
    void disarm();

  private:
    friend class Spool;
    friend class Ledger;

    SlotHeader& header_;
    char* data_;
    std::size_t number_;
};

/// Owns the slots, and the ledger beside them (ledger.h). Used by the log thread alone.
class Spool {
  public:
    /// `path` is made or, when it is there, taken over; empty: memory that dies with the process.
    static Result<Spool> open(const std::string& path);
    /// An error when something is there that open() would not take over. Changes nothing.
    static Result<> check(const std::string& path);

    Spool(Spool&&) noexcept;
    Spool& operator=(Spool&&) noexcept;
    ~Spool();

    /// A used slot that an earlier process left behind.
    struct Found {
        Slot* slot;
        SlotUse use;
        std::optional<FileMark> undo;  ///< truncate this file to this size before writing again
    };
    struct Recovery {
        std::vector<Found> found;
        std::size_t damaged = 0;  ///< slots that made no sense and were given up
    };
    /// To be called once, before the first acquire(). What the ledger has found is there.
    Recovery recover();

    /// An empty slot; nullptr when all are taken or there is no memory. When the spool's file
    /// system is full it is one in private memory, see take_problem().
    Slot* acquire(const SlotUse& use);
    /// Writes down what changed for a slot in use.
    void describe(Slot& slot, const SlotUse& use);
    /// The slot must be empty.
    void release(Slot& slot);

    /// Reads at most `available` bytes, which must be in the pipe already, as far as there is room.
    /// 0: there were none after all.
    Result<std::size_t> fill(Slot& slot, int pipe, std::size_t available);

    /// Why kills became dangerous, each time that begins.
    std::optional<Error> take_problem();

    /// Removes the file, when no slot is in use.
    void discard();

    /// Whether slots that are not in use have more memory than a few are worth.
    bool has_spare() const;
    /// Gives back what was not needed since the last time, but for that of a few slots.
    void give_back();

    static bool fits(const SlotUse& use);

    Ledger& ledger() { return *ledger_; }

  private:
    class Region;
    Spool();

    /// Sees bytes without taking them; how many of the n it saw.
    Result<std::size_t> peek(int pipe, std::size_t n, char* to);
    Slot* take(Region& region, const SlotUse& use);

    std::string path_;
    std::unique_ptr<Region> file_;    // null without a path
    std::unique_ptr<Region> memory_;  // made when it is needed
    std::unique_ptr<Ledger> ledger_;
    std::optional<Error> problem_;
    bool degraded_ = false;
    std::size_t used_ = 0, most_used_ = 0;  // slots; the most since the last give_back()
    char random_[kCanaryBytes] = {};
    Fd scratch_in_, scratch_out_;
};

}  // namespace reeve::log
