#pragma once

#include <cstddef>

#include "base/time.h"
#include "supervisor/log/framer.h"

namespace reeve::log {

/// Where lines go besides files: a reader that may be slow or stuck, and that is never blocked on.
/// What it does not take stays where it is, for kPatience; after that lines are dropped and counted
/// until it takes some again.
class Sink {
  public:
    static constexpr Duration kPatience = 1s;

    struct Taken {
        std::size_t consumed = 0;  ///< bytes of the input, in whole records; 0: try again later
        Tail tail = Tail::Keep;    ///< what its last record was cut with
    };

    /// No more patience: what comes is dropped.
    virtual void give_up() = 0;

    /// What to poll for POLLOUT while nothing is taken; negative: there is nothing to poll.
    virtual int fd() const = 0;

  protected:
    ~Sink() = default;
};

}  // namespace reeve::log
