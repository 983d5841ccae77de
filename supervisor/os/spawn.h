#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/clone3.h"
#include "supervisor/os/resource_limit.h"

namespace reeve::os {

struct Birth;
struct ChildPlan;

/// Who a child runs as: real, effective and saved ids alike, and exactly these groups.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

/// As sched_setscheduler(2) takes it.
struct Scheduling {
    int policy = 0;
    int priority = 0;
};

/// As ioprio_set(2) takes it.
struct IoPriority {
    int io_class = 0;
    int level = 0;
};

/// A keeper (keeper.h) to be put between us and the child.
struct KeeperSpec {
    int image = -1;          ///< KeeperImage
    int report = -1;         ///< the writing end of the pipe that it reports to
    std::string name;        ///< in the list of processes
    Birth* birth = nullptr;  ///< where it writes of its own (birth.h); null: nowhere
};

/// What a child is to be, complete: nothing is looked up later. Whatever is not in here it does not
/// get: dispositions are default, the signal mask is empty, no other descriptor is open.
struct SpawnSpec {
    std::vector<std::string> argv;           ///< not empty
    std::vector<std::string> env;            ///< KEY=VALUE
    std::vector<std::string> pid_variables;  ///< more of them, whose value is the child's own pid
    /// Where argv[0] is looked for when it has no slash; empty means /bin:/usr/bin.
    std::string path_search;
    std::string working_dir = "/";  ///< a relative argv[0] starts here; empty: stay
    std::optional<Identity> identity;
    mode_t umask = 022;
    std::optional<int> nice;
    std::optional<int> oom_score_adj;
    std::vector<int> cpu_affinity;  ///< numbers of CPUs; empty: as the caller has it
    std::optional<Scheduling> scheduling;
    std::optional<IoPriority> io_priority;
    std::string root_dir;  ///< empty: the caller's; argv[0] and working_dir are seen from inside
    bool no_new_privileges = false;
    /// All that the child has and can ever get, also as another user than root; see can_give() in
    /// capabilities.h. Nothing: what its user has.
    std::optional<std::vector<int>> capabilities;
    std::vector<ResourceLimit> limits;  ///< beside those that the Spawner gives every child
    int stdin_fd = 0;
    int stdout_fd = 1;
    int stderr_fd = 2;
    std::vector<std::pair<int, int>> extra_fds;  ///< ours and the number it has in the child
    int program = -1;                            ///< the child's number of a file among these, to
                                                 ///< be executed in argv[0]'s stead; then closed
    bool new_session = true;                     ///< and with it a process group
    int cgroup = -1;                             ///< folder of the one it is born in; -1: ours
    std::optional<KeeperSpec> keeper;            ///< then the child is the keeper's, not ours
    Birth* birth = nullptr;  ///< where the child writes of its own (birth.h); null: nowhere
};

/// A child that has become its program, and the pidfd that is its only safe name.
struct Spawned {
    pid_t pid = 0;
    Fd pidfd;
    pid_t keeper = 0;       ///< our child, and the parent of the other; 0: there is none
    int keeper_errnum = 0;  ///< why there is none though one was wanted: the child is ours
};

/// The step at which a child failed and what it failed on. Nothing is left of that child.
struct SpawnFailure {
    const char* step = "";
    std::string object;  ///< may be empty
    int errnum = 0;

    /// "chdir /srv/web: No such file or directory".
    std::string text() const;
};

using SpawnResult = std::variant<Spawned, SpawnFailure>;

/// Makes children, from one thread. spawn() returns once the child has executed its program or
/// failed to; what that costs depends neither on the caller's memory nor on how many descriptors
/// it has open. To be made early, while low descriptors are free.
class Spawner {
  public:
    /// `limits` are what each child gets unless its spec says otherwise (Inherited, process.h).
    static Result<Spawner> create(std::vector<ResourceLimit> limits = {});

    Spawner(Spawner&& other) noexcept;
    Spawner& operator=(Spawner&& other) = delete;
    ~Spawner();

    [[nodiscard]] SpawnResult spawn(const SpawnSpec& spec);

  private:
    Spawner() = default;

    int clone_child(ChildPlan& plan, int cgroup, Spawned& child);

    std::vector<ResourceLimit> limits_;
    void* stack_ = nullptr;  // of the child; its lowest page is a guard
    void* keeper_stack_ = nullptr;
    bool born_in_cgroups_ = have_clone3;  // else they enter them
    Fd nothing_;                          // keeps the slots occupied between spawns
    // Low descriptors that a child's are copied to, so that it need not take over higher ones.
    std::array<Fd, 10> slots_;
    bool close_range_works_ = true;
};

}  // namespace reeve::os
