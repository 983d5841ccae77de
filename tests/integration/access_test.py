"""Who may do what: by the kernel's word of who is at the other end, and the groups in `access`."""
import os
import subprocess
import unittest

from harness import FOREVER, PATIENCE, REEVECTL, Supervisor, needs, needs_root

NOBODY, READERS, OPERATORS = 65534, 61001, 61002
ACCESS = {"read": [READERS], "operate": [OPERATORS]}


def config(access, **services):
    return {"supervisor": {"access": access} if access else {}, "services": services or {"web": {"command": FOREVER}}}


@needs_root
@needs("setpriv")
class Access(unittest.TestCase):
    def as_user(self, s, *args, groups=(), gid=NOBODY):
        who = ["setpriv", f"--reuid={NOBODY}", f"--regid={gid}"]
        who += [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
        return subprocess.run([*who, REEVECTL, "-s", s.socket_path, *args], capture_output=True, text=True, timeout=PATIENCE)

    def assert_refused(self, done, right):
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn(right, done.stderr)

    def test_groups_have_the_rights_that_they_are_given(self):
        with Supervisor(config(ACCESS), dir_mode=0o711) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            self.assert_refused(self.as_user(s, "status"), "`read`")
            self.assertEqual(self.as_user(s, "status", "web", groups=[READERS]).returncode, 0)
            self.assertEqual(self.as_user(s, "status", "web", gid=READERS).returncode, 0)
            for verb in (["stop", "web"], ["kill", "web"], ["cat", "web"], ["apply"], ["enable", "web"]):
                self.assert_refused(self.as_user(s, *verb, groups=[READERS]), "`operate`")
            shown = self.as_user(s, "show", "web", groups=[READERS])
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn("state=running", shown.stdout)
            self.assertNotIn("definition.command", shown.stdout)
            self.assert_refused(self.as_user(s, "shutdown", groups=[READERS, OPERATORS]), "root")
            self.assertEqual(s.pid("web"), pid)
            self.assertEqual(self.as_user(s, "restart", "web", groups=[7, OPERATORS, 9]).returncode, 0)
            self.assertNotEqual(s.pid("web"), pid)
            self.assertEqual(self.as_user(s, "why", "web", groups=[OPERATORS]).returncode, 0)

    def test_a_change_counts_at_once_for_those_who_are_there_too(self):
        with Supervisor(config(None), dir_mode=0o711) as s:
            s.wait_for("web", "running")
            self.assertEqual((os.stat(s.runtime).st_mode & 0o777, os.stat(s.socket_path).st_mode & 0o777), (0o700, 0o600))
            self.assertEqual(self.as_user(s, "status", groups=[READERS]).returncode, 5)
            s.write_config(config(ACCESS))
            s.ctl("apply", status=0)
            self.assertEqual((os.stat(s.runtime).st_mode & 0o777, os.stat(s.socket_path).st_mode & 0o777), (0o711, 0o666))
            watcher = subprocess.Popen(["setpriv", f"--reuid={NOBODY}", f"--regid={READERS}", "--clear-groups", REEVECTL,
                                        "-s", s.socket_path, "wait", "web", "--for", "failed"], stderr=subprocess.PIPE, text=True)
            self.addCleanup(watcher.stderr.close)
            self.addCleanup(watcher.kill)
            s.write_config(config(None))
            s.ctl("apply", status=0)
            self.assertEqual((os.stat(s.runtime).st_mode & 0o777, os.stat(s.socket_path).st_mode & 0o777), (0o700, 0o600))
            self.assertEqual(self.as_user(s, "status", groups=[READERS]).returncode, 5)

    def test_nobody_can_reach_more_than_the_socket(self):
        with Supervisor(config(ACCESS, web={"command": FOREVER, "log": "file"}), dir_mode=0o711) as s:
            s.wait_for("web", "running")
            done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={READERS}", "--clear-groups", "sh", "-c",
                                   f"ls {s.runtime} 2>/dev/null; find {s.runtime}/* -readable 2>/dev/null; "
                                   f"cat {s.runtime}/lock {s.runtime}/*/* 2>/dev/null; exit 0"],
                                  capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.stdout, "")

    def test_an_unknown_group_is_an_error_at_load(self):
        with Supervisor(config({"read": ["no-such-group"]}), start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 1)
            self.assertIn("supervisor.access.read", s.text())


if __name__ == "__main__":
    unittest.main()
