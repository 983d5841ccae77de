#include "supervisor/os/spawn_preparation.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "supervisor/os/directory.h"

namespace reeve::os {

namespace {

std::vector<std::string> exec_candidates(const std::string& file, std::string_view path) {
    if (file.find('/') != std::string::npos || file.empty()) return {file};
    if (path.empty()) path = "/bin:/usr/bin";
    std::vector<std::string> candidates;
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t end = std::min(path.find(':', start), path.size());
        const std::string_view folder = path.substr(start, end - start);
        candidates.push_back(folder.empty() ? "./" + file : std::string(folder) + "/" + file);
        start = end + 1;
    }
    return candidates;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
    result.push_back(nullptr);
    return result;
}

/// Without the right to change identity a process may still ask for the one it has.
bool is_own(const Identity& wanted) {
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;
    if (getresuid(&ruid, &euid, &suid) != 0 || getresgid(&rgid, &egid, &sgid) != 0) return false;
    const bool same_user = ruid == wanted.uid && euid == wanted.uid && suid == wanted.uid;
    const bool same_group = rgid == wanted.gid && egid == wanted.gid && sgid == wanted.gid;
    if (!same_user || !same_group) return false;
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, getgroups(0, nullptr))));
    if (getgroups(static_cast<int>(groups.size()), groups.data()) < 0) return false;
    // Whether the group itself is listed too makes no difference to what the process may do.
    const auto as_set = [&](std::vector<gid_t> list) {
        list.push_back(wanted.gid);
        std::sort(list.begin(), list.end());
        list.erase(std::unique(list.begin(), list.end()), list.end());
        return list;
    };
    return as_set(groups) == as_set(wanted.groups);
}

std::vector<ResourceLimit> merged(const std::vector<ResourceLimit>& general,
                                  const std::vector<ResourceLimit>& own) {
    std::vector<ResourceLimit> result = own;
    for (const ResourceLimit& limit : general) {
        const auto same = [&](const ResourceLimit& l) { return l.resource == limit.resource; };
        if (std::none_of(own.begin(), own.end(), same)) result.push_back(limit);
    }
    return result;
}

std::string descriptor_name(const ChildFd& fd) { return "descriptor " + std::to_string(fd.target); }

}  // namespace

FilledSlots::~FilledSlots() {
    for (std::size_t i = 0; i < used_; ++i) {
        ::dup3(nothing_.get(), slots_[i].get(), O_CLOEXEC);
    }
}

int FilledSlots::put(int fd) {
    if (used_ == slots_.size()) return fd;
    return ::dup3(fd, slots_[used_++].get(), O_CLOEXEC);
}

unsigned highest_descriptor() {
    unsigned highest = 0;
    const auto note = [&](std::string_view name) {
        if (const auto fd = decimal(name)) highest = std::max(highest, static_cast<unsigned>(*fd));
    };
    if (for_each_name("/proc/self/fd", note)) return highest;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur, 65536));
}

Preparation::Preparation(const SpawnSpec& spec, const std::vector<ResourceLimit>& limits)
    : spec_(spec),
      candidates_(exec_candidates(spec.argv.front(), spec.path_search)),
      candidate_pointers_(pointers(candidates_)),
      argv_(pointers(spec.argv)),
      envp_(pointers(spec.env)),
      limits_(merged(limits, spec.limits)),
      execution_(spec) {
    plan_.candidates = candidate_pointers_.data();
    plan_.program = spec.program;
    plan_.argv = argv_.data();
    add_pid_variables();
    plan_.envp = envp_.data();
    plan_.working_dir = spec.working_dir.empty() ? nullptr : spec.working_dir.c_str();
    plan_.new_session = spec.new_session;
    plan_.umask = spec.umask;
    plan_.set_nice = spec.nice.has_value();
    plan_.nice = spec.nice.value_or(0);
    plan_.limits = limits_.data();
    plan_.limit_count = limits_.size();
    execution_.fill(plan_);
    if (!spec.identity || is_own(*spec.identity)) return;
    plan_.set_identity = true;
    plan_.uid = spec.identity->uid;
    plan_.gid = spec.identity->gid;
    plan_.groups = spec.identity->groups.data();
    plan_.group_count = spec.identity->groups.size();
}

std::optional<SpawnFailure> Preparation::lay_out_descriptors(FilledSlots& slots,
                                                             bool close_range_works) {
    add_descriptors();
    int highest = 2;
    for (ChildFd& fd : fds_) {
        const int copy = slots.put(fd.source);
        if (copy < 0) return SpawnFailure{"dup", descriptor_name(fd), errno};
        fd.source = copy;
        highest = std::max({highest, fd.source, fd.target});
    }
    for (ChildFd& fd : fds_) {
        fd.move_first = std::any_of(fds_.begin(), fds_.end(), [&](const ChildFd& other) {
            return &other != &fd && other.target == fd.source;
        });
    }
    find_gaps();
    plan_.fds = fds_.data();
    plan_.fd_count = fds_.size();
    plan_.first_unneeded = static_cast<unsigned>(highest) + 1;
    plan_.close_range_works = close_range_works;
    if (!close_range_works) plan_.highest_fd = highest_descriptor();
    return std::nullopt;
}

SpawnFailure Preparation::failure() const {
    const std::size_t i = plan_.failed_index;
    const auto because = [&](const char* step, std::string object) {
        return SpawnFailure{step, std::move(object), plan_.errnum};
    };
    switch (plan_.failed_step) {
        case ChildStep::Cgroup:
            return because("enter the cgroup", "");
        case ChildStep::None:
        case ChildStep::Unshare:
            return because("unshare", "");
        case ChildStep::Descriptor:
            return because("dup", descriptor_name(fds_[i]));
        case ChildStep::Session:
            return because("setsid", "");
        case ChildStep::Limit:
            return because("setrlimit", resource_name(limits_[i].resource));
        case ChildStep::Nice:
            return because("setpriority", std::to_string(plan_.nice));
        case ChildStep::Directory:
            return because("chdir", spec_.working_dir);
        case ChildStep::OomScore:
        case ChildStep::Scheduler:
        case ChildStep::Affinity:
        case ChildStep::IoPriority:
        case ChildStep::Root:
        case ChildStep::Bounding:
        case ChildStep::Capabilities:
        case ChildStep::NoNewPrivileges:
            return execution_.failure(plan_);
        case ChildStep::Groups:
            return because("setgroups", "");
        case ChildStep::Gid:
            return because("setresgid", std::to_string(plan_.gid));
        case ChildStep::Uid:
            return because("setresuid", std::to_string(plan_.uid));
        case ChildStep::Exec:
            break;
    }
    const bool nowhere = plan_.errnum == ENOENT || plan_.errnum == ENOTDIR;
    return because("exec", nowhere ? spec_.argv.front() : candidates_[i]);
}

void Preparation::add_pid_variables() {
    constexpr std::size_t most_digits = 10;
    for (const std::string& name : spec_.pid_variables) {
        pid_variables_.push_back(name + "=" + std::string(most_digits, '\0'));
    }
    for (std::size_t i = 0; i < pid_variables_.size(); ++i) {
        char* const entry = pid_variables_[i].data();
        envp_.insert(envp_.end() - 1, entry);
        own_pid_.push_back(entry + spec_.pid_variables[i].size() + 1);
    }
    plan_.own_pid = own_pid_.data();
    plan_.own_pid_count = own_pid_.size();
}

void Preparation::add_descriptors() {
    fds_.push_back({spec_.stdin_fd, 0, false});
    fds_.push_back({spec_.stdout_fd, 1, false});
    fds_.push_back({spec_.stderr_fd, 2, false});
    for (const auto& [source, target] : spec_.extra_fds) fds_.push_back({source, target, false});
}

void Preparation::find_gaps() {
    std::vector<int> targets;
    for (const ChildFd& fd : fds_) targets.push_back(fd.target);
    std::sort(targets.begin(), targets.end());
    unsigned next = 0;
    for (const int target : targets) {
        const auto number = static_cast<unsigned>(target);
        if (number > next) gaps_.push_back({next, number - 1});
        next = number + 1;
    }
    gaps_.push_back({next, UINT_MAX});
    plan_.gaps = gaps_.data();
    plan_.gap_count = gaps_.size();
    plan_.above_targets = static_cast<int>(next);
}

}  // namespace reeve::os
