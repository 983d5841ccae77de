#pragma once

#include <map>
#include <optional>
#include <string>

#include "ctl/explanation.h"
#include "ctl/protocol/result.h"
#include "tests/unit/ctl/plain_look.h"

/// Why services are as they are, and what is said of that.
namespace reeve::ctl {

inline protocol::Link link(const std::string& service, protocol::State state,
                           const std::string& cause = "", std::optional<Duration> ago = 3s) {
    protocol::Link made;
    made.service = service;
    made.state = state;
    made.cause = cause;
    if (ago) made.since = now - *ago;
    return made;
}

inline protocol::Link below(protocol::Link one, const std::string& relation) {
    one.relation = relation;
    return one;
}

inline std::string text_of(const protocol::Explanation& explanation,
                           const std::map<std::string, RunLog>& logs = {},
                           const Look& look = plain()) {
    return render_explanation(explanation, logs, look);
}

/// Of so many, each waiting for the next, and the last for one that has failed.
inline protocol::Explanation chain_of(int length) {
    protocol::Link at = link("db", protocol::State::Failed, "exit 1");
    for (int i = length; i-- > 0;) {
        protocol::Link above = link("s" + std::to_string(i), protocol::State::Waiting);
        above.because = {below(at, "requires")};
        at = above;
    }
    return {at, true, true, {}, {}};
}

}  // namespace reeve::ctl
