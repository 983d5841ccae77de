#include "supervisor/log/framer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace reeve::log {
namespace {

constexpr std::string_view kStamp = "2026-11-21T00:40:00.123456789Z";

struct Outcome {
    std::string text;  // the stamp replaced by T
    Framed framed;
};

Outcome frame_all(std::string_view input, std::size_t max_line = 100, Tail tail = Tail::Keep,
                  Source source = Source::Out, std::size_t room = 10000, bool mid_line = false) {
    std::vector<char> out(room);
    const Framed framed = frame(input, {max_line, tail}, source, kStamp, mid_line, out);
    std::string text(out.data(), framed.written);
    for (std::size_t at = 0; (at = text.find(kStamp, at)) != std::string::npos;) {
        text.replace(at, kStamp.size(), "T");
    }
    return {text, framed};
}

TEST(Framer, WritesOneRecordForEachLine) {
    const Outcome done = frame_all("one\ntwo\n");
    EXPECT_EQ(done.text, "T stdout F one\nT stdout F two\n");
    EXPECT_EQ(done.framed.consumed, 8u);
    EXPECT_EQ(done.framed.lines, 2u);
    EXPECT_EQ(frame_all("x\n", 100, Tail::Keep, Source::Err).text, "T stderr F x\n");
}

TEST(Framer, WritesTheWholeStampInFront) {
    std::vector<char> out(100);
    const Framed framed = frame("a\n", {10, Tail::Keep}, Source::Out, kStamp, false, out);
    EXPECT_EQ(std::string_view(out.data(), framed.written),
              "2026-11-21T00:40:00.123456789Z stdout F a\n");
}

TEST(Framer, KeepsEmptyLines) {
    EXPECT_EQ(frame_all("\n\na\n").text, "T stdout F \nT stdout F \nT stdout F a\n");
}

TEST(Framer, PassesBytesThroughUntouched) {
    const std::string line("\0\xff\r\t\x80 \x1b[0m", 9);
    EXPECT_EQ(frame_all(line + "\n").text, "T stdout F " + line + "\n");
}

TEST(Framer, KeepsAnUnfinishedLineForLater) {
    const Outcome done = frame_all("one\ntw");
    EXPECT_EQ(done.text, "T stdout F one\n");
    EXPECT_EQ(done.framed.consumed, 4u);
    EXPECT_FALSE(done.framed.full);
    EXPECT_EQ(frame_all("").framed.consumed, 0u);
}

TEST(Framer, ALastLineWithoutNewlineIsALine) {
    EXPECT_EQ(frame_all("one\ntw", 100, Tail::Finish).text, "T stdout F one\nT stdout F tw\n");
    EXPECT_EQ(frame_all("one\n", 100, Tail::Finish).text, "T stdout F one\n");
    const Outcome part = frame_all("tw", 100, Tail::Part);
    EXPECT_EQ(part.text, "T stdout P tw\n");
    EXPECT_TRUE(part.framed.mid_line);
    EXPECT_EQ(part.framed.lines, 0u);
}

TEST(Framer, CutsLongLinesIntoParts) {
    const Outcome done = frame_all("abcdefgh\nij\n", 3);
    EXPECT_EQ(done.text, "T stdout P abc\nT stdout P def\nT stdout F gh\nT stdout F ij\n");
    EXPECT_EQ(done.framed.lines, 2u);
    EXPECT_FALSE(done.framed.mid_line);
}

TEST(Framer, ALineOfExactlyTheLimitIsWhole) {
    EXPECT_EQ(frame_all("abc\nabcdef\n", 3).text,
              "T stdout F abc\nT stdout P abc\nT stdout F def\n");
    EXPECT_EQ(frame_all("abc", 3).framed.consumed, 0u) << "its newline may be next";
    EXPECT_EQ(frame_all("abcd", 3).framed.consumed, 3u);
}

TEST(Framer, GivesTheSameRecordsHoweverTheBytesArrive) {
    const std::string input = "a\n\nbcdefgh\nijk\nlmnopqrstuvwxyz\n";
    const std::string whole = frame_all(input, 4).text;
    std::string pieces, waiting;
    for (const char c : input) {
        waiting += c;
        const Outcome done = frame_all(waiting, 4);
        pieces += done.text;
        waiting.erase(0, done.framed.consumed);
    }
    EXPECT_EQ(pieces, whole);
    EXPECT_EQ(waiting, "");
}

TEST(Framer, StopsWhenTheNextRecordHasNoRoom) {
    const std::size_t one = kRecordOverhead + 3;
    const Outcome exact = frame_all("abc\ndef\n", 100, Tail::Keep, Source::Out, 2 * one);
    EXPECT_EQ(exact.framed.consumed, 8u);
    EXPECT_FALSE(exact.framed.full);
    const Outcome short_by_one = frame_all("abc\ndef\n", 100, Tail::Keep, Source::Out, 2 * one - 1);
    EXPECT_EQ(short_by_one.framed.consumed, 4u);
    EXPECT_TRUE(short_by_one.framed.full);
}

TEST(Framer, RemembersThatALineWasBegun) {
    EXPECT_TRUE(frame_all("ab", 100, Tail::Keep, Source::Out, 100, true).framed.mid_line);
    EXPECT_FALSE(frame_all("ab\n", 100, Tail::Keep, Source::Out, 100, true).framed.mid_line);
}

}  // namespace
}  // namespace reeve::log
