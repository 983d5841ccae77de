#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::ctl {

/// Opens a file to be read. ENOENT is a file that was deleted meanwhile.
Result<Fd> open_to_read(const std::string& path);

/// Reads from an offset on; fewer bytes than asked for only at the end of the file.
Result<std::size_t> read_file(int fd, std::uint64_t offset, char* into, std::size_t size);

/// In bytes.
Result<std::uint64_t> size_of_file(int fd);

}  // namespace reeve::ctl
