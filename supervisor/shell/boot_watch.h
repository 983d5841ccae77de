#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "supervisor/core/engine.h"

namespace reeve::shell {

/// How a boot went: the exit status for whoever waits for it, and whole lines about what did not
/// come up.
struct BootOutcome {
    int status = 0;
    std::string text;
    bool ending = false;  ///< the supervisor is, too
};

/// Watches a boot until each service that it starts has once come to where the boot can bring it:
/// ready or done, failed or in backoff, or waiting for such a one. The supervisor is up then,
/// whether they are or not; a boot that a shutdown ends before has failed. Looks on, and touches
/// nothing.
class BootWatch {
  public:
    using Told = std::function<void(const BootOutcome&)>;

    /// `told` is called once.
    explicit BootWatch(Told told) : told_(std::move(told)) {}

    /// What another program has to know to watch the same boot to its end.
    struct State {
        std::vector<core::ServiceId> started;
        std::vector<core::ServiceId> pending;  ///< those of them that have not come so far yet
    };
    /// Nothing where it is over.
    std::optional<State> state() const;
    void go_on(const State& state);

    /// After each event that the engine has handled, the first of which is BootAsked.
    void look(const core::Engine& engine, const std::vector<core::Action>& actions, Time now);

  private:
    void begin(const core::Units& units);
    void tell(BootOutcome outcome);
    std::string failures(const core::Units& units, Time now) const;

    Told told_;
    bool begun_ = false;
    std::vector<core::ServiceId> started_;
    std::unordered_set<core::ServiceId> pending_;
};

}  // namespace reeve::shell
