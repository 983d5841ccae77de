"""A supervisor that is killed costs its services nothing: the next one goes on with them as if it had always been there."""
import contextlib
import os
import random
import signal
import subprocess
import unittest

from harness import FOREVER, STARTING, alive, needs, needs_root, python, shell, wait_gone
from successors import TELLS_STATUS, Resuming, ResumingWithoutCgroups

# Each start says its number; a word through $D/go is the status that it exits with.
CRASHING = shell("echo $$ > $D/said; read code < $D/go; exit $code")
# Writes numbered lines until it is asked to stop, and then how many they were.
NUMBERING = python("""
import os, signal, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
open(os.environ["D"] + "/said", "w").write("up\\n")
number = 0
while not asked:
    os.write(1 + number % 2, b"%d\\n" % number)
    number += 1
    time.sleep(0.0005)
open(os.environ["D"] + "/said", "w").write("%d\\n" % number)
""")
# Its main process, a child, and one that has left its session and whose parent is gone.
FAMILY = shell("sleep 1000000 & setsid sh -c 'setsid sleep 1000000 & echo $! > $D/said'; echo $! > $D/said; "
               "echo $$ > $D/said; wait")


def exit_by(s, code):
    os.write(s.fifo("go").fd, b"%d\n" % code)


class Running(Resuming, unittest.TestCase):
    def test_a_service_keeps_its_process_and_all_that_is_known_of_it(self):
        with self.supervise({"web": {"command": CRASHING, "backoff": {"initial": "1ms"}}}, fifos=["said", "go"]) as s:
            for code in (3, 4):
                s.fifo("said").read_line()
                exit_by(s, code)
                s.wait_for_change("web", "running")
            pid = s.fifo("said").read_pid()
            before = s.known("web")
            self.assertEqual((before["pid"], before["restarts"], len(before["runs"]), len(before["failures"])), (pid, 2, 3, 2))
            for _ in range(2):
                s.succeed()
                self.assertEqual(s.known("web"), before)
            self.assertEqual(s.fifo("said").lines_so_far(), [], "it was not started again")

    def test_no_line_of_its_log_is_lost_or_doubled(self):
        with self.supervise({"web": {"command": NUMBERING, "log": {"to": "file", "max_size": "64KiB", "max_files": 1000}}},
                            fifos=["said"]) as s:
            s.fifo("said").read_line()
            for _ in range(5):
                s.succeed()
            s.ctl("stop", "web", status=0)
            count = int(s.fifo("said").read_line())
            numbers = {"stdout": [], "stderr": []}
            for stream, _, text in s.log_lines("web"):
                numbers[stream].append(int(text))
            self.assertEqual(numbers, {"stdout": [*range(0, count, 2)], "stderr": [*range(1, count, 2)]})

    def test_a_stop_ends_it_and_its_whole_tree(self):
        with self.supervise({"web": {"command": FAMILY}}, fifos=["said"]) as s:
            family = [s.fifo("said").read_pid() for _ in range(3)]
            s.succeed()
            self.assertTrue(all(map(alive, family)))
            s.ctl("stop", "web", status=0)
            self.assertEqual([pid for pid in family if alive(pid)], [])
            self.assertEqual(s.status("web")["state"], "stopped")
            self.assertEqual(s.strangers(), set())

    def test_the_card_shows_its_whole_tree(self):
        with self.supervise({"web": {"command": FAMILY}}, fifos=["said"]) as s:
            family = {s.fifo("said").read_pid() for _ in range(3)}
            tracking = s.status("web")["tracking"]
            s.succeed()
            [web] = s.ask("status", names=["web"], processes=True)["services"]
            self.assertLessEqual(family, {p["pid"] for p in web["processes"]})
            self.assertEqual(web["tracking"], tracking)

    def test_a_later_crash_is_told_as_it_was_and_counts_go_on(self):
        for code, sig in ((7, None), (None, "SIGKILL")):
            with self.subTest(code=code, sig=sig), self.supervise({"web": {
                    "command": CRASHING, "backoff": {"initial": "1ms"}}}, fifos=["said", "go"]) as s:
                s.fifo("said").read_line()
                exit_by(s, 3)
                s.wait_for_change("web", "running")
                pid = s.fifo("said").read_pid()
                s.succeed()
                if code:
                    exit_by(s, code)
                else:
                    os.kill(pid, signal.SIGKILL)
                s.wait_for_change("web", "running")
                self.assertNotEqual(s.fifo("said").read_pid(), pid)
                self.assert_ended(s, "web", code, sig)
                self.assertEqual(s.status("web")["restarts"], 2)
                self.assertEqual([f["code"] for f in s.ask("failures", names=["web"])["failures"]][0], 3)
                self.assertEqual(len(s.ask("failures", names=["web"])["failures"]), 2)
                if TELLS_STATUS:
                    word = f"exit {code}" if code else sig
                    self.assertIn(word, s.ctl("failures", "web", status=0).stdout)
                    self.assertIn(word, s.ctl("why", "web", status=0).stdout)

    def test_a_crash_ends_what_it_leaves_before_the_new_start(self):
        with self.supervise({"web": {"command": FAMILY, "backoff": {"initial": "1ms"}}}, fifos=["said"]) as s:
            family = [s.fifo("said").read_pid() for _ in range(3)]
            s.succeed()
            os.kill(s.pid("web"), signal.SIGKILL)
            s.wait_for_change("web", "running")
            self.assertEqual([pid for pid in family if alive(pid)], [])

    def test_many_are_taken_over_together(self):
        services = {f"s{i}": {"command": FOREVER, "requires": [f"s{i - 1}"] if i % 10 else []} for i in range(100)}
        with self.supervise(services) as s:
            s.wait_until(lambda: sum(state == "running" for state in s.states.values()) == 100)
            before = {name: s.known(name) for name in services}
            s.succeed()
            self.assertEqual({name: s.known(name) for name in services}, before)
            self.assertEqual(s.end(), 0)
            self.assertEqual(s.started_processes(), {})


class Meanwhile(Resuming, unittest.TestCase):
    """What happens while there is no supervisor."""

    def leave(self, s):
        """The service exits with 7 while nobody looks."""
        pid = s.fifo("said").read_pid()
        s.die()
        exit_by(s, 7)
        wait_gone(pid)
        s.start()
        return pid

    def assert_unknown(self, s):
        """A guess is what it must not be; who has reaped may have told."""
        last = s.status("web")["last_exit"]
        self.assertIn((last["code"], last["signal"]), [(None, None), (7, None)])
        if last["code"] is None:
            self.assertIn("status unknown", s.ctl("failures", "web", status=0).stdout)

    def test_an_exit_is_found_and_acted_on_by_policy(self):
        for policy, state in (("always", "running"), ("on-failure", "running"), ("never", "failed")):
            with self.subTest(policy), self.supervise({"web": {"command": CRASHING, "restart": policy, "backoff": {
                    "initial": "1ms"}}}, fifos=["said", "go"]) as s:
                pid = self.leave(s)
                found = s.settled("web", state=state, restarts=1 if state == "running" else 0)
                self.assert_unknown(s)
                self.assertNotEqual(found["pid"], pid)
                self.assertEqual([run["pid"] for run in s.ask("runs", names=["web"])["runs"]][0], pid)

    def test_an_exit_that_nobody_reaps_is_acted_on_all_the_same(self):
        with self.supervise({"web": {"command": CRASHING, "backoff": {"initial": "1ms"}}}, fifos=["said", "go"]) as s:
            pid = s.fifo("said").read_pid()
            s.succeed()
            with STARTING:
                exit_by(s, 7)
                s.wait_for_change("web", "running")
                self.assert_unknown(s)
                self.assertNotEqual(s.fifo("said").read_pid(), pid)
                self.assertEqual(s.status("web")["restarts"], 1)

    def test_what_an_exit_leaves_is_ended_before_the_new_start(self):
        script = shell("sleep 1000000 & echo $! > $D/said; echo $$ > $D/said; read code < $D/go; exit $code")
        with self.supervise({"web": {"command": script, "backoff": {"initial": "1ms"}}}, fifos=["said", "go"]) as s:
            left = s.fifo("said").read_pid()
            self.leave(s)
            s.settled("web", state="running", restarts=1)
            self.assertFalse(alive(left))

    def test_those_who_are_bound_to_it_go_along(self):
        with self.supervise({"web": {"command": CRASHING, "backoff": {"initial": "1ms"}},
                             "shop": {"command": FOREVER, "binds": ["web"]}}, fifos=["said", "go"]) as s:
            s.wait_for("shop", "running")
            shop = s.pid("shop")
            self.leave(s)
            s.wait_until(lambda: set(s.states.values()) == {"running"} and s.pid("shop") != shop)
            self.assertFalse(alive(shop))


class Decisions(Resuming, unittest.TestCase):
    """What people have asked for is not forgotten."""
    WEB = {"command": FOREVER}

    def test_what_was_stopped_by_hand_stays_stopped(self):
        with self.supervise({"web": self.WEB, "other": self.WEB}) as s:
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            before = s.known("web")
            s.succeed()
            self.assertEqual(s.known("web"), before)

    def test_what_was_started_by_hand_stays_up(self):
        with self.supervise({"web": {**self.WEB, "enabled": False}}) as s:
            s.ctl("start", "web", status=0)
            before = s.known("web")
            s.succeed()
            self.assertEqual(s.known("web"), before)

    def test_what_was_enabled_or_disabled_stays_so_and_is_not_touched(self):
        with self.supervise({"web": self.WEB, "off": {**self.WEB, "enabled": False}}) as s:
            s.wait_for("web", "running")
            s.ctl("disable", "web", status=0)
            s.ctl("enable", "off", status=0)
            before = {name: s.known(name) for name in ("web", "off")}
            s.succeed()
            self.assertEqual({name: s.known(name) for name in before}, before)
            self.assertEqual((before["web"]["enabled"], before["off"]["enabled"]), (False, True))

    def test_what_has_failed_or_is_done_stays_so(self):
        with self.supervise({"bad": {"command": ["false"], "restart": "never"},
                             "job": {"type": "oneshot", "command": ["true"]}}) as s:
            s.wait_for("bad", "failed")
            s.wait_for("job", "done")
            before = {name: s.known(name) for name in ("bad", "job")}
            s.succeed()
            self.assertEqual({name: s.known(name) for name in before}, before)

    def test_one_that_waits_for_another_still_does(self):
        with self.supervise({"db": {"command": CRASHING, "ready": {"path": "${D}/ready"}},
                             "web": {**self.WEB, "requires": ["db"]}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.wait_for("web", "waiting")
            s.succeed()
            self.assertEqual((s.states["db"], s.states["web"]), ("starting", "waiting"))
            open(s.dir + "/ready", "w", encoding="ascii").close()
            s.wait_for("web", "running")
            self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_a_service_that_was_just_started_is_not_forgotten(self):
        with self.supervise({"web": {**self.WEB, "enabled": False}}) as s:
            for _ in range(10):
                s.ctl("start", "web", status=0)
                s.die()
                s.start()
                self.assertEqual(s.status("web")["state"], "running")
                s.ctl("stop", "web", status=0)
                s.die()
                s.start()
                self.assertEqual(s.status("web")["state"], "stopped")
            self.assertEqual(s.strangers(), set())


class Deaths(Resuming, unittest.TestCase):
    """Deaths at moments that are worse than others."""

    def test_several_in_a_row(self):
        with self.supervise({f"s{i}": {"command": FOREVER} for i in range(20)}) as s:
            s.wait_until(lambda: set(s.states.values()) == {"running"})
            before = {name: s.known(name) for name in s.states}
            chance = random.Random(6)
            for _ in range(20):
                s.die()
                s.launch()
                if chance.random() < 0.5:
                    s.await_listening()
                else:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        s.process.wait(chance.uniform(0, 0.05))
            s.await_listening()
            s.connect()
            self.assertEqual({name: s.known(name) for name in before}, before)

    def test_during_the_boot_starts_nothing_twice(self):
        names = [f"s{i}" for i in range(30)]
        # Who starts while another one lives says so.
        only_one = shell("exec 9> $D/$REEVE_SERVICE; flock -n 9 || echo $REEVE_SERVICE > $D/said; exec sleep 1000000")
        chance = random.Random(6)
        for delay in [chance.uniform(0, 0.15) for _ in range(12)]:
            with self.subTest(delay), self.supervise({name: {"command": only_one} for name in names}, fifos=["said"],
                                                     start=False) as s:
                s.launch()
                s.await_listening()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    s.process.wait(delay)
                s.die()
                s.start()
                s.wait_until(lambda: [s.states[name] for name in names] == ["running"] * len(names))
                self.assertEqual(s.fifo("said").lines_so_far(), [])
                self.assertEqual(s.strangers(), set())

    def test_during_a_restart_starts_nothing_twice(self):
        only_one = shell("exec 9> $D/$REEVE_SERVICE; flock -n 9 || echo $REEVE_SERVICE > $D/said; exec sleep 1000000")
        chance = random.Random(7)
        with self.supervise({f"s{i}": {"command": only_one} for i in range(10)}, fifos=["said"]) as s:
            s.wait_until(lambda: set(s.states.values()) == {"running"})
            for _ in range(20):
                s.ctl("restart", "--no-wait", "--all", status=0)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    s.process.wait(chance.uniform(0, 0.05))
                s.succeed()
                s.wait_until(lambda: set(s.states.values()) == {"running"})
            self.assertEqual(s.fifo("said").lines_so_far(), [])
            self.assertEqual(s.strangers(), set())


class Ends(Resuming, unittest.TestCase):
    def test_an_orderly_end_leaves_no_state_and_the_next_start_boots_anew(self):
        with self.supervise({"web": {"command": FOREVER}}) as s:
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            self.assertTrue(os.path.exists(s.runtime + "/state"))
            self.assertEqual(s.end(), 0)
            self.assertFalse(os.path.exists(s.runtime + "/state"))
            s.start()
            s.wait_for("web", "running")
            self.assertEqual(s.status("web")["restarts"], 0)

    def test_a_shutdown_that_was_under_way_is_finished(self):
        slow = shell("trap 'trap \"\" TERM; echo asked > $D/said; read line < $D/go; exit 0' TERM; echo up > $D/said; "
                     "while :; do sleep 1000000 & wait; done")
        with self.supervise({"web": {"command": FOREVER}, "slow": {
                "command": slow, "after": ["web"], "stop": {"timeout": "1h"}}}, fifos=["said", "go"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.wait_for("slow", "running")
            s.send_signal(signal.SIGTERM)
            self.assertEqual(s.fifo("said").read_line(), "asked")
            s.die()
            s.launch()
            s.await_listening()
            self.assertEqual(s.ask("status")["supervisor"]["state"], "stopping")
            s.tell("go")
            self.assertEqual(s.wait(), 0)
            self.assertEqual(s.started_processes(), {})
            self.assertFalse(os.path.exists(s.runtime + "/state"))

    def test_an_exit_status_that_was_asked_for_is_the_next_ones(self):
        slow = shell("trap 'trap \"\" TERM; read line < $D/go; exit 0' TERM; echo up > $D/said; while :; do sleep 1000000 & wait; done")
        with self.supervise({"slow": {"command": slow, "stop": {"timeout": "1h"}}, "main": {
                "command": CRASHING, "restart": "never", "on_exit": "shutdown", "after": ["slow"]}},
                fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.fifo("said").read_line()
            s.wait_for("main", "running")
            exit_by(s, 9)
            s.wait_for("slow", "stopping")
            s.die()
            s.launch()
            s.await_listening()
            s.tell("go")
            self.assertEqual(s.wait(), 9)


@needs_root
@needs("unshare")
class RunningWithoutCgroups(ResumingWithoutCgroups, Running, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class MeanwhileWithoutCgroups(ResumingWithoutCgroups, Meanwhile, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class DeathsWithoutCgroups(ResumingWithoutCgroups, Deaths, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
