#pragma once

#include <string>
#include <string_view>

#include "ctl/look.h"

namespace reeve::ctl {

/// Lines for people in two columns: a label at the left, what it labels beside it, all within the
/// look's width. What it is given must be harmless.
class Sheet {
  public:
    explicit Sheet(const Look& look) : look_(look) {}

    void title(std::string_view text, Colour colour);
    /// Cut to one line.
    void line(std::string_view label, std::string_view text, Colour colour = Colour::Plain);
    /// Goes on below where it does not fit: the end of a cause, an errno, often says most of all.
    void text(std::string_view label, std::string_view text, Colour colour = Colour::Plain,
              std::size_t most_rows = 5);
    void blank() { out_ += "\n"; }

    std::string take() { return std::move(out_); }

  private:
    std::size_t room(std::size_t used) const;
    void add(std::string_view label, std::string_view row, Colour colour);

    const Look& look_;
    std::string out_;
};

/// A line that begins with `head`, which may be painted, and goes on below, indented, where the
/// text does not fit behind it. Nothing is cut.
std::string hanging(const std::string& head, std::size_t indent, std::string_view text,
                    const Look& look, Colour colour = Colour::Plain);

}  // namespace reeve::ctl
