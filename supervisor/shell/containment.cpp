#include "supervisor/shell/containment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>

#include "supervisor/os/cgroup.h"
#include "supervisor/os/directory.h"
#include "supervisor/os/keeper.h"
#include "supervisor/shell/cgroup_tree.h"
#include "supervisor/shell/holding.h"
#include "supervisor/shell/keeper_tree.h"
#include "supervisor/shell/marked_tree.h"
#include "supervisor/shell/marks.h"
#include "supervisor/shell/resumed.h"

namespace reeve::shell {

namespace {

/// So many ends are taken in before others have their turn, first of all what was decided: when
/// everything is stopped, reaping must not keep signals from those that have not got theirs.
constexpr std::size_t most_ends_at_once = 16;

/// The lock on the runtime directory keeps two supervisors from having the same; its number, unlike
/// its path, means the same in every mount namespace.
std::string name_of_ours(const std::string& runtime_dir) {
    std::string name = "reeve-";
    struct stat status {};
    if (!runtime_dir.empty() && ::stat(runtime_dir.c_str(), &status) == 0) {
        name += std::to_string(status.st_dev);
        name += '-';
        name += std::to_string(status.st_ino);
    } else {
        name += "pid-";
        name += std::to_string(::getpid());
    }
    return name;
}

/// Removes the folders that are left of a predecessor with this runtime directory, as far as
/// nothing lives in them and no tree of ours has them. Which processes live in the others, by
/// service.
std::map<std::string, std::string> remove_empty_below(const std::string& folder,
                                                      const std::set<std::string>& inhabited) {
    std::map<std::string, std::string> survivors;
    std::vector<std::string> left;
    os::for_each_name(folder.c_str(), [&](std::string_view name) {
        if (name == "." || name == "..") return;
        const std::string path = folder + "/" + std::string(name);
        struct stat status {};
        if (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) left.push_back(path);
    });
    for (const std::string& path : left) {
        if (inhabited.contains(path)) continue;
        // A command of the supervisor itself that nobody waits for any more.
        if (path[path.rfind('/') + 1] == '.') (void)os::kill_cgroup(path);
        if (!os::is_populated(path)) {
            (void)os::remove_cgroup(path);
            continue;
        }
        const std::string name = path.substr(path.rfind('/') + 1);
        std::string& pids = survivors[name.substr(0, name.rfind('.'))];
        for (const pid_t pid : os::cgroup_members(path)) {
            pids.append(" ").append(std::to_string(pid));
        }
    }
    return survivors;
}

/// A child that is born there fails at its program, which is none; elsewhere it fails before.
Result<> try_to_enter(os::Spawner& spawner, const std::string& folder) {
    const auto cgroup = os::open_cgroup(folder);
    if (!cgroup) return cgroup.error();
    os::SpawnSpec spec;
    spec.argv = {"/"};
    spec.cgroup = cgroup->get();
    const auto result = spawner.spawn(spec);
    const auto* failure = std::get_if<os::SpawnFailure>(&result);
    if (failure == nullptr || std::string_view(failure->step) == "exec") return {};
    return error("cannot enter the cgroup " + folder + ": " + failure->text());
}

}  // namespace

void Containment::signal_all(int signal) {
    for (const os::ProcessEntry& process : members()) (void)os::signal_process(process, signal);
}

Result<Fd> Containment::hold(pid_t pid) {
    auto pidfd = os::open_pidfd(pid);
    if (!pidfd) return pidfd.error();
    // Now that it is held, it cannot become another between this look and the next.
    const auto process = os::read_process(pid);
    if (process && process->live() && is_member(pid)) return pidfd;
    return system_error("cannot watch process " + std::to_string(pid), ESRCH);
}

void Containment::lost_main(OnEnd on_end) {
    const ExitStatus status = all_.end_of_lost_main(record_.number);
    lost_end_ = status == ExitStatus::unknown();
    asio::post(all_.io_, [this, pid = record_.main.pid, on_end = std::move(on_end), status,
                          alive = std::weak_ptr(alive_)] {
        if (alive.expired() || record_.main.pid != pid) return;
        record_.main = {};
        on_end({pid, status, {}});
    });
}

Containments::Containments(asio::io_context& io, Children& children, os::Spawner& spawner,
                           OwnLog& log, const std::string& runtime_dir, state::Tree::Kind best)
    : io_(io),
      children_(children),
      spawner_(spawner),
      log_(log),
      marks_(std::make_unique<Marks>(children)),
      births_file_(runtime_dir.empty() ? runtime_dir : runtime_dir + "/births"),
      births_(births_file_),
      last_number_(births_.highest()) {
    using enum state::Tree::Kind;
    if (best != Cgroup) no_cgroup_ = "cgroups are not wanted";
    if (best == Marks) no_keeper_ = "keepers are not wanted";
    if (no_cgroup_.empty()) {
        const auto found = find_cgroups(runtime_dir);
        if (found) return;
        no_cgroup_ = found.error().text();
    }
    std::string why;
    (void)have_keepers(why);
}

void Containments::hold_main(std::uint64_t tree, int pidfd) {
    if (holding_ != nullptr) holding_->keep(Holding::Kind::Process, tree, pidfd);
}

void Containments::let_go_of_main(std::uint64_t tree) {
    if (holding_ != nullptr) holding_->drop(Holding::Kind::Process, tree);
}

/// One that is gone, nobody knows since when.
ExitStatus Containments::end_of_lost_main(std::uint64_t tree) {
    if (holding_ == nullptr) return ExitStatus::unknown();
    const Fd held = holding_->take(Holding::Kind::Process, tree);
    // It may be that of an earlier one, which it was to replace.
    if (!held || os::has_process(held.get())) return ExitStatus::unknown();
    return os::exit_of_reaped(held.get()).value_or(ExitStatus::unknown());
}

Containments::~Containments() { close(); }

void Containments::close() {
    if (std::exchange(closed_, true)) return;
    if (!births_file_.empty()) ::unlink(births_file_.c_str());
    if (!link_.empty()) ::unlink(link_.c_str());
    // What a service was to leave behind has its cgroup.
    marks_->end_nobodys(
        [this](pid_t pid) { return !folder_.empty() && !os::is_out_of_cgroup(pid, path_); });
    if (folder_.empty()) return;
    remove_retired(SIZE_MAX);
    remove_empty_below(folder_, {});
    (void)::rmdir(folder_.c_str());
}

Result<> Containments::find_cgroups(const std::string& runtime_dir) {
    const std::string name = name_of_ours(runtime_dir);
    if (!runtime_dir.empty()) link_ = runtime_dir + "/cgroup";
    // Those of a predecessor are where its own cgroup was, which need not be ours: we may have been
    // started from another session.
    std::error_code missing;
    const std::string former = std::filesystem::read_symlink(link_, missing);
    if (former.ends_with("/" + name) && ::access(former.c_str(), F_OK) == 0) {
        auto path = os::cgroup_path_of(former);
        if (path && use_cgroups(former, std::move(*path))) return {};
    }
    const auto own = os::find_own_cgroup();
    if (!own) return own.error();
    std::string path = own->path == "/" ? "" : own->path;
    path.append("/").append(name);
    auto used = use_cgroups(own->folder + "/" + name, std::move(path));
    if (!used || link_.empty() || former == folder_) return used;
    ::unlink(link_.c_str());
    if (::symlink(folder_.c_str(), link_.c_str()) != 0) link_.clear();
    return used;
}

Result<> Containments::use_cgroups(std::string folder, std::string path) {
    folder_ = std::move(folder);
    path_ = std::move(path);
    if (auto made = os::make_cgroup(folder_); !made && made.error().errnum != EEXIST) return made;
    const auto give_up = [&](Error error) -> Result<> {
        (void)::rmdir(folder_.c_str());
        return error;
    };
    if (::access((folder_ + "/cgroup.kill").c_str(), W_OK) != 0) {
        return give_up(system_error("the kernel cannot kill whole cgroups"));
    }
    if (auto entered = try_to_enter(spawner_, folder_); !entered) return give_up(entered.error());
    return {};
}

/// Of the tree's number, which is changed if there is one in which something of a predecessor's
/// lives on.
Result<> Containments::make_cgroup(const std::string& name, state::Tree& tree) {
    for (;; tree.number = ++last_number_) {
        tree.cgroup = name + "." + std::to_string(tree.number);
        const std::string folder = folder_ + "/" + tree.cgroup;
        auto made = os::make_cgroup(folder);
        // Somebody may have tidied up ours while nothing lived in it.
        if (!made && made.error().errnum == ENOENT && os::make_cgroup(folder_))
            made = os::make_cgroup(folder);
        if (made || made.error().errnum != EEXIST) return made;
    }
}

void Containments::retire_cgroup(std::string folder) {
    retired_.push_back(std::move(folder));
    if (closed_) return;
    if (std::exchange(removing_, true)) return;
    asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) remove_retired(16);
    });
}

void Containments::remove_retired(std::size_t most) {
    removing_ = false;
    const std::size_t count = std::min(most, retired_.size());
    std::vector<std::string> candidates = std::exchange(lived_in_, {});
    const auto end = retired_.begin() + static_cast<std::ptrdiff_t>(count);
    std::move(retired_.begin(), end, std::back_inserter(candidates));
    retired_.erase(retired_.begin(), end);
    for (std::string& folder : candidates) {
        if (!os::remove_cgroup(folder)) lived_in_.push_back(std::move(folder));
    }
    if (retired_.empty()) return;
    std::string last = std::move(retired_.back());
    retired_.pop_back();
    retire_cgroup(std::move(last));
}

bool Containments::may_pass(int errnum) {
    return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM || errnum == EAGAIN;
}

/// If not, `why` says it too.
bool Containments::have_keepers(std::string& why) {
    if (keeper_image_) return true;
    if (no_keeper_.empty()) {
        auto image = os::make_keeper_image();
        if (image) return keeper_image_ = std::move(*image), true;
        const int errnum = image.error().errnum.value_or(0);
        if (may_pass(errnum)) return why.append("; ").append(image.error().text()), false;
        do_without_keepers(image.error().text());
    }
    why.append("; ").append(no_keeper_);
    return false;
}

void Containments::do_without_keepers(const std::string& why) {
    keeper_image_.reset();
    no_keeper_ = why;
    log_.warning(why + "; what leaves its session and cleans its environment may get away");
}

std::unique_ptr<Containment> Containments::open(const std::string& name,
                                                const std::string& invocation_id) {
    using enum state::Tree::Kind;
    state::Tree tree;
    tree.number = ++last_number_;
    std::string why = no_cgroup_;
    if (why.empty()) {
        tree.kind = Cgroup;
        const auto made = make_cgroup(name, tree);
        if (made) return std::make_unique<CgroupTree>(*this, std::move(tree), invocation_id);
        why = made.error().text();
        tree.cgroup.clear();
    }
    if (have_keepers(why)) {
        tree.kind = Keeper;
        return std::make_unique<KeeperTree>(*this, std::move(tree), name, invocation_id,
                                            std::move(why));
    }
    tree.kind = Marks;
    return std::make_unique<MarkedTree>(*this, std::move(tree), invocation_id, std::move(why));
}

std::unique_ptr<Containment> Containments::reopen(const std::string& name,
                                                  const std::string& invocation_id,
                                                  const state::Tree& tree) {
    using enum state::Tree::Kind;
    last_number_ = std::max(last_number_, tree.number);
    if (tree.kind == Keeper) {
        return std::make_unique<KeeperTree>(*this, tree, name, invocation_id, no_cgroup_);
    }
    const bool named = !folder_.empty() && !tree.cgroup.empty() && tree.cgroup[0] != '.' &&
                       tree.cgroup.find('/') == tree.cgroup.npos;
    if (tree.kind == Cgroup && named) {
        // Somebody may have tidied up, but whoever waits for its end needs one.
        const auto made = os::make_cgroup(folder_ + "/" + tree.cgroup);
        if (made || made.error().errnum == EEXIST) {
            return std::make_unique<CgroupTree>(*this, tree, invocation_id);
        }
    }
    state::Tree marked = tree;
    marked.kind = Marks;
    std::string why = no_cgroup_.empty() ? "its cgroup is not to be found" : no_cgroup_;
    return std::make_unique<MarkedTree>(*this, std::move(marked), invocation_id, std::move(why));
}

void Containments::all_reopened() {
    // A predecessor in this process may have left some that it had not come to.
    sweep_soon();
    if (folder_.empty()) return;
    for (const auto& [service, pids] : remove_empty_below(folder_, inhabited_)) {
        std::string line = service + ": an earlier reeved has left processes of it, which are not ";
        line.append("taken over and go on beside a new start; to end them: kill").append(pids);
        log_.warning(line);
    }
}

/// What was born between the record and the end of who wrote it.
state::Tree Containments::with_births(state::Tree tree) const {
    if (tree.first.pid != 0) return tree;
    const auto found = births_.find(tree.number);
    if (!found) return tree;
    tree.keeper = {found->keeper.pid, found->keeper.start_time};
    tree.first = tree.main = {found->main.pid, found->main.start_time};
    return tree;
}

/// For ends that nothing else tells of: a child of ours that was taken over may have ended before
/// anybody listened for SIGCHLD, and many at once are taken in by turns.
void Containments::sweep_soon() {
    if (std::exchange(sweeping_soon_, true)) return;
    asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        sweeping_soon_ = false;
        child_ended();
    });
}

void Containments::child_ended() {
    // In its turn.
    if (sweeping_soon_) return;
    if (!children_.sweep(most_ends_at_once)) sweep_soon();
    marks_->look();
}

}  // namespace reeve::shell
