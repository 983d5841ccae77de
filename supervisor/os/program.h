#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/resource_limit.h"

namespace reeve::os {

/// The program of this process and how it was started, so that it, or another one, can be executed
/// in its place (execve(2)): the process, its pid, its children and its locks stay.
class Program {
  public:
    /// To be made first in main().
    Program(int argc, char** argv);

    /// The file, where it was when it was started: what lies there now may be another one. Empty
    /// where nobody tells.
    const std::string& path() const { return path_; }
    char** argv() const { return argv_; }
    /// The folder in which it was started, as far as it is still there; empty: it is not. What the
    /// arguments name relatively is there.
    std::string start_dir() const;
    /// Without the name of the program.
    std::span<char* const> arguments() const { return arguments_; }

    /// What another program of this process has left to this one (execute()), once.
    static std::optional<std::string> take_legacy();

    /// These were kept for this program, and are not for another one without being named again.
    static void keep_no_longer(const std::vector<int>& descriptors);

    /// Executes the program at the path with the same arguments. `kept` are the descriptors that
    /// stay open; `limits` and the working directory are set back to what they were when this one
    /// was started; the new program gets the legacy. Returns only if that fails, and then all is as
    /// it was.
    Error execute(const std::string& path, const std::vector<int>& kept,
                  const std::vector<ResourceLimit>& limits, const std::string& legacy) const;

  private:
    std::string path_, start_dir_;
    char** argv_;
    std::span<char*> arguments_;
};

}  // namespace reeve::os
