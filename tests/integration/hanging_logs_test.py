"""What reevectl shows while the disk with the logs does not answer."""
import json
import os
import signal
import subprocess
import unittest

from harness import PATIENCE, Deadline, needs, shell
from log_disk_test import OnHangingFs, needs_fuse


@needs_fuse
@needs("nsenter")
class HangingDisk(unittest.TestCase):
    """The logs are where nothing that touches a file comes back."""

    def setUp(self):
        self.s = OnHangingFs({"services": {"web": {"command": shell("echo last words; exit 3"), "restart": "never"}}})
        self.addCleanup(self.s.__exit__, None, None, None)
        self.s.wait_for("web", "failed")
        # The mount is the supervisor's own.
        self.argv = ["nsenter", "-t", str(self.s.reeved_pid), "-m", *self.s.ctl_argv()]
        self.mounted = os.path.join(self.s.dir, "log")

    def run_verb(self, *args):
        done = subprocess.run([*self.argv, *args], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_hides_nothing_but_the_lines_themselves(self):
        verbs = (["status", "web"], ["why", "web"], ["failures", "web"])
        for verb in verbs:
            self.assertIn("last words", self.run_verb(*verb))
        self.s.hang()
        self.addCleanup(self.s.go_on)
        for verb in verbs:
            said = self.run_verb(*verb)
            self.assertIn("exit 3", said)
            self.assertIn(f"cannot read {self.mounted}/web: the disk does not answer", said)
        json.loads(self.run_verb("--json", "failures", "web"))

    def test_an_interrupt_ends_who_reads_the_lines(self):
        self.s.hang()
        self.addCleanup(self.s.go_on)
        reader = subprocess.Popen([*self.argv, "logs", "web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = Deadline()
        # It has been let down by the disk, and not by something before that.
        while "fuse" not in self.where(reader.pid):
            self.assertTrue(deadline.left())
        reader.send_signal(signal.SIGINT)
        reader.communicate(timeout=PATIENCE)
        self.assertEqual(reader.returncode, -signal.SIGINT)

    @staticmethod
    def where(pid):
        with open(f"/proc/{pid}/stack", encoding="ascii") as f:
            return f.read()


if __name__ == "__main__":
    unittest.main()
