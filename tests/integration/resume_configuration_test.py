"""A configuration that is another one when the next supervisor starts: the difference is applied as a reload would."""
import contextlib
import os
import subprocess
import unittest

from harness import FOREVER, REEVED, alive, exits_cleanly, needs, needs_root, shell
from successors import Resuming, ResumingWithoutCgroups

WEB = {"command": FOREVER}


class Changed(Resuming, unittest.TestCase):
    def change(self, s, services):
        """The present supervisor is killed, and the next one finds another configuration."""
        s.die()
        s.write_config({"services": services})
        s.start()

    def test_each_service_gets_what_a_reload_would_do_to_it(self):
        old = {"same": WEB, "live": {**WEB, "restart": "always", "description": "before"}, "other": WEB, "gone": WEB,
               "off": {**WEB, "enabled": False}}
        new = {"same": WEB, "live": {**WEB, "restart": "never", "description": "after"}, "other": {"command": ["sleep", "999999"]},
               "off": {**WEB, "enabled": False}, "added": WEB, "added-off": {**WEB, "enabled": False}}
        with self.supervise(old) as s:
            s.wait_until(lambda: [s.states[name] for name in ("same", "live", "other", "gone")] == ["running"] * 4)
            before = {name: s.known(name) for name in ("same", "live", "off")}
            pids = {name: s.pid(name) for name in old}
            self.change(s, new)
            changes = "1 to be restarted, 1 changed without a restart, 2 added, 1 removed"
            s.wait_until_said(": 4 runs of 5 services\n")
            s.wait_until_said("the configuration has changed meanwhile: " + changes)
            self.assertIn("applied: " + changes, s.ctl("events", "--json", status=0).stdout)
            s.wait_until(lambda: s.states.get("added") == "running" and "gone" not in
                         [service["name"] for service in s.ask("status")["services"]])
            s.wait_until(lambda: s.status("other")["state"] == "running" and s.pid("other") != pids["other"])
            self.assertEqual({name: s.known(name) for name in before}, before)
            self.assertFalse(alive(pids["other"]) or alive(pids["gone"]))
            self.assertEqual(s.status("added-off")["state"], "stopped")
            self.assertEqual(s.strangers(), set())
            self.assertIn("never", s.ctl("cat", "live", status=0).stdout)
            self.assertNotIn("has changed meanwhile", s.succeed())

    def test_a_live_change_counts_from_now_on(self):
        with self.supervise({"web": {"command": shell("read code < $D/go; exit $code"), "restart": "always"}}, fifos=["go"]) as s:
            s.wait_for("web", "running")
            self.change(s, {"web": {"command": shell("read code < $D/go; exit $code"), "restart": "never"}})
            os.write(s.fifo("go").fd, b"4\n")
            s.wait_for("web", "failed")
            self.assert_ended(s, "web", 4)

    def test_a_removed_service_is_stopped_as_it_was_to_be(self):
        polite = shell("trap 'echo USR1 > $D/said; exit 0' USR1; echo up > $D/said; while :; do sleep 1000000 & wait; done")
        with self.supervise({"web": {"command": polite, "stop": {"signal": "USR1"}, "post_stop": shell("echo after > $D/said")},
                             "other": WEB}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            self.change(s, {"other": WEB})
            self.assertEqual([s.fifo("said").read_line() for _ in range(2)], ["USR1", "after"])
            s.wait_until(lambda: [service["name"] for service in s.ask("status")["services"]] == ["other"])
            self.assertEqual(s.strangers(), set())

    def test_a_disabled_one_goes_on(self):
        with self.supervise({"web": WEB}) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            self.change(s, {"web": {**WEB, "enabled": False}})
            found = s.status("web")
            self.assertEqual((found["state"], found["pid"], found["enabled"]), ("running", pid, False))

    def test_one_that_is_not_valid_leaves_the_former_one_in_force(self):
        bounces = {"command": shell("read code < $D/go; exit $code"), "restart": "always", "backoff": {"initial": "1ms"}}
        services = {"web": WEB, "off": {**WEB, "enabled": False}, "bounces": bounces, "app": {**WEB, "requires": ["web"]}}
        for broken in ('{"services": {"web": {"comand": ["x"]}}}', "services: [", None):
            with self.subTest(broken), self.supervise(services, fifos=["go"]) as s:
                s.wait_until(lambda: [s.states[name] for name in ("web", "bounces", "app")] == ["running"] * 3)
                before = {name: s.known(name) for name in services}
                for _ in range(2):      # the next one knows as much as this one
                    s.die()
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(s.config_path)
                    if broken:
                        s.write_config(broken)
                    s.start()
                    self.assertEqual({name: s.known(name) for name in services}, before)
                    s.wait_until_said("going on with the former one")
                    self.assertIn("refused: it is not valid", s.ctl("events", "--json", status=0).stdout)
                # It acts by it, and says that there is another one that it cannot use.
                os.write(s.fifo("go").fd, b"4\n")
                s.wait_until(lambda: s.status("bounces")["restarts"] == 1 and s.status("bounces")["state"] == "running")
                self.assertEqual(s.ctl("diff").returncode, 1)
                s.ctl("restart", "web", status=0)
                self.assertNotEqual(s.pid("app"), before["app"]["pid"])
                s.write_config({"services": {**services, "off": {**WEB, "enabled": True}, "more": WEB}})
                s.ctl("apply", status=0)
                s.wait_until(lambda: s.states.get("more") == "running")

    def test_the_settings_of_the_former_one_count_as_well(self):
        with self.supervise({"web": WEB}) as s:
            s.wait_for("web", "running")
            own = {"socket": {"path": s.runtime + "/other.sock", "mode": "0666"}, "log": {"format": "json"}, "shutdown_timeout": "1h"}
            s.write_config({"supervisor": own, "services": {"web": WEB}})
            s.socket_path = own["socket"]["path"]
            s.succeed()
            before = s.known("web")
            s.die()
            s.write_config({"supervisor": {"log": {"level": "debg"}}, "services": {"web": WEB}})
            s.start()
            self.assertEqual(s.known("web"), before)
            s.wait_until_said('going on with the former one"}')
            self.assertEqual(os.stat(s.socket_path).st_mode & 0o777, 0o666)

    def test_it_tells_itself_where_what_is_to_be_taken_over_is(self):
        """The place of the records stands in the file that is not valid."""
        with self.supervise({"web": WEB}) as s:
            own = {"runtime_dir": s.runtime}
            s.wait_for("web", "running")
            s.write_config({"supervisor": own, "services": {"web": WEB}})
            s.env.pop("REEVE_RUNTIME_DIR", None)
            at = s.argv.index("--runtime-dir")
            del s.argv[at:at + 2]
            s.succeed()
            before = s.known("web")
            s.die()
            s.write_config({"supervisor": own, "services": {"web": {"comand": FOREVER}}})
            s.start()
            self.assertEqual(s.known("web"), before)

    def test_one_that_is_not_valid_does_not_boot_where_nothing_is_to_be_taken_over(self):
        with self.supervise({"web": WEB}) as s:
            s.wait_for("web", "running")
            self.assertEqual(s.end(), 0)
            s.write_config({"services": {"web": {"comand": FOREVER}}})
            s.launch()
            self.assertEqual(s.wait(), 1)
            self.assertIn("cannot boot: the configuration is not valid", s.text())

    def test_instances_that_are_more_or_fewer(self):
        with self.supervise({"web": {**WEB, "instances": 3}}) as s:
            s.wait_until(lambda: list(s.states.values()) == ["running"] * 3)
            pids = {name: s.pid(name) for name in s.states}
            self.change(s, {"web": {**WEB, "instances": 2}})
            s.wait_until(lambda: len(s.ask("status")["services"]) == 2)
            self.assertEqual({name: s.pid(name) for name in ("web@1", "web@2")}, {n: pids[n] for n in ("web@1", "web@2")})
            self.assertFalse(alive(pids["web@3"]))

    def test_looking_at_it_touches_nothing(self):
        with self.supervise({"web": WEB}) as s:
            s.wait_for("web", "running")
            before = s.known("web")
            s.die()
            with open(s.runtime + "/state", "rb") as f:
                state = f.read()
            self.assertEqual(exits_cleanly([REEVED, "--check", "-c", s.config_path], env=s.env).returncode, 0)
            with open(s.runtime + "/state", "rb") as f:
                self.assertEqual(f.read(), state)
            s.start()
            self.assertEqual(s.known("web"), before)

    def test_a_second_supervisor_takes_nothing_over_from_one_that_lives(self):
        with self.supervise({"web": WEB}) as s:
            s.wait_for("web", "running")
            before = s.known("web")
            second = subprocess.run(s.argv, env=s.env, capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertEqual(s.known("web"), before)
            s.succeed()
            self.assertEqual(s.known("web"), before)


@needs_root
@needs("unshare")
class ChangedWithoutCgroups(ResumingWithoutCgroups, Changed, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
