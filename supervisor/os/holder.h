#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/spawn.h"

namespace reeve::os {

/// A tiny process that has some of our descriptors, too, so that what they are open on outlives us
/// (holder/holder.cpp): bytes in a pipe whose writers have ended, datagrams and clients that wait
/// in a socket's queue, and how a process ended, which its pidfd tells. Whoever succeeds us gets
/// them back. It does nothing else, sleeps until it is spoken to, and lives until it is told to
/// end.
///
/// It listens on a socket in the file system, for its own user and root alone, and has one owner
/// at a time, whose connection this is. When its file is gone, it ends with its owner's connection,
/// since nobody can come any more. Nothing here waits, but for start(), find() and take_all().
class Holder {
  public:
    /// What a descriptor is held as: what it is, and which one of those.
    struct Key {
        std::uint32_t kind = 0;
        std::uint64_t id = 0;
        bool operator==(const Key&) const = default;
    };
    struct Held {
        Key key;
        Fd fd;
    };

    /// Starts one that listens at the path, in place of whatever file is there. It is our child.
    static Result<Holder> start(Spawner& spawner, const std::string& path);
    /// The one that a predecessor has started and that is without an owner now; nothing if there is
    /// none. Fails when what is there does not answer within a second.
    static Result<std::optional<Holder>> find(const std::string& path);

    Holder(Holder&&) noexcept = default;
    Holder& operator=(Holder&&) noexcept = default;

    pid_t pid() const { return pid_; }
    /// All that it holds, which it goes on holding; within a second. After a failure, the
    /// connection is gone, and only find() makes another.
    Result<std::vector<Held>> take_all();

    /// From the next flush() on; what is held under the same key is let go.
    void keep(Key key, Fd fd);
    void drop(Key key);
    /// Sends what is to be kept or dropped, as much as can be without waiting; false: some of it
    /// has to wait until the socket is writable. An error when the holder is gone.
    Result<bool> flush();
    /// For an event loop: writable when flush() can go on, hung up when it is gone.
    int fd() const { return connection_.get(); }
    /// It lets go of all, removes its file and ends.
    void end();

  private:
    struct Change {
        Key key;
        Fd fd;  ///< none: to be dropped
    };

    Holder(Fd connection, pid_t pid, std::string path)
        : connection_(std::move(connection)), pid_(pid), path_(std::move(path)) {}

    Fd connection_;
    pid_t pid_ = 0;
    std::string path_;
    std::deque<Change> changes_;
};

}  // namespace reeve::os
