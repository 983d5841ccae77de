#pragma once

#include <array>
#include <string_view>

/// The words for enumerations on the wire, in the order of their enumerators. to_string() gives
/// them, Fields::word() takes them.
namespace reeve::protocol {

using std::string_view_literals::operator""sv;

inline constexpr std::array verb_words = {"start"sv, "stop"sv, "restart"sv, "reload"sv};
inline constexpr std::array until_words = {"ready"sv, "stopped"sv, "failed"sv, "done"sv};
inline constexpr std::array state_words = {"stopped"sv, "waiting"sv,   "starting"sv,
                                           "running"sv, "reloading"sv, "stopping"sv,
                                           "backoff"sv, "failed"sv,    "done"sv};
inline constexpr std::array step_words = {"stop"sv, "start"sv, "reload"sv, "remove"sv};
inline constexpr std::array effect_words = {"live"sv, "restart"sv, "added"sv, "removed"sv};
inline constexpr std::array event_words = {"snapshot"sv,      "state"sv,    "removed"sv,
                                           "configuration"sv, "shutdown"sv, "lost"sv};
inline constexpr std::array severity_words = {"error"sv, "warning"sv};

}  // namespace reeve::protocol
