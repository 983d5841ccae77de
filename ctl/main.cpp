#include <string>
#include <vector>

#include "ctl/host.h"
#include "ctl/run.h"

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    return reeve::ctl::run(reeve::ctl::Host::own(), arguments);
}
