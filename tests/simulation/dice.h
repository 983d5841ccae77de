#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "supervisor/core/policy.h"

namespace reeve::simulation {

/// All the chance that a simulated world has, from one seed.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}

    /// Evenly from 0 to n - 1.
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.next() % n); }
    bool chance(double probability) { return random_.fraction() < probability; }
    Duration between(Duration least, Duration most) {
        const auto span = static_cast<double>((most - least).count());
        return least + Duration(static_cast<std::int64_t>(random_.fraction() * span));
    }
    template <typename T>
    const T& one_of(const std::vector<T>& choices) {
        return choices[below(choices.size())];
    }
    std::uint64_t seed() { return random_.next(); }

  private:
    core::Random random_;
};

}  // namespace reeve::simulation
