#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/probe_values.h"
#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Probe ready(std::string_view value) {
    return service_in(web("ready: " + std::string(value))).policy.ready.value();
}
Health health(std::string_view value) {
    return service_in(web("health: " + std::string(value))).policy.health.value();
}

/// Expects that these keys of a service are refused in one line that contains `part`.
void expect_refused(const std::string& keys, const std::string& part) {
    EXPECT_THAT(problems_in(web(keys)), ElementsAre(HasSubstr(part))) << keys;
}

TEST(ProbeKeys, TakeEveryKind) {
    EXPECT_EQ(ready("{fd: 3}"), Probe{FdCheck{3}});
    EXPECT_EQ(ready("{fd: 1023}"), Probe{FdCheck{1023}});
    EXPECT_EQ(ready("{unix: /run/a.sock, interval: 1s}"),
              (Probe{UnixCheck{"/run/a.sock"}, 1s, 3s}));
    EXPECT_EQ(ready("{http: 'http://localhost/'}"), (Probe{HttpCheck{"localhost", 80, "/", {{}}}}));
    EXPECT_EQ(ready("{log: 'ready in \\d+ ms$'}"), Probe{LogCheck{"ready in \\d+ ms$"}});
    EXPECT_EQ(ready("{path: /run/a, timeout: 1s}"), (Probe{PathCheck{"/run/a"}, 250ms, 1s}));
}

TEST(ProbeKeys, TakeTheStatusCodesThatCount) {
    const Probe probe = ready("{http: 'http://127.0.0.1', status: [204, 300-399]}");
    EXPECT_THAT(std::get<HttpCheck>(probe.check).status,
                ElementsAre(StatusRange{204, 204}, StatusRange{300, 399}));
    EXPECT_EQ(ready("{http: 'http://127.0.0.1', status: [200-399]}"),
              ready("{http: 'http://127.0.0.1'}"));
    expect_refused("ready: {tcp: 'a:1', status: [200]}", "ready.status: is about http alone");
    for (const char* status : {"[]", "[99]", "[600]", "[300-200]", "[2xx]", "200", "[200-]"}) {
        expect_refused("ready: {http: 'http://127.0.0.1', status: " + std::string(status) + "}",
                       "ready.status");
    }
}

TEST(ProbeKeys, RefuseStandardStreamsAndNoNumbers) {
    expect_refused("ready: {fd: 1}", "ready.fd: 0, 1 and 2 are its stdin, stdout and stderr");
    expect_refused("ready: {fd: 1024}", "ready.fd");
    expect_refused("ready: {fd: x}", "ready.fd");
}

TEST(ProbeKeys, RefuseASocketThatHasNoAddress) {
    expect_refused("ready: {unix: run/a}", "ready.unix: \"run/a\" is not an absolute path");
    expect_refused("ready: {unix: /" + std::string(107, 'a') + "}", "too long for a socket");
    EXPECT_THAT(problems_in(web("ready: {unix: /" + std::string(106, 'a') + "}")), SizeIs(0));
}

TEST(ProbeKeys, RefusePatternsWithTheReason) {
    expect_refused("ready: {log: 'a(b'}", "ready.log: \"a(b\" is not a pattern: missing )");
    expect_refused("ready: {log: '(?=a)'}", "is not a pattern: invalid perl operator");
    expect_refused("ready: {log: ''}", "ready.log: is empty");
}

TEST(ProbeKeys, RefuseMoreThanOneKind) {
    expect_refused("ready: {fd: 3, path: /a, log: x}",
                   "ready: has several probes; keep path, fd or log");
    expect_refused("health: {tcp: 'a:1', exec: x}", "health: has two probes; keep exec or tcp");
    expect_refused("health: {interval: 1s}",
                   "health: has no probe; add exec, tcp, unix, http or path");
}

TEST(ProbeKeys, RefuseTimesWhereNothingIsAsked) {
    expect_refused("ready: {fd: 3, interval: 1s}", "ready.interval: has no effect");
    expect_refused("ready: {log: x, timeout: 1s}", "ready.timeout: has no effect");
}

TEST(HealthKey, HasTheDocumentedDefaults) {
    const Health h = health("{exec: x}");
    EXPECT_EQ(h.probe, (Probe{ExecCheck{{"x"}}, 10s, 3s}));
    EXPECT_EQ(h.failures, 3);
    EXPECT_EQ(h.start_delay, 0s);
    EXPECT_EQ(h.action, HealthAction::Restart);
}

TEST(HealthKey, TakesAllThatItKnows) {
    EXPECT_EQ(
        health("{http: 'http://[::1]:8080/x', status: [200], interval: 1s, timeout: 2s, "
               "failures: 1, start_delay: 5s, action: none}"),
        (Health{{HttpCheck{"::1", 8080, "/x", {{200, 200}}}, 1s, 2s}, 1, 5s, HealthAction::None}));
    EXPECT_FALSE(service_in("defaults: {health: {exec: x}}\n" + web("health: none")).policy.health);
    EXPECT_EQ(service_in("defaults: {health: {exec: x}}\n" + web("")).policy.health,
              health("{exec: x}"));
}

TEST(HealthKey, AsksAndNeverWaits) {
    expect_refused("health: {fd: 3}", "health.fd: unknown key");
    expect_refused("health: {log: x}", "health.log: unknown key");
    expect_refused("health: notify", "services.web.health");
    expect_refused("health: {exec: x, failures: 0}", "health.failures");
    expect_refused("health: {exec: x, action: stop}", "health.action");
}

TEST(Url, IsAnAddressAPortAndWhatToAskFor) {
    const auto url = [](std::string_view text) { return parse_url(text).value(); };
    EXPECT_EQ(url("http://127.0.0.1"), (HttpCheck{"127.0.0.1", 80, "/", {{}}}));
    EXPECT_EQ(url("http://127.0.0.1:8080/a/b?c=d&e"),
              (HttpCheck{"127.0.0.1", 8080, "/a/b?c=d&e", {{}}}));
    EXPECT_EQ(url("http://[::1]?x"), (HttpCheck{"::1", 80, "/?x", {{}}}));
    EXPECT_EQ(url("http://[fe80::1]:1/"), (HttpCheck{"fe80::1", 1, "/", {{}}}));
    EXPECT_EQ(url("http://localhost/a@b:c"), (HttpCheck{"localhost", 80, "/a@b:c", {{}}}));
}

TEST(Url, SaysWhatToDoAboutOthers) {
    const auto what = [](std::string_view text) {
        const auto parsed = parse_url(text);
        return parsed ? "nothing" : parsed.error().what + "; " + parsed.error().what_to_do;
    };
    EXPECT_THAT(what("https://127.0.0.1/"), HasSubstr("https is not spoken here; write http://"));
    EXPECT_THAT(what("http://web.example/"),
                HasSubstr("would have to be looked up; write an address"));
    EXPECT_THAT(what("http://256.0.0.1/"), HasSubstr("would have to be looked up"));
    EXPECT_THAT(what("http://[::g]/"), HasSubstr("is not an IPv6 address"));
    EXPECT_THAT(what("http://me:pw@127.0.0.1/"), HasSubstr("names a user"));
    EXPECT_THAT(what("http://127.0.0.1/#a"), HasSubstr("has a fragment"));
    EXPECT_THAT(what("http://127.0.0.1/a b"), HasSubstr("%20"));
    EXPECT_THAT(what("http://127.0.0.1/\r\nX: y"), HasSubstr("%20"));
    EXPECT_THAT(what("http://127.0.0.1/\xc3\xa4"), HasSubstr("%20"));
    for (const char* text :
         {"", "127.0.0.1:80", "http://", "http:///", "http://:80/", "http://[::1",
          "http://127.0.0.1:/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://[::1]80/",
          "ftp://127.0.0.1/", "http://127.0.0.1:80:81/"}) {
        EXPECT_THAT(what(text), HasSubstr("is not a URL")) << text;
    }
}

}  // namespace
}  // namespace reeve::config
