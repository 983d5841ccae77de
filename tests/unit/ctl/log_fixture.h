#pragma once

#include <string>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {

/// A record with a time that sorts like its number.
inline std::string record(int number, const std::string& text, const std::string& tag = "F",
                          const std::string& stream = "stdout") {
    char time[64];
    std::snprintf(time, sizeof time, "2026-11-21T00:%02d:%02d.000000000Z", number / 60 % 60,
                  number % 60);
    return std::string(time) + " " + stream + " " + tag + " " + text + "\n";
}

/// Records "line FIRST" to "line LAST".
inline std::string records(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += record(i, "line " + std::to_string(i));
    return text;
}

/// What those are printed as.
inline std::string printed(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
}

}  // namespace reeve::ctl
