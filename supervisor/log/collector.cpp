#include "supervisor/log/collector.h"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

#include "supervisor/log/loop.h"
#include "supervisor/log/spool.h"

namespace reeve::log {

namespace {

Result<> check_name(const std::string& service) {
    if (!Spool::fits({.service = service})) {
        return error("cannot keep a log of '" + service + "': the name is too long");
    }
    return {};
}

/// Starts a thread with all signals blocked: they are meant for others, and a SIGPIPE at a console
/// that went away stays pending there.
template <typename F>
std::thread quiet_thread(F&& run) {
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const std::shared_ptr<void> restore(
        nullptr, [&](void*) { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });
    std::thread thread(std::forward<F>(run));
    ::pthread_setname_np(thread.native_handle(), "reeve-log");
    return thread;
}

/// Pipes and spool in a runtime directory outlive the supervisor; those without a name do not.
std::string at_risk(const Error& error) {
    return error.text() + "; a kill of the supervisor could lose log lines";
}

}  // namespace

Collector::Collector(Pipes pipes, Fd bell, std::function<void(std::string)> on_problem)
    : pipes_(std::move(pipes)), on_problem_(std::move(on_problem)), mailbox_(std::move(bell)) {}

Result<std::unique_ptr<Collector>> Collector::start(CollectorOptions options) {
    if (!options.on_problem) options.on_problem = [](const std::string&) {};
    auto pipes = Pipes::open(options.runtime_dir);
    if (!pipes) return pipes.error();
    auto bell = Mailbox::make_bell();
    if (!bell) return bell.error();
    const std::string path = options.runtime_dir.empty() ? "" : options.runtime_dir + "/spool";
    auto spool = Spool::open(path);
    std::string problem;
    if (!spool && !path.empty()) {
        problem = at_risk(spool.error());
        spool = Spool::open("");
    }
    if (!spool) return spool.error();

    std::unique_ptr<Collector> collector(
        new Collector(std::move(*pipes), std::move(*bell), options.on_problem));
    auto loop = Loop::make(collector->mailbox_, collector->watches_, std::move(*spool), options);
    if (!loop) return loop.error();
    try {
        collector->thread_ = quiet_thread(
            [loop = std::move(*loop), report = options.on_problem, problem = std::move(problem)] {
                if (!problem.empty()) report(problem);
                loop->run();
            });
    } catch (const std::system_error& failure) {
        return system_error("cannot start the log thread", failure.code().value());
    }
    return collector;
}

Collector::~Collector() {
    if (!thread_.joinable()) return;
    mailbox_.post(Stop{});
    thread_.join();
}

Result<Collector::Ends> Collector::open(const std::string& service, const config::Log& log,
                                        uid_t uid, gid_t gid) {
    if (auto checked = check_name(service); !checked) return checked.error();
    auto opened = pipes_.open(service, uid, gid);
    if (!opened) return opened.error();
    if (opened->no_fifo && !std::exchange(no_room_, true)) on_problem_(at_risk(*opened->no_fifo));
    mailbox_.post(Attach{service, log, std::move(opened->reading)});
    return std::move(opened->child);
}

Result<bool> Collector::adopt(const std::string& service, const config::Log& log) {
    if (auto checked = check_name(service); !checked) return checked.error();
    auto reading = pipes_.adopt(service);
    if (!reading) return reading.error();
    if (!*reading) return false;
    mailbox_.post(Attach{service, log, std::move(*reading)});
    return true;
}

Result<> Collector::watch(const std::string& service, const Ends& ends, const std::string& pattern,
                          std::function<void()> matched) {
    return watches_.set(service, ends, pattern, std::move(matched));
}

void Collector::unwatch(const std::string& service) { watches_.remove(service); }

void Collector::configure(const std::string& service, const config::Log& log) {
    mailbox_.post(Configure{service, log});
}

void Collector::drain(const std::string& service, std::function<void()> done) {
    mailbox_.post(Drain{service, std::move(done)});
}

void Collector::remove(const std::string& service) {
    // Here and not on the log thread: an open() that follows must not find what is about to go.
    pipes_.remove(service);
    mailbox_.post(Remove{service});
}

void Collector::reopen() { mailbox_.post(Reopen{}); }

}  // namespace reeve::log
