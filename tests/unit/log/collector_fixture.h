#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "supervisor/log/collector.h"
#include "tests/unit/log/support.h"

namespace reeve::log {

/// A Collector with directories of its own, and a pipe for a console.
struct CollectorTest : testing::Test {
    CollectorTest() {
        std::filesystem::create_directory(runtime);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        console_out.reset(ends[0]);
        console_in.reset(ends[1]);
    }

    void start() {
        collector.reset();
        auto started = Collector::start({.runtime_dir = runtime,
                                         .log_dir = logs,
                                         .console_fd = console_in.get(),
                                         .syslog_path = syslog,
                                         .spare_for = spare_for,
                                         .on_problem = [this](std::string problem) {
                                             const std::lock_guard lock(mutex);
                                             problems.push_back(std::move(problem));
                                         }});
        ASSERT_TRUE(started) << started.error().text();
        collector = std::move(*started);
    }

    Collector::Ends open(const std::string& service, const config::Log& log = {}) {
        auto ends = collector->open(service, log, ::geteuid(), ::getegid());
        if (!ends) ADD_FAILURE() << ends.error().text();
        return ends ? std::move(*ends) : Collector::Ends{};
    }

    void drain(const std::string& service) {
        std::promise<void> done;
        collector->drain(service, [&] { done.set_value(); });
        done.get_future().wait();
    }

    std::string current(const std::string& service) const {
        return read_file(logs + "/" + service + "/current");
    }
    std::vector<std::string> records(const std::string& service) const {
        return records_of(current(service));
    }
    /// All files of a service one after the other, as they were written.
    std::string all_files(const std::string& service) const {
        std::string all;
        for (const std::string& name : rotated_in(logs + "/" + service)) {
            all += read_file(logs + "/" + service + "/" + name);
        }
        return all + current(service);
    }
    std::size_t problem_count() {
        const std::lock_guard lock(mutex);
        return problems.size();
    }

    TempDir dir;
    std::string runtime = dir / "run", logs = dir / "logs", syslog = dir / "syslog";
    Duration spare_for = 10s;
    Fd console_out, console_in;
    std::mutex mutex;
    std::vector<std::string> problems;
    std::unique_ptr<Collector> collector;
};

}  // namespace reeve::log
