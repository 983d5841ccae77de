#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "config/draft.h"
#include "config/fields.h"
#include "config/forms.h"

/// The part of the table of a service that is below `ready`.
namespace reeve::config {

inline constexpr std::array<std::string_view, 2> kReadyWords{"notify", "none"};
inline constexpr std::array<std::string_view, 6> kReadyKindsLater{"fd",  "unix", "http",
                                                                  "log", "path", "status"};

inline constexpr std::array kReadyKeys{
    Key{"exec", value_field<Kind::Command, read_command, &ProbeDraft::exec>, "",
        "Ready when this command, run as the service's user in its environment, ends with 0."},
    Key{"tcp", value_field<Kind::Address, read_address, &ProbeDraft::tcp>, "",
        "Ready when a connection to this address is accepted."},
    Key{"interval", value_field<Kind::Duration, read_positive_duration, &ProbeDraft::interval>,
        "250ms", "How long to wait between two tries."},
    Key{"timeout", value_field<Kind::Duration, read_positive_duration, &ProbeDraft::timeout>, "3s",
        "How long one try may take."},
    not_built("fd"),
    not_built("unix"),
    not_built("http"),
    not_built("log"),
    not_built("path"),
    not_built("status"),
};

/// Replaced as one, unlike other maps: the kinds of probes exclude each other.
inline void read_ready(Reader& reader, Value value, std::optional<Probe>& ready) {
    if (value.kind() == yaml::Kind::Scalar) {
        const auto word = read_choice(reader, value, kReadyWords, kReadyKindsLater);
        if (word) ready.reset();
        if (word && kReadyWords[*word] == "notify") ready.emplace();
        return;
    }
    if (!reader.is(value, yaml::Kind::Map, "notify or a map such as {tcp: 127.0.0.1:80}")) return;
    ProbeDraft draft;
    reader.map(value, KeyList{kReadyKeys.data(), kReadyKeys.size()}, &draft);
    const bool exec = static_cast<bool>(value.find("exec"));
    const bool tcp = static_cast<bool>(value.find("tcp"));
    if (exec && tcp) {
        reader.error(value, "has two probes", "keep exec or tcp");
    } else if (!exec && !tcp) {
        for (const std::string_view later : kReadyKindsLater) {
            if (value.find(later)) return;
        }
        reader.error(value, "has no probe", "add exec or tcp, or write notify");
    } else if (draft.exec) {
        ready = Probe{ExecCheck{std::move(*draft.exec)}, draft.interval, draft.timeout};
    } else if (draft.tcp) {
        ready = Probe{std::move(*draft.tcp), draft.interval, draft.timeout};
    }
}

inline Literal write_ready(const void* of, const void* fallback) {
    if (same_member<&Draft::policy, &Policy::ready>(of, fallback)) return {};
    const std::optional<Probe>& ready = static_cast<const Draft*>(of)->policy.ready;
    if (!ready) return {};
    if (std::holds_alternative<NotifyCheck>(ready->check)) return {std::string("notify")};
    ProbeDraft draft{{}, {}, ready->interval, ready->timeout};
    if (const auto* exec = std::get_if<ExecCheck>(&ready->check)) draft.exec = exec->command;
    if (const auto* tcp = std::get_if<TcpCheck>(&ready->check)) draft.tcp = *tcp;
    const ProbeDraft bare;
    return {written_keys(KeyList{kReadyKeys.data(), kReadyKeys.size()}, &draft, &bare)};
}

inline constexpr Field kReadyField{Kind::Map,
                                   read_in_place<read_ready, &Draft::policy, &Policy::ready>,
                                   same_member<&Draft::policy, &Policy::ready>,
                                   write_ready,
                                   {kReadyKeys.data(), kReadyKeys.size()},
                                   kReadyWords,
                                   kReadyKindsLater};

}  // namespace reeve::config
