#include "supervisor/log/seekable.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

struct Frame {
    std::size_t compressed = 0, text = 0;
};

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        number |= std::uint32_t{static_cast<unsigned char>(bytes.at(at + i))} << (8 * i);
    }
    return number;
}

/// Reads the table as the public description of the format says.
std::vector<Frame> table_of(std::string_view bytes) {
    const std::size_t footer = bytes.size() - 9;
    EXPECT_EQ(number_at(bytes, footer + 5), 0x8F92EAB1u);
    EXPECT_EQ(bytes[footer + 4], '\0');
    const std::size_t count = number_at(bytes, footer);
    std::size_t at = footer - 8 * count - 8;
    EXPECT_EQ(number_at(bytes, at), 0x184D2A5Eu);
    EXPECT_EQ(number_at(bytes, at + 4), 8 * count + 9);
    std::vector<Frame> frames;
    std::size_t all = at;
    for (at += 8; at < footer; at += 8) {
        frames.push_back({number_at(bytes, at), number_at(bytes, at + 4)});
        all -= frames.back().compressed;
    }
    EXPECT_EQ(all, 0u) << "the frames begin where the file begins";
    return frames;
}

std::string expanded(std::string_view bytes, std::size_t most) {
    std::string text(most + 1, '\0');
    const std::size_t size = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
    EXPECT_EQ(ZSTD_isError(size), 0u) << ZSTD_getErrorName(size);
    text.resize(ZSTD_isError(size) != 0 ? 0 : size);
    return text;
}

struct SeekableTest : testing::Test {
    std::string compress(const std::string& text) {
        write_file(dir / "plain", text);
        const Fd from(::open((dir / "plain").c_str(), O_RDONLY | O_CLOEXEC));
        const Fd to(
            ::open((dir / "packed").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        const auto done = compress_seekable(from.get(), to.get(), stop);
        EXPECT_TRUE(done && *done);
        return read_file(dir / "packed");
    }

    TempDir dir;
    std::atomic<bool> stop{false};
};

/// Lines that do not compress to nothing.
std::string numbered_lines(std::size_t bytes) {
    std::string text;
    for (std::uint32_t i = 0; text.size() < bytes; ++i) {
        text += "line " + std::to_string(i * 2654435761u) + "\n";
    }
    return text;
}

TEST_F(SeekableTest, GivesBackTheSameBytes) {
    for (const std::string& text :
         {std::string(), std::string("one\n"), std::string("no newline"), std::string(3, '\0'),
          numbered_lines(kFrameText - 1), numbered_lines(3 * kFrameText + 12345)}) {
        EXPECT_TRUE(expanded(compress(text), text.size()) == text) << text.size() << " bytes";
    }
}

TEST_F(SeekableTest, EachFrameIsWholeLinesThatCanBeReadAlone) {
    const std::string text = numbered_lines(5 * kFrameText);
    const std::string packed = compress(text);
    std::size_t at = 0, text_at = 0;
    const std::vector<Frame> frames = table_of(packed);
    EXPECT_GE(frames.size(), 5u);
    for (const Frame& frame : frames) {
        const std::string part =
            expanded(std::string_view(packed).substr(at, frame.compressed), frame.text);
        EXPECT_TRUE(part == text.substr(text_at, frame.text));
        EXPECT_EQ(part.back(), '\n');
        EXPECT_LT(part.size(), kFrameText + 100);
        at += frame.compressed;
        text_at += frame.text;
    }
    EXPECT_EQ(text_at, text.size());
}

TEST_F(SeekableTest, ALineWithoutEndIsCut) {
    const std::string text(kLongestFrameText + kFrameText, 'x');
    const std::string packed = compress(text);
    for (const Frame& frame : table_of(packed)) EXPECT_LE(frame.text, kLongestFrameText);
    EXPECT_TRUE(expanded(packed, text.size()) == text);
}

TEST_F(SeekableTest, AnEmptyFileHasATableWithoutFrames) {
    EXPECT_TRUE(table_of(compress("")).empty());
}

TEST_F(SeekableTest, GivesUpWhenToldTo) {
    write_file(dir / "plain", "one\n");
    const Fd from(::open((dir / "plain").c_str(), O_RDONLY | O_CLOEXEC));
    stop = true;
    const auto done = compress_seekable(from.get(), -1, stop);
    ASSERT_TRUE(done);
    EXPECT_FALSE(*done);
}

TEST_F(SeekableTest, SaysWhyItCannotWrite) {
    write_file(dir / "plain", numbered_lines(kFrameText));
    const Fd from(::open((dir / "plain").c_str(), O_RDONLY | O_CLOEXEC));
    const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const auto done = compress_seekable(from.get(), full.get(), stop);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().errnum, ENOSPC);
}

}  // namespace
}  // namespace reeve::log
