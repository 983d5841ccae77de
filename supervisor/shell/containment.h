#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "supervisor/os/births.h"
#include "supervisor/os/process_entry.h"
#include "supervisor/os/spawn.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/children.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/state/records.h"

namespace reeve::shell {

class Containments;
class Holding;
class Marks;

/// How it is known which processes belong to a tree.
struct Tracking {
    enum class By {
        Cgroup,     ///< exact: nothing gets out of it
        Subreaper,  ///< exact: what descends from the main process comes to the keeper of its own
        Marks       ///< as far as descent, session, process group and environment tell
    };
    By by = By::Marks;
    std::string cgroup;  ///< its path
    std::string why;     ///< it is no cgroup, or not even a subreaper; or what is not in the cgroup
};

/// A process that somebody started, its *main process*, and all that came of it, however often it
/// forked. Made by Containments, used from the loop's thread. Destroying it lets go of whatever is
/// left, which lives on.
///
///     auto tree = containments.open("web");
///     auto result = tree->start(spec, [](const os::Ended& end) { ... });
///     ...
///     if (!tree->empty()) tree->await_empty([] { ... });   // once the main process has ended
///     tree->kill();
///
/// No callback is made from within a call, and none after destruction; a callback must not destroy
/// the tree, but may post that.
class Containment {
  public:
    using OnEnd = std::function<void(const os::Ended&)>;

    Containment(Containments& all, state::Tree record) : all_(all), record_(std::move(record)) {}
    Containment(const Containment&) = delete;
    Containment& operator=(const Containment&) = delete;
    virtual ~Containment() = default;

    /// Executes the main process; once. The pidfd in the result is kept by whoever wants it.
    /// `on_end` is told its end, once. Until then it can be replaced by adopt().
    virtual os::SpawnResult start(os::SpawnSpec spec, OnEnd on_end) = 0;
    /// In place of start(): takes over what a predecessor has begun, or we ourselves before an
    /// execve. `tree` is its last record that was kept. False: nothing is there of it, and its
    /// first process was never born as far as can be seen. `on_end` is told the end of the main
    /// process, once, also when that was meanwhile (ExitStatus::unknown() where nobody tells how);
    /// but not when the record says that it had been noticed. Children of ours must not be reaped
    /// before.
    virtual bool resume(const state::Tree& tree, OnEnd on_end) = 0;
    /// After resume(): its main process has ended while nobody looked, and nobody tells how.
    virtual bool has_lost_end() const { return lost_end_; }
    /// Where a successor of this process finds the tree. Its kind, number and cgroup are known at
    /// once, the processes after start() or resume(); changed by adopt(), by the end of the main
    /// process and by that of a keeper, before any of these is told.
    const state::Tree& record() const { return record_; }
    /// A living member is the main process from now on; the end of the former one is nothing
    /// special any more. How it ended is not known where another process reaps it and the kernel
    /// (before 6.15) does not tell. Fails when there is no such member.
    virtual Result<> adopt(pid_t pid, OnEnd on_end) = 0;

    /// All that are alive now, the main process first if it is among them.
    virtual std::vector<os::ProcessEntry> members() = 0;
    /// Whether the process is one of the tree; also of one that has ended and is not reaped yet.
    virtual bool is_member(pid_t pid) = 0;
    /// Never to a stranger; one that has ended is no error.
    virtual void signal_main(int signal) = 0;
    virtual void signal_all(int signal);
    /// Ends all of them, those that fork meanwhile included, and goes on until nothing is left.
    virtual void kill() = 0;
    /// Whether nothing is alive any more. It may say no for a moment longer than that is true: then
    /// await_empty tells.
    virtual bool empty() = 0;
    /// `emptied` is called once nothing is alive any more, which may be noticed before the end of
    /// the main process is; a second call replaces it.
    virtual void await_empty(std::function<void()> emptied) = 0;
    virtual Tracking tracking() const = 0;

  protected:
    /// The pidfd of a living member; errno ESRCH if it is none.
    Result<Fd> hold(pid_t pid);
    /// The main process has ended while nobody looked: tells how, as far as it can be known.
    void lost_main(OnEnd on_end);

    Containments& all_;
    state::Tree record_;
    /// To be held weakly by what may be called back after destruction.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);

  private:
    bool lost_end_ = false;
};

/// Makes containments of the best kind that can be had here.
class Containments {
  public:
    /// `runtime_dir`, if there is one, is what tells us from other supervisors, and us again from
    /// our predecessor, whose empty cgroups are removed. The others outlive it.
    /// No better kind of tree than `best` is made.
    Containments(asio::io_context& io, Children& children, os::Spawner& spawner, OwnLog& log,
                 const std::string& runtime_dir,
                 state::Tree::Kind best = state::Tree::Kind::Cgroup);
    Containments(const Containments&) = delete;
    Containments& operator=(const Containments&) = delete;
    ~Containments();

    /// `name` is for people. `invocation_id` is what the processes have in their environment as
    /// REEVE_INVOCATION_ID, and is theirs alone; else empty.
    std::unique_ptr<Containment> open(const std::string& name, const std::string& invocation_id);
    /// A tree that a predecessor has opened, to be resumed; before any is opened.
    std::unique_ptr<Containment> reopen(const std::string& name, const std::string& invocation_id,
                                        const state::Tree& tree);
    /// All that a predecessor has left was reopened. What lives in our cgroups beside that is told
    /// of; what is empty is removed.
    void all_reopened();
    /// From now on a successor can find out how main processes ended that end before it is there.
    void hold_by(Holding& holding) { holding_ = &holding; }
    /// Puts back what a successor needs in the runtime directory, if somebody has deleted it.
    void restore();
    /// SIGCHLD came.
    void child_ended();
    /// Nothing will be opened any more: ends what came to us and belongs to nobody, and removes our
    /// cgroups. Another supervisor with our runtime directory must not have started yet.
    void close();

  private:
    friend class CgroupTree;
    friend class Containment;
    friend class KeeperTree;
    friend class MarkedTree;

    Result<> find_cgroups(const std::string& runtime_dir);
    Result<> use_cgroups(std::string folder, std::string path);
    Result<> make_cgroup(const std::string& name, state::Tree& tree);
    state::Tree with_births(state::Tree tree) const;
    void sweep_soon();
    // Of the main process of the tree.
    void hold_main(const state::Tree& tree, int pidfd);
    void let_go_of_main(std::uint64_t tree);
    ExitStatus end_of_lost_main(std::uint64_t tree);
    void retire_cgroup(std::string folder);
    void remove_retired(std::size_t most);
    bool have_keepers(std::string& why);
    void do_without_keepers(const std::string& why);
    /// Whether what failed with it may work the next time.
    static bool may_pass(int errnum);

    asio::io_context& io_;
    Children& children_;
    os::Spawner& spawner_;
    OwnLog& log_;
    std::unique_ptr<Marks> marks_;
    std::string births_file_;  // empty: there is none
    os::Births births_;
    Holding* holding_ = nullptr;
    std::string folder_, path_;        // of our cgroups; empty: none
    std::string link_;                 // to the folder, for a successor; empty: there is none
    std::string no_cgroup_;            // why there are no new ones
    std::set<std::string> inhabited_;  // cgroups that a tree has
    Fd keeper_image_;
    std::string no_keeper_;
    std::uint64_t last_number_ = 0;
    std::vector<std::string> retired_;   // cgroups to be removed when there is time
    std::vector<std::string> lived_in_;  // those that could not be; with the next that retires
    bool removing_ = false, closed_ = false, sweeping_soon_ = false;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace reeve::shell
