#pragma once

#include <memory>
#include <string>

#include "supervisor/shell/containment.h"
#include "supervisor/shell/foreign_process.h"

namespace reeve::shell {

/// A tree below a keeper of its own (os/keeper.h), which reaps what is orphaned in it and tells us,
/// and whose end means that the tree is empty. If somebody kills the keeper, its children become
/// ours, and the marks that they bear have to do.
class KeeperTree : public Containment {
  public:
    KeeperTree(Containments& all, state::Tree record, std::string name, std::string invocation_id,
               std::string why);
    ~KeeperTree() override;

    os::SpawnResult start(os::SpawnSpec spec, OnEnd on_end) override;
    bool resume(const state::Tree& tree, OnEnd on_end) override;
    Result<> adopt(pid_t pid, OnEnd on_end) override;
    std::vector<os::ProcessEntry> members() override;
    bool is_member(pid_t pid) override;
    void signal_main(int signal) override;
    void signal_all(int signal) override;
    void kill() override;
    bool empty() override;
    void await_empty(std::function<void()> emptied) override;
    Tracking tracking() const override;
    bool has_lost_end() const override { return fallback_ && fallback_->has_lost_end(); }

  private:
    void expect_keeper();
    void open_reports();
    void resume_with_keeper(Fd keeper);
    void resume_without_keeper();
    void miss_main();
    void await_reports();
    bool read_reports();
    void keeper_ended(const os::Ended& end);
    void keeper_lost();
    void main_ended(const os::Ended& end);
    void told_empty();
    ExitStatus status_of_first() const;
    void fell();
    void fell_soon();

    std::string name_, invocation_id_, why_;
    pid_t keeper_ = 0;                                // while it has not ended
    std::unique_ptr<ForeignProcess> foreign_keeper_;  // if it is not our child
    bool empty_ = false;
    bool inherited_ = false;
    asio::posix::stream_descriptor reports_;
    asio::steady_timer later_;
    pid_t main_ = 0;  // while it has not ended
    Fd leader_;       // the first main process, which led a process group
    std::unique_ptr<ForeignProcess> adopted_;
    OnEnd on_end_;
    std::function<void()> emptied_;
    bool killing_ = false, felling_soon_ = false;
    std::size_t ends_to_next_look_ = 0;  // while killing
    std::unique_ptr<Containment> fallback_;
};

}  // namespace reeve::shell
