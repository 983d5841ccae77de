#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "ctl/connection.h"
#include "ctl/exit.h"

namespace reeve::ctl {

/// Until when an answer is waited for.
struct Limit {
    Connection::Deadline at;  ///< nothing: for ever
    Duration time{};          ///< how long that was from the beginning
    bool callers = false;     ///< it is the caller's --timeout that ends there

    bool over() const { return at && std::chrono::steady_clock::now() >= *at; }
    /// At least a millisecond.
    Duration left() const;
};

/// What to do where something else listens than reeved.
inline constexpr const char* name_the_socket = "name the socket of reeved with -s or REEVE_SOCKET";

/// How long somebody is waited for who does not answer: for a while, and never longer than the
/// caller wants.
class Patience {
  public:
    Patience(Duration own, std::optional<Duration> timeout);

    /// For an answer that is due at once, or within another time.
    Limit limit() const { return limit(own_); }
    Limit limit(Duration own) const;
    /// For one that is due when the caller's timeout is over; none without one.
    Limit of_caller() const;
    /// What is left of that timeout.
    std::optional<Duration> left() const;

  private:
    Duration own_;
    std::optional<Duration> timeout_;
    Connection::Deadline over_;
};

/// A place where nobody could be spoken to, and why not.
struct Miss {
    std::string path;
    std::string why;
    bool refused = false;  ///< the caller has not the right
    bool silent = false;   ///< somebody listens there and takes nobody in
};

/// Nobody was found at any of the places.
Complaint unreachable(const std::vector<Miss>& misses, const Limit& limit);

/// Whoever listens at a place has said nothing up to the limit. `dead`: its pid, if the supervisor
/// that listened has died, whose successor was waited for.
Complaint silent(const std::string& path, std::optional<pid_t> dead, const Limit& limit);

/// A supervisor that had been spoken to ended, and up to the limit no other has come: why not, when
/// last looked.
Complaint without_successor(const std::string& path, const std::string& why, const Limit& limit);

/// Whoever listens there has hung up, again and again, without a greeting.
Complaint without_greeting(const std::string& path, const Limit& limit);

}  // namespace reeve::ctl
