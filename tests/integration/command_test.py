"""The commands of reevectl against running services: start, stop, restart, reload, and their exit statuses."""
import json
import os
import subprocess
import unittest

from harness import FOREVER, PATIENCE, REEVECTL, Supervisor, needs_root, shell

SHOP = {"services": {"db": {"command": FOREVER}, "app": {"command": FOREVER, "requires": ["db"]},
                     "front": {"command": FOREVER, "requires": ["app"]}, "other": {"command": FOREVER}}}


class StopAndStart(unittest.TestCase):
    def up(self, s, *names):
        for name in names:
            s.wait_for(name, "running")

    def test_dependents_stop_first_and_are_named_before(self):
        with Supervisor(SHOP) as s:
            self.up(s, "front", "other")
            before = len(s.history)
            done = s.ctl("stop", "db", status=0)
            self.assertRegex(done.stdout, r"app.*front.*\n.*db")
            self.assertNotIn("other", done.stdout)
            s.settle()
            moves = s.moves()[before:]
            stopped = [name for name, state in moves if state == "stopped"]
            self.assertEqual(stopped, ["front", "app", "db"])
            self.assertLess(moves.index(("front", "stopped")), moves.index(("app", "stopping")))
            self.assertEqual(s.states["other"], "running")

    def test_restart_brings_back_those_that_it_had_to_stop(self):
        with Supervisor(SHOP) as s:
            self.up(s, "front")
            before = {name: s.pid(name) for name in ("db", "app", "front", "other")}
            done = s.ctl("restart", "db", status=0)
            self.assertRegex(done.stdout, r"app.*front.*\n.*db")
            s.settle()
            self.up(s, "front")
            after = {name: s.pid(name) for name in before}
            self.assertEqual([n for n in before if before[n] == after[n]], ["other"])

    def test_start_starts_what_is_required_too(self):
        with Supervisor(SHOP) as s:
            self.up(s, "front")
            s.ctl("stop", "db", status=0)
            s.ctl("start", "front", status=0)
            self.assertEqual(s.status("db")["state"], "running")

    def test_restart_of_a_stopped_service_starts_it(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "enabled": False}}}) as s:
            s.ctl("restart", "web", status=0)
            self.assertEqual(s.status("web")["state"], "running")

    def test_what_is_so_already_succeeds(self):
        with Supervisor({"services": {"web": {"command": FOREVER}, "off": {"command": FOREVER, "enabled": False}}}) as s:
            self.up(s, "web")
            pid = s.pid("web")
            s.ctl("start", "web", status=0)
            s.ctl("stop", "off", status=0)
            self.assertEqual(s.pid("web"), pid)

    def test_a_start_while_stopping_waits_its_turn_and_starts_no_second_copy(self):
        # Each instance notes itself in a folder while it lives, and complains of any other one.
        script = shell("trap 'echo stopping > $D/said; sleep 0.2; rmdir $D/alive 2>/dev/null; exit 0' TERM; "
                       "mkdir $D/alive || echo second > $D/said; echo up > $D/said; while :; do sleep 0.01; done")
        with Supervisor({"services": {"web": {"command": script}}}, fifos=["said"]) as s:
            said = s.fifo("said")
            self.assertEqual(said.read_line(), "up")
            s.ctl("stop", "--no-wait", "web", status=0)
            self.assertEqual(said.read_line(), "stopping")
            for _ in range(3):
                s.ctl("start", "--no-wait", "web", status=0)
                s.ctl("restart", "--no-wait", "web", status=0)
            s.ctl("start", "web", status=0)
            s.ctl("stop", "web", status=0)
            self.assertNotIn("second", said.lines_so_far())

    def test_a_restart_while_starting_starts_no_second_copy(self):
        script = shell("trap 'rmdir $D/alive 2>/dev/null; exit 0' TERM; mkdir $D/alive || echo second > $D/said; echo up > $D/said; "
                       "while :; do sleep 0.01; done")
        with Supervisor({"services": {"web": {"command": script, "ready": {
                "exec": ["test", "-e", "${D}/ready"], "interval": "10ms"}}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.ctl("restart", "--no-wait", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "up")
            open(s.dir + "/ready", "w").close()
            s.ctl("restart", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_a_stop_during_backoff_cancels_the_restart(self):
        with Supervisor({"services": {"web": {"command": ["false"], "backoff": {"initial": "1h", "max": "1h"}}}}) as s:
            s.wait_for("web", "backoff")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.status("web")["state"], "stopped")

    def test_a_start_during_backoff_starts_at_once(self):
        with Supervisor({"services": {"web": {"command": shell("test -e $D/mended || exit 1; exec sleep 1000000"),
                                              "backoff": {"initial": "1h", "max": "1h"}}}}) as s:
            s.wait_for("web", "backoff")
            open(s.dir + "/mended", "w").close()
            s.ctl("start", "web", status=0)

    def test_names_select_by_glob_group_and_all(self):
        with Supervisor({"services": {"web-a": {"command": FOREVER, "groups": ["g"]}, "web-b": {"command": FOREVER},
                                      "db": {"command": FOREVER, "groups": ["g"]}}}) as s:
            self.up(s, "web-a", "web-b", "db")
            s.ctl("stop", "web-*", status=0)
            s.settle()
            self.assertEqual(s.states, {"web-a": "stopped", "web-b": "stopped", "db": "running"})
            s.ctl("stop", "@g", status=0)
            s.ctl("start", "--all", status=0)
            s.settle()
            self.assertEqual(set(s.states.values()), {"running"})


class Reload(unittest.TestCase):
    HUP = ("trap 'echo hup > $D/said' HUP; echo up > $D/said; while :; do sleep 0.01; done")

    def test_signal(self):
        with Supervisor({"services": {"web": {"command": shell(self.HUP), "reload": {}}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            pid = s.pid("web")
            s.ctl("reload", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "hup")
            self.assertEqual(s.pid("web"), pid)

    def test_command(self):
        command = shell("echo command $MAINPID $REEVE_SERVICE > $D/said")
        with Supervisor({"services": {"web": {"command": FOREVER, "reload": {"command": command}}}}, fifos=["said"]) as s:
            s.wait_for("web", "running")
            s.ctl("reload", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), f"command {s.pid('web')} web")

    def test_a_failing_check_refuses_it_and_says_why(self):
        check = shell("echo bad syntax in line 7 >&2; exit 1")
        with Supervisor({"services": {"web": {"command": shell(self.HUP), "reload": {"check": check}}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            self.assertIn("bad syntax in line 7", s.ctl("reload", "web", status=1).stderr)
            self.assertEqual(s.status("web")["state"], "running")
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_a_passing_check_lets_it_through(self):
        with Supervisor({"services": {"web": {"command": shell(self.HUP), "reload": {"check": ["true"]}}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.ctl("reload", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), "hup")

    def test_a_failing_or_hanging_command_fails_it_and_the_service_goes_on(self):
        with Supervisor({"services": {
                "bad": {"command": FOREVER, "reload": {"command": shell("exit 4")}},
                "slow": {"command": FOREVER, "reload": {"command": FOREVER, "timeout": "50ms"}}}}) as s:
            s.wait_for("bad", "running")
            s.wait_for("slow", "running")
            self.assertIn("exit 4", s.ctl("reload", "bad", status=1).stderr)
            s.ctl("reload", "slow", status=1)
            self.assertEqual((s.status("bad")["state"], s.status("slow")["state"]), ("running", "running"))

    def test_one_that_is_not_up_exits_3(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "enabled": False, "reload": {}}}}) as s:
            s.ctl("reload", "web", status=3)

    def test_one_that_is_not_reloadable_exits_1_and_says_so(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            self.assertIn("reload", s.ctl("reload", "web", status=1).stderr)


class ExitStatus(unittest.TestCase):
    def test_0_done_and_1_failed(self):
        with Supervisor({"services": {"web": {"command": FOREVER},
                                      "bad": {"command": ["/no/such"], "enabled": False, "restart": "never"}}}) as s:
            s.ctl("restart", "web", status=0)
            self.assertIn("bad", s.ctl("start", "bad", status=1).stderr)

    def test_2_usage(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            for words in ([], ["nonsense"], ["start"], ["status", "--nonsense"], ["start", "--timeout", "soon", "web"]):
                s.ctl(*words, status=2)

    def test_3_not_running(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "enabled": False}}}) as s:
            s.ctl("status", "web", status=3)
            s.ctl("status", status=0)

    def test_4_no_such_service_names_the_nearest(self):
        with Supervisor({"services": {"worker": {"command": FOREVER}}}) as s:
            s.wait_for("worker", "running")
            self.assertIn("worker", s.ctl("start", "wroker", status=4).stderr)
            s.ctl("stop", "worker", "nobody*", status=4)
            self.assertEqual(s.status("worker")["state"], "running")

    @needs_root
    def test_5_not_allowed(self):
        config = {"supervisor": {"socket": {"mode": "0666"}}, "services": {"web": {"command": FOREVER}}}
        with Supervisor(config, dir_mode=0o755) as s:
            s.wait_for("web", "running")
            os.chmod(s.runtime, 0o755)
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", REEVECTL, "-s",
                                   s.socket_path, "stop", "web"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertEqual(s.status("web")["state"], "running")

    def test_6_no_supervisor_answers(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            path = s.socket_path
        done = subprocess.run([REEVECTL, "-s", path, "status"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 6)
        self.assertIn(path, done.stderr)

    def test_7_timed_out(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "enabled": False, "ready": {"exec": ["false"]}}}}) as s:
            s.ctl("start", "--timeout", "50ms", "web", status=7)
            self.assertEqual(s.status("web")["state"], "starting")

    def test_no_wait_returns_once_it_is_under_way(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "enabled": False, "ready": {"exec": ["false"]}}}}) as s:
            s.ctl("start", "--no-wait", "web", status=0)
            s.wait_for("web", "starting")

    def test_shutdown_returns_when_the_supervisor_has_gone(self):
        script = shell("trap 'sleep 0.1; exit 0' TERM; echo up > $D/said; while :; do sleep 0.01; done")
        with Supervisor({"services": {"web": {"command": script}}}, fifos=["said"]) as s:
            s.fifo("said").read_line()
            s.ctl("shutdown", status=0)
            self.assertFalse(os.path.exists(s.socket_path))
            self.assertEqual(s.wait(), 0)


class Output(unittest.TestCase):
    def test_status_as_json_has_every_member_of_the_contract(self):
        # It says when it is past execve, in which a process has no memory for a moment.
        script = shell("echo up > $D/said; read line < $D/go")
        with Supervisor({"services": {"web": {"command": script, "description": "the web", "groups": ["g"]}}},
                        fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.wait_for("web", "running")
            document = json.loads(s.ctl("--json", "status", "web", status=0).stdout)
            self.assertEqual(document["schema"], 1)
            self.assertEqual(set(document["supervisor"]), {"version", "pid", "state", "uptime", "runtime_dir", "config"})
            self.assertEqual(document["supervisor"]["pid"], s.reeved_pid)
            self.assertEqual(document["supervisor"]["config"], [s.config_path])
            [web] = document["services"]
            self.assertEqual(set(web), {"name", "description", "type", "state", "cause", "ready", "enabled", "groups", "pid",
                                        "since", "uptime", "restarts", "last_exit", "status_text", "unhealthy", "memory", "cpu",
                                        "tasks", "tracking", "log"} | (set(web) & {"processes"}))
            self.assertEqual((web["name"], web["description"], web["type"], web["state"], web["groups"]),
                             ("web", "the web", "simple", "running", ["g"]))
            self.assertGreater(web["memory"], 0)
            self.assertEqual(web["tasks"], 1)
            self.assertIsNone(web["last_exit"])

    def test_the_table_and_the_card_name_the_services(self):
        with Supervisor(SHOP) as s:
            s.wait_for("front", "running")
            table = s.ctl("status", status=0).stdout
            for name in SHOP["services"]:
                self.assertIn(name, table)
            card = s.ctl("status", "app", status=0).stdout
            self.assertIn(str(s.pid("app")), card)
            self.assertIn("sleep 1000000", card)

    def test_control_characters_of_a_service_do_not_reach_the_terminal(self):
        script = shell("printf '\\033[2Jwild\\a\\n' >&2; exit 1")
        with Supervisor({"services": {"web": {"command": script, "restart": "never"}}}) as s:
            s.wait_for("web", "failed")
            for words in (["status", "web"], ["status"]):
                self.assertNotIn("\x1b", s.ctl(*words).stdout)

    def test_versions(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            client = s.client()
            self.assertIn(client.call("version")["result"]["version"], s.ctl("version", status=0).stdout)
            client.close()


if __name__ == "__main__":
    unittest.main()
