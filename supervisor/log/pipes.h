#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::log {

/// The two descriptors of a service, of stdout and of stderr.
struct FdPair {
    Fd out;
    Fd err;
};

/// The pipes that services write to: FIFOs in RUNTIME/fifo, or anonymous ones without a runtime
/// directory and when there is no room left in it. Makes and opens them, never reads or writes.
/// Used by the thread that spawns.
class Pipes {
  public:
    /// `runtime_dir` may be empty.
    static Result<Pipes> open(const std::string& runtime_dir);

    struct Opened {
        FdPair child;                   ///< read-write, so that a writer never lacks a reader
        std::optional<FdPair> reading;  ///< non-blocking; when the reader has none yet
        std::optional<Error> no_fifo;   ///< why they are anonymous all the same
    };
    /// The ends for a child that is about to be started. The pipes are made when they are missing,
    /// and are the user's own.
    Result<Opened> open(const std::string& service, uid_t uid, gid_t gid);

    /// The reading ends of FIFOs that an earlier supervisor made; nothing when there are none.
    /// `held`, if there is such a function, is asked for those that have no name any more.
    Result<std::optional<FdPair>> adopt(const std::string& service,
                                        const std::function<FdPair()>& held = nullptr);

    /// Unlinks them; whoever has them open keeps them.
    void remove(const std::string& service);

  private:
    Result<> make_directory();
    struct Made {
        Fd out, err;  // the writing ends of anonymous pipes; none for FIFOs
    };

    Result<Opened> open_fifos(const std::string& service, uid_t uid, gid_t gid);
    Result<Opened> open_anonymous(const std::string& service, uid_t uid, gid_t gid);
    Result<Fd> fifo(const std::string& name, uid_t uid, gid_t gid, bool& made);
    Result<Fd> reading_end(const std::string& name);

    std::string path_;
    Fd directory_;
    std::unordered_map<std::string, Made> known_;  // the services whose reading ends were given out
};

}  // namespace reeve::log
