#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace reeve::ctl {

struct Invocation;

/// Everything that can stand behind a dash. The first ones are the program's: they are taken before
/// the verb, and all but Version behind every verb, too.
enum class Option {
    Socket,
    Json,
    NoColour,
    Quiet,
    Help,
    Version,
    All,
    NoWait,
    Timeout,
    DryRun,
    Now,
    Signal,
    Tree,
    Until,
    Follow,
    Last,
    Since,
    Before,
    Stream,
    Grep,
    Run,
    Property,
    Value,
};

class OptionSet {
  public:
    constexpr OptionSet(std::initializer_list<Option> options) {
        for (const Option option : options) add(option);
    }
    constexpr void add(Option option) { bits_ |= 1u << static_cast<unsigned>(option); }
    constexpr bool contains(Option option) const {
        return (bits_ >> static_cast<unsigned>(option) & 1u) != 0;
    }

  private:
    unsigned bits_ = 0;
};

inline constexpr OptionSet before_the_verb = {Option::Socket, Option::Json, Option::NoColour,
                                              Option::Quiet,  Option::Help, Option::Version};
inline constexpr OptionSet behind_every_verb = {Option::Socket, Option::Json, Option::NoColour,
                                                Option::Quiet, Option::Help};

/// One option: a row of the table, which is all that the command line and --help know of it.
struct OptionInfo {
    Option option;
    char letter = 0;  ///< behind a single dash; 0: there is none
    std::string_view name;
    const char* value = nullptr;  ///< what --help calls its value; nothing: it takes none
    const char* help = nullptr;   ///< nothing: another spelling of the row before it
    /// Notes what the caller said; gives what is wrong with the value, or nothing. Not there for
    /// --help and --version, which are answered at once.
    std::string (*set)(Invocation&, std::string_view value) = nullptr;
};

/// In the order in which --help shows them.
std::span<const OptionInfo> options();

}  // namespace reeve::ctl
