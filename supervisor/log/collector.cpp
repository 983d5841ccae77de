#include "supervisor/log/collector.h"

#include <sys/stat.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/quiet_thread.h"
#include "supervisor/log/loop.h"
#include "supervisor/log/mailbox.h"
#include "supervisor/log/spool.h"
#include "supervisor/log/watches.h"

namespace reeve::log {

namespace {

Result<> check_name(const std::string& service) {
    if (!Spool::fits({.service = service})) {
        return error("cannot keep a log of '" + service + "': the name is too long");
    }
    return {};
}

/// Where a runtime directory has its spool.
std::string spool_in(const std::string& runtime_dir) { return runtime_dir + "/spool"; }

/// Pipes and spool in a runtime directory outlive the supervisor; those without a name do not.
std::string at_risk(const Error& error) {
    return error.text() + "; a kill of the supervisor could lose log lines";
}

}  // namespace

struct Collector::Room {
    explicit Room(Bell bell) : mailbox(std::move(bell)) {}

    Mailbox mailbox;
    Watches watches;
    Troubles troubles;
    std::unique_ptr<Loop> loop;
};

Collector::Collector(Pipes pipes, std::shared_ptr<Room> room,
                     std::function<void(std::string)> on_problem)
    : pipes_(std::move(pipes)), on_problem_(std::move(on_problem)), room_(std::move(room)) {}

Result<> Collector::can_take_over(const std::string& runtime_dir) {
    return Spool::check(spool_in(runtime_dir));
}

Result<std::unique_ptr<Collector>> Collector::start(CollectorOptions options) {
    if (!options.on_problem) options.on_problem = [](const std::string&) {};
    auto pipes = Pipes::open(options.runtime_dir);
    if (!pipes) return pipes.error();
    auto bell = Mailbox::make_bell();
    if (!bell) return bell.error();
    const std::string path = options.runtime_dir.empty() ? "" : spool_in(options.runtime_dir);
    auto spool = Spool::open(path);
    std::string problem;
    if (!spool && !path.empty()) {
        problem = at_risk(spool.error());
        spool = Spool::open("");
    }
    if (!spool) return spool.error();

    auto room = std::make_shared<Room>(std::move(*bell));
    auto loop =
        Loop::make(room->mailbox, room->watches, room->troubles, std::move(*spool), options);
    if (!loop) return loop.error();
    room->loop = std::move(*loop);
    std::unique_ptr<Collector> collector(
        new Collector(std::move(*pipes), room, options.on_problem));
    try {
        collector->writing_ = quiet_thread(
            "reeve-log", [room, report = options.on_problem, problem = std::move(problem)] {
                if (!problem.empty()) report(problem);
                room->loop->run();
            });
        collector->standing_in_ = quiet_thread("reeve-log-2", [room] { room->loop->stand_in(); });
    } catch (const std::system_error& failure) {
        return system_error("cannot start the log thread", failure.code().value());
    }
    return collector;
}

Collector::~Collector() {
    if (!writing_.joinable()) return;
    room_->mailbox.post(Stop{});
    if (room_->loop->wait_for_end()) {
        writing_.detach();
    } else {
        writing_.join();
    }
    if (standing_in_.joinable()) standing_in_.join();
}

Result<Collector::Ends> Collector::open(const std::string& service, const config::Log& log,
                                        uid_t uid, gid_t gid) {
    if (auto checked = check_name(service); !checked) return checked.error();
    auto opened = pipes_.open(service, uid, gid);
    if (!opened) return opened.error();
    if (opened->no_fifo && !std::exchange(no_room_, true)) on_problem_(at_risk(*opened->no_fifo));
    const FdPair none;
    if (opened->reading) tell_of_fifos(service, opened->no_fifo ? none : *opened->reading);
    room_->mailbox.post(Attach{service, log, std::move(opened->reading)});
    return std::move(opened->child);
}

/// Of one that is read already the loop goes on with the descriptor that it has.
void Collector::tell_of_fifos(const std::string& service, const FdPair& reading) {
    if (!on_fifo_) return;
    std::vector<std::uint64_t>& inodes = fifos_[service];
    const std::vector<std::uint64_t> before = std::exchange(inodes, {});
    const auto has = [](const std::vector<std::uint64_t>& all, std::uint64_t inode) {
        return std::find(all.begin(), all.end(), inode) != all.end();
    };
    for (const Fd* end : {&reading.out, &reading.err}) {
        struct stat status {};
        if (!*end || ::fstat(end->get(), &status) != 0) continue;
        inodes.push_back(status.st_ino);
        if (!has(before, status.st_ino)) on_fifo_(status.st_ino, end->get());
    }
    for (const std::uint64_t inode : before) {
        if (!has(inodes, inode)) on_fifo_(inode, -1);
    }
}

Result<bool> Collector::adopt(const std::string& service, const config::Log& log,
                              const std::function<FdPair()>& held) {
    if (auto checked = check_name(service); !checked) return checked.error();
    auto reading = pipes_.adopt(service, held);
    if (!reading) return reading.error();
    if (!*reading) return false;
    tell_of_fifos(service, **reading);
    room_->mailbox.post(Attach{service, log, std::move(*reading)});
    return true;
}

Result<> Collector::watch(const std::string& service, const Ends& ends, const std::string& pattern,
                          std::function<void()> matched) {
    return room_->watches.set(service, ends, pattern, std::move(matched));
}

void Collector::unwatch(const std::string& service) { room_->watches.remove(service); }

void Collector::configure(const std::string& service, const config::Log& log) {
    room_->mailbox.post(Configure{service, log});
}

void Collector::drain(const std::string& service, std::function<void()> done) {
    room_->mailbox.post(Drain{service, std::move(done)});
}

void Collector::remove(const std::string& service) {
    // Here and not on the log thread: an open() that follows must not find what is about to go.
    pipes_.remove(service);
    const auto fifos = fifos_.extract(service);
    if (!fifos.empty() && on_fifo_) {
        for (const std::uint64_t inode : fifos.mapped()) on_fifo_(inode, -1);
    }
    room_->mailbox.post(Remove{service});
}

std::optional<Trouble> Collector::trouble(const std::string& service) const {
    return room_->troubles.of(service);
}

void Collector::reopen() { room_->mailbox.post(Reopen{}); }

}  // namespace reeve::log
