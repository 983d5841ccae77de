#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <csignal>
#include <random>

#include "ctl/protocol/message.h"
#include "ctl/protocol/timestamp.h"

namespace reeve::protocol {
namespace {

using testing::HasSubstr;

ServiceStatus full_service() {
    ServiceStatus web;
    web.name = "web@1";
    web.description = "the shop's \"front\" end\t\xe2\x82\xac";
    web.type = "simple";
    web.state = State::Running;
    web.cause = "ready";
    web.ready = true;
    web.groups = {"shop", "http"};
    web.pid = 1234;
    web.since = parse_rfc3339("2026-11-21T00:40:00.123Z");
    web.uptime = 1500ms;
    web.restarts = 3;
    web.last_exit = LastExit{ExitStatus::killed(SIGSEGV, true), web.since, 120ms};
    web.status_text = "Processed 42 jobs";
    web.memory = 34u << 20;
    web.cpu = 250us;
    web.tasks = 5;
    web.processes = {{1234, 1, "web --port 80", "S"}, {1235, 1234, "worker", "R"}};
    return web;
}

StatusDocument document() {
    ServiceStatus db;
    db.name = "db";
    db.type = "simple";
    db.state = State::Failed;
    db.enabled = false;
    db.last_exit = LastExit{ExitStatus::unknown(), std::nullopt, std::nullopt};
    return {{"0.1.0", 1, true, 61s, "/run/reeve", {"/etc/reeve/reeve.yaml"}}, {full_service(), db}};
}

template <typename T>
void expect_round_trip(const T& body) {
    const std::string line = encode_result(Id("id"), body);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto answer = parse_answer<T>(line);
    ASSERT_TRUE(answer) << answer.error().message << "\n" << line;
    const auto& reply = std::get<Reply<T>>(*answer);
    EXPECT_EQ(reply.id, Id("id"));
    EXPECT_EQ(std::get<T>(reply.body), body) << line;
}

TEST(Answer, ComesBackAsItWasSent) {
    expect_round_trip(Welcome{1, "0.1.0", 77, "/run/reeve", "/var/log/reeve"});
    expect_round_trip(document());
    expect_round_trip(Outcome{
        {{"web", std::nullopt, State::Running, "ready", 12, true},
         {"db", ErrorCode::NotRunning, State::Stopped, "it is not up", std::nullopt, false}},
        {"cache"}});
    expect_round_trip(Accepted{});
    expect_round_trip(VersionInfo{"0.1.0", 1});
}

TEST(Answer, OfAStatusIsTheDocumentedOne) {
    StatusDocument one = document();
    one.services.erase(one.services.begin());
    EXPECT_EQ(to_json(one),
              R"({"schema":1,"supervisor":{"version":"0.1.0","pid":1,"state":"stopping",)"
              R"("uptime":61,"runtime_dir":"/run/reeve","config":["/etc/reeve/reeve.yaml"]},)"
              R"("services":[{"name":"db","description":"","type":"simple","state":"failed",)"
              R"("cause":"","ready":false,"enabled":false,"groups":[],"pid":null,"since":null,)"
              R"("uptime":null,"restarts":0,"last_exit":{"code":null,"signal":null,"core":false,)"
              R"("at":null,"ran":null},"status_text":null,"memory":null,"cpu":null,)"
              R"("tasks":null}]})");
    const std::string full = to_json(StatusDocument{{}, {full_service()}});
    EXPECT_THAT(full, HasSubstr(R"("since":"2026-11-21T00:40:00.123Z","uptime":1.5,)"));
    EXPECT_THAT(full, HasSubstr(R"("last_exit":{"code":null,"signal":"SIGSEGV","core":true,)"));
    EXPECT_THAT(full, HasSubstr(R"("cpu":0.00025,"tasks":5,"processes":[{"pid":1234,"ppid":1,)"));
}

TEST(Answer, OfAFailureSaysWhatAndWho) {
    const Failure failure = no_such_service("wbe", "web");
    EXPECT_EQ(failure.message, "no service is named wbe; did you mean web?");
    const auto answer = parse_answer<Outcome>(encode_error(Id(std::int64_t{5}), failure));
    ASSERT_TRUE(answer);
    const auto& reply = std::get<Reply<Outcome>>(*answer);
    EXPECT_EQ(reply.id, Id(std::int64_t{5}));
    EXPECT_EQ(std::get<Failure>(reply.body), failure);
}

TEST(Answer, OfAFailureWithoutAnIdHasNone) {
    const auto answer = parse_answer<Outcome>(encode_error(std::nullopt, Failure{}));
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<Reply<Outcome>>(*answer).id, std::nullopt);
}

TEST(Answer, MayBeTheNoticeOfWhatIsTouched) {
    const Touches touches{std::int64_t{2},
                          Verb::Restart,
                          {{"web", Verb::Restart, "requires db"}, {"x", Verb::Stop, ""}}};
    const auto answer = parse_answer<Outcome>(encode_touches(touches));
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<Touches>(*answer), touches);
}

TEST(Answer, PassesOverWhatANewerSupervisorAdds) {
    const auto version = parse_answer<VersionInfo>(
        R"({"jsonrpc":"2.0","id":1,"extra":[],"result":{"version":"9","protocol":1,"new":{}}})");
    ASSERT_TRUE(version);
    const auto notice = parse_answer<VersionInfo>(R"({"jsonrpc":"2.0","method":"news"})");
    ASSERT_TRUE(notice);
    EXPECT_TRUE(std::holds_alternative<UnknownNotice>(*notice));
}

TEST(Answer, ThatDoesNotFitNamesWhatIsWrong) {
    EXPECT_FALSE(parse_answer<Welcome>("SSH-2.0-OpenSSH_9.2"));
    EXPECT_FALSE(parse_answer<Welcome>(R"({"id":1,"result":{}})"));
    std::string line = encode_result(Id("x"), document());
    line.replace(line.find("\"failed\""), 8, "\"asleep\"");
    const auto answer = parse_answer<StatusDocument>(line);
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, HasSubstr("services[1].state"));
}

TEST(Answer, IsValidUtf8WhateverAServiceSays) {
    StatusDocument bad = document();
    bad.services[0].status_text = "a\xff\x80\xc0\xafz\xed\xa0\x80";
    bad.services[0].cause = std::string("\0\x01\x1b[31m", 7);
    const std::string line = encode_result(Id("x"), bad);
    EXPECT_THAT(line, HasSubstr(R"(\u0000\u0001\u001b[31m)"));
    const auto answer = parse_answer<StatusDocument>(line);
    ASSERT_TRUE(answer) << answer.error().message;
    const auto& body = std::get<Reply<StatusDocument>>(*answer).body;
    EXPECT_THAT(*std::get<StatusDocument>(body).services[0].status_text,
                HasSubstr("a\xef\xbf\xbd\xef\xbf\xbd"));
}

TEST(Answer, OfRandomBytesNeverThrows) {
    std::mt19937 random(2);
    const std::string valid = encode_result(Id("x"), document());
    for (int i = 0; i < 20'000; ++i) {
        std::string line = valid;
        for (int e = 0; e < 3; ++e) line[random() % line.size()] = static_cast<char>(random());
        (void)parse_answer<StatusDocument>(line);
    }
}

TEST(Answer, OfAThousandServicesIsEncodedInMilliseconds) {
    StatusDocument many = document();
    many.services.assign(1000, full_service());
    // Processor time, so that a busy machine does not count.
    timespec before{}, after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    const std::string line = encode_result(Id("x"), many);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    const double ms = static_cast<double>(after.tv_sec - before.tv_sec) * 1e3 +
                      static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e6;
    RecordProperty("milliseconds", std::to_string(ms));
    EXPECT_GT(line.size(), 300'000u);
    EXPECT_LT(ms, 100) << "even with sanitizers";
}

}  // namespace
}  // namespace reeve::protocol
