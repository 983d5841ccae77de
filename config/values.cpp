#include "config/values.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/nearest.h"
#include "base/signal_name.h"

namespace reeve::config {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// Takes the digits at the front away; nothing where there are none or too many for 64 bits.
std::optional<std::uint64_t> take_digits(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || text.empty() || !is_digit(text[0])) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLongest = 36'500ull * 86'400 * kSecond;

struct Unit {
    std::string_view name;
    std::uint64_t value;
};
/// From the longest, in the order in which they may follow one another.
constexpr Unit kTimeUnits[] = {{"d", 86'400 * kSecond},
                               {"h", 3'600 * kSecond},
                               {"m", 60 * kSecond},
                               {"s", kSecond},
                               {"ms", kSecond / 1000}};
constexpr Unit kSizeUnits[] = {
    {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}};

/// One "1.5h" off the front: the amount in nanoseconds, or nothing if it is not well formed or too
/// much. `unit` becomes the index of its unit; none counts as seconds.
std::optional<std::uint64_t> take_amount(std::string_view& text, std::size_t& unit) {
    const auto whole = take_digits(text);
    if (!whole) return std::nullopt;
    std::uint64_t fraction = 0, scale = 1;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (text.empty() || !is_digit(text[0])) return std::nullopt;
        for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
            if (scale >= kSecond) continue;
            fraction = fraction * 10 + static_cast<std::uint64_t>(text[0] - '0');
            scale *= 10;
        }
    }
    const auto letters =
        text.substr(0, static_cast<std::size_t>(std::find_if(text.begin(), text.end(),
                                                             [](char c) { return is_digit(c); }) -
                                                text.begin()));
    const std::string_view name = letters.empty() ? "s" : letters;
    const auto* found = std::find_if(std::begin(kTimeUnits), std::end(kTimeUnits),
                                     [&](const Unit& u) { return u.name == name; });
    if (found == std::end(kTimeUnits)) return std::nullopt;
    unit = static_cast<std::size_t>(found - std::begin(kTimeUnits));
    text.remove_prefix(letters.size());
    if (*whole > kLongest / found->value) return std::nullopt;
    const auto part = static_cast<double>(found->value) * static_cast<double>(fraction) /
                      static_cast<double>(scale);
    return *whole * found->value + static_cast<std::uint64_t>(std::llround(part));
}

}  // namespace

Parsed<Duration> parse_duration(std::string_view text) {
    const Misread misread{quote(text) + " is not a duration",
                          "write such as 250ms, 10s, 5m or 1h30m; a bare number is seconds"};
    std::string_view rest = text;
    std::uint64_t total = 0;
    std::size_t last_unit = 0;
    const bool bare = !text.empty() && is_digit(text.back());
    for (bool first = true; first || !rest.empty(); first = false) {
        std::size_t unit = 0;
        const auto amount = take_amount(rest, unit);
        const bool in_order = first || unit > last_unit;
        if (!amount || !in_order || (bare && !rest.empty())) return misread;
        total += *amount;
        if (total > kLongest) return misread;
        last_unit = unit;
    }
    return Duration(static_cast<std::int64_t>(total));
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
    const Misread misread{quote(text) + " is not a size",
                          "write such as 64KiB, 10MiB or 1GiB; a bare number is bytes"};
    std::string_view rest = text;
    const auto amount = take_digits(rest);
    if (!amount) return misread;
    if (rest.empty()) return *amount;
    for (const Unit& unit : kSizeUnits) {
        if (rest != unit.name) continue;
        if (*amount > std::numeric_limits<std::int64_t>::max() / unit.value) return misread;
        return *amount * unit.value;
    }
    return misread;
}

Parsed<std::int64_t> parse_integer(std::string_view text, std::int64_t least, std::int64_t most) {
    std::string_view digits = text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure == std::errc() && end == digits.data() + digits.size() && value >= least &&
        value <= most && (digits == text || digits[0] != '-')) {
        return value;
    }
    const std::string range = most == std::numeric_limits<std::int64_t>::max()
                                  ? std::to_string(least) + " or more"
                                  : "from " + std::to_string(least) + " to " + std::to_string(most);
    return Misread{quote(text) + " is not a whole number " + range, "write a number " + range};
}

Parsed<double> parse_number(std::string_view text) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    const bool well_formed =
        all_digits(text.substr(0, dot)) && dot <= 9 &&
        (dot == text.size() || (all_digits(text.substr(dot + 1)) && text.size() - dot <= 18));
    double value = 0;
    if (!well_formed ||
        std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
        return Misread{quote(text) + " is not a number", "write such as 2 or 1.5"};
    }
    return value;
}

Parsed<double> parse_percent(std::string_view text) {
    const Misread misread{quote(text) + " is not a percentage", "write from 0% to 100%"};
    if (text == "0") return 0.0;
    if (!text.ends_with('%')) return misread;
    const auto value = parse_number(text.substr(0, text.size() - 1));
    if (!value || *value > 100) return misread;
    return *value / 100;
}

Parsed<mode_t> parse_mode(std::string_view text) {
    std::string_view digits = text;
    if (digits.starts_with("0o")) digits.remove_prefix(2);
    mode_t mode = 0;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), mode, 8);
    if (failure != std::errc() || end != digits.data() + digits.size() || digits[0] == '-' ||
        digits.size() > 4 || mode > 0777) {
        return Misread{quote(text) + " is not an octal mode from 0 to 777",
                       "write such as \"022\", always octal"};
    }
    return mode;
}

Parsed<int> parse_signal(std::string_view text) {
    if (const auto signal = signal_number(text)) return *signal;
    std::string upper(text);
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (upper.starts_with("SIG")) upper.erase(0, 3);
    std::vector<std::string> known;
    for (int signal = 1; signal < 32; ++signal) known.push_back(signal_name(signal).substr(3));
    const auto meant = nearest(upper, known);
    return Misread{quote(text) + " is not a signal", meant && !all_digits(text)
                                                         ? "did you mean " + *meant + "?"
                                                         : "write such as TERM, SIGTERM or 15"};
}

Parsed<TcpCheck> parse_host_and_port(std::string_view text) {
    const Misread misread{quote(text) + " is not HOST:PORT",
                          "write such as 127.0.0.1:8080 or [::1]:8080"};
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return misread;
    std::string_view host = text.substr(0, colon);
    const auto port = parse_integer(text.substr(colon + 1), 1, 65535);
    const bool in_brackets = host.starts_with('[') && host.ends_with(']');
    if (in_brackets) host = host.substr(1, host.size() - 2);
    if (!port || host.empty() || host.find_first_of(" /[]") != std::string_view::npos ||
        (host.find(':') != std::string_view::npos) != in_brackets) {
        return misread;
    }
    return TcpCheck{std::string(host), static_cast<std::uint16_t>(*port)};
}

Parsed<ExitSet> parse_exit(std::string_view text) {
    ExitSet set;
    if (all_digits(text)) {
        const auto code = parse_integer(text, 0, 255);
        if (!code) {
            return Misread{quote(text) + " is not an exit code", "write a number from 0 to 255"};
        }
        set.codes.set(static_cast<std::size_t>(*code));
        return set;
    }
    const auto signal = parse_signal(text);
    if (!signal) {
        return Misread{quote(text) + " is neither an exit code nor a signal",
                       "write such as 0, 143 or SIGTERM"};
    }
    set.signals.set(static_cast<std::size_t>(*signal));
    return set;
}

namespace {

enum class LimitUnit { Plain, Bytes };
struct LimitName {
    std::string_view name;
    int resource;
    LimitUnit unit;
};
constexpr LimitName kLimits[] = {
    {"as", RLIMIT_AS, LimitUnit::Bytes},
    {"core", RLIMIT_CORE, LimitUnit::Bytes},
    {"cpu", RLIMIT_CPU, LimitUnit::Plain},
    {"data", RLIMIT_DATA, LimitUnit::Bytes},
    {"fsize", RLIMIT_FSIZE, LimitUnit::Bytes},
    {"locks", RLIMIT_LOCKS, LimitUnit::Plain},
    {"memlock", RLIMIT_MEMLOCK, LimitUnit::Bytes},
    {"msgqueue", RLIMIT_MSGQUEUE, LimitUnit::Bytes},
    {"nice", RLIMIT_NICE, LimitUnit::Plain},
    {"nofile", RLIMIT_NOFILE, LimitUnit::Plain},
    {"nproc", RLIMIT_NPROC, LimitUnit::Plain},
    {"rss", RLIMIT_RSS, LimitUnit::Bytes},
    {"rtprio", RLIMIT_RTPRIO, LimitUnit::Plain},
    {"rttime", RLIMIT_RTTIME, LimitUnit::Plain},
    {"sigpending", RLIMIT_SIGPENDING, LimitUnit::Plain},
    {"stack", RLIMIT_STACK, LimitUnit::Bytes},
};

std::optional<std::uint64_t> limit_value(LimitUnit unit, std::string_view text) {
    if (text == "unlimited") return RLIM_INFINITY;
    if (unit == LimitUnit::Plain && !all_digits(text)) return std::nullopt;
    const auto size = parse_size(text);
    return size ? std::optional(*size) : std::nullopt;
}

const LimitName& entry_of(int resource) {
    return *std::find_if(std::begin(kLimits), std::end(kLimits),
                         [&](const LimitName& l) { return l.resource == resource; });
}

}  // namespace

const std::vector<std::string_view>& limit_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        for (const LimitName& limit : kLimits) all.push_back(limit.name);
        return all;
    }();
    return names;
}

std::string_view limit_name(int resource) { return entry_of(resource).name; }
bool is_size(const Limit& limit) { return entry_of(limit.resource).unit == LimitUnit::Bytes; }

Parsed<Limit> parse_limit(std::string_view name, std::string_view text) {
    const auto* found = std::find_if(std::begin(kLimits), std::end(kLimits),
                                     [&](const LimitName& l) { return l.name == name; });
    if (found == std::end(kLimits)) {
        const auto meant = nearest(name, limit_names());
        return Misread{"unknown limit " + quote(name),
                       meant ? "did you mean " + *meant + "?"
                             : "known are " + enumerate(limit_names(), "and")};
    }
    const std::size_t colon = text.find(':');
    const auto soft = limit_value(found->unit, text.substr(0, colon));
    const auto hard =
        colon == std::string_view::npos ? soft : limit_value(found->unit, text.substr(colon + 1));
    if (!soft || !hard) {
        return Misread{quote(text) + " is not a limit",
                       found->unit == LimitUnit::Bytes
                           ? "write a size, SOFT:HARD or unlimited, such as 1GiB"
                           : "write a number, SOFT:HARD or unlimited, such as 1024:4096"};
    }
    if (*soft > *hard) {
        return Misread{"the soft limit is above the hard one", "write the smaller one first"};
    }
    return Limit{found->resource, *soft, *hard};
}

std::optional<Misread> check_name(std::string_view text) {
    const auto allowed = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
    };
    if (text.empty()) return Misread{"an empty name", "write a name such as web"};
    if (text.size() > 64) {
        return Misread{quote(text) + " is too long for a name", "write 64 characters at most"};
    }
    if (!std::all_of(text.begin(), text.end(), allowed) || text[0] == '.' || text[0] == '_' ||
        text[0] == '-') {
        return Misread{quote(text) + " is not a name",
                       "use a-z, 0-9, '.', '_' and '-', and begin with a letter or a digit"};
    }
    return std::nullopt;
}

std::optional<Misread> check_service_name(std::string_view text) {
    const std::size_t at = text.find('@');
    if (auto misread = check_name(text.substr(0, at))) return misread;
    if (at == std::string_view::npos) return std::nullopt;
    if (!check_name(text.substr(at + 1))) return std::nullopt;
    return Misread{quote(text) + " is not the name of an instance",
                   "write NAME@INSTANCE, each of a-z, 0-9, '.', '_' and '-'"};
}

}  // namespace reeve::config
