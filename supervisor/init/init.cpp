#include "supervisor/init/init.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <span>

#include "base/exit_status.h"
#include "base/signal_name.h"
#include "supervisor/init/command.h"
#include "supervisor/init/options.h"
#include "supervisor/init/say.h"
#include "supervisor/init/signals.h"
#include "supervisor/init/terminal.h"

namespace reeve::init {
namespace {

constexpr int cannot_start = 1, usage = 2;
constexpr int reaped_at_once = 256;  // before signals have their turn again

bool asks_to_stop(int signal) {
    return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool asks_to_end(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

/// The life of the command from its start to its end. All signals are blocked meanwhile.
class Watch {
  public:
    Watch(const Options& options, const Terminal& terminal, pid_t command)
        : options_(options), terminal_(terminal), command_(command) {}

    /// The command's end. It is still a zombie, so that its number is nobody else's.
    ExitStatus until_end() {
        for (;;) {
            const siginfo_t signal = next_signal(!more_zombies_);
            if (signal.si_signo == SIGCHLD || more_zombies_) {
                if (const auto end = reap()) return *end;
                follow_stop();
            }
            // Of those that say that a child has changed, only somebody's own are passed on.
            const bool sent = signal.si_signo != SIGCHLD || signal.si_code <= 0;
            if (signal.si_signo != 0 && sent) pass_on(signal.si_signo);
        }
    }

    void end_group() const {
        kill(-command_, SIGTERM);
        kill(-command_, SIGCONT);  // whoever is stopped could not hear it
    }

  private:
    /// Reaps orphans; the command's end once it is its turn.
    std::optional<ExitStatus> reap() {
        for (int i = 0; i < reaped_at_once; ++i) {
            siginfo_t end{};
            waitid(P_ALL, 0, &end, WEXITED | WNOHANG | WNOWAIT);
            if (end.si_pid == 0) {
                more_zombies_ = false;
                return std::nullopt;
            }
            if (end.si_pid == command_) {
                if (end.si_code == CLD_EXITED) return ExitStatus::exited(end.si_status);
                return ExitStatus::killed(end.si_status, end.si_code == CLD_DUMPED);
            }
            waitid(P_PID, static_cast<id_t>(end.si_pid), &end, WEXITED | WNOHANG);
        }
        more_zombies_ = true;
        return std::nullopt;
    }

    void pass_on(int signal) const {
        if (signal == SIGCONT) return wake();
        const int sent = send(signal, options_.group);
        // It is to end, which it cannot while it is stopped.
        if (asks_to_end(signal) && sent != 0 && is_stopped()) kill(woken_with_it(), SIGCONT);
        if (asks_to_stop(signal) && (asks_to_stop(sent) || sent == SIGSTOP)) {
            // What was asked of the command holds for us; SIGSTOP, as the others do nothing in a
            // process group that has no shell above it. The SIGCONT that wakes us is pending then.
            kill(getpid(), SIGSTOP);
        }
    }

    /// The signal that was sent for it, 0 if none.
    int send(int signal, bool group) const {
        const int sends = options_.sends[static_cast<std::size_t>(signal)];
        if (sends != 0 && kill(group ? -command_ : command_, sends) != 0) {
            say(system_error("cannot forward " + signal_name(signal) + " to the command"));
        }
        return sends;
    }

    /// The terminal stops the command's whole group, so the whole group is woken.
    pid_t woken_with_it() const { return options_.group || terminal_ ? -command_ : command_; }

    void wake() const {
        terminal_.hand_on(command_);
        send(SIGCONT, options_.group || terminal_);
    }

    /// Also where that has not been followed yet.
    bool is_stopped() const {
        siginfo_t change{};
        const int any = WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT;
        waitid(P_PID, static_cast<id_t>(command_), &change, any);
        return change.si_pid == 0 ? stopped_ : change.si_code == CLD_STOPPED;
    }

    /// Where the command was stopped at a terminal, by ^Z or because it may not read, whoever waits
    /// for us shall see us stopped. Who sends SIGSTOP means the command alone, and wakes it alone.
    void follow_stop() {
        siginfo_t change{};
        waitid(P_PID, static_cast<id_t>(command_), &change, WSTOPPED | WCONTINUED | WNOHANG);
        if (change.si_pid == 0) return;
        stopped_ = change.si_code == CLD_STOPPED;
        if (!stopped_ || !terminal_ || !asks_to_stop(change.si_status)) return;
        if (take_signal(SIGCONT)) return wake();  // which SIGTSTP would discard
        // By SIGTSTP: the kernel passes it over where no shell could wake us, or as PID 1. Without
        // us in between, ^Z at the terminal would have reached our whole group.
        kill(terminal_.is_of(command_) ? 0 : getpid(), SIGTSTP);
        sigset_t all_but_stop = every_signal();
        sigdelset(&all_but_stop, SIGTSTP);
        set_signal_mask(all_but_stop);
        set_signal_mask(every_signal());
        if (take_signal(SIGCONT)) return wake();
        // Passed over, as ^Z would have been for the command without us. One that was stopped for
        // reading would do so again at once.
        if (change.si_status == SIGTSTP) kill(woken_with_it(), SIGCONT);
    }

    const Options& options_;
    const Terminal& terminal_;
    const pid_t command_;
    bool stopped_ = false;  // when its stop or waking was followed last
    bool more_zombies_ = false;
};

/// Other ends of what was handed to the command shall close when it closes them. 0, 1 and 2 stay,
/// for processes of a container write to /proc/1/fd/1.
void close_what_is_not_needed(const Terminal& terminal) {
    const auto kept = static_cast<unsigned>(std::max(terminal.fd(), 2));
    if (kept > 3) close_range(3, kept - 1, 0);
    close_range(kept + 1, ~0U, 0);
}

int run(const Options& options) {
    Inherited inherited{};
    inherited.mask = set_signal_mask(every_signal());
    struct sigaction on_child {};
    sigemptyset(&on_child.sa_mask);
    on_child.sa_handler = SIG_DFL;  // if ignored, nobody would hear how the command ended
    sigaction(SIGCHLD, &on_child, &inherited.on_child);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        say(system_error("ignoring that it cannot become the reaper of orphans"));
    }
    const Terminal terminal = Terminal::open();
    const auto command = start(options.command, inherited, terminal);
    if (!command) return say(command.error()), cannot_start;
    close_what_is_not_needed(terminal);
    // No mount is to be busy because of us. There is always a root.
    [[maybe_unused]] const int moved = chdir("/");
    Watch watch(options, terminal, *command);
    const int status = watch.until_end().shell_status();
    if (options.group) watch.end_group();
    terminal.take_back(*command);
    return options.expected.test(static_cast<std::size_t>(status)) ? 0 : status;
}

}  // namespace

std::optional<int> run(int argc, char* const* argv) {
    if (argc < 1) return std::nullopt;
    const auto options = parse({argv + 1, static_cast<std::size_t>(argc - 1)});
    if (!options) return std::nullopt;
    if (!*options) return say(options->error()), usage;
    return run(**options);
}

}  // namespace reeve::init
