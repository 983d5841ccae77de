"""reeved as PID 1 of a container, as another user, and where it may write nothing."""
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import FOREVER, PATIENCE, PROGRAMS, REEVED, Supervisor, children_of, needs, needs_root, shell

PID1 = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
# Doubly forked processes that nobody waits for, ended by themselves or left running.
ORPHANS = "i=0; while test $i -lt 200; do (sh -c ': & exec true' & ); i=$((i + 1)); done"


@needs_root
@needs("unshare")
class Pid1(unittest.TestCase):
    def test_it_is_pid_1_and_reaps_every_orphan(self):
        script = shell(ORPHANS + "; echo done > $D/said; exec sleep 1000000")
        with Supervisor({"services": {"web": {"command": script}}}, prefix=PID1, fifos=["said"]) as s:
            s.wait_for("web", "running")
            self.assertEqual(s.fifo("said").read_line(), "done")
            client = s.client()
            self.assertEqual(client.call("status")["result"]["supervisor"]["pid"], 1)
            client.close()
            # Every child that it has left is its service.
            reeved = s.reeved_pid
            for _ in range(int(PATIENCE * 1000)):
                if len(children_of(reeved)) == 1:
                    break
                s.status("web")
            else:
                self.fail("orphans are left")

    def test_a_living_orphan_of_a_service_ends_with_it(self):
        script = shell("setsid sleep 1000000 & echo up > $D/said; exec sleep 1000000")
        with Supervisor({"services": {"web": {"command": script}}}, prefix=PID1, fifos=["said"]) as s:
            s.fifo("said").read_line()
            s.ctl("stop", "web", status=0)
            self.assertEqual(children_of(s.reeved_pid), [])

    def test_services_log_to_the_console(self):
        with Supervisor({"supervisor": {"exit_when": "idle"}, "services": {
                "job": {"type": "oneshot", "command": ["echo", "hello"]}}}, prefix=PID1, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 0)
            self.assertEqual(s.output, ["job | hello\n"])

    def test_TERM_from_outside_stops_everything_in_order(self):
        with Supervisor({"services": {"db": {"command": FOREVER}, "app": {"command": FOREVER, "requires": ["db"]}}},
                        prefix=PID1) as s:
            s.wait_for("app", "running")
            self.assertEqual(s.end(), 0)
            self.assertLess(s.text().index("app: stopped"), s.text().index("db: stopping"))

    def test_it_exits_with_the_status_of_its_service(self):
        with Supervisor({"services": {"web": {"command": shell("exit 42"), "restart": "never", "on_exit": "shutdown"},
                                      "other": {"command": FOREVER}}}, prefix=PID1, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 42)

    def test_it_exits_with_128_and_the_signal_that_ended_its_service(self):
        with Supervisor({"services": {"web": {"command": shell("kill -KILL $$"), "restart": "never", "on_exit": "shutdown"},
                                      "other": {"command": FOREVER}}}, prefix=PID1, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 128 + signal.SIGKILL)

    def test_its_services_may_stop_it_though_the_kernel_shields_process_1(self):
        for sig in ("TERM", "INT", "RTMIN+3"):
            with Supervisor({"services": {"web": {"command": shell(f"read line < $D/go; kill -s {sig} 1; exec sleep 1000000")}}},
                            prefix=PID1, fifos=["go"]) as s:
                s.wait_for("web", "running")
                s.tell("go")
                self.assertEqual(s.wait(), 0)

    def test_ten_thousand_orphans_are_reaped_as_fast_as_they_come(self):
        storm = {"type": "oneshot", "command": [PROGRAMS + "/reeve-orphan-storm", "10000"], "on_exit": "shutdown"}
        with Supervisor({"services": {"storm": storm}}, prefix=PID1, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 0, s.text())
            self.assertLessEqual(int(s.output[0].removeprefix("storm | most ")), 300)
            self.assertEqual(s.output[1], "storm | left 0\n")

    def test_services_that_need_their_time_to_stop_take_it_side_by_side(self):
        # None of them ends before every one was told to.
        script = shell("trap 'echo stopping > $D/said; read line < $D/go; exit 0' TERM; echo up > $D/said; "
                       "while :; do sleep 0.02; done")
        names = [f"web-{i}" for i in range(8)]
        with Supervisor({"services": {name: {"command": script} for name in names}}, prefix=PID1, fifos=["said", "go"]) as s:
            for _ in names:
                self.assertEqual(s.fifo("said").read_line(), "up")
            s.send_signal(signal.SIGTERM)
            for _ in names:
                self.assertEqual(s.fifo("said").read_line(), "stopping")
            os.write(s.fifo("go").fd, b"\n" * len(names))
            self.assertEqual(s.wait(), 0)

    def test_without_root_and_with_nothing_writable_it_serves_and_stops(self):
        config = {"services": {"web": {"command": shell("echo up; echo up > $D/said; exec sleep 1000000")}}}
        with Supervisor(config, prefix=[*PID1, *ReadOnly.MOUNTS, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
                        places=False, start=False, fifos=["said"], dir_mode=0o755) as s:
            s.start(connect=False)
            s.fifo("said").read_line()
            self.assertEqual(s.end(), 0)
            self.assertEqual(s.output, ["web | up\n"])
            self.assertEqual(s.text().count("without a control socket"), 1)

    def test_strays_are_ended_with_it(self):
        # One that belongs to no service: it came in by another way, as `docker exec` does.
        with Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=PID1) as s:
            s.wait_for("web", "running")
            stray = subprocess.Popen(["nsenter", "-t", str(s.reeved_pid), "-p", "-m", "sh", "-c",
                                      "(trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.02; done) & exec true"],
                                     stdout=subprocess.PIPE, text=True)
            self.assertEqual(stray.stdout.readline(), "up\n")
            self.assertEqual(s.end(), 0)
            self.assertIn(stray.stdout.read(), ("asked\n", ""))
            stray.wait()
            stray.stdout.close()


@needs_root
@needs("setpriv")
class AnotherUser(unittest.TestCase):
    def test_everything_works_without_root(self):
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        with Supervisor({"services": {"db": {"command": FOREVER}, "app": {"command": shell("echo hi; exec sleep 1000000"),
                                                                          "requires": ["db"], "ready": {"exec": ["true"]}}}},
                        prefix=prefix, start=False) as s:
            os.chown(s.dir, 65534, 65534)
            s.start()
            s.wait_for("app", "running")
            with open(f"/proc/{s.pid('app')}/status") as f:
                self.assertIn("Uid:\t65534\t65534\t65534\t65534", f.read())
            s.ctl("restart", "db", status=0)
            s.ctl("stop", "app", status=0)
            self.assertIn("hi", s.log_texts("app"))
            self.assertEqual(s.end(), 0)

    def test_another_service_user_is_refused_at_load(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "user": "daemon"}}}, start=False,
                        prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]) as s:
            os.chown(s.dir, 65534, 65534)
            s.start(connect=False)
            self.assertEqual(s.wait(), 1)
            self.assertIn("services.web.user", s.text())

    def test_default_places_of_a_user(self):
        home = tempfile.mkdtemp(prefix="reeve-test-home-")
        self.addCleanup(shutil.rmtree, home)
        for name in ("run", "state", "config/reeve"):
            os.makedirs(f"{home}/{name}")
        with open(home + "/config/reeve/reeve.yaml", "w") as f:
            f.write("supervisor: {exit_when: idle}\nservices: {job: {type: oneshot, command: echo hello}}\n")
        for folder, names, files in os.walk(home):
            for name in (folder, *(f"{folder}/{n}" for n in files)):
                os.chown(name, 65534, 65534)
        os.chmod(home + "/run", 0o700)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", REEVED],
                              env={"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": home + "/run",
                                   "XDG_STATE_HOME": home + "/state", "XDG_CONFIG_HOME": home + "/config"},
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(home + "/state/reeve/log/job/current") as f:
            self.assertTrue(f.read().endswith("stdout F hello\n"))
        self.assertTrue(os.path.isdir(home + "/run/reeve"))


@needs_root
@needs("unshare")
class ReadOnly(unittest.TestCase):
    # Everything read-only but the folder of the test's FIFOs, which is another mount and read-only too.
    MOUNTS = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
              'mount -o bind,ro / / 2>/dev/null || mount -o remount,bind,ro /; mount -o remount,bind,ro / ; '
              'mount -t tmpfs -o ro,size=4k none /run; mount -t tmpfs -o ro,size=4k none /var; exec "$@"', "sh"]

    def test_without_any_writable_place_it_goes_on_without_a_socket(self):
        config = {"supervisor": {"exit_when": "idle"}, "services": {
            "job": {"type": "oneshot", "log": "console", "command": ["echo", "hello"]},
            "file": {"type": "oneshot", "command": ["echo", "file"]}}}
        with Supervisor(config, prefix=self.MOUNTS, places=False, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 0, s.text())
            self.assertIn("job | hello\n", s.output)
            self.assertEqual(s.text().count("without a control socket"), 1)

    def test_a_place_that_was_asked_for_must_be_had(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, "--runtime-dir", "/run/elsewhere",
                        prefix=self.MOUNTS, places=False, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 1)
            self.assertIn("/run/elsewhere", s.text())

    def test_services_are_stopped_by_TERM_without_a_socket_too(self):
        with Supervisor({"services": {"web": {"command": shell("echo up > $D/said; exec sleep 1000000"), "log": "console"}}},
                        prefix=self.MOUNTS, places=False, start=False, fifos=["said"]) as s:
            s.start(connect=False)
            s.fifo("said").read_line()
            self.assertEqual(s.end(signal.SIGTERM), 0)


if __name__ == "__main__":
    unittest.main()
