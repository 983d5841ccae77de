"""Crashes, backoff, limits, and starts that fail."""
import datetime
import os
import signal
import unittest

from harness import FOREVER, Supervisor, needs_root, shell

REPORT = "echo $$ > $D/pids; "


class Restart(unittest.TestCase):
    def test_a_crash_waits_for_its_backoff_and_comes_back(self):
        with Supervisor({"services": {"web": {
                "command": shell(REPORT + "exec sleep 1000000"), "backoff": {"initial": "20ms"}}}}, fifos=["pids"]) as s:
            s.wait_for("web", "running")
            first = s.fifo("pids").read_pid()
            os.kill(first, signal.SIGKILL)
            backoff = s.wait_for_change("web", "backoff")
            self.assertIn("SIGKILL", backoff["cause"])
            s.wait_for_change("web", "running")
            status = s.status("web")
            self.assertEqual(status["pid"], s.fifo("pids").read_pid())
            self.assertNotEqual(status["pid"], first)
            self.assertEqual(status["restarts"], 1)
            self.assertEqual((status["last_exit"]["signal"], status["last_exit"]["code"]), ("SIGKILL", None))

    def test_the_cause_names_the_exit_code_and_the_next_start(self):
        with Supervisor({"services": {"web": {"command": shell("exit 42"), "backoff": {"initial": "1h", "max": "1h"}}}}) as s:
            s.wait_for("web", "backoff")
            self.assertRegex(s.status("web")["cause"], r"exit 42 .*next start in")
            self.assertEqual(s.status("web")["last_exit"]["code"], 42)

    def test_quick_crashes_wait_longer_each_time(self):
        with Supervisor({"services": {"web": {"command": ["false"], "restart_limit": {"count": 4, "within": "1h"},
                                              "backoff": {"initial": "20ms", "factor": 3, "max": "100ms", "jitter": "0%"}}}},
                        gate=True) as s:
            s.wait_for("web", "failed")
            self.assertEqual([state for _, state in s.moves("web")].count("backoff"), 4)
            self.assertIn("4 times", s.status("web")["cause"])
            starts = [datetime.datetime.fromisoformat(e["time"]).timestamp() for e in s.history if e["service"] == "web" and e["to"] == "starting"]
            waits = [b - a for a, b in zip(starts, starts[1:])]
            for waited, least in zip(waits, (0.02, 0.06, 0.1, 0.1)):
                self.assertGreaterEqual(waited, least - 0.002)

    def test_an_exit_after_a_long_run_restarts_at_once(self):
        with Supervisor({"services": {"web": {
                "command": shell("echo $$ > $D/pids; read line < $D/go; exit 1"),
                "backoff": {"initial": "1h", "max": "1h", "reset_after": "1ms"}}}}, fifos=["pids", "go"]) as s:
            first = s.fifo("pids").read_pid()
            while s.status("web")["uptime"] < 0.02:     # longer than reset_after
                pass
            s.tell("go")
            self.assertNotEqual(s.fifo("pids").read_pid(), first)
            s.settle()
            self.assertNotIn(("web", "backoff"), s.moves())

    def test_a_service_that_failed_for_good_starts_by_hand(self):
        with Supervisor({"services": {"web": {
                "command": shell("test -e $D/mended && exec sleep 1000000; exit 9"),
                "restart_limit": {"count": 1, "within": "1h"}, "backoff": {"initial": "1ms"}}}}) as s:
            s.wait_for("web", "failed")
            open(s.dir + "/mended", "w").close()
            s.ctl("start", "web", status=0)
            self.assertEqual((s.status("web")["state"], s.status("web")["restarts"]), ("running", 0))

    def test_policies_decide_what_follows_an_exit(self):
        with Supervisor({"defaults": {"backoff": {"initial": "1h", "max": "1h"}}, "services": {
                "never": {"command": shell("exit 3"), "restart": "never"},
                "well": {"command": ["true"], "restart": "on-failure"},
                "badly": {"command": ["false"], "restart": "on-failure"},
                "always": {"command": ["true"]},
                "counted-well": {"command": shell("exit 7"), "restart": "on-failure", "success_exit": [0, 7]},
                "signal-well": {"command": shell("kill -USR1 $$"), "restart": "on-failure", "success_exit": ["SIGUSR1"]},
                "prevented": {"command": shell("exit 5"), "restart_prevent_exit": [5]},
                "job": {"command": ["true"], "type": "oneshot"}}}) as s:
            wanted = {"never": "failed", "well": "done", "badly": "backoff", "always": "backoff", "counted-well": "done",
                      "signal-well": "done", "prevented": "failed", "job": "done"}
            for name, state in wanted.items():
                s.wait_for(name, state)

    def test_a_crash_leaves_those_that_require_it_running(self):
        with Supervisor({"services": {
                "db": {"command": shell("echo $$ > $D/pids; exec sleep 1000000"), "backoff": {"initial": "1ms"}},
                "app": {"command": FOREVER, "requires": ["db"]}}}, fifos=["pids"]) as s:
            s.wait_for("app", "running")
            before = s.pid("app")
            os.kill(s.fifo("pids").read_pid(), signal.SIGSEGV)
            s.wait_for_change("db", "running")
            self.assertEqual(s.pid("app"), before)

    def test_a_child_that_holds_stdout_does_not_hide_the_exit(self):
        with Supervisor({"services": {"web": {
                "command": shell("setsid sleep 1000000 & echo $! > $D/pids; exit 4"), "restart": "never"}}},
                fifos=["pids"]) as s:
            s.wait_for("web", "failed")
            self.assertIn("exit 4", s.status("web")["cause"])


class FailedStarts(unittest.TestCase):
    def cause_of(self, service):
        with Supervisor({"services": {"web": {"backoff": {"initial": "1h", "max": "1h"}, **service}}}) as s:
            s.wait_for("web", "backoff", "failed")
            return s.status("web")["cause"]

    def test_a_missing_program_is_named(self):
        self.assertRegex(self.cause_of({"command": ["/no/such/program"]}), r"exec.*/no/such/program.*No such file")

    def test_a_program_that_may_not_be_executed_is_named(self):
        self.assertRegex(self.cause_of({"command": ["/etc/passwd"]}), r"exec.*/etc/passwd.*Permission denied")

    def test_a_missing_working_directory_is_named(self):
        self.assertRegex(self.cause_of({"command": FOREVER, "working_dir": "/no/such/folder"}),
                         r"/no/such/folder.*No such file")

    def test_a_missing_environment_file_is_named(self):
        self.assertRegex(self.cause_of({"command": FOREVER, "environment_files": ["/no/such/env"]}),
                         r"/no/such/env.*No such file")

    def test_a_missing_stdin_is_named(self):
        self.assertRegex(self.cause_of({"command": FOREVER, "stdin": "/no/such/input"}), r"/no/such/input.*No such file")

    @needs_root
    def test_an_impossible_limit_is_named(self):
        self.assertRegex(self.cause_of({"command": FOREVER, "limits": {"nofile": "2000000000"}}), r"not permitted")

    def test_it_never_counts_as_running(self):
        with Supervisor({"services": {"web": {"command": ["/no/such/program"], "restart": "never"}}}, gate=True) as s:
            s.wait_for("web", "failed")
            self.assertNotIn(("web", "running"), s.moves())

    def test_it_comes_up_once_the_program_is_there(self):
        with Supervisor({"services": {"web": {"command": ["${D}/program"], "backoff": {"initial": "10ms"}}}}) as s:
            s.wait_for("web", "backoff")
            with open(s.dir + "/new", "w") as f:
                f.write("#!/bin/sh\nexec sleep 1000000\n")
            os.chmod(s.dir + "/new", 0o755)
            os.rename(s.dir + "/new", s.dir + "/program")
            s.wait_for("web", "running")

    def test_a_start_by_hand_says_why_it_failed(self):
        with Supervisor({"services": {"web": {"command": ["/no/such/program"], "enabled": False, "restart": "never"}}}) as s:
            self.assertIn("No such file", s.ctl("start", "web", status=1).stderr)


if __name__ == "__main__":
    unittest.main()
