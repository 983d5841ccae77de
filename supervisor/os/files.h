#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::os {

/// The whole content of a file. Never waits: a FIFO, a socket or a directory is an error, and so is
/// a file of more than `max` bytes; `trusted`: and one that others
/// than root and we can write.
Result<std::string> read_file(const std::string& path, std::size_t max, bool trusted = false);

/// Writes all of it, however many calls that takes; on a descriptor that blocks.
Result<> write_all(int fd, std::string_view data);

/// The folder that a path leads to a file of.
std::string folder_of(const std::string& path);

/// Whether the path leads to the file that is open.
bool is_open_at(int fd, const std::string& path);

/// Makes a file (0600) that has what the open one has, which somebody has deleted, and puts it at
/// the path in one step, in place of whatever is there. It is open for reading and writing.
Result<Fd> put_back(int deleted, const std::string& path);

}  // namespace reeve::os
