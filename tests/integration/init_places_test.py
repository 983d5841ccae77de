"""Init for one command where there is little: no root, nothing writable, no /proc, no terminal to be found, few processes."""
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

import pid1_test
from harness import PATIENCE, REEVED, needs, needs_root
from init_test import Init

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
WITHOUT = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", 'mount -t tmpfs -o ro none "$0"; exec "$@"']
# Hears TERM and ends with a status of its own, after it has left an orphan.
LISTENS = "trap 'exit 9' TERM; echo up; while :; do read x; done"
SCRIPT = "(sleep 0 & exec true); " + LISTENS


@needs_root
@needs("unshare", "setpriv")
class Places(unittest.TestCase):
    def works(self, prefix, script=SCRIPT):
        with Init("--", "sh", "-c", script, prefix=prefix) as init:
            self.assertEqual(init.line(), "up")
            init.send(signal.SIGTERM)
            init.process.stdin.close()      # ends the read that the shell may be in
            self.assertEqual(init.status(), 9)

    def test_as_another_user(self):
        self.works(NOBODY)
        self.works([*pid1_test.PID1, *NOBODY])

    def test_as_root_of_a_user_namespace(self):
        if subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, check=False).returncode:
            self.skipTest("no user namespaces here")
        self.works(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"])

    def test_with_everything_read_only(self):
        script = "for d in . /tmp /run /var; do touch $d/it 2>&- && exit 1; done; " + SCRIPT
        self.works(pid1_test.ReadOnly.MOUNTS, script)
        self.works([*pid1_test.PID1, *pid1_test.ReadOnly.MOUNTS], script)
        self.works([*pid1_test.PID1, *pid1_test.ReadOnly.MOUNTS, *NOBODY], script)

    def test_without_proc(self):
        for prefix in (WITHOUT + ["/proc"], ["unshare", "--pid", "--fork", "--kill-child", *WITHOUT, "/proc"]):
            done = subprocess.run([*prefix, REEVED, "--", "sh", "-c", "test ! -e /proc/self && (sleep 0 &) && exit 9"],
                                  timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 9)

    def test_without_devices(self):
        self.works(WITHOUT + ["/dev"], "test ! -e /dev/tty || exit 1; " + LISTENS)

    def test_where_it_may_not_send_a_signal_it_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            if os.statvfs(folder).f_flag & os.ST_NOSUID:
                self.skipTest("no setuid programs here")
            os.chmod(folder, 0o755)
            become_root = shutil.copy(shutil.which("setpriv"), folder)
            os.chmod(become_root, 0o4755)
            with Init("--", become_root, "--reuid=0", "sh", "-c", "echo up; read x; exit 9", prefix=NOBODY) as init:
                self.assertEqual(init.line(), "up")
                init.send(signal.SIGTERM)
                self.assertEqual(init.line(), "reeved: cannot forward SIGTERM to the command: Operation not permitted")
                init.process.stdin.close()
                self.assertEqual(init.status(), 9)

    def test_where_no_process_can_be_made_it_says_so(self):
        def before_exec():
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
            os.setresgid(65533, 65533, 65533)
            os.setresuid(65533, 65533, 65533)
        done = subprocess.run([REEVED, "--", "true"], preexec_fn=before_exec, capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "reeved: cannot fork for true: Resource temporarily unavailable\n"))


if __name__ == "__main__":
    unittest.main()
