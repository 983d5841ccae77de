#include "ctl/explanation.h"

#include <algorithm>
#include <array>

#include "ctl/advice.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::Explanation;
using protocol::Link;
using protocol::State;

/// So many that hold up one service are drawn; the others are counted.
constexpr std::size_t most_beside = 8;
/// From this depth on a chain without branches is shortened: what matters is where it ends.
std::size_t depth_for(const Look& look) {
    constexpr std::size_t most = 8;
    if (look.width == 0) return most;
    // A step takes three columns, and something must be left for the end.
    return std::clamp<std::size_t>(look.width / 3, 12, 10 + most) - 10;
}

/// Deeper than that nothing is drawn.
constexpr std::size_t deepest = 40;

/// What is said of a service behind "which".
std::string_view in_short(State state) {
    switch (state) {
        case State::Stopped:
            return "is stopped";
        case State::Waiting:
            return "is waiting";
        case State::Starting:
            return "is starting";
        case State::Running:
            return "is running";
        case State::Reloading:
            return "is reloading";
        case State::Stopping:
            return "is stopping";
        case State::Backoff:
            return "is in backoff";
        case State::Failed:
            return "has failed";
        case State::Done:
            return "is done";
    }
    return {};
}

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
    if (link->because.empty()) return text + ", which " + std::string(in_short(link->state));
    return text + ", which " + std::string(how_held_up(link->state)) + " " +
           listed(names_of(link->because), 3);
}

std::string sentence(const Explanation& explanation) {
    const Link& link = explanation.link;
    const std::string name = harmless(link.service);
    if (link.because.size() == 1) {
        return name + " " + std::string(how_held_up(link.state)) + " " +
               followed_down(link.because[0]) + ".";
    }
    if (!link.because.empty()) {
        return name + " " + std::string(how_held_up(link.state)) + " " +
               listed(names_of(link.because), 4) + ".";
    }
    if (link.state == State::Running && !explanation.wanted) {
        return name + " is running, and about to be stopped.";
    }
    if (link.state == State::Stopped && explanation.wanted) {
        return name + " is stopped, and about to be started.";
    }
    return name + " " + std::string(meaning(link.state)) + ".";
}

/// "failed 3 min ago", "starting for 12 s".
std::string state_text(const Link& link, const Look& look) {
    std::string text =
        link.state == State::Backoff ? "in backoff" : std::string(to_string(link.state));
    if (!link.since) return text;
    const bool is_over =
        link.state == State::Stopped || link.state == State::Failed || link.state == State::Done;
    const std::string time = time_since(*link.since, look);
    return text + (is_over ? " " + time + " ago" : " for " + time);
}

/// The cause without when the next start is due, which is said anew.
std::string cause_text(const Link& link) {
    std::string_view cause = link.cause;
    const std::size_t due = cause.rfind("; next start in ");
    if (link.next_start && due != cause.npos) cause = cause.substr(0, due);
    return harmless(cause);
}

std::string within(Duration left) {
    return left > Duration::zero() ? "within " + in_words(left) : "at once";
}

std::string due_text(const Link& link) {
    if (link.next_start) {
        return *link.next_start > Duration::zero() ? "next start in " + in_words(*link.next_start)
                                                   : "next start at any moment";
    }
    if (!link.deadline) return {};
    switch (link.state) {
        case State::Starting:
            return "fails if it is not ready " + within(*link.deadline);
        case State::Stopping:
            return "is killed if it does not end " + within(*link.deadline);
        case State::Reloading:
            return "goes on as it was if the reload does not end " + within(*link.deadline);
        case State::Stopped:
        case State::Waiting:
        case State::Running:
        case State::Backoff:
        case State::Failed:
        case State::Done:
            return "changes if nothing happens " + within(*link.deadline);
    }
    return {};
}

/// How its last run ended, where that is of interest and not said by the cause.
std::string last_exit_detail(const Link& link, const Look& look) {
    const bool matters = link.state == State::Failed || link.state == State::Backoff ||
                         link.state == State::Starting || link.state == State::Stopped;
    if (!matters || !link.last_exit || never_ran(link.cause)) return {};
    if (link.cause.find(link.last_exit->status.text()) != std::string::npos) return {};
    return "last exit: " + last_exit_text(*link.last_exit, look);
}

/// Draws a service below the one that it holds up, and below it those that hold it up.
class Tree {
  public:
    Tree(const std::map<std::string, RunLog>& logs, const Look& look) : logs_(logs), look_(look) {}

    std::string drawn(const Link& root) {
        draw(root, "", "", 0);
        return std::move(out_);
    }

  private:
    void draw(const Link& link, const std::string& node, const std::string& below,
              std::size_t depth) {
        add_head(link, node);
        const std::vector<Link>* because = &link.because;
        add_details(link, below + (because->empty() ? "  " : bar() + " "));
        if (depth >= deepest && !because->empty()) return row(below, "and so on", Colour::Dim);
        if (depth >= depth_for(look_)) because = shortened(because, below + bar() + " ");
        for (std::size_t i = 0; i < std::min(because->size(), most_beside); ++i) {
            const Branch next = branch(i + 1 == because->size(), look_);
            draw((*because)[i], below + std::string(next.node), below + std::string(next.below),
                 depth + 1);
        }
        if (because->size() > most_beside) {
            const std::size_t others = because->size() - most_beside;
            row(below + std::string(branch(true, look_).node),
                "and " + std::to_string(others) + " more", Colour::Plain);
        }
    }

    /// Passes over all but the last of those that hold up one another, one by one.
    const std::vector<Link>* shortened(const std::vector<Link>* because, const std::string& below) {
        std::size_t skipped = 0;
        for (; because->size() == 1 && !(*because)[0].because.empty(); ++skipped) {
            because = &(*because)[0].because;
        }
        if (skipped > 0) row(below, std::to_string(skipped) + " more in between", Colour::Dim);
        return because;
    }

    void add_head(const Link& link, const std::string& node) {
        std::string name = node;
        if (!link.relation.empty()) name += harmless(link.relation) + " ";
        name += harmless(link.service) + ": ";
        out_ += name + painted(state_text(link, look_), colour_of(link.state), look_) + "\n";
    }

    void add_details(const Link& link, const std::string& indent) {
        // Whom it waits for, the tree says better.
        if (link.because.empty() || link.state != State::Waiting) detail(indent, cause_text(link));
        detail(indent, due_text(link));
        detail(indent, last_exit_detail(link, look_));
        if (!link.because.empty()) return;
        const auto log = logs_.find(link.service);
        if (log == logs_.end()) return;
        if (!log->second.lines || log->second.lines->empty()) {
            return detail(indent, harmless(log->second.remark));
        }
        row(indent, "its last lines:", Colour::Dim);
        for (const std::string& line : *log->second.lines) {
            rows(indent + "  ", colourless_line(line), 3);
        }
    }

    void detail(const std::string& indent, const std::string& text) {
        if (!text.empty()) rows(indent, text, 6);
    }

    void rows(const std::string& indent, std::string_view text, std::size_t most) {
        constexpr std::size_t least = 24;
        const std::size_t used = columns(indent);
        const std::size_t room = look_.width == 0 ? 0 : std::max(look_.width, used + least) - used;
        for (const std::string& part : wrapped(text, room, most, look_.unicode)) {
            row(indent, part, Colour::Plain);
        }
    }

    void row(const std::string& indent, std::string_view text, Colour colour) {
        out_ += indent + painted(text, colour, look_) + "\n";
    }

    std::string bar() const {
        const std::string_view below = branch(false, look_).below;
        return std::string(below.substr(0, below.find(' ')));
    }

    const std::map<std::string, RunLog>& logs_;
    const Look& look_;
    std::string out_;
};

/// `waiting`: also those that only wait, for somebody whom the tree has elsewhere.
void collect_ends(const Link& link, bool waiting, std::vector<const Link*>& ends) {
    if (ends.size() >= most_beside) return;
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

/// One or two things to type for those at the ends, who are to be helped first.
std::vector<Advice> advice_on(const Explanation& explanation) {
    constexpr std::size_t most_names = 4;
    constexpr std::array order = {State::Failed,  State::Backoff,   State::Stopped,
                                  State::Done,    State::Starting,  State::Stopping,
                                  State::Waiting, State::Reloading, State::Running};
    const std::vector<const Link*> ends = ends_of(explanation);
    for (const State state : order) {
        std::string names;
        std::size_t count = 0;
        bool none_ran = true;
        for (const Link* end : ends) {
            if (end->state != state || ++count > most_names) continue;
            names += (names.empty() ? "" : " ") + harmless(end->service);
            none_ran = none_ran && never_ran(end->cause);
        }
        if (count == 0) continue;
        std::vector<Advice> advice = advice_for(state, none_ran, names);
        if (advice.size() > 2) advice.resize(2);
        return advice;
    }
    return {};
}

/// Who has no need of help, once those at the ends have got it.
std::string what_follows(const Explanation& explanation, const Look& look) {
    const Link& link = explanation.link;
    if (link.state != State::Waiting || link.because.empty()) return {};
    const std::vector<const Link*> ends = ends_of(explanation);
    const std::string text =
        harmless(link.service) + " starts by itself once " +
        (ends.size() == 1 ? harmless(ends[0]->service) + " is ready." : "they are ready.");
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

std::optional<RunTimes> telling_run(const Link& link) {
    const auto& exit = link.last_exit;
    switch (link.state) {
        case State::Failed:
        case State::Backoff: {
            if (never_ran(link.cause) || !exit || !exit->at) return std::nullopt;
            RunTimes run{{}, exit->at};
            if (exit->ran) run.from = *exit->at - *exit->ran;
            return run;
        }
        case State::Starting:
            return RunTimes{link.since, {}};
        case State::Stopping:
        case State::Reloading:
            return RunTimes{exit ? exit->at : std::nullopt, {}};
        case State::Stopped:
        case State::Waiting:
        case State::Running:
        case State::Done:
            return std::nullopt;
    }
    return std::nullopt;
}

std::string render_explanation(const Explanation& explanation,
                               const std::map<std::string, RunLog>& logs, const Look& look) {
    const Link& link = explanation.link;
    std::string out;
    for (const std::string& row : wrapped(sentence(explanation), look.width, 6, look.unicode)) {
        out += painted(row, Colour::Bold, look) + "\n";
    }
    out += "\n" + Tree(logs, look).drawn(link);
    if (const std::string others = held_up(explanation, look); !others.empty()) {
        out += "\n" + others;
    }
    std::vector<Advice> advice = advice_on(explanation);
    if (link.state == State::Stopped && link.because.empty() && !explanation.enabled) {
        advice.push_back({"at boot, too", "enable " + harmless(link.service)});
    }
    out += "\n" + what_follows(explanation, look);
    return out + render_advice(advice, look);
}

}  // namespace reeve::ctl
