#pragma once

#include <zstd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/ctl/log_fixture.h"

namespace reeve::ctl {

/// One zstd frame, which says how long its text is.
inline std::string frame_of(const std::string& text) {
    std::string frame(ZSTD_compressBound(text.size()), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), text.data(), text.size(), 1));
    return frame;
}

/// One that does not say it, with a checksum, as `zstd` makes of what comes through a pipe.
inline std::string streamed_frame_of(const std::string& text) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    std::string frame(ZSTD_compressBound(text.size()) + 64, '\0');
    ZSTD_outBuffer out{frame.data(), frame.size(), 0};
    for (std::size_t at = 0; at <= text.size(); at += 1000) {
        ZSTD_inBuffer in{text.data() + at, std::min<std::size_t>(1000, text.size() - at), 0};
        const bool last = at + 1000 > text.size();
        while (ZSTD_compressStream2(context, &out, &in, last ? ZSTD_e_end : ZSTD_e_flush) != 0) {
        }
    }
    ZSTD_freeCCtx(context);
    frame.resize(out.pos);
    return frame;
}

inline std::string little_endian(std::uint32_t value) {
    std::string bytes;
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xFF);
    return bytes;
}

/// The table at the end of a file in the seekable format: the sizes of frames and of their texts.
inline std::string seek_table(const std::vector<std::pair<std::size_t, std::size_t>>& frames,
                              bool checksums = false) {
    std::string content;
    for (const auto& [bytes, size] : frames) {
        content += little_endian(static_cast<std::uint32_t>(bytes));
        content += little_endian(static_cast<std::uint32_t>(size));
        if (checksums) content += "sum!";
    }
    content += little_endian(static_cast<std::uint32_t>(frames.size()));
    content += checksums ? '\x80' : '\0';
    content += little_endian(0x8F92EAB1);
    return little_endian(0x184D2A5E) + little_endian(static_cast<std::uint32_t>(content.size())) +
           content;
}

/// A file in the seekable format, whose frames hold about so many bytes, in whole lines.
inline std::string seekable(const std::string& text, std::size_t frame_size = 1u << 20,
                            bool checksums = false) {
    std::string file;
    std::vector<std::pair<std::size_t, std::size_t>> frames;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = text.find('\n', at + frame_size);
        end = end == text.npos ? text.size() : end + 1;
        const std::string frame = frame_of(text.substr(at, end - at));
        frames.emplace_back(frame.size(), end - at);
        file += frame;
        at = end;
    }
    return file + seek_table(frames, checksums);
}

/// What compression does to a rotated file: "@1.log" becomes "@1.log.zst".
inline void compress_file(const std::string& path, std::size_t frame_size = 1u << 20) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    write_file(path + ".tmp", seekable(text, frame_size));
    std::filesystem::rename(path + ".tmp", path + ".zst");
    std::filesystem::remove(path);
}

}  // namespace reeve::ctl
