#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace reeve::config {

/// A seeded source of what a property is tried with.
class Random {
  public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}

    /// From 0 to `below` - 1.
    std::size_t under(std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(engine_);
    }
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(engine_);
    }
    bool chance(int percent) { return under(100) < static_cast<std::size_t>(percent); }
    template <typename List>
    auto one_of(const List& list) {
        return *(std::begin(list) + static_cast<std::ptrdiff_t>(under(std::size(list))));
    }

    /// A text made of what YAML, a shell or our own rules could take for something else.
    std::string text() {
        if (chance(20)) return std::string(one_of(kWhole));
        std::string out;
        for (std::size_t n = under(8); n > 0; --n) out += one_of(kPieces);
        return out;
    }

  private:
    static constexpr std::string_view kWhole[] = {"",
                                                  "null",
                                                  "~",
                                                  "true",
                                                  "True",
                                                  "NO",
                                                  "off",
                                                  "y",
                                                  "0x10",
                                                  "0o17",
                                                  "017",
                                                  "0b1",
                                                  "1e3",
                                                  "1.5",
                                                  "-1",
                                                  "+1",
                                                  ".5",
                                                  ".inf",
                                                  "-.inf",
                                                  ".NaN",
                                                  "1_000",
                                                  "190:20:30",
                                                  "2026-11-21",
                                                  "2001-12-14t21:59:43Z",
                                                  "10s",
                                                  "16MiB",
                                                  "10%",
                                                  "=",
                                                  "<<",
                                                  "---",
                                                  "...",
                                                  "-",
                                                  "--",
                                                  "?",
                                                  ":",
                                                  "- a",
                                                  "a: b",
                                                  "a #b",
                                                  "#a",
                                                  "a:",
                                                  "${HOME}",
                                                  "$$",
                                                  "${X:-y}",
                                                  "$HOME",
                                                  "a\nb",
                                                  "a\nb\n",
                                                  "a\n\nb\n\n",
                                                  "\na\nb",
                                                  " a\nb",
                                                  "a \nb",
                                                  "\"a\nb",
                                                  "'a\nb",
                                                  "a\n# b\n",
                                                  "a\n---\nb",
                                                  "\t",
                                                  "a\r\nb",
                                                  "'",
                                                  "\"",
                                                  "\\n",
                                                  "\xc3\xa4\xc3\xb6",
                                                  "\xc2\x85",
                                                  "\xe2\x80\xa8",
                                                  "\xef\xbb\xbf",
                                                  "\xf0\x9f\x90\x99",
                                                  "\x01",
                                                  "\x7f"};
    static constexpr std::string_view kPieces[] = {
        "a",   "Z",  "0", "9",  " ", "  ", "\n", ":",        ": ",
        "#",   " #", "-", "- ", "'", "\"", "\\", "$",        "$$",
        "${",  "}",  "{", "[",  "]", ",",  ", ", "&",        "*",
        "!",   "|",  ">", "%",  "@", "`",  "?",  "? ",       "=",
        "~",   ".",  "/", "\t", "_", "x",  "e",  "\xc3\xa9", "\xe4\xb8\xad",
        "true"};

    std::mt19937 engine_;
};

}  // namespace reeve::config
