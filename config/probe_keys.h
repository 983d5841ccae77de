#pragma once

#include <array>
#include <optional>

#include "config/draft.h"
#include "config/fields.h"
#include "config/forms.h"
#include "config/probe_forms.h"

/// The parts of the table of a service that are below `ready` and `health`.
namespace reeve::config {

inline constexpr std::array<std::string_view, 2> kReadyWords{"notify", "none"};
inline constexpr std::array<std::string_view, 2> kHealthActions{"restart", "none"};
inline constexpr std::int64_t kMostFailures = 1'000'000;

inline constexpr Key kExecKey{
    "exec", value_field<Kind::Command, read_command, &ProbeDraft::exec>, "",
    "This command, run as the service's user in its environment, ends with 0."};
inline constexpr Key kTcpKey{"tcp", value_field<Kind::Address, read_address, &ProbeDraft::tcp>, "",
                             "A connection to this address is accepted."};
inline constexpr Key kUnixKey{
    "unix", value_field<Kind::Path, read_socket_path, &ProbeDraft::unix_path>, "",
    "A connection to this socket is accepted, be it of streams or of datagrams."};
inline constexpr Key kHttpKey{
    "http", value_field<Kind::Url, read_url, &ProbeDraft::http>, "",
    "A GET of this URL is answered with one of `status`. Plain HTTP, from an address or "
    "`localhost`."};
inline constexpr Key kStatusKey{"status",
                                value_field<Kind::Statuses, read_statuses, &ProbeDraft::status>,
                                "[200-399]", "The status codes that count. Only with `http`."};
inline constexpr Key kPathKey{"path", value_field<Kind::Path, read_path, &ProbeDraft::path>, "",
                              "This path is there and was made or changed since the start."};
inline constexpr Key kTimeoutKey{
    "timeout", value_field<Kind::Duration, read_positive_duration, &ProbeDraft::timeout>, "3s",
    "How long one try may take."};

inline constexpr std::array kReadyKeys{
    kExecKey,
    kTcpKey,
    kUnixKey,
    kHttpKey,
    kStatusKey,
    kPathKey,
    Key{"fd", value_field<Kind::Integer, read_fd, &ProbeDraft::fd>, "",
        "It writes a newline to this descriptor, as for s6; from 3 on."},
    Key{"log", value_field<Kind::Pattern, read_pattern, &ProbeDraft::log>, "",
        "A line that it writes since the start matches this regular expression, somewhere in it."},
    Key{"interval", value_field<Kind::Duration, read_positive_duration, &ProbeDraft::interval>,
        "250ms", "How long to wait between two tries. Not with `fd` and `log`, nor is `timeout`."},
    kTimeoutKey,
};

inline constexpr std::array kHealthKeys{
    kExecKey,
    kTcpKey,
    kUnixKey,
    kHttpKey,
    kStatusKey,
    kPathKey,
    Key{"interval", value_field<Kind::Duration, read_positive_duration, &ProbeDraft::interval>,
        "10s", "How long to wait between two tries."},
    kTimeoutKey,
    Key{"failures",
        value_field<Kind::Integer, read_integer<1, kMostFailures>, &ProbeDraft::failures>, "3",
        "So many tries in a row must fail."},
    Key{"start_delay", value_field<Kind::Duration, read_duration, &ProbeDraft::start_delay>, "0s",
        "From being ready to the first try."},
    Key{"action", choice_field<kHealthActions, &ProbeDraft::action>, "restart",
        "What follows then. `restart`: it is stopped, which counts as a failure, and `restart` of "
        "the service decides. `none`: it is told, and that is all."},
};

/// Each replaces what is there as one, unlike other maps: the kinds of probes exclude each other.
inline void read_ready(Reader& reader, Value value, std::optional<Probe>& ready) {
    if (value.kind() == yaml::Kind::Scalar) {
        const auto word = read_choice(reader, value, kReadyWords);
        if (word) ready.reset();
        if (word && kReadyWords[*word] == "notify") ready.emplace();
        return;
    }
    if (!reader.is(value, yaml::Kind::Map, "notify or a map such as {tcp: 127.0.0.1:80}")) return;
    ProbeDraft draft;
    reader.map(value, KeyList{kReadyKeys.data(), kReadyKeys.size()}, &draft);
    if (auto probe = probe_of(reader, value, draft,
                              "exec, tcp, unix, http, path, fd or log, or "
                              "write notify")) {
        ready = std::move(*probe);
    }
}
inline Literal write_ready(const void* of, const void* fallback) {
    if (same_member<&Draft::policy, &Policy::ready>(of, fallback)) return {};
    const std::optional<Probe>& ready = static_cast<const Draft*>(of)->policy.ready;
    if (!ready) return {};
    if (std::holds_alternative<NotifyCheck>(ready->check)) return {std::string("notify")};
    const ProbeDraft draft = draft_of(*ready), bare;
    return {written_keys(KeyList{kReadyKeys.data(), kReadyKeys.size()}, &draft, &bare)};
}

inline void read_health(Reader& reader, Value value, std::optional<Health>& health) {
    if (value.kind() == yaml::Kind::Scalar && value.text() == "none") return health.reset();
    if (!reader.is(value, yaml::Kind::Map, "none or a map such as {tcp: 127.0.0.1:80}")) return;
    ProbeDraft draft = draft_of(Health{});
    reader.map(value, KeyList{kHealthKeys.data(), kHealthKeys.size()}, &draft);
    if (auto probe = probe_of(reader, value, draft, "exec, tcp, unix, http or path")) {
        health = Health{std::move(*probe), draft.failures, draft.start_delay, draft.action};
    }
}
inline Literal write_health(const void* of, const void* fallback) {
    if (same_member<&Draft::policy, &Policy::health>(of, fallback)) return {};
    const std::optional<Health>& health = static_cast<const Draft*>(of)->policy.health;
    if (!health) return {};
    const ProbeDraft draft = draft_of(*health), bare = draft_of(Health{});
    return {written_keys(KeyList{kHealthKeys.data(), kHealthKeys.size()}, &draft, &bare)};
}

inline constexpr Field kReadyField{Kind::Map,
                                   read_in_place<read_ready, &Draft::policy, &Policy::ready>,
                                   same_member<&Draft::policy, &Policy::ready>,
                                   write_ready,
                                   {kReadyKeys.data(), kReadyKeys.size()},
                                   kReadyWords};
inline constexpr Field kHealthField{Kind::Map,
                                    read_in_place<read_health, &Draft::policy, &Policy::health>,
                                    same_member<&Draft::policy, &Policy::health>,
                                    write_health,
                                    {kHealthKeys.data(), kHealthKeys.size()},
                                    kOnlyNone};

}  // namespace reeve::config
