#include "ctl/interrupt.h"

#include <unistd.h>

#include <string_view>

#include "ctl/exit.h"

namespace reeve::ctl {

namespace {

// A handler that ends the program needs no flag that somebody looks at in time.
void on_interrupt(int) {
    constexpr std::string_view notice =
        "\nreevectl: no longer waiting; the supervisor goes on with it\n";
    const ssize_t written = write(STDERR_FILENO, notice.data(), notice.size());
    static_cast<void>(written);
    _exit(static_cast<int>(Exit::Interrupted));
}

}  // namespace

InterruptNotice::InterruptNotice() {
    sigaction(SIGINT, nullptr, &before_);
    if (before_.sa_handler == SIG_IGN) return;
    struct sigaction ours {};
    ours.sa_handler = on_interrupt;
    sigaction(SIGINT, &ours, nullptr);
}

InterruptNotice::~InterruptNotice() { sigaction(SIGINT, &before_, nullptr); }

}  // namespace reeve::ctl
