"""A start that is under way when the supervisor is killed comes to its end under the next one, whatever it waits for."""
import os
import signal
import unittest

from forking_test import BY_CALL, BY_HAND, PID_FILE, await_cause, forking, written
from harness import FOREVER, alive, free_port, needs, needs_root, python, shell, wait_gone
from notify_test import speaker
from probe_test import LISTEN
from successors import Resuming, ResumingWithoutCgroups

LISTEN_TCP = """
import os, socket, sys, time
open(os.environ["D"] + "/go").readline()
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
open(os.environ["D"] + "/said", "w").write("ready\\n")
time.sleep(1000000)
"""


def after_go(script):
    return shell(f"read line < $D/go; {script}; echo ready > $D/said; exec sleep 1000000")


def kinds():
    """(name, service) of each kind of readiness; it is had at a word through $D/go, and told through $D/said."""
    port = free_port()
    quick = {"interval": "20ms"}
    yield "exec", {"command": after_go("> $D/up"), "ready": {"exec": shell("test -e $D/up"), **quick}}
    yield "tcp", {"command": python(LISTEN_TCP, str(port)), "ready": {"tcp": f"127.0.0.1:{port}", **quick}}
    yield "unix", {"command": python(LISTEN.replace("time.sleep", "open(os.environ['D'] + '/said', 'w').write('ready\\n')\ntime.sleep"),
                                     "STREAM"), "ready": {"unix": "${D}/sock", **quick}}
    yield "path", {"command": after_go("> $D/up"), "ready": {"path": "${D}/up", **quick}}
    yield "log", {"command": after_go("echo listening"), "ready": {"log": "listening"}}
    yield "fd", {"command": after_go("echo >&5"), "ready": {"fd": 5}}
    yield "notify", {"command": speaker("hear()\nnotify('READY=1')\nsay('ready')"), "ready": "notify"}


class Readiness(Resuming, unittest.TestCase):
    def test_that_comes_later_counts(self):
        for kind, web in kinds():
            with self.subTest(kind), self.supervise({"web": web, "shop": {"command": FOREVER, "requires": ["web"]}},
                                                    fifos=["said", "go"]) as s:
                s.wait_for("web", "starting")
                s.wait_for("shop", "waiting")
                before = s.known("web")
                s.succeed()
                after = s.known("web")
                self.assertEqual((after["state"], after["pid"], after["since"]), ("starting", before["pid"], before["since"]))
                s.tell("go")
                self.assertEqual(s.fifo("said").read_line(), "ready")
                s.wait_for("shop", "running")
                found = s.status("web")
                self.assertEqual((found["state"], found["pid"], found["restarts"]), ("running", before["pid"], 0))

    def test_that_comes_meanwhile_is_found(self):
        for kind, web in kinds():
            if kind == "notify":
                continue    # who sends it to nobody is told that nobody was there
            with self.subTest(kind), self.supervise({"web": web}, fifos=["said", "go"]) as s:
                s.wait_for("web", "starting")
                pid = s.pid("web")
                s.die()
                s.tell("go")
                self.assertEqual(s.fifo("said").read_line(), "ready")
                s.start()
                s.wait_for("web", "running")
                self.assertEqual((s.pid("web"), s.status("web")["restarts"]), (pid, 0))

    def test_a_line_of_an_earlier_start_still_does_not_count(self):
        script = "if mkdir $D/first; then echo ready; else echo again > $D/said; fi; read line < $D/go"
        web = {"command": shell(script), "ready": {"log": "ready"}, "backoff": {"initial": "1ms"}, "start_timeout": "1h"}
        with self.supervise({"web": web}, fifos=["go", "said"]) as s:
            s.wait_for("web", "running")
            s.tell("go")
            self.assertEqual(s.fifo("said").read_line(), "again")
            s.settle()
            s.succeed()
            self.assertEqual(s.settled("web", pid=s.pid("web"))["state"], "starting")

    def test_a_main_process_that_a_service_names_is_still_heard(self):
        script = ("pid = os.fork()\nif pid == 0: time.sleep(1000000)\nsay(pid)\nhear()\nnotify(f'MAINPID={pid}\\nREADY=1')\n"
                  "notify_and_wait('BARRIER=1')\nos._exit(0)")
        with self.supervise({"web": {"command": speaker(script), "ready": "notify", "restart": "never"}},
                            fifos=["said", "go"]) as s:
            pid = s.fifo("said").read_pid()
            s.succeed()
            s.tell("go")
            s.wait_for("web", "running")
            s.settled("web", pid=pid)
            s.succeed()
            self.assertEqual((s.pid("web"), s.states["web"]), (pid, "running"))
            os.kill(pid, signal.SIGKILL)
            s.wait_for("web", "failed")
            self.assert_ended(s, "web", sig="SIGKILL")


class Oneshots(Resuming, unittest.TestCase):
    JOB = shell("echo up > $D/said; read code < $D/go; exit $code")

    def test_in_mid_run_come_to_the_end_that_they_take(self):
        for code, state in ((0, "done"), (3, "failed")):
            with self.subTest(code), self.supervise({
                    "job": {"type": "oneshot", "command": self.JOB},
                    "web": {"command": FOREVER, "after": ["job"]}}, fifos=["said", "go"]) as s:
                s.fifo("said").read_line()
                s.wait_for("job", "starting")
                s.succeed()
                self.assertEqual((s.states["job"], s.states["web"]), ("starting", "waiting"))
                os.write(s.fifo("go").fd, b"%d\n" % code)
                s.wait_for("job", state, "done", "failed")
                self.assertEqual(s.states["job"], state)
                self.assert_ended(s, "job", code)
                s.wait_for("web", "running")
                self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_an_end_meanwhile_is_not_called_a_success(self):
        with self.supervise({"job": {"type": "oneshot", "command": self.JOB}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            pid = s.pid("job")
            s.die()
            os.write(s.fifo("go").fd, b"3\n")
            wait_gone(pid)
            s.start()
            s.wait_for("job", "failed", "done")
            self.assertEqual(s.states["job"], "failed")
            self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_a_done_one_is_not_run_again(self):
        with self.supervise({"job": {"type": "oneshot", "command": self.JOB}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            os.write(s.fifo("go").fd, b"0\n")
            s.wait_for("job", "done")
            before = s.known("job")
            s.succeed()
            self.assertEqual(s.known("job"), before)
            self.assertEqual(s.fifo("said").lines_so_far(), [])


class Forking(Resuming, unittest.TestCase):
    def test_its_main_process_stays_known(self):
        for command, pid_file in ([BY_HAND, PID_FILE], PID_FILE), ([BY_CALL], None):
            with self.subTest(command[0]), self.supervise(forking(command, pid_file)["services"]) as s:
                s.wait_for("web", "running")
                before = s.known("web")
                s.succeed()
                self.assertEqual(s.known("web"), before)
                os.kill(before["pid"], signal.SIGKILL)
                s.wait_for_change("web", "running")
                self.assert_ended(s, "web", sig="SIGKILL")
                found = s.status("web")
                self.assertNotEqual(found["pid"], before["pid"])
                self.assertEqual(found["restarts"], 1)
                s.succeed()
                s.ctl("stop", "web", status=0)
                self.assertEqual(s.strangers(), set())
                if pid_file:
                    self.assertFalse(os.path.exists(s.dir + "/x.pid"))

    def test_its_main_process_is_found_after_a_death(self):
        with self.supervise(forking([BY_HAND, PID_FILE, "${D}/go"])["services"], fifos=["go"]) as s:
            await_cause(s, "its PID file " + s.dir + "/x.pid does not exist yet")
            s.succeed()
            self.assertEqual(s.states["web"], "starting")
            s.tell("go")
            s.wait_for("web", "running")
            self.assertEqual(s.pid("web"), written(s))
            self.assertEqual(s.status("web")["restarts"], 0)
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.strangers(), set())

    def test_a_pid_file_that_is_written_meanwhile_is_found(self):
        with self.supervise(forking([BY_HAND, PID_FILE, "${D}/go"])["services"], fifos=["go"]) as s:
            await_cause(s, "its PID file " + s.dir + "/x.pid does not exist yet")
            s.die()
            s.tell("go")
            s.start()
            s.wait_for("web", "running")
            self.assertEqual((s.pid("web"), s.status("web")["restarts"]), (written(s), 0))

    def test_one_whose_parent_ends_meanwhile_is_found(self):
        parent = shell("setsid sh -c 'echo $$ > $D/x.pid; echo $$ > $D/said; exec sleep 1000000' & echo $$ > $D/first; "
                       " read line < $D/go; exit 0")
        for pid_file in (PID_FILE, None):
            with self.subTest(pid_file=bool(pid_file)), self.supervise(forking(parent, pid_file)["services"],
                                                                       fifos=["said", "first", "go"]) as s:
                main = s.fifo("said").read_pid()
                first = s.fifo("first").read_pid()
                s.wait_for("web", "starting")
                s.die()
                s.tell("go")
                wait_gone(first)
                s.start()
                s.wait_for("web", "running", "stopping", "failed", "backoff")
                self.assertEqual((s.states["web"], s.pid("web")), ("running", main))
                self.assertEqual(s.status("web")["restarts"], 0)
                self.assertEqual(s.strangers(), set())


@needs_root
@needs("unshare")
class ReadinessWithoutCgroups(ResumingWithoutCgroups, Readiness, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class OneshotsWithoutCgroups(ResumingWithoutCgroups, Oneshots, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class ForkingWithoutCgroups(ResumingWithoutCgroups, Forking, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
