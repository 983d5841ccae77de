"""Faults of the supervisor itself as PID 1, which must not end: all others would end with it."""
import contextlib
import fcntl
import os
import shutil
import signal
import unittest

from harness import FOREVER, REEVED, Supervisor, alive, children_of, descendants, needs, needs_root, python, wait_written
from pid1_test import PID1


@needs_root
@needs("unshare")
class FaultAsPid1(unittest.TestCase):
    def test_it_executes_itself_anew_and_takes_over(self):
        for fault in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
            with self.subTest(fault.name), Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=PID1) as s:
                s.wait_for("web", "running")
                web = s.status("web")["pid"]
                os.kill(s.reeved_pid, fault)
                s.wait_until_said("is listening on", times=2)
                self.assertRegex(s.text(), rf"reeved: fault: {fault.name}; executing itself anew; backtrace:( 0x[0-9a-f]+)+\n")
                s.wait_until_said("going on after a fault of reeved itself")
                self.assertEqual(s.status("web")["pid"], web)
                self.assertEqual(s.status("web")["restarts"], 0)

    def test_it_does_so_after_an_upgrade_too(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=PID1) as s:
            s.wait_for("web", "running")
            s.ctl("upgrade", status=0)
            web = s.status("web")["pid"]
            os.kill(s.reeved_pid, signal.SIGSEGV)
            # What the upgrade has handed over is not held by anybody any more, the lock above all.
            s.wait_until_said("is listening on", times=3)
            self.assertEqual(s.status("web")["pid"], web)

    def test_a_configuration_that_is_not_valid_any_more_does_not_end_the_container(self):
        services = {"web": {"command": FOREVER}}
        with Supervisor({"services": services}, prefix=PID1, start=False) as s:
            at = s.argv.index("--runtime-dir")
            del s.argv[at:at + 2]   # it stands in the file alone
            s.write_config({"supervisor": {"runtime_dir": s.runtime}, "services": services})
            s.start()
            s.wait_for("web", "running")
            web = s.status("web")["pid"]
            s.write_config("services: [")
            os.kill(s.reeved_pid, signal.SIGSEGV)
            s.wait_until_said("going on with the former one")
            self.assertEqual(s.status("web")["pid"], web)
            os.kill(s.reeved_pid, signal.SIGSEGV)
            s.wait_until_said("going on with the former one", times=2)
            self.assertEqual(s.status("web")["pid"], web)
            self.assertEqual(s.ctl("upgrade").returncode, 1)

    def test_places_that_are_gone_do_not_end_the_container(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=PID1, start=False) as s:
            os.mkdir(s.dir + "/own")
            s.argv += ["--log-file", s.dir + "/own/log"]
            s.start(connect=False)
            wait_written(s.dir + "/own/log", "is listening on")
            s.connect()
            s.wait_for("web", "running")
            web = s.status("web")["pid"]
            shutil.rmtree(s.dir + "/own")
            os.kill(s.reeved_pid, signal.SIGSEGV)
            s.wait_until_said("; going on on stderr")
            s.await_listening()
            self.assertEqual(s.status("web")["pid"], web)

    def test_nobody_need_read_what_it_says(self):
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        to_it = python("import os, sys; os.dup2(int(sys.argv[1]), 2); os.execvp(sys.argv[2], sys.argv[2:])")
        with Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=[*PID1, *to_it, str(write)],
                        start=False) as s, os.fdopen(read), os.fdopen(write, "wb", buffering=0):
            s.launch(pass_fds=[write])
            while not os.path.exists(s.socket_path):
                self.assertIsNone(s.process.poll())
            s.connect()
            s.wait_for("web", "running")
            web = s.status("web")["pid"]
            os.set_blocking(write, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(write, b"x" * 512)
            os.set_blocking(write, True)
            os.kill(s.reeved_pid, signal.SIGSEGV)
            while s.events.read() is not None:
                pass        # until the connection has ended
            self.assertEqual(s.status("web")["pid"], web)
            self.assertEqual(s.end(), 0)

    def test_its_program_may_have_been_removed(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=PID1, start=False) as s:
            copy = s.dir + "/reeved"
            shutil.copy2(REEVED, copy)
            s.argv[s.argv.index(REEVED)] = copy
            s.start()
            s.wait_for("web", "running")
            [pid] = children_of(s.process.pid)
            web = s.status("web")["pid"]
            os.unlink(copy)
            os.kill(pid, signal.SIGSEGV)
            s.wait_until_said("is listening on", times=2)
            self.assertEqual(s.status("web")["pid"], web)
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(s.wait(), 0)

    def test_an_upgrade_forgets_no_fault(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=PID1) as s:
            s.wait_for("web", "running")
            for times in (1, 2):
                os.kill(s.reeved_pid, signal.SIGSEGV)
                s.wait_until_said("going on after a fault", times=times)
            s.ctl("upgrade", status=0)
            s.wait_until_said("is listening on", times=4)
            self.assertEqual(s.text().count("going on after a fault"), 2, "the upgrade is none")
            os.kill(s.reeved_pid, signal.SIGSEGV)
            self.assertEqual(s.wait(), 70, s.text())

    def test_without_a_runtime_directory_nothing_runs_twice(self):
        where = [*PID1, "sh", "-ec", 'mount -t tmpfs -o ro none /run; mount -t tmpfs -o ro none /var/log; '
                 'mount -t tmpfs -o ro none /var/lib; exec "$@"', "sh"]
        with Supervisor({"services": {"web": {"command": python("import os, time; os.setsid() if not os.fork() else 0; time.sleep(1e6)")}}},
                        prefix=where, places=False, start=False) as s:
            s.launch()
            s.wait_until_said("web: running")
            old = [pid for pid in descendants(s.reeved_pid)]
            os.kill(s.reeved_pid, signal.SIGSEGV)
            s.wait_until_said("web: running", times=2)
            self.assertEqual([pid for pid in old if alive(pid)], [])
            self.assertEqual(s.end(), 0)

    def test_the_third_within_a_minute_ends_everything_in_order(self):
        with Supervisor({"services": {"db": {"command": FOREVER}, "app": {"command": FOREVER, "requires": ["db"]}}}, prefix=PID1) as s:
            s.wait_for("app", "running")
            for times in (2, 3):
                os.kill(s.reeved_pid, signal.SIGSEGV)
                s.wait_until_said("is listening on", times=times)
            os.kill(s.reeved_pid, signal.SIGSEGV)
            self.assertEqual(s.wait(), 70, s.text())
            self.assertIn("stopped after 3 faults of reeved within a minute", s.text())
            self.assertLess(s.text().index("app: stopped"), s.text().index("db: stopping"))


if __name__ == "__main__":
    unittest.main()
