#include "ctl/arguments.h"

#include <algorithm>

#include "base/nearest.h"
#include "ctl/help.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

Remark usage(std::string sentence) {
    return {Exit::Usage, "reevectl: " + std::move(sentence) + "\n"};
}

/// What is to be said of a verb that cannot be carried out.
Remark objection(std::string_view name) {
    if (find_verb(name) != nullptr) return usage(std::string(name) + " is not supported yet");
    std::vector<std::string_view> names;
    for (const VerbInfo& verb : verbs()) names.push_back(verb.name);
    const std::string_view shown = name.substr(0, 64);
    const auto meant = shown == name ? nearest(name, names) : std::nullopt;
    return usage("there is no verb " + harmless(shown) + "; " +
                 (meant ? "did you mean " + *meant + "?" : "reevectl --help lists them"));
}

/// Reads arguments one after the other. An option means what it means to the verb, if there has
/// been one by then: -s is a signal behind kill, and a socket elsewhere.
class Reader {
  public:
    explicit Reader(std::span<const std::string> arguments) : rest_(arguments) {}

    std::variant<Invocation, Remark> read() {
        bool only_words = false;
        while (!rest_.empty() && !remark_) {
            const std::string& argument = rest_.front();
            rest_ = rest_.subspan(1);
            if (only_words || argument.size() < 2 || argument[0] != '-') {
                take_word(argument);
            } else if (argument == "--") {
                only_words = true;
            } else if (argument[1] == '-') {
                take_long(argument);
            } else {
                take_letters(argument);
            }
        }
        if (!remark_) check();
        if (remark_) return *std::move(remark_);
        return std::move(invocation_);
    }

  private:
    void take_word(const std::string& word) {
        if (invocation_.verb != nullptr) {
            invocation_.names.push_back(word);
            return;
        }
        invocation_.verb = find_verb(word);
        if (invocation_.verb == nullptr || invocation_.verb->run == nullptr) {
            remark_ = objection(word);
        }
    }

    /// --name, --name VALUE, --name=VALUE
    void take_long(const std::string& argument) {
        const std::size_t equals = argument.find('=');
        const std::string_view name = std::string_view(argument).substr(0, equals);
        const OptionInfo* info =
            find([&](const OptionInfo& o) { return o.name == name.substr(2); });
        if (info == nullptr) {
            remark_ = unknown_option(name);
        } else if (equals == argument.npos) {
            info->value != nullptr ? take_with_next(*info, name) : take(*info, name, {});
        } else if (info->value == nullptr) {
            remark_ = usage(std::string(name) + " takes no value");
        } else {
            take(*info, name, argument.substr(equals + 1));
        }
    }

    /// -a, -n VALUE, -nVALUE, and several of them behind one dash
    void take_letters(const std::string& argument) {
        for (std::size_t at = 1; at < argument.size() && !remark_; ++at) {
            const std::string name = {'-', argument[at]};
            const OptionInfo* info = find([&](const OptionInfo& o) { return o.letter == name[1]; });
            if (info == nullptr) {
                remark_ = unknown_option(at == 1 ? std::string_view(argument) : name);
            } else if (info->value == nullptr) {
                take(*info, name, {});
            } else if (at + 1 < argument.size()) {
                return take(*info, name, argument.substr(at + 1));
            } else {
                take_with_next(*info, name);
            }
        }
    }

    bool stands_here(const OptionInfo& info) const {
        const VerbInfo* verb = invocation_.verb;
        return verb != nullptr ? verb->takes(info.option) : before_the_verb.contains(info.option);
    }

    /// The option that is so, among those that may stand here: the verb's own before the program's.
    template <typename Predicate>
    const OptionInfo* find(Predicate is_it) const {
        for (const OptionInfo& info : options()) {
            if (stands_here(info) && is_it(info)) return &info;
        }
        return nullptr;
    }

    void take_with_next(const OptionInfo& info, std::string_view name) {
        if (rest_.empty()) {
            remark_ = usage(std::string(name) + " needs a value: " + std::string(name) + " " +
                            info.value);
            return;
        }
        const std::string& value = rest_.front();
        rest_ = rest_.subspan(1);
        take(info, name, value);
    }

    void take(const OptionInfo& info, std::string_view name, std::string_view value) {
        given_.add(info.option);
        if (info.option == Option::Help) {
            const VerbInfo* verb = invocation_.verb;
            remark_ = Remark{Exit::Done, verb != nullptr ? help_of(*verb) : help_of_program()};
        } else if (info.option == Option::Version) {
            remark_ = Remark{Exit::Done, "reevectl " REEVE_VERSION "\n"};
        } else if (const std::string wrong = info.set(invocation_, value); !wrong.empty()) {
            remark_ = usage(std::string(name) + ": " + wrong);
        }
    }

    Remark unknown_option(std::string_view name) const {
        const VerbInfo* verb = invocation_.verb;
        std::vector<std::string> here;
        for (const OptionInfo& info : options()) {
            const std::string spelling = "--" + std::string(info.name);
            if (stands_here(info)) {
                here.push_back(spelling);
            } else if (verb == nullptr && spelling == name) {
                return usage(spelling + " belongs behind the verb");
            }
        }
        const std::string_view shown = name.substr(0, 64);
        const auto meant = shown == name ? nearest(name, here) : std::nullopt;
        const std::string whose = verb != nullptr ? std::string(verb->name) + " " : "";
        return usage(
            (verb != nullptr ? whose + "has" : "there is") + " no option " + harmless(shown) +
            "; " +
            (meant ? "did you mean " + *meant + "?" : "reevectl " + whose + "--help lists them"));
    }

    /// What can be judged only once everything is known.
    void check() {
        if (invocation_.verb == nullptr) {
            remark_ = usage("which verb? reevectl --help lists them");
        } else if (std::string wrong = wrong_words(); !wrong.empty()) {
            remark_ = usage(std::move(wrong));
        } else if (wrong = contradiction(); !wrong.empty()) {
            remark_ = usage(std::move(wrong));
        } else if (invocation_.verb->operands == Operands::Names && given_.contains(Option::All)) {
            invocation_.names = {"*"};
        }
    }

    std::string wrong_words() const {
        const std::string name(invocation_.verb->name);
        const std::vector<std::string>& words = invocation_.names;
        const bool all = given_.contains(Option::All);
        if (all && !words.empty()) return "--all leaves no room for names";
        switch (invocation_.verb->operands) {
            case Operands::None:
                if (!words.empty()) return name + " takes no names: " + harmless(words[0]);
                break;
            case Operands::OneName:
                if (words.size() != 1) return name + " needs one NAME; reevectl list has them";
                break;
            case Operands::Names:
                if (!words.empty() || all) break;
                return name + " needs a NAME, @GROUP or --all; reevectl list has the names";
            case Operands::MaybePath:
                if (words.size() > 1) return name + " takes one PATH: " + harmless(words[1]);
                break;
            case Operands::AnyNames:
            case Operands::Paths:
                break;
        }
        return {};
    }

    std::string contradiction() const {
        if (invocation_.json && (given_.contains(Option::Property) || invocation_.values_only)) {
            return "--json shows every property: -p and --value are for text";
        }
        if (invocation_.follow && invocation_.run.value_or(0) < 0) {
            return "--follow goes on with the present run: of an earlier one nothing comes any "
                   "more";
        }
        const bool waiting = given_.contains(Option::NoWait) || given_.contains(Option::Timeout);
        if (!waiting) return {};
        if (invocation_.dry_run) return "--dry-run leaves nothing to wait for";
        if (invocation_.verb->takes(Option::Now) && !invocation_.now) {
            return "--no-wait and --timeout need --now";
        }
        if (!invocation_.wait && invocation_.timeout)
            return "--no-wait leaves no use for --timeout";
        return {};
    }

    std::span<const std::string> rest_;
    Invocation invocation_;
    OptionSet given_ = {};
    std::optional<Remark> remark_;  ///< once there is one, it is the answer
};

}  // namespace

std::string program_called_by(const Invocation& invocation) {
    return invocation.socket ? "reevectl -s " + shell_quoted(*invocation.socket) : "reevectl";
}

std::variant<Invocation, Remark> parse_arguments(std::span<const std::string> arguments) {
    return Reader(arguments).read();
}

}  // namespace reeve::ctl
