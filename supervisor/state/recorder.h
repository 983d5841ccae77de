#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/plan.h"
#include "supervisor/core/engine.h"
#include "supervisor/state/records.h"

namespace reeve::state {

/// All that is known of a predecessor that ended without a word.
struct Predecessor {
    config::PlanPtr
        plan;  ///< by which it acted; the very one that it was read against, if the same
    core::Engine::Snapshot engine;
    std::vector<core::UnitSnapshot> units;
    std::vector<Run> runs;
    std::vector<Command> commands;
};

/// Writes down, in a file on tmpfs, whatever a successor has to know, so that it is there at
/// whatever instant this process is killed. What a change costs does not grow with the number of
/// services. Used from the loop's thread.
///
/// A record that cannot be used costs that record: what it was about is dropped with one line.
class Recorder {
  public:
    /// Called with a sentence, once for each failure that begins.
    using OnProblem = std::function<void(std::string)>;

    /// Without a path nothing is ever written. Nothing is read or changed yet.
    Recorder(std::string path, OnProblem on_problem);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// Takes over the file, or makes it. What a predecessor has left in it, if it is of this boot,
    /// this user and this PID namespace. `now` is the configuration as it has been read by us:
    /// where a service's definition is the same it is taken from there, and when all of them are
    /// the same, in the same order, it is the plan. To be called once, first.
    std::optional<Predecessor> open(const config::PlanPtr& now);

    /// What has changed of an engine since the last time; to be called before its actions are
    /// carried out.
    void write(core::Engine& engine);
    /// Nothing is written when it is the same as before.
    void write(const Run& run);
    void erase(core::RunId run);
    void write(const Command& command);
    void erase(core::TaskId command);
    /// Puts the file back if somebody has deleted it, and says so as a problem.
    void restore();
    /// Removes the file: there is nothing left to be taken over.
    void remove();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Whether this process could take over from what the file holds: that it is of a form that it
/// knows, and how many services it tells of; the first record that it could not use is the error.
/// Changes nothing.
Result<std::size_t> can_resume(const std::string& path);

/// The configuration by which whoever has written the file acted, as far as it can be read: for a
/// successor that cannot read its own. Changes nothing.
Result<config::PlanPtr> former_plan(const std::string& path);

}  // namespace reeve::state
