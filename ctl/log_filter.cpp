#include "ctl/log_filter.h"

#include "ctl/text.h"

namespace reeve::ctl {

namespace {

Complaint usage(std::string sentence) { return {Exit::Usage, std::move(sentence)}; }

Attempt<WallTime> moment_of(std::string_view option, const std::string& said, WallTime now,
                            const Zone& zone) {
    if (const auto moment = parse_moment(said, now, zone)) return *moment;
    std::string sentence(option);
    sentence += ": " + shell_quoted(harmless(said.substr(0, 64))) + " is no time; ";
    sentence += moment_forms;
    return usage(std::move(sentence));
}

/// Why it is no pattern, and where: the pattern with the place marked below it.
std::string objection(const std::string& pattern, const RE2& parsed) {
    static constexpr std::size_t most_shown = 200;
    std::string sentence = "--grep: not a pattern: ";
    sentence += harmless(parsed.error().substr(0, most_shown));
    const std::string& place = parsed.error_arg();
    const std::size_t at = place.empty() ? pattern.npos : pattern.find(place);
    if (at == pattern.npos || pattern.size() > most_shown || harmless(pattern) != pattern) {
        return sentence;
    }
    sentence += "\n  " + pattern + "\n  ";
    sentence += std::string(columns(pattern.substr(0, at)), ' ');
    return sentence + std::string(std::max<std::size_t>(columns(place), 1), '^');
}

/// Nothing: all.
std::optional<std::uint64_t> lines_wanted(const Invocation& invocation) {
    if (invocation.last == Invocation::everything) return std::nullopt;
    const bool begins_somewhere = invocation.since || invocation.run;
    if (!invocation.last && invocation.follow && !begins_somewhere) return 10;
    return invocation.last;
}

}  // namespace

Attempt<LogQuery> query_of(const Invocation& invocation, WallTime now, const Zone& zone) {
    LogQuery query;
    query.stream = invocation.stream;
    query.lines = lines_wanted(invocation);
    if (invocation.since) {
        const auto since = moment_of("--since", *invocation.since, now, zone);
        if (!since) return since.error();
        query.since = *since;
    }
    if (invocation.before) {
        const auto until = moment_of("--until", *invocation.before, now, zone);
        if (!until) return until.error();
        query.until = *until;
    }
    if (query.since && query.until && *query.since > *query.until) {
        return usage("--until is before --since: there is nothing in between");
    }
    if (invocation.grep) {
        auto pattern = std::make_shared<const RE2>(*invocation.grep, RE2::Quiet);
        if (!pattern->ok()) return usage(objection(*invocation.grep, *pattern));
        query.pattern = std::move(pattern);
    }
    return query;
}

}  // namespace reeve::ctl
