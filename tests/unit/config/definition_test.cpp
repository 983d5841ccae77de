#include "config/definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/literal_yaml.h"
#include "tests/unit/config/random_service.h"
#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::IsEmpty;

LoadOptions as_pid1() {
    LoadOptions options = as_root();
    options.as_pid1 = true;
    return options;
}

/// A document of a service and of those that it names.
std::string document_of(const Service& service, bool for_pid1 = false) {
    Literal::Map services{{service.name, definition_of(service, for_pid1)}};
    for (const std::string_view name : RandomService::kOthers) {
        Literal::Map other{{"command", {Literal::List{{"x"}}}}};
        // The last one may conflict with the service.
        if (name == RandomService::kOthers[7]) other.emplace_back("enabled", Literal{false});
        services.emplace_back(name, Literal{std::move(other)});
    }
    return definition_document(services);
}

/// Expects that a service is the same after it was written and read again.
void expect_read_back(const Service& service, bool written_as_pid1, const LoadOptions& options) {
    const std::string yaml = document_of(service, written_as_pid1);
    const LoadResult result = load_yaml(yaml, options);
    ASSERT_THAT(lines_of(result), IsEmpty()) << yaml;
    const Service& read = *result.plan->services[*result.plan->find(service.name)];
    EXPECT_EQ(read.execution, service.execution) << yaml;
    EXPECT_EQ(read.policy, service.policy) << yaml;
    EXPECT_EQ(read.relations, service.relations) << yaml;
    EXPECT_EQ(read.identity, service.identity) << yaml;
}

/// The definition of `web`, without its command, as it is printed.
std::string printed(const Service& service, bool for_pid1 = false) {
    Literal literal = definition_of(service, for_pid1);
    auto& keys = std::get<Literal::Map>(literal.value);
    std::erase_if(keys, [](const auto& key) { return key.first == "command"; });
    return to_yaml(literal);
}
std::string printed(const std::string& keys) { return printed(service_in(web(keys))); }

TEST(Definition, HasOnlyKeysThatAreNotAtTheirDefaults) {
    EXPECT_EQ(to_yaml(definition_of(service_in(web("nice: 5")))), "command: [x]\nnice: 5\n");
    EXPECT_EQ(printed("restart: always\n    stop: {timeout: 10s, signal: TERM}\n    log: file\n"
                      "    backoff: {}\n    environment: {}\n    stdin: null\n    ready: none"),
              "{}\n");
    EXPECT_EQ(printed("type: oneshot\n    restart: never"), "type: oneshot\n");
    EXPECT_EQ(printed("stop: {timeout: 11s, signal: TERM}"), "stop:\n  timeout: 11s\n");
}

TEST(Definition, WritesEachKindOfValueTheWayPeopleDo) {
    for (const char* same :
         {"description: first\n",
          "enabled: false\n",
          "groups: [a, b]\n",
          "working_dir: /srv\n",
          "environment:\n  A: b\n  C: \"1\"\n",
          "environment_files: [/a, -/b]\n",
          "inherit_environment: false\n",
          "inherit_environment: [A, B]\n",
          "umask: \"0077\"\n",
          "nice: -5\n",
          "limits:\n  core: unlimited\n  nofile: \"1024:4096\"\n",
          "limits:\n  as: 1GiB:unlimited\n",
          "stdin: /dev/zero\n",
          "ready: notify\n",
          "ready:\n  tcp: \"[::1]:80\"\n  interval: 1s\n",
          "ready:\n  exec: [a, b c]\n",
          "start_timeout: 1m30s\n",
          "restart: on-failure\n",
          "backoff:\n  initial: 250ms\n  factor: 1.5\n  max: 1h30m\n  jitter: 12.5%\n",
          "backoff:\n  factor: 3\n",
          "restart_limit:\n  count: 5\n  within: 1d\n",
          "success_exit: [0, 143, SIGTERM]\n",
          "success_exit: []\n",
          "restart_prevent_exit: [SIGRTMIN+1]\n",
          "on_exit: shutdown\n",
          "stop:\n  signal: QUIT\n  command: [a]\n  timeout: 0s\n  scope: tree\n",
          "reload: {}\n",
          "reload:\n  command: [a]\n  check: [b]\n",
          "log: console\n",
          "log: none\n",
          "log:\n  to: [file, console]\n  max_size: 1MiB\n  max_files: 0\n  max_line: 1000\n",
          "log:\n  max_files: 3\n",
          "log: syslog\n",
          "log:\n  to: [file, syslog]\n  max_age: 7d\n  compress: zstd\n  rate:\n    lines: 5\n"
          "  on_full: block\n",
          "user: root\n",
          "user: 0\ngroup: 7\nsupplementary_groups: [8]\n",
          "group: 7\n",
          "type: forking\npid_file: /p\n",
          "binds: [db]\nconflicts: [\"0\", u@1]\n",
          "ready:\n  unix: /s\n  timeout: 1s\n",
          "ready:\n  http: http://127.0.0.1/\n",
          "ready:\n  http: http://[::1]:81/a?b=$$c\n  status: [204, \"300-599\"]\n",
          "ready:\n  path: /p\n",
          "ready:\n  fd: 3\n",
          "ready:\n  log: ready in [0-9]+ ms$$\n",
          "health:\n  tcp: \"[::1]:80\"\n",
          "health:\n  exec: [a]\n  interval: 5s\n  timeout: 1s\n  failures: 1\n"
          "  start_delay: 1m\n  action: none\n",
          "watchdog: 30s\n",
          "pre_start: [a, b c]\n",
          "post_start:\n  command: [a]\n  timeout: 5s\n  as: root\n",
          "stop:\n  rest: leave\n",
          "oom_score_adj: -1000\n",
          "cpu_affinity: [0, 2, 3, \"5-7\"]\n",
          "scheduling: idle\n",
          "scheduling:\n  policy: rr\n  priority: 10\n",
          "io_priority: realtime\n",
          "io_priority:\n  class: best-effort\n  level: 7\n",
          "no_new_privileges: true\n",
          "capabilities: []\n",
          "capabilities: [CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT]\n",
          "chroot: /c\n",
          "directories:\n  runtime: [a, a/b]\n  mode: \"0700\"\n"}) {
        const std::string text(same);
        std::string indented;
        for (const char c : text) indented.append(c == '\n' ? "\n    " : std::string(1, c));
        const LoadResult result = load_yaml(web(indented) + "  db: {command: [x]}\n");
        ASSERT_NE(result.plan, nullptr) << text;
        EXPECT_EQ(printed(*result.plan->services[*result.plan->find("web")]), text);
    }
}

TEST(Definition, WritesSeveralCommandsAsAListOfThem) {
    const std::string one = printed("pre_stop: [[a, b], {command: c}]");
    EXPECT_EQ(one, printed("pre_stop:\n    - [a, b]\n    - [c]"));
    EXPECT_EQ(service_in(web("pre_stop: [[a, b], {command: c}]")).policy.hooks.pre_stop,
              (std::vector<Hook>{{{"a", "b"}, {}, false}, {{"c"}, {}, false}}));
}

TEST(Definition, OfAnInstanceCanBeLoadedAlone) {
    const LoadResult result = load_yaml(
        "services:\n  web: {command: '${SERVICE} ${INSTANCE}', instances: [a, b], after: [db]}\n"
        "  db: {command: x, instances: 2}\n");
    ASSERT_THAT(lines_of(result), IsEmpty());
    const Service& web_b = *result.plan->services[*result.plan->find("web@b")];
    EXPECT_EQ(to_yaml(definition_of(web_b)), "command: [web@b, b]\nafter: [db@1, db@2]\n");
    const LoadResult again = load_yaml(definition_document({{web_b.name, definition_of(web_b)}}));
    ASSERT_NE(again.plan, nullptr);
    EXPECT_EQ(again.plan->services[0]->execution, web_b.execution);
    EXPECT_EQ(again.plan->services[0]->relations, web_b.relations);
}

TEST(Definition, WritesCommandsAsListsAndDollarsTwice) {
    EXPECT_EQ(to_yaml(definition_of(
                  service_in("services: {web: {command: \"sh -c 'echo $HOME $$5 $${X}'\"}}"))),
              "command: [sh, -c, \"echo $$HOME $$5 $${X}\"]\n");
}

TEST(Definition, FillsInVariablesAndDefaults) {
    LoadOptions options = as_root();
    options.environment = {{"PORT", "80"}};
    const Service s = service_in(
        "defaults: {environment: {NAME: '${SERVICE}', A: b}, stop: {timeout: 5s}}\n"
        "services: {web: {command: 'serve ${PORT}', environment: {A: c}, stop: {scope: tree}}}",
        options);
    EXPECT_EQ(to_yaml(definition_of(s)),
              "command: [serve, \"80\"]\nenvironment:\n  A: c\n  NAME: web\n"
              "stop:\n  timeout: 5s\n  scope: tree\n");
}

TEST(Definition, SaysWhatIsLastinglyEnabled) {
    LoadOptions options = as_root();
    options.enabled = {{"web", false}};
    EXPECT_EQ(printed(service_in(web("enabled: true"), options)), "enabled: false\n");
}

TEST(Definition, NamesUsersAndGroupsAsTheFileDoes) {
    EXPECT_EQ(printed("user: root"), "user: root\n");
    EXPECT_EQ(printed("user: 0"), "user: 0\n");
    EXPECT_EQ(printed("group: root\n    supplementary_groups: [root, 1234]"),
              "group: root\nsupplementary_groups: [root, 1234]\n");
}

TEST(Definition, OfAProcessOfPid1SaysWhereItsOutputGoes) {
    EXPECT_EQ(printed(service_in(web(""), as_pid1()), true), "log: console\n");
    EXPECT_EQ(printed(service_in(web("log: file"), as_pid1()), true), "log: file\n");
    EXPECT_EQ(printed(service_in(web("log: {max_files: 1}"), as_pid1()), true),
              "log:\n  to: console\n  max_files: 1\n");
    // A document of a supervisor that is not PID 1, too, means the same there.
    EXPECT_EQ(printed(service_in(web("log: console"))), "log: console\n");
}

TEST(Definition, OfAGroupLeavesOutWhatDefaultsSayOfProcesses) {
    for (const LoadOptions& options : {as_root(), as_pid1()}) {
        const LoadResult result = load_yaml(
            "defaults: {type: oneshot, environment: {A: b}, user: root, nice: 1, ready: notify,\n"
            "           restart: on-failure, restart_limit: {count: 1, within: 1m},\n"
            "           stop: {timeout: 1s}, groups: [g], enabled: false}\n"
            "services: {all: {wants: [web]}, web: {command: x}}",
            options);
        ASSERT_THAT(lines_of(result), IsEmpty());
        const Service& group = *result.plan->services[0];
        EXPECT_EQ(to_yaml(definition_of(group, options.as_pid1)),
                  "enabled: false\ngroups: [g]\nwants: [web]\n");
        EXPECT_EQ(group.execution, Execution{});
        EXPECT_EQ(group.policy.stop, Stop{});
    }
}

TEST(Definition, LeavesOutALimitOfRestartsThatNeverHappen) {
    const Service s = service_in(
        "defaults: {restart_limit: {count: 1, within: 1m}}\n"
        "services: {web: {command: x, restart: never}}");
    EXPECT_EQ(printed(s), "restart: never\n");
    expect_read_back(s, false, as_root());
}

TEST(Definition, ReloadsByTheCommandThatTakesThePlaceOfASignal) {
    const Service s = service_in(
        "defaults: {reload: {signal: USR1, timeout: 5s}}\n"
        "services: {web: {command: x, reload: {command: [r]}}}");
    EXPECT_EQ(printed(s), "reload:\n  command: [r]\n  timeout: 5s\n");
    expect_read_back(s, false, as_root());
}

TEST(Definition, IsReadBackAsTheSameService) {
    Random random(2);
    for (int i = 0; i < 1'000 && !testing::Test::HasFailure(); ++i) {
        const Service service = RandomService(random).make();
        expect_read_back(service, false, as_root());
        expect_read_back(service, true, as_root());
        expect_read_back(service, true, as_pid1());
    }
}

TEST(Definition, KeepsDurationsToTheNanosecond) {
    for (const char* text : {"1ms", "1.000001ms", "999.999999ms", "1.000000001s", "59.5s", "1m",
                             "1h0.001s", "1d1h1m1s1ms", "36500d", "0.123456789d", "1.5"}) {
        const Service s = service_in(web("start_timeout: " + std::string(text)));
        expect_read_back(s, false, as_root());
    }
}

TEST(Definition, KeepsPercentagesExact) {
    Random random(3);
    for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
        const std::string digits = std::to_string(random.between(0, 99'999'999'999));
        const std::string text = std::to_string(random.under(100)) + "." + digits + "%";
        expect_read_back(service_in(web("backoff: {jitter: " + text + "}")), false, as_root());
    }
}

}  // namespace
}  // namespace reeve::config
