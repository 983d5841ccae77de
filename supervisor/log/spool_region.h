#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/log/spool.h"

/// How the spool lies in its file: a page, the headers, the slots' data.
namespace reeve::log {

inline constexpr std::uint64_t kNoPosition = ~std::uint64_t{0};
/// No position either, for fill_pos alone. A supervisor older than the ledger, which takes over a
/// spool, puts kNoPosition there, and nobody else does: that tells that it was there.
inline constexpr std::uint64_t kNoFill = kNoPosition - 1;

/// What of a slot must survive a kill; see the essay in spool.h for the order of its stores.
struct SlotHeader {
    std::atomic<std::uint32_t> used;
    std::uint32_t max_line;
    std::uint8_t source, to_file, to_console, name_size;
    std::uint8_t to_syslog;
    std::uint8_t reserved[3];  // zero, as was to_syslog where it was not known yet
    std::atomic<std::uint64_t> begin, end;
    std::atomic<std::uint64_t> fill_pos;
    std::uint64_t fill_size;
    char canary[kCanaryBytes];
    std::atomic<std::uint64_t> batch_pos;
    FileMark mark;
    char name[160];
};
static_assert(sizeof(SlotHeader) == 256);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Whether its fields can be followed.
bool sound(const SlotHeader& header);
void write_use(SlotHeader& header, const SlotUse& use);
SlotUse read_use(const SlotHeader& header);
/// Finishes or forgets a read that a kill may have cut short.
void settle_fill(SlotHeader& header, const char* data);

/// A file of slots, on tmpfs or in anonymous memory, mapped as far as it is used.
class Spool::Region {
  public:
    static Result<std::unique_ptr<Region>> open_file(const std::string& path);
    static Result<std::unique_ptr<Region>> anonymous();
    ~Region();
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;

    std::span<SlotHeader> headers() const { return {headers_, kMaxSlots}; }
    /// Nobody has left it behind.
    bool is_fresh() const { return fresh_; }

    /// The slot with that number, its memory reserved: touching it cannot raise SIGBUS.
    Result<Slot*> slot(std::size_t index);
    bool owns(const Slot& slot) const;

    /// How many slots have memory.
    std::size_t reserved() const { return reserved_; }
    /// Takes the memory from slots that are not in use until that many have some.
    void shrink(std::size_t reserved);

    /// Slots that are not in use. The one given back last is taken first: its memory is warm.
    std::vector<std::uint16_t>& free() { return free_; }
    std::size_t index(const Slot& slot) const;

  private:
    Region(Fd fd, bool survives) : fd_(std::move(fd)), survives_(survives), slots_(kMaxSlots) {}
    Result<> map_headers(bool fresh);

    Fd fd_;
    const bool survives_;  // this process
    bool fresh_ = false;
    char* base_ = nullptr;
    SlotHeader* headers_ = nullptr;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<std::uint16_t> free_;
    std::size_t reserved_ = 0;
};

}  // namespace reeve::log
