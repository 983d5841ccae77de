#include "supervisor/log/spool_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

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

/// The same pages twice in a row, so that a ring has no seam.
Result<char*> map_twice(int fd, std::size_t offset) {
    void* place = ::mmap(nullptr, 2 * kSlotBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) return system_error("cannot reserve addresses for the log spool");
    char* base = static_cast<char*>(place);
    for (char* at : {base, base + kSlotBytes}) {
        if (::mmap(at, kSlotBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                   static_cast<off_t>(offset)) == MAP_FAILED) {
            const int why = errno;
            ::munmap(base, 2 * kSlotBytes);
            return system_error("cannot map the log spool", why);
        }
    }
    return base;
}

bool is_spool(int fd) {
    struct stat st {};
    char magic[sizeof kMagic];
    return ::fstat(fd, &st) == 0 && st.st_size == static_cast<off_t>(kFileBytes) &&
           ::pread(fd, magic, sizeof magic, 0) == static_cast<ssize_t>(sizeof magic) &&
           std::memcmp(magic, kMagic, sizeof magic) == 0;
}

}  // namespace

Slot::~Slot() { ::munmap(data_, 2 * kSlotBytes); }

Result<std::unique_ptr<Spool::Region>> Spool::Region::open_file(const std::string& path) {
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    Fd fd(::open(path.c_str(), flags));
    const bool fresh = !fd || !is_spool(fd.get());
    if (fresh) {
        ::unlink(path.c_str());
        fd.reset(::open(path.c_str(), flags | O_CREAT | O_EXCL, 0600));
        if (!fd) return system_error("cannot create " + path);
    }
    std::unique_ptr<Region> region(new Region(std::move(fd)));
    if (auto mapped = region->map_headers(fresh); !mapped) {
        if (fresh) ::unlink(path.c_str());
        return mapped.error();
    }
    return region;
}

Result<std::unique_ptr<Spool::Region>> Spool::Region::anonymous() {
    Fd fd(::memfd_create("reeve-log", MFD_CLOEXEC));
    if (!fd) return system_error("cannot get memory for the log spool");
    std::unique_ptr<Region> region(new Region(std::move(fd)));
    if (auto mapped = region->map_headers(true); !mapped) return mapped.error();
    return region;
}

Result<> Spool::Region::map_headers(bool fresh) {
    if (fresh && (::ftruncate(fd_.get(), static_cast<off_t>(kFileBytes)) != 0 ||
                  ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(kDataOffset)) != 0)) {
        return system_error("cannot get memory for the log spool");
    }
    void* base = ::mmap(nullptr, kDataOffset, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (base == MAP_FAILED) return system_error("cannot map the log spool");
    base_ = static_cast<char*>(base);
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
    if (::fallocate(fd_.get(), 0, static_cast<off_t>(offset), kSlotBytes) != 0) {
        return system_error("cannot get memory for the log spool");
    }
    auto data = map_twice(fd_.get(), offset);
    if (!data) return data.error();
    slot = std::make_unique<Slot>(headers_[index], *data);
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
