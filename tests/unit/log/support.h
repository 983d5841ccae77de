#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/stamp.h"

namespace reeve::log {

/// A directory of the test's own, gone with it.
class TempDir {
  public:
    explicit TempDir(const char* where = std::getenv("TMPDIR")) {
        path_ = std::string(where != nullptr ? where : "/tmp") + "/reeve-log-XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr) std::abort();
    }
    ~TempDir() { std::filesystem::remove_all(path_); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

inline std::string read_file(const std::string& path) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
}

inline void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

inline void put(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        ASSERT_GT(n, 0);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

/// The lines of a text, without their newlines.
inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t newline = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, newline - at));
        at = newline + 1;
    }
    return lines;
}

/// Records without their stamps: "stdout F the line".
inline std::vector<std::string> records_of(const std::string& text) {
    std::vector<std::string> records = lines_of(text);
    for (std::string& record : records) {
        EXPECT_TRUE(parse_stamp(record)) << record;
        record.erase(0, std::min(record.size(), kStampBytes + 1));
    }
    return records;
}

/// The lines that one stream wrote, put together again from their parts.
inline std::vector<std::string> joined(const std::string& text, std::string_view stream) {
    std::vector<std::string> lines;
    std::string line;
    for (const std::string& record : records_of(text)) {
        if (!record.starts_with(stream)) continue;
        line += record.substr(stream.size() + 3);
        if (record[stream.size() + 1] == 'P') continue;
        lines.push_back(line);
        line.clear();
    }
    if (!line.empty()) lines.push_back(line + "(unfinished)");
    return lines;
}

/// Runs `body` in a process of its own that sees a small tmpfs at `path`; its failures are the
/// test's. Skips the test where mounting is not allowed.
inline void on_small_tmpfs(const std::string& path, const std::string& size,
                           const std::function<void()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const std::string options = "size=" + size;
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()) != 0) {
            ::_exit(77);
        }
        body();
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    if (status == 77 << 8) GTEST_SKIP() << "cannot mount here";
    EXPECT_EQ(status, 0);
}

/// The names of the rotated files in a directory, oldest first.
inline std::vector<std::string> rotated_in(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::string name = entry.path().filename();
        if (name != "current") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace reeve::log
