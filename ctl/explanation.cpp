#include "ctl/explanation.h"

#include <array>

#include "ctl/chain.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::Explanation;
using protocol::Link;
using protocol::State;

std::string_view how_held_up(State state) {
    switch (state) {
        case State::Waiting:
            return "is waiting for";
        case State::Running:
        case State::Reloading:
            return "is to stop, and first waits for";
        case State::Stopped:
        case State::Starting:
        case State::Stopping:
        case State::Backoff:
        case State::Failed:
        case State::Done:
            return "is held up by";
    }
    return {};
}

std::vector<std::string> names_of(const std::vector<Link>& links) {
    std::vector<std::string> names;
    for (const Link& link : links) names.push_back(link.service);
    return names;
}

/// "web, which is waiting for db, which has failed": down to where the chain ends or branches.
std::string followed_down(const Link& first) {
    constexpr int most_steps = 3;
    std::string text = harmless(first.service);
    const Link* link = &first;
    for (int steps = 1; link->because.size() == 1 && steps < most_steps; ++steps) {
        text += ", which " + std::string(how_held_up(link->state)) + " ";
        link = &link->because[0];
        text += harmless(link->service);
    }
    if (link->because.size() == 1) {
        while (link->because.size() == 1) link = &link->because[0];
        text += ", and in the end for " + harmless(link->service);
    }
    if (link->because.empty()) return text + ", which " + predicate(link->state);
    return text + ", which " + std::string(how_held_up(link->state)) + " " +
           listed(names_of(link->because), 3);
}

std::string sentence(const Explanation& explanation) {
    const Link& link = explanation.link;
    const std::string name = harmless(link.service);
    if (link.because.size() == 1) {
        return name + " " + std::string(how_held_up(link.state)) + " " +
               followed_down(link.because[0]);
    }
    if (!link.because.empty()) {
        return name + " " + std::string(how_held_up(link.state)) + " " +
               listed(names_of(link.because), 4);
    }
    if (link.state == State::Running && !explanation.wanted) {
        return name + " is running, and about to be stopped";
    }
    if (link.state == State::Stopped && explanation.wanted) {
        return name + " is stopped, and about to be started";
    }
    if (link.state == State::Running && link.cause.starts_with("unhealthy")) {
        return name + " is running, but unhealthy";
    }
    return name + " " + std::string(meaning(link.state));
}

/// `waiting`: also those that only wait, for somebody whom the tree has elsewhere.
void collect_ends(const Link& link, bool waiting, std::vector<const Link*>& ends) {
    if (ends.size() >= most_drawn_beside) return;
    if (link.because.empty() && (waiting || link.state != State::Waiting)) ends.push_back(&link);
    for (const Link& next : link.because) collect_ends(next, waiting, ends);
}

std::string labelled(std::string_view label, std::string_view text, const Look& look) {
    constexpr std::size_t label_width = 16;
    const std::size_t room =
        look.width == 0 ? 0 : std::max<std::size_t>(look.width, label_width + 16) - label_width;
    std::string out;
    for (const std::string& row : wrapped(text, room, 6, look.unicode)) {
        out += painted(padded(label, label_width), Colour::Dim, look) + row + "\n";
        label = "";
    }
    return out;
}

std::string held_up(const Explanation& explanation, const Look& look) {
    constexpr std::size_t most = 10;
    std::string out;
    if (!explanation.waiting.empty()) {
        out += labelled("waiting for it:", listed(explanation.waiting, most), look);
    }
    if (!explanation.dependents.empty()) {
        out += labelled("required by:", listed(explanation.dependents, most), look);
    }
    return out;
}

/// In whose way it is for as long as there is any of it.
bool must_be_gone(const Link& link) {
    return link.relation == "conflicts with" || link.relation == "takes the place of" ||
           link.relation == "stops after";
}

/// Somebody has to stop it.
bool runs_on(const Link& link) {
    return link.relation == "conflicts with" && link.state != State::Stopping;
}

/// "db and web are stopped"
std::string clause(const std::vector<std::string>& names, std::string_view what) {
    return listed(names, 3) + (names.size() == 1 ? " is " : " are ") + std::string(what);
}

/// Who has no need of help, once those at the ends have got it.
std::string what_follows(const Explanation& explanation, const Look& look) {
    const Link& link = explanation.link;
    if (link.state != State::Waiting || link.because.empty()) return {};
    std::vector<std::string> ready, gone, stopped;
    for (const Link* end : ends_of(explanation)) {
        (runs_on(*end) ? stopped : must_be_gone(*end) ? gone : ready).push_back(end->service);
    }
    std::string what;
    const auto add = [&](const std::vector<std::string>& names, std::string_view condition) {
        if (names.empty()) return;
        what += what.empty() ? "" : " and ";
        what += clause(names, condition);
    };
    add(ready, "ready");
    add(gone, "gone");
    add(stopped, "stopped");
    if (ready.size() > 1 && gone.empty() && stopped.empty()) what = "they are ready";
    const std::string text = harmless(link.service) +
                             (stopped.empty() ? " starts by itself once " : " starts once ") +
                             what + ".";
    std::string out;
    for (const std::string& row : wrapped(text, look.width, 3, look.unicode)) out += row + "\n";
    return out;
}

}  // namespace

std::vector<const Link*> ends_of(const Explanation& explanation) {
    std::vector<const Link*> ends;
    collect_ends(explanation.link, false, ends);
    if (ends.empty()) collect_ends(explanation.link, true, ends);
    return ends;
}

std::string summary_of(const Explanation& explanation) {
    const std::string due = due_text(explanation.link);
    return sentence(explanation) + (due.empty() ? "." : "; " + due + ".");
}

std::optional<RunTimes> telling_run(const Link& link) {
    const auto& exit = link.last_exit;
    switch (link.state) {
        case State::Failed:
        case State::Backoff: {
            if (never_ran(link.cause)) return std::nullopt;
            // Who hangs before its command is not ready in time, and has no exit.
            if (link.cause.starts_with("pre_start") ||
                (!exit && link.cause.starts_with("not ready"))) {
                return RunTimes{exit ? exit->at : std::nullopt, link.since, true};
            }
            if (!exit || !exit->at) return std::nullopt;
            RunTimes run{{}, exit->at};
            if (exit->ran) run.from = *exit->at - *exit->ran;
            return run;
        }
        case State::Starting:
        case State::Reloading:
            return RunTimes{link.since, {}};
        case State::Stopping:
            // What it wrote before it was to stop may tell what it is at.
            return RunTimes{exit ? exit->at : std::nullopt, {}};
        case State::Stopped:
        case State::Waiting:
        case State::Running:
        case State::Done:
            return std::nullopt;
    }
    return std::nullopt;
}

std::vector<Advice> advice_on(const Explanation& explanation,
                              const std::map<std::string, RunLog>& logs) {
    constexpr std::size_t most_names = 4;
    constexpr std::array order = {State::Failed,  State::Backoff,   State::Stopped,
                                  State::Done,    State::Starting,  State::Stopping,
                                  State::Waiting, State::Reloading, State::Running};
    const std::vector<const Link*> ends = ends_of(explanation);
    std::vector<Advice> advice;
    std::string in_the_way;
    std::size_t count_in_the_way = 0;
    for (const Link* end : ends) {
        if (!runs_on(*end) || ++count_in_the_way > most_names) continue;
        in_the_way += " " + harmless(end->service);
    }
    if (count_in_the_way > 0) advice.push_back({"to make way", "stop" + in_the_way});
    for (const State state : order) {
        std::string names;
        std::size_t count = 0;
        bool without_log = true;
        for (const Link* end : ends) {
            if (end->state != state || runs_on(*end) || ++count > most_names) continue;
            names += (names.empty() ? "" : " ") + harmless(end->service);
            const auto log = logs.find(end->service);
            const bool missing = log != logs.end() && log->second.missing;
            without_log = without_log && (missing || never_ran(end->cause));
        }
        if (count == 0) continue;
        const std::vector<Advice> more = advice_for(state, without_log, names);
        advice.insert(advice.end(), more.begin(), more.end());
        const Link& link = explanation.link;
        if (state == State::Stopped && link.because.empty() && !explanation.enabled) {
            advice.push_back({"at boot, too", "enable " + harmless(link.service)});
        }
        return advice;
    }
    return advice;
}

std::string render_explanation(const Explanation& explanation,
                               const std::map<std::string, RunLog>& logs, const Look& look) {
    const Link& link = explanation.link;
    std::string out;
    for (const std::string& row :
         wrapped(sentence(explanation) + ".", look.width, 6, look.unicode)) {
        out += painted(row, Colour::Bold, look) + "\n";
    }
    out += "\n" + draw_chain(link, logs, look);
    if (const std::string others = held_up(explanation, look); !others.empty()) {
        out += "\n" + others;
    }
    if (explanation.log) {
        out += "\n" + labelled("log trouble:", log_trouble_text(*explanation.log, look), look);
    }
    return out + "\n" + what_follows(explanation, look) +
           render_advice(advice_on(explanation, logs), look);
}

}  // namespace reeve::ctl
