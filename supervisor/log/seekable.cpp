#include "supervisor/log/seekable.h"

#include <sys/mman.h>
#include <unistd.h>
#define ZSTD_STATIC_LINKING_ONLY  // for a context in memory of our own
#include <zstd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::log {

namespace {

constexpr std::size_t kReadBytes = 64u << 10, kWriteBytes = 32u << 10;
constexpr int kLevel = 3;
// Lines of a log resemble those just before them: what a larger window finds is not worth its
// memory.
constexpr int kWindowLog = 17;
constexpr std::uint32_t kSkippableMagic = 0x184D2A5E, kTableMagic = 0x8F92EAB1;

constexpr std::size_t kHeader = 64;  // in front of a mapping: its size, and the rest keeps aligned

/// A megabyte and more, which malloc would rather keep than give back.
void* map(void* /*nothing*/, std::size_t size) {
    size += kHeader;
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return nullptr;
    std::memcpy(at, &size, sizeof size);
    return static_cast<char*>(at) + kHeader;
}

void unmap(void* /*nothing*/, void* memory) {
    if (memory == nullptr) return;
    char* at = static_cast<char*>(memory) - kHeader;
    std::size_t size = 0;
    std::memcpy(&size, at, sizeof size);
    ::munmap(at, size);
}

struct Frame {
    std::uint32_t compressed = 0, text = 0;
};

/// Writes the frames, then the table. Told the text in pieces of any size.
class SeekableWriter {
  public:
    explicit SeekableWriter(int to)
        : to_(to),
          context_(ZSTD_createCCtx_advanced({map, unmap, nullptr}), ZSTD_freeCCtx),
          out_(kWriteBytes, '\0') {}

    Result<> open() {
        if (context_ == nullptr) return system_error("cannot compress", ENOMEM);
        for (const auto& [parameter, value] :
             {std::pair{ZSTD_c_compressionLevel, kLevel}, std::pair{ZSTD_c_windowLog, kWindowLog},
              std::pair{ZSTD_c_checksumFlag, 1}}) {
            if (auto set = check(ZSTD_CCtx_setParameter(context_.get(), parameter, value)); !set) {
                return set;
            }
        }
        return {};
    }

    Result<> add(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = frame_end(text);
            const bool ends = end != std::string_view::npos;
            const std::string_view taken = text.substr(0, end);
            if (auto done = compress(taken, ends ? ZSTD_e_end : ZSTD_e_continue); !done) {
                return done;
            }
            text.remove_prefix(taken.size());
        }
        return {};
    }

    Result<> finish() {
        if (frame_.text > 0) {
            if (auto done = compress({}, ZSTD_e_end); !done) return done;
        }
        std::string table;
        const auto put = [&](std::uint32_t number) {
            for (int shift = 0; shift < 32; shift += 8) {
                table += static_cast<char>(number >> shift & 0xff);
            }
        };
        put(kSkippableMagic);
        put(static_cast<std::uint32_t>(8 * frames_.size() + 9));
        for (const Frame& frame : frames_) {
            put(frame.compressed);
            put(frame.text);
        }
        put(static_cast<std::uint32_t>(frames_.size()));
        table += '\0';
        put(kTableMagic);
        return write(table);
    }

  private:
    /// How much of the text belongs into the present frame, when that ends in it.
    std::size_t frame_end(std::string_view text) const {
        if (frame_.text + text.size() < kFrameText) return std::string_view::npos;
        const std::size_t enough = frame_.text < kFrameText ? kFrameText - frame_.text : 1;
        const std::size_t newline = text.find('\n', enough - 1);
        if (newline != std::string_view::npos) return newline + 1;
        return frame_.text + text.size() < kLongestFrameText ? std::string_view::npos : text.size();
    }

    Result<> compress(std::string_view text, ZSTD_EndDirective how) {
        ZSTD_inBuffer in{text.data(), text.size(), 0};
        for (std::size_t left = 1; in.pos < in.size || (how == ZSTD_e_end && left > 0);) {
            ZSTD_outBuffer out{out_.data(), out_.size(), 0};
            left = ZSTD_compressStream2(context_.get(), &out, &in, how);
            if (auto done = check(left); !done) return done;
            if (auto done = write({out_.data(), out.pos}); !done) return done;
            frame_.compressed += static_cast<std::uint32_t>(out.pos);
        }
        frame_.text += static_cast<std::uint32_t>(text.size());
        if (how != ZSTD_e_end) return {};
        frames_.push_back(frame_);
        frame_ = {};
        return {};
    }

    Result<> write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::write(to_, bytes.data(), bytes.size());
            if (n < 0 && errno != EINTR) return system_error("cannot write");
            if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return {};
    }

    static Result<> check(std::size_t returned) {
        if (ZSTD_isError(returned) == 0) return {};
        return error("cannot compress: " + std::string(ZSTD_getErrorName(returned)));
    }

    const int to_;
    const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context_;
    std::string out_;
    Frame frame_;
    std::vector<Frame> frames_;
};

}  // namespace

Result<bool> compress_seekable(int from, int to, const std::atomic<bool>& stop) {
    SeekableWriter writer(to);
    if (auto opened = writer.open(); !opened) return opened.error();
    std::string text(kReadBytes, '\0');
    while (!stop) {
        const ssize_t n = ::read(from, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("cannot read");
        if (n > 0) {
            const std::string_view got(text.data(), static_cast<std::size_t>(n));
            if (auto added = writer.add(got); !added) return added.error();
            continue;
        }
        if (auto finished = writer.finish(); !finished) return finished.error();
        return true;
    }
    return false;
}

}  // namespace reeve::log
