#pragma once

#include <array>
#include <bitset>
#include <csignal>
#include <optional>
#include <span>

#include "base/result.h"

namespace reeve::init {

/// An option as `reeved --help` shows it; `value` is empty for a flag.
struct OptionText {
    const char* names;
    const char* value;
    const char* text;
};

/// Those that stand before `-- COMMAND` and nowhere else.
inline constexpr OptionText group_option = {"-g,--group", "",
                                            "Forward signals to the command's whole process group"};
inline constexpr OptionText rewrite_option = {
    "--rewrite", "FROM:TO", "Send TO where FROM came (TO 0: swallow it); repeatable"};
inline constexpr OptionText expect_option = {"-e,--expect-exit", "CODE",
                                             "Count this exit status as 0; repeatable"};
inline constexpr std::array option_texts = {group_option, rewrite_option, expect_option};

/// What to run, and what to pass on to it.
struct Options {
    Options();

    bool group = false;
    std::array<int, NSIG> sends;  ///< what is sent for a signal: itself, another one, or 0: nothing
    std::bitset<256> expected;    ///< exit statuses that count as 0
    char* const* command = nullptr;  ///< argv, not empty, ended by a null pointer
};

/// Reads `[-g] [--rewrite FROM:TO]... [-e CODE]... -- COMMAND [ARG...]`, argv without its first
/// word; the null pointer behind its last word is used. Nothing where the words ask for something
/// else or hold an option that is none of these, which is for the whole command line's parser to
/// judge. It allocates nothing unless something is wrong.
std::optional<Result<Options>> parse(std::span<char* const> words);

}  // namespace reeve::init
