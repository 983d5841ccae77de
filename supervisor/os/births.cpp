#include "supervisor/os/births.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <ctime>

#include "supervisor/os/files.h"
#include "supervisor/os/proc_file.h"
#include "supervisor/os/process_entry.h"

namespace reeve::os {

namespace {

constexpr std::uint64_t format = 0x31534854524942;  // BIRTHS1

constexpr std::size_t page_size = 4096;

struct Place {
    std::uint64_t tree;
    timespec since;  // not younger than anybody who is born there
    Birth keeper, main;
};

std::string boot_id() {
    std::array<char, 64> buffer;
    const auto text = read_proc_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", buffer);
    return std::string(text.value_or("").substr(0, 36));
}

/// As the kernel rounds start times.
std::uint64_t ticks(const timespec& moment) {
    static const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    return static_cast<std::uint64_t>(moment.tv_sec) * per_second +
           static_cast<std::uint64_t>(moment.tv_nsec) / (1'000'000'000 / per_second);
}

/// A file of one page that has all its room on the disk, so that writing to it by way of memory
/// cannot fail; else none.
Fd open_page(const std::string& path, std::size_t size) {
    if (path.empty()) return {};
    Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    struct stat status {};
    if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    const auto length = static_cast<off_t>(size);
    if (status.st_size != length && ftruncate(file.get(), 0) != 0) return {};
    return fallocate(file.get(), 0, 0, length) == 0 ? std::move(file) : Fd();
}

Births::Born born(const Birth& birth, const timespec& since) {
    // The moment was written before the number.
    const pid_t pid = std::atomic_ref(const_cast<pid_t&>(birth.pid)).load();
    if (pid <= 0) return {};
    const auto process = read_process(pid);
    const bool same = process && process->start_time >= ticks(since) &&
                      process->start_time <= ticks(birth.moment);
    return {pid, same ? process->start_time : 0};
}

}  // namespace

struct Births::Page {
    std::uint64_t format;
    std::array<char, 40> boot;
    std::array<Place, 48> places;
};

Births::Births(const std::string& path) : path_(path), file_(open_page(path, page_size)) {
    static_assert(sizeof(Page) <= page_size);
    const int sharing = file_ ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
    void* const memory = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, sharing, file_.get(), 0);
    if (memory == MAP_FAILED) return;
    page_ = static_cast<Page*>(memory);
    const std::string boot = boot_id();
    const bool usable = page_->format == format && !boot.empty() &&
                        std::string_view(page_->boot.data(), boot.size()) == boot;
    if (!usable) reset(boot);
}

Births::~Births() {
    if (page_ != nullptr) munmap(page_, page_size);
}

void Births::reset(const std::string& boot) {
    *page_ = Page{};
    std::copy_n(boot.begin(), std::min(boot.size(), page_->boot.size()), page_->boot.begin());
    page_->format = format;
}

Births::Places Births::expect(std::uint64_t tree) {
    if (page_ == nullptr) return {};
    Place& place = page_->places[tree % page_->places.size()];
    place.keeper.pid = place.main.pid = 0;
    clock_gettime(CLOCK_BOOTTIME, &place.since);
    // Whoever reads it must not find what was another tree's.
    std::atomic_ref(place.tree).store(tree);
    return {&place.keeper, &place.main};
}

std::optional<Births::Found> Births::find(std::uint64_t tree) const {
    if (page_ == nullptr || tree == 0) return std::nullopt;
    const Place& place = page_->places[tree % page_->places.size()];
    if (place.tree != tree) return std::nullopt;
    return Found{born(place.keeper, place.since), born(place.main, place.since)};
}

Result<bool> Births::restore() {
    if (page_ == nullptr || !file_ || is_open_at(file_.get(), path_)) return false;
    auto file = put_back(file_.get(), path_);
    if (!file) return file.error();
    // Where children are told to write stays where it is.
    void* const memory =
        mmap(page_, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file->get(), 0);
    if (memory == MAP_FAILED) return system_error("cannot map " + path_);
    file_ = std::move(*file);
    return true;
}

std::uint64_t Births::highest() const {
    std::uint64_t highest = 0;
    if (page_ == nullptr) return highest;
    for (const Place& place : page_->places) highest = std::max(highest, place.tree);
    return highest;
}

}  // namespace reeve::os
