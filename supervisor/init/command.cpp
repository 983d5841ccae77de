#include "supervisor/init/command.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "supervisor/init/say.h"
#include "supervisor/init/signals.h"

namespace reeve::init {
namespace {

constexpr int cannot_execute = 126, not_found = 127;

/// Says why execvp has failed; the exit status for it, the same as a shell's.
int complain(const char* name, int errnum) {
    if (std::strchr(name, '/') == nullptr && errnum == ENOENT) {
        say(system_error(std::string("cannot find ") + name + " in PATH", errnum));
        return not_found;
    }
    const bool there = access(name, F_OK) == 0;
    std::string sentence = std::string("cannot execute ") + name;
    // A script's interpreter, or a program's dynamic loader.
    if (errnum == ENOENT && there) sentence += ", whose interpreter is not there";
    say(system_error(std::move(sentence), errnum));
    return there || (errnum != ENOENT && errnum != ENOTDIR) ? cannot_execute : not_found;
}

/// The child. Unlike a service (os/child.cpp) it is to get almost everything as it is, and the
/// process is small: an ordinary fork and execvp, which knows scripts without #! too, will do.
[[noreturn]] void become(char* const* command, const Inherited& inherited,
                         const Terminal* terminal) {
    setpgid(0, 0);
    if (terminal != nullptr) terminal->take();
    sigaction(SIGCHLD, &inherited.on_child, nullptr);
    set_signal_mask(inherited.mask);
    execvp(command[0], command);
    _exit(complain(command[0], errno));
}

}  // namespace

Result<pid_t> start(char* const* command, const Inherited& inherited, const Terminal& terminal) {
    const bool foreground = terminal.is_ours();
    const pid_t child = fork();
    if (child < 0) return system_error(std::string("cannot fork for ") + command[0]);
    if (child == 0) become(command, inherited, foreground ? &terminal : nullptr);
    // Both do it, so that the group is there before a signal is sent to it. It fails when the child
    // was quicker and is executed already.
    setpgid(child, child);
    return child;
}

}  // namespace reeve::init
