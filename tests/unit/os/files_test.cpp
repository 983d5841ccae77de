#include "supervisor/os/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

TEST(ReadFile, ReturnsTheWholeContent) {
    TempDir dir;
    const std::string content = std::string(100'000, 'x') + std::string("\0y", 2);
    write_file(dir / "file", content);
    EXPECT_EQ(read_file(dir / "file", 1 << 20).value(), content);
    write_file(dir / "file", "");
    EXPECT_EQ(read_file(dir / "file", 10).value(), "");
    EXPECT_EQ(read_file("/dev/null", 10).value(), "");
    EXPECT_FALSE(read_file("/proc/self/status", 1 << 20).value().empty());
}

TEST(ReadFile, RefusesMoreThanItsBound) {
    TempDir dir;
    write_file(dir / "file", "12345");
    EXPECT_EQ(read_file(dir / "file", 5).value(), "12345");
    EXPECT_EQ(read_file(dir / "file", 4).error().text(),
              "cannot read " + (dir / "file") + ": larger than 4 bytes");
    EXPECT_FALSE(read_file("/dev/zero", 1000));
}

TEST(ReadFile, NeverWaitsForAFifo) {
    TempDir dir;
    ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(read_file(dir / "fifo", 10).error().text(),
              "cannot read " + (dir / "fifo") + ": not a file");
}

TEST(ReadFile, KeepsTheErrno) {
    EXPECT_EQ(read_file("/no/such/file", 10).error().errnum, ENOENT);
    EXPECT_EQ(read_file("/tmp", 10).error().errnum, EISDIR);
}

TEST(WriteAll, WritesMoreThanAPipeHoldsAtOnce) {
    Pipe pipe = Pipe::make();
    const std::string data(1'000'000, 'x');
    std::string got;
    std::thread reader([&] { got = read_to_end(pipe.read); });
    EXPECT_TRUE(write_all(pipe.write.get(), data));
    pipe.write.reset();
    reader.join();
    EXPECT_EQ(got, data);
}

TEST(WriteAll, ReportsWhyItCannot) {
    Pipe pipe = Pipe::make();
    EXPECT_EQ(write_all(pipe.read.get(), "x").error().errnum, EBADF);
}

}  // namespace
}  // namespace reeve::os
