#pragma once

#include <string>
#include <string_view>

/// What the parsing library does not tell, read off the text itself.
namespace reeve::config::yaml {

/// What to do about a line, counted from 0, that is not valid YAML.
std::string advice_on_line(std::string_view text, int bad_line);

/// Whether the string that begins at `text` has quotes and lacks the closing one. In front may
/// stand an anchor and a tag.
bool is_left_open(std::string_view text);

}  // namespace reeve::config::yaml
