"""Enabling and disabling outlasts the supervisor and beats the file."""
import os
import signal
import unittest

from harness import FOREVER, Supervisor

BOTH = {"services": {"off": {"command": FOREVER, "enabled": False}, "on": {"command": FOREVER}}}


class Enablement(unittest.TestCase):
    def test_it_outlasts_the_supervisor_and_starts_nothing(self):
        with Supervisor(BOTH) as s:
            s.wait_for("on", "running")
            s.ctl("enable", "off", status=0)
            s.ctl("disable", "on", status=0)
            self.assertEqual((s.status("off")["state"], s.status("off")["enabled"]), ("stopped", True))
            self.assertEqual((s.status("on")["state"], s.status("on")["enabled"]), ("running", False))
            self.assertEqual(s.end(), 0)
            s.start()
            s.wait_for("off", "running")
            self.assertEqual(s.states["on"], "stopped")

    def test_it_beats_the_file_at_every_reload(self):
        with Supervisor(BOTH) as s:
            s.wait_for("on", "running")
            s.ctl("disable", "on", status=0)
            s.write_config({"services": {**BOTH["services"], "new": {"command": FOREVER}}})
            s.ctl("apply", status=0)
            self.assertFalse(s.status("on")["enabled"])
            self.assertIn("no changes", s.ctl("diff", status=0).stdout)

    def test_a_decision_about_a_service_that_is_away_is_kept(self):
        with Supervisor(BOTH) as s:
            s.wait_for("on", "running")
            s.ctl("disable", "on", status=0)
            s.write_config({"services": {"off": BOTH["services"]["off"]}})
            s.ctl("apply", status=0)
            s.write_config(BOTH)
            s.ctl("apply", status=0)
            self.assertEqual(s.status("on")["state"], "stopped")

    def test_now_starts_and_stops_too(self):
        with Supervisor(BOTH) as s:
            s.wait_for("on", "running")
            s.ctl("enable", "--now", "off", status=0)
            s.ctl("disable", "--now", "on", status=0)
            self.assertEqual((s.status("off")["state"], s.status("on")["state"]), ("running", "stopped"))

    def test_an_apply_that_is_under_way_is_not_undone(self):
        with Supervisor(BOTH) as s:
            s.wait_for("on", "running")
            s.write_config({"services": {**BOTH["services"], "new": {"command": FOREVER}}})
            client = s.client()
            client.send("apply", wait=False)
            client.send("enable", names=["off"])
            client.read(), client.read()
            client.close()
            self.assertEqual({x["name"] for x in s.ask("status")["services"]}, {"new", "off", "on"})

    def test_what_cannot_be_remembered_is_refused_and_changes_nothing(self):
        with Supervisor(BOTH) as s:
            s.wait_for("on", "running")
            state = os.path.join(s.dir, "state")
            with open(state + "/boot", "w"):
                pass        # where the folder should be
            done = s.ctl("disable", "on", status=1)
            self.assertIn(state + "/boot", done.stderr)
            self.assertTrue(s.status("on")["enabled"])

    def test_a_file_that_says_something_else_costs_that_file_alone(self):
        with Supervisor(BOTH, start=False) as s:
            os.makedirs(s.dir + "/state/boot", mode=0o700)
            os.chmod(s.dir + "/state", 0o700)
            for name, text in (("off", "enabled\n"), ("on", "perhaps\n"), ("No such name", "disabled\n")):
                with open(f"{s.dir}/state/boot/{name}", "w") as f:
                    f.write(text)
            s.start()
            s.wait_for("off", "running")
            s.wait_for("on", "running")
            self.assertEqual(s.text().count("neither enabled nor disabled"), 2)


if __name__ == "__main__":
    unittest.main()
