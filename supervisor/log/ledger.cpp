#include "supervisor/log/ledger.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "base/fault_point.h"
#include "supervisor/log/kept_file.h"
#include "supervisor/log/spool_region.h"

namespace reeve::log {

namespace {

constexpr auto kRelease = std::memory_order_release;
constexpr auto kRelaxed = std::memory_order_relaxed;

constexpr std::size_t kEntryBytes = 384;
constexpr std::size_t kMaxEntries = 1u << 14;
// Multiples of every page size that Linux has.
constexpr std::size_t kBinOffset = 64u << 10;
constexpr std::size_t kEntriesOffset = kBinOffset + kSlotBytes;
constexpr std::size_t kHeadBytes = 4096;
/// So many entries get memory at a time.
constexpr std::size_t kStride = 64;
constexpr char kMagic[16] = "reeve lost 1\n";
constexpr KeptLayout kLayout{{kMagic, sizeof kMagic}, kEntriesOffset + kMaxEntries* kEntryBytes};

/// In place of the number of a slot.
constexpr std::uint32_t kBin = kMaxSlots;
constexpr std::uint32_t kNoSlot = kMaxSlots + 1;
constexpr std::uint32_t kLostWithUs = kMaxSlots + 2;
constexpr std::uint32_t kNoEntry = kMaxEntries;

std::string path_beside(const std::string& spool) { return spool + "-lost"; }

void keep_order() { std::atomic_signal_fence(std::memory_order_seq_cst); }

}  // namespace

struct Ledger::Change {
    enum State : std::uint32_t { None, Armed, Done };
    std::atomic<std::uint32_t> state;
    std::uint32_t entry, slot;
    std::uint8_t source;
    Progress progress;
    std::uint64_t position;
    Counts sums;
    FileMark mark;

    bool tells(const Head& head) const;
};

struct Ledger::Head {
    char magic[sizeof kMagic];
    std::atomic<std::uint32_t> entries;  ///< so many have memory
    std::uint32_t reserved[11];
    Change counting, telling;
    char gap[32];
    SlotHeader bin;
};
static_assert(std::is_standard_layout_v<Counts> && sizeof(Counts) == 32);

bool Ledger::Change::tells(const Head& head) const { return this == &head.telling; }

void Ledger::Entry::set_reason(std::string_view why) {
    why = why.substr(0, sizeof reason_);
    if (why == std::string_view(reason_, reason_size_.load(kRelaxed))) return;
    reason_size_.store(0, kRelease);
    keep_order();
    std::memcpy(reason_, why.data(), why.size());
    reason_size_.store(static_cast<std::uint8_t>(why.size()), kRelease);
}

void Ledger::Entry::set_status(const Status& status) {
    failing_ = status.failing;
    waiting_ = status.waiting;
    since_ = status.since.time_since_epoch().count();
    over_rate_ = status.over_rate;
    set_reason(status.reason);
}

Ledger::Entry::Status Ledger::Entry::status() const {
    const std::size_t size = std::min<std::size_t>(reason_size_.load(kRelaxed), sizeof reason_);
    return {.failing = failing_ != 0,
            .waiting = waiting_ != 0,
            .since = WallTime(WallTime::duration(since_)),
            .over_rate = over_rate_,
            .reason = std::string(reason_, size)};
}

void Ledger::Entry::forget_streams() {
    std::fill_n(progress_, 2, Progress{});
    told_.cut_off = missing_.cut_off;
}

bool Ledger::Entry::is_sound() const {
    const auto within = [](std::uint64_t told, std::uint64_t missing) { return told <= missing; };
    return name_size_ > 0 && name_size_ <= sizeof name_ && name_[0] != '.' &&
           std::memchr(name_, '/', name_size_) == nullptr && within(told_.lost, missing_.lost) &&
           within(told_.over_rate, missing_.over_rate) &&
           within(told_.cut_off[0], missing_.cut_off[0]) &&
           within(told_.cut_off[1], missing_.cut_off[1]);
}

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& spool) {
    const std::string path = spool.empty() ? spool : path_beside(spool);
    static_assert(sizeof(Entry) <= kEntryBytes && kEntryBytes % alignof(Entry) == 0);
    static_assert(sizeof(Entry) == kEntryBytes);
    static_assert(sizeof(Change) == 80 && sizeof(Head) == 512 && sizeof(Head) <= kHeadBytes);
    auto file = path.empty() ? unnamed_kept(kLayout) : open_kept(path, kLayout);
    if (!file) return file.error();
    std::unique_ptr<Ledger> ledger(new Ledger(std::move(file->fd)));
    if (auto mapped = ledger->map(file->fresh); !mapped) {
        if (file->fresh && !path.empty()) ::unlink(path.c_str());
        return mapped.error();
    }
    ledger->path_ = path;
    return ledger;
}

Ledger::Ledger(Fd fd) : fd_(std::move(fd)) {}

Result<> Ledger::check(const std::string& spool) { return check_kept(path_beside(spool), kLayout); }

Result<> Ledger::map(bool fresh) {
    if (auto got = reserve(fd_.get(), 0, kHeadBytes); !got) return got;
    const auto head = map_kept(fd_.get(), 0, kHeadBytes);
    if (!head) return head.error();
    head_ = reinterpret_cast<Head*>(*head);
    const auto entries = map_kept(fd_.get(), kEntriesOffset, kMaxEntries * kEntryBytes);
    if (!entries) return entries.error();
    entries_ = reinterpret_cast<Entry*>(*entries);
    if (fresh) std::memcpy(head_->magic, kMagic, sizeof kMagic);
    return {};
}

Ledger::~Ledger() {
    if (entries_ != nullptr) ::munmap(entries_, kMaxEntries * kEntryBytes);
    if (head_ != nullptr) ::munmap(head_, kHeadBytes);
}

/// False: there is no room.
bool Ledger::reserve_entries(std::size_t count) {
    return count <= kMaxEntries && reserve(fd_.get(), kEntriesOffset, count * kEntryBytes);
}

void Ledger::recover(std::span<SlotHeader> slots, bool trusted) {
    std::size_t count = head_->entries.load(kRelaxed);
    if (count > 0 && !reserve_entries(count)) {
        count = 0;
        head_->entries.store(0, kRelease);
    }
    for (std::size_t i = count; i-- > 0;) {
        Entry& entry = entries_[i];
        if (entry.used_.load(kRelaxed) != 0 && !entry.is_sound()) entry.used_.store(0, kRelease);
        if (entry.used_.load(kRelaxed) == 0) free_.push_back(i);
    }
    for (Change* change : {&head_->counting, &head_->telling}) {
        if (trusted) recover_change(*change, slots);
        if (change != &head_->telling || found_.telling == nullptr) {
            change->state.store(Change::None, kRelease);
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (entries_[i].used_.load(kRelaxed) == 0) continue;
        if (!trusted) entries_[i].forget_streams();
        found_.entries.push_back(&entries_[i]);
    }
    empty_bin();
}

/// Makes a change whole that a kill has cut off, or forgets it.
void Ledger::recover_change(Change& change, std::span<SlotHeader> slots) {
    const std::uint32_t state = change.state.load(kRelaxed);
    const bool sound = change.entry < head_->entries.load(kRelaxed) && change.source <= 1 &&
                       entries_[change.entry].used_.load(kRelaxed) != 0;
    if (state == Change::None || !sound) return;
    Entry& entry = entries_[change.entry];
    bool done = state == Change::Done;
    if (change.slot <= kBin) {
        const SlotHeader& slot = change.slot == kBin ? head_->bin : slots[change.slot];
        done = slot.begin.load(kRelaxed) != change.position;
    } else if (change.slot == kNoSlot && !done && change.tells(*head_)) {
        found_.telling = telling_ = &entry;
        found_.undo = change.mark;
    }
    if (done) settle(change, entry);
}

/// Counts what was read to be thrown away.
void Ledger::empty_bin() {
    SlotHeader& header = head_->bin;
    if (header.used.load(kRelaxed) == 0) return;
    if (sound(header) && map_bin()) {
        settle_fill(header, bin_->data_);
        const std::string_view bytes = bin_->unwritten();
        const SlotUse use = read_use(header);
        if (!bytes.empty()) {
            Entry& entry = find_or_make(use.service);
            Counts sums = entry.missing();
            sums.lost += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
            Progress progress = entry.progress(use.source);
            progress.cut = Progress::Severed;
            if (bytes.back() != '\n') progress.cut |= Progress::SeveredInLine;
            count({entry, sums, use.source, progress}, bin_.get(), bytes.size());
        }
    } else {
        header.begin.store(header.end.load(kRelaxed), kRelease);
    }
    header.used.store(0, kRelease);
}

Ledger::Entry& Ledger::find_or_make(const std::string& service) {
    const auto known =
        std::find_if(found_.entries.begin(), found_.entries.end(),
                     [&](const Entry* entry) { return entry->service() == service; });
    if (known != found_.entries.end()) return **known;
    found_.entries.push_back(&make(service));
    return *found_.entries.back();
}

Ledger::Entry& Ledger::make(const std::string& service) {
    std::size_t count = head_->entries.load(kRelaxed);
    if (free_.empty() && reserve_entries(count + kStride)) {
        for (std::size_t i = count + kStride; i-- > count;) free_.push_back(i);
        head_->entries.store(static_cast<std::uint32_t>(count + kStride), kRelease);
    }
    Entry* entry = nullptr;
    if (free_.empty()) {
        entry = &private_.emplace_back();
    } else {
        entry = new (&entries_[free_.back()]) Entry;
        free_.pop_back();
    }
    entry->name_size_ = static_cast<std::uint8_t>(std::min(service.size(), sizeof entry->name_));
    std::memcpy(entry->name_, service.data(), entry->name_size_);
    entry->used_.store(1, kRelease);
    return *entry;
}

void Ledger::release(Entry& entry) {
    entry.used_.store(0, kRelease);
    // The others stay where they are.
    if (&entry < entries_ || &entry >= entries_ + kMaxEntries) return;
    free_.push_back(static_cast<std::size_t>(&entry - entries_));
}

void Ledger::arm(Change& change, const Step& step, const Slot* slot, const FileMark& mark) {
    const bool kept = &step.entry >= entries_ && &step.entry < entries_ + kMaxEntries;
    change.state.store(Change::None, kRelease);
    keep_order();
    change.entry = kept ? static_cast<std::uint32_t>(&step.entry - entries_) : kNoEntry;
    change.slot = kNoSlot;
    if (slot != nullptr) {
        const bool found_again = slot->number_ != Slot::kPrivate;
        change.slot = found_again ? static_cast<std::uint32_t>(slot->number_) : kLostWithUs;
        change.position = slot->header_.begin.load(kRelaxed);
    }
    change.source = static_cast<std::uint8_t>(step.source);
    change.progress = step.progress;
    change.sums = step.sums;
    change.mark = mark;
    fault_point("a count that is written down");
    change.state.store(Change::Armed, kRelease);
    fault_point("a count that is armed");
    keep_order();
}

/// What was decided; to do it again changes nothing.
void Ledger::settle(Change& change, Entry& entry) {
    fault_point("a count that is decided");
    Progress& progress = entry.progress_[change.source];
    if (change.tells(*head_)) {
        entry.told_ = change.sums;
        // Whether it was severed meanwhile is not for this one to say.
        progress.line = change.progress.line;
    } else {
        entry.missing_ = change.sums;
        progress = change.progress;
    }
    fault_point("a count that is in the books");
    change.state.store(Change::None, kRelease);
}

void Ledger::count(const Step& step, Slot* slot, std::size_t n) {
    Change& change = head_->counting;
    arm(change, step, n > 0 ? slot : nullptr, {});
    if (n > 0) {
        slot->commit(n);
    } else {
        change.state.store(Change::Done, kRelease);
    }
    keep_order();
    settle(change, step.entry);
}

void Ledger::begin_telling(const Step& step, const Slot* slot, const FileMark& mark) {
    arm(head_->telling, step, slot, mark);
    telling_ = &step.entry;
}

void Ledger::told(Slot* slot, std::size_t n) {
    if (slot != nullptr) {
        slot->commit(n);
    } else {
        head_->telling.state.store(Change::Done, kRelease);
    }
    keep_order();
    settle(head_->telling, *std::exchange(telling_, nullptr));
}

void Ledger::drop_telling() {
    head_->telling.state.store(Change::None, kRelease);
    telling_ = nullptr;
}

Result<> Ledger::map_bin() {
    if (bin_) return {};
    if (auto got = reserve(fd_.get(), kBinOffset, kSlotBytes); !got) return got;
    const auto data = map_twice(fd_.get(), kBinOffset);
    if (!data) return data.error();
    bin_ = std::make_unique<Slot>(head_->bin, *data, kBin);
    return {};
}

/// Without room for it, one in private memory.
Result<> Ledger::make_private_bin() {
    const auto file = unnamed_kept({{}, kSlotBytes});
    if (!file) return file.error();
    const auto data = map_twice(file->fd.get(), 0);
    if (!data) return data.error();
    private_bin_ = std::make_unique<SlotHeader>();
    bin_ = std::make_unique<Slot>(*private_bin_, *data, Slot::kPrivate);
    return {};
}

Slot* Ledger::bin(const SlotUse& use) {
    if (!map_bin() && !make_private_bin()) return nullptr;
    write_use(bin_->header_, use);
    bin_->header_.used.store(1, kRelease);
    return bin_.get();
}

void Ledger::discard() {
    if (path_.empty()) return;
    for (std::size_t i = 0; i < head_->entries.load(kRelaxed); ++i) {
        const Entry& entry = entries_[i];
        if (entry.used_.load(kRelaxed) != 0 && !entry.untold().nothing()) return;
    }
    ::unlink(path_.c_str());
}

}  // namespace reeve::log
