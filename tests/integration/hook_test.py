"""Commands at the turns of a service's life: as whom they run, what they find, where their output goes."""
import os
import pwd
import unittest

from harness import FOREVER, Supervisor, alive, needs_root, shell, wait_gone


def hook(name, script="", **more):
    """Notes its environment as $D/env-NAME and says its name into $D/said."""
    text = f"set -- {name}; env > $D/env.new; mv $D/env.new $D/env-$1; {script} echo $1 > $D/said"
    return {"command": shell(text), **more}


def environment(s, name):
    with open(f"{s.dir}/env-{name}", encoding="utf-8") as f:
        return dict(line.split("=", 1) for line in f.read().splitlines() if "=" in line)


class Hooks(unittest.TestCase):
    def test_they_run_in_turn_and_in_the_services_environment(self):
        web = {"command": FOREVER, "environment": {"COLOUR": "blue"}, "pre_start": [hook("pre_start")],
               "post_start": [hook("post_start")], "pre_stop": [hook("pre_stop")], "post_stop": [hook("post_stop")]}
        with Supervisor({"services": {"web": web}}, fifos=["said"]) as s:
            s.wait_for("web", "running")
            self.assertEqual([s.fifo("said").read_line() for _ in range(2)], ["pre_start", "post_start"])
            pid = s.pid("web")
            s.ctl("stop", "web", status=0)
            self.assertEqual([s.fifo("said").read_line() for _ in range(2)], ["pre_stop", "post_stop"])
            found = {name: environment(s, name) for name in ("pre_start", "post_start", "pre_stop", "post_stop")}
            for env in found.values():
                self.assertEqual((env["COLOUR"], env["REEVE_SERVICE"]), ("blue", "web"))
            ids = {env[name] for env in found.values() for name in ("INVOCATION_ID", "REEVE_INVOCATION_ID")}
            self.assertEqual(len(ids), 1, "all of one run have its id")
            self.assertNotIn("MAINPID", found["pre_start"])
            self.assertEqual((found["post_start"]["MAINPID"], found["pre_stop"]["MAINPID"]), (str(pid), str(pid)))
            self.assertEqual(found["post_stop"]["SERVICE_RESULT"], "success")

    def test_one_before_the_start_that_fails_is_a_failed_start(self):
        web = {"command": shell("echo started > $D/said; exec sleep 1000000"), "restart": "never",
               "pre_start": shell("echo no database >&2; exit 3")}
        with Supervisor({"services": {"web": web}}, fifos=["said"]) as s:
            s.wait_for("web", "failed")
            self.assertIn("exit 3", s.status("web")["cause"])
            self.assertEqual(s.fifo("said").lines_so_far(), [])

    def test_what_they_print_is_in_the_services_log(self):
        web = {"command": FOREVER, "pre_start": shell("echo made ready; echo with care >&2")}
        with Supervisor({"services": {"web": web}}) as s:
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            self.assertIn(("stdout", "F", "made ready"), s.log_lines("web"))
            self.assertIn(("stderr", "F", "with care"), s.log_lines("web"))

    def test_one_that_hangs_is_killed_with_its_children(self):
        script = "setsid sleep 1000000 & echo $! > $D/said; wait"
        web = {"command": FOREVER, "restart": "never", "pre_start": {"command": shell(script), "timeout": "300ms"}}
        with Supervisor({"services": {"web": web}}, fifos=["said"]) as s:
            pid = s.fifo("said").read_pid()
            s.wait_for("web", "failed")
            wait_gone(pid)

    def test_one_that_is_interrupted_gets_to_finish(self):
        script = ("trap 'kill $!; read line < $D/go; echo rolled back; echo back > $D/said; exit 1' TERM; "
                  "echo up > $D/said; sleep 1000000 & wait")
        for timeout in (None, "200ms"):
            more = {"timeout": timeout} if timeout else {}
            web = {"command": FOREVER, "restart": "never", "pre_start": {"command": shell(script), **more}}
            with self.subTest(timeout), Supervisor({"services": {"web": web}}, fifos=["said", "go"]) as s:
                self.assertEqual(s.fifo("said").read_line(), "up")
                if not timeout:
                    s.ctl("stop", "--no-wait", "web", status=0)
                s.wait_for("web", "stopping")
                s.tell("go")
                self.assertEqual(s.fifo("said").read_line(), "back")
                s.wait_for("web", "failed" if timeout else "stopped")
                self.assertIn(("stdout", "F", "rolled back"), s.log_lines("web"))

    def test_one_that_does_not_end_when_asked_is_killed(self):
        web = {"command": FOREVER, "restart": "never", "stop": {"timeout": "100ms"},
               "pre_start": shell("trap '' TERM; echo $$ > $D/said; while :; do sleep 1000000; done")}
        with Supervisor({"services": {"web": web}}, fifos=["said"]) as s:
            pid = s.fifo("said").read_pid()
            s.ctl("stop", "web", status=0)
            wait_gone(pid)

    def test_what_one_leaves_behind_is_ended_with_it(self):
        web = {"command": FOREVER, "pre_start": shell("setsid sleep 1000000 & echo $! > $D/said")}
        with Supervisor({"services": {"web": web}}, fifos=["said"]) as s:
            pid = s.fifo("said").read_pid()
            s.wait_for("web", "running")
            self.assertFalse(alive(pid))

    @needs_root
    def test_they_run_as_the_services_user_or_as_root(self):
        web = {"command": FOREVER, "user": "nobody", "umask": "077",
               "pre_start": [{"command": shell("id -u > $D/said; echo $HOME > $D/said")},
                             {"command": shell("id -u > $D/said; echo $HOME > $D/said"), "as": "root"}]}
        with Supervisor({"services": {"web": web}}, fifos=["said"], dir_mode=0o755, env={"HOME": "/root"}) as s:
            s.wait_for("web", "running")
            nobody = pwd.getpwnam("nobody")
            self.assertEqual([s.fifo("said").read_line() for _ in range(4)],
                             [str(nobody.pw_uid), nobody.pw_dir, "0", "/root"])

    @needs_root
    def test_one_as_root_takes_no_variables_from_the_services_user(self):
        web = {"command": FOREVER, "user": "nobody", "environment_files": ["${D}/env"], "restart": "never",
               "pre_start": {"command": shell("echo $WHO > $D/said"), "as": "root"}}
        for owner in (65534, 0):
            s = Supervisor({"services": {"web": web}}, fifos=["said"], dir_mode=0o755, start=False)
            with self.subTest(owner), s:
                with open(s.dir + "/env", "w", encoding="ascii") as f:
                    f.write("WHO=me\n")
                os.chown(s.dir + "/env", owner, owner)
                s.start()
                if owner == 0:
                    self.assertEqual(s.fifo("said").read_line(), "me")
                    continue
                s.wait_for("web", "failed")
                self.assertIn("env for a command of root: others than root can write it", s.status("web")["cause"])

    def test_a_last_line_without_its_newline_ends_with_it(self):
        web = {"command": FOREVER, "pre_start": [{"command": shell("printf one")}, {"command": shell("printf two")}]}
        with Supervisor({"services": {"web": web}}) as s:
            s.wait_for("web", "running")
            self.assertEqual(s.log_lines("web"), [("stdout", "F", "one"), ("stdout", "F", "two")])

    @needs_root
    def test_one_as_root_is_free_of_what_the_service_may_not(self):
        script = "grep -E 'CapEff|NoNewPrivs' /proc/self/status > $D/said"
        web = {"command": FOREVER, "capabilities": [], "no_new_privileges": True,
               "pre_start": [{"command": shell(script)}, {"command": shell(script), "as": "root"}]}
        with Supervisor({"services": {"web": web}}, fifos=["said"]) as s:
            s.wait_for("web", "running")
            lines = [s.fifo("said").read_line().split() for _ in range(4)]
            self.assertEqual((int(lines[0][1], 16), lines[1][1]), (0, "1"))
            self.assertEqual(lines[3][1], "0")
            self.assertNotEqual(int(lines[2][1], 16), 0)


if __name__ == "__main__":
    unittest.main()
