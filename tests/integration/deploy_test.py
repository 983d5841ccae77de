"""examples/deploy: a new version goes live, or nothing changes, or the old one comes back."""
import json
import os
import unittest

from harness import EXAMPLES, FOREVER, REEVECTL, Supervisor, exits_cleanly, needs, shell

DEPLOYED, ROLLED_BACK = 0, 1


@needs("jq")
class Deploy(unittest.TestCase):
    def setUp(self):
        self.s = self.enterContext(Supervisor({"include": ["web.yaml"], "services": {"other": {"command": FOREVER}}}, start=False))
        self.file = self.s.dir + "/web.yaml"
        self.write(self.file, {"command": FOREVER})
        self.s.start()
        self.s.wait_for("web", "running")
        self.s.wait_for("other", "running")
        self.pid, self.other = self.s.pid("web"), self.s.pid("other")

    def write(self, path, web, **more):
        with open(path, "w") as f:
            json.dump({"services": {"web": web, **more}}, f)
        os.chmod(path, 0o644)

    def deploy(self, web, soak="100ms", **more):
        new = self.s.dir + "/new.yaml"
        self.write(new, web, **more)
        os.makedirs(self.s.dir + "/bin", exist_ok=True)
        if not os.path.exists(self.s.dir + "/bin/reevectl"):
            os.symlink(REEVECTL, self.s.dir + "/bin/reevectl")
        env = {**self.s.env, "PATH": self.s.dir + "/bin:" + os.environ["PATH"], "REEVE_SOCKET": self.s.socket_path, "SOAK": soak}
        return exits_cleanly([EXAMPLES + "/deploy/deploy", "web", new, self.file, "60s"], env=env)

    def command_in_force(self):
        return json.loads(self.s.ctl("--json", "cat", "web", status=0).stdout)["services"]["web"]["command"]

    def assert_rolled_back(self, done, words):
        self.assertEqual(done.returncode, ROLLED_BACK, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(self.command_in_force(), FOREVER)
        self.assertEqual(self.s.status("web")["state"], "running")
        self.assertEqual(self.s.pid("other"), self.other)
        with open(self.file) as f:
            self.assertEqual(json.load(f)["services"]["web"]["command"], FOREVER)

    def test_a_good_version_goes_live_and_touches_nobody_else(self):
        done = self.deploy({"command": ["sleep", "2000000"]})
        self.assertEqual(done.returncode, DEPLOYED, done.stderr)
        self.assertEqual(self.command_in_force(), ["sleep", "2000000"])
        self.assertNotEqual(self.s.pid("web"), self.pid)
        self.assertEqual(self.s.pid("other"), self.other)
        self.assertEqual([n for n in os.listdir(self.s.dir) if "before" in n], [])

    def test_one_that_does_not_come_up_is_rolled_back(self):
        self.assert_rolled_back(self.deploy({"command": shell("echo no database >&2; exit 3"), "ready": "notify"}), "no database")

    def test_one_that_does_not_stay_up_is_rolled_back(self):
        # Up once, and gone as soon as the watch over it has begun.
        self.assert_rolled_back(self.deploy({"command": shell("sleep 0.2; exit 4")}, soak="2s"), "does not stay up")

    def test_an_invalid_file_changes_nothing(self):
        self.assert_rolled_back(self.deploy({"comand": "x"}), "not valid")
        self.assertEqual(self.s.pid("web"), self.pid)

    def test_one_that_changes_more_than_it_should_changes_nothing(self):
        self.assert_rolled_back(self.deploy({"command": ["sleep", "5"]}, more={"command": FOREVER}), "more")
        self.assertEqual(self.s.pid("web"), self.pid)

    def test_nothing_is_begun_on_top_of_trouble(self):
        self.s.ctl("stop", "web", status=0)
        done = self.deploy({"command": ["sleep", "2000000"]})
        self.assertEqual(done.returncode, ROLLED_BACK)
        self.assertIn("reevectl why web", done.stderr)


if __name__ == "__main__":
    unittest.main()
