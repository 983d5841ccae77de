#include "supervisor/shell/runs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "supervisor/os/service_pid_file.h"
#include "supervisor/shell/clock.h"

namespace reeve::shell {

namespace {

/// How long the last lines of an ended process may keep its end from being told: a disk that hangs
/// must not hold up a restart.
constexpr auto drain_patience = std::chrono::seconds(1);

/// How often kills for want of memory are counted where the end at hand is none.
constexpr Duration look_at_memory = 100ms;

/// So many notifications of an ended process are still taken in: what its socket may hold.
constexpr std::size_t last_messages = 512;

/// Zero in all is what an end has that nobody could ask about: no process takes no memory.
std::optional<ResourceUsage> known_usage(const os::Ended& end) {
    if (end.usage == ResourceUsage{}) return std::nullopt;
    return end.usage;
}

}  // namespace

Runs::Runs(asio::io_context& io, Containments& containments, log::Collector& collector,
           EventQueue& queue, OwnLog& log, state::Recorder& recorder, Holding& holding,
           const Environment& own_environment, const std::string& runtime_dir)
    : io_(io),
      containments_(containments),
      collector_(collector),
      queue_(queue),
      log_(log),
      recorder_(recorder),
      holding_(holding),
      own_environment_(own_environment),
      null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
    if (runtime_dir.empty()) return;
    pipes_ = runtime_dir + "/ready";
    if (::mkdir(pipes_.c_str(), 0700) != 0 && errno != EEXIST) pipes_.clear();
}

Containment::OnEnd Runs::on_end(core::RunId id) {
    return [this, id](const os::Ended& end) { ended(id, end); };
}

/// MAINPID= has come.
void Runs::main_named(core::RunId id, pid_t pid) {
    const Run& run = runs_.at(id);
    if (pid == run.pid || run.told) return;
    const auto named = os::read_process(pid);
    const bool living = named && named->live();
    if (living && is_member(id, pid) && main_found(id, pid)) return;
    const bool stranger = living && !is_member(id, pid);
    std::string line = run.definition->name + ": ignoring MAINPID: it names process ";
    line += std::to_string(pid);
    line += stranger ? ", which is not of this service" : ", which is gone";
    log_.warning(line);
}

void Runs::find_main(const core::FindMain& action) {
    const auto found = runs_.find(action.run);
    if (found == runs_.end()) return;
    const core::RunId id = action.run;
    Run& run = found->second;
    // It may be to follow another one.
    run.told = run.adopted = run.unseen = false;
    note(run);
    run.finder = std::make_unique<MainFinder>(
        io_, run.definition->execution.pid_file, run.start,
        MainFinder::Tree{[this, id](pid_t pid) { return is_member(id, pid); },
                         [this, id] { return candidates(id); }},
        MainFinder::Listener{[this, id](pid_t pid) { return main_found(id, pid); },
                             [this, id](std::string why) {
                                 queue_.push(core::MainAwaited{id, std::move(why)});
                             }});
    run.finder->look();
}

bool Runs::main_found(core::RunId id, pid_t pid) {
    if (!adopt_main(id, pid)) return false;
    queue_.push(core::MainFound{id, pid});
    return true;
}

void Runs::signal(const core::Signal& action) {
    const auto found = runs_.find(action.run);
    if (found == runs_.end() || found->second.pid == 0) return;
    Containment& tree = *found->second.tree;
    if (action.scope == config::StopScope::Main) return tree.signal_main(action.signal);
    tree.signal_all(action.signal);
}

void Runs::kill_tree(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end() || found->second.pid == 0) return;
    found->second.killing = true;
    found->second.tree->kill();
}

void Runs::reap(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    if (found->second.ready_pipe) found->second.ready_pipe->close();
    holding_.drop(Holding::Kind::ReadyPipe, id.value);
    if (found->second.notify) holding_.drop(Holding::Kind::Notify, id.value);
    collector_.unwatch(found->second.definition->name);
    mains_.erase(found->second.pid);
    runs_.erase(found);
    recorder_.erase(id);
}

std::unique_ptr<Containment> Runs::contain(const RunContext& context) {
    return containments_.open(context.definition->name + ".command", {});
}

std::vector<os::ProcessEntry> Runs::processes(core::RunId id) const {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return {};
    return found->second.tree->members();
}

std::optional<Tracking> Runs::tracking(core::RunId id) const {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return std::nullopt;
    return found->second.tree->tracking();
}

bool Runs::is_member(core::RunId id, pid_t pid) const {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return false;
    const Run& run = found->second;
    // What the main process said before it ended is heard though it is reaped.
    return (run.end && run.end->pid == pid) || run.tree->is_member(pid);
}

Result<> Runs::adopt_main(core::RunId id, pid_t pid) {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return error("cannot watch it: no such run");
    Run& run = found->second;
    if (auto adopted = run.tree->adopt(pid, on_end(id)); !adopted) return adopted;
    mains_.erase(run.pid);
    mains_.emplace(pid, id);
    run.pid = pid;
    run.adopted = true;
    if (run.finder) run.finder->stop();
    // If the former one has ended just now, that is nothing special any more.
    run.end.reset();
    run.noted_end.reset();
    run.unseen = false;
    note(run);
    return {};
}

/// Whether what ends is not the main process yet, but the one that starts it.
bool Runs::is_parent(const Run& run) const {
    return run.definition->execution.type == config::ServiceType::Forking && !run.adopted;
}

/// Written down while the kernel still knows it.
void Runs::ending(const os::Ended& end) {
    const auto found = mains_.find(end.pid);
    if (found == mains_.end()) return;
    Run& run = runs_.at(found->second);
    const bool may_be_memory = end.status.signal == SIGKILL && !run.killing;
    run.noted_end = state::End{end.pid, end.status, end.usage,
                               may_be_memory ? std::nullopt : std::optional(false)};
    note(run);
}

void Runs::ended(core::RunId id, const os::Ended& end) {
    Run& run = runs_.at(id);
    run.end = end;
    mains_.erase(end.pid);
    const std::string& pid_file = run.definition->execution.pid_file;
    // One that names the first process of a forking service is about to be written anew.
    if (!pid_file.empty() && !is_parent(run)) os::remove_service_pid_file_of(pid_file, end.pid);
    run.out_of_memory.reset();
    if (end.status.code) run.out_of_memory = false;
    if (end.status.signal) run.out_of_memory = killed_for_memory(run, *end.status.signal);
    const state::End known{end.pid, end.status, end.usage, run.out_of_memory};
    if (run.noted_end != known) {
        run.noted_end = known;
        note(run);
    }
    // What it said last counts, though its end may have been noticed first.
    if (run.notify) run.notify->read(last_messages);
    // By these another process may have taken over.
    if (!run.end) return;
    drain(*run.definition, [this, id] { drained(id); });
}

std::optional<bool> Runs::killed_for_memory(const Run& run, int signal) {
    const bool possible = signal == SIGKILL && !run.killing;
    // Looked at for every signal, so that a kill elsewhere is not taken for a later one here; but
    // seldom, as to count what the whole system does is dear, and many may be stopped at once.
    if (!possible && now() < next_look_at_memory_) return false;
    // What was counted while nobody was there nobody knows.
    if (run.unseen && possible) return std::nullopt;
    next_look_at_memory_ = now() + look_at_memory;
    const auto killed = memory_kills_.any_more();
    return possible ? killed : false;
}

void Runs::drain(const config::Service& service, std::function<void()> done) {
    if (service.policy.log.kind != config::Log::Kind::Capture) return done();
    const auto patience = std::make_shared<asio::steady_timer>(io_, drain_patience);
    // Whichever comes first.
    patience->async_wait([patience, done = std::move(done)](const auto&) { done(); });
    collector_.drain(service.name,
                     [this, patience] { asio::post(io_, [patience] { patience->cancel(); }); });
}

void Runs::drained(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end() || found->second.told || !found->second.end) return;
    Run& run = found->second;
    const os::Ended end = *std::exchange(run.end, std::nullopt);
    const auto usage = known_usage(end);
    const bool leftovers = !run.tree->empty();
    if (is_parent(run)) {
        queue_.push(core::ParentExited{id, end.status, leftovers, usage, run.unseen});
        return await_empty(run);
    }
    run.told = true;
    queue_.push(core::Exited{id, end.status, leftovers, usage, run.out_of_memory, run.unseen});
    if (leftovers) await_empty(run);
}

void Runs::await_empty(Run& run) {
    run.tree->await_empty([this, id = run.id] { emptied(id); });
}

void Runs::emptied(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    const Run& run = found->second;
    // The end of a main process that was adopted is still to be told, and tells this too.
    if (run.adopted && !run.told) return;
    queue_.push(core::TreeEmptied{id});
}

}  // namespace reeve::shell
