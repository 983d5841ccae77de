"""HUP: the configuration is read again, all or nothing, and touches what has changed alone."""
import os
import signal
import unittest

from harness import FOREVER, Supervisor, alive, needs_root, python, shell


def config(**services):
    return {"services": services}


class ConfigurationReload(unittest.TestCase):
    def reload(self, s, new):
        """Has a new configuration taken in; a service that comes with it says when that is done."""
        s.generation = getattr(s, "generation", 0) + 1
        name = f"generation-{s.generation}"
        new["services"][name] = {"type": "oneshot", "command": ["true"]}
        s.write_config(new)
        s.send_signal(signal.SIGHUP)
        s.wait_for(name, "done")

    def test_a_broken_file_changes_nothing_and_is_named_with_its_line(self):
        with Supervisor(config(web={"command": FOREVER})) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            s.write_config("services:\n  web:\n    command: [sleep, '5']\n  new: {command: [sleep, '7']}\n  bad: {comand: x}\n")
            s.send_signal(signal.SIGHUP)
            self.wait_said(s, "reeve.yaml:5:")
            # Another HUP with a good file shows that the bad one has been dealt with.
            self.reload(s, config(web={"command": FOREVER}))
            self.assertEqual(s.pid("web"), pid)
            self.assertNotIn("new", s.states)

    def test_a_missing_file_changes_nothing(self):
        with Supervisor(config(web={"command": FOREVER})) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            os.unlink(s.config_path)
            s.send_signal(signal.SIGHUP)
            self.reload(s, config(web={"command": FOREVER}))
            self.assertEqual(s.pid("web"), pid)

    def wait_said(self, s, text):
        """Each answer of the supervisor comes after what it said before."""
        while text not in s.text():
            s.status("web")

    def test_a_policy_changes_without_a_restart(self):
        stubborn = shell("trap '' TERM; echo up > $D/said; while :; do sleep 0.05; done")
        with Supervisor(config(web={"command": stubborn, "stop": {"timeout": "1h"}}), fifos=["said"]) as s:
            s.fifo("said").read_line()
            pid = s.pid("web")
            self.reload(s, config(web={"command": stubborn, "stop": {"timeout": "50ms"}, "description": "changed"}))
            self.assertEqual((s.pid("web"), s.status("web")["description"]), (pid, "changed"))
            s.ctl("stop", "web", status=0)
            self.assertIn("killed", s.status("web")["cause"])

    def test_another_timeout_reaches_a_stop_under_way(self):
        stubborn = shell("trap '' TERM; echo up > $D/said; while :; do sleep 0.05; done")
        with Supervisor(config(web={"command": stubborn, "stop": {"timeout": "1h"}}), fifos=["said"]) as s:
            s.fifo("said").read_line()
            s.ctl("stop", "--no-wait", "web", status=0)
            self.reload(s, config(web={"command": stubborn, "stop": {"timeout": "50ms"}}))
            s.wait_for("web", "stopped")
            self.assertIn("did not end on SIGTERM within 50 ms; killed", s.status("web")["cause"])

    def test_another_timeout_reaches_a_hook_that_is_being_ended(self):
        web = {"command": FOREVER, "pre_start": [{"command": shell("trap '' TERM; echo up > $D/said; while :; do sleep 0.05; done")}]}
        with Supervisor(config(web={**web, "stop": {"timeout": "1h"}}), fifos=["said"]) as s:
            s.fifo("said").read_line()
            s.ctl("stop", "--no-wait", "web", status=0)
            s.wait_for("web", "stopping")
            self.reload(s, config(web={**web, "stop": {"timeout": "50ms"}}))
            s.wait_for("web", "stopped")

    def test_another_timeout_reaches_a_start_under_way(self):
        web = {"command": FOREVER, "ready": "notify", "restart": "never"}
        with Supervisor(config(web={**web, "start_timeout": "1h"})) as s:
            s.wait_for("web", "starting")
            self.reload(s, config(web={**web, "start_timeout": "50ms"}))
            s.wait_for("web", "failed")
            self.assertIn("not ready within 50 ms (awaits READY=1)", s.status("web")["cause"])

    def test_one_that_is_starting_is_started_anew_when_it_shall_say_itself_that_it_is_ready(self):
        web = {"command": python("import os, socket, time\n"
                                 "name = os.environ.get('NOTIFY_SOCKET')\n"
                                 "if name:\n"
                                 "    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                                 "    s.sendto(b'READY=1', name.replace('@', '\\0', 1))\n"
                                 "time.sleep(1000000)\n"), "start_timeout": "1h"}
        with Supervisor(config(web={**web, "ready": {"path": "/nonexistent"}})) as s:
            s.wait_for("web", "starting")
            self.reload(s, config(web={**web, "ready": "notify"}))
            s.wait_for("web", "running")

    def test_a_new_conflict_stops_the_other_of_two_that_run(self):
        both = {"a": {"command": FOREVER}, "b": {"command": FOREVER}}
        with Supervisor(config(**both)) as s:
            for name in both:
                s.wait_for(name, "running")
            pid = s.pid("a")
            new = config(**{**both, "a": {"command": FOREVER, "conflicts": ["b"]}})
            s.write_config(new)
            self.assertIn("stopped because it now conflicts with a", s.ctl("diff", status=0).stdout)
            s.ctl("apply", status=0)
            s.wait_for("b", "stopped")
            self.assertEqual(s.pid("a"), pid)

    def test_a_changed_command_restarts_that_service_alone(self):
        def say(word):
            return {"command": shell(f"echo $REEVE_SERVICE {word} > $D/said; exec sleep 1000000")}
        with Supervisor(config(a=say("one"), b=say("one")), fifos=["said"]) as s:
            said = s.fifo("said")
            self.assertEqual({said.read_line(), said.read_line()}, {"a one", "b one"})
            before = s.pid("a"), s.pid("b")
            self.reload(s, config(a=say("two"), b=say("one")))
            self.assertEqual(said.read_line(), "a two")
            self.assertFalse(alive(before[0]))
            self.assertEqual(s.pid("b"), before[1])
            s.ctl("stop", "--all", status=0)
            self.assertEqual(said.lines_so_far(), [])

    def test_services_come_and_go(self):
        with Supervisor(config(a={"command": FOREVER}, b={"command": FOREVER})) as s:
            s.wait_for("a", "running")
            s.wait_for("b", "running")
            gone = s.pid("b")
            self.reload(s, config(a={"command": FOREVER}, c={"command": FOREVER, "requires": ["a"]}))
            s.wait_for("c", "running")
            s.wait_for("b", "stopped")
            s.ctl("status", "b", status=4)
            self.assertFalse(os.path.exists(f"/proc/{gone}"))

    def test_a_service_that_comes_back_logs_again(self):
        talk = shell("echo hello; echo up > $D/said; exec sleep 1000000")
        with Supervisor(config(a={"command": FOREVER}, b={"command": talk}), fifos=["said"]) as s:
            s.fifo("said").read_line()
            s.wait_for("b", "running")
            self.reload(s, config(a={"command": FOREVER}))
            s.wait_for("b", "stopped")
            self.reload(s, config(a={"command": FOREVER}, b={"command": talk}))
            s.fifo("said").read_line()
            s.ctl("stop", "b", status=0)
            self.assertEqual(s.log_texts("b"), ["hello", "hello"])

    def test_services_that_declare_reload_are_reloaded(self):
        script = shell("trap 'echo $REEVE_SERVICE hup > $D/said' HUP; trap 'exit 0' TERM; echo up > $D/said; "
                       "while :; do sleep 0.01; done")
        services = {"services": {"with": {"command": script, "reload": {}}, "without": {"command": script}}}
        with Supervisor(services, fifos=["said"]) as s:
            for _ in range(2):
                self.assertEqual(s.fifo("said").read_line(), "up")
            self.reload(s, services)
            self.assertEqual(s.fifo("said").read_line(), "with hup")
            s.ctl("stop", "--all", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_one_that_the_change_restarts_is_not_reloaded_on_top(self):
        script = ("trap 'echo hup > $D/said' HUP; trap 'exit 0' TERM; echo up > $D/said; "
                  "while :; do sleep 0.01; done")
        with Supervisor(config(web={"command": shell(script), "reload": {}}), fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            self.reload(s, config(web={"command": shell(script + "; exit 1"), "reload": {}}))
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_a_deleted_control_socket_comes_back(self):
        with Supervisor(config(web={"command": FOREVER})) as s:
            s.wait_for("web", "running")
            os.unlink(s.socket_path)
            self.reload(s, config(web={"command": FOREVER}))
            s.ctl("status", "web", status=0)

    def test_it_does_not_cancel_a_shutdown(self):
        script = shell("trap 'echo stopping > $D/said; read line < $D/go; exit 0' TERM; echo up > $D/said; "
                       "while :; do sleep 0.01; done")
        with Supervisor(config(web={"command": script}, other={"command": FOREVER}), fifos=["said", "go"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.wait_for("other", "running")
            s.send_signal(signal.SIGTERM)
            self.assertEqual(s.fifo("said").read_line(), "stopping")
            s.write_config(config(web={"command": script}, new={"command": FOREVER}))
            s.send_signal(signal.SIGHUP)
            s.status("web")
            s.tell("go")
            self.assertEqual(s.wait(), 0)
            self.assertNotIn("new: starting", s.text())

    def test_a_reload_while_a_service_is_in_backoff_applies_the_new_command_at_once(self):
        with Supervisor(config(web={"command": ["false"], "backoff": {"initial": "1h", "max": "1h"}})) as s:
            s.wait_for("web", "backoff")
            self.reload(s, config(web={"command": FOREVER, "backoff": {"initial": "1h", "max": "1h"}}))
            s.wait_for("web", "running")

    def test_many_at_once_are_survived(self):
        with Supervisor(config(web={"command": FOREVER})) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            for _ in range(50):
                s.send_signal(signal.SIGHUP)
            self.reload(s, config(web={"command": FOREVER}))
            self.assertEqual(s.pid("web"), pid)

    @needs_root
    def test_a_file_that_others_can_write_is_refused(self):
        with Supervisor(config(web={"command": FOREVER})) as s:
            s.wait_for("web", "running")
            s.write_config(config(web={"command": ["sleep", "5"]}))
            os.chmod(s.config_path, 0o666)
            s.send_signal(signal.SIGHUP)
            pid = s.pid("web")
            self.reload(s, config(web={"command": FOREVER}))
            self.assertEqual(s.pid("web"), pid)


if __name__ == "__main__":
    unittest.main()
