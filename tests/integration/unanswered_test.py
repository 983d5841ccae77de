"""What reevectl does when the supervisor dies, or has died."""
import json
import os
import signal
import subprocess
import unittest

from harness import FOREVER, PATIENCE, Supervisor, shell, wait_gone

NO_SUPERVISOR, TIMED_OUT = 6, 7
SERVICES = {"web": {"command": shell("echo line; exec sleep 1000000")}, "off": {"command": FOREVER, "enabled": False},
            "slow": {"type": "oneshot", "command": FOREVER, "enabled": False}}


def begin(s, *args):
    return subprocess.Popen([*s.ctl_argv(), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process):
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


class Deaths(unittest.TestCase):
    def following(self, s, *args):
        """`events -f`, of which the snapshot has come."""
        follower = begin(s, "--json", "events", "-f", *args)
        self.assertEqual(json.loads(follower.stdout.readline())["event"], "snapshot")
        return follower

    def test_wait_and_events_go_on_with_the_successor(self):
        with Supervisor({"services": SERVICES}) as s:
            s.wait_for("web", "running")
            waiter, follower = begin(s, "wait", "off", "--for", "ready"), self.following(s)
            s.ctl("status", status=0)
            web = s.pid("web")
            s.kill()
            os.kill(web, signal.SIGKILL)
            wait_gone(web)
            s.start()
            s.ctl("start", "off", status=0)
            self.assertEqual(end(waiter), (0, f"off is ready (pid {s.pid('off')})\n", ""))
            told = []
            while not {("web", "running"), ("off", "running")} <= {(e["service"], e["to"]) for e in told if e["event"] == "state"}:
                told.append(json.loads(follower.stdout.readline()))
            self.assertEqual(s.end(), 0)
            status, out, err = end(follower)
            self.assertEqual(status, 0, err)
            told += [json.loads(line) for line in out.splitlines()]
            # Also what happened before it was there again.
            self.assertEqual([event["to"] for event in told if event["event"] == "state" and event["service"] == "web"],
                             ["backoff", "starting", "running", "stopping", "stopped"])
            self.assertEqual([event["to"] for event in told if event["event"] == "state" and event["service"] == "off"],
                             ["starting", "running", "stopping", "stopped"])
            self.assertEqual(err, "reevectl: the supervisor has ended without a word; going on with the next one "
                                  f"(pid {s.process.pid})\n")

    def test_a_command_that_was_under_way_says_where_to_look(self):
        with Supervisor({"services": SERVICES}) as s:
            command = begin(s, "start", "slow")
            s.wait_for("slow", "starting")
            s.kill()
            status, _, err = end(command)
            self.assertEqual(status, NO_SUPERVISOR)
            self.assertEqual(err, f"reevectl: the supervisor at {s.socket_path} ended before it answered; what was asked "
                                  f"of it may go on all the same, and reevectl -s {s.socket_path} status tells\n")
            s.start()
            self.assertEqual(s.status("slow")["state"], "starting")

    def test_without_a_successor_nobody_waits_longer_than_it_takes(self):
        with Supervisor({"services": SERVICES}) as s:
            s.wait_for("web", "running")
            follower = self.following(s)
            pid = s.process.pid
            s.kill()
            died = f"the supervisor at {s.socket_path} (pid {pid}) has died, and no other has taken over"
            for verb in (["wait", "off"], ["start", "off"]):
                done = s.ctl(*verb, "--timeout", "300ms", status=TIMED_OUT)
                self.assertTrue(done.stderr.startswith(f"reevectl: gave up after 300 ms: {died} yet"), done.stderr)
            done = s.ctl("logs", "web", status=0, env={**os.environ, "REEVE_LOG_DIR": s.logs})
            self.assertEqual(done.stdout, "line\n")
            self.assertEqual(done.stderr, f"reevectl: {died} within 1 s; reading what is in {s.logs}\n")
            self.assertEqual(end(follower)[::2], (NO_SUPERVISOR,
                             f"reevectl: {died} within 10 s; its services go on: start reeved again\n"))
            s.kill_started()


if __name__ == "__main__":
    unittest.main()
