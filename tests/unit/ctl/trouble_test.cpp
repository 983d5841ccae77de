#include <gmock/gmock.h>

#include "ctl/card.h"
#include "ctl/explanation.h"
#include "ctl/protocol/timestamp.h"
#include "ctl/table.h"
#include "tests/unit/ctl/fixture.h"

/// What is shown of five kinds of trouble, as a whole: somebody who has never seen the program has
/// to learn from it what is wrong and what to type next.
namespace reeve::ctl {
namespace {

using protocol::Explanation;
using protocol::LastExit;
using protocol::Link;
using protocol::ServiceStatus;
using protocol::State;

const WallTime now = *protocol::parse_rfc3339("2026-11-21T01:00:00Z");
const Look terminal{80, false, true, now, "reevectl"};

/// One service as a status and as the link of a chain.
struct Subject {
    ServiceStatus status;
    Link link;
};

Subject subject(const std::string& name, State state, const std::string& cause, Duration ago) {
    Subject made{service(name, state, cause), {}};
    made.status.since = made.link.since = now - ago;
    made.link.service = name;
    made.link.state = state;
    made.link.cause = cause;
    return made;
}

Subject crash_loop() {
    Subject db =
        subject("db", State::Backoff, "exit 1 after 120 ms, 4th time; next start in 800 ms", 200ms);
    db.status.last_exit = db.link.last_exit = LastExit{ExitStatus::exited(1), now - 200ms, 120ms};
    db.status.restarts = 4;
    db.link.next_start = 800ms;
    return db;
}

const std::vector<std::string> last_words = {
    "LOG:  starting PostgreSQL 15.4 on x86_64-pc-linux-gnu",
    "\x1b[31mFATAL\x1b[0m:  could not open \"/var/lib/db/postmaster.pid\": Permission denied",
};

Subject not_found() {
    return subject("mailer", State::Failed,
                   "cannot start: exec /srv/app/bin/mailer: No such file or directory", 200s);
}

Subject given_up() {
    Subject db =
        subject("db", State::Failed,
                "exit 1 after 120 ms, 4th time; restarted 3 times within 1 min, the limit", 200s);
    db.status.last_exit = db.link.last_exit = LastExit{ExitStatus::exited(1), now - 200s, 120ms};
    return db;
}

Subject refused() {
    Subject api = subject("api", State::Starting,
                          "not ready yet: connect to 127.0.0.1:8080: Connection refused", 48s);
    api.status.pid = 4321;
    api.link.deadline = 12s;
    return api;
}

Subject hanging() {
    Subject worker = subject("worker", State::Stopping, "stopped by request", 3s);
    worker.status.pid = 4711;
    worker.link.deadline = 7s;
    return worker;
}

Subject held_up(const std::string& name, const Subject& by) {
    const std::string state(to_string(by.link.state));
    Subject made =
        subject(name, State::Waiting, "waits for " + by.link.service + " (" + state + ")", 205s);
    made.link.because = {by.link};
    made.link.because[0].relation = "requires";
    return made;
}

LastLines as_log(const std::vector<std::string>& lines) {
    LastLines log;
    for (const std::string& line : lines)
        log.lines.push_back({"2026-11-21T00:59:59.7Z", "stderr", line});
    return log;
}

RunLog wrote(const std::vector<std::string>& lines) { return {lines, "it wrote nothing", false}; }

class Trouble : public testing::Test {
  protected:
    Trouble() { setenv("TZ", "UTC", 1); }
};

TEST_F(Trouble, OfAllKindsIsToldApartInTheTable) {
    const Subject web = held_up("web", given_up());
    const protocol::StatusDocument document{
        {},
        {refused().status, crash_loop().status, not_found().status, held_up("shop", web).status,
         web.status, hanging().status}};
    EXPECT_EQ(render_table(document, terminal),
              R"(NAME    STATE     SINCE        PID  RESTARTS  MEM  CAUSE
api     starting  48 s ago    4321         0    -  not ready yet: connect to
                                                   127.0.0.1:8080: Connection
                                                   refused
db      backoff   200 ms ago     -         4    -  exit 1 after 120 ms, 4th
                                                   time; next start in 800 ms
mailer  failed    3 min ago      -         0    -  cannot start: exec
                                                   /srv/app/bin/mailer: No such
                                                   file or directory
shop    waiting   3 min ago      -         0    -  waits for web (waiting)
web     waiting   3 min ago      -         0    -  waits for db (failed)
worker  stopping  3 s ago     4711         0    -  stopped by request

6 services: 1 starting, 2 waiting, 1 stopping, 1 backoff, 1 failed
1 failed:      reevectl why mailer
1 in backoff:  reevectl why db
2 waiting:     reevectl why shop  (also web)
)");
}

TEST_F(Trouble, CrashLoop) {
    const Explanation explanation{crash_loop().link, true, true, {"web"}, {"shop", "web"}};
    EXPECT_EQ(render_card(crash_loop().status, explanation, as_log(last_words), terminal), R"(● db
     state  backoff since 2026-11-21 00:59:59 UTC, 200 ms ago
     cause  exit 1 after 120 ms, 4th time; next start in 800 ms
     ready  no
  restarts  4
 last exit  exit 1 after 120 ms, 200 ms ago
   at boot  started
       log  00:59:59  LOG:  starting PostgreSQL 15.4 on x86_64-pc-linux-gnu
            00:59:59  FATAL:  could not open "/var/lib/db/postmaster.pid":
            Permission denied

db is in backoff: it failed, and is tried again by itself; next start in 800 ms.
why, in full:       reevectl why db
to try it now:      reevectl start db
all that it wrote:  reevectl logs db
to stop trying:     reevectl stop db
)");
    EXPECT_EQ(render_explanation(explanation, {{"db", wrote(last_words)}}, terminal),
              R"(db is in backoff: it failed, and is tried again by itself.

db: in backoff for 200 ms
  exit 1 after 120 ms, 4th time
  next start in 800 ms
  its last lines:
    LOG:  starting PostgreSQL 15.4 on x86_64-pc-linux-gnu
    FATAL:  could not open "/var/lib/db/postmaster.pid": Permission denied

waiting for it: web
required by:    shop and web

to try it now:      reevectl start db
all that it wrote:  reevectl logs db
to stop trying:     reevectl stop db
)");
}

TEST_F(Trouble, ProgramThatIsNotThere) {
    const Explanation explanation{not_found().link, false, true, {}, {}};
    EXPECT_EQ(render_card(not_found().status, explanation, {}, terminal), R"(● mailer
     state  failed since 2026-11-21 00:56:40 UTC, 3 min 20 s ago
     cause  cannot start: exec /srv/app/bin/mailer: No such file or directory
     ready  no
  restarts  0
   at boot  started

mailer has failed, and nothing starts it again by itself.
why, in full:          reevectl why mailer
once mended:           reevectl start mailer
its definition:        reevectl cat mailer
once that is changed:  reevectl apply
)");
    EXPECT_EQ(render_explanation(explanation, {}, terminal),
              R"(mailer has failed, and nothing starts it again by itself.

mailer: failed 3 min 20 s ago
  cannot start: exec /srv/app/bin/mailer: No such file or directory

once mended:           reevectl start mailer
its definition:        reevectl cat mailer
once that is changed:  reevectl apply
)");
}

TEST_F(Trouble, RequirementThatFailedByItsRestartLimit) {
    const Subject shop = held_up("shop", held_up("web", given_up()));
    const Explanation explanation{shop.link, true, true, {}, {}};
    EXPECT_EQ(render_card(shop.status, explanation, {}, terminal), R"(● shop
     state  waiting since 2026-11-21 00:56:35 UTC, 3 min 25 s ago
     cause  waits for web (waiting)
     ready  no
  restarts  0
   at boot  started

shop is waiting for web, which is waiting for db, which has failed.
why, in full:         reevectl why shop
once mended:          reevectl start db
all that it wrote:    reevectl logs db
to leave it stopped:  reevectl reset-failed db
)");
    EXPECT_EQ(render_explanation(explanation, {{"db", wrote(last_words)}}, terminal),
              R"(shop is waiting for web, which is waiting for db, which has failed.

shop: waiting for 3 min 25 s
└─ requires web: waiting for 3 min 25 s
   └─ requires db: failed 3 min 20 s ago
        exit 1 after 120 ms, 4th time; restarted 3 times within 1 min, the limit
        its last lines:
          LOG:  starting PostgreSQL 15.4 on x86_64-pc-linux-gnu
          FATAL:  could not open "/var/lib/db/postmaster.pid": Permission denied

shop starts by itself once db is ready.
once mended:          reevectl start db
all that it wrote:    reevectl logs db
to leave it stopped:  reevectl reset-failed db
)");
}

TEST_F(Trouble, ProbeThatIsRefusedAgainAndAgain) {
    const Explanation explanation{refused().link, true, true, {"web"}, {"web"}};
    const std::vector<std::string> lines{"listening on port 8081"};
    EXPECT_EQ(render_card(refused().status, explanation, as_log(lines), terminal), R"(● api
     state  starting since 2026-11-21 00:59:12 UTC, 48 s ago
     cause  not ready yet: connect to 127.0.0.1:8080: Connection refused
     ready  no
  main PID  4321
  restarts  0
   at boot  started
       log  00:59:59  listening on port 8081

api is starting, and not ready yet; it fails if it is not ready within 12 s.
why, in full:    reevectl why api
what it writes:  reevectl logs -f api
to wait for it:  reevectl wait api --for ready
)");
    EXPECT_EQ(render_explanation(explanation, {{"api", wrote(lines)}}, terminal),
              R"(api is starting, and not ready yet.

api: starting for 48 s
  not ready yet: connect to 127.0.0.1:8080: Connection refused
  it fails if it is not ready within 12 s
  its last lines:
    listening on port 8081

waiting for it: web
required by:    web

what it writes:  reevectl logs -f api
to wait for it:  reevectl wait api --for ready
)");
}

TEST_F(Trouble, StopThatHangs) {
    const Explanation explanation{hanging().link, false, true, {}, {}};
    const std::vector<std::string> lines{"waiting for 3 jobs"};
    EXPECT_EQ(render_card(hanging().status, explanation, as_log(lines), terminal), R"(● worker
     state  stopping since 2026-11-21 00:59:57 UTC, 3 s ago
     cause  stopped by request
     ready  no
  main PID  4711
  restarts  0
   at boot  started
       log  00:59:59  waiting for 3 jobs

worker is being stopped; it is killed if it does not end within 7 s.
why, in full:    reevectl why worker
to end it now:   reevectl kill -s KILL --tree worker
what it writes:  reevectl logs -f worker
)");
    EXPECT_EQ(render_explanation(explanation, {{"worker", wrote(lines)}}, terminal),
              R"(worker is being stopped.

worker: stopping for 3 s
  stopped by request
  it is killed if it does not end within 7 s
  its last lines:
    waiting for 3 jobs

to end it now:   reevectl kill -s KILL --tree worker
what it writes:  reevectl logs -f worker
)");
}

}  // namespace
}  // namespace reeve::ctl
