#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/plan.h"
#include "supervisor/core/action.h"
#include "supervisor/core/ids.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/state.h"

namespace reeve::core {

/// How the last main process of a service ended, and after how long. Of an end that nobody saw all
/// that is known is when it was noticed: at `at`, so that it ran for `ran` at most.
struct LastExit {
    ExitStatus status;
    Time at;
    Duration ran{};
    bool unseen = false;
    bool operator==(const LastExit&) const = default;
};

/// How the last run of a service ended, one that could not be spawned too.
struct RunResult {
    ExitStatus status;
    Time at;
    bool executed = false;  ///< there was a process
    std::optional<ResourceUsage> usage;
    std::optional<bool> out_of_memory;
    bool unseen = false;  ///< it ended some time before `at`, which is when that was noticed
    bool operator==(const RunResult&) const = default;
};

/// One failure of a service, kept for people.
struct FailureNote {
    std::string cause;
    Time started;
    RunResult result;
    bool operator==(const FailureNote&) const = default;
};

/// A run of a service that is over, kept for people: from its start, hooks included, to where
/// nothing of it was left.
struct EndedRun {
    Time started;
    Time ended;
    ExitStatus status;
    std::optional<int> pid;  ///< of its main process, if there was one
    bool operator==(const EndedRun&) const = default;
};

/// What the engine remembers of a service beside its definition and its state.
struct Memory {
    /// What the present run is stopped by: another definition that takes a restart is not for it.
    config::ServicePtr run_definition;
    Goal goal = Goal::Down;
    bool cycle = false;     ///< to be stopped and started again
    bool halting = false;   ///< alive and must stop: by its goal, its cycle or a requirement
    bool removed = false;   ///< the configuration no longer has it
    std::string origin;     ///< why it has its goal, for people
    std::string trouble;    ///< what went wrong with the present run, for people
    std::string result;     ///< the same as systemd.exec(5) calls it, where its end does not tell
    std::string unready;    ///< why it is not ready yet, for people
    std::string unhealthy;  ///< the last bad answer of its health probe; empty after a good one
    bool unasked = false;   ///< its health probe could not be carried out the last time
    std::string status_text;
    std::optional<int> pid;
    std::optional<int> run_pid;  ///< of the present or last run's main process, gone or not
    Time started{};              ///< when the present or last run was spawned
    Time ready_since{};          ///< when it became ready; counts while it is Running or after that
    bool was_ready = false;
    bool start_failed = false;             ///< the last run ended before it was ready
    bool unwell = false;                   ///< the last run was ended because it was not well
    bool said_ready = false;               ///< the present run, maybe before anybody asked
    bool stop_timed_out = false;           ///< the present run was killed, as it did not end
    std::optional<int> reported_errno;     ///< ERRNO= of the present run
    std::optional<Duration> watchdog;      ///< how often the present run must feed it
    std::optional<bool> tells_of_reloads;  ///< whether it sends RELOADING=1; nothing: not known yet
    RunResult last_run;
    RestartHistory history;
    std::optional<LastExit> last_exit;
    std::vector<FailureNote> failures;  ///< the last few, oldest first
    std::vector<EndedRun> ended_runs;   ///< the last few, oldest first
    /// The order of stopping that a removed service had: those to go before it; and on their side
    /// the removed ones that wait for them.
    std::vector<ServiceId> stops_after, removed_behind;
    /// The removed services whose place it takes, which must be gone before it starts; and on their
    /// side those that wait for that.
    std::vector<ServiceId> predecessors, successors;
    /// Where the last look through its neighbours ended; the next one begins there. Nothing else
    /// depends on it.
    struct Cursors {
        std::uint32_t stop = 0, requirements = 0, order = 0;
        bool operator==(const Cursors&) const { return true; }
    } cursors;

    bool operator==(const Memory&) const = default;
};

/// A service by value: all that a successor of the engine has to know of it.
struct UnitSnapshot {
    ServiceId id;
    config::ServicePtr definition;
    Memory memory;
    State state;
    std::string cause;
    Time since{};

    bool operator==(const UnitSnapshot&) const = default;
};

/// One service as the engine knows it. Its state is changed by Units::change alone.
class Unit : public Memory {
  public:
    Unit(ServiceId id, config::ServicePtr service) : definition(std::move(service)), id_(id) {}
    explicit Unit(const UnitSnapshot& from)
        : Memory(from.memory),
          definition(from.definition),
          id_(from.id),
          state_(from.state),
          cause_(from.cause),
          since_(from.since) {}
    UnitSnapshot snapshot() const { return {id_, definition, *this, state_, cause_, since_}; }

    ServiceId id() const { return id_; }
    const std::string& name() const { return definition->name; }
    const config::Policy& policy() const { return definition->policy; }
    const State& state() const { return state_; }
    const std::string& cause() const { return cause_; }
    /// When it entered its present state.
    Time since() const { return since_; }
    bool alive() const { return is_alive(state_); }
    const config::Stop& stop() const {
        return (run_definition ? run_definition : definition)->policy.stop;
    }

    config::ServicePtr definition;
    bool queued = false;  ///< the engine is about to look at it

  private:
    friend class Units;
    ServiceId id_;
    State state_ = Stopped{};
    std::string cause_;
    Time since_{};
    bool noted_ = false;  // among those that may have changed
};

/// Good enough for whoever requires it.
bool is_satisfied(const Unit& unit);

/// Its main process has ended, and may be followed by another one.
bool is_being_followed(const Unit& unit);

/// On its way to ready, with nothing known that keeps it from getting there.
bool is_on_its_way(const Unit& unit);

/// All services, found by id, name, place in the plan, run or task; and their deadlines in order.
/// The one place where a state changes and the change is announced. A copy is independent.
class Units {
  public:
    /// Takes every service of the plan: known names keep their Unit and get the new definition,
    /// new ones begin as Stopped. Units that the plan lacks stay until erased.
    void adopt(config::PlanPtr plan);
    void erase(ServiceId id);

    /// The numbers that were given out last.
    struct Numbers {
        std::uint64_t service = 0, run = 0, task = 0;
        bool operator==(const Numbers&) const = default;
    };
    Numbers numbers() const { return {units_.size(), last_run_, last_task_}; }
    /// Instead of the first adopt(): what another one had come to under this plan.
    void restore(config::PlanPtr plan, const std::vector<UnitSnapshot>& units,
                 const Numbers& numbers);

    /// It may differ from what it was.
    void note(Unit& unit);
    /// Those that may differ, or are gone, since this was last asked; each once.
    std::vector<ServiceId> take_changed();

    const config::Plan& plan() const { return *plan_; }
    const config::PlanPtr& plan_ptr() const { return plan_; }
    Unit* find(ServiceId id);
    const Unit* find(ServiceId id) const;
    Unit& at(ServiceId id) { return *find(id); }
    Unit* find(std::string_view name);
    const Unit* find(std::string_view name) const;
    /// One that the plan no longer has and that is not gone yet.
    Unit* find_removed(const std::string& name);
    /// Whoever may change what it finds notes it.
    Unit* by_run(RunId run);
    const Unit* by_run(RunId run) const;
    Unit* by_task(TaskId task);

    /// Every unit that is known, in no useful order.
    template <typename F>
    void for_each(F&& f) {
        for (auto& unit : units_) {
            if (unit) f(*unit);
        }
    }
    template <typename F>
    void for_each(F&& f) const {
        for (const auto& unit : units_) {
            if (unit) f(*unit);
        }
    }

    enum class Edge {
        Requires,
        Binds,
        Wants,
        After,
        RequiredBy,
        BoundBy,
        WantedBy,
        Before,
        Conflicts
    };
    /// The neighbours along one kind of edge, as places in the plan; none for a removed unit.
    std::span<const std::uint32_t> neighbours(const Unit& unit, Edge edge) const;
    Unit& at_place(std::uint32_t place) { return at(by_place_[place]); }
    const Unit& at_place(std::uint32_t place) const { return *find(by_place_[place]); }

    /// Puts a unit into a state for a reason and announces it, unless it differs in nothing that
    /// can be seen (a probe's turn, a deadline).
    void change(Unit& unit, State state, std::string cause, Time now, std::vector<Action>& out);

    RunId new_run(const Unit& unit);
    TaskId new_task(const Unit& unit);
    void end_run(RunId run) { runs_.erase(run); }
    void end_task(TaskId task) { tasks_.erase(task); }

    std::optional<Time> next_deadline() const;
    /// The units whose deadlines have come.
    std::vector<ServiceId> due(Time now) const;

    /// How many are alive, and how many are alive, on their way or due to start again.
    std::size_t alive() const { return alive_; }
    std::size_t busy() const { return busy_; }

  private:
    config::PlanPtr plan_;
    std::deque<std::optional<Unit>> units_;  // the place of id N is N - 1; none once erased
    std::vector<std::uint32_t> places_;      // where each is in the plan, or no_place
    std::vector<ServiceId> by_place_;
    std::unordered_map<std::string, ServiceId> removed_;
    std::unordered_map<RunId, ServiceId> runs_;
    std::unordered_map<TaskId, ServiceId> tasks_;
    std::set<std::pair<Time, ServiceId>> deadlines_;
    std::vector<ServiceId> changed_;
    std::uint64_t last_run_ = 0;
    std::uint64_t last_task_ = 0;
    std::size_t alive_ = 0;
    std::size_t busy_ = 0;
};

}  // namespace reeve::core
