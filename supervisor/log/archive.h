#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "config/plan.h"
#include "supervisor/log/drop_box.h"

namespace reeve::log {

/// Looks after the rotated files of all services, on a thread of its own: removes those too many or
/// too old, and has the others compressed by a further thread, which exists as long as there is
/// something to compress and has the lowest priority for processor and disk. Told of every change
/// by the log thread; sleeps until then, or until the next file is too old, which it measures by
/// the wall clock, however that is set. Nobody ever waits for it, since its disk may hang.
class Archive {
  public:
    /// `current` of this service is too old, and the log thread, which writes it, shall rotate it.
    struct CurrentIsOld {
        std::string service;
        config::Log rules;
    };
    struct Problem {
        std::string text;
    };
    using Notice = std::variant<CurrentIsOld, Problem>;
    struct Shared;  ///< what the two threads have in common

    /// Starts nothing yet.
    explicit Archive(std::string log_dir);
    /// Gives up a compression that is under way, which a successor does again, and waits for the
    /// thread for a moment only.
    ~Archive();
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;

    /// Something was rotated, these rules are new, or `current` was begun. From now on the rules
    /// hold, also while nothing more is told.
    void tend(const std::string& service, const config::Log& rules);
    void forget(const std::string& service);

    /// Readable when there are notices; -1 when there were no descriptors, and nothing works.
    int fd() const;
    std::vector<Notice> take_notices();

  private:
    void start();

    // Outlives this where the thread hangs.
    std::shared_ptr<Shared> shared_;
    std::thread thread_;
};

}  // namespace reeve::log
