"""A disk that does not take lines: full, read-only, gone, or one that never answers."""
import contextlib
import errno
import os
import re
import shutil
import signal
import subprocess
import unittest

from disks import LogTroubles
from harness import FOREVER, PATIENCE, PYTHON, Deadline, Supervisor, needs, needs_root, python, shell, wait_gone

NO_SPACE = "No space left on device"
COUNT = 30000
# A number a line, as fast as they are taken.
NUMBERS = python(f"import sys\nfor i in range({COUNT}): sys.stdout.write('number %d\\n' % i)")


def on_tmpfs(options):
    """A prefix that puts the logs on a file system of their own, which only the supervisor and its services see."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
            f'mkdir "$D/log"; mount -t tmpfs -o {options} none "$D/log"; exec "$@"', "sh"]


class OnTmpfs(LogTroubles, Supervisor):
    def __init__(self, config, options, **kwargs):
        super().__init__(config, prefix=on_tmpfs(options), **kwargs)
        self.mounted = self.logs
        self.logs = f"/proc/{self.reeved_pid}/root{self.mounted}"

    def remount(self, options):
        subprocess.run(["nsenter", "-t", str(self.reeved_pid), "-m", "mount", "-o", f"remount,{options}", self.mounted],
                       check=True, timeout=PATIENCE)


def numbers_in(lines):
    return [int(text.split()[1]) for _, _, text in lines if text.startswith("number ")]


def lost_in(lines):
    found = [re.fullmatch(r"reeve: (\d+) lines? lost: .*", text) for _, _, text in lines]
    return sum(int(match[1]) for match in found if match)


@needs_root
@needs("unshare", "nsenter")
class FullDisk(unittest.TestCase):
    def test_a_service_that_may_not_lose_lines_waits_and_loses_none(self):
        config = {"services": {"job": {"type": "oneshot", "command": NUMBERS, "log": {"on_full": "block"}},
                               "other": {"command": FOREVER}}}
        with OnTmpfs(config, "size=256k") as s:
            s.await_log("job", lambda log: log and log["problem"] == NO_SPACE and log["waiting"])
            s.ctl("restart", "other", status=0)
            self.assertEqual(s.status("job")["state"], "starting")
            self.assertRegex(s.ctl("status", "job").stdout, rf"log trouble +{NO_SPACE} since [\d:]+; its lines wait\n")
            self.assertRegex(s.ctl("why", "job").stdout, rf"log trouble: +{NO_SPACE} since ")
            s.remount("size=64m")
            s.wait_for("job", "done")
            self.assertEqual(numbers_in(s.log_lines("job")), list(range(COUNT)))
            self.assertEqual(lost_in(s.log_lines("job")), 0)
            self.assertIsNone(s.log_status("job"))

    def test_lines_that_may_be_lost_are_counted_and_the_service_goes_on(self):
        config = {"services": {"job": {"type": "oneshot", "command": NUMBERS}}}
        with OnTmpfs(config, "size=256k") as s:
            s.wait_for("job", "done")
            kept = numbers_in(s.log_lines("job"))
            log = s.log_status("job")
            # The last few may have found room again where a greater batch found none.
            self.assertIn((log["problem"], log["waiting"]), [(NO_SPACE, False), (None, False)])
            self.assertEqual(len(kept) + log["lost"], COUNT)
            self.assertEqual(len(set(kept)), len(kept))
            self.assertGreater(log["lost"], 0)
            s.remount("size=64m")
            s.ctl("restart", "job", status=0)
            lines = s.log_lines("job")
            self.assertEqual(lost_in(lines), log["lost"])
            self.assertEqual(numbers_in(lines)[len(kept):], list(range(COUNT)))
            self.assertIsNone(s.log_status("job")["problem"])
            self.assertNotIn("log trouble", s.ctl("why", "job").stdout)

    def test_what_waits_is_lost_as_soon_as_a_new_configuration_allows_it(self):
        job = {"type": "oneshot", "command": NUMBERS, "log": {"on_full": "block"}}
        with OnTmpfs({"services": {"job": job}}, "size=256k") as s:
            s.await_log("job", lambda log: log and log["waiting"])
            s.write_config({"services": {"job": {**job, "log": {"on_full": "drop"}}}})
            s.ctl("apply", status=0)
            s.wait_for("job", "done")
            self.assertEqual(len(numbers_in(s.log_lines("job"))) + s.log_status("job")["lost"], COUNT)

    def test_a_read_only_file_system_is_waited_for(self):
        config = {"services": {"job": {"type": "oneshot", "command": NUMBERS, "log": {"on_full": "block"}}}}
        with OnTmpfs(config, "ro") as s:
            s.await_log("job", lambda log: log and log["problem"] == "Read-only file system")
            s.remount("rw")
            s.wait_for("job", "done")
            self.assertEqual(numbers_in(s.log_lines("job")), list(range(COUNT)))

    def test_a_limit_of_the_size_of_files_is_as_a_full_disk(self):
        config = {"services": {"limit": {"type": "oneshot", "command": shell("ulimit -f")},
                               "job": {"type": "oneshot", "command": NUMBERS, "enabled": False}}}
        with Supervisor(config, prefix=["prlimit", "--fsize=262144:"]) as s:
            s.wait_for("limit", "done")
            self.assertEqual(s.log_texts("limit"), ["512"])      # services keep it, in blocks of 512 bytes
            s.ctl("start", "job", status=0)
            self.assertEqual(numbers_in(s.log_lines("job")), list(range(COUNT)))
            subprocess.run(["prlimit", "--pid", str(s.reeved_pid), "--fsize=262144:"], check=True, timeout=PATIENCE)
            s.ctl("restart", "job", status=0)
            log = s.status("job")["log"]
            self.assertEqual((log["problem"], log["waiting"]), ("File too large", False))
            self.assertEqual(len(numbers_in(s.log_lines("job"))) + log["lost"], 2 * COUNT)
            subprocess.run(["prlimit", "--pid", str(s.reeved_pid), "--fsize=unlimited:"], check=True, timeout=PATIENCE)
            s.ctl("restart", "job", status=0)
            self.assertIsNone(s.status("job")["log"]["problem"])

    def test_a_stop_is_not_held_up_by_a_full_disk(self):
        config = {"services": {"web": {"command": NUMBERS, "log": {"on_full": "block"}}}}
        with OnTmpfs(config, "size=256k") as s:
            s.await_log("web", lambda log: log and log["waiting"])
            s.ctl("stop", "web", status=0)


class Deleted(unittest.TestCase):
    def goes_on_after(self, delete):
        command = shell("while read line < $D/go; do echo said; done")
        with Supervisor({"services": {"web": {"command": command, "log": {"on_full": "block"}}}}, fifos=["go"]) as s:
            current = os.path.join(s.logs, "web", "current")

            def say_until_there():
                deadline = Deadline()
                while deadline.left():
                    s.tell("go")
                    s.ctl("status", "web", status=0)
                    with contextlib.suppress(OSError):
                        if os.stat(current).st_size:
                            return
                raise AssertionError("it was not made again")
            say_until_there()
            delete(current)
            say_until_there()

    def test_a_deleted_file_is_made_again(self):
        self.goes_on_after(os.unlink)

    def test_a_deleted_directory_is_made_again(self):
        self.goes_on_after(lambda current: shutil.rmtree(os.path.dirname(current)))

    def test_no_process_writes_to_what_was_deleted_before_its_start(self):
        with Supervisor({"services": {"job": {"type": "oneshot", "command": ["echo", "said"]}}}) as s:
            s.wait_for("job", "done")
            # Sooner than the open file is looked at again by itself.
            for _ in range(10):
                shutil.rmtree(os.path.join(s.logs, "job"))
                s.ctl("restart", "job", status=0)
                self.assertEqual(s.log_texts("job"), ["said"])


class OnHangingFs(OnTmpfs):
    """The logs are on a file system whose server can be stopped; they are read behind its back."""

    def __init__(self, config, *args, **kwargs):
        fs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hanging_fs.py")
        script = f'mkdir "$D/log" "$D/behind"; exec {PYTHON} -B {fs} "$D/behind" "$D/log" "$D/server" "$@"'
        Supervisor.__init__(self, config, *args, prefix=["sh", "-ec", script, "sh"], **kwargs)
        self.logs = os.path.join(self.dir, "behind")

    @property
    def server(self):
        with open(os.path.join(self.dir, "server"), encoding="ascii") as f:
            return int(f.read())

    def await_written(self, service, texts):
        deadline = Deadline()
        while deadline.left():
            self.status(service)
            with contextlib.suppress(FileNotFoundError):
                if self.log_texts(service) == texts:
                    return
        raise AssertionError(f"{service} has not written {texts}")

    def hang(self):
        os.kill(self.server, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.server, signal.SIGCONT)


needs_fuse = unittest.skipUnless(os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK), "needs root and FUSE")
# Looking for leaks at the end stops all threads, and one that is caught does not stop.
ends_while_caught = unittest.skipIf(os.environ.get("REEVE_SANITIZE"), "a caught thread cannot be looked into for leaks")


@needs_fuse
class FailingDisk(unittest.TestCase):
    def fail(self, s, number):
        with open(s.logs + ".errno", "w", encoding="ascii") as f:
            f.write(str(number))

    def recover(self, s):
        os.unlink(s.logs + ".errno")

    def test_lines_that_may_be_lost_are_counted_and_the_service_goes_on(self):
        with OnHangingFs({"services": {"job": {"type": "oneshot", "command": NUMBERS}}}, start=False) as s:
            self.fail(s, errno.ENOSPC)
            s.start()
            s.wait_for("job", "done")
            self.assertEqual(s.log_status("job"), {**s.log_status("job"), "problem": NO_SPACE, "waiting": False, "lost": COUNT})
            self.assertRegex(s.ctl("status", "job").stdout, rf"log trouble +{NO_SPACE} since [\d:]+; {COUNT:,} lines lost\n")
            self.recover(s)
            s.ctl("restart", "job", status=0)
            self.assertEqual((lost_in(s.log_lines("job")), numbers_in(s.log_lines("job"))), (COUNT, list(range(COUNT))))
            self.assertNotIn("log trouble", s.ctl("why", "job").stdout)

    def test_whatever_the_error_is_lines_wait_for_its_end(self):
        config = {"services": {"job": {"type": "oneshot", "command": NUMBERS, "log": {"on_full": "block"}}}}
        for number in (errno.EDQUOT, errno.EIO):
            with self.subTest(os.strerror(number)), OnHangingFs(config, start=False) as s:
                self.fail(s, number)
                s.start()
                s.await_log("job", lambda log, number=number: log and log["waiting"] and log["problem"] == os.strerror(number))
                self.recover(s)
                s.wait_for("job", "done")
                self.assertEqual(numbers_in(s.log_lines("job")), list(range(COUNT)))
                self.assertEqual(lost_in(s.log_lines("job")), 0)


@needs_fuse
class HangingDisk(unittest.TestCase):
    TALKER = shell("echo up; while read line < $D/go; do echo said; echo > $D/said; done")

    def caught(self, s):
        """The log thread is in a call that does not return."""
        s.wait_for("web", "running")
        s.tell("go")
        s.fifo("said").read_line()
        s.await_written("web", ["up", "said"])
        s.hang()
        s.tell("go")
        s.fifo("said").read_line()
        s.await_log("web", lambda log: log and log["problem"] == "the disk does not answer")

    def test_holds_up_nobody(self):
        config = {"services": {"web": {"command": self.TALKER, "log": {"on_full": "block"}},
                               "other": {"command": shell("echo up; exec sleep 1000000")},
                               "job": {"type": "oneshot", "command": NUMBERS, "enabled": False}}}
        with OnHangingFs(config, fifos=["go", "said"]) as s:
            self.caught(s)
            for _ in range(3):
                s.ctl("restart", "other", status=0)
                s.ctl("status", status=0)
            s.ctl("start", "job", status=0)
            s.ctl("stop", "other", status=0)
            self.assertEqual(s.log_status("job")["lost"], COUNT)
            s.go_on()
            s.tell("go")
            s.fifo("said").read_line()
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.log_texts("web"), ["up", "said", "said", "said"])
            self.assertIsNone(s.log_status("web"))
            s.await_log("job", lambda log: log["problem"] is None)
            self.assertEqual(s.log_texts("job"), [f"reeve: {COUNT} lines lost: the disk does not answer"])

    @ends_while_caught
    def test_does_not_keep_the_supervisor_from_ending(self):
        with OnHangingFs({"services": {"web": {"command": self.TALKER}}}, fifos=["go", "said"]) as s:
            self.caught(s)
            self.assertEqual(s.end(), 0)

    def test_costs_and_doubles_nothing_when_the_supervisor_is_killed_meanwhile(self):
        config = {"services": {"web": {"command": self.TALKER, "log": {"on_full": "block"}}}}
        with OnHangingFs(config, fifos=["go", "said"]) as s:
            self.caught(s)
            web = s.pid("web")
            s.kill()
            os.kill(web, signal.SIGKILL)
            wait_gone(web)
            s.argv = s.argv[len(["sh", "-ec", "", "sh"]):]
            os.rmdir(os.path.join(s.dir, "log"))
            os.symlink("behind", os.path.join(s.dir, "log"))
            s.start()
            s.tell("go")
            s.fifo("said").read_line()
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.log_texts("web"), ["up", "said", "said", "up", "said"])


class LastLines(unittest.TestCase):
    """They are in the file when the end is told."""

    def test_of_a_stop(self):
        command = shell("trap 'echo bye; exit 0' TERM; echo > $D/up; while :; do sleep 0.01; done")
        with Supervisor({"services": {"web": {"command": command}}}, fifos=["up"]) as s:
            s.fifo("up").read_line()
            s.events.send("stop", names=["web"])
            s.wait_for("web", "stopped")
            self.assertEqual(s.log_texts("web")[-1], "bye")

    def test_of_a_crash(self):
        command = shell("echo 'cannot go on' >&2; kill -SEGV $$")
        with Supervisor({"services": {"web": {"command": command, "restart": "never"}}}) as s:
            s.wait_for("web", "failed")
            self.assertEqual(s.log_texts("web"), ["cannot go on"])

    def test_of_hooks(self):
        service = {"command": shell("echo main"), "type": "oneshot", "pre_start": [{"command": shell("echo before")}],
                   "post_stop": [{"command": shell("echo after")}]}
        with Supervisor({"services": {"job": service}}) as s:
            s.wait_for("job", "done", "failed")
            self.assertEqual(s.log_texts("job"), ["before", "main", "after"])


if __name__ == "__main__":
    unittest.main()
