#pragma once

#include <atomic>
#include <cstddef>

#include "base/result.h"

/// The compressed form of a log: a file that zstd(1) and zstdcat(1) read, and in which a place can
/// be found without reading what is before it. Independent zstd frames, each with about a mebibyte
/// of text and cut at the end of a line; behind them a skippable frame with a table of their sizes,
/// in zstd's public "seekable format". All numbers are little endian, 32 bits where not said:
///
///   0x184D2A5E, size of what follows,
///   for each frame its compressed and its decompressed size,
///   number of frames, 8 bits of 0 (no checksums in the table), 0x8F92EAB1
namespace reeve::log {

/// A frame ends at the first end of a line from here on.
inline constexpr std::size_t kFrameText = 1u << 20;
/// Where no line ends a frame does all the same, so that a reader's memory is bounded.
inline constexpr std::size_t kLongestFrameText = 16u << 20;

/// Compresses what is left in `from` into `to`, two regular files.
/// Takes about 1.3 MiB of memory while it runs, whatever the size. False: it gave up because `stop`
/// became true, and `to` holds a part.
Result<bool> compress_seekable(int from, int to, const std::atomic<bool>& stop);

}  // namespace reeve::log
