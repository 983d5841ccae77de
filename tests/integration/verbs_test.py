"""The verbs of reevectl against a real supervisor: what they do, what they say, and how they exit."""
import json
import os
import signal
import subprocess
import unittest

from harness import FOREVER, PATIENCE, REEVECTL, REEVED, Supervisor, alive, exits_cleanly, shell

DONE, FAILED, USAGE, NOT_RUNNING, NO_SUCH, NO_SUPERVISOR, TIMED_OUT = 0, 1, 2, 3, 4, 6, 7

TROUBLE = {"services": {
    "disk": {"command": ["/no/such/mounter"], "restart": "never"},
    "db": {"command": FOREVER, "requires": ["disk"]},
    "web": {"command": FOREVER, "requires": ["db"]},
    "loop": {"command": shell("echo first line; echo no space left on device >&2; exit 3"), "backoff": {"initial": "1h", "max": "1h"}},
    "job": {"type": "oneshot", "command": ["true"]},
    "up": {"command": FOREVER, "groups": ["g"]},
}}


class Asking(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = cls.enterClassContext(Supervisor(TROUBLE))
        cls.s.wait_for("loop", "backoff")
        for name, state in (("disk", "failed"), ("web", "waiting"), ("job", "done"), ("up", "running")):
            cls.s.wait_for(name, state)

    def test_why_leads_through_dependencies_to_the_errno(self):
        why = json.loads(self.s.ctl("--json", "why", "web", status=DONE).stdout)
        chain = []
        while why:
            chain.append((why["service"], why["relation"], why["state"]))
            last, why = why, (why["because"] or [None])[0]
        self.assertEqual(chain, [("web", "", "waiting"), ("db", "requires", "waiting"), ("disk", "requires", "failed")])
        self.assertIn("No such file or directory", last["cause"])
        self.assertEqual(json.loads(self.s.ctl("--json", "why", "disk").stdout)["waiting"], ["db", "web"])

    def test_why_names_the_next_try_and_the_last_lines(self):
        why = json.loads(self.s.ctl("--json", "why", "loop", status=DONE).stdout)
        self.assertTrue(3000 < why["next_start"] < 4000, why)
        self.assertEqual((why["last_exit"]["code"], why["lines"]), (3, ["first line", "no space left on device"]))
        self.assertIn("no space left on device", self.s.ctl("why", "loop", status=DONE).stdout)

    def test_failures_tell_the_exit_the_use_and_the_last_lines(self):
        [failure] = json.loads(self.s.ctl("--json", "failures", "loop", status=DONE).stdout)["failures"]
        self.assertEqual((failure["service"], failure["code"], failure["signal"], failure["core"], failure["out_of_memory"]),
                         ("loop", 3, None, False, False))
        self.assertGreater(failure["max_rss"], 100_000)
        self.assertEqual(failure["lines"], ["first line", "no space left on device"])
        [failure] = json.loads(self.s.ctl("--json", "failures", "disk", status=DONE).stdout)["failures"]
        self.assertEqual((failure["code"], failure["signal"], failure["ran"]), (None, None, None))

    def test_the_questions_of_scripts_exit_as_LSB_has_it(self):
        for args, status, words in ((("is-active", "up"), DONE, "running\n"), (("is-active", "loop", "up"), DONE, "backoff\nrunning\n"),
                                    (("is-active", "job"), NOT_RUNNING, "done\n"), (("is-ready", "job"), DONE, "ready\n"),
                                    (("is-ready", "web"), NOT_RUNNING, "not-ready\n"), (("is-failed", "disk"), DONE, "failed\n"),
                                    (("is-failed", "up"), NOT_RUNNING, "running\n"), (("is-enabled", "up"), DONE, "enabled\n"),
                                    (("is-active", "nobody"), NO_SUCH, "")):
            done = self.s.ctl(*args, status=status)
            self.assertEqual(done.stdout, words, args)
            self.assertEqual(self.s.ctl("--quiet", *args, status=status).stdout, "")

    def test_wait_ends_when_it_is_so_or_cannot_be(self):
        self.s.ctl("wait", "up", "job", status=DONE)
        self.s.ctl("wait", "disk", "--for", "failed", status=DONE)
        self.assertIn("No such file", self.s.ctl("wait", "disk", "--for", "ready", status=FAILED).stderr)
        self.s.ctl("wait", "job", "--for", "done", status=DONE)
        self.s.ctl("wait", "web", "--timeout", "10ms", status=TIMED_OUT)
        self.s.ctl("wait", "up", "--for", "never", status=USAGE)

    def test_cat_prints_what_can_be_loaded_and_means_the_same(self):
        document = self.s.ctl("cat", status=DONE).stdout
        path = os.path.join(self.s.dir, "again.yaml")
        with open(path, "w") as f:
            f.write(document)
        os.chmod(path, 0o644)
        self.assertEqual(exits_cleanly([REEVED, "--check", "-c", path], env=self.s.env).returncode, 0)
        with Supervisor(document) as other:
            self.assertEqual(other.ctl("cat").stdout, document)

    def test_list_and_show_are_for_scripts(self):
        self.assertEqual(self.s.ctl("list", status=DONE).stdout.split(), sorted(TROUBLE["services"]))
        self.assertEqual(self.s.ctl("list", "@g", status=DONE).stdout, "up\n")
        properties = dict(line.split("=", 1) for line in self.s.ctl("show", "up", status=DONE).stdout.splitlines())
        self.assertEqual((properties["state"], properties["pid"]), ("running", str(self.s.pid("up"))))
        self.assertEqual(json.loads(properties["definition.command"]), FOREVER)

    def test_unknown_names_get_the_nearest(self):
        for verb in ("status", "why", "start", "kill", "cat", "failures"):
            self.assertIn("did you mean loop?", self.s.ctl(verb, "lop", status=NO_SUCH).stderr)

    def test_a_pipe_into_head_ends_quietly(self):
        for verb in (["status"], ["list"], ["cat"], ["events"], ["events", "-f"]):
            done = subprocess.run(["sh", "-c", '"$@" | head -n 1', "sh", REEVECTL, "-s", self.s.socket_path, *verb],
                                  capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stderr), (0, ""), verb)


class Doing(unittest.TestCase):
    def test_kill_sends_to_the_main_process_or_all(self):
        script = shell("trap 'echo main > $D/said' USR1; (trap 'echo child > $D/said' USR1; echo up > $D/said; while :; do sleep 0.01; done) & "
                       "echo up > $D/said; while :; do sleep 0.01; done")
        with Supervisor({"services": {"web": {"command": script}, "off": {"command": FOREVER, "enabled": False}}}, fifos=["said"]) as s:
            said = s.fifo("said")
            self.assertEqual([said.read_line(), said.read_line()], ["up", "up"])
            s.ctl("kill", "-s", "USR1", "web", status=DONE)
            self.assertEqual(said.read_line(), "main")
            s.ctl("kill", "-s", "SIGUSR1", "--tree", "web", status=DONE)
            self.assertEqual({said.read_line(), said.read_line()}, {"main", "child"})
            s.ctl("kill", "off", status=NOT_RUNNING)
            s.ctl("kill", "-s", "NONSENSE", "web", status=USAGE)

    def test_reset_failed_makes_it_stopped(self):
        with Supervisor({"services": {"web": {"command": ["false"], "restart": "never"}}}) as s:
            s.wait_for("web", "failed")
            s.ctl("reset-failed", "web", status=DONE)
            self.assertEqual(s.status("web")["state"], "stopped")
            s.ctl("is-failed", "web", status=NOT_RUNNING)

    def test_a_rehearsal_names_every_step_and_does_none(self):
        with Supervisor({"services": {"db": {"command": FOREVER}, "web": {"command": FOREVER, "requires": ["db"]}}}) as s:
            s.wait_for("web", "running")
            before, moves = (s.pid("db"), s.pid("web")), s.moves()
            played = json.loads(s.ctl("--json", "restart", "--dry-run", "db", status=DONE).stdout)
            self.assertEqual([(x["pid"], x["changed"]) for x in played["results"]], [(None, True)])
            self.assertEqual([(x["do"], x["service"]) for x in played["steps"]], [("stop", "web"), ("stop", "db"), ("start", "db"), ("start", "web")])
            idle = json.loads(s.ctl("--json", "start", "--dry-run", "db", status=DONE).stdout)
            self.assertEqual((idle["steps"], idle["results"][0]["changed"]), ([], False))
            self.assertEqual((s.pid("db"), s.pid("web")), before)
            s.settle()
            self.assertEqual(s.moves(), moves)

    def test_a_diff_shows_what_apply_then_does(self):
        def config(**more):
            return {"services": {"db": {"command": FOREVER}, "web": {"command": FOREVER, "requires": ["db"]}, **more}}
        with Supervisor(config(old={"command": FOREVER})) as s:
            for name in ("db", "web", "old"):
                s.wait_for(name, "running")
            self.assertIn("no changes", s.ctl("diff", status=DONE).stdout)
            new = config(new={"command": FOREVER})
            new["services"]["db"]["command"] = ["sleep", "2000000"]
            new["services"]["web"]["description"] = "the front"
            s.write_config(new)
            before = s.pid("web"), s.pid("db")
            diff = json.loads(s.ctl("--json", "diff", status=DONE).stdout)
            self.assertEqual({x["service"]: x["change"] for x in diff["services"]},
                             {"db": "restart", "new": "added", "old": "removed", "web": "live"})
            self.assertEqual((s.pid("web"), s.pid("db")), before)
            applied = json.loads(s.ctl("--json", "apply", status=DONE).stdout)
            self.assertEqual({x["service"] for x in applied["results"] if x["ok"]}, {"db", "new", "old", "web"})
            self.assertEqual(s.status("web")["description"], "the front")
            s.ctl("status", "old", status=NO_SUCH)
            s.ctl("is-ready", "new", status=DONE)

    def test_a_diff_or_an_apply_of_what_is_not_valid_changes_nothing(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            s.write_config("services:\n  web:\n    comand: x\n")
            for verb in ("diff", "apply"):
                done = s.ctl(verb, status=FAILED)
                self.assertIn("reeve.yaml:3:5: error: services.web.comand", done.stderr)
            self.assertEqual(s.pid("web"), pid)

    def test_an_apply_that_a_service_does_not_survive_says_so(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            s.write_config({"services": {"web": {"command": ["/no/such/program"]}}})
            self.assertIn("No such file or directory", s.ctl("apply", status=FAILED).stderr)
            s.write_config({"services": {"web": {"command": FOREVER, "ready": "notify"}}})
            s.ctl("apply", "--timeout", "50ms", status=TIMED_OUT)
            s.ctl("apply", "--no-wait", status=DONE)

    def test_what_waits_for_another_start_of_the_supervisor_is_still_shown_afterwards(self):
        services = {"web": {"command": FOREVER}}
        with Supervisor({"services": services}) as s:
            s.wait_for("web", "running")
            s.write_config({"supervisor": {"socket": {"path": s.dir + "/other.sock"}}, "services": services})
            s.ctl("apply", status=DONE)
            self.assertIn("socket.path", s.ctl("diff", status=DONE).stdout)
            s.write_config({"services": services})
            s.ctl("apply", status=DONE)
            self.assertIn("no changes", s.ctl("diff", status=DONE).stdout)

    def test_a_renamed_service_starts_once_its_old_self_is_gone(self):
        script = shell("trap 'read line < $D/go; echo gone > $D/said; exit 0' TERM; echo up > $D/said; while :; do sleep 0.01; done")
        with Supervisor({"services": {"old": {"command": script}}}, fifos=["said", "go"]) as s:
            said = s.fifo("said")
            said.read_line()
            s.write_config({"services": {"new": {"command": script}}})
            s.send_signal(signal.SIGHUP)
            s.wait_for("new", "waiting")
            self.assertIn("old", s.status("new")["cause"])
            s.tell("go")
            self.assertEqual([said.read_line(), said.read_line()], ["gone", "up"])
            s.tell("go")

    def test_events_are_followed_until_the_supervisor_ends(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            follower = subprocess.Popen([REEVECTL, "-s", s.socket_path, "--json", "events", "-f"], stdout=subprocess.PIPE, text=True)
            self.assertEqual(json.loads(follower.stdout.readline())["event"], "snapshot")
            pid = s.pid("web")
            s.ctl("stop", "web", status=DONE)
            self.assertEqual(s.end(), 0)
            told = [json.loads(line) for line in follower.stdout]
            follower.stdout.close()
            self.assertEqual(follower.wait(PATIENCE), 0)
            self.assertEqual([e.get("to", e["event"]) for e in told], ["stopping", "stopped", "shutdown"])
            self.assertFalse(alive(pid))

    def test_without_a_supervisor_there_is_one_sentence(self):
        for verb in (["status"], ["start", "web"], ["why", "web"], ["events"], ["apply"], ["is-active", "web"]):
            done = exits_cleanly([REEVECTL, "-s", "/nonexistent/control.sock", *verb])
            self.assertEqual(done.returncode, NO_SUPERVISOR, verb)
            self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
