#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "supervisor/state/recorder.h"

namespace reeve::test {

/// A folder on tmpfs, where there is one, that is gone with the test.
class Folder {
  public:
    Folder() {
        std::string name = "/dev/shm/reeve-state-XXXXXX";
        if (::access("/dev/shm", W_OK) != 0) name = ::testing::TempDir() + "reeve-state-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

inline std::string read_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// A recorder of one process after another, and what each has to complain of.
struct Recording {
    explicit Recording(const std::string& path)
        : recorder(path, [this](std::string problem) { problems.push_back(std::move(problem)); }) {}
    std::vector<std::string> problems;
    state::Recorder recorder;
};

}  // namespace reeve::test
