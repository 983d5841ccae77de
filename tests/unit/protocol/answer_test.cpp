#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include "tests/unit/protocol/examples.h"

namespace reeve::protocol {
namespace {

using testing::HasSubstr;

TEST(Answer, OfAStatusIsTheDocumentedOne) {
    StatusDocument one = document();
    one.services.erase(one.services.begin());
    EXPECT_EQ(
        to_json(one),
        R"({"schema":1,"supervisor":{"version":"0.1.0","pid":1,"state":"stopping",)"
        R"("uptime":61,"runtime_dir":"/run/reeve","config":["/etc/reeve/reeve.yaml"]},)"
        R"("services":[{"name":"db","description":"","type":"simple","state":"failed",)"
        R"("cause":"","ready":false,"enabled":false,"groups":[],"pid":null,"since":null,)"
        R"("uptime":null,"restarts":0,"last_exit":{"code":null,"signal":null,"core":false,)"
        R"("at":null,"ran":null},"status_text":null,"unhealthy":null,"tracking":null,"log":null,"memory":null,"cpu":null,)"
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

TEST(Answer, PassesOverWhatANewerSupervisorAdds) {
    const auto version = parse_answer<VersionInfo>(
        R"({"jsonrpc":"2.0","id":1,"extra":[],"result":{"version":"9","protocol":1,"new":{}}})");
    ASSERT_TRUE(version);
    const auto notice = parse_answer<VersionInfo>(R"({"jsonrpc":"2.0","method":"news"})");
    ASSERT_TRUE(notice);
    EXPECT_TRUE(std::holds_alternative<UnknownNotice>(*notice));
    const auto event = parse_answer<VersionInfo>(
        R"({"jsonrpc":"2.0","method":"event","params":{"seq":1,"event":"moon"}})");
    ASSERT_TRUE(event);
    EXPECT_TRUE(std::holds_alternative<UnknownNotice>(*event));
    const auto list = parse_answer<EventList>(
        R"({"jsonrpc":"2.0","id":1,"result":{"events":[{"event":"moon"}]}})");
    ASSERT_TRUE(list);
    EXPECT_EQ(std::get<EventList>(std::get<Reply<EventList>>(*list).body), EventList{});
}

TEST(Answer, HoldsValuesOfAConfigurationAsPlainJson) {
    EXPECT_EQ(to_json(Definitions{{{"web", every_literal()}}}),
              R"({"services":{"web":{"z":null,"a":true,"port":-8080,"most":9223372036854775807,)"
              R"("factor":2.0,"tenth":0.1,"tiny":1e-300,"text":"a \"b\"\n$$HOME","":[],)"
              R"("command":["web",1,[],null],"map":{"x":{}}}}})");
    const double infinite = std::numeric_limits<double>::infinity();
    EXPECT_EQ(to_json(Definitions{{{"web", {infinite}}}}), R"({"services":{"web":null}})");
}

TEST(Answer, OfAFailureHasLinesOnlyWhenSomebodyPutThemThere) {
    Failures all = failures();
    EXPECT_THAT(encode_result(1, all), HasSubstr(R"("lines":["cannot bind\tport 80",""])"));
    for (FailureRecord& failure : all.failures) failure.lines.reset();
    EXPECT_THAT(encode_result(1, all), testing::Not(HasSubstr("lines")));
}

TEST(Answer, OfAnEndThatNobodySawHasNullForWhatIsNotKnown) {
    const std::string text = encode_result(1, failures());
    EXPECT_THAT(text, HasSubstr(R"("ran":3,"unseen":false,"cpu_user":1.25,)"));
    EXPECT_THAT(text, HasSubstr(R"("ran":null,"unseen":true,"cpu_user":null,"cpu_system":null,)"
                                R"("max_rss":null,)"));
}

TEST(Answer, AsAClientShowsItHasLinesWhereTheyAreOfUse) {
    EXPECT_THAT(to_json(failures()),
                testing::AllOf(HasSubstr(R"("out_of_memory":true,"lines":null)"),
                               HasSubstr(R"("lines":["cannot bind\tport 80",""])")));
    Explanation explanation = an_explanation();
    explanation.link.because[0].lines = {"no space"};
    EXPECT_THAT(to_json(explanation),
                testing::AllOf(HasSubstr(R"("because":[],"lines":["no space"]})"),
                               HasSubstr(R"("because":[],"lines":null}]})")));
    EXPECT_THAT(encode_result(1, explanation), testing::Not(HasSubstr("lines")));
}

TEST(Answer, SaysThatWhatIsOverdueIsDueNow) {
    Explanation late = an_explanation();
    late.link.next_start = -1ms;
    late.link.deadline = -1h;
    EXPECT_THAT(to_json(late), HasSubstr(R"("next_start":0,"deadline":0,)"));
}

TEST(Answer, ThatIsAnEventHasTheMembersOfItsKindAlone) {
    std::vector<std::string> texts;
    for (const Event& event : every_event()) texts.push_back(to_json(event));
    EXPECT_THAT(
        texts,
        testing::ElementsAre(
            R"({"seq":7,"time":"2026-11-21T00:40:00.123Z","event":"snapshot","service":"web",)"
            R"("from":null,"to":"running","cause":"ready","pid":1234})",
            R"({"seq":8,"time":"2026-11-21T00:40:00.123Z","event":"state","service":"web",)"
            R"("from":"running","to":"failed","cause":"exit 1","pid":null})",
            R"({"seq":9,"time":"2026-11-21T00:40:00.123Z","event":"state","service":"new",)"
            R"("from":null,"to":"stopped","cause":"added","pid":null})",
            R"({"seq":10,"time":"2026-11-21T00:40:00.123Z","event":"removed","service":"web"})",
            R"({"seq":10,"time":"2026-11-21T00:40:00.123Z","event":"configuration",)"
            R"("cause":"read again: 1 service restarted"})",
            R"({"seq":11,"time":"2026-11-21T00:40:00.123Z","event":"shutdown","cause":"SIGTERM"})",
            R"({"seq":11,"time":"2026-11-21T00:40:00.123Z","event":"lost","missed":5000})"));
}

TEST(Answer, ThatDoesNotFitNamesWhatIsWrong) {
    EXPECT_FALSE(parse_answer<Welcome>("SSH-2.0-OpenSSH_9.2"));
    EXPECT_FALSE(parse_answer<Welcome>(R"({"id":1,"result":{}})"));
    std::string line = encode_result(Id("x"), document());
    line.replace(line.find("\"failed\""), 8, "\"asleep\"");
    const auto answer = parse_answer<StatusDocument>(line);
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, HasSubstr("services[1].state"));
    for (const std::string notice :
         {R"({"jsonrpc":"2.0","method":"event","params":{"seq":-1,"event":"lost"}})",
          R"({"jsonrpc":"2.0","method":"event","params":[]})",
          R"({"jsonrpc":"2.0","method":"event"})", R"({"jsonrpc":"2.0","method":"touches"})",
          R"({"jsonrpc":"2.0","method":1})"}) {
        EXPECT_FALSE(parse_answer<Accepted>(notice)) << notice;
    }
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

TEST(Answer, HasWhatMisleadsEscapedAndMeansTheSame) {
    StatusDocument misleading = document();
    misleading.services[0].cause = "a\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81\xc3\xa9";
    const std::string line = encode_result(Id("x"), misleading);
    EXPECT_THAT(line, HasSubstr("\"a\\u009b\\u202e\\udb40\\udc41\xc3\xa9\""));
    const auto answer = parse_answer<StatusDocument>(line);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(std::get<StatusDocument>(std::get<Reply<StatusDocument>>(*answer).body), misleading);
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
