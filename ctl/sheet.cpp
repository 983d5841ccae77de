#include "ctl/sheet.h"

#include <algorithm>

#include "ctl/text.h"

namespace reeve::ctl {

namespace {

constexpr std::size_t label_width = 10;
constexpr std::size_t text_begin = label_width + 2;

}  // namespace

std::size_t Sheet::room(std::size_t used) const {
    if (look_.width == 0) return 0;
    return std::max(look_.width, used + 1) - used;
}

void Sheet::add(std::string_view label, std::string_view row, Colour colour) {
    out_ += painted(right_aligned(label, label_width), Colour::Dim, look_) + "  ";
    out_ += painted(row, colour, look_) + "\n";
}

void Sheet::title(std::string_view text, Colour colour) {
    out_ += painted(wrapped(text, room(0), 1, look_.unicode)[0], colour, look_) + "\n";
}

void Sheet::line(std::string_view label, std::string_view text, Colour colour) {
    add(label, wrapped(text, room(text_begin), 1, look_.unicode)[0], colour);
}

void Sheet::text(std::string_view label, std::string_view text, Colour colour,
                 std::size_t most_rows) {
    for (const std::string& row : wrapped(text, room(text_begin), most_rows, look_.unicode)) {
        add(label, row, colour);
        label = "";
    }
}

std::string hanging(const std::string& head, std::size_t indent, std::string_view text,
                    const Look& look, Colour colour) {
    const std::size_t used = columns(colourless_line(head.substr(head.rfind('\n') + 1)));
    if (look.width == 0 || used + columns(text) <= look.width) {
        return head + painted(text, colour, look) + "\n";
    }
    // With less room than that beside it, all of the text stands below.
    constexpr std::size_t least = 12;
    std::string out = head;
    if (used + least <= look.width) {
        out += painted(take_row(text, look.width - used), colour, look);
    } else {
        out.erase(out.find_last_not_of(' ') + 1);
    }
    out += "\n";
    const std::size_t margin = std::min(indent, look.width / 2);
    while (!text.empty()) {
        const std::string_view row = take_row(text, look.width - margin);
        out += std::string(margin, ' ') + painted(row, colour, look) + "\n";
    }
    return out;
}

}  // namespace reeve::ctl
