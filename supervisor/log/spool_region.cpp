#include "supervisor/log/spool_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "supervisor/log/kept_file.h"
#include "supervisor/log/ledger.h"

namespace reeve::log {

namespace {

constexpr std::size_t kHeadersOffset = 4096;
// A multiple of every page size that Linux has.
constexpr std::size_t kDataOffset = 128u << 10;
constexpr std::size_t kFileBytes = kDataOffset + kMaxSlots * kSlotBytes;
// The layout's version is part of it: a spool of another layout is not read.
constexpr char kMagic[16] = "reeve spool 1\n";
static_assert(kHeadersOffset + kMaxSlots * sizeof(SlotHeader) <= kDataOffset);
static_assert(kSlotBytes % (64u << 10) == 0);

constexpr KeptLayout kLayout{{kMagic, sizeof kMagic}, kFileBytes};

}  // namespace

Slot::~Slot() { ::munmap(data_, 2 * kSlotBytes); }

Result<> Spool::check(const std::string& path) {
    if (auto checked = check_kept(path, kLayout); !checked) return checked;
    return Ledger::check(path);
}

Result<std::unique_ptr<Spool::Region>> Spool::Region::open_file(const std::string& path) {
    auto file = open_kept(path, kLayout);
    if (!file) return file.error();
    std::unique_ptr<Region> region(new Region(std::move(file->fd), true));
    if (auto mapped = region->map_headers(file->fresh); !mapped) {
        if (file->fresh) ::unlink(path.c_str());
        return mapped.error();
    }
    return region;
}

Result<std::unique_ptr<Spool::Region>> Spool::Region::anonymous() {
    auto file = unnamed_kept(kLayout);
    if (!file) return file.error();
    std::unique_ptr<Region> region(new Region(std::move(file->fd), false));
    if (auto mapped = region->map_headers(true); !mapped) return mapped.error();
    return region;
}

Result<> Spool::Region::map_headers(bool fresh) {
    fresh_ = fresh;
    if (fresh) {
        if (auto reserved = reserve(fd_.get(), 0, kDataOffset); !reserved) return reserved;
    }
    const auto base = map_kept(fd_.get(), 0, kDataOffset);
    if (!base) return base.error();
    base_ = *base;
    headers_ = reinterpret_cast<SlotHeader*>(base_ + kHeadersOffset);
    // Last: a file without it is not a spool yet.
    if (fresh) std::memcpy(base_, kMagic, sizeof kMagic);
    free_.reserve(kMaxSlots);
    for (std::size_t i = kMaxSlots; i-- > 0;) free_.push_back(static_cast<std::uint16_t>(i));
    return {};
}

Spool::Region::~Region() {
    slots_.clear();
    if (base_ != nullptr) ::munmap(base_, kDataOffset);
}

Result<Slot*> Spool::Region::slot(std::size_t index) {
    std::unique_ptr<Slot>& slot = slots_[index];
    if (slot) return slot.get();
    const std::size_t offset = kDataOffset + index * kSlotBytes;
    if (auto got = reserve(fd_.get(), offset, kSlotBytes); !got) return got.error();
    auto data = map_twice(fd_.get(), offset);
    if (!data) return data.error();
    const std::size_t number = survives_ ? index : Slot::kPrivate;
    slot = std::make_unique<Slot>(headers_[index], *data, number);
    ++reserved_;
    return slot.get();
}

void Spool::Region::shrink(std::size_t reserved) {
    // Those at the end are taken first.
    for (const std::uint16_t index : free_) {
        if (reserved_ <= reserved) return;
        if (!slots_[index]) continue;
        slots_[index].reset();
        --reserved_;
        ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(kDataOffset + index * kSlotBytes), kSlotBytes);
    }
}

std::size_t Spool::Region::index(const Slot& slot) const {
    return static_cast<std::size_t>(&slot.header_ - headers_);
}

bool Spool::Region::owns(const Slot& slot) const {
    return &slot.header_ >= headers_ && &slot.header_ < headers_ + kMaxSlots;
}

}  // namespace reeve::log
