#include "supervisor/log/kept_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "supervisor/log/spool.h"

namespace reeve::log {

namespace {

constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;

bool is_of(int fd, const KeptLayout& layout) {
    struct stat st {};
    std::array<char, 32> begin{};
    const std::size_t size = layout.magic.size();
    return ::fstat(fd, &st) == 0 && st.st_size == static_cast<off_t>(layout.bytes) &&
           ::pread(fd, begin.data(), size, 0) == static_cast<ssize_t>(size) &&
           std::string_view(begin.data(), size) == layout.magic;
}

Result<KeptFile> sized(Fd fd, const KeptLayout& layout) {
    if (::ftruncate(fd.get(), static_cast<off_t>(layout.bytes)) != 0) {
        return system_error("cannot get memory for the log spool");
    }
    return KeptFile{std::move(fd), true};
}

}  // namespace

Result<KeptFile> open_kept(const std::string& path, const KeptLayout& layout) {
    Fd fd(::open(path.c_str(), kFlags));
    if (fd && is_of(fd.get(), layout)) return KeptFile{std::move(fd), false};
    ::unlink(path.c_str());
    fd.reset(::open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0600));
    if (!fd) return system_error("cannot create " + path);
    return sized(std::move(fd), layout);
}

Result<KeptFile> unnamed_kept(const KeptLayout& layout) {
    Fd fd(::memfd_create("reeve-log", MFD_CLOEXEC));
    if (!fd) return system_error("cannot get memory for the log spool");
    return sized(std::move(fd), layout);
}

Result<> check_kept(const std::string& path, const KeptLayout& layout) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd && errno == ENOENT) return {};
    if (!fd) return system_error("cannot open " + path);
    if (!is_of(fd.get(), layout)) return error("cannot take over " + path + ": unknown format");
    return {};
}

Result<> reserve(int fd, std::size_t offset, std::size_t bytes) {
    if (::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0) return {};
    return system_error("cannot get memory for the log spool");
}

Result<char*> map_kept(int fd, std::size_t offset, std::size_t bytes) {
    void* base =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (base == MAP_FAILED) return system_error("cannot map the log spool");
    return static_cast<char*>(base);
}

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

}  // namespace reeve::log
