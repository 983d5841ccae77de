#include "ctl/zstd_text.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/unit/ctl/zstd_fixture.h"

namespace reeve::ctl {
namespace {

using testing::HasSubstr;

Fd file_of(const std::string& content) {
    Fd fd(memfd_create("zst", MFD_CLOEXEC));
    EXPECT_EQ(write(fd.get(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    return fd;
}

std::string read(ZstdText& text, std::uint64_t offset, std::size_t size) {
    std::string out(size, '\0');
    const auto got = text.read_at(offset, out.data(), size);
    EXPECT_TRUE(got) << got.error().text();
    out.resize(got ? *got : 0);
    return out;
}

/// That a file is read as this text, from its beginning and from anywhere.
void expect_text(const std::string& content, const std::string& expected) {
    const Fd fd = file_of(content);
    auto text = ZstdText::open(fd.get());
    ASSERT_TRUE(text) << text.error().text();
    EXPECT_EQ(text->size(), expected.size());
    EXPECT_EQ(read(*text, 0, expected.size() + 10), expected);
    std::minstd_rand random(1);
    for (int i = 0; i < 300; ++i) {
        const std::size_t at = random() % (expected.size() + 1);
        const std::size_t size = random() % 100'000;
        ASSERT_EQ(read(*text, at, size), expected.substr(at, size)) << at << " " << size;
    }
    EXPECT_EQ(read(*text, expected.size(), 1), "");
}

TEST(ZstdText, IsReadAnywhereByItsTable) {
    const std::string text = records(1, 3000);
    expect_text(seekable(text, 10'000), text);
    expect_text(seekable(text, 10'000, true), text);
    expect_text(seekable(text), text);
}

TEST(ZstdText, IsReadWithoutATable) {
    const std::string text = records(1, 3000);
    expect_text(frame_of(text), text);
    expect_text(streamed_frame_of(text), text);
    expect_text(frame_of(records(1, 10)) + streamed_frame_of(records(11, 20)) + frame_of("") +
                    frame_of(records(21, 30)),
                records(1, 30));
    expect_text(frame_of(std::string(3'000'000, 'x')), std::string(3'000'000, 'x'));
}

TEST(ZstdText, IsReadFromFilesThatWerePutTogether) {
    const std::string first = records(1, 1000);
    const std::string second = records(1001, 2000);
    expect_text(seekable(first, 9'000) + seekable(second, 5'000), first + second);
    expect_text(frame_of(first) + seekable(second, 5'000), first + second);
}

TEST(ZstdText, OfALargeFrameIsHeldPieceByPiece) {
    std::string text;
    for (int i = 0; text.size() < 12u << 20; ++i) text += record(i, std::to_string(i * 7919));
    expect_text(streamed_frame_of(text), text);
}

TEST(ZstdText, OfNothingIsEmpty) {
    expect_text("", "");
    expect_text(seekable(""), "");
    expect_text(frame_of(""), "");
}

TEST(ZstdText, TableThatCannotBeTrueIsNotBelieved) {
    const std::string text = records(1, 100);
    const std::string frame = frame_of(text);
    expect_text(frame + seek_table({{frame.size() - 1, text.size()}}), text);
    std::string count = seek_table({{frame.size(), text.size()}});
    count[count.size() - 9] = '\xff';
    expect_text(frame + count, text);
}

TEST(ZstdText, ThatIsDamagedIsAnErrorAndNothingWorse) {
    const std::string whole = seekable(records(1, 2000), 10'000);
    const Fd other = file_of("this is no such file at all");
    EXPECT_THAT(ZstdText::open(other.get()).error().text(), HasSubstr("damaged"));
    const Fd torn = file_of(whole.substr(0, whole.size() / 2));
    EXPECT_THAT(ZstdText::open(torn.get()).error().text(), HasSubstr("ends too early"));
    std::minstd_rand random(1);
    for (int i = 0; i < 300; ++i) {
        std::string broken = whole;
        for (int j = 0; j < 3; ++j) broken[random() % broken.size()] = static_cast<char>(random());
        const Fd fd = file_of(broken);
        auto text = ZstdText::open(fd.get());
        std::string out(50'000, '\0');
        for (std::uint64_t at = 0; text && at < std::min<std::uint64_t>(text->size(), 200'000);) {
            const auto got = text->read_at(at, out.data(), out.size());
            if (!got || *got == 0) break;
            at += *got;
        }
    }
}

}  // namespace
}  // namespace reeve::ctl
