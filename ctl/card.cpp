#include "ctl/card.h"

#include <algorithm>
#include <map>
#include <set>

#include "ctl/explanation.h"
#include "ctl/protocol/timestamp.h"
#include "ctl/sheet.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::Explanation;
using protocol::Process;
using protocol::ServiceStatus;
using protocol::State;

std::string state_text(const ServiceStatus& service, const Look& look) {
    std::string text(to_string(service.state));
    if (service.since) {
        text += " since " + local_time(*service.since) + ", " + time_since(*service.since, look) +
                " ago";
    }
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

    void draw(const Process& process, const std::string& node, const std::string& below) {
        if (drawn_.size() >= most || !drawn_.insert(process.pid).second) return;
        std::string line = node + std::to_string(process.pid) + " " + harmless(process.command);
        if (process.state == "Z") line += " (zombie)";
        if (process.state == "T") line += " (stopped by a signal)";
        lines_.push_back(std::move(line));
        const auto found = children_.find(process.pid);
        if (found == children_.end()) return;
        for (const Process* child : found->second) {
            const Branch drawn = branch(child == found->second.back(), look_);
            draw(*child, below + std::string(drawn.node), below + std::string(drawn.below));
        }
    }

    const Look& look_;
    std::vector<const Process*> roots_;
    std::map<pid_t, std::vector<const Process*>> children_;
    std::set<pid_t> drawn_;
    std::vector<std::string> lines_;
};

std::string tracking_text(const protocol::Tracking& tracking) {
    std::string text =
        tracking.by == "subreaper" ? "by a subreaper of its own" : "by descent and marks only";
    if (tracking.by == "cgroup") {
        text = "by its cgroup ";
        text += harmless(tracking.cgroup.value_or(""));
    }
    if (tracking.why) {
        text += ": ";
        text += harmless(*tracking.why);
    }
    return text;
}

void add_condition(Sheet& card, const ServiceStatus& service, const Look& look) {
    card.text("state", state_text(service, look), colour_of(service.state));
    if (!service.cause.empty()) card.text("cause", harmless(service.cause));
    card.line("ready", service.ready ? "yes" : "no");
    if (service.unhealthy) {
        card.text("health", "unhealthy: " + harmless(*service.unhealthy), Colour::Yellow);
    }
    if (service.status_text) card.line("status", harmless(*service.status_text));
    if (service.pid) card.line("main PID", std::to_string(*service.pid));
    if (service.uptime) card.line("uptime", in_words(*service.uptime));
    card.line("restarts", std::to_string(service.restarts));
    if (service.last_exit) card.line("last exit", last_exit_text(*service.last_exit, look));
    card.line("at boot", service.enabled ? "started" : "not started (disabled)");
    if (!service.groups.empty()) card.line("groups", listed(service.groups, 20));
    if (service.cpu) card.line("CPU", in_words(*service.cpu));
    if (service.memory) card.line("memory", size_in_words(*service.memory));
    if (service.tasks) card.line("tasks", std::to_string(*service.tasks));
    if (service.tracking) card.text("tracked", tracking_text(*service.tracking));
    if (service.log) {
        card.text("log trouble", log_trouble_text(*service.log, look), Colour::Yellow);
    }
}

void add_processes(Sheet& card, const ServiceStatus& service, const Look& look) {
    if (!service.processes || service.processes->empty()) return;
    std::string_view label = "processes";
    ProcessTree tree(*service.processes, look);
    for (const std::string& line : tree.lines(service.processes->size())) {
        card.line(label, line);
        label = "";
    }
}

void add_log(Sheet& card, const LastLines& log) {
    std::string_view label = "log";
    for (const LogLine& line : log.lines) {
        const auto time = protocol::parse_rfc3339(line.time);
        const std::string clock = time ? local_clock_in_seconds(*time) + "  " : "";
        card.text(label, clock + colourless_line(line.text), Colour::Plain, 2);
        label = "";
    }
    if (!log.remark.empty()) card.text(label, harmless(log.remark));
}

/// What is wrong, in words, and what to type.
std::string hint(const ServiceStatus& service, const std::optional<Explanation>& explanation,
                 const Look& look) {
    if (!calls_for_action(service.state)) return {};
    const std::string name = harmless(service.name);
    std::string sentence = name + " " + std::string(meaning(service.state)) + ".";
    std::vector<Advice> advice{{"why, in full", "why " + name}};
    std::vector<Advice> more;
    // By the time it was explained it may have come into another state.
    if (explanation && explanation->link.state == service.state) {
        sentence = summary_of(*explanation);
        more = advice_on(*explanation);
    } else if (service.state != State::Waiting) {
        more = advice_for(service.state, never_ran(service.cause), name);
    }
    advice.insert(advice.end(), more.begin(), more.end());
    std::string out = "\n";
    for (const std::string& row : wrapped(sentence, look.width, 5, look.unicode)) out += row + "\n";
    return out + render_advice(advice, look);
}

}  // namespace

bool calls_for_action(State state) {
    switch (state) {
        case State::Failed:
        case State::Backoff:
        case State::Waiting:
        case State::Starting:
        case State::Stopping:
        case State::Stopped:
            return true;
        case State::Running:
        case State::Reloading:
        case State::Done:
            return false;
    }
    return false;
}

std::string render_card(const ServiceStatus& service, const std::optional<Explanation>& explanation,
                        const LastLines& log, const Look& look) {
    Sheet card(look);
    std::string title = look.unicode ? "● " : "* ";
    title += harmless(service.name);
    if (!service.description.empty()) {
        title += (look.unicode ? " — " : " - ") + harmless(service.description);
    }
    card.title(title, colour_of(service.state));
    add_condition(card, service, look);
    add_processes(card, service, look);
    add_log(card, log);
    return card.take() + hint(service, explanation, look);
}

}  // namespace reeve::ctl
