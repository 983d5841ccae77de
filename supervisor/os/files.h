#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve::os {

/// The whole content of a file. Never waits: a FIFO, a socket or a directory is an error, and so is
/// a file of more than `max` bytes; `trusted`: and one that others
/// than root and we can write.
Result<std::string> read_file(const std::string& path, std::size_t max, bool trusted = false);

/// Writes all of it, however many calls that takes; on a descriptor that blocks.
Result<> write_all(int fd, std::string_view data);

}  // namespace reeve::os
