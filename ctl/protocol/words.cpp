#include "ctl/protocol/words.h"

#include <algorithm>

#include "ctl/protocol/notice.h"
#include "ctl/protocol/result.h"

namespace reeve::protocol {

std::string_view to_string(Verb verb) { return verb_words[static_cast<std::size_t>(verb)]; }

std::string_view to_string(Until until) { return until_words[static_cast<std::size_t>(until)]; }

std::string_view to_string(State state) { return state_words[static_cast<std::size_t>(state)]; }

std::string_view to_string(Step::Kind kind) { return step_words[static_cast<std::size_t>(kind)]; }

std::string_view to_string(DefinitionChange::Effect effect) {
    return effect_words[static_cast<std::size_t>(effect)];
}

std::string_view to_string(Event::Kind kind) { return event_words[static_cast<std::size_t>(kind)]; }

std::optional<State> parse_state(std::string_view word) {
    const auto found = std::find(state_words.begin(), state_words.end(), word);
    if (found == state_words.end()) return std::nullopt;
    return static_cast<State>(found - state_words.begin());
}

}  // namespace reeve::protocol
