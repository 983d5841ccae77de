#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "ctl/zstd_text.h"

namespace reeve::ctl {

/// One file of a log, open: its text at any offset, as if no file were compressed.
class LogText {
  public:
    /// A name that ends in ".zst" is that of a compressed one. ENOENT when there is none.
    static Result<LogText> open(const std::string& path);

    /// Fewer bytes than asked for only at the end, and before what is damaged.
    Result<std::size_t> read_at(std::uint64_t offset, char* into, std::size_t size);

    /// How long the text was when it was opened, in bytes.
    std::uint64_t size() const { return size_; }
    bool compressed() const { return zstd_.has_value(); }
    int fd() const { return fd_.get(); }

  private:
    explicit LogText(Fd fd) : fd_(std::move(fd)) {}

    Fd fd_;
    std::optional<ZstdText> zstd_;
    std::uint64_t size_ = 0;
    std::string path_;
};

}  // namespace reeve::ctl
