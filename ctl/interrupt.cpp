#include "ctl/interrupt.h"

#include <unistd.h>

#include <string_view>

namespace reeve::ctl {

namespace {

void end_with(std::string_view notice) {
    const ssize_t written = write(STDERR_FILENO, notice.data(), notice.size());
    static_cast<void>(written);
    // Means what it means to every program by now, and is not blocked: see the flags below.
    raise(SIGINT);
}

// Handlers that end the program need no flag that somebody looks at in time.
void on_interrupted_question(int) { end_with("\nreevectl: no longer waiting\n"); }

void on_interrupted_command(int) {
    end_with("\nreevectl: no longer waiting; the supervisor goes on with it\n");
}

}  // namespace

InterruptNotice::InterruptNotice(Of of) {
    sigaction(SIGINT, nullptr, &before_);
    if (before_.sa_handler == SIG_IGN) return;
    struct sigaction ours {};
    ours.sa_handler = of == Of::Command ? on_interrupted_command : on_interrupted_question;
    ours.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    sigaction(SIGINT, &ours, nullptr);
}

InterruptNotice::~InterruptNotice() { sigaction(SIGINT, &before_, nullptr); }

}  // namespace reeve::ctl
