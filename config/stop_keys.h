#pragma once

#include <array>
#include <string_view>

#include "config/draft.h"
#include "config/fields.h"
#include "config/forms.h"

/// The parts of the table of a service that are below `stop` and `reload`.
namespace reeve::config {

inline constexpr std::array<std::string_view, 2> kScopes{"main", "tree"};
inline constexpr std::array<std::string_view, 2> kRests{"kill", "leave"};

inline constexpr std::array kStopKeys{
    Key{"signal", value_field<Kind::Signal, read_signal, &Stop::signal>, "TERM",
        "The signal that asks it to end."},
    Key{"command", value_field<Kind::Command, read_command, &Stop::command>, "",
        "Run first; the signal follows if the service is still there when the command has ended."},
    Key{"timeout", value_field<Kind::Duration, read_duration, &Stop::timeout>, "10s",
        "After this long, all that is left of it gets KILL."},
    Key{"scope", choice_field<kScopes, &Stop::scope>, "main",
        "Whom the signal goes to: the main process, or all of its processes."},
    Key{"rest", choice_field<kRests, &Stop::rest>, "kill",
        "What becomes of its other processes once the main one is gone. `kill`: TERM, and KILL at "
        "the timeout. `leave`: they go on, as the sessions of sshd do."},
};

/// Each of the two ends the other where that stands in `defaults`: one of them is meant.
inline void read_reload_signal(Reader& reader, Value value, void* target) {
    const auto signal = read_signal(reader, value);
    if (!signal) return;
    static_cast<Reload*>(target)->signal = *signal;
    static_cast<Reload*>(target)->command.clear();
}
inline void read_reload_command(Reader& reader, Value value, void* target) {
    auto command = read_command(reader, value);
    if (!command) return;
    static_cast<Reload*>(target)->command = std::move(*command);
    static_cast<Reload*>(target)->signal = Reload{}.signal;
}

inline constexpr std::array kReloadKeys{
    Key{"signal",
        Field{Kind::Signal, read_reload_signal, same_member<&Reload::signal>,
              write_member<Kind::Signal, &Reload::signal>},
        "HUP", "The signal that asks it to read its configuration again."},
    Key{"command",
        Field{Kind::Command, read_reload_command, same_member<&Reload::command>,
              write_member<Kind::Command, &Reload::command>},
        "", "Run instead of sending a signal."},
    Key{"check", value_field<Kind::Command, read_command, &Reload::check>, "",
        "Run first; if it fails, the reload is refused."},
    Key{"timeout", value_field<Kind::Duration, read_positive_duration, &Reload::timeout>, "60s",
        "How long all of it may take."},
};

}  // namespace reeve::config
