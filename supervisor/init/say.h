#pragma once

#include <unistd.h>

#include <string>

#include "base/result.h"

namespace reeve::init {

/// One line on stderr, without the streams' buffers and locales.
inline void say(const Error& error) {
    const std::string line = "reeved: " + error.text() + "\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace reeve::init
