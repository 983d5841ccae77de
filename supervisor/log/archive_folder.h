#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "config/plan.h"

/// What is done about the rotated files of one service: those too many or too old are removed, the
/// others compressed.
///
/// @STAMP.log is compressed to .@STAMP.log.zst.part, which becomes @STAMP.log.zst once it is whole,
/// and then the plain file goes. Whatever the instant of a kill, a reader finds at least one of the
/// two, and where it finds both the compressed one is whole. A .part is of no use to anybody.
namespace reeve::log {

struct Tended {
    /// When the next file is too old, if none changes until then.
    std::optional<WallTime> next{};
    bool current_is_old = false;     ///< to be rotated by the thread that writes it
    bool to_compress = false;        ///< there are files for compress_folder()
    std::optional<Error> problem{};  ///< the first thing that failed; the others were done
};

/// When a file's last line was written, as far as can be told without reading it: the time of its
/// last change, but not after the moment of its rotation.
WallTime time_of_last_line(WallTime rotated, WallTime changed);

/// Removes what is to be removed now from a folder, which need not exist. `compressing`: files in
/// there are being compressed, and a .part is no leftover.
Tended tend_folder(const std::string& folder, const config::Log& rules, WallTime now,
                   bool compressing);

struct Compressed {
    bool more = false;               ///< it was enough for one turn, and files are left
    std::optional<Error> problem{};  ///< the first thing that failed
};

/// Compresses files in a folder, the oldest first, a few at most. Takes its time; gives up once
/// `stop` is true. The folder may be tended meanwhile: what is removed under its hands may come
/// back in the other form, to be removed by the next look.
Compressed compress_folder(const std::string& folder, const std::atomic<bool>& stop);

}  // namespace reeve::log
