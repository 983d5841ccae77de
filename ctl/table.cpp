#include "ctl/table.h"

#include <algorithm>
#include <array>
#include <vector>

#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::ServiceStatus;
using protocol::State;
using protocol::StatusDocument;

/// A column: its title, how a service fills it, and how soon a narrow terminal does without it.
struct Column {
    std::string_view title;
    bool right;
    int dispensable;  ///< the highest goes first; 0 never goes
    std::string (*cell)(const ServiceStatus&, const Look&);
};

std::string name_cell(const ServiceStatus& service, const Look&) { return harmless(service.name); }

std::string state_cell(const ServiceStatus& service, const Look&) {
    return std::string(to_string(service.state));
}

/// The greater unit alone: "3 min", not "3 min 20 s".
std::string roughly(Duration duration) {
    const std::string words = in_words(duration);
    const std::size_t unit = words.find(' ');
    const std::size_t end = unit == std::string::npos ? unit : words.find(' ', unit + 1);
    return words.substr(0, end);
}

std::string since_cell(const ServiceStatus& service, const Look& look) {
    if (service.since) return roughly(std::max(Duration{}, look.now - *service.since)) + " ago";
    return service.uptime ? roughly(*service.uptime) + " ago" : "-";
}

std::string pid_cell(const ServiceStatus& service, const Look&) {
    return service.pid ? std::to_string(*service.pid) : "-";
}

std::string restarts_cell(const ServiceStatus& service, const Look&) {
    return std::to_string(service.restarts);
}

std::string cpu_cell(const ServiceStatus& service, const Look&) {
    return service.cpu ? in_words(*service.cpu) : "-";
}

std::string memory_cell(const ServiceStatus& service, const Look&) {
    return service.memory ? size_in_words(*service.memory) : "-";
}

constexpr std::array columns_of_table = {
    Column{"NAME", false, 0, name_cell},        Column{"STATE", false, 0, state_cell},
    Column{"SINCE", false, 2, since_cell},      Column{"PID", true, 3, pid_cell},
    Column{"RESTARTS", true, 4, restarts_cell}, Column{"CPU", true, 6, cpu_cell},
    Column{"MEM", true, 5, memory_cell},
};

std::string cause_of(const ServiceStatus& service) {
    if (service.state != State::Running) return harmless(service.cause);
    return service.unhealthy ? "unhealthy: " + harmless(*service.unhealthy) : std::string();
}

bool is_broken(State state) { return state == State::Failed || state == State::Backoff; }

/// Why somebody is not up who shall be is told whole: often the end of it says most. Who is down as
/// wanted keeps to a line.
bool may_take_rows(State state) { return state != State::Stopped && state != State::Done; }

/// A column with all its cells made and as wide as they take.
struct Filled {
    const Column* column;
    std::size_t width;
    std::vector<std::string> cells;
};

std::vector<Filled> fill(const StatusDocument& document, const Look& look) {
    std::vector<Filled> filled;
    for (const Column& column : columns_of_table) {
        Filled one{&column, column.title.size(), {}};
        one.cells.reserve(document.services.size());
        for (const ServiceStatus& service : document.services) {
            one.cells.push_back(column.cell(service, look));
            one.width = std::max(one.width, columns(one.cells.back()));
        }
        filled.push_back(std::move(one));
    }
    return filled;
}

std::size_t width_of(const std::vector<Filled>& filled) {
    std::size_t width = 0;
    for (const Filled& one : filled) width += one.width + 2;
    return width;
}

/// Cuts long names where even name and state do not fit side by side, nor what stands above them.
void shorten_names(Filled& names, const std::vector<Filled>& filled, const Look& look) {
    const std::size_t width = width_of(filled) + std::string_view("CAUSE").size();
    if (width <= look.width) return;
    constexpr std::size_t least = 8;
    const std::size_t excess = width - look.width;
    const std::size_t room = std::max(names.width, least + excess) - excess;
    for (std::string& cell : names.cells) cell = clipped(cell, room, look.unicode);
    names.width = std::min(names.width, room);
}

/// Takes columns out until the rest leaves `room` for the cause.
void make_room(std::vector<Filled>& filled, const Look& look, std::size_t room) {
    while (look.width != 0 && width_of(filled) + room > look.width) {
        const auto least =
            std::max_element(filled.begin(), filled.end(), [](const Filled& a, const Filled& b) {
                return a.column->dispensable < b.column->dispensable;
            });
        if (least->column->dispensable == 0) return shorten_names(filled.front(), filled, look);
        filled.erase(least);
    }
}

std::string without_trailing_blanks(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

std::string header(const std::vector<Filled>& filled, bool causes) {
    std::string line;
    for (const Filled& one : filled) {
        const std::string_view title = one.column->title;
        line += one.column->right ? right_aligned(title, one.width) : padded(title, one.width);
        line += "  ";
    }
    if (causes) line += "CAUSE";
    return without_trailing_blanks(std::move(line));
}

std::string row(const std::vector<Filled>& filled, std::size_t index, const ServiceStatus& service,
                const Look& look) {
    std::string line;
    for (const Filled& one : filled) {
        const std::string& cell = one.cells[index];
        const std::string text =
            one.column->right ? right_aligned(cell, one.width) : padded(cell, one.width);
        const bool is_state = one.column->title == "STATE";
        line += is_state ? painted(text, colour_of(service.state), look) : text;
        line += "  ";
    }
    const std::string cause = cause_of(service);
    if (cause.empty()) return without_trailing_blanks(std::move(line)) + "\n";
    const std::size_t used = width_of(filled);
    // On a terminal too narrow for any of it the cause has lines of its own.
    constexpr std::size_t least = 16;
    const bool beside = look.width == 0 || used + least <= look.width;
    const std::size_t indent = beside ? used : 2;
    const std::size_t room = look.width == 0 ? 0 : std::max(look.width, indent + 1) - indent;
    const std::size_t most = may_take_rows(service.state) ? 4 : 1;
    if (!beside) line = without_trailing_blanks(std::move(line)) + "\n  ";
    std::string out;
    for (const std::string& part : wrapped(cause, room, most, look.unicode)) {
        out += line + part + "\n";
        line = std::string(indent, ' ');
    }
    return out;
}

std::vector<const ServiceStatus*> in_state(const StatusDocument& document, State state) {
    std::vector<const ServiceStatus*> found;
    for (const ServiceStatus& service : document.services) {
        if (service.state == state) found.push_back(&service);
    }
    return found;
}

/// In the order in which a reader wants to know.
constexpr std::array states = {State::Running, State::Done,      State::Starting,
                               State::Waiting, State::Reloading, State::Stopping,
                               State::Stopped, State::Backoff,   State::Failed};

/// "4 services: 2 running, 1 failed", gone on with below where it does not fit.
std::string summary(const StatusDocument& document, const Look& look) {
    const std::size_t count = document.services.size();
    std::string out = std::to_string(count) + (count == 1 ? " service" : " services");
    std::size_t used = columns(out);
    std::string_view joint = ": ";
    const auto add = [&](const std::string& part, Colour colour) {
        if (look.width != 0 && used + joint.size() + columns(part) + 1 > look.width) {
            out += joint.substr(0, 1);
            out += "\n  ";
            used = 2;
        } else {
            out += joint;
            used += joint.size();
        }
        out += painted(part, colour, look);
        used += columns(part);
        joint = ", ";
    };
    for (const State state : states) {
        const std::size_t n = in_state(document, state).size();
        if (n == 0) continue;
        add(std::to_string(n) + " " + std::string(to_string(state)),
            is_broken(state) ? colour_of(state) : Colour::Plain);
    }
    joint = "; ";
    if (document.supervisor.stopping) add("the supervisor is stopping", Colour::Yellow);
    return out + "\n";
}

/// Services in trouble of one kind, and in which words.
struct Trouble {
    State state;
    std::string_view words;
};

constexpr std::array troubles = {Trouble{State::Failed, "failed"},
                                 Trouble{State::Backoff, "in backoff"},
                                 Trouble{State::Waiting, "waiting"}};

/// "2 failed:  reevectl why mailer  (or worker)": what is wrong and what to type next, a line for
/// each kind of trouble.
std::string hints(const StatusDocument& document, const Look& look) {
    struct Hint {
        Trouble trouble;
        std::vector<const ServiceStatus*> services;
        std::string title;
    };
    std::vector<Hint> found;
    std::size_t width = 0;
    for (const Trouble& trouble : troubles) {
        auto services = in_state(document, trouble.state);
        if (services.empty()) continue;
        std::string title =
            std::to_string(services.size()) + " " + std::string(trouble.words) + ":";
        width = std::max(width, title.size());
        found.push_back({trouble, std::move(services), std::move(title)});
    }
    std::string out;
    for (const Hint& hint : found) {
        const std::string typed = "  " + look.program + " why " + harmless(hint.services[0]->name);
        std::vector<std::string> others;
        for (const ServiceStatus* other : hint.services) others.push_back(other->name);
        others.erase(others.begin());
        const std::string also = others.empty() ? "" : "  (also " + listed(others, 2) + ")";
        out += painted(padded(hint.title, width), colour_of(hint.trouble.state), look) + typed;
        // The command is never cut, so what does not fit behind it is left out.
        const std::size_t used = width + columns(typed);
        if (look.width == 0 || used + columns(also) <= look.width) out += also;
        out += "\n";
    }
    return out;
}

/// Of no service at all: where they would come from.
std::string nothing(const StatusDocument& document, const Look& look) {
    std::string out = "0 services";
    if (!document.supervisor.config.empty()) {
        out += ": there are none in " + listed(document.supervisor.config, 3);
    }
    return out + "\nonce there are some:  " + look.program + " apply\n";
}

}  // namespace

std::string render_table(const StatusDocument& document, const Look& look) {
    if (document.services.empty()) return nothing(document, look);
    const auto has_cause = [](const ServiceStatus& s) { return !cause_of(s).empty(); };
    const bool causes = std::any_of(document.services.begin(), document.services.end(), has_cause);
    std::vector<Filled> filled = fill(document, look);
    make_room(filled, look, causes ? 28 : 0);
    std::string out = painted(header(filled, causes), Colour::Bold, look) + "\n";
    for (std::size_t i = 0; i < document.services.size(); ++i) {
        out += row(filled, i, document.services[i], look);
    }
    return out + "\n" + summary(document, look) + hints(document, look);
}

}  // namespace reeve::ctl
