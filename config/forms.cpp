#include "config/forms.h"

#include <algorithm>

#include "config/fields.h"
#include "config/list_forms.h"
#include "config/own_log.h"
#include "config/values.h"
#include "config/words.h"

namespace reeve::config {

void sort_names(Reader& reader, Value value, std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) {
        reader.warning(value, quote(*twice) + " is listed twice", "remove one of them");
    }
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

std::optional<std::string> read_nonempty(Reader& reader, Value value, std::string_view wanted) {
    auto text = reader.text(value, wanted);
    if (!text || !text->empty()) return text;
    reader.error(value, "is empty", "write " + std::string(wanted));
    return std::nullopt;
}

std::optional<std::string> read_checked(Reader& reader, Value value, std::string_view wanted,
                                        std::optional<Misread> (*check)(std::string_view)) {
    auto text = reader.text(value, wanted);
    const auto misread = text ? check(*text) : std::nullopt;
    if (!misread) return text;
    reader.error(value, *misread);
    return std::nullopt;
}

namespace {

/// Sorted, none twice, each one that `check` has nothing to say of.
std::optional<std::vector<std::string>> read_checked_names(
    Reader& reader, Value value, std::optional<Misread> (*check)(std::string_view)) {
    auto names = read_list(reader, value, "a list of names",
                           [&](Reader& r, Value v) { return read_checked(r, v, "a name", check); });
    if (names) sort_names(reader, value, *names);
    return names;
}

std::optional<std::string> absolute(Reader& reader, Value value, std::string path) {
    if (path.starts_with('/')) return path;
    reader.error(value, quote(path) + " is not an absolute path", "begin it with /");
    return std::nullopt;
}

}  // namespace

std::optional<std::string> read_text(Reader& reader, Value value) {
    return reader.text(value, "a string");
}

std::optional<bool> read_bool(Reader& reader, Value value) {
    const auto text = reader.text(value, "true or false");
    if (!text) return std::nullopt;
    const bool a_string = value.quoted() && *text == value.text();
    if (!a_string && *text == "true") return true;
    if (!a_string && *text == "false") return false;
    std::string lower = *text;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool yes = lower == "yes" || lower == "on" || lower == "y" || lower == "true";
    const bool no = lower == "no" || lower == "off" || lower == "n" || lower == "false";
    reader.error(value, quote(*text) + (a_string ? " in quotes is" : " is") + " not a boolean",
                 yes  ? "write true"
                 : no ? "write false"
                      : "write true or false");
    return std::nullopt;
}

std::optional<Duration> read_duration(Reader& reader, Value value) {
    return reader.parse(value, "a duration such as 10s", parse_duration);
}

std::optional<Duration> read_positive_duration(Reader& reader, Value value) {
    const auto duration = read_duration(reader, value);
    if (!duration || *duration >= 1ms) return duration;
    reader.error(value, "is too short", "write 1ms or more");
    return std::nullopt;
}

std::optional<double> read_percent(Reader& reader, Value value) {
    return reader.parse(value, "a percentage such as 10%", parse_percent);
}

std::optional<double> read_factor(Reader& reader, Value value) {
    const auto factor = reader.parse(value, "a number such as 2", parse_number);
    if (!factor || (*factor >= 1 && *factor <= 1000)) return factor;
    reader.error(value, "is out of range", "write a number from 1 to 1000");
    return std::nullopt;
}

std::optional<mode_t> read_mode(Reader& reader, Value value) {
    return reader.parse(value, "an octal mode such as \"022\"", parse_mode);
}

std::optional<int> read_signal(Reader& reader, Value value) {
    return reader.parse(value, "a signal such as TERM", parse_signal);
}

std::optional<Argv> read_command(Reader& reader, Value value) {
    constexpr std::string_view kWanted = "a command, as a string or a list of strings";
    std::optional<Argv> argv;
    if (value.kind() == yaml::Kind::Sequence) {
        argv = read_list(reader, value, kWanted, read_text);
    } else {
        argv = reader.parse(value, kWanted, split_words);
    }
    if (!argv || (!argv->empty() && !argv->front().empty())) return argv;
    reader.error(value, "is an empty command", "name the program to run");
    return std::nullopt;
}

std::optional<std::string> read_path(Reader& reader, Value value) {
    auto path = read_nonempty(reader, value, "an absolute path");
    return path ? absolute(reader, value, std::move(*path)) : std::nullopt;
}

std::optional<std::vector<std::string>> read_names(Reader& reader, Value value) {
    return read_checked_names(reader, value, check_name);
}

std::optional<std::vector<std::string>> read_services(Reader& reader, Value value) {
    return read_checked_names(reader, value, check_service_name);
}

std::optional<ExitSet> read_exits(Reader& reader, Value value) {
    const auto sets = read_list(
        reader, value, "a list of exit codes and signals",
        [](Reader& r, Value v) { return r.parse(v, "an exit code or a signal", parse_exit); });
    if (!sets) return std::nullopt;
    ExitSet all;
    for (const ExitSet& set : *sets) {
        all.codes |= set.codes;
        all.signals |= set.signals;
    }
    return all;
}

std::optional<std::vector<EnvironmentFile>> read_environment_files(Reader& reader, Value value) {
    return read_list(reader, value, "a list of paths",
                     [](Reader& r, Value v) -> std::optional<EnvironmentFile> {
                         auto text = read_nonempty(r, v, "an absolute path");
                         if (!text) return std::nullopt;
                         EnvironmentFile file;
                         file.may_be_missing = text->starts_with('-');
                         auto path = absolute(r, v, text->substr(file.may_be_missing ? 1 : 0));
                         if (!path) return std::nullopt;
                         file.path = std::move(*path);
                         return file;
                     });
}

std::optional<InheritEnvironment> read_inherit(Reader& reader, Value value) {
    if (value.kind() == yaml::Kind::Scalar) {
        const auto all = read_bool(reader, value);
        return all ? std::optional(InheritEnvironment{*all, {}}) : std::nullopt;
    }
    auto names = read_list(reader, value, "true, false or a list of names", [](Reader& r, Value v) {
        return read_nonempty(r, v, "the name of a variable");
    });
    if (!names) return std::nullopt;
    sort_names(reader, value, *names);
    return InheritEnvironment{false, std::move(*names)};
}

std::optional<TcpCheck> read_address(Reader& reader, Value value) {
    return reader.parse(value, "HOST:PORT", parse_host_and_port);
}

std::optional<std::string> read_id(Reader& reader, Value value) {
    return read_nonempty(reader, value, "a name or an id");
}

std::optional<std::vector<std::string>> read_ids(Reader& reader, Value value) {
    return read_list(reader, value, "a list of groups", read_id);
}

std::optional<std::string> read_stdin(Reader& reader, Value value) {
    if (value.kind() == yaml::Kind::Null) return std::string();
    auto text = read_nonempty(reader, value, "null or an absolute path");
    if (!text) return std::nullopt;
    if (*text == "null") return std::string();
    return absolute(reader, value, std::move(*text));
}

std::optional<std::string> read_log_file(Reader& reader, Value value) {
    auto text = read_nonempty(reader, value, "syslog or an absolute path");
    if (!text || *text == kSyslog) return text;
    return absolute(reader, value, std::move(*text));
}

void read_variables(Reader& reader, Value value, std::map<std::string, std::string>& variables) {
    constexpr std::string_view kOurs[] = {"REEVE_SERVICE", "REEVE_INVOCATION_ID", "INVOCATION_ID",
                                          "NOTIFY_SOCKET", "WATCHDOG_USEC",       "WATCHDOG_PID",
                                          "MAINPID"};
    if (!reader.is(value, yaml::Kind::Map, "a map of names and values")) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string_view name = value.key(i).text();
        const Reader::Step step(reader, name);
        if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != name.npos) {
            reader.error(value.key(i), quote(name) + " is not the name of a variable",
                         "write a name without =");
        } else if (std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs)) {
            reader.error(value.key(i), "is set by the supervisor itself", "remove it");
        } else if (auto text = reader.text(value.value(i), "a string, such as \"\"")) {
            variables.insert_or_assign(std::string(name), std::move(*text));
        }
    }
}

void read_limits(Reader& reader, Value value, std::vector<Limit>& limits) {
    if (!reader.is(value, yaml::Kind::Map, "a map such as {nofile: 4096}")) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string_view name = value.key(i).text();
        const Reader::Step step(reader, name);
        const auto known = parse_limit(name, "0");
        if (!known) {
            reader.error(value.key(i), known.error());
            continue;
        }
        const auto limit =
            reader.parse(value.value(i), "a limit such as 1024, 1024:4096 or unlimited",
                         [&](std::string_view text) { return parse_limit(name, text); });
        if (!limit) continue;
        std::erase_if(limits, [&](const Limit& old) { return old.resource == limit->resource; });
        limits.push_back(*limit);
    }
    std::sort(limits.begin(), limits.end(),
              [](const Limit& a, const Limit& b) { return a.resource < b.resource; });
}

void read_maybe_duration(Reader& reader, Value value, std::optional<Duration>& duration) {
    if (value.kind() == yaml::Kind::Scalar && value.text() == "none") return duration.reset();
    if (const auto read = read_positive_duration(reader, value)) duration = *read;
}

void read_destinations(Reader& reader, Value value, Log& log) {
    static constexpr std::array<std::string_view, 5> kWords{"file", "console", "syslog", "inherit",
                                                            "none"};
    std::array<bool, kWords.size()> given{};
    const auto read = [&](Value one) {
        const auto index = read_choice(reader, one, kWords);
        if (index) given[*index] = true;
        return index.has_value();
    };
    bool good = true;
    if (value.kind() == yaml::Kind::Sequence) {
        for (std::size_t i = 0; i < value.size(); ++i) {
            const Reader::Step step(reader, i);
            good = read(value.item(i)) && good;
        }
    } else {
        good = read(value);
    }
    if (!good) return;
    const auto count = std::count(given.begin(), given.end(), true);
    if (count == 0) return reader.error(value, "is empty", "write none to drop all output");
    const bool inherit = given[3], none = given[4];
    if ((inherit || none) && count > 1) {
        return reader.error(value, "inherit and none stand alone", "write one destination");
    }
    log.kind = inherit ? Log::Kind::Inherit : none ? Log::Kind::None : Log::Kind::Capture;
    log.to_file = given[0];
    log.to_console = given[1];
    log.to_syslog = given[2];
}

std::optional<std::int64_t> read_integer_between(Reader& reader, Value value, std::int64_t least,
                                                 std::int64_t most) {
    return reader.parse(value, "a whole number",
                        [&](std::string_view text) { return parse_integer(text, least, most); });
}

std::optional<std::uint64_t> read_size_between(Reader& reader, Value value, std::uint64_t least,
                                               std::uint64_t most) {
    const auto size = reader.parse(value, "a size such as 10MiB", parse_size);
    if (!size || (*size >= least && *size <= most)) return size;
    reader.error(value, "is out of range",
                 "write from " + std::to_string(least) + " to " + std::to_string(most) + " bytes");
    return std::nullopt;
}

std::optional<std::size_t> read_choice(Reader& reader, yaml::Value value,
                                       std::span<const std::string_view> words) {
    const std::string known = enumerate({words.begin(), words.end()}, "or");
    const auto text = reader.text(value, known);
    if (!text) return std::nullopt;
    const auto found = std::find(words.begin(), words.end(), *text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    reader.error(value, quote(*text) + " is not known here", "write " + known);
    return std::nullopt;
}

}  // namespace reeve::config
