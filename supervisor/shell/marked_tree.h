#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "supervisor/os/process_tree.h"
#include "supervisor/shell/children.h"
#include "supervisor/shell/containment.h"
#include "supervisor/shell/foreign_process.h"

namespace reeve::shell {

class MarkedTree;

/// Which orphans that came to us belong to which marked tree: known because they were noted as
/// descendants, or by their session, their process group or the invocation id in their environment.
/// An orphan that belongs to one is looked at once, and remembered until it is gone.
class Marks {
  public:
    Marks(asio::io_context& io, Children& children, os::Spawner& spawner);
    Marks(const Marks&) = delete;
    Marks& operator=(const Marks&) = delete;

    /// SIGCHLD came, and the children were swept: trees may have emptied.
    void look();

    /// A child that nobody expects any more is to live on when we end.
    void spare(pid_t child) { spared_.insert(child); }
    /// KILL to what came to us and belongs to nobody, but for what is spared.
    void end_nobodys(const std::function<bool(pid_t)>& spares);

  private:
    friend class MarkedTree;

    void census();
    MarkedTree* owner_of(pid_t orphan) const;
    std::vector<pid_t> orphans_of(const MarkedTree* tree);
    void search();
    std::vector<os::ProcessEntry> living_strangers(const MarkedTree* tree) const;
    std::vector<os::ProcessEntry> strangers_of(const MarkedTree* tree);

    asio::io_context& io_;
    Children& children_;
    os::Spawner& spawner_;
    std::unordered_map<pid_t, MarkedTree*> by_leader_;
    std::unordered_map<std::string, MarkedTree*> by_invocation_;
    std::unordered_map<pid_t, MarkedTree*> by_note_;
    std::unordered_map<pid_t, MarkedTree*> orphans_;
    std::optional<std::uint64_t> census_after_;  // how many sweeps of the children
    std::set<MarkedTree*> awaited_;
    std::set<pid_t> spared_;
    // Of trees that are searched for everywhere, as the last search has found them.
    std::unordered_multimap<const MarkedTree*, os::ProcessEntry> strangers_;
    std::chrono::steady_clock::time_point searched_;
};

/// A tree whose processes are known by descent and marks only. Its first process stays a zombie,
/// once it has ended, until the tree is destroyed, so that its number, and with it its process
/// group and session, cannot become somebody else's.
///
/// What a predecessor has left is not our child, nor do its orphans come to us: of such a tree all
/// that bear its invocation id are looked for, and looked for again while its end is awaited.
class MarkedTree : public Containment {
  public:
    MarkedTree(Containments& all, state::Tree record, std::string invocation_id, std::string why);
    ~MarkedTree() override;

    os::SpawnResult start(os::SpawnSpec spec, OnEnd on_end) override;
    bool resume(const state::Tree& tree, OnEnd on_end) override;
    /// In place of start(), for a main process that has become our child; 0: it has ended.
    void take_over(pid_t main, OnEnd on_end);
    /// The same for an adopted one that need not be our child; the pidfd is the process's.
    void take_over(pid_t adopted, Fd pidfd, OnEnd on_end);
    /// Its processes need not become our children.
    void search_everywhere();
    Result<> adopt(pid_t pid, OnEnd on_end) override;
    std::vector<os::ProcessEntry> members() override;
    bool is_member(pid_t pid) override;
    void signal_main(int signal) override;
    void signal_all(int signal) override;
    void kill() override;
    bool empty() override;
    void await_empty(std::function<void()> emptied) override;
    Tracking tracking() const override;

  private:
    friend class Marks;

    void watch(pid_t pid, Fd pidfd);
    void lost(OnEnd on_end);
    std::vector<os::ProcessEntry> strangers();
    bool bears_id(pid_t pid) const;
    bool is_noted(const os::ProcessEntry& process) const;
    void look_later();
    void note_members();
    void forget_note(pid_t pid);
    void main_ended(const os::Ended& end);
    void look();

    Containments& all_;
    Marks& marks_;
    std::string invocation_id_, why_;
    pid_t leader_ = 0;  // the first process, while it is held
    bool leader_ended_ = true;
    Fd group_;  // the first process, where it is not held
    bool everywhere_ = false;
    asio::steady_timer later_;
    std::unique_ptr<ForeignProcess> adopted_;
    OnEnd on_end_;
    std::function<void()> emptied_;
    bool killing_ = false;
    std::unordered_map<pid_t, std::uint64_t> noted_;  // descendants and their start times
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace reeve::shell
