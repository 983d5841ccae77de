#include "ctl/card.h"

#include <algorithm>
#include <map>
#include <set>

#include "ctl/protocol/timestamp.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::Process;
using protocol::ServiceStatus;
using protocol::State;

constexpr std::size_t label_width = 10;

/// The lines of a card: a label at the left, what it labels beside it, all cut to the width.
class Card {
  public:
    explicit Card(const Look& look) : look_(look) {}

    void line(std::string_view label, std::string_view text, Colour colour = Colour::Plain) {
        out_ += painted(right_aligned(label, label_width), Colour::Dim, look_);
        out_ += "  " + painted(clip(text, label_width + 2), colour, look_) + "\n";
    }
    void title(const std::string& text, Colour colour) {
        out_ += painted(clip(text, 0), colour, look_) + "\n";
    }
    /// Not cut: a command that is to be typed.
    void whole(const std::string& text) { out_ += text + "\n"; }

    std::string take() { return std::move(out_); }

  private:
    std::string clip(std::string_view text, std::size_t used) const {
        if (look_.width == 0) return std::string(text);
        return clipped(text, std::max<std::size_t>(look_.width, used + 1) - used, look_.unicode);
    }

    const Look& look_;
    std::string out_;
};

std::string ago(WallTime time, const Look& look) {
    return in_words(std::max(Duration{}, look.now - time)) + " ago";
}

std::string state_text(const ServiceStatus& service, const Look& look) {
    std::string text(to_string(service.state));
    if (service.since) {
        text += " since " + local_time(*service.since) + ", " + ago(*service.since, look);
    }
    return text;
}

std::string last_exit_text(const protocol::LastExit& exit, const Look& look) {
    std::string text = exit.status.text();
    if (exit.ran) text += " after " + in_words(*exit.ran);
    if (exit.at) text += ", " + ago(*exit.at, look);
    return text;
}

/// Draws processes below their parents. Whatever the parents are said to be, each process is drawn
/// at most once, and of many only the first ones.
class ProcessTree {
  public:
    ProcessTree(const std::vector<Process>& processes, const Look& look) : look_(look) {
        std::set<pid_t> known;
        for (const Process& process : processes) known.insert(process.pid);
        for (const Process& process : processes) {
            const bool root = process.ppid == process.pid || !known.contains(process.ppid);
            (root ? roots_ : children_[process.ppid]).push_back(&process);
        }
    }

    std::vector<std::string> lines(std::size_t total) {
        for (const Process* root : roots_) draw(*root, "", "");
        if (drawn_.size() < total) {
            lines_.push_back("and " + std::to_string(total - drawn_.size()) + " more");
        }
        return std::move(lines_);
    }

  private:
    static constexpr std::size_t most = 40;

    void draw(const Process& process, const std::string& branch, const std::string& indent) {
        if (drawn_.size() >= most || !drawn_.insert(process.pid).second) return;
        std::string line = branch + std::to_string(process.pid) + " " + harmless(process.command);
        if (process.state == "Z") line += " (zombie)";
        if (process.state == "T") line += " (stopped by a signal)";
        lines_.push_back(std::move(line));
        const auto found = children_.find(process.pid);
        if (found == children_.end()) return;
        for (const Process* child : found->second) {
            const bool last = child == found->second.back();
            if (look_.unicode) {
                draw(*child, indent + (last ? "└─ " : "├─ "), indent + (last ? "   " : "│  "));
            } else {
                draw(*child, indent + (last ? "`- " : "|- "), indent + (last ? "   " : "|  "));
            }
        }
    }

    const Look& look_;
    std::vector<const Process*> roots_;
    std::map<pid_t, std::vector<const Process*>> children_;
    std::set<pid_t> drawn_;
    std::vector<std::string> lines_;
};

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + harmless(word);
    return text;
}

void add_condition(Card& card, const ServiceStatus& service, const Look& look) {
    card.line("state", state_text(service, look), colour_of(service.state));
    if (!service.cause.empty()) card.line("cause", harmless(service.cause));
    card.line("ready", service.ready ? "yes" : "no");
    if (service.status_text) card.line("status", harmless(*service.status_text));
    if (service.pid) card.line("main PID", std::to_string(*service.pid));
    if (service.uptime) card.line("uptime", in_words(*service.uptime));
    card.line("restarts", std::to_string(service.restarts));
    if (service.last_exit) card.line("last exit", last_exit_text(*service.last_exit, look));
    card.line("at boot", service.enabled ? "started" : "not started (disabled)");
    if (!service.groups.empty()) card.line("groups", joined(service.groups));
    if (service.cpu) card.line("CPU", in_words(*service.cpu));
    if (service.memory) card.line("memory", size_in_words(*service.memory));
    if (service.tasks) card.line("tasks", std::to_string(*service.tasks));
}

void add_processes(Card& card, const ServiceStatus& service, const Look& look) {
    if (!service.processes || service.processes->empty()) return;
    std::string_view label = "processes";
    ProcessTree tree(*service.processes, look);
    for (const std::string& line : tree.lines(service.processes->size())) {
        card.line(label, line);
        label = "";
    }
}

/// The time of day, in the caller's time zone.
std::string clock_text(std::string_view time) {
    const auto moment = protocol::parse_rfc3339(time);
    return moment ? local_time(*moment).substr(11, 8) : std::string();
}

void add_lines(Card& card, const std::vector<LogLine>& lines) {
    std::string_view label = "log";
    for (const LogLine& line : lines) {
        const std::string clock = clock_text(line.time);
        const std::string text = harmless(line.text);
        card.line(label, clock.empty() ? text : clock + "  " + text);
        label = "";
    }
}

void add_hint(Card& card, const ServiceStatus& service, const Look& look) {
    const bool trouble = service.state == State::Failed || service.state == State::Backoff;
    if (!trouble) return;
    const std::string name = harmless(service.name);
    card.whole("");
    card.whole("what it wrote:  " + look.program + " logs " + name);
    card.whole("once mended:    " + look.program + " restart " + name);
}

}  // namespace

std::string render_card(const ServiceStatus& service, const std::vector<LogLine>& lines,
                        const Look& look) {
    Card card(look);
    std::string title = look.unicode ? "● " : "* ";
    title += harmless(service.name);
    if (!service.description.empty()) {
        title += (look.unicode ? " — " : " - ") + harmless(service.description);
    }
    card.title(title, colour_of(service.state));
    add_condition(card, service, look);
    add_processes(card, service, look);
    add_lines(card, lines);
    add_hint(card, service, look);
    return card.take();
}

}  // namespace reeve::ctl
