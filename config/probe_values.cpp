#include "config/probe_values.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <string>

#include "config/values.h"

namespace reeve::config {

namespace {

constexpr std::string_view kScheme = "http://";

bool is_address(int family, std::string_view text) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    return ::inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}

/// Why this cannot be the host of a URL; nothing if it can.
std::optional<Misread> check_host(std::string_view host, bool in_brackets) {
    if (in_brackets && is_address(AF_INET6, host)) return std::nullopt;
    if (in_brackets) return Misread{quote(host) + " is not an IPv6 address", "write such as [::1]"};
    if (host == "localhost" || is_address(AF_INET, host)) return std::nullopt;
    return Misread{quote(host) + " would have to be looked up",
                   "write an address such as 127.0.0.1 or [::1], or localhost"};
}

/// What may stand in a request line: no blanks, nothing that is not ASCII.
bool is_plain(std::string_view target) {
    return std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Parsed<HttpCheck> parse_url(std::string_view text) {
    const Misread misread{quote(text) + " is not a URL", "write such as http://127.0.0.1:8080/"};
    if (text.starts_with("https://")) {
        return Misread{"https is not spoken here",
                       "write http://, or have a program ask: {exec: [curl, -fsS, URL]}"};
    }
    if (!text.starts_with(kScheme)) return misread;
    text.remove_prefix(kScheme.size());
    const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
    std::string_view authority = text.substr(0, end);
    const std::string_view target = text.substr(end);
    if (authority.find('@') != std::string_view::npos) {
        return Misread{"names a user", "write the address alone"};
    }
    if (target.find('#') != std::string_view::npos) {
        return Misread{"has a fragment, which no server is told", "remove it from # on"};
    }
    if (!is_plain(target)) {
        return Misread{"has blanks or letters beyond ASCII", "write them as %20 and the like"};
    }
    HttpCheck check;
    const bool in_brackets = authority.starts_with('[');
    const std::size_t close = in_brackets ? authority.find(']') : authority.find(':');
    if (in_brackets && close == std::string_view::npos) return misread;
    const std::string_view host =
        in_brackets ? authority.substr(1, close - 1) : authority.substr(0, close);
    if (host.empty()) return misread;
    authority.remove_prefix(std::min(authority.size(), close + (in_brackets ? 1 : 0)));
    if (!authority.empty()) {
        const auto port = parse_integer(authority.substr(1), 1, 65535);
        if (authority.front() != ':' || !port) return misread;
        check.port = static_cast<std::uint16_t>(*port);
    }
    if (auto wrong = check_host(host, in_brackets)) return std::move(*wrong);
    check.host = host;
    check.target = target.starts_with('/') ? "" : "/";
    check.target += target;
    return check;
}

Parsed<StatusRange> parse_status(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_integer(text.substr(0, dash), 100, 599);
    const auto last =
        dash == std::string_view::npos ? first : parse_integer(text.substr(dash + 1), 100, 599);
    if (!first || !last) {
        return Misread{quote(text) + " is not a status code",
                       "write such as 204 or 200-399, from 100 to 599"};
    }
    if (*first > *last) return Misread{"the range ends before it begins", "turn it round"};
    return StatusRange{static_cast<int>(*first), static_cast<int>(*last)};
}

std::optional<Misread> check_pattern(std::string_view text) {
    if (text.empty()) {
        return Misread{"is empty", "write a pattern such as 'listening on port [0-9]+'"};
    }
    const re2::RE2 pattern(re2::StringPiece(text.data(), text.size()), re2::RE2::Quiet);
    if (pattern.ok()) return std::nullopt;
    constexpr std::size_t kLongestReason = 100;
    return Misread{quote(text) + " is not a pattern: " + pattern.error().substr(0, kLongestReason),
                   "write a regular expression as RE2 has them"};
}

}  // namespace reeve::config
