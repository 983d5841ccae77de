#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "supervisor/core/engine.h"

namespace reeve::state {

/// What a supervisor leaves to the program that it executes in its place, beside what it has
/// written down for any successor (recorder.h): open descriptors, by number, and who waits for
/// what. Encoded messages are those of the control protocol.
struct Handover {
    struct Client {
        int descriptor = -1;
        std::string input;  ///< what it has sent and was not handled yet
        bool subscribed = false;
        bool operator==(const Client&) const = default;
    };
    /// A request of a client that the engine has.
    struct Asked {
        core::RequestId request;
        std::uint64_t client = 0;  ///< its place in the list
        std::string message;       ///< an answer with its id; of Apply with its diff
        int kind = 0;
        int verb = 0;
        struct Before {
            core::ServiceId service;
            std::string name;
            int state = 0;
            bool operator==(const Before&) const = default;
        };
        std::vector<Before> before;  ///< the services that were named, as they were found
        std::vector<std::string> also;
        bool operator==(const Asked&) const = default;
    };
    std::string version;  ///< of the program
    int lock = -1;        ///< on the runtime directory
    std::string runtime_dir;
    std::vector<Client> clients;
    std::vector<Asked> asked;
    std::vector<core::OpenRequest> requests;
    std::uint64_t last_request = 0;
    std::vector<std::string> events;  ///< encoded, the last ones
    std::uint64_t last_event = 0;
    std::optional<std::uint64_t> upgrader;  ///< the client that has asked for this
    std::string upgrader_message;           ///< an answer with its id
    /// A boot that somebody waits for, and how far it is.
    struct Boot {
        int caller = -1;  ///< the descriptor by which to tell them
        std::vector<core::ServiceId> started, pending;
        bool operator==(const Boot&) const = default;
    };
    std::optional<Boot> boot;
    std::vector<Time> faults;  ///< that programs of this process have had, the last few

    bool operator==(const Handover&) const = default;
};

std::string to_text(const Handover& handover);
Result<Handover> handover_of(std::string_view text);

}  // namespace reeve::state
