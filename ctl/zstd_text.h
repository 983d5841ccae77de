#pragma once

#include <zstd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reeve::ctl {

/// The text of a .zst file at any offset, without unpacking what is not asked for.
///
/// A file in the "zstd seekable format" ends in a table of its frames, and takes reading one frame
/// to read anywhere. Of any other (one frame, several, files that were put together) the frames are
/// found by walking along the headers of their blocks; a frame that does not say how long its text
/// is has to be unpacked for that once. Holds a few megabytes of text at most, whatever the file.
class ZstdText {
  public:
    /// `fd` is the caller's and has to outlive this. Reads the table, or walks.
    static Result<ZstdText> open(int fd);

    /// Of the text, in bytes.
    std::uint64_t size() const { return size_; }

    /// Fewer bytes than asked for only at the end, and before what is damaged.
    Result<std::size_t> read_at(std::uint64_t offset, char* into, std::size_t size);

  private:
    struct Frame {
        std::uint64_t at = 0;     ///< in the file
        std::uint64_t bytes = 0;  ///< there
        std::uint64_t begin = 0;  ///< in the text
        std::uint64_t size = 0;   ///< there
    };
    struct FreeContext {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };

    explicit ZstdText(int fd) : fd_(fd) {}

    Result<bool> read_table(std::uint64_t file_size);
    Result<void> walk(std::uint64_t file_size);
    Result<std::uint64_t> end_of_frame(std::uint64_t at, std::string_view header);
    Result<std::uint64_t> measure(std::uint64_t at, std::uint64_t end, std::string_view header);
    void add(std::uint64_t at, std::uint64_t bytes, std::uint64_t size);

    void begin_frame(const Frame& frame);
    Result<bool> unpack_more();
    Result<void> unpack_until(const Frame& frame, std::uint64_t offset);

    int fd_;
    std::vector<Frame> frames_;
    std::uint64_t size_ = 0;

    // The frame that is being unpacked, and the piece of its text that is held.
    std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
    std::optional<std::uint64_t> unpacking_;  ///< where the frame begins in the file
    std::uint64_t next_input_ = 0;            ///< in the file
    std::uint64_t input_end_ = 0;
    std::string input_;
    std::size_t input_used_ = 0;
    bool frame_ended_ = false;
    std::uint64_t held_begin_ = 0;  ///< in the text
    std::string held_;
};

}  // namespace reeve::ctl
