#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "config/problem.h"
#include "config/yaml.h"

namespace reeve::config {

/// Sees that no key is set by two files, down to single values.
class Collisions {
  public:
    explicit Collisions(std::vector<Problem>& problems) : problems_(problems) {}

    void add(const std::string& path, yaml::Value key, yaml::Value value);

  private:
    struct Seen {
        yaml::Value key;
        bool map;
    };
    std::vector<Problem>& problems_;
    std::unordered_map<std::string, Seen> seen_;
};

}  // namespace reeve::config
