#pragma once

#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::os {

/// Wakes up whoever waits for a file of which nothing may exist yet, be it the folders that it will
/// be in: watches the nearest one that there is, by inotify(7).
class PathWatch {
  public:
    /// `path` is absolute. Fails when the user has no more inotify instances (EMFILE).
    static Result<PathWatch> open(std::string path);

    int fd() const { return fd_.get(); }  ///< non-blocking; readable when something has happened
    /// Hands the descriptor to an event loop, which keeps it open for as long as this object lives.
    [[nodiscard]] int release();

    /// Watches what is nearest by now: to be called before each look at the file. False when
    /// nothing will be told of it, as in a folder that we may not read.
    bool follow();
    /// Takes in what has happened; false if none of it can matter.
    bool drain() const;

  private:
    PathWatch(Fd fd, std::string path)
        : fd_(std::move(fd)), number_(fd_.get()), path_(std::move(path)) {}
    int watch_nearest(std::string& folder) const;

    Fd fd_;
    int number_ = -1;   // the descriptor's, whoever owns it
    std::string path_;  // of the file
    std::string next_;  // in the folder that is watched: what leads to the file
    int watch_ = -1;
};

}  // namespace reeve::os
