#include "ctl/help.h"

#include "ctl/text.h"

namespace reeve::ctl {

namespace {

constexpr std::string_view of_names =
    "A NAME is a service's name, a glob such as 'web*' (quote it), or @GROUP.\n"
    "The name of a service with instances stands for all: web for web@1 and web@2.\n";

constexpr std::string_view of_program =
    "More on a verb: reevectl VERB --help.\n"
    "\n"
    "The supervisor is found by -s, $REEVE_SOCKET, $REEVE_RUNTIME_DIR, or where it is\n"
    "without any of them: your own first, then root's. $NO_COLOR is as --no-color.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 not running, 4 no such service or\n"
    "configuration, 5 not allowed, 6 no supervisor answers, 7 timed out.\n";

std::string line(std::string_view left, std::string_view right) {
    return "  " + padded(left, 20) + "  " + std::string(right) + "\n";
}

/// "-n, --lines N"; without the letter where the verb has another use for it.
std::string spelling(const OptionInfo& info, bool with_letter) {
    std::string text = with_letter ? std::string{'-', info.letter, ',', ' '} : std::string(4, ' ');
    text += "--" + std::string(info.name);
    return info.value != nullptr ? text + " " + info.value : text;
}

std::string option_lines(const VerbInfo* verb) {
    std::string out;
    std::string letters;
    for (const OptionInfo& info : options()) {
        const bool here =
            verb != nullptr ? verb->takes(info.option) : before_the_verb.contains(info.option);
        if (!here || info.help == nullptr) continue;
        const bool with_letter = info.letter != 0 && letters.find(info.letter) == letters.npos;
        letters += info.letter;
        out += line(spelling(info, with_letter), info.help);
    }
    return out;
}

std::string_view words_behind(const VerbInfo& verb) {
    switch (verb.operands) {
        case Operands::None:
            return "";
        case Operands::Paths:
            return " [PATH...]";
        case Operands::MaybePath:
            return " [PATH]";
        case Operands::OneName:
            return " NAME";
        case Operands::Names:
            return " NAME...";
        case Operands::AnyNames:
            return " [NAME...]";
    }
    return "";
}

std::string_view about_words(const VerbInfo& verb) {
    switch (verb.operands) {
        case Operands::None:
            return "";
        case Operands::Paths:
            return "A PATH is a file, or a folder whose *.yaml are read in order.\n";
        case Operands::MaybePath:
            return "PATH is that of the new reeved; without one, where it was started from.\n";
        case Operands::OneName:
            return "NAME is a service's name.\n";
        case Operands::Names:
        case Operands::AnyNames:
            return of_names;
    }
    return "";
}

}  // namespace

std::string help_of_program() {
    std::string out =
        "reevectl asks and tells a running reeved.\n"
        "\n"
        "Usage: reevectl [OPTIONS] VERB [OPTIONS] [NAME...]\n";
    std::string_view group;
    for (const VerbInfo& verb : verbs()) {
        if (verb.run == nullptr) continue;
        if (verb.group != group) out += "\n" + std::string(verb.group) + ":\n";
        group = verb.group;
        out += line(verb.name, verb.summary);
    }
    out += "\nOptions:\n" + option_lines(nullptr);
    out += "\n" + std::string(of_names) + std::string(of_program);
    return out;
}

std::string help_of(const VerbInfo& verb) {
    const std::string name(verb.name);
    std::string out = std::string(verb.summary) + "\n\nUsage: reevectl " + name + " [OPTIONS]" +
                      std::string(words_behind(verb)) + "\n";
    if (verb.operands != Operands::None) out += "\n" + std::string(about_words(verb));
    out += "\nOptions:\n" + option_lines(&verb);
    if (!verb.more.empty()) out += "\n" + std::string(verb.more) + "\n";
    return out;
}

}  // namespace reeve::ctl
