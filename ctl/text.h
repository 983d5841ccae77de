#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::ctl {

/// Text from a service as a terminal may have it: bytes that are no UTF-8 and harmful characters
/// (see base/harmful.h) are shown escaped ("\e", "\n", "\x07").
std::string harmless(std::string_view text);

/// The same for a line of a log, which may keep its tabs and colours (SGR sequences).
std::string harmless_line(std::string_view line);

/// The same for a line of a log that is shown without its colours; a tab is a blank.
std::string colourless_line(std::string_view line);

/// How many columns of a terminal a text takes that holds no control characters.
std::size_t columns(std::string_view text);

/// The text, cut so that it takes at most `width` columns, with a mark at the end if it was.
std::string clipped(std::string_view text, std::size_t width, bool unicode);

/// Takes the first row of at most `width` columns off the text, up to a blank if there is one.
std::string_view take_row(std::string_view& text, std::size_t width);

/// The text in rows of at most `width` columns, broken at blanks where there are any; what does not
/// fit `most` rows is cut off. Width 0: one row of everything.
std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t most,
                                 bool unicode);

/// Names as a person lists them: "a, b and c"; of many the first `most`, "and 17 more".
std::string listed(const std::vector<std::string>& names, std::size_t most);

/// The text with blanks behind it, or before it, up to `width` columns.
std::string padded(std::string_view text, std::size_t width);
std::string right_aligned(std::string_view text, std::size_t width);

/// A word as a shell must be given it: as it is where that means the same, else in quotes.
std::string shell_quoted(std::string_view word);

/// A size as a person says it: "512 B", "34 MiB", "1.2 GiB".
std::string size_in_words(std::size_t bytes);

/// A count as a person reads it: "1,234,567".
std::string grouped(std::uint64_t count);

}  // namespace reeve::ctl
