#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "supervisor/core/engine.h"

namespace reeve::test {

/// Watches an engine from outside and knows the rules that hold after every event, whatever the
/// plan and the world: it counts again what the engine counts and follows every run, task and
/// request from its beginning to its end. Looks at every service each time, so it is for small
/// plans.
class EngineWatch {
  public:
    explicit EngineWatch(const core::Engine& engine) : engine_(engine) {}

    /// What the rules have against the actions that an event led to: one sentence each.
    std::vector<std::string> after(const core::Event& event,
                                   const std::vector<core::Action>& actions, Time now);

    /// The engine was replaced by a successor, which has not been told Resumed yet: what actions
    /// before were not carried out is not known, nor is what was under way but for what it is told.
    void succeeded(const core::Resumed& resumed);

    /// The requests that are not answered yet.
    const std::map<core::RequestId, std::size_t>& open_requests() const { return requests_; }
    std::size_t live_runs() const { return runs_.size(); }
    std::size_t open_tasks() const { return tasks_.size(); }
    bool finished() const { return finished_; }

  private:
    struct Run {
        core::ServiceId service;
        bool launched = false;
        bool main_gone = false;
        bool killed = false;
        bool unseen = false;  ///< its main process ended while nobody was there
    };
    struct Task {
        core::RunId run;
        bool is_probe = false;
        bool killed = false;
    };
    /// What the rules say of a service across events.
    struct Past {
        std::string_view announced = "stopped";
        core::RunId run;
        int restarts = 0;
        int quick_exits = 0;
        std::vector<Time> restart_times;
        bool was_asked_to_stop = false;
        bool unseen = false;  ///< the end of the run that this event has ended
    };

    void take_in(const core::Event& event);
    void take_in_end(core::RunId run, bool unseen);
    void expect_reply(core::RequestId request, std::size_t outcomes);
    void check(const core::Spawn& action);
    void check(const core::Signal& action);
    void check(const core::KillTree& action);
    void check(const core::Reap& action);
    void check(const core::StartProbe& action);
    void check(const core::FindMain& action);
    void check(const core::RunCommand& action);
    void check(const core::CancelTask& action);
    void check(const core::EndTask& action);
    void check(const core::Touches& action);
    void check(const core::Reply& action);
    void check(const core::Announce& action);
    void check(const core::AnnounceShutdown& action);
    void check(const core::Forget& action);
    void check(const core::Finish& action);
    void check_unit(const core::Unit& unit);
    void check_tasks(const core::Unit& unit);
    void check_timeouts(const core::Unit& unit);
    void check_rest(const core::Unit& unit);
    void check_waiting(const core::Unit& unit, const core::Waiting& waiting);
    void check_stop_order(const core::Unit& unit);
    void check_restarts(const core::Unit& unit, Past& past);
    void check_counts();
    void check_deadlines(bool deadline_event);

    Run* live(core::RunId run, const char* what);
    void open_run(core::RunId run, core::ServiceId service);
    void open_task(core::TaskId task, core::RunId run, bool is_probe);
    bool announced_satisfied(const core::Unit& unit);
    Past& past(core::ServiceId id) { return pasts_[id]; }
    void violated(std::string sentence) { violations_.push_back(std::move(sentence)); }
    void expect(bool holds, const core::Unit& unit, const char* rule);

    const core::Engine& engine_;
    std::unordered_map<core::RunId, Run> runs_;
    std::map<core::TaskId, Task> tasks_;
    std::map<core::RequestId, std::size_t> requests_;
    std::unordered_map<core::ServiceId, Past> pasts_;
    std::uint64_t last_run_ = 0;
    std::uint64_t last_task_ = 0;
    bool finished_ = false;
    bool shutdown_announced_ = false;

    // of the event being looked at
    Time now_;
    bool replanned_ = false;
    std::set<core::RunId> told_to_stop_;
    std::vector<std::string> violations_;
};

}  // namespace reeve::test
