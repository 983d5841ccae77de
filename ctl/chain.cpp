#include "ctl/chain.h"

#include <algorithm>

#include "ctl/advice.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::Link;
using protocol::State;

/// From this depth on a chain without branches is shortened: what matters is where it ends.
std::size_t depth_for(const Look& look) {
    constexpr std::size_t most = 8;
    if (look.width == 0) return most;
    // A step takes three columns, and something must be left for the end.
    return std::clamp<std::size_t>(look.width / 3, 12, 10 + most) - 10;
}

/// Deeper than that nothing is drawn.
constexpr std::size_t deepest = 40;

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

/// The cause without when the next start is due, which is said anew. Who has never been started has
/// none.
std::string cause_text(const Link& link) {
    std::string_view cause = link.cause;
    const std::size_t due = cause.rfind("; next start in ");
    if (link.next_start && due != cause.npos) cause = cause.substr(0, due);
    const bool is_new = link.state == State::Stopped && cause.empty() && !link.last_exit;
    return is_new ? "not started since reeved came up" : harmless(cause);
}

std::string within(Duration left) {
    return left > Duration::zero() ? "within " + in_words(left) : "at once";
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
        const std::vector<Link>* because = &link.because;
        const std::string indent = below + (because->empty() ? "  " : bar() + " ");
        add_head(link, node, indent);
        add_details(link, indent);
        if (depth >= deepest && !because->empty()) return row(below, "and so on", Colour::Dim);
        if (depth >= depth_for(look_)) because = shortened(because, below + bar() + " ");
        for (std::size_t i = 0; i < std::min(because->size(), most_drawn_beside); ++i) {
            const Branch next = branch(i + 1 == because->size(), look_);
            draw((*because)[i], below + std::string(next.node), below + std::string(next.below),
                 depth + 1);
        }
        if (because->size() > most_drawn_beside) {
            const std::size_t others = because->size() - most_drawn_beside;
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

    void add_head(const Link& link, const std::string& node, const std::string& indent) {
        std::string name = link.relation.empty() ? "" : harmless(link.relation) + " ";
        name += harmless(link.service) + ":";
        const std::string state = state_text(link, look_);
        const std::size_t used = columns(node) + columns(name) + 1 + columns(state);
        if (look_.width == 0 || used <= look_.width) {
            out_ += node + name + " " + painted(state, colour_of(link.state), look_) + "\n";
            return;
        }
        const std::string* before = &node;
        for (const std::string& part : wrapped(name, room(indent), 6, look_.unicode)) {
            row(*before, part, Colour::Plain);
            before = &indent;
        }
        row(indent, state, colour_of(link.state));
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
        for (const std::string& part : wrapped(text, room(indent), most, look_.unicode)) {
            row(indent, part, Colour::Plain);
        }
    }

    void row(const std::string& indent, std::string_view text, Colour colour) {
        out_ += indent + painted(text, colour, look_) + "\n";
    }

    /// How many columns there are behind an indentation; 0: as many as it takes.
    std::size_t room(const std::string& indent) const {
        constexpr std::size_t least = 24;
        const std::size_t used = columns(indent);
        return look_.width == 0 ? 0 : std::max(look_.width, used + least) - used;
    }
    std::string bar() const {
        const std::string_view below = branch(false, look_).below;
        return std::string(below.substr(0, below.find(' ')));
    }

    const std::map<std::string, RunLog>& logs_;
    const Look& look_;
    std::string out_;
};

}  // namespace

std::string due_text(const Link& link) {
    if (link.next_start) {
        return *link.next_start > Duration::zero() ? "next start in " + in_words(*link.next_start)
                                                   : "next start at any moment";
    }
    if (!link.deadline) return {};
    switch (link.state) {
        case State::Starting:
            return "it fails if it is not ready " + within(*link.deadline);
        case State::Stopping:
            return "it is killed if it does not end " + within(*link.deadline);
        case State::Reloading:
            return "it goes on as it was if the reload does not end " + within(*link.deadline);
        case State::Stopped:
        case State::Waiting:
        case State::Running:
        case State::Backoff:
        case State::Failed:
        case State::Done:
            return "it changes if nothing happens " + within(*link.deadline);
    }
    return {};
}

std::string draw_chain(const Link& root, const std::map<std::string, RunLog>& logs,
                       const Look& look) {
    return Tree(logs, look).drawn(root);
}

}  // namespace reeve::ctl
