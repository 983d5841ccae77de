#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/simulation/world.h"

/// reeve-simulation: a seeded world drives the engine and looks at the rules after every event.
namespace reeve::simulation {
namespace {

struct Options {
    std::uint64_t first_seed = 1;
    std::uint64_t seeds = 50;
    std::uint64_t events = 20'000;  ///< of each seed
    bool one_seed = false;
    bool trace = false;
    bool bench = false;
};

constexpr std::uint64_t usage_error = ~std::uint64_t{0};

std::uint64_t number(const char* text) {
    char* end = nullptr;
    const std::uint64_t value = std::strtoull(text, &end, 10);
    return *text != '\0' && *end == '\0' ? value : usage_error;
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--trace") {
            options.trace = true;
        } else if (word == "--bench") {
            options.bench = true;
        } else {
            if (i + 1 >= argc) return false;
            const std::uint64_t value = number(argv[++i]);
            if (value == usage_error) return false;
            if (word == "--seed") {
                options.first_seed = value;
                options.seeds = 1;
                options.one_seed = true;
            } else if (word == "--first") {
                options.first_seed = value;
            } else if (word == "--seeds") {
                options.seeds = value;
            } else if (word == "--events") {
                options.events = value;
            } else {
                return false;
            }
        }
    }
    return true;
}

/// The same world once more, telling what happens; the last lines are what led to the end.
void tell(std::uint64_t seed, std::uint64_t events, std::size_t most_lines) {
    World world(seed, true);
    world.trace(true);
    std::vector<std::string> lines;
    while (world.tally().events < events) {
        const std::vector<std::string> wrong = world.step();
        for (std::string& line : world.take_lines()) lines.push_back(std::move(line));
        if (lines.size() > 2 * most_lines) {
            lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most_lines));
        }
        if (!wrong.empty()) break;
    }
    const std::size_t first = lines.size() > most_lines ? lines.size() - most_lines : 0;
    for (std::size_t i = first; i < lines.size(); ++i) std::puts(lines[i].c_str());
}

bool run(std::uint64_t seed, const Options& options, Tally& sum) {
    World world(seed, !options.bench);
    while (world.tally().events < options.events) {
        const std::vector<std::string> wrong = world.step();
        if (wrong.empty()) continue;
        if (!options.trace) tell(seed, options.events, 80);
        std::printf("\nseed %llu, event %llu:\n", static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(world.tally().events));
        for (const std::string& sentence : wrong) std::printf("  %s\n", sentence.c_str());
        std::printf("again: reeve-simulation --seed %llu --events %llu\n",
                    static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(options.events));
        return false;
    }
    const Tally& tally = world.tally();
    sum.events += tally.events;
    sum.hash = sum.hash * 31 + tally.hash;
    sum.spawns += tally.spawns;
    sum.replies += tally.replies;
    sum.kills += tally.kills;
    sum.lives += tally.lives;
    sum.plans += tally.plans;
    sum.calms += tally.calms;
    sum.deaths += tally.deaths;
    return true;
}

/// The same seed gives the same world, action by action.
bool is_deterministic(std::uint64_t seed) {
    const auto hash = [seed] {
        World world(seed, false);
        while (world.tally().events < 5'000) (void)world.step();
        return world.tally().hash;
    };
    if (hash() == hash()) return true;
    std::printf("seed %llu does not replay\n", static_cast<unsigned long long>(seed));
    return false;
}

int simulate(const Options& options) {
    if (options.trace) tell(options.first_seed, options.events, ~std::size_t{0} / 4);
    if (!is_deterministic(options.first_seed)) return 1;
    Tally sum;
    const auto begin = std::chrono::steady_clock::now();
    std::uint64_t failed = 0;
    for (std::uint64_t i = 0; i < options.seeds && failed < 3; ++i) {
        failed += !run(options.first_seed + i, options, sum);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%llu events in %.2f s: %.0f a second%s\n",
                static_cast<unsigned long long>(sum.events), took.count(),
                static_cast<double>(sum.events) / took.count(),
                options.bench ? "" : ", every rule looked at after each");
    std::printf(
        "%llu lives, %llu spawns, %llu kills, %llu replies, %llu new plans, %llu calms, "
        "%llu deaths; "
        "hash %016llx\n",
        static_cast<unsigned long long>(sum.lives), static_cast<unsigned long long>(sum.spawns),
        static_cast<unsigned long long>(sum.kills), static_cast<unsigned long long>(sum.replies),
        static_cast<unsigned long long>(sum.plans), static_cast<unsigned long long>(sum.calms),
        static_cast<unsigned long long>(sum.deaths), static_cast<unsigned long long>(sum.hash));
    return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace reeve::simulation

int main(int argc, char** argv) {
    reeve::simulation::Options options;
    if (!reeve::simulation::parse(argc, argv, options)) {
        std::fputs(
            "usage: reeve-simulation [--seed N | --first N --seeds N] [--events N] [--trace] "
            "[--bench]\n",
            stderr);
        return 2;
    }
    return reeve::simulation::simulate(options);
}
