"""Where reeved keeps its files, when those places are full, read-only, taken or somebody else's."""
import json
import os
import shutil
import signal
import socket
import subprocess
import unittest

import pid1_test
from daemon_test import Daemon
from harness import FOREVER, PATIENCE, REEVED, Supervisor, exits_cleanly, needs, needs_root, shell, wait_gone

IDLE = {"supervisor": {"exit_when": "idle"}, "services": {
    "job": {"type": "oneshot", "log": "console", "command": shell("echo hello; test ! -e /run/reeve/control.sock")}}}
WEB = {"services": {"web": {"command": FOREVER}}}


def in_namespace(script):
    """A prefix that runs a script in a mount namespace of its own before the program."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script + '; exec "$@"', "sh"]


@needs_root
@needs("unshare")
class DefaultRuntimeDirectory(unittest.TestCase):
    """What happens to /run/reeve, which nobody asked for by name."""

    def run_idle(self, script, *args, status=0):
        with Supervisor(IDLE, *args, prefix=in_namespace(script), places=False, start=False) as s:
            s.argv += ["--log-dir", s.logs, "--state-dir", s.dir + "/state"]
            s.start(connect=False)
            self.assertEqual(s.wait(), status, s.text())
            return s

    def goes_on_without(self, script):
        s = self.run_idle(script)
        self.assertEqual(s.text().count("going on without a control socket"), 1, s.text())
        self.assertIn("job | hello\n", s.output)
        self.assertIn("job: done", s.text())

    def test_full_of_files_it_is_done_without(self):
        for files in (2, 3, 4):     # not even the folder; the folder alone; the lock, too
            with self.subTest(files):
                self.goes_on_without(f"mount -t tmpfs -o nr_inodes={files} none /run" +
                                     ("; touch /run/file" if files == 2 else ""))

    def test_read_only_it_is_done_without(self):
        self.goes_on_without("mount -t tmpfs none /run; mkdir -m 700 /run/reeve; mount -o remount,ro /run")

    def test_full_of_data_it_serves(self):
        full = "mount -t tmpfs -o size=4k none /run; head -c 4096 /dev/zero > /run/file"
        with Supervisor({"services": {"web": {"command": shell("echo up; echo up > $D/said; exec sleep 1000000")}}},
                        prefix=in_namespace(full), places=False, start=False, fifos=["said"]) as s:
            s.argv += ["--log-dir", s.logs, "--state-dir", s.dir + "/state"]
            s.start(connect=False)
            s.fifo("said").read_line()
            # /proc/PID/root leads into its namespace.
            os.symlink(f"/proc/{s.reeved_pid}/root/run/reeve", s.runtime)
            s.connect()
            s.wait_for("web", "running")
            second = exits_cleanly(["nsenter", "-t", str(s.reeved_pid), "-m", REEVED, "-c", s.config_path,
                                    "--log-dir", s.logs, "--state-dir", s.dir + "/state"], env=s.env)
            self.assertEqual(second.returncode, 1)
            self.assertIn("another process holds it", second.stderr)
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.log_texts("web"), ["up"])
            self.assertEqual(s.end(), 0)

    def test_one_that_is_not_safe_is_refused(self):
        for script, why in (("chown 65534 /run/reeve", "belongs to user 65534"),
                            ("chmod 777 /run/reeve", "others may write to it"),
                            ("rmdir /run/reeve; ln -s /tmp /run/reeve", "symbolic link"),
                            ("rmdir /run/reeve; touch /run/reeve", "Not a directory")):
            with self.subTest(why):
                s = self.run_idle("mount -t tmpfs none /run; mkdir -m 700 /run/reeve; " + script, status=1)
                self.assertRegex(s.text(), rf"\Areeved: cannot use /run/reeve: .*{why}\n\Z")

    def test_asked_for_by_name_it_must_be_had(self):
        for files in (2, 3):
            with self.subTest(files):
                s = self.run_idle(f"mount -t tmpfs -o nr_inodes={files} none /run", "--runtime-dir", "/run/reeve", status=1)
                self.assertRegex(s.text(), r"\Areeved: cannot .* /run/reeve/.*: No space left on device\n\Z")


@needs_root
@needs("setpriv")
class AnyUser(unittest.TestCase):
    """Somebody without XDG_RUNTIME_DIR."""

    def setUp(self):
        self.uid = 50_000 + os.getpid() % 10_000    # nobody's
        self.place = f"/tmp/reeve-{self.uid}"
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        shutil.rmtree(self.place, ignore_errors=True)
        self.s = Supervisor({**IDLE, "services": {"job": {"type": "oneshot", "command": ["true"]}}}, places=False, start=False,
                            dir_mode=0o755, prefix=["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"])
        os.chown(self.s.config_path, self.uid, self.uid)
        os.chown(self.s.dir, self.uid, self.uid)
        self.s.env["XDG_STATE_HOME"] = self.s.dir
        self.s.env.pop("XDG_RUNTIME_DIR", None)
        self.enterContext(self.s)

    def test_it_is_in_tmp_and_private(self):
        self.s.start(connect=False)
        self.assertEqual(self.s.wait(), 0, self.s.text())
        status = os.stat(self.place)
        self.assertEqual((status.st_uid, status.st_mode & 0o7777), (self.uid, 0o700))

    def test_what_somebody_else_has_put_there_is_refused(self):
        os.mkdir(self.place, 0o700)
        self.s.start(connect=False)
        self.assertEqual(self.s.wait(), 1)
        self.assertEqual(self.s.text(), f"reeved: cannot use {self.place}: it belongs to user 0\n")


@needs_root
@needs("unshare")
class NothingWritable(unittest.TestCase):
    def test_a_daemon_boots_and_says_what_it_does_without(self):
        with Daemon({"services": {"web": {"command": shell("echo up > $D/said; exec sleep 1000000"), "log": "none"}}},
                    prefix=pid1_test.ReadOnly.MOUNTS, places=False, pid_file=False, fifos=["said"]) as d:
            said = d.launch().stderr
            self.assertRegex(said, r"\A.* cannot open the log file /var/log/reeve/supervisor.log.*\n"
                                   r".* cannot make /run/reeve.*; going on without a control socket\n"
                                   r".* cannot make /var/lib.*; nothing will be remembered beyond this boot\n\Z")
            d.fifo("said").read_line()
            [daemon] = [pid for pid, command in d.started_processes().items() if "--daemonize" in command]
            os.kill(daemon, signal.SIGTERM)
            wait_gone(daemon)


class OneSupervisor(unittest.TestCase):
    def test_the_first_ones_files_stay_whatever_the_second_is_asked_to_do(self):
        with Supervisor(WEB) as s:
            s.wait_for("web", "running")
            before = sorted(os.listdir(s.runtime))
            for more in ([], ["--daemonize"], ["--pid-file", s.dir + "/second.pid"], ["--log-level", "error"]):
                second = exits_cleanly([*s.argv, *more], env=s.env)
                self.assertEqual(second.returncode, 1, more)
                self.assertEqual(second.stderr, f"reeved: cannot lock {s.runtime}/lock: process {s.reeved_pid} holds it: "
                             "another reeved is at work there; end it, or give this one a --runtime-dir\n")
            self.assertEqual(sorted(os.listdir(s.runtime)), before)
            self.assertFalse(os.path.exists(s.dir + "/second.pid"))
            s.ctl("status", "web", status=0)

    def test_the_socket_of_a_killed_one_is_taken_over_again_and_again(self):
        web = {"command": shell("echo up > $D/said; read line < $D/stay")}
        with Supervisor({"services": {"web": web}}, fifos=["said", "stay"]) as s:
            for _ in range(3):
                s.fifo("said").read_line()
                s.kill()
                s.kill_started()
                # Whoever comes meanwhile is answered by the next one.
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(s.socket_path)
                    client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"version"}\n')
                    s.start()
                    client.settimeout(PATIENCE)
                    self.assertIn(b'"protocol"', client.recv(4096))
            s.fifo("said").read_line()
            s.ctl("status", "web", status=0)


class CommandLine(unittest.TestCase):
    def test_several_configurations_are_read_together(self):
        with Supervisor(WEB, start=False) as s:
            for name in ("more", "folder/most"):
                path = f"{s.dir}/{name}.yaml"
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    json.dump({"services": {os.path.basename(name): {"command": FOREVER}}}, f)
            s.argv += ["--config", s.dir + "/more.yaml", "-c", s.dir + "/folder"]
            s.start()
            s.settle()
            self.assertEqual(sorted(s.states), ["more", "most", "web"])

    def test_a_check_of_what_is_not_there_fails(self):
        done = exits_cleanly([REEVED, "--check", "-c", "/no/such.yaml"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such.yaml", done.stderr)

    def test_bad_usage_is_told_in_one_line(self):
        for words in (["--conifg", "x"], ["-c"], ["--log-level", "loud"], ["stray"], ["--"], ["--pid-file"],
                      ["--daemonise"]):
            done = exits_cleanly([REEVED, *words])
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), words)

    def test_a_daemon_cannot_be_process_1(self):
        if os.geteuid() != 0 or not shutil.which("unshare"):
            self.skipTest("needs root and unshare")
        with Supervisor(WEB, "--daemonize", start=False) as s:
            done = subprocess.run([*pid1_test.PID1, *s.argv], env=s.env, capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot daemonize", done.stderr)


if __name__ == "__main__":
    unittest.main()
