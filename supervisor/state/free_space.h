#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace reeve::state {

/// Which blocks of a file are free, as stretches of them that do not touch one another. Takes the
/// smallest stretch that is long enough, so that what is long stays whole.
class FreeSpace {
  public:
    /// Where so many blocks in a row begin, which are free no longer; nothing if there are none.
    std::optional<std::uint32_t> take(std::uint32_t blocks) {
        const auto found = by_length_.lower_bound({blocks, 0});
        if (found == by_length_.end()) return std::nullopt;
        const auto [length, first] = *found;
        remove(first, length);
        if (length > blocks) add(first + blocks, length - blocks);
        return first;
    }

    void give(std::uint32_t first, std::uint32_t blocks) {
        const auto next = by_place_.find(first + blocks);
        if (next != by_place_.end()) {
            const std::uint32_t length = next->second;
            remove(first + blocks, length);
            blocks += length;
        }
        auto before = by_place_.lower_bound(first);
        if (before != by_place_.begin() && (--before)->first + before->second == first) {
            const auto [place, length] = *before;
            remove(place, length);
            first = place;
            blocks += length;
        }
        add(first, blocks);
    }

    /// How many there are.
    std::uint32_t blocks() const { return blocks_; }

  private:
    void add(std::uint32_t first, std::uint32_t length) {
        blocks_ += length;
        by_place_.emplace(first, length);
        by_length_.emplace(length, first);
    }
    void remove(std::uint32_t first, std::uint32_t length) {
        blocks_ -= length;
        by_place_.erase(first);
        by_length_.erase({length, first});
    }

    std::uint32_t blocks_ = 0;
    std::map<std::uint32_t, std::uint32_t> by_place_;
    std::set<std::pair<std::uint32_t, std::uint32_t>> by_length_;
};

}  // namespace reeve::state
