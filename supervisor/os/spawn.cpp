#include "supervisor/os/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <span>
#include <string_view>

#include "supervisor/os/child.h"
#include "supervisor/os/directory.h"

namespace reeve::os {
namespace {

constexpr std::size_t kGuardSize = 65'536;  // a page, whatever its size
constexpr std::size_t kStackSize = kGuardSize + 65'536;

Result<void*> map_stack() {
    void* const stack = mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return system_error("cannot map a stack for children");
    if (mprotect(stack, kGuardSize, PROT_NONE) == 0) return stack;
    munmap(stack, kStackSize);
    return system_error("cannot guard the stack for children");
}

char* stack_top(void* stack) { return static_cast<char*>(stack) + kStackSize; }

void reap(pid_t child) {
    siginfo_t info;
    while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED) != 0 && errno == EINTR) {
    }
}

/// Every signal blocked, also those that libc keeps for itself, for as long as it lives.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        const std::uint64_t all = ~std::uint64_t{0};
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof before_);
    }
    ~SignalsBlocked() {
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    std::uint64_t before_ = 0;
};

/// The spawner's slots holding a child's descriptors; emptied again at the end, so that no pipe is
/// kept open by them.
class FilledSlots {
  public:
    FilledSlots(std::span<const Fd> slots, const Fd& nothing) : slots_(slots), nothing_(nothing) {}
    ~FilledSlots() {
        for (std::size_t i = 0; i < used_; ++i) {
            ::dup3(nothing_.get(), slots_[i].get(), O_CLOEXEC);
        }
    }
    FilledSlots(const FilledSlots&) = delete;
    FilledSlots& operator=(const FilledSlots&) = delete;

    /// Where a copy of `fd` now is; `fd` itself when no slot is left; -1 when it is not open.
    int put(int fd) {
        if (used_ == slots_.size()) return fd;
        return ::dup3(fd, slots_[used_++].get(), O_CLOEXEC);
    }

  private:
    std::span<const Fd> slots_;
    const Fd& nothing_;
    std::size_t used_ = 0;
};

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

/// The highest descriptor that can be open, for a kernel that cannot close ranges.
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

/// The vectors that a ChildPlan points into.
class Preparation {
  public:
    Preparation(const SpawnSpec& spec, const std::vector<ResourceLimit>& limits)
        : spec_(spec),
          candidates_(exec_candidates(spec.argv.front(), spec.path_search)),
          candidate_pointers_(pointers(candidates_)),
          argv_(pointers(spec.argv)),
          envp_(pointers(spec.env)),
          limits_(merged(limits, spec.limits)) {
        plan_.candidates = candidate_pointers_.data();
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
        if (!spec.identity || is_own(*spec.identity)) return;
        plan_.set_identity = true;
        plan_.uid = spec.identity->uid;
        plan_.gid = spec.identity->gid;
        plan_.groups = spec.identity->groups.data();
        plan_.group_count = spec.identity->groups.size();
    }
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    ChildPlan& plan() { return plan_; }

    /// Decides which descriptor goes where; the failure, if one is not open.
    std::optional<SpawnFailure> lay_out_descriptors(FilledSlots& slots, bool close_range_works) {
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

    SpawnFailure failure() const {
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

  private:
    static std::string descriptor_name(const ChildFd& fd) {
        return "descriptor " + std::to_string(fd.target);
    }

    void add_pid_variables() {
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

    void add_descriptors() {
        fds_.push_back({spec_.stdin_fd, 0, false});
        fds_.push_back({spec_.stdout_fd, 1, false});
        fds_.push_back({spec_.stderr_fd, 2, false});
        for (const auto& [source, target] : spec_.extra_fds)
            fds_.push_back({source, target, false});
    }

    void find_gaps() {
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

    const SpawnSpec& spec_;
    std::vector<std::string> candidates_;
    std::vector<char*> candidate_pointers_, argv_, envp_;
    std::vector<std::string> pid_variables_;
    std::vector<char*> own_pid_;
    std::vector<ResourceLimit> limits_;
    std::vector<ChildFd> fds_;
    std::vector<FdRange> gaps_;
    ChildPlan plan_;
};

/// What a KeeperPlan points into.
class KeptPreparation {
  public:
    KeptPreparation(const KeeperSpec& spec, ChildPlan& main, FilledSlots& slots,
                    bool close_range_works)
        : name_(spec.name), argv_{name_.data(), nullptr} {
        plan_.main = &main;
        plan_.image = slots.put(spec.image);
        plan_.report = slots.put(spec.report);
        plan_.argv = argv_.data();
        plan_.first_unneeded = static_cast<unsigned>(std::max(plan_.image, plan_.report)) + 1;
        plan_.close_range_works = close_range_works;
        if (!close_range_works) plan_.highest_fd = highest_descriptor();
    }
    KeptPreparation(const KeptPreparation&) = delete;
    KeptPreparation& operator=(const KeptPreparation&) = delete;

    /// Returns an errno, 0 for none; also when the main process failed, as its plan tells.
    int spawn(char* keeper_stack, char* main_stack, Spawned& child) {
        plan_.main_stack = main_stack;
        const SignalsBlocked blocked;
        const int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD;
        const pid_t keeper = clone(run_keeper, keeper_stack, flags, &plan_);
        if (keeper < 0) return errno;
        child.pid = plan_.main_pid;
        child.pidfd.reset(plan_.main_pidfd);
        const bool failed = plan_.main->failed_step != ChildStep::None;
        if (plan_.clone_errnum == 0 && plan_.exec_errnum == 0 && !failed) {
            child.keeper = keeper;
            return 0;
        }
        reap(keeper);
        child.keeper_errnum = plan_.exec_errnum;
        return plan_.clone_errnum;
    }

  private:
    std::string name_;
    std::array<char*, 2> argv_;
    KeeperPlan plan_;
};

}  // namespace

std::string SpawnFailure::text() const {
    return step + (object.empty() ? "" : " " + object) + ": " + Error::strerrordesc(errnum);
}

Result<Spawner> Spawner::create(std::vector<ResourceLimit> limits) {
    Spawner spawner;
    spawner.limits_ = std::move(limits);
    for (void** const stack : {&spawner.stack_, &spawner.keeper_stack_}) {
        auto mapped = map_stack();
        if (!mapped) return mapped.error();
        *stack = *mapped;
    }
    // Any file will do that holds nothing open; a bare root may lack /dev/null.
    spawner.nothing_ = Fd(open("/", O_PATH | O_CLOEXEC));
    for (Fd& slot : spawner.slots_) {
        slot = Fd(fcntl(spawner.nothing_.get(), F_DUPFD_CLOEXEC, 3));
        if (!slot) return system_error("cannot reserve descriptors for children");
    }
    spawner.close_range_works_ = close_range(UINT_MAX, UINT_MAX, 0) == 0;
    return spawner;
}

Spawner::Spawner(Spawner&& other) noexcept
    : limits_(std::move(other.limits_)),
      stack_(std::exchange(other.stack_, nullptr)),
      keeper_stack_(std::exchange(other.keeper_stack_, nullptr)),
      born_in_cgroups_(other.born_in_cgroups_),
      nothing_(std::move(other.nothing_)),
      slots_(std::move(other.slots_)),
      close_range_works_(other.close_range_works_) {}

Spawner::~Spawner() {
    if (stack_ != nullptr) munmap(stack_, kStackSize);
    if (keeper_stack_ != nullptr) munmap(keeper_stack_, kStackSize);
}

SpawnResult Spawner::spawn(const SpawnSpec& spec) {
    if (spec.argv.empty()) return SpawnFailure{"exec", "", EINVAL};
    Preparation prepared(spec, limits_);
    FilledSlots slots(slots_, nothing_);
    if (auto failure = prepared.lay_out_descriptors(slots, close_range_works_)) return *failure;
    ChildPlan& plan = prepared.plan();
    Spawned child;
    if (spec.keeper) {
        KeptPreparation keeper(*spec.keeper, plan, slots, close_range_works_);
        const int errnum = keeper.spawn(stack_top(keeper_stack_), stack_top(stack_), child);
        if (errnum != 0) return SpawnFailure{"clone", "", errnum};
        if (plan.failed_step != ChildStep::None) return prepared.failure();
        return child;
    }
    if (const int errnum = clone_child(plan, spec.cgroup, child); errnum != 0) {
        return SpawnFailure{"clone", "", errnum};
    }
    if (plan.failed_step == ChildStep::None) return child;
    reap(child.pid);
    return prepared.failure();
}

/// Returns an errno, 0 for none.
int Spawner::clone_child(ChildPlan& plan, int cgroup, Spawned& child) {
    constexpr unsigned flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD;
    int pidfd = -1;
    const SignalsBlocked blocked;
    if (cgroup >= 0 && born_in_cgroups_) {
        clone_args arguments{};
        arguments.flags = flags | CLONE_INTO_CGROUP;
        arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
        arguments.exit_signal = SIGCHLD;
        arguments.stack = reinterpret_cast<std::uintptr_t>(stack_);
        arguments.stack_size = kStackSize;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup);
        const long pid = clone3_child(arguments, run_child, &plan);
        if (pid > 0) {
            child.pid = static_cast<pid_t>(pid);
            child.pidfd.reset(pidfd);
            return 0;
        }
        // No such system call, or one that a filter keeps from us; or it is of before 5.7.
        const bool unknown = pid == -ENOSYS || pid == -EINVAL || pid == -E2BIG || pid == -EPERM;
        if (!unknown) return static_cast<int>(-pid);
        born_in_cgroups_ = false;
    }
    plan.cgroup = cgroup;
    child.pid =
        clone(run_child, stack_top(stack_), static_cast<int>(flags | SIGCHLD), &plan, &pidfd);
    if (child.pid < 0) return errno;
    child.pidfd.reset(pidfd);
    return 0;
}

}  // namespace reeve::os
