#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "ctl/protocol/call.h"
#include "ctl/protocol/notice.h"
#include "ctl/protocol/result.h"

/// The one place that knows the wire: JSON-RPC 2.0, one message a line, described for people in
/// docs/protocol.md. Messages are plain structs; the supervisor parses requests and encodes what it
/// answers, the client the other way round. Nothing in here does I/O or throws.
namespace reeve::protocol {

/// A request beyond this many bytes is refused, one that is nested deeper than that as well.
inline constexpr std::size_t max_request_size = 1u << 20;
inline constexpr std::size_t max_nesting = 32;

/// So many links of an Explanation lie below one another on the wire; deeper ones are left out.
inline constexpr std::size_t max_chain = 64;

struct Request {
    Id id;
    Call call;

    bool operator==(const Request&) const = default;
};

// The supervisor's direction. Every encoded message ends in its newline.

/// Why a line is no request, and the id to answer it with if one could be read.
struct Refusal {
    std::optional<Id> id;
    Failure failure;
};

/// One line, without or with its newline.
boost::system::result<Request, Refusal> parse_request(std::string_view line);

std::string encode_result(const Id& id, const Welcome& welcome);
std::string encode_result(const Id& id, const StatusDocument& document);
std::string encode_result(const Id& id, const Outcome& outcome);
std::string encode_result(const Id& id, const Accepted& accepted);
std::string encode_result(const Id& id, const Upgraded& upgraded);
std::string encode_result(const Id& id, const VersionInfo& version);
std::string encode_result(const Id& id, const Rehearsal& rehearsal);
std::string encode_result(const Id& id, const ConfigurationDiff& diff);
std::string encode_result(const Id& id, const Applied& applied);
std::string encode_result(const Id& id, const Definitions& definitions);
std::string encode_result(const Id& id, const Explanation& explanation);
std::string encode_result(const Id& id, const Failures& failures);
std::string encode_result(const Id& id, const Runs& runs);
std::string encode_result(const Id& id, const EventList& events);
std::string encode_error(const std::optional<Id>& id, const Failure& failure);
inline std::string encode_error(const Refusal& refusal) {
    return encode_error(refusal.id, refusal.failure);
}
std::string encode_touches(const Touches& touches);
std::string encode_event(const Event& event);

// The client's direction.

std::string encode_request(const Request& request);

/// What answers a request that is answered by T. Failures of the line as such have no id.
template <typename T>
struct Reply {
    std::optional<Id> id;
    std::variant<T, Failure> body;
};

/// A notification that this client does not know: a newer supervisor may have more to say.
struct UnknownNotice {};

template <typename T>
using Answer = std::variant<Reply<T>, Touches, Event, UnknownNotice>;

/// A line from a supervisor, for who awaits the reply to a request answered by T: any of the
/// structs that an encode_result() takes. Members that are not known are passed over.
template <typename T>
Result<Answer<T>> parse_answer(std::string_view line);

/// The results as `--json` prints them: the same as on the wire, and "lines", null where there are
/// none to be had, in failures and at the ends of an explanation's chains; no newline.
std::string to_json(const Outcome& outcome);
std::string to_json(const Rehearsal& rehearsal);
std::string to_json(const ConfigurationDiff& diff);
std::string to_json(const Applied& applied);
std::string to_json(const Definitions& definitions);
std::string to_json(const Explanation& explanation);
std::string to_json(const Failures& failures);
std::string to_json(const Upgraded& upgraded);
std::string to_json(const Event& event);

[[noreturn]] inline void throw_exception_from_error(const Refusal& refusal,
                                                    const boost::source_location&) {
    throw std::logic_error("unchecked refusal: " + refusal.failure.message);
}

}  // namespace reeve::protocol
