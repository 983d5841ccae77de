#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "supervisor/log/spool.h"

/// Every line that is not written is counted, although the supervisor may be killed at any instant.
///
/// The ledger is a file beside the spool, of the same kind: memory that outlives the process. It
/// has an entry for each service of whose log something was missing, with two sums: what is missing
/// ever, and what of that was told in the log. Both only grow. What is yet to be told is their
/// difference, so that whoever counts while a call to the disk lasts cannot disturb whoever tells.
///
/// A line that is lost leaves its slot and enters the sum, a notice enters the file along with
/// lines that leave their slot: two places, between which a kill may come. So a change is written
/// down whole before it is made, with the sums as they will be, and has one store that decides:
///
///   1. change = {entry, sums afterwards, slot, position where that begins now}
///   2. change.state = Armed
///   3. what is told is written to the file, behind the slot's own write intent
///   4. the slot's begin moves on         (this decides: the position is not the current one)
///   5. the sums are put into the entry
///   6. change.state = None
///
/// A successor that finds a change goes by the slot: at the same position, nothing has happened,
/// and the slot's write intent takes the notice back along with the lines. Further on, it does step
/// 5, which may be done any number of times. A change without a slot is decided by its own state,
/// and has a mark of its own to take the notice back to. Two changes may be under way: one by who
/// tells, which lasts as long as the disk takes, and one by who counts.
///
/// Lines that are thrown away as the disk does not answer are read into a slot as well, the bin,
/// and leave it by such a change: what a successor finds in it was read and not counted.
///
/// The spool is as it was before there was a ledger. A supervisor of that time passes the ledger
/// over: it neither tells nor counts in it. A later one then finds the sums as they were left, but
/// must not go by what slots and files have come to meanwhile: see Spool::recover().
namespace reeve::log {

/// Of one service, ever.
struct Counts {
    std::uint64_t lost = 0;       ///< lines that no file took
    std::uint64_t over_rate = 0;  ///< lines beyond what the rate allows
    /// By source: lines of which a part was written and the rest lost.
    std::array<std::uint64_t, 2> cut_off{};

    bool operator==(const Counts&) const = default;
    Counts operator-(const Counts& other) const {
        return {lost - other.lost,
                over_rate - other.over_rate,
                {cut_off[0] - other.cut_off[0], cut_off[1] - other.cut_off[1]}};
    }
    bool nothing() const { return *this == Counts{}; }
};

/// How a stream stands between what left its slot and what comes: bits.
struct Progress {
    enum Line : std::uint8_t { MidLine = 1, Skipping = 2, OverRate = 4 };
    enum Cut : std::uint8_t { Severed = 1, SeveredInLine = 2 };
    std::uint8_t line = 0;
    std::uint8_t cut = 0;
    bool operator==(const Progress&) const = default;
};

/// Used by whoever has the log's lock, but for tell(), which is the writing thread's.
class Ledger {
  public:
    class Entry;

    /// What one step does to the books of a service.
    struct Step {
        Entry& entry;
        Counts sums;  ///< as they are afterwards: of what is missing or of what was told
        Source source = Source::Out;
        Progress progress{};  ///< of that source, afterwards
    };

    /// That beside the spool of that path, which is made or taken over; empty: memory that dies
    /// with the process.
    static Result<std::unique_ptr<Ledger>> open(const std::string& spool);
    /// An error when something is there that open() would not take over. Changes nothing.
    static Result<> check(const std::string& spool);
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    /// What a predecessor has left.
    struct Found {
        std::vector<Entry*> entries;
        /// A notice that was perhaps written: take the file back to this mark, then drop_telling().
        Entry* telling = nullptr;
        FileMark undo;
    };
    /// To be called once, before a slot is touched. `trusted`: nobody has worked on them without
    /// the ledger.
    void recover(std::span<SlotHeader> slots, bool trusted);
    const Found& found() const { return found_; }

    /// A new entry; in private memory when there is no room for it.
    Entry& make(const std::string& service);
    void release(Entry& entry);

    /// Counts what is missing. With n > 0 these bytes leave the slot, in the same instant.
    void count(const Step& step, Slot* slot, std::size_t n);

    /// Before a notice, or the part of a line, is written to the file: with the bytes of a slot
    /// that is armed, or by itself. Then one of the other two.
    void begin_telling(const Step& step, const Slot* slot, const FileMark& mark);
    void told(Slot* slot, std::size_t n);
    void drop_telling();

    /// Where a stream's bytes go that nobody can keep. nullptr: there is no memory.
    Slot* bin(const SlotUse& use);

    /// Removes the file when there is nothing to tell in it.
    void discard();

  private:
    struct Head;
    struct Change;

    explicit Ledger(Fd fd);
    Result<> map(bool fresh);
    Result<> map_bin();
    Result<> make_private_bin();
    bool reserve_entries(std::size_t count);
    void recover_change(Change& change, std::span<SlotHeader> slots);
    void empty_bin();
    Entry& find_or_make(const std::string& service);
    void arm(Change& change, const Step& step, const Slot* slot, const FileMark& mark);
    void settle(Change& change, Entry& entry);

    std::string path_;
    Fd fd_;
    Head* head_ = nullptr;
    Entry* entries_ = nullptr;
    std::unique_ptr<SlotHeader> private_bin_;
    std::unique_ptr<Slot> bin_;
    std::vector<std::size_t> free_;  // entries
    std::deque<Entry> private_;      // those that had no room
    Entry* telling_ = nullptr;
    Found found_;
};

/// The books of one service. Written by a Ledger alone, but for `status`.
class Ledger::Entry {
  public:
    std::string_view service() const { return {name_, name_size_}; }
    const Counts& missing() const { return missing_; }
    const Counts& told() const { return told_; }
    Counts untold() const { return missing_ - told_; }
    Progress progress(Source source) const { return progress_[static_cast<std::size_t>(source)]; }

    /// What `status` shows beside the sums; a kill amid set_status() may leave it without a reason.
    struct Status {
        bool failing = false, waiting = false;
        WallTime since{};
        std::uint64_t over_rate = 0;
        std::string reason;
    };
    void set_status(const Status& status);
    void set_reason(std::string_view why);
    Status status() const;

  private:
    friend class Ledger;
    bool is_sound() const;
    /// What stood in slots and files is no longer so.
    void forget_streams();

    std::atomic<std::uint32_t> used_{0};
    std::uint8_t name_size_ = 0;
    std::uint8_t failing_ = 0, waiting_ = 0;
    std::atomic<std::uint8_t> reason_size_{0};
    Counts missing_, told_;
    Progress progress_[2];
    std::uint8_t reserved_[4] = {};
    std::int64_t since_ = 0;
    std::uint64_t over_rate_ = 0;
    char reason_[128] = {};
    char name_[160] = {};
};

}  // namespace reeve::log
