"""Hooks that run when the supervisor is killed: each runs once, and what it came to counts."""
import os
import unittest

from harness import Deadline, alive, needs, needs_root, shell, wait_gone
from successors import Resuming, ResumingWithoutCgroups

TURNS = ("pre_start", "post_start", "pre_stop", "post_stop")
MAIN = shell("trap 'echo main ends >> $D/record; exit 0' TERM; echo main begins >> $D/record; "
             "echo >&3; exec 3>&-; while :; do sleep 1000000 & wait; done")


def hook(turn, before=""):
    """Notes that it has begun; waits for the status that it is to have; notes its end."""
    return shell(f"echo {turn} begins >> $D/record; {before} echo $$ > $D/said; read code < $D/go; "
                 f"echo {turn} ends >> $D/record; exit $code")


def tell(s, code=0):
    os.write(s.fifo("go").fd, b"%d\n" % code)


def record(s):
    with open(s.dir + "/record", encoding="ascii") as f:
        return f.read().splitlines()


class Hooks(Resuming, unittest.TestCase):
    def one(self, *turns, **more):
        web = {"command": MAIN, "ready": {"fd": 3}, "restart": "never", **{turn: hook(turn) for turn in turns}, **more}
        return self.supervise({"web": web}, fifos=["said", "go"])

    def test_each_runs_once_whichever_is_under_way(self):
        with self.one(*TURNS) as s:
            for turn in TURNS:
                if turn == "pre_stop":
                    s.wait_for("web", "running")
                    s.ctl("stop", "--no-wait", "web", status=0)
                pid = s.fifo("said").read_pid()
                s.settle()
                before = s.known("web")
                s.succeed()
                after = s.known("web")
                self.assertTrue(alive(pid), turn)
                self.assertEqual((after["state"], after["pid"], after["since"]),
                                 (before["state"], before["pid"], before["since"]), turn)
                tell(s)
            s.wait_for("web", "stopped")
            self.assertEqual(record(s), ["pre_start begins", "pre_start ends", "main begins", "post_start begins", "post_start ends",
                                         "pre_stop begins", "pre_stop ends", "main ends", "post_stop begins", "post_stop ends"])

    def test_what_it_came_to_counts(self):
        with self.one("pre_start") as s:
            s.fifo("said").read_line()
            self.assertIn(" without a word: 0 runs of 1 service, 1 command\n", s.succeed())
            tell(s, 3)
            s.wait_for("web", "failed", "running")
            self.assertEqual(s.states["web"], "failed")
            self.assertRegex(s.status("web")["cause"], "exit 3|status unknown")
            self.assertEqual(record(s), ["pre_start begins", "pre_start ends"])

    def test_one_that_ends_meanwhile_counts_if_somebody_saw_how_and_is_run_again_if_nobody_did(self):
        with self.one("pre_start") as s:
            pid = s.fifo("said").read_pid()
            s.die()
            tell(s, 3)
            wait_gone(pid)
            s.start()
            deadline = Deadline()
            while s.status("web")["state"] != "failed" and record(s) == ["pre_start begins", "pre_start ends"]:
                self.assertTrue(deadline.left(), "neither")
            self.assertNotIn("main begins", record(s), "it had failed")
            if s.status("web")["state"] == "failed":
                self.assertIn("exit 3", s.status("web")["cause"])
                return
            s.fifo("said").read_line()
            tell(s)
            s.wait_for("web", "running")
            self.assertEqual(record(s)[:4], ["pre_start begins", "pre_start ends"] * 2)

    def test_the_later_ones_of_a_list_follow_and_the_earlier_ones_do_not(self):
        steps = [{"command": hook("first")}, {"command": hook("second")}, {"command": hook("third")}]
        with self.one(pre_start=steps) as s:
            s.fifo("said").read_line()
            tell(s)
            s.fifo("said").read_line()
            s.settle()
            s.succeed()
            tell(s)
            s.fifo("said").read_line()
            tell(s)
            s.wait_for("web", "running")
            self.assertEqual([line for line in record(s) if "main" not in line],
                             [f"{name} {word}" for name in ("first", "second", "third") for word in ("begins", "ends")])

    def test_its_timeout_is_the_one_that_it_had(self):
        with self.one(pre_start={"command": hook("pre_start"), "timeout": "1s"}) as s:
            pid = s.fifo("said").read_pid()
            s.wait_for("web", "starting")
            s.succeed()
            self.assertTrue(alive(pid))
            s.wait_for("web", "failed")
            self.assertFalse(alive(pid))
            self.assertEqual(record(s), ["pre_start begins"])

    def test_a_stop_meanwhile_asked_for_ends_it(self):
        with self.one("pre_start") as s:
            pid = s.fifo("said").read_pid()
            s.succeed()
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(pid))
            self.assertEqual(s.status("web")["state"], "stopped")
            self.assertEqual(record(s), ["pre_start begins"])

    def test_what_one_leaves_behind_is_ended_with_it(self):
        with self.one(pre_start=hook("pre_start", "setsid sleep 1000000 & echo $! > $D/said;")) as s:
            left = s.fifo("said").read_pid()
            s.fifo("said").read_line()
            s.succeed()
            self.assertTrue(alive(left))
            tell(s)
            s.wait_for("web", "running")
            self.assertFalse(alive(left))

    def test_what_it_prints_is_in_the_log_once(self):
        with self.one(pre_start=hook("pre_start", "echo before;")) as s:
            s.fifo("said").read_line()
            s.succeed()
            tell(s)
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.log_texts("web"), ["before"])

    def test_a_command_that_stops_is_not_run_twice(self):
        with self.one(stop={"command": shell("echo stop >> $D/record; echo $$ > $D/said; read line < $D/go; kill -TERM $MAINPID"),
                            "timeout": "1h"}) as s:
            s.wait_for("web", "running")
            s.ctl("stop", "--no-wait", "web", status=0)
            pid = s.fifo("said").read_pid()
            s.succeed()
            self.assertTrue(alive(pid))
            tell(s)
            s.wait_for("web", "stopped")
            self.assertEqual(record(s), ["main begins", "stop", "main ends"])

    def test_a_command_that_reloads_is_not_run_twice(self):
        with self.one(reload={"command": hook("reload")}) as s:
            s.wait_for("web", "running")
            s.ctl("reload", "--no-wait", "web", status=0)
            pid = s.fifo("said").read_pid()
            s.succeed()
            self.assertTrue(alive(pid))
            self.assertEqual(s.states["web"], "reloading")
            tell(s)
            s.wait_for("web", "running")
            self.assertEqual(record(s), ["main begins", "reload begins", "reload ends"])


@needs_root
@needs("unshare")
class HooksWithoutCgroups(ResumingWithoutCgroups, Hooks, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
