#pragma once

#include <memory>
#include <string>

#include "supervisor/shell/containment.h"
#include "supervisor/shell/foreign_process.h"

namespace reeve::shell {

/// A tree in a cgroup of its own, which its main process is born in. Orphans come to us and are
/// reaped; nobody needs to know whose they were.
class CgroupTree : public Containment {
  public:
    CgroupTree(Containments& all, std::string folder);
    ~CgroupTree() override;

    os::SpawnResult start(os::SpawnSpec spec, OnEnd on_end) override;
    Result<> adopt(pid_t pid, OnEnd on_end) override;
    std::vector<os::ProcessEntry> members() override;
    bool is_member(pid_t pid) override;
    void signal_main(int signal) override;
    void kill() override;
    bool empty() override;
    void await_empty(std::function<void()> emptied) override;
    Tracking tracking() const override;

  private:
    void watch();
    void look();
    std::string path() const;

    Containments& all_;
    std::string folder_;
    pid_t main_ = 0;  // while it is our child and has not ended
    std::unique_ptr<ForeignProcess> adopted_;
    asio::posix::stream_descriptor events_;
    std::function<void()> emptied_;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace reeve::shell
