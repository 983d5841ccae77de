#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reeve::os {

/// Whether the kernel has killed processes for want of memory: its count for the cgroup that this
/// process is in, else for the whole system (cgroup-v2.rst memory.events, proc_vmstat(5)).
class MemoryKills {
  public:
    MemoryKills();
    /// With the files in which to look, for tests: the first that counts is taken.
    explicit MemoryKills(const std::vector<std::string>& files);

    /// Whether there have been more since the last call; nothing where the kernel does not say.
    std::optional<bool> any_more();

  private:
    std::optional<std::uint64_t> count() const;

    std::string file_;
    std::uint64_t counted_ = 0;
};

}  // namespace reeve::os
