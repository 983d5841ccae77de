#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "supervisor/core/ids.h"
#include "supervisor/os/process_tree.h"
#include "supervisor/shell/children.h"

namespace reeve::shell {

/// Which processes belong to which run, beyond its main process: its descendants, and the orphans
/// that came to us, known because they were noted as descendants, or by their session, their
/// process group or the invocation id in their environment. An orphan is looked at once, when it is
/// first seen, and remembered until it is gone.
class Trees {
  public:
    explicit Trees(Children& children);
    Trees(const Trees&) = delete;
    Trees& operator=(const Trees&) = delete;

    void add(core::RunId run, pid_t main, std::string invocation_id);
    void remove(core::RunId run);

    /// Notes the run's present members: to be called before any of them is ended, as one with a
    /// cleaned environment and a session of its own bears no other mark.
    void note_members(core::RunId run);
    /// Looks for orphans that came and went.
    void census();
    /// Whether a run whose main process has ended has others alive, as of the last census.
    bool has_orphans(core::RunId run) const;
    const std::unordered_map<pid_t, core::RunId>& orphans() const { return orphans_; }

    /// All living processes of the run as of now, its main process too.
    std::vector<os::ProcessEntry> members(core::RunId run) const;
    /// Whether the process is in the run's tree, as far as can be told while it lives.
    bool is_member(core::RunId run, pid_t pid) const;

  private:
    struct Tree {
        pid_t main = 0;
        std::string invocation_id;
        std::unordered_map<pid_t, std::uint64_t> noted{};  // and their start times
    };

    void forget_note(pid_t pid, core::RunId run);
    core::RunId owner_of(pid_t orphan) const;

    Children& children_;
    std::unordered_map<core::RunId, Tree> trees_;
    std::unordered_map<pid_t, core::RunId> by_main_;
    std::unordered_map<std::string, core::RunId> by_invocation_;
    std::unordered_map<pid_t, core::RunId> by_note_;
    std::unordered_map<pid_t, core::RunId> orphans_;
};

}  // namespace reeve::shell
