"""What a killed supervisor was waiting for comes at the moment at which it was due, and what it has counted counts on."""
import os
import time
import unittest

from harness import FOREVER, alive, needs, needs_root, shell, wait_gone
from notify_test import one, speaker
from successors import Resuming, ResumingWithoutCgroups

CRASHING = shell("echo $$ > $D/said; read code < $D/go; exit $code")
STEADY = {"jitter": "0%", "factor": 2}


def crash(s):
    """The present run ends."""
    s.fifo("said").read_line()
    os.write(s.fifo("go").fd, b"1\n")


def due(s, key):
    """The moment at which something is due, by our own clock."""
    return time.monotonic() + s.why("web")[key]


class Restarts(Resuming, unittest.TestCase):
    def test_a_backoff_goes_on_to_its_end(self):
        web = {"command": CRASHING, "backoff": {**STEADY, "initial": "1500ms", "reset_after": "1h"}}
        with self.supervise({"web": web}, fifos=["said", "go"]) as s:
            crash(s)
            s.wait_for("web", "backoff")
            end, before = due(s, "next_start"), s.known("web")
            for _ in range(2):
                s.succeed()
                self.assert_same_moment(due(s, "next_start"), end, within=0.1)
                # The cause says how long it is still to last.
                self.assertEqual({**s.known("web"), "cause": None}, {**before, "cause": None})
            s.wait_for("web", "running")
            self.assert_same_moment(time.monotonic(), end)
            self.assertEqual(s.status("web")["restarts"], 1)

    def test_one_that_ends_meanwhile_is_over(self):
        web = {"command": CRASHING, "backoff": {**STEADY, "initial": "500ms", "reset_after": "1h"}}
        with self.supervise({"web": web}, fifos=["said", "go"]) as s:
            crash(s)
            s.wait_for("web", "backoff")
            end = due(s, "next_start")
            s.die()
            time.sleep(max(0.0, end - time.monotonic()))    # no supervisor is there to be waited for
            s.start()
            s.wait_for("web", "running")
            self.assertLess(time.monotonic() - end, 1)
            self.assertEqual(s.status("web")["restarts"], 1)

    def test_its_length_goes_on_growing(self):
        web = {"command": CRASHING, "backoff": {**STEADY, "initial": "40ms", "factor": 4, "max": "1h"}}
        with self.supervise({"web": web}, fifos=["said", "go"]) as s:
            for attempt in range(3):
                crash(s)
                s.wait_for_change("web", "backoff")
                self.assertLess(s.why("web")["next_start"], 0.04 * 4 ** attempt)
                cause = s.status("web")["cause"]
                s.succeed()
                s.wait_for("web", "running")
            self.assertIn("3rd time", cause)
            crash(s)
            s.wait_for_change("web", "backoff")
            self.assertIn("4th time", s.status("web")["cause"])
            self.assertGreater(s.why("web")["next_start"], 2.2)

    def test_the_count_towards_a_limit_goes_on(self):
        web = {"command": CRASHING, "backoff": {"initial": "1ms"}, "restart_limit": {"count": 2, "within": "1h"}}
        with self.supervise({"web": web}, fifos=["said", "go"]) as s:
            for _ in range(2):
                crash(s)
                s.wait_for_change("web", "running")
                s.succeed()
            crash(s)
            s.wait_for("web", "failed", "backoff", "starting")
            self.assertEqual(s.states["web"], "failed")
            self.assertIn("limit", s.status("web")["cause"])

    def test_a_long_run_is_long_for_the_next_one_too(self):
        web = {"command": CRASHING, "backoff": {**STEADY, "initial": "1h", "max": "1h", "reset_after": "600ms"}}
        with self.supervise({"web": web}, fifos=["said", "go"]) as s:
            s.wait_for("web", "running")
            begin = time.monotonic()
            s.succeed()
            time.sleep(max(0.0, begin + 0.7 - time.monotonic()))    # it is to run that long
            crash(s)
            s.wait_for_change("web", "running", "backoff")
            s.wait_for("web", "running")


    def test_an_end_that_nobody_saw_is_not_that_of_a_long_run(self):
        web = {"command": CRASHING, "backoff": {**STEADY, "initial": "1h", "max": "1h", "reset_after": "1ms"}}
        with self.supervise({"web": web}, fifos=["said", "go"]) as s:
            s.wait_for("web", "running")
            pid = s.fifo("said").read_pid()
            s.die()
            os.write(s.fifo("go").fd, b"3\n")
            wait_gone(pid)
            s.start()
            found = s.settled("web", state="backoff")
            self.assertGreater(s.why("web")["next_start"], 3500)
            self.assertRegex(found["cause"], "^(exit 3|ended, status unknown), while no supervisor was there; next start in ")
            self.assertEqual((found["restarts"], found["last_exit"]["ran"]), (1, None))
            [failure] = s.ask("failures", names=["web"])["failures"]
            self.assertEqual((failure["ran"], failure["unseen"]), (None, True))
            # Where it has a keeper, that knows.
            self.assertNotEqual(failure["max_rss"], 0)
            self.assertEqual(failure["max_rss"] is None, failure["cpu_user"] is None)
            for verb in ("status", "why", "failures"):
                self.assertIn("while no supervisor was there", s.ctl(verb, "web").stdout)
            before = s.known("web")
            s.succeed()
            self.assertEqual({**s.known("web"), "cause": None}, {**before, "cause": None})


class Deadlines(Resuming, unittest.TestCase):
    def test_a_start_has_the_time_that_it_had(self):
        web = {"command": FOREVER, "ready": {"path": "${D}/never"}, "start_timeout": "1500ms", "restart": "never"}
        with self.supervise({"web": web}) as s:
            s.wait_for("web", "starting")
            end, pid = due(s, "deadline"), s.pid("web")
            s.succeed()
            self.assertEqual((s.states["web"], s.pid("web")), ("starting", pid))
            self.assert_same_moment(due(s, "deadline"), end, within=0.1)
            s.wait_for("web", "failed")
            self.assert_same_moment(time.monotonic(), end, within=0.5)
            self.assertFalse(alive(pid))

    def test_a_start_that_has_asked_for_more_time_has_it(self):
        with self.supervise(one(speaker("notify('EXTEND_TIMEOUT_USEC=60000000')\nnotify_and_wait('BARRIER=1')\nsay('up')\nhear()\n"
                                        "notify('READY=1')"), start_timeout="700ms", restart="never")["services"],
                            fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            begin = time.monotonic()
            s.succeed()
            time.sleep(max(0.0, begin + 0.8 - time.monotonic()))    # beyond what it had at first
            s.tell("go")
            s.wait_for("web", "running", "failed")
            self.assertEqual(s.states["web"], "running")

    def test_a_stop_ends_at_the_deadline_that_it_had(self):
        deaf = shell("trap 'echo asked > $D/said' TERM; echo up > $D/said; while :; do sleep 1000000 & wait; done")
        with self.supervise({"web": {"command": deaf, "stop": {"timeout": "1500ms"}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            pid = s.pid("web")
            s.ctl("stop", "--no-wait", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "asked")
            s.wait_for("web", "stopping")
            end = due(s, "deadline")
            s.succeed()
            self.assertEqual((s.states["web"], s.pid("web")), ("stopping", pid))
            self.assert_same_moment(due(s, "deadline"), end, within=0.1)
            s.wait_for("web", "stopped")
            self.assert_same_moment(time.monotonic(), end, within=0.5)
            self.assertIn("kill", s.status("web")["cause"].lower())
            self.assertFalse(alive(pid))

    def test_a_stop_whose_deadline_passes_meanwhile_ends_at_once(self):
        deaf = shell("trap 'echo asked > $D/said' TERM; echo up > $D/said; while :; do sleep 1000000 & wait; done")
        with self.supervise({"web": {"command": deaf, "stop": {"timeout": "400ms"}}}, fifos=["said"]) as s:
            s.fifo("said").read_line()
            pid = s.pid("web")
            s.ctl("stop", "--no-wait", "web", status=0)
            s.fifo("said").read_line()
            s.wait_for("web", "stopping")
            end = due(s, "deadline")
            s.die()
            time.sleep(max(0.0, end - time.monotonic()))
            self.assertTrue(alive(pid))
            s.start()
            s.wait_for("web", "stopped")
            self.assertLess(time.monotonic() - end, 1)
            self.assertFalse(alive(pid))

    def test_a_stop_that_comes_to_its_end_meanwhile_is_one(self):
        polite = shell("trap 'trap \"\" TERM; echo asked > $D/said; read line < $D/go; exit 0' TERM; echo up > $D/said; "
                       "while :; do sleep 1000000 & wait; done")
        with self.supervise({"web": {"command": polite, "stop": {"timeout": "1h"}}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            pid = s.pid("web")
            s.ctl("stop", "--no-wait", "web", status=0)
            s.fifo("said").read_line()
            s.die()
            s.tell("go")
            wait_gone(pid)
            s.start()
            s.wait_for("web", "stopped")
            self.assertEqual(s.fifo("said").lines_so_far(), [])
            self.assertEqual(s.status("web")["restarts"], 0)

    def test_a_restart_by_hand_is_finished(self):
        polite = shell("trap 'trap \"\" TERM; echo asked > $D/said; read line < $D/go; exit 0' TERM; echo up > $D/said; "
                       "while :; do sleep 1000000 & wait; done")
        with self.supervise({"web": {"command": polite, "stop": {"timeout": "1h"}}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.ctl("restart", "--no-wait", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "asked")
            s.succeed()
            s.tell("go")
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.wait_for("web", "running")
            self.assertEqual(s.status("web")["restarts"], 0)
            s.ctl("stop", "--no-wait", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "asked")
            s.tell("go")
            s.wait_for("web", "stopped")


class Watched(Resuming, unittest.TestCase):
    def test_a_watchdog_that_is_fed_goes_on_and_one_that_is_not_bites(self):
        feeding = ("import select\nnotify('READY=1')\ngo = os.open(os.environ['D'] + '/go', os.O_RDONLY | os.O_NONBLOCK)\nfed = 0\n"
                   "while not select.select([go], [], [], 0.1)[0]:\n"
                   "    try: notify('WATCHDOG=1')\n    except OSError: pass    # nobody is there for a moment\n"
                   "    fed += 1\n    if fed % 15 == 0: say('fed')\nos.read(go, 1)")
        with self.supervise(one(speaker(feeding), watchdog="1s", backoff={"initial": "1ms"})["services"],
                            fifos=["said", "go"]) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            s.succeed()
            for _ in range(2):
                self.assertEqual(s.fifo("said").read_line(), "fed")
            self.assertEqual((s.pid("web"), s.status("web")["restarts"]), (pid, 0))
            s.tell("go")
            s.wait_for_change("web", "stopping", "backoff", "starting")
            s.wait_for("web", "running")
            self.assertEqual(s.status("web")["restarts"], 1)
            self.assertFalse(alive(pid))

    def test_a_watchdog_that_nobody_feeds_bites_after_a_death(self):
        with self.supervise(one(speaker("notify('READY=1')"), watchdog="500ms", backoff={"initial": "1ms"})["services"]) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            s.succeed()
            s.wait_until(lambda: s.status("web")["pid"] not in (None, pid))

    def test_probes_of_health_go_on_and_failures_in_a_row_are_kept(self):
        verdict = shell("test -e $D/well; verdict=$?; echo $verdict > $D/said; exit $verdict")
        with self.supervise({"web": {"command": FOREVER, "backoff": {"initial": "1h", "max": "1h"}, "health": {
                "exec": verdict, "interval": "500ms", "failures": 3}}}, fifos=["said"], start=False) as s:
            well = s.dir + "/well"
            open(well, "w", encoding="ascii").close()
            s.start()
            self.assertEqual(s.fifo("said").read_line(), "0")
            s.wait_for("web", "running")
            pid = s.pid("web")
            os.unlink(well)
            while s.fifo("said").read_line() == "0":
                pass
            self.assertEqual(s.fifo("said").read_line(), "1")
            unhealthy = s.status("web")["unhealthy"]
            s.succeed()
            self.assertEqual((s.states["web"], s.pid("web"), s.status("web")["unhealthy"]), ("running", pid, unhealthy))
            s.wait_for("web", "stopping", "backoff")
            # One of which nobody saw the end is asked again.
            self.assertIn(s.fifo("said").lines_so_far(), (["1"], ["1", "1"]))
            s.wait_for("web", "backoff")

    def test_what_a_service_has_said_of_itself_is_kept(self):
        with self.supervise(one(speaker("notify('READY=1\\nSTATUS=serving')\nnotify_and_wait('BARRIER=1')\nsay('up')\nhear()\n"
                                        "notify('STATUS=closing')\nnotify_and_wait('BARRIER=1')\nsay('told')"))["services"],
                            fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.succeed()
            self.assertEqual(s.status("web")["status_text"], "serving")
            s.tell("go")
            s.fifo("said").read_line()
            self.assertEqual(s.status("web")["status_text"], "closing")

    def test_a_reload_that_was_under_way_comes_to_its_end(self):
        script = ("import signal, threading\nhup = threading.Event()\nsignal.signal(signal.SIGHUP, lambda *_: hup.set())\n"
                  "notify('READY=1')\nhup.wait()\nnow = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000\n"
                  "notify(f'RELOADING=1\\nMONOTONIC_USEC={now}')\nnotify_and_wait('BARRIER=1')\nsay('reloading')\nhear()\n"
                  "notify('READY=1')")
        with self.supervise(one(speaker(script), reload={"signal": "HUP"})["services"], fifos=["said", "go"]) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            s.ctl("reload", "--no-wait", "web", status=0)
            s.fifo("said").read_line()
            s.wait_for("web", "reloading")
            s.succeed()
            self.assertEqual((s.states["web"], s.pid("web")), ("reloading", pid))
            s.tell("go")
            s.wait_for("web", "running")
            self.assertEqual((s.pid("web"), s.status("web")["restarts"]), (pid, 0))


@needs_root
@needs("unshare")
class DeadlinesWithoutCgroups(ResumingWithoutCgroups, Deadlines, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
