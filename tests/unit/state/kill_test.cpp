// A store whose process is killed in the midst of any of its writes, or has no room for one.
#include <sys/syscall.h>

#include <functional>

#include "supervisor/core/policy.h"
#include "supervisor/state/store.h"
#include "tests/unit/state/support.h"

namespace {

struct Write {
    int fd;
    std::string_view bytes;
    std::size_t offset;
};
/// Told of each write before it is done; an errno is what becomes of it instead.
std::function<int(const Write&)> before_write;
/// What becomes of making a file larger instead; 0: nothing else.
int growth_fails = 0;

}  // namespace

// These take the place of libc's for the whole program.
extern "C" ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
    if (before_write) {
        const int failed = before_write(
            {fd, {static_cast<const char*>(bytes), size}, static_cast<std::size_t>(offset)});
        if (failed != 0) return errno = failed, -1;
    }
    return ::syscall(SYS_pwrite64, fd, bytes, size, offset);
}

extern "C" int posix_fallocate(int fd, off_t offset, off_t length) {
    if (growth_fails != 0) return growth_fails;
    return ::syscall(SYS_fallocate, fd, 0, offset, length) == 0 ? 0 : errno;
}

namespace reeve::test {
namespace {

using state::Changes;
using state::Key;
using state::Kind;
using state::Store;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::IsEmpty;

using Values = std::map<Key, std::string>;

state::Origin origin() { return {"this boot", 7, ::geteuid()}; }

Store open(const std::string& path, Values& values) {
    state::Contents contents;
    auto opened = Store::open(path, origin(), contents);
    EXPECT_TRUE(opened);
    EXPECT_THAT(contents.problems, IsEmpty());
    for (const auto& [key, extent] : contents.records) values[key] = contents.value(extent);
    return std::move(*opened);
}

Values read(const std::string& path) {
    Values values;
    (void)open(path, values);
    return values;
}

class Work {
  public:
    /// Some records at a time get values or go.
    Changes next(Values& values) {
        Changes changes;
        for (std::uint64_t n = random_.next() % 4; n < 4; ++n) {
            const Key key{Kind::Unit, random_.next() % 8};
            if (random_.next() % 5 == 0) {
                changes[key] = std::nullopt;
                values.erase(key);
            } else {
                const std::size_t size = random_.next() % 7 == 0 ? 5000 : random_.next() % 400;
                changes[key] = std::string(size, static_cast<char>('a' + random_.next() % 26));
                values[key] = *changes[key];
            }
        }
        return changes;
    }

  private:
    core::Random random_{1};
};

TEST(KilledStore, HasWhatWasThereBeforeAChangeOrAllOfWhatIsThereAfterIt) {
    const Folder folder;
    const std::string path = folder / "state", copy = folder / "copy";
    Values before, after;
    Store store = open(path, before);
    Work work;
    std::size_t kills = 0;
    const auto die = [&](const Write& write) {
        const auto armed = std::exchange(before_write, nullptr);
        const std::string bytes = read_bytes(path);
        // The kernel heeds a SIGKILL between two pages at most; to us it is between two blocks.
        for (std::size_t done = 0; done <= write.bytes.size();) {
            std::string cut = bytes;
            cut.replace(write.offset, done, write.bytes.substr(0, done));
            write_bytes(copy, cut);
            EXPECT_THAT(read(copy), AnyOf(Eq(before), Eq(after)));
            // Once more: what a successor does with it first may be cut short as well.
            EXPECT_THAT(read(copy), AnyOf(Eq(before), Eq(after)));
            ++kills;
            const std::size_t block = (write.offset + done) / state::block_size + 1;
            const std::size_t next = block * state::block_size - write.offset;
            if (done < write.bytes.size() && next > write.bytes.size()) {
                done = write.bytes.size();
            } else {
                done = next;
            }
        }
        before_write = armed;
        return 0;
    };
    for (int turn = 0; turn < 150; ++turn) {
        const Changes changes = work.next(after);
        before_write = die;
        const auto applied = store.apply(changes);
        before_write = nullptr;
        ASSERT_TRUE(applied);
        before = after;
        ASSERT_EQ(read(path), before);
        store = open(path, before);
    }
    EXPECT_GT(kills, 2000u);
}

TEST(KilledStore, LosesNothingWhenItsSuccessorIsKilledWhileTakingOver) {
    const Folder folder;
    const std::string path = folder / "state";
    Values before, after;
    Store store = open(path, before);
    Work work;
    for (int turn = 0; turn < 60; ++turn) {
        const Changes changes = work.next(after);
        std::vector<std::string> leavings;
        before_write = [&](const Write&) { return leavings.push_back(read_bytes(path)), 0; };
        ASSERT_TRUE(store.apply(changes));
        before_write = nullptr;
        for (const std::string& left : leavings) {
            write_bytes(folder / "copy", left);
            const Values expected = read(folder / "copy");
            write_bytes(folder / "copy", left);
            before_write = [&](const Write& write) {
                const auto armed = std::exchange(before_write, nullptr);
                write_bytes(folder / "again", read_bytes(folder / "copy"));
                EXPECT_EQ(read(folder / "again"), expected) << write.offset;
                before_write = armed;
                return 0;
            };
            EXPECT_EQ(read(folder / "copy"), expected);
            before_write = nullptr;
        }
    }
}

TEST(KilledStore, NeedsOneWriteToForgetARecordThatGoesAlone) {
    const Folder folder;
    const std::string path = folder / "state";
    Values values;
    Store store = open(path, values);
    const Key key{Kind::Unit, 1}, other{Kind::Unit, 2};
    ASSERT_TRUE(store.apply({{key, "one"}, {other, "other"}}));
    std::size_t writes = 0;
    before_write = [&](const Write&) { return ++writes, 0; };
    const auto applied = store.apply({{key, std::nullopt}});
    before_write = nullptr;
    ASSERT_TRUE(applied);
    EXPECT_EQ(writes, 1u);
    EXPECT_EQ(read(path), (Values{{other, "other"}}));
}

TEST(FullStore, KeepsWhatItHasAndGoesOnWhenThereIsRoomAgain) {
    const Folder folder;
    const std::string path = folder / "state";
    Values values;
    Store store = open(path, values);
    const Key key{Kind::Unit, 1}, other{Kind::Unit, 2};
    ASSERT_TRUE(store.apply({{key, "old"}}));
    growth_fails = ENOSPC;
    const auto failed = store.apply({{other, "new"}, {key, std::string(100'000, 'x')}});
    growth_fails = 0;
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().errnum, ENOSPC);
    EXPECT_EQ(read(path), (Values{{key, "old"}}));
    ASSERT_TRUE(store.apply({{other, "new"}, {key, std::string(100'000, 'x')}}));
    EXPECT_EQ(read(path), (Values{{key, std::string(100'000, 'x')}, {other, "new"}}));
}

TEST(FullStore, TakesBackWhatItHasWrittenOfAChangeThatFails) {
    const Folder folder;
    const std::string path = folder / "state";
    Values values;
    Store store = open(path, values);
    Work work;
    core::Random random(1);
    for (int turn = 0; turn < 500; ++turn) {
        Values after = values;
        const Changes changes = work.next(after);
        std::size_t writes = random.next() % 3;
        bool done = false;
        before_write = [&](const Write&) { return done || writes-- > 0 ? 0 : (done = true, EIO); };
        const bool applied = bool{store.apply(changes)};
        before_write = nullptr;
        if (applied) values = after;
        ASSERT_EQ(read(path), values) << turn;
    }
}

}  // namespace
}  // namespace reeve::test
