#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

/// Files on tmpfs that are memory which outlives the process: of one size, with a first line that
/// names their layout.
namespace reeve::log {

struct KeptLayout {
    std::string_view magic;
    std::size_t bytes;
};

struct KeptFile {
    Fd fd;
    bool fresh = false;  ///< all zeros, and without its magic, which is to be written last
};

/// Opens it; anything that is not of that layout is replaced.
Result<KeptFile> open_kept(const std::string& path, const KeptLayout& layout);
/// Such a file without a name.
Result<KeptFile> unnamed_kept(const KeptLayout& layout);
/// An error when something is there that open_kept() would replace. Changes nothing.
Result<> check_kept(const std::string& path, const KeptLayout& layout);

/// Takes memory for a part of it, so that touching that cannot raise SIGBUS.
Result<> reserve(int fd, std::size_t offset, std::size_t bytes);
Result<char*> map_kept(int fd, std::size_t offset, std::size_t bytes);
/// A slot's pages twice in a row, so that a ring has no seam.
Result<char*> map_twice(int fd, std::size_t offset);

}  // namespace reeve::log
