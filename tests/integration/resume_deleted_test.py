"""What a successor needs is lost while the supervisor runs: its holder of descriptors is killed, or somebody deletes files from the
runtime directory. It is had again at once, so that the next supervisor takes over as ever."""
import contextlib
import os
import signal
import subprocess
import time
import unittest

from control_client import Client
from harness import FOREVER, PATIENCE, needs, needs_root, shell, wait_gone
from successors import Resuming, ResumingWithoutCgroups

REPLACED = "another one has been given all that it had"
WEB = shell("echo up > $D/said; read line < $D/go; echo last words; exit 3")


def holder_of(s):
    title = f"reeve-holder: {s.runtime}".encode()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as f:
            if f.read().rstrip(b"\0") == title:
                return int(name)
    return None


def kill_holder(s):
    pid = holder_of(s)
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)


class TheHolder(Resuming, unittest.TestCase):
    """Of all that it holds, one of each is used while no supervisor is there."""

    def supervised(self):
        fd = {"command": shell("echo up > $D/said; read line < $D/fdgo; echo >&5; echo ready > $D/said; exec sleep 1000000"),
              "ready": {"fd": 5}}
        return self.supervise({"web": {"command": WEB, "restart": "never"}, "fd": fd}, fifos=["said", "go", "fdgo"])

    def until_up(self, s):
        self.assertEqual([s.fifo("said").read_line() for _ in range(2)], ["up", "up"])
        s.wait_for("fd", "starting")
        s.settle()

    def assert_all_is_held(self, s):
        """Kills the supervisor, lets things happen, and sees that the next one knows of them."""
        pid = s.pid("web")
        s.die()
        with contextlib.closing(Client(s.socket_path)) as client:   # refused if nobody holds the socket
            s.tell("go")
            wait_gone(pid)
            s.tell("fdgo")
            self.assertEqual(s.fifo("said").read_line(), "ready")
            s.start()
            client.call("version")
        s.wait_for("web", "failed")
        s.wait_for("fd", "running")
        self.assert_ended(s, "web", 3)
        self.assertEqual(s.log_texts("web"), ["last words"])

    def test_is_replaced_when_it_is_killed(self):
        with self.supervised() as s:
            self.until_up(s)
            kill_holder(s)
            s.wait_until_said(REPLACED)
            s.settle()
            self.assert_all_is_held(s)

    def test_is_replaced_when_it_was_a_predecessors(self):
        with self.supervised() as s:
            self.until_up(s)
            s.succeed()
            s.settle()
            kill_holder(s)
            s.wait_until_said(REPLACED)
            s.settle()
            self.assert_all_is_held(s)

    def test_has_a_pipe_that_stayed_when_the_other_was_made_anew(self):
        with self.supervised() as s:
            self.until_up(s)
            os.unlink(s.runtime + "/fifo/web.stderr")
            s.ctl("restart", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "up")
            kill_holder(s)
            s.wait_until_said(REPLACED)
            s.settle()
            self.assert_all_is_held(s)

    def test_is_replaced_when_its_socket_was_deleted(self):
        with self.supervised() as s:
            self.until_up(s)
            os.unlink(s.runtime + "/holder")
            s.wait_until_said(REPLACED)
            s.settle()
            self.assert_all_is_held(s)

    def test_is_replaced_however_often_but_once_a_second_at_most(self):
        with self.supervised() as s:
            self.until_up(s)
            began = time.monotonic()
            for times in range(1, 4):
                kill_holder(s)
                s.wait_until_said(REPLACED, times)
            self.assertGreater(time.monotonic() - began, 1.9)
            s.settle()
            self.assert_all_is_held(s)

    def test_that_cannot_be_replaced_is_said_and_can_be_had_later(self):
        with self.supervised() as s:
            self.until_up(s)
            s.send_signal(signal.SIGSTOP)
            # A folder is in the way of its socket.
            kill_holder(s)
            os.unlink(s.runtime + "/holder")
            os.mkdir(s.runtime + "/holder")
            s.send_signal(signal.SIGCONT)
            s.wait_until_said("what services write and say while no supervisor is there is lost")
            self.assertIsNone(holder_of(s))
            os.rmdir(s.runtime + "/holder")
            s.wait_until_said("there is a holder of descriptors now")
            s.settle()
            self.assert_all_is_held(s)


class Deleted(Resuming, unittest.TestCase):
    def assert_taken_over(self, s, before):
        s.succeed()
        self.assertEqual(s.known("web"), before)
        self.assertEqual(s.strangers(), set())
        s.ctl("restart", "web", status=0)
        s.wait_for("web", "running")
        s.ctl("stop", "web", status=0)
        wait_gone(before["pid"])

    def one(self):
        s = self.supervise({"web": {"command": FOREVER}})
        s.wait_for("web", "running")
        return s

    def test_what_is_written_down_is_put_back(self):
        with self.one() as s:
            before = s.known("web")
            os.unlink(s.runtime + "/state")
            s.wait_until_said("/state was gone; it is put back")
            self.assertEqual(os.stat(s.runtime + "/state").st_mode & 0o777, 0o600)
            self.assert_taken_over(s, before)

    def test_what_happens_after_that_is_written_down_too(self):
        with self.one() as s:
            os.unlink(s.runtime + "/state")
            s.wait_until_said("/state was gone; it is put back")
            s.ctl("restart", "web", status=0)
            s.settle()
            self.assert_taken_over(s, s.known("web"))

    def test_births_are_put_back_and_written_on(self):
        with self.one() as s:
            with open(s.runtime + "/births", "rb") as f:
                births = f.read()
            os.unlink(s.runtime + "/births")
            s.wait_until_said("/births was gone; it is put back")
            with open(s.runtime + "/births", "rb") as f:
                self.assertEqual(f.read(), births)
            s.ctl("restart", "web", status=0)
            with open(s.runtime + "/births", "rb") as f:
                self.assertIn(s.pid("web").to_bytes(4, "little"), f.read())
            s.settle()
            self.assert_taken_over(s, s.known("web"))

    def test_the_lock_is_taken_again(self):
        with self.one() as s:
            before = s.known("web")
            os.unlink(s.runtime + "/lock")
            s.wait_until_said("/lock was gone; it is put back")
            second = subprocess.run(s.argv, env=s.env, capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"process {s.reeved_pid} holds it", second.stderr)
            self.assert_taken_over(s, before)

    def test_the_link_to_the_cgroups_is_put_back(self):
        with self.one() as s:
            if not s.cgroup_folders():
                self.skipTest("no cgroups")
            link = os.readlink(s.runtime + "/cgroup")
            os.unlink(s.runtime + "/cgroup")
            s.wait_until_said("/cgroup was gone; it is put back")
            self.assertEqual(os.readlink(s.runtime + "/cgroup"), link)
            self.assert_taken_over(s, s.known("web"))

    def test_the_whole_folder_is_made_anew(self):
        with self.one() as s:
            before = s.known("web")
            os.rename(s.runtime, s.dir + "/elsewhere")
            s.wait_until_said("/state was gone; it is put back")
            s.wait_until_said("putting it back")
            s.settle()
            self.assertEqual(os.stat(s.runtime).st_mode & 0o777, 0o700)
            self.assert_taken_over(s, before)

    def test_an_orderly_end_leaves_nothing_that_was_put_back(self):
        with self.one() as s:
            os.rename(s.runtime, s.dir + "/elsewhere")
            s.wait_until_said("putting it back")
            self.assertEqual(s.end(), 0)
            self.assertEqual([name for name in os.listdir(s.runtime) if name in ("state", "births", "holder", "cgroup", "control.sock")],
                             [])

    def test_pipes_of_logs_are_read_on_by_a_successor(self):
        script = shell("echo before; echo up > $D/said; read line < $D/go; echo meanwhile; echo and >&2; echo up > $D/said; "
                       "read line < $D/go; echo after; echo up > $D/said; exec sleep 1000000")
        with self.supervise({"web": {"command": script}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            for name in ("web.stdout", "web.stderr"):
                os.unlink(f"{s.runtime}/fifo/{name}")
            s.die()
            s.tell("go")
            s.fifo("said").read_line()
            s.start()
            s.tell("go")
            s.fifo("said").read_line()
            s.ctl("stop", "web", status=0)
            self.assertEqual([text for stream, _, text in s.log_lines("web") if stream == "stdout"], ["before", "meanwhile", "after"])
            self.assertEqual([text for stream, _, text in s.log_lines("web") if stream == "stderr"], ["and"])

    def test_a_pipe_for_readiness_is_read_on_by_a_successor(self):
        web = {"command": shell("echo up > $D/said; read line < $D/go; echo >&5; exec sleep 1000000"), "ready": {"fd": 5}}
        with self.supervise({"web": web}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.wait_for("web", "starting")
            for name in os.listdir(s.runtime + "/ready"):
                os.unlink(f"{s.runtime}/ready/{name}")
            s.succeed()
            self.assertEqual(s.states["web"], "starting")
            s.tell("go")
            s.wait_for("web", "running")

    @needs("flock")
    def test_a_cleaner_that_asks_for_locks_leaves_the_folder_alone(self):
        with self.one() as s:
            self.assertEqual(subprocess.run(["flock", "--nonblock", s.runtime, "true"], check=False).returncode, 1)


@needs_root
@needs("unshare")
class DeletedWithoutCgroups(ResumingWithoutCgroups, Deleted, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
