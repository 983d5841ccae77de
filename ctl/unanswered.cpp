#include "ctl/unanswered.h"

#include <algorithm>

#include "ctl/text.h"

namespace reeve::ctl {

namespace {

/// "at A: WHY, nor at B: WHY", of those that refused the caller or of the others.
std::string told(const std::vector<Miss>& misses, bool refused) {
    std::string text;
    for (const Miss& miss : misses) {
        if (miss.refused != refused) continue;
        text += (text.empty() ? "at " : ", nor at ") + harmless(miss.path) + ": " + miss.why;
    }
    return text;
}

/// Says first whose patience it was, when it was not ours.
Complaint at_limit(std::string sentence, const Limit& limit, std::string advice) {
    if (!limit.callers) return {Exit::NoSupervisor, std::move(sentence), std::move(advice)};
    return {Exit::TimedOut, "gave up after " + in_words(limit.time) + ": " + std::move(sentence),
            std::move(advice)};
}

/// The supervisor says itself what has not come about by the caller's timeout. One that has not by
/// then is stuck.
constexpr Duration grace = 1s;

constexpr const char* ask_its_log = "try again, and see what its own log says";

}  // namespace

Duration Limit::left() const {
    if (!at) return Duration::max();
    const Duration rest = *at - std::chrono::steady_clock::now();
    return std::max<Duration>(rest, 1ms);
}

Patience::Patience(Duration own, std::optional<Duration> timeout) : own_(own), timeout_(timeout) {
    if (timeout) over_ = std::chrono::steady_clock::now() + *timeout;
}

Limit Patience::limit(Duration own) const {
    const auto at = std::chrono::steady_clock::now() + own;
    if (over_ && *over_ < at) return {over_, *timeout_, true};
    return {at, own, false};
}

Limit Patience::of_caller() const {
    if (!over_) return {};
    return {*over_ + grace, *timeout_, true};
}

std::optional<Duration> Patience::left() const {
    if (!over_) return std::nullopt;
    return Limit{over_}.left();
}

Complaint unreachable(const std::vector<Miss>& misses, const Limit& limit) {
    const std::string closed = told(misses, true);
    const std::string none = told(misses, false);
    if (closed.empty()) {
        const bool any_silent =
            std::any_of(misses.begin(), misses.end(), [](const Miss& miss) { return miss.silent; });
        const std::string sentence = "no supervisor answers " + none;
        if (any_silent) return at_limit(sentence, limit, ask_its_log);
        return {Exit::NoSupervisor, sentence, "start one with reeved"};
    }
    return {Exit::NotAllowed,
            "not allowed to speak to the supervisor " + closed +
                (none.empty() ? "" : "; none answers " + none),
            "try as root or as the user that it runs as"};
}

Complaint silent(const std::string& path, std::optional<pid_t> dead, const Limit& limit) {
    std::string sentence = "the supervisor at " + harmless(path);
    if (!dead) {
        sentence += " is there, but has not answered";
        if (!limit.callers) sentence += " for " + in_words(limit.time);
        return at_limit(std::move(sentence), limit, ask_its_log);
    }
    sentence += " (pid " + std::to_string(*dead) + ") has died, and no other has taken over";
    sentence += limit.callers ? " yet" : " within " + in_words(limit.time);
    return at_limit(std::move(sentence), limit, "its services go on: start reeved again");
}

Complaint without_successor(const std::string& path, const std::string& why, const Limit& limit) {
    std::string sentence = "the supervisor at " + harmless(path);
    sentence += " has ended, and no other has taken over";
    sentence += limit.callers ? " yet" : " within " + in_words(limit.time);
    return at_limit(std::move(sentence) + " (" + why + ")", limit, "start reeved again");
}

Complaint without_greeting(const std::string& path, const Limit& limit) {
    return at_limit("no supervisor answers at " + harmless(path) + ": who listens there hangs up",
                    limit, name_the_socket);
}

}  // namespace reeve::ctl
