#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "tests/unit/os/support.h"

/// Children that say what they were given (tests/programs), and those that fail.
namespace reeve::os::test {

/// What a probe child says of itself; keys as in "cwd", "fd 0", "env HOME".
class Report {
  public:
    explicit Report(const std::string& text) {
        std::size_t start = 0;
        while (start < text.size()) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            lines_.push_back(text.substr(start, end - start));
            start = end + 1;
        }
    }
    /// The rest of the line that begins with these words; "none" if there is none.
    std::string operator[](const std::string& key) const {
        for (const std::string& line : lines_) {
            if (line.starts_with(key + " ")) return line.substr(key.size() + 1);
        }
        return "none";
    }
    std::vector<std::string> all(const std::string& key) const {
        std::vector<std::string> found;
        for (const std::string& line : lines_) {
            if (line.starts_with(key + " ")) found.push_back(line.substr(key.size() + 1));
        }
        return found;
    }
    std::vector<int> descriptors() const {
        std::vector<int> fds;
        for (const std::string& fd : all("fd")) fds.push_back(std::atoi(fd.c_str()));
        return fds;
    }

  private:
    std::vector<std::string> lines_;
};

inline SpawnSpec probe(std::vector<std::string> words = {"report"}) {
    SpawnSpec spec;
    spec.argv = {kProbe};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    return spec;
}

/// What a child that was spawned and has ended wrote to stdout.
inline std::string output_of(Spawner& spawner, SpawnSpec spec) {
    Pipe pipe = Pipe::make();
    spec.stdout_fd = pipe.write.get();
    auto result = spawner.spawn(spec);
    pipe.write.reset();
    if (const auto* failure = std::get_if<SpawnFailure>(&result)) {
        ADD_FAILURE() << failure->text();
        return "";
    }
    std::string text = read_to_end(pipe.read);
    waitpid(std::get<Spawned>(result).pid, nullptr, 0);
    return text;
}

inline Report report_of(Spawner& spawner, const SpawnSpec& spec) {
    return Report(output_of(spawner, spec));
}

inline std::string failure_of(Spawner& spawner, const SpawnSpec& spec) {
    auto result = spawner.spawn(spec);
    if (const auto* failure = std::get_if<SpawnFailure>(&result)) return failure->text();
    waitpid(std::get<Spawned>(result).pid, nullptr, 0);
    return "spawned";
}

}  // namespace reeve::os::test
