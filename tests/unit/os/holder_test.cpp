#include "supervisor/os/holder.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>

#include "supervisor/os/holder/record.h"
#include "supervisor/os/pidfd.h"
#include "supervisor/os/proc_file.h"
#include "tests/unit/os/holder_fixture.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

TEST_F(AHolder, GivesASuccessorWhatWaitsInPipesAndSockets) {
    have_predecessor([&](Holder& holder) {
        holder.keep({a_kind, 1}, pipe_with("last words"));
        holder.keep({a_kind, 2}, bound(dir_ / "datagrams", SOCK_DGRAM));
        Fd listening = bound(dir_ / "clients", SOCK_STREAM);
        listen(listening.get(), 8);
        holder.keep({a_kind, 3}, std::move(listening));
    });
    end_predecessor();
    const Fd sender = connected(dir_ / "datagrams", SOCK_DGRAM);
    ASSERT_EQ(send(sender.get(), "READY=1", 7, 0), 7);
    const Fd client = connected(dir_ / "clients", SOCK_STREAM);
    ASSERT_TRUE(client);

    auto holder = find();
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->pid(), holders_.front());
    auto all = all_of(*holder);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(read_to_end(*held_as(all, 1)), "last words");
    char datagram[16];
    EXPECT_EQ(recv(held_as(all, 2)->get(), datagram, sizeof datagram, MSG_DONTWAIT), 7);
    EXPECT_TRUE(Fd(accept4(held_as(all, 3)->get(), nullptr, nullptr, SOCK_CLOEXEC)));
    for (const auto& held : all) {
        EXPECT_NE(fcntl(held.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
    }
}

TEST_F(AHolder, HasTheKernelTellHowAProcessEndedThatWasReaped) {
    Pipe told = Pipe::make();
    Pipe life = Pipe::make();
    have_predecessor([&](Holder& holder) {
        life.write.reset();
        const pid_t child = fork();
        if (child == 0) {
            read_to_end(life.read);
            _exit(7);
        }
        dprintf(told.write.get(), "pid %d\n", child);
        holder.keep({a_kind, 1}, std::move(open_pidfd(child)).value());
    });
    const pid_t child = read_pid(told.read);
    end_predecessor();
    life.write.reset();
    ASSERT_EQ(waitpid(child, nullptr, 0), child);

    auto holder = find();
    ASSERT_TRUE(holder);
    auto all = all_of(*holder);
    ASSERT_EQ(all.size(), 1u);
    const auto status = exit_of_reaped(all[0].fd.get());
    if (!status) GTEST_SKIP() << "the kernel does not tell";
    EXPECT_EQ(*status, ExitStatus::exited(7));
}

TEST_F(AHolder, HoldsTheLatestOfAKeyAndNothingThatWasDropped) {
    auto holder = start();
    ASSERT_TRUE(holder);
    const auto as = [](std::uint64_t id) { return Holder::Key{a_kind, id}; };
    Pipe replaced = Pipe::make(), dropped = Pipe::make();
    holder->keep(as(1), std::move(replaced.write));
    holder->keep(as(2), std::move(dropped.write));
    holder->keep(as(3), pipe_with("three"));
    ASSERT_TRUE(flush_all(*holder));
    holder->keep(as(1), pipe_with("one"));
    holder->drop(as(2));
    holder->drop(as(4));
    ASSERT_TRUE(flush_all(*holder));
    EXPECT_TRUE(is_let_go(replaced));
    EXPECT_TRUE(is_let_go(dropped));
    auto all = all_of(*holder);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(read_to_end(*held_as(all, 1)), "one");
    EXPECT_EQ(read_to_end(*held_as(all, 3)), "three");
}

TEST_F(AHolder, IsNotSentWhatIsDroppedBeforeTheFlush) {
    auto holder = start();
    ASSERT_TRUE(holder);
    holder->keep({a_kind, 1}, pipe_with("older"));
    ASSERT_TRUE(flush_all(*holder));
    Pipe pipe = Pipe::make();
    holder->keep({a_kind, 1}, std::move(pipe.write));
    holder->drop({a_kind, 1});
    EXPECT_TRUE(is_let_go(pipe));
    EXPECT_TRUE(all_of(*holder).empty());
}

TEST_F(AHolder, FindsEachKeyAmongManyThatComeAndGo) {
    auto holder = start();
    ASSERT_TRUE(holder);
    const Fd file(open("/", O_PATH | O_CLOEXEC));
    std::vector<bool> expected(3000);
    std::uint64_t random = 1;
    for (int i = 0; i < 20'000; ++i) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const std::uint64_t id = (random >> 33) % expected.size();
        expected[id] = (random >> 60) % 2 == 0;
        if (expected[id]) holder->keep({a_kind, id}, duplicate(file.get()));
        if (!expected[id]) holder->drop({a_kind, id});
        if (i % 100 != 0) continue;
        ASSERT_TRUE(flush_all(*holder));
    }
    std::vector<bool> held(expected.size());
    for (const auto& one : all_of(*holder)) held[one.key.id] = true;
    EXPECT_EQ(held, expected);
}

TEST_F(AHolder, HoldsTwentyThousandOrAsManyAsCanBeOpen) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const std::uint64_t count = std::min<rlim_t>(limit.rlim_cur - 100, 20'000);
    have_predecessor([&](Holder& holder) {
        const Fd file(open("/", O_PATH | O_CLOEXEC));
        for (std::uint64_t id = 0; id < count; ++id) {
            holder.keep({a_kind, id}, duplicate(file.get()));
            if (!flush_all(holder)) _exit(1);
        }
    });
    end_predecessor();
    auto holder = find();
    ASSERT_TRUE(holder);
    const auto all = all_of(*holder);
    EXPECT_EQ(all.size(), count);
    std::vector<bool> seen(count);
    for (const auto& held : all) seen[held.key.id] = true;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<std::ptrdiff_t>(count));
}

TEST_F(AHolder, ServesOneSuccessorAfterAnother) {
    have_predecessor([&](Holder& holder) { holder.keep({a_kind, 1}, pipe_with("one")); });
    end_predecessor();
    {
        auto second = find();
        ASSERT_TRUE(second);
        EXPECT_EQ(all_of(*second).size(), 1u);
        second->keep({a_kind, 2}, pipe_with("two"));
        ASSERT_TRUE(flush_all(*second));
    }
    auto third = find();
    ASSERT_TRUE(third);
    auto all = all_of(*third);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(read_to_end(*held_as(all, 1)), "one");
    EXPECT_EQ(read_to_end(*held_as(all, 2)), "two");
}

TEST_F(AHolder, KeepsWhatCameFromAnOwnerThatDidNotReadTheAnswer) {
    have_predecessor([&](Holder& holder) {
        const HolderRecord give{HolderRecord::Give, 0, 0};
        send(holder.fd(), &give, sizeof give, MSG_NOSIGNAL);
        if (!becomes(holder.fd(), POLLIN)) _exit(1);
        kill(holder.pid(), SIGSTOP);
        holder.keep({a_kind, 1}, pipe_with("one"));
    });
    end_predecessor();
    kill(holders_.front(), SIGCONT);
    auto holder = find();
    ASSERT_TRUE(holder);
    EXPECT_EQ(all_of(*holder).size(), 1u);
}

TEST_F(AHolder, SendsAwayWhoeverComesWhileItHasAnOwner) {
    auto holder = start();
    ASSERT_TRUE(holder);
    EXPECT_TRUE(is_sent_away(connected(path_, SOCK_SEQPACKET)));
    EXPECT_FALSE(find());
    holder->keep({a_kind, 1}, pipe_with("one"));
    EXPECT_EQ(all_of(*holder).size(), 1u);
}

TEST_F(AHolder, SendsAwayAStranger) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
    have_predecessor([](Holder&) {});
    end_predecessor();
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    chmod(path_.c_str(), 0666);
    chmod(dir_.path().c_str(), 0755);
    EXPECT_TRUE(holds_in_child([&] {
        if (setgid(65534) != 0 || setuid(65534) != 0) return false;
        return is_sent_away(connected(path_, SOCK_SEQPACKET));
    }));
    EXPECT_TRUE(find());
}

TEST_F(AHolder, LeavesOutWhatItHasNoRoomForAndStillTakesASuccessor) {
    have_predecessor([&](Holder& holder) {
        const rlimit low{20, 20};
        if (prlimit(holder.pid(), RLIMIT_NOFILE, &low, nullptr) != 0) _exit(1);
        for (std::uint64_t id = 0; id < 50; ++id) holder.keep({a_kind, id}, pipe_with("x"));
    });
    end_predecessor();
    auto holder = find();
    ASSERT_TRUE(holder);
    auto all = all_of(*holder);
    EXPECT_EQ(all.size(), 15u);
    ASSERT_NE(held_as(all, 0), nullptr);
    EXPECT_EQ(held_as(all, 49), nullptr);
    EXPECT_EQ(read_to_end(*held_as(all, 0)), "x");
    // There is none left for whoever connects, but that does not keep it busy or deaf.
    const Fd another = connected(path_, SOCK_SEQPACKET);
    holder->drop({a_kind, 0});
    EXPECT_EQ(all_of(*holder).size(), 14u);
}

TEST_F(AHolder, LetsGoAndEndsWhenToldTo) {
    auto holder = start();
    ASSERT_TRUE(holder);
    Pipe pipe = Pipe::make();
    holder->keep({a_kind, 1}, std::move(pipe.write));
    ASSERT_TRUE(flush_all(*holder));
    holder->end();
    EXPECT_EQ(status_at_end(), 0);
    EXPECT_TRUE(is_let_go(pipe));
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(AHolder, EndsWithItsOwnerWhenNobodyCanFindIt) {
    have_predecessor([](Holder&) {});
    const auto replacement = start();
    end_predecessor();
    EXPECT_EQ(status_at_end(), 0);
}

TEST_F(AHolder, EndsWhereNobodyCanFindItAnyMore) {
    have_predecessor([](Holder&) {});
    end_predecessor();
    std::filesystem::remove(path_);
    EXPECT_EQ(status_at_end(), 0);
}

TEST_F(AHolder, ThatWasKilledIsAnErrorToItsOwnerAndNotFound) {
    auto holder = start();
    ASSERT_TRUE(holder);
    kill(holders_.front(), SIGKILL);
    EXPECT_EQ(status_at_end(), SIGKILL);
    holder->keep({a_kind, 1}, pipe_with("one"));
    EXPECT_FALSE(holder->flush());
    EXPECT_FALSE(find());
    EXPECT_TRUE(start());
}

TEST_F(AHolder, IsNotFoundWhereThereNeverWasOne) { EXPECT_FALSE(find()); }

TEST_F(AHolder, ThatDoesNotAnswerIsAnError) {
    have_predecessor([](Holder&) {});
    kill(holders_.front(), SIGSTOP);
    end_predecessor();
    const auto found = Holder::find(path_);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().errnum, ETIMEDOUT);
}

TEST_F(AHolder, EndsThoughItDidNotListenWhenItWasToldTo) {
    auto holder = start();
    ASSERT_TRUE(holder);
    kill(holders_.front(), SIGSTOP);
    for (auto sent = holder->flush(); *sent; sent = holder->flush()) {
        holder->drop({a_kind, 1});
    }
    EXPECT_TRUE(holder->flush());
    holder->end();
    kill(holders_.front(), SIGCONT);
    EXPECT_EQ(status_at_end(), 0);
}

TEST_F(AHolder, HasNothingOfItsSupervisors) {
    const Pipe pipe = Pipe::make();
    auto holder = start();
    ASSERT_TRUE(holder);
    const std::string proc = "/proc/" + std::to_string(holder->pid());
    std::size_t open_count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(proc + "/fd")) {
        (void)entry;
        ++open_count;
    }
    EXPECT_EQ(open_count, 5u);
    EXPECT_EQ(std::filesystem::read_symlink(proc + "/fd/1"), "/");
    EXPECT_EQ(std::filesystem::read_symlink(proc + "/cwd"), "/");
    EXPECT_EQ(getpgid(holder->pid()), holder->pid());
    EXPECT_EQ(read_long_proc_file((proc + "/comm").c_str(), 100), "reeve-holder\n");
    EXPECT_EQ(read_long_proc_file((proc + "/environ").c_str(), 100), "");
    const std::string name = "reeve-holder: " + dir_.path();
    EXPECT_EQ(read_long_proc_file((proc + "/cmdline").c_str(), 1000).value().c_str(), name);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGQUIT}) kill(holder->pid(), signal);
    EXPECT_TRUE(all_of(*holder).empty());
}

}  // namespace
}  // namespace reeve::os
