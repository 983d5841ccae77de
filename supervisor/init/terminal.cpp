#include "supervisor/init/terminal.h"

#include <fcntl.h>
#include <unistd.h>

namespace reeve::init {

Terminal Terminal::open() {
    Terminal terminal;
    // Not waiting for a modem, and never anybody's controlling terminal by that.
    terminal.fd_.reset(::open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    // A small container may have the terminal and no name for it.
    for (int fd = 0; fd <= 2 && !terminal; ++fd) {
        if (tcgetpgrp(fd) >= 0) terminal.fd_.reset(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    }
    return terminal;
}

// In a PID namespace both are 0 where our group's leader is outside.
bool Terminal::is_ours() const { return is_of(getpgrp()); }

bool Terminal::is_of(pid_t group) const { return fd_ && tcgetpgrp(fd_.get()) == group; }

void Terminal::take() const { tcsetpgrp(fd_.get(), getpgrp()); }

void Terminal::hand_on(pid_t command) const {
    if (is_ours()) tcsetpgrp(fd_.get(), command);
}

void Terminal::take_back(pid_t command) const {
    if (is_of(command)) take();
}

}  // namespace reeve::init
