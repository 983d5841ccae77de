#include "supervisor/os/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>

#include "supervisor/os/child.h"
#include "supervisor/os/spawn_preparation.h"

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

/// What a KeeperPlan points into.
class KeptPreparation {
  public:
    KeptPreparation(const KeeperSpec& spec, ChildPlan& main, FilledSlots& slots,
                    bool close_range_works)
        : name_(spec.name), argv_{name_.data(), nullptr} {
        plan_.birth = spec.birth;
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
    plan.birth = spec.birth;
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
