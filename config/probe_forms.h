#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/draft.h"
#include "config/reader.h"

/// Readers of what is below `ready` and `health`, as forms.h has them.
namespace reeve::config {

/// An absolute path that is short enough for the address of a socket.
std::optional<std::string> read_socket_path(Reader& reader, yaml::Value value);
std::optional<HttpCheck> read_url(Reader& reader, yaml::Value value);
std::optional<std::vector<StatusRange>> read_statuses(Reader& reader, yaml::Value value);
std::optional<int> read_fd(Reader& reader, yaml::Value value);
std::optional<std::string> read_pattern(Reader& reader, yaml::Value value);

/// The one probe that a map asks for; nothing, and an error reported, where it is not one. `kinds`
/// are those that it may be, for the message.
std::optional<Probe> probe_of(Reader& reader, yaml::Value map, ProbeDraft& draft,
                              std::string_view kinds);

/// A probe as its table sees it.
ProbeDraft draft_of(const Probe& probe);
ProbeDraft draft_of(const Health& health);

}  // namespace reeve::config
