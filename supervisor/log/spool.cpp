#include "supervisor/log/spool.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/fault_point.h"
#include "supervisor/log/ledger.h"
#include "supervisor/log/spool_region.h"

namespace reeve::log {

namespace {

constexpr auto kRelease = std::memory_order_release;
constexpr auto kRelaxed = std::memory_order_relaxed;

/// So many keep their memory: what comes and goes all the time must not be reserved each time.
constexpr std::size_t kWarmSlots = 8;

std::size_t place(std::uint64_t position) { return position & (kSlotBytes - 1); }

std::uint64_t next_start(std::uint64_t position) {
    return (position + kSlotBytes - 1) & ~std::uint64_t{kSlotBytes - 1};
}

/// A slot that nobody uses, with both positions at a place where the ring begins: a short use then
/// touches few pages.
void reset(SlotHeader& header) {
    header.used.store(0, kRelease);
    const std::uint64_t start = next_start(header.end.load(kRelaxed));
    header.begin.store(start, kRelaxed);
    header.end.store(start, kRelaxed);
    header.fill_pos.store(kNoFill, kRelaxed);
    header.batch_pos.store(kNoPosition, kRelaxed);
}

/// A kill that comes while read(2) waits for a page to be mapped cuts the read short, and nobody
/// would know how much of the pipe it has taken. So each is there before.
void have_pages(char* data, std::size_t n) {
    constexpr std::size_t smallest_page = 4096;
    for (std::size_t i = 0; i < n; i += smallest_page) *static_cast<volatile char*>(data + i) = 0;
    *static_cast<volatile char*>(data + n - 1) = 0;
}

}  // namespace

bool sound(const SlotHeader& header) {
    const std::uint64_t begin = header.begin.load(kRelaxed), end = header.end.load(kRelaxed);
    return begin <= end && end - begin <= kSlotBytes && header.name_size > 0 &&
           header.name_size <= sizeof header.name && header.source <= 1 &&
           std::memchr(header.name, '/', header.name_size) == nullptr && header.name[0] != '.' &&
           header.max_line > 0 && header.max_line <= kMaxPart;
}

void settle_fill(SlotHeader& header, const char* data) {
    const std::uint64_t end = header.end.load(kRelaxed);
    const std::uint64_t room = kSlotBytes - (end - header.begin.load(kRelaxed));
    const std::uint64_t n = header.fill_size;
    if (header.fill_pos.load(kRelaxed) == end && n > 0 && n <= room) {
        const std::size_t compared = std::min<std::size_t>(n, kCanaryBytes);
        if (std::memcmp(data + place(end), header.canary, compared) != 0) {
            header.end.store(end + n, kRelease);
        }
    }
    header.fill_pos.store(kNoFill, kRelease);
}

void write_use(SlotHeader& header, const SlotUse& use) {
    header.source = static_cast<std::uint8_t>(use.source);
    header.to_file = use.to_file;
    header.to_console = use.to_console;
    header.to_syslog = use.to_syslog;
    header.max_line =
        static_cast<std::uint32_t>(std::clamp<std::size_t>(use.max_line, 1, kMaxPart));
    header.name_size = static_cast<std::uint8_t>(use.service.size());
    std::memcpy(header.name, use.service.data(), use.service.size());
}

SlotUse read_use(const SlotHeader& header) {
    return {.service = std::string(header.name, header.name_size),
            .source = static_cast<Source>(header.source),
            .to_file = header.to_file != 0,
            .to_console = header.to_console != 0,
            .max_line = header.max_line,
            .to_syslog = header.to_syslog != 0};
}

std::string_view Slot::unwritten() const {
    const std::uint64_t begin = header_.begin.load(kRelaxed);
    return {data_ + place(begin), header_.end.load(kRelaxed) - begin};
}

std::size_t Slot::room() const { return kSlotBytes - unwritten().size(); }

void Slot::arm(const FileMark& mark) {
    header_.batch_pos.store(kNoPosition, kRelease);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    header_.mark = mark;
    header_.batch_pos.store(header_.begin.load(kRelaxed), kRelease);
    fault_point("a batch that is armed");
    // The write that follows is a system call: nothing may be left to be stored after it.
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

void Slot::commit(std::size_t n) {
    fault_point("a batch that is written");
    header_.begin.store(header_.begin.load(kRelaxed) + n, kRelease);
    fault_point("a batch that counts");
    header_.batch_pos.store(kNoPosition, kRelease);
}

void Slot::disarm() { header_.batch_pos.store(kNoPosition, kRelease); }

Spool::Spool() = default;
Spool::Spool(Spool&&) noexcept = default;
Spool& Spool::operator=(Spool&&) noexcept = default;
Spool::~Spool() = default;

Result<Spool> Spool::open(const std::string& path) {
    Spool spool;
    if (!path.empty()) {
        auto region = Region::open_file(path);
        if (!region) return region.error();
        spool.path_ = path;
        spool.file_ = std::move(*region);
    } else {
        auto region = Region::anonymous();
        if (!region) return region.error();
        spool.memory_ = std::move(*region);
    }
    auto ledger = Ledger::open(path);
    if (!ledger) return ledger.error();
    spool.ledger_ = std::move(*ledger);
    if (::getrandom(spool.random_, sizeof spool.random_, 0) != sizeof spool.random_) {
        return system_error("cannot get random bytes for the log spool");
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return system_error("cannot make a pipe");
    spool.scratch_out_.reset(ends[0]);
    spool.scratch_in_.reset(ends[1]);
    return spool;
}

Spool::Recovery Spool::recover() {
    Recovery recovery;
    if (!file_) return recovery;
    const std::span<SlotHeader> headers = file_->headers();
    // Whoever has no ledger has voided all fills by another value than ours.
    const bool trusted =
        !file_->is_fresh() && std::none_of(headers.begin(), headers.end(), [](const auto& header) {
            return header.fill_pos.load(kRelaxed) == kNoPosition;
        });
    // Before any slot moves: its changes are decided by where the slots are.
    ledger_->recover(headers, trusted);
    std::vector<std::uint16_t>& free = file_->free();
    free.clear();
    for (std::size_t i = kMaxSlots; i-- > 0;) {
        SlotHeader& header = file_->headers()[i];
        if (header.used.load(kRelaxed) != 0) {
            const auto slot = sound(header) ? file_->slot(i) : error("damaged");
            if (slot) {
                settle_fill(header, (*slot)->data_);
                ++used_;
                const bool armed = header.batch_pos.load(kRelaxed) == header.begin.load(kRelaxed);
                recovery.found.push_back(
                    {*slot, read_use(header), armed ? std::optional(header.mark) : std::nullopt});
                continue;
            }
            ++recovery.damaged;
        }
        reset(header);
        free.push_back(static_cast<std::uint16_t>(i));
    }
    return recovery;
}

bool Spool::fits(const SlotUse& use) {
    return !use.service.empty() && use.service.size() <= sizeof SlotHeader::name;
}

Slot* Spool::take(Region& region, const SlotUse& use) {
    if (region.free().empty()) return nullptr;
    const std::size_t index = region.free().back();
    const auto slot = region.slot(index);
    if (!slot) {
        if (!degraded_) problem_ = slot.error();
        degraded_ = true;
        return nullptr;
    }
    region.free().pop_back();
    SlotHeader& header = region.headers()[index];
    reset(header);
    write_use(header, use);
    header.used.store(1, kRelease);
    most_used_ = std::max(most_used_, ++used_);
    return *slot;
}

Slot* Spool::acquire(const SlotUse& use) {
    if (file_) {
        if (Slot* slot = take(*file_, use)) {
            degraded_ = false;
            return slot;
        }
        if (!degraded_) return nullptr;
        if (!memory_) {
            auto region = Region::anonymous();
            if (!region) return nullptr;
            memory_ = std::move(*region);
        }
    }
    return take(*memory_, use);
}

void Spool::describe(Slot& slot, const SlotUse& use) { write_use(slot.header_, use); }

void Spool::release(Slot& slot) {
    Region& region = file_ && file_->owns(slot) ? *file_ : *memory_;
    reset(slot.header_);
    --used_;
    region.free().push_back(static_cast<std::uint16_t>(region.index(slot)));
}

Result<std::size_t> Spool::peek(int pipe, std::size_t n, char* to) {
    ssize_t seen = ::tee(pipe, scratch_in_.get(), n, SPLICE_F_NONBLOCK);
    if (seen < 0 && errno == EAGAIN) return std::size_t{0};
    if (seen >= 0) seen = ::read(scratch_out_.get(), to, n);
    if (seen < 0) return system_error("cannot look into a log pipe");
    // In packet mode a read ends with the packet: what stayed behind must not be seen next time.
    char rest[kCanaryBytes];
    while (static_cast<std::size_t>(seen) < n &&
           ::read(scratch_out_.get(), rest, sizeof rest) > 0) {
    }
    return static_cast<std::size_t>(seen);
}

Result<std::size_t> Spool::fill(Slot& slot, int pipe, std::size_t available) {
    SlotHeader& header = slot.header_;
    std::size_t n = std::min(available, slot.room());
    if (n == 0) return std::size_t{0};
    const std::uint64_t end = header.end.load(kRelaxed);
    char* landing = slot.data_ + place(end);

    header.fill_pos.store(kNoFill, kRelease);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    have_pages(landing, n);
    if (n >= kCanaryBytes) {
        std::memcpy(header.canary, random_, kCanaryBytes);
    } else {
        const auto seen = peek(pipe, n, header.canary);
        if (!seen || *seen == 0) return seen;
        n = *seen;
        for (std::size_t i = 0; i < n; ++i) header.canary[i] = static_cast<char>(~header.canary[i]);
    }
    std::memcpy(landing, header.canary, std::min(n, kCanaryBytes));
    header.fill_size = n;
    header.fill_pos.store(end, kRelease);
    std::atomic_signal_fence(std::memory_order_seq_cst);

    fault_point("a read from a log pipe");
    const ssize_t got = ::read(pipe, landing, n);
    fault_point("bytes of a log pipe that do not count yet");
    if (got < 0 && errno != EAGAIN && errno != EINTR) return system_error("cannot read a log pipe");
    if (got <= 0) return std::size_t{0};
    header.end.store(end + static_cast<std::size_t>(got), kRelease);
    return static_cast<std::size_t>(got);
}

bool Spool::has_spare() const {
    const std::size_t reserved =
        (file_ ? file_->reserved() : 0) + (memory_ ? memory_->reserved() : 0);
    return reserved > std::max(kWarmSlots, used_);
}

void Spool::give_back() {
    const std::size_t kept = std::max(kWarmSlots, most_used_);
    if (memory_) memory_->shrink(file_ ? 0 : kept);
    if (file_) file_->shrink(kept);
    most_used_ = used_;
}

std::optional<Error> Spool::take_problem() { return std::exchange(problem_, std::nullopt); }

void Spool::discard() {
    if (!file_ || path_.empty()) return;
    for (const SlotHeader& header : file_->headers()) {
        if (header.used.load(kRelaxed) != 0) return;
    }
    ledger_->discard();
    ::unlink(path_.c_str());
}

}  // namespace reeve::log
