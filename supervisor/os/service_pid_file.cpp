#include "supervisor/os/service_pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <string_view>

#include "supervisor/os/directory.h"

namespace reeve::os {
namespace {

constexpr int kMostLinks = 40;  // as the kernel's own limit

/// Where the last step of a path is taken from.
struct Place {
    Fd folder;
    std::string name;
};

/// The next step of a path; "" at its end.
std::string take_step(std::string& path) {
    path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
    const std::size_t end = std::min(path.find('/'), path.size());
    std::string step = path.substr(0, end);
    path.erase(0, end);
    return step;
}

std::optional<std::string> target_of(const Fd& link) {
    std::array<char, PATH_MAX> target;
    const ssize_t n = readlinkat(link.get(), "", target.data(), target.size());
    if (n <= 0 || static_cast<std::size_t>(n) == target.size()) return std::nullopt;
    return std::string(target.data(), static_cast<std::size_t>(n));
}

bool ends(const std::string& path) { return path.find_first_not_of('/') == std::string::npos; }

/// The folder of a file, one step after the other; errno tells why not.
std::optional<Place> find_place(std::string path, bool follow_last = false) {
    Fd here(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    int links = 0;
    while (here) {
        std::string step = take_step(path);
        if (ends(path) && !follow_last) return Place{std::move(here), std::move(step)};
        Fd next(openat(here.get(), step.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat status {};
        if (!next || fstat(next.get(), &status) != 0) return std::nullopt;
        if (!S_ISLNK(status.st_mode)) {
            if (ends(path)) return Place{std::move(here), std::move(step)};
            here = std::move(next);
            continue;
        }
        const auto target = target_of(next);
        const bool trusted = status.st_uid == 0 || status.st_uid == geteuid();
        if (!target || !trusted || ++links > kMostLinks) {
            errno = ELOOP;
            return std::nullopt;
        }
        path.insert(0, *target + "/");
        if (target->starts_with('/')) here.reset(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    return std::nullopt;
}

Fd open_in(const Place& place) {
    // Whatever it is, neither opening nor reading it waits.
    return Fd(openat(place.folder.get(), place.name.c_str(),
                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

NotYet cannot_read(int errnum) {
    switch (errnum) {
        case ENOENT:
            return {"does not exist yet"};
        case ELOOP:
            return {"is, or is reached by, a symbolic link that is not followed"};
        default:
            return {"cannot be read: " + Error::strerrordesc(errnum)};
    }
}

constexpr const char* empty = "is empty";
constexpr const char* no_number = "does not hold the number of a process, and nothing else";

std::variant<NamedPid, NotYet> parse(const Fd& file) {
    std::array<char, 64> buffer;
    const ssize_t n = read(file.get(), buffer.data(), buffer.size());
    if (n < 0) return cannot_read(errno);
    // A number and some blanks never fill it.
    if (static_cast<std::size_t>(n) == buffer.size()) return NotYet{no_number};
    std::string_view text(buffer.data(), static_cast<std::size_t>(n));
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return NotYet{empty};
    text = text.substr(first, text.find_last_not_of(blanks) + 1 - first);
    const auto pid = decimal(text);
    if (!pid || *pid == 0) return NotYet{no_number};
    return NamedPid{*pid};
}

}  // namespace

Fd open_by_trusted_links(const std::string& path) {
    const auto place = find_place(path, true);
    return place ? open_in(*place) : Fd();
}

std::variant<NamedPid, NotYet> read_service_pid_file(const std::string& path,
                                                     const StartMark& start) {
    const auto place = find_place(path);
    if (!place) return cannot_read(errno);
    const Fd file = open_in(*place);
    struct stat status {};
    if (!file || fstat(file.get(), &status) != 0) return cannot_read(errno);
    if (!S_ISREG(status.st_mode)) return NotYet{"is not a regular file"};
    if (start.is_after(status.st_mtim)) return NotYet{"is older than this start"};
    return parse(file);
}

Result<> remove_service_pid_file(const std::string& path) {
    const std::string what = "cannot remove the old PID file " + path;
    const auto place = find_place(path);
    const Fd file = place ? open_in(*place) : Fd();
    struct stat status {};
    if (!file || fstat(file.get(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        return system_error(what);
    }
    if (!S_ISREG(status.st_mode)) return error(what + ": it is not a regular file");
    // What holds anything else is somebody's, whose path was given by mistake.
    const auto content = parse(file);
    const auto* const no_pid = std::get_if<NotYet>(&content);
    if (no_pid != nullptr && no_pid->why != empty) {
        return error(what + ": it " + no_pid->why + "; remove it, or correct pid_file");
    }
    if (unlinkat(place->folder.get(), place->name.c_str(), 0) == 0 || errno == ENOENT) return {};
    return system_error(what);
}

void remove_service_pid_file_of(const std::string& path, pid_t pid) {
    // Whatever its age: it names the process that has just ended.
    const auto content = read_service_pid_file(path, StartMark());
    const auto* const named = std::get_if<NamedPid>(&content);
    if (named != nullptr && named->pid == pid) (void)remove_service_pid_file(path);
}

}  // namespace reeve::os
