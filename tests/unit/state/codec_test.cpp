// Whatever a record holds comes back the same.
#include "supervisor/state/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/pfr/tuple_size.hpp>

#include "supervisor/core/policy.h"
#include "supervisor/state/fields.h"

namespace reeve::state {
namespace {

using ::testing::ElementsAre;

const std::vector<config::ServicePtr> definitions{std::make_shared<config::Service>(),
                                                  std::make_shared<config::Service>()};

std::uint64_t number_of(const config::ServicePtr& service) {
    return service == definitions[0] ? 1 : 2;
}
config::ServicePtr definition_of(std::uint64_t number) {
    return number <= definitions.size() ? definitions[number - 1] : nullptr;
}

/// An archive that gives every member a value of its own, or none now and then.
class Filler {
  public:
    explicit Filler(std::uint64_t seed) : random_(seed) {}

    template <typename T>
    T make() {
        T value{};
        fill(value);
        return value;
    }
    template <typename T>
    void operator()(std::string_view, T& value) {
        value = T{};
        if (below(4) != 0) fill(value);
    }
    template <typename Enum>
    void choice(std::string_view, Enum& value, Enum last) {
        value = static_cast<Enum>(below(static_cast<std::uint64_t>(last) + 1));
    }
    template <typename... T>
    void alternatives(std::variant<T...>& value) {
        const std::uint64_t index = below(sizeof...(T));
        std::size_t at = 0;
        ((at++ == index ? fields(*this, value.template emplace<T>()) : void()), ...);
    }

  private:
    std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }

    void fill(bool& truth) { truth = below(2) != 0; }
    template <std::integral T>
    void fill(T& number) {
        number = static_cast<T>(random_.next() >> below(64));
    }
    void fill(std::string& text) {
        for (std::uint64_t n = below(12); n > 0; --n) text += static_cast<char>(below(256));
    }
    void fill(config::ServicePtr& definition) { definition = definitions[below(2)]; }
    template <typename T>
    void fill(std::optional<T>& maybe) {
        fill(maybe.emplace());
    }
    template <typename T>
    void fill(std::vector<T>& items) {
        for (std::uint64_t n = below(4); n > 0; --n) fill(items.emplace_back());
    }
    void fill(std::map<std::string, std::string>& texts) {
        for (std::uint64_t n = below(4); n > 0; --n)
            texts[make<std::string>()] = make<std::string>();
    }
    template <typename T>
    void fill(T& value) {
        if constexpr (is_duration<T>) {
            value = T(make<typename T::rep>());
        } else if constexpr (is_time_point<T>) {
            value = T(make<typename T::duration>());
        } else if constexpr (is_a<T, StrongId>) {
            fill(value.value);
        } else {
            fields(*this, value);
        }
    }

    core::Random random_;
};

/// An archive that counts members.
struct Counter {
    std::size_t members = 0;
    template <typename T>
    void operator()(std::string_view, const T&) {
        ++members;
    }
    template <typename T>
    void choice(std::string_view, const T&, T) {
        ++members;
    }
};

template <typename T>
std::size_t count_written() {
    Counter counter;
    const T value{};
    fields(counter, value);
    return counter.members;
}

template <typename T>
void expect_round_trips() {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        const T value = Filler(seed).make<T>();
        const std::string text = encode(value, number_of);
        EXPECT_EQ(std::count_if(text.begin(), text.end(),
                                [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
                  0);
        const auto read = decode<T>(text, definition_of);
        ASSERT_TRUE(read) << read.error().text() << "\n" << text;
        EXPECT_EQ(*read, value) << text;
    }
}

template <typename T>
std::string problem_of(const std::string& text) {
    const auto read = decode<T>(text, definition_of);
    return read ? "" : read.error().text();
}

TEST(Codec, ReadsWhatItHasWritten) {
    expect_round_trips<core::UnitSnapshot>();
    expect_round_trips<core::Engine::Snapshot>();
    expect_round_trips<state::Run>();
    expect_round_trips<Command>();
    expect_round_trips<Definition>();
    expect_round_trips<PlanRecord>();
}

template <typename... T>
void expect_all_written() {
    const std::vector<std::size_t> written{count_written<T>()...};
    EXPECT_THAT(written, ElementsAre(boost::pfr::tuple_size_v<T>...));
}

TEST(Codec, LeavesNoMemberOut) {
    expect_all_written<ExitStatus, ResourceUsage, Process, Tree, End, state::Run, Command>();
    expect_all_written<core::Asking, core::HookTurn, core::Watch, core::Waiting, core::Starting,
                       core::Running, core::Reloading, core::Stopping, core::Backoff>();
    expect_all_written<core::LastExit, core::RunResult, core::FailureNote, core::EndedRun,
                       core::RestartHistory, core::UnitSnapshot>();
    expect_all_written<core::Units::Numbers, core::Engine::Shutdown, core::Engine::Snapshot>();
    expect_all_written<config::Relations, Definition, PlanRecord>();
    // Where a look through its neighbours ended is of no use to a successor.
    EXPECT_EQ(count_written<core::Memory>() + 1, boost::pfr::tuple_size_v<core::Memory>);
}

TEST(Codec, WritesNothingOfWhatSaysNothing) {
    Command command;
    command.tree.kind = Tree::Kind::Cgroup;
    EXPECT_EQ(encode(command, number_of), "{}");
    EXPECT_EQ(encode(core::Engine::Snapshot{{1, 2, 0}, 0, true, {}}, number_of),
              R"({"numbers":{"service":1,"run":2},"booted":true})");
    EXPECT_EQ(*decode<core::Engine::Snapshot>("{}", definition_of), core::Engine::Snapshot());
}

TEST(Codec, PassesOverWhatALaterVersionAdded) {
    const auto read = decode<core::Engine::Snapshot>(
        R"({"mood":{"is":[1,2]},"booted":true,"shutdown":{"haste":9}})", definition_of);
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->booted);
    EXPECT_EQ(read->shutdown, core::Engine::Shutdown());
}

TEST(Codec, NamesWhatItCannotRead) {
    using core::UnitSnapshot;
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"state":{"is":2,"step":9}})"),
              "its state.step cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"state":{"is":9}})"), "its state.is cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"memory":{"pid":4294967296}})"),
              "its memory.pid cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"id":-1})"), "its id cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"cause":7})"), "its cause cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"definition":3})"), "its definition cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"memory":{"failures":[{},{"result":[]}]}})"),
              "its memory.failures[1].result cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"memory":{"history":{"times":[0,1.5]}}})"),
              "its memory.history.times[1] cannot be used");
    EXPECT_EQ(problem_of<UnitSnapshot>(R"({"memory":{"halting":1}})"),
              "its memory.halting cannot be used");
    EXPECT_EQ(problem_of<state::Run>(R"({"directories":{"A":1}})"),
              "its directories.A cannot be used");
    EXPECT_EQ(problem_of<state::Run>("[]"), "it cannot be used");
    EXPECT_EQ(problem_of<state::Run>("{").substr(0, 18), "it is no JSON text");
    EXPECT_EQ(problem_of<state::Run>(std::string(100'000, '[')).substr(0, 18),
              "it is no JSON text");
}

}  // namespace
}  // namespace reeve::state
