#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <utility>

#include "supervisor/log/spool.h"
#include "tests/unit/log/support.h"

namespace reeve::log {

inline const SlotUse kUse{"web", Source::Err, true, false, 1000};

inline std::size_t pending(int fd) {
    int n = 0;
    return ::ioctl(fd, FIONREAD, &n) == 0 ? static_cast<std::size_t>(n) : 0;
}

struct SpoolTest : testing::Test {
    SpoolTest() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    Spool open() {
        auto spool = Spool::open(path);
        if (!spool) {
            ADD_FAILURE() << spool.error().text();
            std::abort();
        }
        return std::move(*spool);
    }
    void fill(Spool& spool, Slot& slot, std::string_view bytes) {
        put(writing.get(), bytes);
        const auto got = spool.fill(slot, reading.get(), bytes.size());
        ASSERT_TRUE(got);
        ASSERT_EQ(*got, bytes.size());
    }

    std::string read_headers() const {
        std::string bytes(64 << 10, '\0');
        std::ifstream(path, std::ios::binary).read(bytes.data(), std::ssize(bytes));
        return bytes;
    }
    void write_at(std::size_t offset, std::string_view bytes) const {
        const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
                  std::ssize(bytes));
    }

    TempDir dir;
    std::string path = dir / "spool";
    Fd reading, writing;
};

}  // namespace reeve::log
