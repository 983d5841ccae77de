// Records in a file: what is put in is found again, and what is damaged is missed, no more.
#include "supervisor/state/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "supervisor/core/policy.h"
#include "tests/unit/state/support.h"

namespace reeve::test {
namespace {

using state::Changes;
using state::Key;
using state::Kind;
using state::Store;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Values = std::map<Key, std::string>;

state::Origin origin() { return {"this boot", 7, ::geteuid()}; }

Key unit(std::uint64_t number) { return {Kind::Unit, number}; }

struct Opened {
    state::Contents contents;
    std::optional<Store> store;

    explicit Opened(const std::string& path, const state::Origin& from = origin()) {
        auto opened = Store::open(path, from, contents);
        EXPECT_TRUE(opened) << opened.error().text();
        if (opened) store.emplace(std::move(*opened));
    }
    Values values() const {
        Values found;
        for (const auto& [key, extent] : contents.records) found[key] = contents.value(extent);
        return found;
    }
    const std::vector<std::string>& problems() const { return contents.problems; }
};

Values reopened(const std::string& path) {
    const Opened again(path);
    EXPECT_THAT(again.problems(), IsEmpty());
    return again.values();
}

std::size_t size_of(const std::string& path) { return std::filesystem::file_size(path); }

/// A file of three records, one of them of several blocks.
void write_three(const std::string& path) {
    Opened file(path);
    ASSERT_TRUE(file.store->apply({{unit(1), "old"}, {unit(2), std::string(300, 'b')}}));
    ASSERT_TRUE(file.store->apply({{unit(1), "a"}, {{Kind::Engine}, "c"}}));
}
const Values three{{{Kind::Engine}, "c"}, {unit(1), "a"}, {unit(2), std::string(300, 'b')}};
constexpr std::size_t end_of_three = 8 * state::block_size;

/// Nothing is there that was never written.
void expect_some_of_three(const Values& values) {
    for (const auto& [key, value] : values) {
        EXPECT_TRUE(three.at(key) == value || (key == unit(1) && value == "old")) << value;
    }
}

TEST(Store, HasTheUsualChecksumOfAnyLength) {
    EXPECT_EQ(state::crc_of("123456789"), 0xcbf43926u);
    std::string text;
    for (int length = 0; length < 100; ++length) {
        std::uint32_t bit_by_bit = ~0u;
        for (const char byte : text) {
            bit_by_bit ^= static_cast<unsigned char>(byte);
            for (int bit = 0; bit < 8; ++bit) {
                bit_by_bit =
                    (bit_by_bit & 1) != 0 ? bit_by_bit >> 1 ^ 0xedb88320u : bit_by_bit >> 1;
            }
        }
        EXPECT_EQ(state::crc_of(text), ~bit_by_bit) << length;
        text += static_cast<char>(length * 37);
    }
}

TEST(Store, FindsAgainWhatWasPutIntoIt) {
    const Folder folder;
    write_three(folder / "state");
    EXPECT_EQ(reopened(folder / "state"), three);
    EXPECT_EQ(reopened(folder / "state"), three);
}

TEST(Store, IsForItsOwnerAlone) {
    const Folder folder;
    write_three(folder / "state");
    struct stat status {};
    ASSERT_EQ(::stat((folder / "state").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(Store, ForgetsWhatIsErased) {
    const Folder folder;
    write_three(folder / "state");
    ASSERT_TRUE(
        Opened(folder / "state")
            .store->apply({{unit(1), std::nullopt}, {unit(2), "b"}, {unit(9), std::nullopt}}));
    EXPECT_EQ(reopened(folder / "state"), (Values{{{Kind::Engine}, "c"}, {unit(2), "b"}}));
}

TEST(Store, GrowsWithWhatIsInItAndUsesRoomAgain) {
    const Folder folder;
    Opened file(folder / "state");
    core::Random random(1);
    Values expected;
    const auto write = [&](std::uint64_t number) {
        const std::string value(random.next() % 2000, static_cast<char>('a' + random.next() % 26));
        expected[unit(number)] = value;
        ASSERT_TRUE(file.store->apply({{unit(number), value}}));
    };
    for (std::uint64_t number = 0; number < 500; ++number) write(number);
    for (int turn = 0; turn < 5000; ++turn) write(random.next() % 500);
    const std::size_t size = size_of(folder / "state");
    for (int turn = 0; turn < 20'000; ++turn) write(random.next() % 500);
    EXPECT_LE(size_of(folder / "state"), size + size / 8);
    EXPECT_EQ(reopened(folder / "state"), expected);
    // Whoever takes it over knows which room is free.
    Opened again(folder / "state");
    for (int turn = 0; turn < 5000; ++turn) {
        ASSERT_TRUE(again.store->apply({{unit(random.next() % 500), std::string(1000, 'z')}}));
    }
    EXPECT_LE(size_of(folder / "state"), size + size / 8);
}

TEST(Store, WritesNothingThatIsThereAlready) {
    const Folder folder;
    write_three(folder / "state");
    Opened file(folder / "state");
    const std::string before = read_bytes(folder / "state");
    ASSERT_TRUE(file.store->apply({{unit(1), "a"}, {unit(7), std::nullopt}}));
    EXPECT_EQ(read_bytes(folder / "state"), before);
}

TEST(Store, TakesNothingFromAnotherBootNamespaceUserOrKindOfFile) {
    const Folder folder;
    const std::string path = folder / "state";
    const auto problem = [&](const state::Origin& from) {
        write_three(path);
        const Opened file(path, from);
        EXPECT_THAT(file.values(), IsEmpty());
        EXPECT_EQ(file.problems().size(), 1u);
        std::filesystem::remove(path);
        return file.problems().empty() ? "" : file.problems().front();
    };
    EXPECT_EQ(problem({"another boot", 7, ::geteuid()}), "it is of another boot");
    EXPECT_EQ(problem({"this boot", 8, ::geteuid()}), "it is of another PID namespace");
    EXPECT_EQ(problem({"this boot", 7, ::geteuid() + 1}), "it belongs to another user");
    const auto problem_with = [&](const std::string& bytes) {
        write_bytes(path, bytes);
        const Opened file(path);
        EXPECT_THAT(file.values(), IsEmpty());
        EXPECT_EQ(file.problems().size(), 1u);
        return file.problems().empty() ? "" : file.problems().front();
    };
    EXPECT_EQ(problem_with("hello"), "it is no file of states");
    EXPECT_EQ(problem_with(std::string(1000, 'x')), "it is no file of states");
    std::filesystem::remove(path);
    write_three(path);
    std::string later = read_bytes(path);
    later[8] = 2;
    EXPECT_EQ(problem_with(later), "it has format 2, which is not known");
    std::filesystem::resize_file(path, state::largest_file + 1);
    EXPECT_THAT(Opened(path).problems(),
                ElementsAre("it is larger than any that this version writes"));
}

TEST(Store, FollowsNoLinkAndWaitsForNoPipe) {
    const Folder folder;
    write_three(folder / "elsewhere");
    std::filesystem::create_symlink(folder / "elsewhere", folder / "state");
    EXPECT_THAT(Opened(folder / "state").problems(), ElementsAre("it is a symbolic link"));
    EXPECT_EQ(reopened(folder / "elsewhere"), three);
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_THAT(Opened(folder / "pipe").problems(), ElementsAre("it is no regular file"));
}

TEST(Store, BeginsAnewWhereOnlyTheMakingOfAFileWasCutShort) {
    const Folder folder;
    for (const std::size_t length : {std::size_t{0}, state::block_size, std::size_t{65536}}) {
        write_bytes(folder / "state", std::string(length, '\0'));
        EXPECT_THAT(reopened(folder / "state"), IsEmpty());
    }
}

TEST(Store, ReadsWhatIsLeftOfAFileCutAtAnyLength) {
    const Folder folder;
    write_three(folder / "whole");
    const std::string whole = read_bytes(folder / "whole");
    for (std::size_t length = 0; length <= end_of_three; ++length) {
        write_bytes(folder / "state", whole.substr(0, length));
        Opened file(folder / "state");
        expect_some_of_three(file.values());
        if (length == end_of_three) {
            EXPECT_EQ(file.values(), three);
        }
        ASSERT_TRUE(file.store->apply({{unit(5), std::string(500, 'n')}}));
        Values expected = file.values();
        expected[unit(5)] = std::string(500, 'n');
        EXPECT_EQ(reopened(folder / "state"), expected);
    }
}

TEST(Store, MissesNoMoreThanTheRecordInWhichABitIsWrong) {
    const Folder folder;
    write_three(folder / "whole");
    const std::string whole = read_bytes(folder / "whole").substr(0, end_of_three);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        std::string bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        write_bytes(folder / "state", bytes);
        const Opened file(folder / "state");
        const Values values = file.values();
        expect_some_of_three(values);
        if (bit / 8 < state::block_size) {
            if (values != three) {
                EXPECT_EQ(file.problems().size(), 1u) << bit;
            }
            continue;
        }
        EXPECT_GE(values.size(), 2u) << bit;
        EXPECT_EQ(file.problems().size(), 3 - values.size()) << bit;
        if (values.contains(unit(1))) {
            EXPECT_EQ(values.at(unit(1)), "a");
        }
        EXPECT_EQ(reopened(folder / "state"), values);
    }
}

TEST(Store, ReadsAnythingWithoutHarm) {
    const Folder folder;
    write_three(folder / "whole");
    const std::string whole = read_bytes(folder / "whole").substr(0, end_of_three);
    core::Random random(1);
    for (int turn = 0; turn < 3000; ++turn) {
        std::string bytes = whole;
        for (std::uint64_t n = random.next() % 40; n > 0; --n) {
            const std::size_t at = state::block_size + random.next() % (bytes.size() - 128);
            bytes[at] = static_cast<char>(random.next());
        }
        write_bytes(folder / "state", bytes);
        expect_some_of_three(Opened(folder / "state").values());
    }
}

TEST(Store, RefusesAValueThatIsTooLargeForItsFile) {
    const Folder folder;
    write_three(folder / "state");
    Opened file(folder / "state");
    EXPECT_FALSE(file.store->apply({{unit(3), std::string(state::largest_file, 'x')}}));
    EXPECT_EQ(reopened(folder / "state"), three);
}

}  // namespace
}  // namespace reeve::test
