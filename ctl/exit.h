#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

#include "ctl/protocol/message.h"

namespace reeve::ctl {

/// How reevectl ends: the contract's numbers.
enum class Exit : int {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotRunning = 3,
    NoSuchService = 4,
    NotAllowed = 5,
    NoSupervisor = 6,
    TimedOut = 7,
};

/// Why a verb goes no further: what it exits with and, after "reevectl: ", what it says.
struct Complaint {
    Exit exit = Exit::Failed;
    std::string sentence;
    std::string advice = {};  ///< what to do about it

    std::string text() const { return advice.empty() ? sentence : sentence + "; " + advice; }
};

template <typename T = void>
using Attempt = boost::system::result<T, Complaint>;

/// What an error of the protocol is to the caller; whatever else concerns the message
/// itself than what it asks for is a failure.
Exit exit_for(protocol::ErrorCode code);

/// Asked for by boost::system::result when value() is called on an error: a programming error.
[[noreturn]] inline void throw_exception_from_error(const Complaint& complaint,
                                                    const boost::source_location&) {
    throw std::logic_error("unchecked complaint: " + complaint.sentence);
}

}  // namespace reeve::ctl
