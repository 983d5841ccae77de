#include "supervisor/shell/boot_watch.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/plan_builder.h"

namespace reeve::shell {
namespace {

using test::Service;

/// An engine that boots, with somebody who watches.
class Boot {
  public:
    explicit Boot(const std::vector<Service>& services, config::Supervisor supervisor = {})
        : engine_(test::plan(services, std::move(supervisor)), 1),
          watch_([this](const BootOutcome& outcome) {
              EXPECT_FALSE(told_) << "told twice";
              told_ = outcome;
          }) {
        event(core::BootAsked{});
    }

    Boot& event(const core::Event& event) {
        watch_.look(engine_, engine_.handle(event, now_), now_);
        return *this;
    }
    Boot& spawned(const std::string& name) { return event(core::Spawned{run(name), 100}); }
    Boot& ready(const std::string& name) {
        return event(core::Notified{.run = run(name), .ready = true});
    }
    Boot& exits(const std::string& name, int code) {
        return event(core::Exited{run(name), ExitStatus::exited(code), false});
    }
    Boot& deadline() {
        now_ = engine_.next_deadline().value();
        return event(core::DeadlinePassed{});
    }
    core::ServiceId id(const std::string& name) const { return engine_.units().find(name)->id(); }

    bool over() const { return told_.has_value(); }
    int status() const { return told_ ? told_->status : -1; }
    std::string text() const { return told_ ? told_->text : "not over"; }

  private:
    core::RunId run(const std::string& name) const {
        return core::run_of(engine_.units().find(name)->state());
    }

    Time now_{1h};
    core::Engine engine_;
    std::optional<BootOutcome> told_;
    BootWatch watch_;
};

TEST(BootWatchTest, NothingToStartIsABoot) {
    EXPECT_EQ(Boot({}).status(), 0);
    EXPECT_EQ(Boot({Service("off").disabled()}).status(), 0);
    EXPECT_EQ(Boot({Service("all").group()}).status(), 0);
}

TEST(BootWatchTest, IsOverOnceEveryServiceIsReadyOrDone) {
    Boot boot({Service("web").notify(), Service("job").oneshot(), Service("simple")});
    boot.spawned("web").spawned("job").spawned("simple").exits("job", 0);
    EXPECT_FALSE(boot.over());
    boot.ready("web");
    EXPECT_EQ(boot.status(), 0);
    EXPECT_EQ(boot.text(), "");
}

TEST(BootWatchTest, WaitsForWhatIsStartedForOthers) {
    Boot boot({Service("lib").disabled().notify(), Service("app").needs({"lib"})});
    boot.spawned("lib");
    EXPECT_FALSE(boot.over());
    boot.ready("lib").spawned("app");
    EXPECT_EQ(boot.status(), 0);
}

TEST(BootWatchTest, NamesWhatFailedAndWhatWaitsForItAndIsUpAllTheSame) {
    Boot boot({Service("db").restart(config::RestartPolicy::Never).notify(),
               Service("app").needs({"db"}), Service("front").needs({"app"})});
    boot.spawned("db").exits("db", 3);
    EXPECT_EQ(boot.status(), 0);
    EXPECT_EQ(boot.text(),
              "reeved: app has not come up: waits for db (failed)\n"
              "reeved: db has failed: exit 3 after 0 s, before it was ready; restart: never makes "
              "that final\n"
              "reeved: front has not come up: waits for app (waiting)\n");
}

TEST(BootWatchTest, AFirstTryCountsHoweverManyFollow) {
    Boot boot({Service("bad").notify(), Service("slow").notify()});
    boot.spawned("slow").spawned("bad").exits("bad", 1).deadline().spawned("bad");
    EXPECT_FALSE(boot.over());
    boot.ready("slow");
    EXPECT_EQ(boot.status(), 0);
}

TEST(BootWatchTest, DoesNotWaitForWhatSomebodyStops) {
    Boot boot({Service("web").notify()});
    boot.spawned("web");
    boot.event(core::Requested{core::RequestId{1}, core::Verb::Stop, {boot.id("web")}, true, {}});
    EXPECT_EQ(boot.status(), 0);
    EXPECT_EQ(boot.text(), "");
}

TEST(BootWatchTest, DoesNotWaitForWhatIsNoLongerConfigured) {
    Boot boot({Service("web").notify(), Service("other")});
    boot.spawned("web").spawned("other");
    boot.event(core::PlanReplaced{test::plan({Service("other")}), false});
    EXPECT_EQ(boot.status(), 0);
}

TEST(BootWatchTest, AShutdownBeforeItsEndFailsIt) {
    Boot boot({Service("web").notify(), Service("other")});
    boot.spawned("web").spawned("other").event(core::ShutdownAsked{});
    EXPECT_FALSE(boot.over());
    boot.exits("web", 0).exits("other", 0);
    EXPECT_EQ(boot.status(), 1);
    EXPECT_EQ(boot.text(), "reeved: ended with status 0 before the boot was over\n");
}

TEST(BootWatchTest, AServiceThatEndsTheSupervisorFailsItEvenAsTheLastOne) {
    Boot boot({Service("main").restart(config::RestartPolicy::Never).notify().shutdown_on_exit()});
    boot.spawned("main").exits("main", 42);
    EXPECT_EQ(boot.status(), 1);
    EXPECT_EQ(boot.text(),
              "reeved: main has failed: exit 42 after 0 s, before it was ready; restart: never "
              "makes that final\n"
              "reeved: ended with status 42 before the boot was over\n");
}

TEST(BootWatchTest, NothingLeftToDoIsAGoodEnd) {
    config::Supervisor supervisor;
    supervisor.exit_when = config::ExitWhen::Idle;
    Boot boot({Service("job").oneshot()}, supervisor);
    boot.spawned("job").exits("job", 0);
    EXPECT_EQ(boot.status(), 0);
}

TEST(BootWatchTest, OfManyFailuresTheFirstAreNamed) {
    std::vector<Service> services;
    for (int i = 100; i < 130; ++i) {
        services.push_back(Service("s" + std::to_string(i)).needs({"db"}));
    }
    services.push_back(Service("db").oneshot());
    Boot boot(services);
    boot.spawned("db").exits("db", 1);
    const std::string text = boot.text();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 21);
    EXPECT_TRUE(text.ends_with("reeved: nor have 11 others; reevectl status shows them\n"));
}

TEST(BootWatchTest, WhatAProgramPrintedCannotForgeLines) {
    Boot boot({Service("web").notify().restart(config::RestartPolicy::Never)});
    core::RunId run{1};
    boot.event(core::SpawnFailed{run, "exec /x\nreeved: all is well\x1b[2J", false});
    EXPECT_EQ(boot.text(),
              "reeved: web has failed: cannot start: exec /x?reeved: all is well?[2J; restart: "
              "never makes that final\n");
}

}  // namespace
}  // namespace reeve::shell
