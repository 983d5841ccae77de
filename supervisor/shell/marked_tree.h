#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "supervisor/shell/containment.h"
#include "supervisor/shell/foreign_process.h"

namespace reeve::shell {

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
    bool is_everywhere() const { return everywhere_; }
    /// Whether it was a member when they were last signalled.
    bool is_noted(const os::ProcessEntry& process) const;
    /// Something of it may have ended.
    void look();
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
    void watch(pid_t pid, Fd pidfd);
    std::vector<os::ProcessEntry> strangers();
    bool bears_id(pid_t pid) const;
    void look_later();
    void note_members();
    void main_ended(const os::Ended& end);

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
};

}  // namespace reeve::shell
