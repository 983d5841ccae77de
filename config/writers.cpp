#include "config/writers.h"

#include <sys/resource.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "base/signal_name.h"
#include "config/execution_values.h"
#include "config/values.h"

namespace reeve::config {

namespace {

constexpr std::uint64_t kLargestInteger = std::numeric_limits<std::int64_t>::max();

/// As a string in a file has it: read, each dollar would begin a variable.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) out.append(c == '$' ? 2 : 1, c);
    return out;
}

template <typename List>
Literal strings(const List& list) {
    Literal::List out;
    for (const std::string& text : list) out.push_back({escaped(text)});
    return {std::move(out)};
}

/// A number where it fits into one, else its digits.
Literal whole(std::uint64_t number) {
    if (number <= kLargestInteger) return {static_cast<std::int64_t>(number)};
    return {std::to_string(number)};
}

Literal name_or_id(const std::string& text) {
    const auto id = parse_integer(text, 0, 0xffffffff);
    return id && text[0] != '+' ? Literal{*id} : Literal{escaped(text)};
}

/// The shortest digits that are read as this number, without an exponent.
std::string decimal(double number) {
    std::array<char, 400> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number,
                                   std::chars_format::fixed);
    return {digits.data(), end.ptr};
}

/// Digits behind a point without the zeros at the end; empty for 0.
std::string fraction(std::int64_t part, int digits) {
    if (part == 0) return {};
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), ".%0*lld", digits, static_cast<long long>(part));
    std::string out(text.data());
    out.erase(out.find_last_not_of('0') + 1);
    return out;
}

std::string in_units(Duration duration) {
    using namespace std::chrono;
    constexpr std::int64_t kMillisecond = 1'000'000;
    if (duration < 1s && duration > 0s) {
        return std::to_string(duration.count() / kMillisecond) +
               fraction(duration.count() % kMillisecond, 6) + "ms";
    }
    std::string out;
    const auto take = [&](auto unit, const char* name) {
        const auto amount = duration / unit;
        duration %= unit;
        if (amount != 0) out += std::to_string(amount) + name;
    };
    take(24h, "d");
    take(1h, "h");
    take(1min, "m");
    const auto part = duration % 1s;
    if (duration != 0s || out.empty()) {
        out += std::to_string(duration / 1s) + fraction(part.count(), 9) + "s";
    }
    return out;
}

/// The largest unit that leaves nothing over, or none.
std::string round_size(std::uint64_t bytes) {
    constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes == 0 || bytes % 1024 != 0 || bytes > kLargestInteger) return {};
    std::size_t unit = 0;
    for (bytes /= 1024; bytes % 1024 == 0 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
    return std::to_string(bytes) + std::string(kUnits[unit]);
}

/// One number, or from one to another: 5, "5-7".
Literal span(int first, int last) {
    if (first == last) return {static_cast<std::int64_t>(first)};
    std::string text = std::to_string(first);
    text.append("-").append(std::to_string(last));
    return {std::move(text)};
}

Literal limit(const Limit& limit) {
    const auto value = [&](std::uint64_t number) -> std::string {
        if (number == RLIM_INFINITY) return "unlimited";
        const std::string size = is_size(limit) ? round_size(number) : std::string();
        return size.empty() ? std::to_string(number) : size;
    };
    const std::string soft = value(limit.soft), hard = value(limit.hard);
    if (soft != hard) return {soft + ":" + hard};
    return soft == std::to_string(limit.soft) ? whole(limit.soft) : Literal{soft};
}

}  // namespace

Literal written(As<Kind::Text>, const std::string& text) { return {escaped(text)}; }
Literal written(As<Kind::Path>, const std::string& path) { return {escaped(path)}; }
Literal written(As<Kind::Stdin>, const std::string& path) { return {escaped(path)}; }
Literal written(As<Kind::LogFile>, const std::string& path) { return {escaped(path)}; }
Literal written(As<Kind::UserName>, const std::string& text) { return name_or_id(text); }
Literal written(As<Kind::GroupName>, const std::string& text) { return name_or_id(text); }
Literal written(As<Kind::GroupNames>, const std::vector<std::string>& groups) {
    Literal::List out;
    for (const std::string& group : groups) out.push_back(name_or_id(group));
    return {std::move(out)};
}

Literal written(As<Kind::Bool>, bool truth) { return {truth}; }
Literal written(As<Kind::Integer>, std::int64_t number) { return {number}; }

Literal written(As<Kind::Number>, double number) {
    const auto integer = static_cast<std::int64_t>(number);
    return static_cast<double>(integer) == number ? Literal{integer} : Literal{number};
}

Literal written(As<Kind::Duration>, Duration duration) { return {in_units(duration)}; }
Literal written(As<Kind::MaybeDuration>, Duration duration) { return {in_units(duration)}; }

Literal written(As<Kind::Size>, std::uint64_t bytes) {
    std::string size = round_size(bytes);
    return size.empty() ? whole(bytes) : Literal{std::move(size)};
}

Literal written(As<Kind::Percent>, double wanted) {
    // A division by 100 has led here. Of the numbers around it, one leads here again.
    double percent = wanted * 100;
    for (int i = 0; i < 3; ++i) percent = std::nextafter(percent, 0);
    std::string best;
    for (int i = 0; i < 7; ++i, percent = std::nextafter(percent, 1000)) {
        std::string text = decimal(percent) + "%";
        const auto read = parse_percent(text);
        const bool exact = read && *read == wanted;
        if (exact && (best.empty() || text.size() < best.size())) best = std::move(text);
    }
    return {best.empty() ? decimal(wanted * 100) + "%" : best};
}

Literal written(As<Kind::Mode>, mode_t mode) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode);
    return {std::string(text.data())};
}

Literal written(As<Kind::Signal>, int signal) { return {signal_name(signal).substr(3)}; }

Literal written(As<Kind::Command>, const Argv& argv) { return strings(argv); }
Literal written(As<Kind::Names>, const std::vector<std::string>& names) { return strings(names); }

Literal written(As<Kind::Services>, const std::vector<std::string>& names) {
    return strings(names);
}

Literal written(As<Kind::Exits>, const ExitSet& exits) {
    Literal::List out;
    for (std::size_t code = 0; code < exits.codes.size(); ++code) {
        if (exits.codes.test(code)) out.emplace_back().value = static_cast<std::int64_t>(code);
    }
    for (std::size_t signal = 0; signal < exits.signals.size(); ++signal) {
        if (exits.signals.test(signal)) {
            out.emplace_back().value = signal_name(static_cast<int>(signal));
        }
    }
    return {std::move(out)};
}

Literal written(As<Kind::Variables>, const std::map<std::string, std::string>& variables) {
    Literal::Map out;
    for (const auto& [name, value] : variables) out.emplace_back(name, Literal{escaped(value)});
    return {std::move(out)};
}

Literal written(As<Kind::EnvironmentFiles>, const std::vector<EnvironmentFile>& files) {
    Literal::List out;
    for (const EnvironmentFile& file : files) {
        out.push_back({(file.may_be_missing ? "-" : "") + escaped(file.path)});
    }
    return {std::move(out)};
}

Literal written(As<Kind::Inherit>, const InheritEnvironment& inherit) {
    return inherit.all || inherit.names.empty() ? Literal{inherit.all} : strings(inherit.names);
}

Literal written(As<Kind::Limits>, const std::vector<Limit>& limits) {
    Literal::Map out;
    for (const Limit& one : limits) out.emplace_back(limit_name(one.resource), limit(one));
    return {std::move(out)};
}

Literal written(As<Kind::Address>, const TcpCheck& address) {
    const bool brackets = address.host.find(':') != std::string::npos;
    const std::string host = escaped(address.host);
    return {(brackets ? "[" + host + "]" : host) + ":" + std::to_string(address.port)};
}

Literal written(As<Kind::Url>, const HttpCheck& check) {
    std::string url = "http://";
    const bool brackets = check.host.find(':') != std::string::npos;
    if (brackets) url += '[';
    url += check.host;
    if (brackets) url += ']';
    if (check.port != HttpCheck{}.port) url.append(":").append(std::to_string(check.port));
    return {url + escaped(check.target)};
}

Literal written(As<Kind::Statuses>, const std::vector<StatusRange>& ranges) {
    Literal::List out;
    for (const StatusRange& range : ranges) out.push_back(span(range.first, range.last));
    return {std::move(out)};
}

Literal written(As<Kind::Pattern>, const std::string& pattern) { return {escaped(pattern)}; }
Literal written(As<Kind::Folders>, const std::vector<std::string>& names) { return strings(names); }

Literal written(As<Kind::Cpus>, const std::vector<int>& cpus) {
    Literal::List out;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t end = i + 1;
        while (end < cpus.size() && cpus[end] == cpus[end - 1] + 1) ++end;
        if (end - i < 3) end = i + 1;
        out.push_back(span(cpus[i], cpus[end - 1]));
        i = end;
    }
    return {std::move(out)};
}

Literal written(As<Kind::Capabilities>, const std::vector<int>& capabilities) {
    Literal::List out;
    for (const int number : capabilities) out.push_back({capability_name(number)});
    return {std::move(out)};
}

Literal written(As<Kind::Destinations>, const Log& log) {
    if (log.kind == Log::Kind::Inherit) return {std::string("inherit")};
    if (log.kind == Log::Kind::None) return {std::string("none")};
    Literal::List places;
    if (log.to_file) places.push_back({std::string("file")});
    if (log.to_console) places.push_back({std::string("console")});
    if (log.to_syslog) places.push_back({std::string("syslog")});
    return places.size() == 1 ? std::move(places.front()) : Literal{std::move(places)};
}

Literal::Map written_keys(KeyList keys, const void* of, const void* fallback) {
    Literal::Map out;
    for (const Key& key : keys) {
        if (key.field.write == nullptr) continue;
        Literal value = key.field.write(of, fallback);
        if (!value.is_null()) out.emplace_back(key.name, std::move(value));
    }
    return out;
}

Literal::Map written_keys(std::span<const Section> table, const void* of, const void* fallback) {
    Literal::Map out;
    for (const Section& section : table) {
        Literal::Map keys = written_keys(section.keys, of, fallback);
        std::move(keys.begin(), keys.end(), std::back_inserter(out));
    }
    return out;
}

}  // namespace reeve::config
