"""Nothing of a service survives it: what its processes leave behind, how they end, and who ends them.

All of it holds where the supervisor can make cgroups, and where it cannot."""
import os
import signal
import unittest

from harness import FOREVER, alive, needs, needs_root, python, shell, wait_gone, wait_reaped
from modes import WithCgroups, WithoutCgroups

# Leaves a process in a session of its own, twice forked; says "MAIN LEFT"; $1: what the left one does about TERM.
DAEMON = """
import os, signal, sys, time
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    if sys.argv[1] == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(w, str(os.getpid()).encode())
    os.closerange(0, 3)
    time.sleep(1000000)
os.wait()
left = os.read(r, 20).decode()
print(os.getpid(), left, file=open(os.environ["D"] + "/pids", "w"), flush=True)
if sys.argv[2] == "exit":
    os._exit(6)
time.sleep(1000000)
"""

class Leftovers(WithCgroups, unittest.TestCase):
    def service(self, on_term, then, **more):
        return {"services": {"web": {"command": python(DAEMON, on_term, then), **more}}}

    def test_what_a_crashed_main_process_left_is_gone_before_the_next_start(self):
        check = shell("if test -e $D/left; then kill -0 $(cat $D/left) 2>/dev/null && echo still there > $D/pids; fi; "
                      "setsid sleep 1000000 & echo $! > $D/left; echo $! > $D/pids; exit 1")
        with self.supervise({"services": {"web": {"command": check, "backoff": {"initial": "1ms", "factor": 1},
                                              "restart_limit": {"count": 10, "within": "1h"}}}}, fifos=["pids"]) as s:
            s.wait_for("web", "failed")
            pids = s.fifo("pids").lines_so_far()
            self.assertEqual(len(pids), 11)
            self.assertNotIn("still there", pids)
            for pid in pids:
                self.assertFalse(alive(int(pid)))

    def test_a_daemonized_process_ends_with_the_crash_of_its_main_process(self):
        with self.supervise(self.service("default", "exit", restart="never"), fifos=["pids"]) as s:
            _, left = map(int, s.fifo("pids").read_line().split())
            s.wait_for("web", "failed")
            self.assertFalse(alive(left))
            self.assertIn("exit 6", s.status("web")["cause"])

    def test_a_daemonized_process_ends_with_a_stop(self):
        with self.supervise(self.service("default", "wait"), fifos=["pids"]) as s:
            _, left = map(int, s.fifo("pids").read_line().split())
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(left))

    def test_a_daemonized_process_ends_with_the_supervisor(self):
        with self.supervise(self.service("default", "wait"), fifos=["pids"]) as s:
            main, left = map(int, s.fifo("pids").read_line().split())
            self.assertEqual(s.end(), 0)
            self.assertFalse(alive(left) or alive(main))

    def test_one_that_ignores_TERM_is_killed_at_the_timeout(self):
        with self.supervise(self.service("ignore", "wait", stop={"timeout": "100ms"}), fifos=["pids"]) as s:
            _, left = map(int, s.fifo("pids").read_line().split())
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(left))
            self.assertIn("killed", s.status("web")["cause"])

    def test_one_that_ignores_TERM_is_killed_after_a_crash_too(self):
        with self.supervise(self.service("ignore", "exit", restart="never", stop={"timeout": "100ms"}), fifos=["pids"]) as s:
            _, left = map(int, s.fifo("pids").read_line().split())
            s.wait_for("web", "failed")
            self.assertFalse(alive(left))

    def test_one_without_any_trace_in_its_environment_is_found_by_its_descent(self):
        script = shell("env -i setsid sleep 1000000 & echo $! > $D/pids; exec sleep 1000000")
        with self.supervise({"services": {"web": {"command": script}}}, fifos=["pids"]) as s:
            left = s.fifo("pids").read_pid()
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(left))

    def test_many_leftovers_of_several_services_are_told_apart(self):
        many = shell("for i in 1 2 3 4 5 6 7 8; do setsid sleep 1000000 & echo $REEVE_SERVICE $! > $D/pids; done; "
                     "exec sleep 1000000")
        with self.supervise({"services": {"a": {"command": many}, "b": {"command": many}}}, fifos=["pids"]) as s:
            pids = {"a": [], "b": []}
            for _ in range(16):
                name, pid = s.fifo("pids").read_line().split()
                pids[name].append(int(pid))
            os.kill(s.pid("b"), signal.SIGKILL)
            s.wait_for_change("b", "running")
            self.assertEqual([p for p in pids["a"] if not alive(p)], [])
            self.assertEqual([p for p in pids["b"] if alive(p)], [])

    def test_others_of_the_group_get_time_to_clean_up_after_the_main_process(self):
        script = shell("(trap 'sleep 0.1; echo cleaned > $D/said; exit' TERM; echo ready > $D/said; "
                       "while :; do sleep 0.02; done) & exec sleep 1000000")
        with self.supervise({"services": {"web": {"command": script}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "ready")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), ["cleaned"])
            self.assertNotIn("killed", s.status("web")["cause"])


class EndingTheMainProcess(WithCgroups, unittest.TestCase):
    def test_one_that_ignores_TERM_is_killed_and_the_cause_says_so(self):
        script = shell("trap '' TERM; echo $$ > $D/pids; while :; do sleep 1000000; done")
        with self.supervise({"services": {"web": {"command": script, "stop": {"timeout": "100ms"}}}}, fifos=["pids"]) as s:
            pid = s.fifo("pids").read_pid()
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(pid))
            self.assertEqual(s.status("web")["state"], "stopped")
            self.assertIn("killed", s.status("web")["cause"])

    def test_a_stopped_process_is_woken_to_end(self):
        script = shell("trap 'echo ended > $D/said; exit 0' TERM; echo $$ > $D/said; while :; do sleep 0.02; done")
        with self.supervise({"services": {"web": {"command": script}}}, fifos=["said"]) as s:
            pid = s.fifo("said").read_pid()
            os.kill(pid, signal.SIGSTOP)
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), ["ended"])

    def test_the_configured_signal_is_sent(self):
        script = shell("trap 'echo quit > $D/said; exit 0' QUIT; trap 'echo term > $D/said; exit 0' TERM; "
                       "echo up > $D/said; while :; do sleep 0.02; done")
        with self.supervise({"services": {"web": {"command": script, "stop": {"signal": "QUIT"}}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far()[0], "quit")

    def scope_service(self, scope):
        child = "(trap 'echo child > $D/said; exit 0' USR1; echo up > $D/said; while :; do sleep 0.02; done) & "
        main = "trap 'echo main > $D/said; wait; exit 0' USR1; while :; do sleep 0.02; done"
        return {"services": {"web": {"command": shell(child + main), "stop": {"signal": "USR1", "scope": scope}}}}

    def test_scope_tree_signals_the_whole_tree(self):
        with self.supervise(self.scope_service("tree"), fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.ctl("stop", "web", status=0)
            self.assertEqual(sorted(set(s.fifo("said").lines_so_far())), ["child", "main"])

    def test_scope_main_signals_the_main_process_alone(self):
        script = shell("(trap 'echo child > $D/said; exit 0' USR1; echo up > $D/said; while :; do sleep 0.02; done) & "
                       "trap 'echo main > $D/said; exit 0' USR1; while :; do sleep 0.02; done")
        with self.supervise({"services": {"web": {"command": script, "stop": {"signal": "USR1"}}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), ["main"])

    def test_the_stop_command_comes_before_the_signal(self):
        script = shell("trap 'echo term > $D/said; exit 0' TERM; echo $$ > $D/said; while :; do sleep 0.02; done")
        command = shell("echo command $MAINPID $REEVE_SERVICE > $D/said")
        with self.supervise({"services": {"web": {"command": script, "stop": {"command": command}}}}, fifos=["said"]) as s:
            pid = s.fifo("said").read_pid()
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), [f"command {pid} web", "term"])

    def test_a_hanging_stop_command_ends_at_the_timeout(self):
        with self.supervise({"services": {"web": {"command": FOREVER, "stop": {
                "command": FOREVER, "timeout": "100ms"}}}}) as s:
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            self.assertIn("killed", s.status("web")["cause"])
            s.wait_for("web", "stopped")


class Orphans(WithCgroups, unittest.TestCase):
    def test_orphans_of_a_running_service_are_reaped(self):
        script = shell("i=0; while test $i -lt 50; do (sleep 0.01 & echo $! > $D/pids); i=$((i + 1)); done; "
                       "exec sleep 1000000")
        with self.supervise({"services": {"web": {"command": script}}}, fifos=["pids"]) as s:
            pids = [s.fifo("pids").read_pid() for _ in range(50)]
            for pid in pids:
                wait_gone(pid)
            # What the supervisor hears of it is in order with what it answers next, and then no zombie is left.
            wait_reaped(pids, s)
            self.assertEqual(s.states["web"], "running")


@needs_root
@needs("unshare")
class LeftoversWithoutCgroups(WithoutCgroups, Leftovers, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class EndingTheMainProcessWithoutCgroups(WithoutCgroups, EndingTheMainProcess, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class OrphansWithoutCgroups(WithoutCgroups, Orphans, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
