#pragma once

#include <memory>
#include <string>

#include "supervisor/shell/containment.h"
#include "supervisor/shell/foreign_process.h"
#include "supervisor/shell/strays.h"

namespace reeve::shell {

/// A tree in a cgroup of its own, which its main process is born in. Orphans come to us and are
/// reaped; nobody needs to know whose they were. Who may write to other cgroups (root) can leave
/// its own. What does so is nobody's any more; but the main process stays the service's, and so
/// does what left together with it (strays.h).
class CgroupTree : public Containment {
  public:
    CgroupTree(Containments& all, state::Tree record, const std::string& invocation_id);
    ~CgroupTree() override;

    os::SpawnResult start(os::SpawnSpec spec, OnEnd on_end) override;
    bool resume(const state::Tree& tree, OnEnd on_end) override;
    Result<> adopt(pid_t pid, OnEnd on_end) override;
    std::vector<os::ProcessEntry> members() override;
    bool is_member(pid_t pid) override;
    void signal_main(int signal) override;
    void kill() override;
    bool empty() override;
    void await_empty(std::function<void()> emptied) override;
    Tracking tracking() const override;

  private:
    void expect(pid_t child, OnEnd on_end);
    void watch(pid_t pid, Fd pidfd, OnEnd on_end);
    pid_t oldest() const;
    void watch();
    void look();
    void look_soon();
    void look_later();
    pid_t main() const { return adopted_ ? adopted_->pid() : main_; }
    void kill_strays();
    std::string path() const;

    std::string folder_;
    pid_t main_ = 0;  // while it is our child and has not ended
    std::unique_ptr<ForeignProcess> adopted_;
    asio::posix::stream_descriptor events_;
    std::function<void()> emptied_;
    Strays strays_;
    asio::steady_timer later_;
    bool looking_later_ = false, killing_ = false, kill_failed_ = false;
};

}  // namespace reeve::shell
