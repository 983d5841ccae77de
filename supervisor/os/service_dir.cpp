#include "supervisor/os/service_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/fd.h"

namespace reeve::os {

namespace {

/// Whether nobody but us can put something else in the place of what is in this folder.
bool is_ours_alone(int folder) {
    struct stat status {};
    return ::fstat(folder, &status) == 0 && status.st_uid == ::geteuid() &&
           ((status.st_mode & 022) == 0 || (status.st_mode & S_ISVTX) != 0);
}

bool is_our_link(int folder, const char* name) {
    struct stat status {};
    return ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode) &&
           status.st_uid == ::geteuid() && is_ours_alone(folder);
}

/// Opens a folder in a folder, having made it where it is missing; none, with errno.
Fd enter(int folder, const std::string& name) {
    if (::mkdirat(folder, name.c_str(), 0755) != 0 && errno != EEXIST) return Fd();
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    const int follow = is_our_link(folder, name.c_str()) ? 0 : O_NOFOLLOW;
    return Fd(::openat(folder, name.c_str(), flags | follow));
}

Result<> give_to(int folder, const std::string& path, const DirOwner& owner) {
    struct stat status {};
    if (::fstat(folder, &status) != 0) return system_error("cannot look at " + path);
    const bool other_owner = status.st_uid != owner.uid || status.st_gid != owner.gid;
    if (other_owner && ::fchown(folder, owner.uid, owner.gid) != 0) {
        return system_error("cannot change the owner of " + path);
    }
    // The umask may have taken some of it, and a change of owner, too.
    if (((status.st_mode & 07777) != owner.mode || other_owner) &&
        ::fchmod(folder, owner.mode) != 0) {
        return system_error("cannot change the mode of " + path);
    }
    return {};
}

}  // namespace

Result<> make_service_dir(const std::string& base, const std::string& name, const DirOwner& owner) {
    std::error_code ignored;
    std::filesystem::create_directories(base, ignored);  // whose failure the next line tells
    Fd folder(::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return system_error("cannot open " + base);
    std::string path = base;
    for (std::size_t begin = 0; begin < name.size();) {
        const std::size_t end = std::min(name.find('/', begin), name.size());
        const std::string part = name.substr(begin, end - begin);
        begin = end + 1;
        if (part.empty() || part == ".") continue;
        path.append("/").append(part);
        if (part == "..") return system_error("cannot make " + path, EINVAL);
        folder = enter(folder.get(), part);
        if (!folder) return system_error("cannot make the folder " + path);
    }
    return give_to(folder.get(), path, owner);
}

}  // namespace reeve::os
