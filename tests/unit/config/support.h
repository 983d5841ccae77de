#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace reeve::config {

/// A folder of a test's own, gone with it.
class TempDir {
  public:
    TempDir() {
        const char* base = std::getenv("TMPDIR");
        std::string path = std::string(base != nullptr ? base : "/tmp") + "/reeve-test-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
        path_ = path;
    }
    ~TempDir() { std::filesystem::remove_all(path_); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

    /// Writes a file that only its owner can write to, and gives its path.
    std::string write(std::string_view name, std::string_view text) const {
        const std::string path = *this / name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path, std::ios::binary) << text;
        ::chmod(path.c_str(), 0644);
        return path;
    }

  private:
    std::string path_;
};

/// Options under which a text is loaded as root would, whoever runs the test.
inline LoadOptions as_root() {
    LoadOptions options;
    options.uid = 0;
    options.gid = 0;
    return options;
}

inline LoadResult load_yaml(std::string_view text, const LoadOptions& options = as_root()) {
    return load_text(text, "t.yaml", options);
}

/// Every problem as it is printed.
inline std::vector<std::string> lines_of(const LoadResult& result) {
    std::vector<std::string> lines;
    for (const Problem& problem : result.problems) lines.push_back(to_line(problem));
    return lines;
}
inline std::vector<std::string> problems_in(std::string_view text,
                                            const LoadOptions& options = as_root()) {
    return lines_of(load_yaml(text, options));
}

/// The lines under `services: {web: …}`: one service that has a command and these keys.
inline std::string web(std::string_view keys) {
    return "services:\n  web:\n    command: [x]\n    " + std::string(keys) + "\n";
}

/// The one service of a text that must be valid.
inline Service service_in(std::string_view text, const LoadOptions& options = as_root()) {
    const LoadResult result = load_yaml(text, options);
    if (result.plan == nullptr || result.plan->services.size() != 1) {
        throw std::runtime_error(result.problems.empty() ? "not one service"
                                                         : to_line(result.problems.front()));
    }
    return *result.plan->services.front();
}

}  // namespace reeve::config
