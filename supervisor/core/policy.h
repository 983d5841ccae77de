#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/exit_status.h"
#include "base/time.h"
#include "config/plan.h"

/// What becomes of a service whose process ended unasked: pure functions of its policy and its
/// past.
namespace reeve::core {

/// A small generator (splitmix64) whose whole state is one number, so that a seed replays a run.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t state() const { return state_; }
    std::uint64_t next();
    /// Evenly from [0, 1).
    double fraction();

  private:
    std::uint64_t state_;
};

/// What counts towards backoff and the restart limit; forgotten when started by hand.
struct RestartHistory {
    int restarts = 0;         ///< automatic ones since it was last started by hand
    int quick_exits = 0;      ///< in a row; the exponent of the backoff
    std::vector<Time> times;  ///< of the automatic restarts that the limit still counts
    bool operator==(const RestartHistory&) const = default;
};

/// The end of one run.
struct RunEnd {
    ExitStatus status;
    bool start_failed = false;  ///< it ended, or was ended, before it was ready
    Duration ready_for{};       ///< how long it had been ready
    bool unwell = false;        ///< it was ended because it was not well
    bool unseen = false;        ///< nobody knows when it ended: `ready_for` is the most it can be
};

struct RestartAfter {
    Duration delay;
};
struct EndAsDone {};
struct EndAsFailed {
    bool limit_reached = false;
};
using Verdict = std::variant<RestartAfter, EndAsDone, EndAsFailed>;

/// Whether a run ended as the service's definition takes it for well.
bool is_success(const config::Policy& policy, const RunEnd& end);

/// The setting by which a run that neither a request nor a limit ended is followed by no other, for
/// people; nothing where that goes without saying, as with a oneshot.
std::string_view what_makes_final(const config::Service& service, const RunEnd& end);

/// Decides, and enters a restart into the history.
Verdict judge(const config::Service& service, const RunEnd& end, RestartHistory& history,
              Random& random, Time now);

/// The wait before the n-th quick restart in a row, n from 0, without jitter.
Duration backoff_delay(const config::Backoff& backoff, int n);

}  // namespace reeve::core
