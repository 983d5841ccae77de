#pragma once

#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace reeve {

/// "SIGTERM", "SIGRTMIN+3", or "signal 99" for a number that is none; see signal(7).
inline std::string signal_name(int signal) {
    if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
        const int n = signal - SIGRTMIN;
        return n == 0 ? "SIGRTMIN" : "SIGRTMIN+" + std::to_string(n);
    }
    const char* abbreviation = sigabbrev_np(signal);
    return abbreviation != nullptr ? std::string("SIG") + abbreviation
                                   : "signal " + std::to_string(signal);
}

/// The number of "TERM", "SIGTERM", "SIGRTMIN+3", "RTMAX-1" or "15"; nothing for anything else.
inline std::optional<int> signal_number(std::string_view text) {
    const auto number = [](std::string_view digits) -> std::optional<int> {
        if (digits.empty() || digits.size() > 3) return std::nullopt;
        int value = 0;
        for (const char c : digits) {
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + (c - '0');
        }
        return value;
    };
    const auto valid = [](int signal) -> std::optional<int> {
        if (signal < 1 || signal > SIGRTMAX) return std::nullopt;
        if (signal >= SIGRTMIN || sigabbrev_np(signal) != nullptr) return signal;
        return std::nullopt;
    };
    if (const auto n = number(text)) return valid(*n);
    if (text.starts_with("SIG")) text.remove_prefix(3);
    if (text == "RTMIN") return SIGRTMIN;
    if (text == "RTMAX") return SIGRTMAX;
    if (text.starts_with("RTMIN+") || text.starts_with("RTMAX-")) {
        const auto n = number(text.substr(6));
        if (!n || *n > SIGRTMAX - SIGRTMIN) return std::nullopt;
        return text[5] == '+' ? SIGRTMIN + *n : SIGRTMAX - *n;
    }
    for (int signal = 1; signal < SIGRTMIN; ++signal) {
        const char* abbreviation = sigabbrev_np(signal);
        if (abbreviation != nullptr && text == abbreviation) return signal;
    }
    return std::nullopt;
}

}  // namespace reeve
