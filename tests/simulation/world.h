#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/core/engine.h"
#include "tests/simulation/dice.h"
#include "tests/support/engine_watch.h"
#include "tests/support/records.h"

namespace reeve::simulation {

/// As a line, for people.
std::string text_of(const core::Event& event);
std::string text_of(const core::Action& action);

/// What a world has seen so far.
struct Tally {
    std::uint64_t events = 0;
    std::uint64_t hash = 0;  ///< of all that happened and all that was to be done
    std::uint64_t spawns = 0, replies = 0, kills = 0, lives = 0, plans = 0, calms = 0, deaths = 0;
};

/// A machine with unruly processes and restless users, made of one seed, that drives a real engine:
/// it carries out each action as a shell would and tells what came of it, at times of its own. When
/// the engine finishes, another life begins with another plan. Every so often all calms down:
/// processes behave, nobody asks for anything, and in the end nothing may be left undone.
class World {
  public:
    /// Without `checked` the rules are not looked at: to measure the engine alone.
    World(std::uint64_t seed, bool checked);

    /// One event. What the rules have against what came of it.
    std::vector<std::string> step();

    const Tally& tally() const { return tally_; }
    /// Tells each event and action as a line.
    void trace(bool on) { traced_ = on; }
    std::vector<std::string> take_lines() { return std::exchange(lines_, {}); }

  private:
    struct Process {
        core::ServiceId service;
        config::ServicePtr definition;
        bool main_alive = false;
        bool parent = false;  ///< what is alive is the first process of a forking service
        bool exit_told = false;
        int leftovers = 0;
        bool deaf_main = false;  ///< ignores every signal but SIGKILL
        bool deaf_leftovers = false;
        bool killed = false;
        bool immortal = false;  ///< not even SIGKILL ends it, for long
        std::uint64_t dying = 0;
    };
    // What the world has in store for itself.
    struct MainEnds {
        core::RunId run;
        ExitStatus status;
    };
    struct LeftoversEnd {
        core::RunId run;
    };
    struct MainIsFound {
        core::RunId run;
    };
    /// Says that it is alive, and now and then something else.
    struct Speaks {
        core::RunId run;
    };
    struct UserActs {};
    struct CalmBegins {};
    using Happening = std::variant<core::Event, MainEnds, LeftoversEnd, MainIsFound, Speaks,
                                   UserActs, CalmBegins>;
    struct Due {
        Time at;
        std::uint64_t number;
        Happening happening;
        bool operator<(const Due& other) const {
            return std::pair(other.at, other.number) < std::pair(at, number);
        }
    };

    void begin_life();
    std::vector<std::string> handle(const core::Event& event);
    std::vector<std::string> handle_or_die(const core::Event& event);
    std::vector<std::string> succeed();
    void forget(const std::set<core::RunId>& runs);
    std::vector<std::string> compare_with_copy(const core::Event& event) const;
    std::optional<core::Event> next_event();
    std::optional<core::Event> happens(const Happening& happening);
    std::optional<core::Event> happens_inside(const MainEnds& end);
    std::optional<core::Event> happens_inside(const LeftoversEnd& end);
    std::optional<core::Event> happens_inside(const MainIsFound& found);
    std::optional<core::Event> happens_inside(const Speaks& speaks);
    std::optional<core::Event> user_acts();
    bool is_quiet() const;
    std::vector<core::ServiceId> some_services();
    core::Event random_request();
    std::optional<core::Event> stale_event();
    std::vector<std::string> check_calm() const;
    void after(Duration wait, Happening happening);

    static constexpr std::size_t no_limit = ~std::size_t{0};

    void carry_out(const core::Action& action);
    void spawn(const core::Spawn& action);
    void live_on(core::RunId run, Process& process);
    void signal(const core::Signal& action);
    void kill(core::RunId run);
    void find_main(core::RunId run);
    core::ProbeAnswered::Answer random_answer(double good);
    void start_task(core::TaskId task, core::RunId run, bool is_probe);
    void note(const core::Event& event);
    void note(const core::Action& action);
    void mix(std::uint64_t value);
    void mix(std::string_view text);

    Dice dice_;
    bool checked_;
    Time now_{1h};
    config::PlanPtr plan_;
    std::unique_ptr<core::Engine> engine_;
    std::unique_ptr<test::EngineWatch> watch_;
    test::Records records_;
    std::size_t carried_out_ = no_limit;  ///< how many actions of the next event will be, at most
    std::set<core::TaskId> commands_;
    std::unordered_map<core::RunId, Process> processes_;
    std::priority_queue<Due> due_;
    std::size_t bustle_ = 0;  ///< how much of what is due is more than a sign of life
    std::uint64_t numbered_ = 0;
    std::uint64_t last_request_ = 0;
    std::uint64_t last_run_ = 0;
    std::vector<bool> is_probe_;  ///< of each task of this life
    std::size_t services_ = 0;
    bool calm_ = false;
    bool finished_ = false;
    bool over_ = false;
    Tally tally_;
    bool traced_ = false;
    std::vector<std::string> lines_;
};

}  // namespace reeve::simulation
