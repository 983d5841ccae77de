#include "supervisor/os/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>

#include "supervisor/os/directory.h"
#include "supervisor/os/proc_file.h"

namespace reeve::os {
namespace {

constexpr std::size_t most_text = 4 << 20;

template <typename F>
void for_each_line(std::string_view text, F f) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        f(line);
    }
}

std::string_view word(std::string_view line, int number) {
    for (; number > 0; --number) {
        line.remove_prefix(std::min(line.find(' '), line.size()));
        line.remove_prefix(std::min<std::size_t>(1, line.size()));
    }
    return line.substr(0, line.find(' '));
}

/// mountinfo writes blanks, tabs, newlines and backslashes as \ooo.
std::string unescaped(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0';
            result += static_cast<char>(code);
            i += 3;
        } else {
            result += text[i];
        }
    }
    return result;
}

struct Mount {
    std::string root;  // the cgroup that it shows
    std::string point;
};

std::optional<Mount> cgroup2_mount(std::string_view mounts) {
    std::optional<Mount> found;
    for_each_line(mounts, [&](std::string_view line) {
        const std::size_t separator = line.find(" - ");
        if (separator == line.npos || word(line.substr(separator + 3), 0) != "cgroup2") return;
        // A later one may hide an earlier one, never the other way round.
        found = Mount{unescaped(word(line, 3)), unescaped(word(line, 4))};
    });
    return found;
}

std::optional<std::string> path_in(std::string_view cgroups) {
    std::optional<std::string> path;
    for_each_line(cgroups, [&](std::string_view line) {
        if (line.starts_with("0::")) path = std::string(line.substr(3));
    });
    return path;
}

std::optional<std::string> path_of(pid_t pid) {
    const std::string file = "/proc/" + std::to_string(pid) + "/cgroup";
    const auto text = read_long_proc_file(file.c_str(), most_text);
    return text ? path_in(*text) : std::nullopt;
}

bool is_below(std::string_view found, std::string_view path) {
    if (!found.starts_with(path)) return false;
    const std::string_view rest = found.substr(path.size());
    return rest.empty() || rest[0] == '/' || rest == " (deleted)";
}

/// Whether a file of a cgroup cannot be had because there is no such cgroup any more.
bool is_gone(int errnum) { return errnum == ENOENT || errnum == ENODEV; }

bool is_cgroup2(const std::string& folder) {
    struct statfs status {};
    return ::statfs(folder.c_str(), &status) == 0 &&
           static_cast<std::uint64_t>(status.f_type) == CGROUP2_SUPER_MAGIC;
}

template <typename F>
void for_each_below(const std::string& folder, F f) {
    std::vector<std::string> below;
    for_each_name(folder.c_str(), [&](std::string_view name) {
        if (name == "." || name == "..") return;
        const std::string path = folder + "/" + std::string(name);
        struct stat status {};
        if (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) below.push_back(path);
    });
    for (const std::string& path : below) f(path);
}

void take_members(const std::string& folder, std::vector<pid_t>& members) {
    const auto text = read_long_proc_file((folder + "/cgroup.procs").c_str(), most_text);
    for_each_line(text ? std::string_view(*text) : std::string_view(), [&](std::string_view line) {
        // 0 stands for those of another PID namespace.
        if (const auto pid = decimal(line); pid && *pid > 0) members.push_back(*pid);
    });
    for_each_below(folder, [&](const std::string& below) { take_members(below, members); });
}

}  // namespace

Result<OwnCgroup> parse_own_cgroup(std::string_view cgroups, std::string_view mounts) {
    const auto path = path_in(cgroups);
    if (!path) return error("no cgroup of version 2");
    const auto mount = cgroup2_mount(mounts);
    if (!mount) return error("cgroups of version 2 are not mounted");
    const std::string root = mount->root == "/" ? "" : mount->root;
    const bool below =
        path->starts_with(root) && (path->size() == root.size() || (*path)[root.size()] == '/');
    if (!below || path->find("/..") == 0) return error("our own cgroup is not mounted");
    std::string folder = mount->point + path->substr(root.size());
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    return OwnCgroup{std::move(folder), *path};
}

Result<std::string> parse_cgroup_path(std::string_view folder, std::string_view mounts) {
    const auto mount = cgroup2_mount(mounts);
    if (!mount) return error("cgroups of version 2 are not mounted");
    if (!folder.starts_with(mount->point + "/")) return error("it is no cgroup of version 2");
    std::string path = mount->root == "/" ? "" : mount->root;
    path.append(folder.substr(mount->point.size()));
    return path;
}

Result<std::string> cgroup_path_of(std::string_view folder) {
    const auto mounts = read_long_proc_file("/proc/self/mountinfo", most_text);
    if (!mounts) return system_error("/proc cannot be read");
    return parse_cgroup_path(folder, *mounts);
}

Result<OwnCgroup> find_own_cgroup() {
    const auto cgroups = read_long_proc_file("/proc/self/cgroup", most_text);
    const auto mounts = read_long_proc_file("/proc/self/mountinfo", most_text);
    if (!cgroups || !mounts) return system_error("/proc cannot be read");
    auto own = parse_own_cgroup(*cgroups, *mounts);
    if (!own) return own;
    if (!is_cgroup2(own->folder)) return error("cgroups of version 2 are not to be seen");
    // Who is to bring a process from one cgroup into another must be allowed to write here.
    const std::string procs = own->folder + "/cgroup.procs";
    if (::faccessat(AT_FDCWD, procs.c_str(), W_OK, AT_EACCESS) != 0) {
        return system_error("our own cgroup is not writable");
    }
    return own;
}

Result<> make_cgroup(const std::string& folder) {
    if (::mkdir(folder.c_str(), 0755) == 0) return {};
    return system_error("cannot make the cgroup " + folder);
}

Result<Fd> open_cgroup(const std::string& folder) {
    Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return system_error("cannot open the cgroup " + folder);
    return fd;
}

bool is_populated(const std::string& folder) {
    const auto events = watch_population(folder);
    return events ? has_population(events->get()) : !is_gone(events.error().errnum.value_or(0));
}

Result<Fd> watch_population(const std::string& folder) {
    Fd fd(::open((folder + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return system_error("cannot watch the cgroup " + folder);
    return fd;
}

bool has_population(int watched) {
    // Only what is read by this very description stops being news to it.
    std::array<char, 256> buffer;
    const ssize_t size = ::pread(watched, buffer.data(), buffer.size(), 0);
    if (size < 0) return !is_gone(errno);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
    return text.find("populated 1") != text.npos;
}

std::vector<pid_t> cgroup_members(const std::string& folder) {
    std::vector<pid_t> members;
    take_members(folder, members);
    return members;
}

bool is_in_cgroup(pid_t pid, std::string_view path) {
    const auto found = path_of(pid);
    return found && is_below(*found, path);
}

bool is_out_of_cgroup(pid_t pid, std::string_view path) {
    const auto found = path_of(pid);
    return found && !is_below(*found, path);
}

Result<> kill_cgroup(const std::string& folder) {
    const Fd fd(::open((folder + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
    if (fd && ::write(fd.get(), "1", 1) == 1) return {};
    if (is_gone(errno)) return {};
    return system_error("cannot kill the cgroup " + folder);
}

Result<> remove_cgroup(const std::string& folder) {
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return {};
    for_each_below(folder, [](const std::string& below) { (void)remove_cgroup(below); });
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return {};
    return system_error("cannot remove the cgroup " + folder);
}

}  // namespace reeve::os
