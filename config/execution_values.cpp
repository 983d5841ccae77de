#include "config/execution_values.h"

#include <sched.h>
#include <sys/capability.h>

#include <algorithm>

#include "base/nearest.h"
#include "config/values.h"

namespace reeve::config {

namespace {

/// Puts one of "3", "0-3" and "0-31:2" into the list; whether it is one.
bool add_cpus(std::string_view text, std::vector<int>& cpus) {
    const std::size_t dash = text.find('-');
    const std::size_t colon = text.find(':');
    const bool a_range = dash != std::string_view::npos;
    const bool in_steps = colon != std::string_view::npos;
    if (in_steps && (!a_range || colon < dash)) return false;
    const auto first = parse_integer(text.substr(0, dash), 0, CPU_SETSIZE - 1);
    const auto last =
        a_range ? parse_integer(text.substr(dash + 1, colon - dash - 1), 0, CPU_SETSIZE - 1)
                : first;
    const auto step =
        in_steps ? parse_integer(text.substr(colon + 1), 1, CPU_SETSIZE) : Parsed<std::int64_t>(1);
    if (!first || !last || !step || *first > *last) return false;
    for (std::int64_t cpu = *first; cpu <= *last; cpu += *step) {
        cpus.push_back(static_cast<int>(cpu));
    }
    return true;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

/// The names of all capabilities that this was built to know, by number: "cap_chown", ….
const std::vector<std::string>& capabilities() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (int number = 0; number <= CAP_LAST_CAP; ++number) {
            char* const name = ::cap_to_name(number);
            all.emplace_back(name != nullptr ? name : "");
            ::cap_free(name);
        }
        return all;
    }();
    return names;
}

/// The capability that goes on where `name` ends, else the one that is nearest.
std::optional<int> meant_by(const std::string& name) {
    const auto& known = capabilities();
    const std::size_t prefix = std::string_view("cap_").size();
    auto found = std::find_if(known.begin(), known.end(), [&](const std::string& candidate) {
        return name.size() > prefix && candidate.starts_with(name);
    });
    if (found == known.end()) {
        std::vector<std::string> tails;
        for (const std::string& candidate : known) tails.push_back(candidate.substr(prefix));
        const auto tail = nearest(name.substr(prefix), tails);
        if (!tail) return std::nullopt;
        found = known.begin() + (std::find(tails.begin(), tails.end(), *tail) - tails.begin());
    }
    return static_cast<int>(found - known.begin());
}

}  // namespace

Parsed<std::vector<int>> parse_cpus(std::string_view text) {
    std::vector<int> cpus;
    for (std::string_view rest = text;;) {
        const std::size_t comma = rest.find(',');
        if (!add_cpus(rest.substr(0, comma), cpus)) {
            return Misread{quote(text) + " is not a list of CPUs",
                           "write such as 0, 0-3 or 0-31:2, counted from 0"};
        }
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
    }
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    return cpus;
}

Parsed<int> parse_capability(std::string_view text) {
    std::string name = lower(text);
    if (!name.starts_with("cap_")) name.insert(0, "cap_");
    const auto& known = capabilities();
    const auto found = std::find(known.begin(), known.end(), name);
    if (found != known.end()) return static_cast<int>(found - known.begin());
    std::string what_to_do = "capabilities(7) has their names";
    if (const auto meant = meant_by(name)) {
        what_to_do = "did you mean ";
        what_to_do.append(capability_name(*meant)).append("?");
    }
    return Misread{quote(text) + " is not a capability", std::move(what_to_do)};
}

std::string capability_name(int number) {
    std::string name = capabilities()[static_cast<std::size_t>(number)];
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

std::optional<Misread> check_folder(std::string_view text) {
    if (text.empty()) return Misread{"is empty", "write the name of a folder"};
    if (text.starts_with('/')) {
        return Misread{quote(text) + " is an absolute path",
                       "write a name such as web: it is made below /run, /var/lib or /var/log"};
    }
    for (std::string_view rest = text;;) {
        const std::size_t slash = rest.find('/');
        const std::string_view part = rest.substr(0, slash);
        if (part.empty() || part == "." || part == "..") {
            return Misread{quote(text) + " is not the name of a folder",
                           "write a name such as web or web/cache, without . and .."};
        }
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    return std::nullopt;
}

}  // namespace reeve::config
