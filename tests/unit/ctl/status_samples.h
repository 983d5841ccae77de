#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ctl/protocol/result.h"
#include "tests/unit/ctl/fixture.h"
#include "tests/unit/ctl/plain_look.h"

/// What a supervisor may tell of its services.
namespace reeve::ctl {

inline protocol::StatusDocument three() {
    protocol::ServiceStatus web = service("web", protocol::State::Running, "ready");
    web.since = now - 200s;
    web.restarts = 2;
    web.cpu = 1500ms;
    web.memory = 34u << 20;
    protocol::ServiceStatus worker =
        service("worker", protocol::State::Failed, "exit 1 after 120 ms, 4th time; gave up");
    worker.since = now - 2h;
    return {{"0.1.0", 1, false, 300s, "/run/reeve", {}},
            {service("db", protocol::State::Stopped, "not enabled"), web, worker}};
}

/// Says what a terminal would obey.
inline protocol::ServiceStatus evil() {
    protocol::ServiceStatus status =
        service("web", protocol::State::Backoff, "\x1b]0;owned\x07 exit 1\nfake: running");
    status.description =
        "\xe2\x80\xae"
        "desrever\xff";
    status.status_text =
        "a\r\tb\x9b"
        "31m";
    status.processes = {{{1, 0, "sh -c \x1b[2J", "S"}}};
    return status;
}

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

}  // namespace reeve::ctl
