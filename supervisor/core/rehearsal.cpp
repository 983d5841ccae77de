#include "supervisor/core/rehearsal.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "base/overloaded.h"

namespace reeve::core {

namespace {

/// The obedient world: answers each action with what would come of it.
class Stage {
  public:
    Stage(Engine& engine, RequestId request, Time now)
        : engine_(engine), request_(request), now_(now) {}

    /// Brings what is under way to its end.
    void settle() {
        engine_.units().for_each([this](const Unit& unit) { finish(unit); });
        run();
        if (const auto due = last_probe()) {
            // That time passes here only: nothing else falls due by it.
            engine_.units().for_each([this](const Unit& unit) {
                const RunId run = run_of(unit.state());
                if (!run) return;
                facts_.push_back(Notified{
                    .run = run, .watchdog_interval = Duration::zero(), .extend_timeout = 24h});
            });
            run();
            now_ = std::max(now_, *due);
            facts_.push_back(DeadlinePassed{});
            run();
        }
        played_ = {};
    }

    Rehearsal play(const Event& event) {
        facts_.push_back(event);
        run();
        return std::move(played_);
    }

  private:
    void run() {
        while (!facts_.empty()) {
            const Event fact = std::move(facts_.front());
            facts_.pop_front();
            for (const Action& action : engine_.handle(fact, now_)) {
                std::visit([this](const auto& one) { carry_out(one); }, action);
            }
        }
    }

    void finish(const Unit& unit) {
        std::visit(Overloaded{
                       [](const auto&) {},
                       [&](const Starting& s) { finish_start(unit, s); },
                       [&](const Reloading& s) {
                           if (s.command) facts_.push_back(CommandEnded{s.command, true, {}});
                       },
                       [&](const Stopping& s) {
                           if (s.command) facts_.push_back(CommandEnded{s.command, true, {}});
                           ended(s.run);
                       },
                   },
                   unit.state());
    }

    void finish_start(const Unit& unit, const Starting& starting) {
        if (const TaskId hook = starting.hook.task) {
            facts_.push_back(CommandEnded{hook, true, {}});
        } else if (const TaskId probe = starting.readiness.task) {
            facts_.push_back(ProbeAnswered{probe, ProbeAnswered::Answer::Yes, {}});
        } else if (starting.step == StartStep::FindMain) {
            facts_.push_back(MainFound{starting.run, 1});
        } else {
            started(starting.run, *unit.run_definition);
        }
        if (starting.step == StartStep::FindMain) said_ready(starting.run);
    }

    void said_ready(RunId run) {
        facts_.push_back(ReadyReported{run});
        facts_.push_back(Notified{.run = run, .ready = true});
    }

    /// When all services that are between two probes have been asked again.
    std::optional<Time> last_probe() const {
        std::optional<Time> last;
        engine_.units().for_each([&](const Unit& unit) {
            const auto* starting = std::get_if<Starting>(&unit.state());
            if (starting == nullptr || !starting->readiness.due) return;
            if (!last || *starting->readiness.due > *last) last = starting->readiness.due;
        });
        return last;
    }

    void started(RunId run, const config::Service& service) {
        facts_.push_back(Spawned{run, 1});
        if (service.execution.type == config::ServiceType::Forking) {
            facts_.push_back(ParentExited{run, good_end(service.policy.success_exit), true});
        }
        said_ready(run);
        if (service.execution.type == config::ServiceType::Oneshot) {
            ended(run, good_end(service.policy.success_exit));
        }
    }

    static ExitStatus good_end(const config::ExitSet& success) {
        for (int code = 0; code < 256; ++code) {
            if (success.contains(ExitStatus::exited(code))) return ExitStatus::exited(code);
        }
        for (int signal = 1; signal < 65; ++signal) {
            if (success.contains(ExitStatus::killed(signal))) return ExitStatus::killed(signal);
        }
        return ExitStatus::exited(0);
    }

    void ended(RunId run, const ExitStatus& status = ExitStatus::exited(0)) {
        facts_.push_back(Exited{run, status, false});
        facts_.push_back(TreeEmptied{run});
    }

    void carry_out(const Spawn& a) { started(a.run, *a.definition); }
    void carry_out(const Signal& a) {
        const Unit* unit = engine_.units().by_run(a.run);
        if (unit != nullptr && std::holds_alternative<Stopping>(unit->state())) ended(a.run);
    }
    void carry_out(const KillTree& a) { ended(a.run); }
    void carry_out(const Reap&) {}
    void carry_out(const StartProbe& a) {
        facts_.push_back(ProbeAnswered{a.task, ProbeAnswered::Answer::Yes, {}});
    }
    void carry_out(const FindMain& a) { facts_.push_back(MainFound{a.run, 1}); }
    void carry_out(const RunCommand& a) { facts_.push_back(CommandEnded{a.task, true, {}}); }
    void carry_out(const CancelTask&) {}
    void carry_out(const EndTask& a) { facts_.push_back(CommandEnded{a.task, false, "killed"}); }
    void carry_out(const Touches& a) {
        for (const Touches::Service& touched : a.services) {
            played_.also.push_back(engine_.units().find(touched.id)->name());
        }
    }
    void carry_out(const Reply& a) {
        if (a.request == request_) played_.outcomes = a.outcomes;
    }
    void carry_out(const Announce& a) {
        if (a.from == a.to) return;
        if (const auto kind = step_of(a)) played_.steps.push_back({a.name, *kind, a.cause});
    }

    /// A service that only groups others goes up and down without a state in between.
    static std::optional<RehearsedStep::Kind> step_of(const Announce& a) {
        using Kind = RehearsedStep::Kind;
        if (a.to == "stopping") return Kind::Stop;
        if (a.to == "starting") return Kind::Start;
        if (a.to == "reloading") return Kind::Reload;
        if (a.to == "running" && a.from != "starting" && a.from != "reloading") return Kind::Start;
        if (a.to != "stopped") return std::nullopt;
        if (a.from == "waiting" || a.from == "backoff" || a.from == "running") return Kind::Stop;
        return std::nullopt;
    }

    void carry_out(const AnnounceShutdown&) {}
    void carry_out(const Forget& a) {
        played_.steps.push_back({a.name, RehearsedStep::Kind::Remove, "no longer configured"});
    }
    void carry_out(const Finish&) {}

    Engine& engine_;
    RequestId request_;
    Time now_;
    std::deque<Event> facts_;
    Rehearsal played_;
};

}  // namespace

Rehearsal rehearse(Engine engine, const Event& event, RequestId request, Time now) {
    Stage stage(engine, request, now);
    stage.settle();
    return stage.play(event);
}

}  // namespace reeve::core
