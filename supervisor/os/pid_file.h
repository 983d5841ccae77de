#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace reeve::os {

/// A file that names this process, for as long as the object lives. Never half written; at the end
/// it is removed if it still names us.
class PidFile {
  public:
    /// Takes the place of a file that names nobody who lives, or another program. One that names a
    /// living process of our program is refused, and so is a file that is no PID file.
    static Result<PidFile> write(std::string path);
    ~PidFile();
    PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    PidFile& operator=(PidFile&&) = delete;

  private:
    explicit PidFile(std::string path) : path_(std::move(path)) {}

    std::string path_;
};

}  // namespace reeve::os
