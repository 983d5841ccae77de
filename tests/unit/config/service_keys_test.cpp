#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

/// Expects that these keys of a service are refused in one line that contains `part`.
void expect_refused(std::string_view keys, std::string_view part) {
    const auto problems = problems_in(web(keys));
    ASSERT_THAT(problems, SizeIs(1)) << keys;
    EXPECT_THAT(problems.front(), HasSubstr(std::string(part))) << keys;
}

TEST(Service, HasTheDocumentedDefaults) {
    const Service s = service_in("services: {web: {command: [x]}}");
    EXPECT_EQ(s.name, "web");
    EXPECT_EQ(s.execution.type, ServiceType::Simple);
    EXPECT_FALSE(s.execution.credentials);
    EXPECT_EQ(s.execution.working_dir, "/");
    EXPECT_TRUE(s.execution.inherit_environment.all);
    EXPECT_EQ(s.execution.umask, 022u);
    EXPECT_FALSE(s.execution.nice);
    EXPECT_EQ(s.execution.stdin_path, "");
    EXPECT_FALSE(s.policy.ready);
    EXPECT_TRUE(s.policy.enabled);
    EXPECT_EQ(s.policy.start_timeout, 60s);
    EXPECT_EQ(s.policy.restart, RestartPolicy::Always);
    EXPECT_EQ(s.policy.backoff, Backoff{});
    EXPECT_FALSE(s.policy.restart_limit);
    EXPECT_TRUE(s.policy.success_exit.contains(ExitStatus::exited(0)));
    EXPECT_FALSE(s.policy.success_exit.contains(ExitStatus::exited(1)));
    EXPECT_TRUE(s.policy.restart_prevent_exit.codes.none());
    EXPECT_EQ(s.policy.stop, Stop{});
    EXPECT_FALSE(s.policy.reload);
    EXPECT_EQ(s.policy.log, Log{});
}

TEST(Service, LogsToTheConsoleAsPid1) {
    LoadOptions options = as_root();
    options.as_pid1 = true;
    const Log log = service_in("services: {web: {command: [x]}}", options).policy.log;
    EXPECT_TRUE(log.to_console);
    EXPECT_FALSE(log.to_file);
    EXPECT_TRUE(
        service_in("services: {web: {command: [x], log: file}}", options).policy.log.to_file);
}

TEST(Service, ReadsEveryKey) {
    const Service s = service_in(R"(
services:
  web:
    command: [/bin/web, -p, 80, ""]
    description: The web
    enabled: false
    groups: [front, all]
    user: root
    group: "0"
    supplementary_groups: [0]
    working_dir: /srv
    environment: {A: 1, B: "two words", C: true}
    environment_files: [/etc/a, -/etc/b]
    inherit_environment: [PATH, LANG]
    umask: 027
    nice: -5
    limits: {nofile: 10:20, core: unlimited}
    stdin: /dev/zero
    ready: {tcp: 127.0.0.1:80, interval: 1s, timeout: 2s}
    start_timeout: 5s
    restart: on-failure
    backoff: {initial: 1s, factor: 1.5, max: 10s, jitter: 0%, reset_after: 1m}
    restart_limit: {count: 3, within: 1h}
    success_exit: [0, 143, TERM]
    restart_prevent_exit: [2]
    on_exit: shutdown
    on_failure: shutdown
    stop: {signal: QUIT, command: stop it, timeout: 0, scope: tree}
    reload: {signal: USR1, check: [check], timeout: 3s}
    log: {to: [file, console], max_size: 1MiB, max_files: 3, max_line: 1KiB}
)");
    const Execution& e = s.execution;
    EXPECT_THAT(e.command, ElementsAre("/bin/web", "-p", "80", ""));
    ASSERT_TRUE(e.credentials);
    EXPECT_EQ(e.credentials->user, "root");
    EXPECT_EQ(e.credentials->home, "/root");
    EXPECT_THAT(e.credentials->supplementary_groups, ElementsAre(0));
    EXPECT_EQ(e.working_dir, "/srv");
    EXPECT_THAT(e.environment,
                ElementsAre(Pair("A", "1"), Pair("B", "two words"), Pair("C", "true")));
    EXPECT_THAT(e.environment_files,
                ElementsAre(EnvironmentFile{"/etc/a", false}, EnvironmentFile{"/etc/b", true}));
    EXPECT_EQ(e.inherit_environment, (InheritEnvironment{false, {"LANG", "PATH"}}));
    EXPECT_EQ(e.umask, 027u);
    EXPECT_EQ(e.nice, -5);
    EXPECT_THAT(e.limits,
                testing::UnorderedElementsAre(Limit{RLIMIT_NOFILE, 10, 20},
                                              Limit{RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY}));
    EXPECT_EQ(e.stdin_path, "/dev/zero");
    const Policy& p = s.policy;
    EXPECT_EQ(p.description, "The web");
    EXPECT_FALSE(p.enabled);
    EXPECT_THAT(p.groups, ElementsAre("all", "front"));
    EXPECT_EQ(p.ready, (Probe{TcpCheck{"127.0.0.1", 80}, 1s, 2s}));
    EXPECT_EQ(p.start_timeout, 5s);
    EXPECT_EQ(p.restart, RestartPolicy::OnFailure);
    EXPECT_EQ(p.backoff, (Backoff{1s, 1.5, 10s, 0, 1min}));
    EXPECT_EQ(p.restart_limit, (RestartLimit{3, 1h}));
    EXPECT_TRUE(p.success_exit.contains(ExitStatus::exited(143)));
    EXPECT_TRUE(p.success_exit.contains(ExitStatus::killed(SIGTERM)));
    EXPECT_TRUE(p.restart_prevent_exit.contains(ExitStatus::exited(2)));
    EXPECT_EQ(p.on_exit, EndAction::Shutdown);
    EXPECT_EQ(p.on_failure, EndAction::Shutdown);
    EXPECT_EQ(p.stop, (Stop{SIGQUIT, {"stop", "it"}, 0s, StopScope::Tree}));
    EXPECT_EQ(p.reload, (Reload{SIGUSR1, {}, {"check"}, 3s}));
    EXPECT_EQ(p.log,
              (Log{.to_console = true, .max_size = 1u << 20, .max_files = 3, .max_line = 1024}));
}

TEST(Service, TakesACommandAsAStringOrAList) {
    const auto command = [](std::string_view value) {
        return service_in("services: {a: {command: " + std::string(value) + "}}").execution.command;
    };
    EXPECT_THAT(command("\"x 'y z'\""), ElementsAre("x", "y z"));
    EXPECT_THAT(command("[x, 'y z', 010, true, \"'a|b\"]"),
                ElementsAre("x", "y z", "010", "true", "'a|b"));
    EXPECT_THAT(command("sleep 5"), ElementsAre("sleep", "5"));
}

TEST(Service, RefusesBadCommands) {
    expect_refused("stop: {command: 'a | b'}", "services.web.stop.command: contains \"|\"");
    expect_refused("stop: {command: []}", "is an empty command");
    expect_refused("stop: {command: ['']}", "is an empty command");
    expect_refused("stop: {command: ''}", "is an empty command");
    expect_refused("stop: {command: }", "stop.command: has no value");
    expect_refused("stop: {command: [a, [b]]}", "stop.command[1]: is a list");
    expect_refused("stop: {command: [a, ~]}", "stop.command[1]: has no value");
    expect_refused("stop: {command: {a: b}}", "is a map");
}

TEST(Service, TakesOnlyTrueAndFalseAsBooleans) {
    EXPECT_FALSE(service_in(web("enabled: false")).policy.enabled);
    expect_refused("enabled: yes", "enabled: \"yes\" is not a boolean; write true");
    expect_refused("enabled: off", "write false");
    expect_refused("enabled: True", "write true");
    expect_refused("enabled: 'true'", "in quotes");
    expect_refused("enabled: 1", "write true or false");
    LoadOptions options = as_root();
    options.environment["ON"] = "false";
    EXPECT_FALSE(service_in(web("enabled: \"${ON}\""), options).policy.enabled);
}

TEST(Service, GivesThePlaceOfEveryBadValue) {
    EXPECT_THAT(problems_in("services:\n  web:\n    command: [x]\n    umask: 9\n    nice: 20\n"
                            "    start_timeout: soon\n    limits:\n      nofile: x\n"),
                ElementsAre(StartsWith("t.yaml:4:12: error: services.web.umask: "),
                            StartsWith("t.yaml:5:11: error: services.web.nice: "),
                            StartsWith("t.yaml:6:20: error: services.web.start_timeout: "),
                            StartsWith("t.yaml:8:15: error: services.web.limits.nofile: ")));
}

TEST(Service, ChecksTheRangeOfValues) {
    for (const char* keys : {"start_timeout: 0",
                             "backoff: {initial: 0}",
                             "backoff: {factor: 0.5}",
                             "backoff: {factor: 1001}",
                             "backoff: {jitter: 200%}",
                             "backoff: {reset_after: 0s}",
                             "restart_limit: {count: 0, within: 1m}",
                             "ready: {tcp: 'x:1', interval: 0}",
                             "nice: -21",
                             "log: {max_size: 1}",
                             "log: {max_files: -1}",
                             "log: {max_line: 2MiB}",
                             "working_dir: srv",
                             "working_dir: ''",
                             "stdin: file",
                             "stdin: ''",
                             "environment_files: [a]",
                             "environment_files: ['']",
                             "inherit_environment: maybe",
                             "inherit_environment: ['']",
                             "type: 5",
                             "restart: 'no'",
                             "on_exit: exit",
                             "stop: {scope: all}",
                             "groups: [A]",
                             "groups: x",
                             "groups: {a: b}",
                             "success_exit: 0",
                             "success_exit: [256]",
                             "description: [a]",
                             "description: ",
                             "environment: [a]",
                             "environment: {A: }",
                             "environment: {A: [b]}",
                             "environment: {'A=B': c}",
                             "environment: {'': c}",
                             "environment: {REEVE_SERVICE: x}",
                             "limits: {nofiles: 5}",
                             "user: ''",
                             "supplementary_groups: root",
                             "ready: soon",
                             "ready: ",
                             "ready: []",
                             "ready: {exec: ''}",
                             "ready: {tcp: 80}",
                             "reload: HUP",
                             "log: stdout",
                             "log: []",
                             "log: {to: []}",
                             "log: {to: [file, none]}",
                             "log: {to: [inherit, console]}",
                             "log: {max_age: 0}",
                             "log: {compress: gzip}",
                             "log: {rate: 5}",
                             "log: {rate: {lines: 0}}",
                             "log: {rate: {per: 1s}}",
                             "log: {on_full: wait}",
                             "stop: KILL",
                             "backoff: 5s",
                             "restart_limit: 5"}) {
        EXPECT_THAT(problems_in(web(keys)), SizeIs(1)) << keys;
    }
}

TEST(Service, RefusesUnknownKeysWithTheNearestOne) {
    EXPECT_THAT(problems_in("services: {web: {comand: [x], command: [x]}}"),
                ElementsAre("t.yaml:1:18: error: services.web.comand: unknown key; did you mean "
                            "`command`?"));
    expect_refused("stop: {timout: 5s}", "services.web.stop.timout: unknown key; did you mean");
    expect_refused("stop: {zzz: 5s}", "known here are signal, command, timeout, scope and rest");
    expect_refused("zzzzzz: 1", "services.web.zzzzzz: unknown key; remove it");
    expect_refused("<<: {a: b}", "YAML 1.2 has no merge keys: use `defaults`");
}

TEST(Service, RefusesWhatIsNotBuiltYet) {
    for (const char* key : {"cgroup", "schedule", "sockets", "start"}) {
        expect_refused(std::string(key) + ": x",
                       std::string(key) + ": is not supported yet; remove");
    }
}

TEST(Ready, TakesOneProbe) {
    EXPECT_EQ(service_in(web("ready: notify")).policy.ready, Probe{NotifyCheck{}});
    EXPECT_EQ(service_in(web("ready: none")).policy.ready, std::nullopt);
    EXPECT_EQ(service_in(web("ready: {exec: test -e /x}")).policy.ready,
              (Probe{ExecCheck{{"test", "-e", "/x"}}}));
    EXPECT_EQ(service_in(web("ready: {tcp: 'localhost:1'}")).policy.ready,
              (Probe{TcpCheck{"localhost", 1}}));
    expect_refused("ready: {tcp: 'a:1', exec: b}", "services.web.ready: has two probes");
    expect_refused("ready: {interval: 1s}", "services.web.ready: has no probe");
    expect_refused("ready: {}", "services.web.ready: has no probe");
}

TEST(LogKey, KnowsWordsListsAndMaps) {
    const auto log = [](std::string_view keys) { return service_in(web(keys)).policy.log; };
    EXPECT_EQ(log("log: none").kind, Log::Kind::None);
    EXPECT_EQ(log("log: inherit").kind, Log::Kind::Inherit);
    EXPECT_EQ(log("log: {to: inherit}").kind, Log::Kind::Inherit);
    EXPECT_FALSE(log("log: console").to_file);
    EXPECT_TRUE(log("log: console").to_console);
    EXPECT_TRUE(log("log: {to: [console, file]}").to_file);
    EXPECT_TRUE(log("log: {max_files: 0}").to_file);
    EXPECT_EQ(log("log: {max_files: 0}").max_files, 0);
    EXPECT_TRUE(log("log: syslog").to_syslog);
    EXPECT_FALSE(log("log: syslog").to_file);
    EXPECT_TRUE(log("log: {to: [file, syslog]}").to_syslog);
}

TEST(LogKey, KnowsAgeCompressionRateAndWhatAFullDiskMeans) {
    const auto log = [](std::string_view keys) { return service_in(web(keys)).policy.log; };
    EXPECT_EQ(log("log: {max_age: 7d}").max_age, 7 * 24h);
    EXPECT_EQ(log("log: {max_age: none}").max_age, std::nullopt);
    EXPECT_EQ(log("log: {compress: zstd}").compress, Log::Compression::Zstd);
    EXPECT_EQ(log("log: file").compress, Log::Compression::None);
    EXPECT_EQ(log("log: {rate: {lines: 5}}").rate, (LogRate{5, 1s}));
    EXPECT_EQ(log("log: {rate: {lines: 5, per: 1m}}").rate, (LogRate{5, 1min}));
    EXPECT_EQ(log("log: {rate: none}").rate, std::nullopt);
    EXPECT_EQ(log("log: {on_full: block}").on_full, Log::OnFull::Block);
    EXPECT_EQ(log("log: file").on_full, Log::OnFull::Drop);
}

TEST(Stdin, IsNothingByNull) {
    EXPECT_EQ(service_in(web("stdin: null")).execution.stdin_path, "");
    EXPECT_EQ(service_in(web("stdin: ~")).execution.stdin_path, "");
    EXPECT_EQ(service_in(web("stdin: \"null\"")).execution.stdin_path, "");
}

TEST(Lists, WarnOfDoubles) {
    const LoadResult result = load_yaml(web("groups: [a, b, a]"));
    EXPECT_THAT(lines_of(result), ElementsAre(HasSubstr("warning: services.web.groups: \"a\" is")));
    ASSERT_NE(result.plan, nullptr);
    EXPECT_THAT(result.plan->services[0]->policy.groups, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace reeve::config
