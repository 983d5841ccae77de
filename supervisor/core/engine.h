#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "config/diff.h"
#include "config/plan.h"
#include "supervisor/core/action.h"
#include "supervisor/core/event.h"
#include "supervisor/core/requests.h"
#include "supervisor/core/units.h"

namespace reeve::core {

/// Decides everything that a supervisor decides: events in, actions out. Driven by whoever has
/// events, at the times that it is told; never touches a process, a clock or a log. The same
/// events at the same times give the same actions. What a service goes through: state.h.
class Engine {
  public:
    /// `seed` feeds the jitter of backoffs.
    Engine(config::PlanPtr plan, std::uint64_t seed);

    struct Shutdown {
        int status = 0;
        std::optional<Time> deadline{};
        bool asked = false;  ///< from outside; the next time everything is killed
        bool forced = false;
        bool given_up = false;  ///< something is left that even SIGKILL does not end
        bool finished = false;
        bool operator==(const Shutdown&) const = default;
    };
    /// All that a successor has to know, but for the plan: with the same plan and the same events
    /// at the same times it does what this one would have done. Requests that somebody waits for
    /// are not in it.
    struct Snapshot {
        Units::Numbers numbers;
        std::uint64_t random = 0;
        bool booted = false;
        std::optional<Shutdown> shutdown{};
        bool operator==(const Snapshot&) const = default;
    };
    Snapshot snapshot() const;
    /// The services that may have changed, or are gone, since this was last asked: those whose
    /// UnitSnapshot is to be taken anew.
    std::vector<ServiceId> take_changed() { return units_.take_changed(); }

    /// Goes on from what a predecessor had come to under this plan. It is to be told Resumed first,
    /// unless all that was decided has been done.
    Engine(config::PlanPtr plan, const Snapshot& snapshot, const std::vector<UnitSnapshot>& units);

    /// The requests that are not answered yet: for a successor to which whoever waits is handed
    /// over.
    std::vector<OpenRequest> open_requests() const { return requests_.open_requests(); }
    /// Goes on with one that a predecessor had open, on the way to Resumed.
    void restore(OpenRequest open) { requests_.restore(std::move(open)); }

    /// Takes in one event and returns what is to be done, in order. `now` never goes back.
    [[nodiscard]] std::vector<Action> handle(const Event& event, Time now);

    /// When handle(DeadlinePassed{}) is due, if ever.
    std::optional<Time> next_deadline() const;

    const Units& units() const { return units_; }
    bool shutting_down() const { return shutdown_.has_value(); }
    /// When whatever is left is killed, once everything is being stopped in order.
    std::optional<Time> shutdown_deadline() const;

  private:
    /// Whom a request for services to be up concerns beyond those that it names.
    struct Raised {
        std::vector<Touches::Service> started;
        std::vector<Touches::Service> stopped;  ///< as they conflict with what is started
        std::vector<Touches::Service> refused;  ///< for another one that is started as well
    };

    // engine.cpp: events
    void on(const BootAsked& event);
    void on(const Resumed& event);
    void on(const Requested& event);
    void on(const SignalAsked& event);
    void on(const ResetAsked& event);
    void on(const Abandoned& event) { requests_.drop(event.request); }
    void on(const Spawned& event);
    void on(const SpawnFailed& event);
    void on(const Exited& event);
    void on(const TreeEmptied& event);
    void on(const ReadyReported& event);
    void on(const Notified& event);
    void on(const ParentExited& event);
    void on(const MainFound& event);
    void on(const MainAwaited& event);
    void on(const ProbeAnswered& event);
    void on(const CommandEnded& event);
    void on(const DeadlinePassed& event);
    void on(const PlanReplaced& event);
    void on(const ShutdownAsked& event);
    void deadline_passed(Unit& unit);
    void start_deadline_passed(Unit& unit, const Starting& starting);

    // processes.cpp: events of a run's processes
    bool may_be_followed(const Unit& unit, const Exited& event) const;
    void find_successor(Unit& unit, const Exited& event);

    // engine.cpp: requests
    bool refuse(const Requested& event, ServiceId id);
    void start_services(const Requested& event);
    void stop_services(const Requested& event);
    void restart_services(const Requested& event);
    void announce_raised(RequestId request, const Raised& raised);
    void announce_touched(RequestId request, Verb verb, std::vector<Touches::Service> services);
    void reply(RequestId request, std::vector<Outcome> outcomes);

    // lifecycle.cpp: one service's way up, and what becomes of it at its end
    void change(Unit& unit, State state, std::string cause);
    void change(Unit& unit, State state);
    void start_run(Unit& unit);
    static std::optional<Time> deadline_of_start(const Unit& unit, std::optional<Time> extended);
    void launch(Unit& unit);
    void not_ready_yet(Unit& unit, std::string why);
    void find_main(Unit& unit);
    void await_readiness(Unit& unit);
    void ask_readiness(Unit& unit);
    static Duration pause_before_asking_again(const config::Probe& probe);
    void readiness_unasked(Unit& unit, const std::string& why);
    void readiness_answered(Unit& unit, const std::optional<std::string>& why);
    void become_ready(Unit& unit);
    void enter_running(Unit& unit);
    void start_timed_out(Unit& unit);
    void conclude(Unit& unit);
    void decide_fate(Unit& unit);
    void end_for_good(Unit& unit, State state, std::string cause);
    void note_failure(Unit& unit);
    void note_end(Unit& unit);
    void restarts_along(const Touches::Service& dependent);
    void cancel_task(TaskId task);
    void cancel_tasks(const Unit& unit);

    // stopping.cpp: one run's way down
    static std::string ending_words(const Unit& unit, StopReason reason);
    void begin_stop(Unit& unit, StopReason reason);
    void enter_stopping(Unit& unit, Stopping stopping, std::string cause);
    void begin_term(Stopping& stopping, Duration timeout) const;
    void begin_ending(Unit& unit);
    void continue_stop(Unit& unit);
    void tell_to_end(Unit& unit);
    void send_stop_signal(const Unit& unit);
    void main_gone(Unit& unit, bool leftovers);
    void tree_gone(Unit& unit);
    void stop_deadline_passed(Unit& unit);
    void kill_now(Unit& unit);
    void kill_rest(const Unit& unit);
    bool forced() const { return shutdown_ && shutdown_->forced; }

    // hooks.cpp: commands at the turns of a service's life
    static Duration term_of(const config::Hook& hook, const config::Stop& stop);
    TaskId run_hook(Unit& unit, const config::Hook& hook);
    void begin_hooks(Unit& unit, StartStep step);
    void next_start_hook(Unit& unit);
    void start_hook_ended(Unit& unit, const CommandEnded& event);
    void start_hook_timed_out(Unit& unit);
    void begin_stop_hooks(Unit& unit, StopStep step);
    void next_stop_hook(Unit& unit);
    void stop_hook_ended(Unit& unit, const CommandEnded& event);
    void stop_hook_timed_out(Unit& unit);

    // watch.cpp: health and watchdog
    Watch new_watch(const Unit& unit) const;
    void set_watch(Unit& unit, const Watch& watch);
    void ask_health(Unit& unit);
    void health_unasked(Unit& unit, const std::string& why);
    void health_answered(Unit& unit, const std::optional<std::string>& why);
    void feed_watchdog(Unit& unit);
    void watchdog_bites(Unit& unit, std::string trouble);
    void watch_deadline_passed(Unit& unit, const Watch& watch);
    void watch_changed(Unit& unit, const config::Policy& before);

    // notified.cpp: what a service says of itself
    void said_ready(Unit& unit);
    void says_ready(Unit& unit);
    void says_reloading(Unit& unit, std::optional<Time> since);
    void says_stopping(Unit& unit);
    void extend_timeout(Unit& unit, Duration by);

    // settle.cpp: who may start or stop, from the neighbours' states
    /// A service that is to be up, and for whom.
    struct Need {
        ServiceId id;
        ServiceId by;         ///< who needs it; none: it is named
        bool needed = false;  ///< not merely wanted
    };
    struct Needs {
        std::vector<Need> services;
        const Unit* rival = nullptr;
    };
    Needs needs_of(ServiceId first, const std::unordered_set<ServiceId>& up);
    void raise_one(const Need& need, const std::string& origin, bool by_hand, Raised& raised);
    /// Turns goals Up, those of all that is needed too.
    Raised raise(const std::vector<ServiceId>& first, const std::string& origin, bool by_hand);
    const Unit* rival_of(const Unit& unit, const std::unordered_set<ServiceId>& among) const;
    void stop_rivals(const Unit& unit, std::vector<Touches::Service>& stopped);
    void stop_rival(Unit& rival, const Unit& unit, std::string origin,
                    std::vector<Touches::Service>& stopped);
    void lower(Unit& unit, std::string origin);
    std::vector<Touches::Service> dependents_of(const std::vector<ServiceId>& services) const;
    void touch(Unit& unit);
    void touch_neighbours(Unit& unit);
    void settle();
    void settle_halting();
    void settle(Unit& unit);
    void forget(Unit& unit);
    void try_start(Unit& unit);
    bool must_halt(const Unit& unit) const;
    void note_lost_bond(Unit& unit);
    const Unit* in_the_way_of_stop(Unit& unit) const;

    // reload.cpp: a running service re-reads its own configuration
    void begin_reload(Unit& unit);
    void run_reload_command(Unit& unit, Reloading reloading, ReloadStep step,
                            const config::Argv& command, std::string cause);
    void await_reload(Unit& unit, std::string done);
    void reload_deadline_passed(Unit& unit);
    void check_passed(Unit& unit);
    void reload_command_ended(Unit& unit, const CommandEnded& event);
    void end_reload(Unit& unit, bool succeeded, const std::string& what);

    // replan.cpp: another plan
    void replan(const config::ServiceChange& entry, const config::Plan& before,
                std::vector<ServiceId>& start);
    void live_change(Unit& unit, const config::Service& before, std::vector<ServiceId>& start);
    void remember_order(Unit& removed, const config::Plan& before);
    void let_renamed_wait(const std::vector<ServiceId>& added,
                          const std::vector<ServiceId>& removed);
    void part_new_rivals(Unit& unit, const config::Plan& before,
                         std::vector<Touches::Service>& stopped);
    void open_apply(const PlanReplaced& event, const std::vector<ServiceId>& concerned);
    void announce_taken_along(RequestId request, const std::vector<ServiceId>& concerned,
                              Raised raised);
    void ready_changed(Unit& unit);
    void timeouts_changed(Unit& unit);

    // resume.cpp: what a predecessor had in hand
    struct Found {
        std::unordered_set<RunId> runs;
        std::unordered_set<TaskId> commands;
    };
    void take_up(Unit& unit, const Found& found);
    void take_up_start(Unit& unit, bool born, bool in_hook);
    void take_up_reload(Unit& unit, bool in_command);
    void take_up_stop(Unit& unit, bool born, bool in_command);
    void take_up_watch(Unit& unit);

    // shutdown
    void begin_shutdown(int status, const std::string& origin, std::string cause);
    void force_shutdown();
    void finish_if_over();

    Units units_;
    Requests requests_;
    Random random_;
    std::optional<Shutdown> shutdown_;
    bool booted_ = false;

    // of the event being handled
    Time now_;
    std::vector<Action> out_;
    std::deque<ServiceId> queue_;       // to be settled
    std::deque<ServiceId> halt_queue_;  // whose halting may have changed
    std::vector<ServiceId> moved_;      // whose requests may have come to an end
};

}  // namespace reeve::core
