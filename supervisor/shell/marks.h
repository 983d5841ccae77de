#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "supervisor/os/process_entry.h"
#include "supervisor/shell/children.h"

namespace reeve::shell {

class MarkedTree;

/// Which processes belong to which marked tree, for all such trees together. Orphans that came to
/// us are known because they were noted as descendants, or by their session, their process group or
/// the invocation id in their environment; one that belongs to a tree is looked at once, and
/// remembered until it is gone. Used from the loop's thread; outlives the trees.
class Marks {
  public:
    explicit Marks(Children& children);
    Marks(const Marks&) = delete;
    Marks& operator=(const Marks&) = delete;

    /// SIGCHLD came, and the children were swept: trees may have emptied.
    void look();

    /// A child that nobody expects any more is to live on when we end.
    void spare(pid_t child) { spared_.insert(child); }
    /// KILL to what came to us and belongs to nobody, but for what is spared.
    void end_nobodys(const std::function<bool(pid_t)>& spares);

    /// What the processes of a tree bear: the invocation id in their environment,
    void know_by_invocation(const std::string& id, MarkedTree& tree) { by_invocation_[id] = &tree; }
    /// the number of a first process that is held as their session or process group,
    void know_by_leader(pid_t leader, MarkedTree& tree) { by_leader_[leader] = &tree; }
    /// or nothing, so that the tree has noted them (MarkedTree::is_noted).
    void know_by_note(pid_t process, MarkedTree& tree) { by_note_[process] = &tree; }
    void forget_note(pid_t process, const MarkedTree& tree);
    /// A tree that ends; of its notes it tells one by one. Its orphans are spared.
    void forget(const MarkedTree& tree, const std::string& id, pid_t leader);

    /// Of a child that nobody expects; nothing if it is nobody's.
    MarkedTree* owner_of(pid_t orphan) const;
    std::vector<pid_t> orphans_of(const MarkedTree& tree);
    /// Orphans may have come without a SIGCHLD: the next look at them is a new one.
    void count_orphans_anew() { census_after_.reset(); }
    /// All that bear the invocation id of a tree that is searched for everywhere.
    std::vector<os::ProcessEntry> strangers_of(const MarkedTree& tree);

    /// Its look() is called by ours, as long as it awaits its end.
    void await_end_of(MarkedTree& tree) { awaited_.insert(&tree); }
    void await_no_more(MarkedTree& tree) { awaited_.erase(&tree); }

  private:
    void census();
    void search();
    std::vector<os::ProcessEntry> living_strangers(const MarkedTree& tree) const;

    Children& children_;
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

}  // namespace reeve::shell
