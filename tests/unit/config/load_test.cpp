#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/definition.h"
#include "config/literal_yaml.h"
#include "config/own_log.h"
#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

TEST(Load, WarnsWhereThereAreNoServices) {
    for (const char* text : {"", "version: 1\n", "services: {}\n", "services:\n", "# nothing\n"}) {
        const LoadResult result = load_yaml(text);
        EXPECT_NE(result.plan, nullptr) << text;
        EXPECT_THAT(lines_of(result),
                    ElementsAre("t.yaml:1:1: warning: services: there are no services; name one "
                                "under `services`"))
            << text;
    }
}

TEST(Load, KnowsItsTopLevelKeys) {
    EXPECT_THAT(problems_in("version: 2\nservice: {}\nservices: {a: {command: x}}\nfoo: 1\n"),
                ElementsAre("t.yaml:1:10: error: version: unknown version \"2\"; write 1",
                            "t.yaml:2:1: error: service: unknown key; did you mean `services`?",
                            HasSubstr("t.yaml:4:1: error: foo: unknown key; known here are")));
    EXPECT_THAT(problems_in("[a]"), ElementsAre(HasSubstr("is a list; write a map")));
    EXPECT_THAT(problems_in("hello"), ElementsAre(HasSubstr("is a string; write a map")));
    EXPECT_THAT(problems_in("services: [a]"), ElementsAre(HasSubstr("services: is a list")));
    EXPECT_THAT(problems_in("services: {a: [b]}"), SizeIs(2));
    EXPECT_THAT(problems_in("services: {a: }"),
                ElementsAre(HasSubstr("services.a: has no command")));
}

TEST(Load, PutsServicesInOrderOfName) {
    const LoadResult result =
        load_yaml("services: {c: {command: x}, a: {command: x}, b: {command: x}}");
    ASSERT_NE(result.plan, nullptr);
    EXPECT_EQ(result.plan->services[0]->name, "a");
    EXPECT_EQ(result.plan->services[2]->name, "c");
    EXPECT_EQ(result.plan->find("b"), 1u);
    EXPECT_EQ(result.plan->find("bb"), std::nullopt);
}

TEST(Load, RefusesBadNames) {
    EXPECT_THAT(problems_in("services: {Web: {command: x}, a@: {command: x}}"),
                ElementsAre(StartsWith("t.yaml:1:12: error: services.Web: \"Web\" is not a name"),
                            HasSubstr("services.a@: \"a@\" is not the name of an instance")));
}

TEST(Load, GivesEveryProblemInOrderOfPlace) {
    EXPECT_THAT(problems_in("services:\n  a: {command: 'x', nice: 99, requires: [nope]}\n"
                            "  b: {comand: x}\n  c: {command: \"${NOPE}\"}\nsupervisor: {x: 1}\n"),
                ElementsAre(StartsWith("t.yaml:2:27: error: services.a.nice"),
                            StartsWith("t.yaml:2:42: error: services.a.requires"),
                            StartsWith("t.yaml:3:3: error: services.b: has no command"),
                            StartsWith("t.yaml:3:7: error: services.b.comand: unknown key"),
                            StartsWith("t.yaml:4:16: error: services.c.command: undefined"),
                            StartsWith("t.yaml:5:14: error: supervisor.x")));
}

TEST(Load, NeverPutsAProblemOnTwoLines) {
    const auto problems = problems_in("services: {\"a\\nb\": {command: x, \"c\\x1bd\": 1}}");
    for (const std::string& line : problems) {
        EXPECT_EQ(line.find_first_of("\n\x1b"), std::string::npos) << line;
    }
    EXPECT_THAT(problems, SizeIs(2));
}

TEST(Load, ShowsWhatMisleadsInAProblemEscaped) {
    EXPECT_THAT(
        problems_in("services: {\"a\\u202eb\": {command: x, \"c\\x9bd\": 1, \"e\\U000e0041\": 1}}"),
        UnorderedElementsAre(HasSubstr("a\\u202eb"), HasSubstr("c\\u009bd"),
                             HasSubstr("e\\U000e0041")));
}

TEST(Defaults, LieBelowEveryService) {
    const LoadResult result = load_yaml(R"(
defaults:
  environment: {A: "1", B: "2"}
  stop: {timeout: 3s, signal: INT}
  groups: [g, h]
  limits: {nofile: 5, core: 0}
  log: {max_files: 3, to: console}
services:
  a: {command: x}
  b:
    command: x
    environment: {B: "3"}
    stop: {timeout: 5s}
    groups: [i]
    limits: {core: 1}
    log: file
)");
    ASSERT_THAT(result.problems, IsEmpty());
    const Service& a = *result.plan->services[0];
    const Service& b = *result.plan->services[1];
    EXPECT_EQ(a.policy.stop.timeout, 3s);
    EXPECT_EQ(b.policy.stop.timeout, 5s);
    EXPECT_EQ(b.policy.stop.signal, SIGINT);
    EXPECT_THAT(b.execution.environment, ElementsAre(Pair("A", "1"), Pair("B", "3")));
    EXPECT_THAT(a.policy.groups, ElementsAre("g", "h"));
    EXPECT_THAT(b.policy.groups, ElementsAre("i"));
    EXPECT_THAT(b.execution.limits, SizeIs(2));
    EXPECT_TRUE(a.policy.log.to_console);
    EXPECT_TRUE(b.policy.log.to_file);
    EXPECT_EQ(b.policy.log.max_files, 3);
}

TEST(Defaults, CanBeTakenBack) {
    const Service s = service_in(
        "defaults: {ready: notify, reload: {}, restart_limit: {count: 1, within: 1m}}\n"
        "services: {a: {command: x, ready: none, reload: none, restart_limit: none}}");
    EXPECT_FALSE(s.policy.ready);
    EXPECT_FALSE(s.policy.reload);
    EXPECT_FALSE(s.policy.restart_limit);
}

TEST(Defaults, AreReplacedAsOneForReady) {
    const Service s = service_in(
        "defaults: {ready: {tcp: 'a:1', interval: 9s}}\n"
        "services: {a: {command: x, ready: {exec: y}}}");
    EXPECT_EQ(s.policy.ready, Probe{ExecCheck{{"y"}}});
}

TEST(Defaults, GiveWayToASignalForReload) {
    const Service s = service_in(
        "defaults: {reload: {command: y, check: z}}\n"
        "services: {a: {command: x, reload: {signal: USR1}}}");
    EXPECT_EQ(s.policy.reload, (Reload{SIGUSR1, {}, {"z"}}));
}

TEST(Defaults, KnowTheServiceThatTheyStandIn) {
    const LoadResult result = load_yaml(
        "defaults: {working_dir: '/srv/${SERVICE}', environment: {N: '${SERVICE}'}}\n"
        "services: {a: {command: x}, b: {command: x, working_dir: /}}");
    ASSERT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(result.plan->services[0]->execution.working_dir, "/srv/a");
    EXPECT_EQ(result.plan->services[1]->execution.working_dir, "/");
    EXPECT_THAT(result.plan->services[1]->execution.environment, ElementsAre(Pair("N", "b")));
}

TEST(Defaults, ReportTheirProblemsOnce) {
    EXPECT_THAT(problems_in("defaults: {nice: 99, working_dir: '/${SERVICE}'}\n"
                            "services: {a: {command: x}, b: {command: x}}"),
                ElementsAre(HasSubstr("t.yaml:1:18: error: defaults.nice: ")));
    EXPECT_THAT(problems_in("defaults: {nice: 99}\nservices: {a: {command: x}}"), SizeIs(1));
    EXPECT_THAT(problems_in("defaults: {nice: 99, working_dir: '/${SERVICE}'}\n"), SizeIs(1));
}

TEST(Defaults, LeaveAServiceOutOfItsOwnLists) {
    const LoadResult result =
        load_yaml("defaults: {after: [log]}\nservices: {log: {command: x}, a: {command: x}}");
    ASSERT_THAT(result.problems, IsEmpty());
    EXPECT_THAT(result.plan->services[0]->relations.after, ElementsAre("log"));
    EXPECT_THAT(result.plan->services[1]->relations.after, IsEmpty());
}

TEST(SupervisorKeys, AreReadAll) {
    const LoadResult result = load_yaml(R"(
supervisor:
  runtime_dir: /r
  log_dir: /l
  state_dir: /s
  log: {level: debug, format: json, file: /f}
  socket: {path: /p, mode: 0660, group: root}
  shutdown_timeout: 5s
  exit_when: idle
services: {a: {command: x}}
)");
    ASSERT_THAT(result.problems, IsEmpty());
    const Supervisor& s = result.plan->supervisor;
    EXPECT_EQ(s.runtime_dir, "/r");
    EXPECT_EQ(s.log_dir, "/l");
    EXPECT_EQ(s.state_dir, "/s");
    EXPECT_EQ(s.log, (Supervisor::OwnLog{LogLevel::Debug, LogFormat::Json, "/f"}));
    EXPECT_EQ(s.socket, (Supervisor::Socket{"/p", 0660, 0}));
    EXPECT_EQ(s.shutdown_timeout, 5s);
    EXPECT_EQ(s.exit_when, ExitWhen::Idle);
}

TEST(SupervisorKeys, TheLogGoesToAFileOrToSyslog) {
    const auto log = [](const std::string& keys) {
        return load_yaml("supervisor: {log: {" + keys + "}}\nservices: {a: {command: x}}");
    };
    EXPECT_EQ(log("file: syslog").plan->supervisor.log.file, kSyslog);
    EXPECT_FALSE(log("file: sys.log").plan);
}

/// The supervisor's settings of a text that must be valid.
Supervisor supervisor_in(const std::string& keys) {
    const LoadResult result = load_yaml("supervisor: {" + keys + "}\nservices: {a: {command: x}}");
    if (!result.plan) throw std::runtime_error(to_line(result.problems.front()));
    return result.plan->supervisor;
}

TEST(SupervisorKeys, AreWrittenAsTheyAreRead) {
    for (const std::string keys :
         {"", "runtime_dir: /r, log_dir: \"/l: '#\", state_dir: /s, exit_when: idle",
          "log: {level: trace, format: json, file: syslog}, shutdown_timeout: 1500ms",
          "socket: {path: /p, mode: 0620, group: root}, access: {operate: [5000, root], read: "
          "[7]}"}) {
        const Supervisor settings = supervisor_in(keys);
        const std::string yaml = to_yaml({Literal::Map{{"supervisor", settings_of(settings)}}});
        EXPECT_EQ(load_yaml(yaml).settings, settings) << yaml;
    }
}

TEST(SupervisorKeys, AreKnownAsFarAsTheyCanBeReadWhereTheRestIsNotValid) {
    const LoadResult result = load_yaml(
        "supervisor: {runtime_dir: /r, shutdown_timeout: soon}\nservices: {a: {comand: x}}");
    EXPECT_FALSE(result.plan);
    EXPECT_EQ(result.settings.runtime_dir, "/r");
}

TEST(SupervisorKeys, ResolveTheGroupsThatHaveAccess) {
    const Supervisor s = supervisor_in("access: {operate: [5000, root, 0], read: [4999]}");
    EXPECT_EQ(s.access, (Supervisor::Access{{0, 5000}, {4999}}));
    EXPECT_EQ(s.group_names,
              (Supervisor::GroupNames{std::nullopt, {"5000", "root", "0"}, {"4999"}}));
    EXPECT_TRUE(supervisor_in("access: {operate: []}").access.empty());
}

TEST(SupervisorKeys, LetEverybodyConnectWhereOthersHaveAccess) {
    EXPECT_EQ(supervisor_in("").socket_mode(), 0600u);
    EXPECT_EQ(supervisor_in("access: {}").socket_mode(), 0600u);
    EXPECT_EQ(supervisor_in("access: {operate: [0]}").socket_mode(), 0666u);
    EXPECT_EQ(supervisor_in("access: {read: [0]}").socket_mode(), 0666u);
    EXPECT_EQ(supervisor_in("access: {read: [0]}, socket: {mode: 0660}").socket_mode(), 0660u);
    EXPECT_EQ(supervisor_in("socket: {mode: 0620}").socket_mode(), 0620u);
}

TEST(SupervisorKeys, WarnOfASocketThatKeepsOutThoseWithAccess) {
    EXPECT_THAT(problems_in("supervisor:\n  access: {read: [0]}\n  socket: {mode: 0600}\n"
                            "services: {a: {command: x}}"),
                ElementsAre("t.yaml:3:18: warning: supervisor.socket.mode: keeps out those whom "
                            "`access` lets in; remove it, or write \"0666\""));
}

TEST(SupervisorKeys, WarnOfAGroupThatTheSocketKeepsOut) {
    EXPECT_THAT(
        problems_in("supervisor: {socket: {group: 0}}\nservices: {a: {command: x}}"),
        ElementsAre(HasSubstr("t.yaml:1:30: warning: supervisor.socket.group: has no effect, "
                              "for the socket's mode lets no group in")));
    EXPECT_THAT(problems_in("supervisor: {socket: {group: 0}, access: {read: [0]}}\n"
                            "services: {a: {command: x}}"),
                IsEmpty());
}

TEST(SupervisorKeys, PointAtAGroupThatIsUnknown) {
    EXPECT_THAT(problems_in("supervisor:\n  access: {read: [0, no-such-group]}\n"
                            "services: {a: {command: x}}"),
                ElementsAre("t.yaml:2:22: error: supervisor.access.read[1]: unknown group "
                            "\"no-such-group\"; create it, or name another"));
}

TEST(SupervisorKeys, RefuseWhatCannotBe) {
    EXPECT_THAT(
        problems_in("supervisor: {access: {write: [0]}, http: {}, log: {levle: info}, "
                    "socket: {group: no-such-group}, runtime_dir: r, exit_when: ever, "
                    "log_dir: '/${SERVICE}'}\nservices: {a: {command: x}}"),
        ElementsAre(
            HasSubstr("supervisor.access.write: unknown key; known here are operate and read"),
            HasSubstr("supervisor.http: is not supported yet"),
            HasSubstr("supervisor.log.levle: unknown key; did you mean `level`?"),
            HasSubstr("supervisor.socket.group: unknown group"),
            HasSubstr("supervisor.runtime_dir: \"r\" is not an absolute path"),
            HasSubstr("supervisor.exit_when: \"ever\" is not known here"),
            HasSubstr("supervisor.log_dir: ${SERVICE} stands outside")));
}

TEST(Load, LaysWhatIsLastinglyEnabledOverTheDefinitions) {
    LoadOptions options = as_root();
    options.enabled = {{"a", false}, {"b", true}, {"gone", false}};
    const LoadResult result = load_yaml(
        "defaults: {enabled: false}\n"
        "services: {a: {command: x, enabled: true}, b: {command: x}, c: {command: x}}",
        options);
    ASSERT_THAT(result.problems, IsEmpty());
    EXPECT_FALSE(result.plan->services[0]->policy.enabled);
    EXPECT_TRUE(result.plan->services[1]->policy.enabled);
    EXPECT_FALSE(result.plan->services[2]->policy.enabled);
}

TEST(LoadVariables, AreFilledInEverywhere) {
    LoadOptions options = as_root();
    options.environment = {{"N", "5"}, {"PROG", "run it"}, {"ROOT", "/r"}};
    const LoadResult result = load_yaml(
        "supervisor: {runtime_dir: '${ROOT}/x'}\n"
        "services:\n  a: {command: '${PROG} $$', nice: '${N}', description: '${SERVICE}',\n"
        "      environment: {P: 'a $b ${N:-7}'}, stop: {command: [x, '${PROG}']}}\n",
        options);
    ASSERT_THAT(lines_of(result), IsEmpty());
    const Service& s = *result.plan->services[0];
    EXPECT_EQ(result.plan->supervisor.runtime_dir, "/r/x");
    EXPECT_THAT(s.execution.command, ElementsAre("run", "it", "$"));
    EXPECT_THAT(s.policy.stop.command, ElementsAre("x", "run it"));
    EXPECT_EQ(s.execution.nice, 5);
    EXPECT_EQ(s.policy.description, "a");
    EXPECT_EQ(s.execution.environment.at("P"), "a $b 5");
}

TEST(LoadVariables, ReportEachUndefinedOne) {
    EXPECT_THAT(
        problems_in("services: {a: {command: [x, '${A}${B}'], description: '${C}'}}"),
        ElementsAre(HasSubstr("t.yaml:1:29: error: services.a.command[1]: undefined variable ${A}"),
                    HasSubstr("t.yaml:1:29: error: services.a.command[1]: undefined variable ${B}"),
                    HasSubstr("services.a.description: undefined variable ${C}; set it")));
}

TEST(Load, TakesTenThousandServices) {
    std::string text = "services:\n";
    for (int i = 0; i < 10'000; ++i) {
        const std::string n = std::to_string(i);
        text += "  s" + n + ":\n    command: [sleep, '" + n + "']\n    environment: {A: b, C: d}\n";
        if (i > 0) text += "    requires: [s" + std::to_string(i - 1) + "]\n";
    }
    const LoadResult result = load_yaml(text);
    ASSERT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(result.plan->services.size(), 10'000u);
    const auto first = *result.plan->find("s0");
    EXPECT_THAT(result.plan->links[first].required_by, ElementsAre(*result.plan->find("s1")));
}

TEST(Load, SurvivesEveryTruncation) {
    const std::string text =
        "version: 1\ndefaults: &d {restart: never}\nservices:\n  a: {command: \"x 'y' \\\"z\", "
        "ready: {tcp: '[::1]:80'}, stop: {signal: TERM, timeout: 1h30m}, environment: {A: "
        "'${B:-c}'},"
        " log: {to: [file]}, requires: [b]}\n  b: *d\n";
    for (std::size_t i = 0; i <= text.size(); ++i) {
        (void)load_yaml(std::string_view(text).substr(0, i));
    }
}

}  // namespace
}  // namespace reeve::config
