#include "config/probe_forms.h"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/overloaded.h"
#include "config/forms.h"
#include "config/list_forms.h"
#include "config/probe_values.h"

namespace reeve::config {

namespace {

constexpr std::array<std::string_view, 7> kKinds{"exec", "tcp", "unix", "http",
                                                 "path", "fd",  "log"};

/// The check that the draft holds, if what the map says of it could be read.
std::optional<Probe> filled(ProbeDraft& draft) {
    Probe probe{.check = {}, .interval = draft.interval, .timeout = draft.timeout};
    if (draft.exec) {
        probe.check = ExecCheck{std::move(*draft.exec)};
    } else if (draft.tcp) {
        probe.check = std::move(*draft.tcp);
    } else if (draft.unix_path) {
        probe.check = UnixCheck{std::move(*draft.unix_path)};
    } else if (draft.http) {
        if (draft.status) draft.http->status = std::move(*draft.status);
        probe.check = std::move(*draft.http);
    } else if (draft.path) {
        probe.check = PathCheck{std::move(*draft.path)};
    } else if (draft.fd) {
        probe.check = FdCheck{*draft.fd};
    } else if (draft.log) {
        probe.check = LogCheck{std::move(*draft.log)};
    } else {
        return std::nullopt;
    }
    return probe;
}

}  // namespace

std::optional<std::string> read_socket_path(Reader& reader, yaml::Value value) {
    constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
    auto path = read_path(reader, value);
    if (!path || path->size() <= kLongest) return path;
    reader.error(value, "is too long for a socket",
                 "write " + std::to_string(kLongest) + " bytes at most");
    return std::nullopt;
}

std::optional<HttpCheck> read_url(Reader& reader, yaml::Value value) {
    return reader.parse(value, "a URL such as http://127.0.0.1:8080/", parse_url);
}

std::optional<std::vector<StatusRange>> read_statuses(Reader& reader, yaml::Value value) {
    auto ranges = read_list(reader, value, "a list of status codes", [](Reader& r, yaml::Value v) {
        return r.parse(v, "a status code", parse_status);
    });
    if (!ranges || !ranges->empty()) return ranges;
    reader.error(value, "is empty", "write such as [200-399]");
    return std::nullopt;
}

std::optional<int> read_fd(Reader& reader, yaml::Value value) {
    const auto number = read_integer_between(reader, value, 0, 1023);
    if (!number) return std::nullopt;
    if (*number >= 3) return static_cast<int>(*number);
    reader.error(value, "0, 1 and 2 are its stdin, stdout and stderr",
                 "write a number from 3 to 1023");
    return std::nullopt;
}

std::optional<std::string> read_pattern(Reader& reader, yaml::Value value) {
    return read_checked(reader, value, "a regular expression", check_pattern);
}

std::optional<Probe> probe_of(Reader& reader, yaml::Value map, ProbeDraft& draft,
                              std::string_view kinds) {
    std::vector<std::string_view> found;
    for (const std::string_view kind : kKinds) {
        if (map.find(kind)) found.push_back(kind);
    }
    if (found.size() > 1) {
        reader.error(map, "has " + std::string(found.size() == 2 ? "two" : "several") + " probes",
                     "keep " + enumerate(found, "or"));
        return std::nullopt;
    }
    if (found.empty()) {
        reader.error(map, "has no probe", "add " + std::string(kinds));
        return std::nullopt;
    }
    if (found.front() != "http" && map.find("status")) {
        const Reader::Step step(reader, "status");
        reader.error(map.find("status"), "is about http alone", "remove it");
    }
    auto probe = filled(draft);
    for (const std::string_view key : {"interval", "timeout"}) {
        if (!probe || !probe->is_awaited() || !map.find(key)) continue;
        const Reader::Step step(reader, key);
        reader.error(map.find(key), "has no effect, for the service says itself when it is ready",
                     "remove it: `start_timeout` is how long it may take");
    }
    return probe;
}

ProbeDraft draft_of(const Probe& probe) {
    ProbeDraft draft;
    draft.interval = probe.interval;
    draft.timeout = probe.timeout;
    std::visit(Overloaded{
                   [](const NotifyCheck&) {},
                   [&](const ExecCheck& check) { draft.exec = check.command; },
                   [&](const TcpCheck& check) { draft.tcp = check; },
                   [&](const FdCheck& check) { draft.fd = check.number; },
                   [&](const UnixCheck& check) { draft.unix_path = check.path; },
                   [&](const HttpCheck& check) {
                       draft.http = check;
                       if (check.status != HttpCheck{}.status) draft.status = check.status;
                   },
                   [&](const LogCheck& check) { draft.log = check.pattern; },
                   [&](const PathCheck& check) { draft.path = check.path; },
               },
               probe.check);
    return draft;
}

ProbeDraft draft_of(const Health& health) {
    ProbeDraft draft = draft_of(health.probe);
    draft.failures = health.failures;
    draft.start_delay = health.start_delay;
    draft.action = health.action;
    return draft;
}

}  // namespace reeve::config
