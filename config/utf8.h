#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::config {

/// A character and how many bytes it takes; none if no well-formed one is there.
struct Character {
    std::uint32_t code = 0;
    std::size_t length = 0;
};

/// The character at the front of a text that is not empty.
Character first_character(std::string_view text);

/// The first place where a text is not what a configuration file may hold.
struct BadText {
    int line = 1;
    int column = 1;
    std::string what;
};

/// Looks for bytes that are not UTF-8, NUL bytes and other control characters.
std::optional<BadText> find_bad_text(std::string_view text);

/// Turns columns that count bytes into columns that count characters, as editors do. Made for
/// questions in about the order of the text.
class CharacterColumns {
  public:
    explicit CharacterColumns(std::string_view text);

    /// Line and both columns count from 0.
    int character(int line, int byte_column);

  private:
    std::string_view text_;
    std::vector<std::size_t> line_begins_;  ///< empty when every byte is a character
    int line_ = -1;
    int byte_column_ = 0;
    int character_ = 0;
};

}  // namespace reeve::config
