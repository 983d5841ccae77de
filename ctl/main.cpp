#include <csignal>
#include <string>
#include <vector>

#include "ctl/host.h"
#include "ctl/run.h"

int main(int argc, char** argv) {
    // Whoever reads and has read enough, as head does, is told from a write that fails: no reason
    // to die of a signal, which would make a failure of the pipe.
    std::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    return reeve::ctl::run(reeve::ctl::Host::own(), arguments);
}
