"""How the supervisor ends, what it says by its exit status, and that there is one of it alone."""
import json
import os
import shutil
import signal
import unittest

from harness import FOREVER, REEVED, Supervisor, alive, exits_cleanly, shell

CHAIN = {"services": {"db": {"command": FOREVER}, "app": {"command": FOREVER, "requires": ["db"]},
                      "front": {"command": FOREVER, "after": ["app"]}}}
STUBBORN = shell("trap 'echo asked > $D/said' TERM; echo $$ > $D/said; while :; do sleep 0.02; done")


class Shutdown(unittest.TestCase):
    def test_each_stop_signal_stops_in_reverse_order(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGRTMIN + 3):
            with self.subTest(sig), Supervisor(CHAIN) as s:
                s.wait_for("front", "running")
                self.assertEqual(s.end(sig), 0)
                order = [s.text().index(f"{name}: stopp") for name in ("front", "app", "db")]
                self.assertEqual(order, sorted(order))
                self.assertLess(s.text().index("app: stopped"), s.text().index("db: stopping"))

    def test_nothing_stays_in_the_runtime_directory_but_its_lock(self):
        with Supervisor(CHAIN) as s:
            s.wait_for("front", "running")
            self.assertEqual(s.end(), 0)
            files = {n for _, _, names in os.walk(s.runtime) for n in names}
            self.assertLessEqual(files, {"lock"})

    def test_a_second_signal_kills_at_once(self):
        with Supervisor({"services": {"web": {"command": STUBBORN, "stop": {"timeout": "1h"}}}}, fifos=["said"]) as s:
            pid = s.fifo("said").read_pid()
            s.send_signal(signal.SIGTERM)
            self.assertEqual(s.fifo("said").read_line(), "asked")
            self.assertEqual(s.end(signal.SIGINT), 0)
            self.assertFalse(alive(pid))

    def test_a_second_request_of_a_client_only_waits_too(self):
        script = shell("trap 'echo asked > $D/said; read line < $D/go; echo flushed > $D/said; exit 0' TERM; echo up > $D/said; "
                       "while :; do sleep 0.02; done")
        with Supervisor({"services": {"db": {"command": script}}}, fifos=["said", "go"]) as s:
            said = s.fifo("said")
            self.assertEqual(said.read_line(), "up")
            s.ctl("shutdown", "--no-wait", status=0)
            self.assertEqual(said.read_line(), "asked")
            s.ctl("shutdown", "--no-wait", status=0)
            s.settle()
            s.tell("go")
            self.assertEqual(said.read_line(), "flushed")
            self.assertEqual(s.wait(), 0)

    def test_the_next_one_may_start_as_soon_as_a_client_sees_the_end(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            for _ in range(10):
                s.ctl("shutdown", status=0)
                self.assertFalse(os.path.exists(s.socket_path))
                old = s.process
                s.start()
                old.wait()

    def test_services_start_also_after_the_whole_runtime_directory_was_deleted(self):
        with Supervisor({"services": {"web": {"command": shell("echo up; exec sleep 1000000")}}}) as s:
            s.wait_for("web", "running")
            # At one blow: the control socket is put back while its folder is still being emptied.
            os.rename(s.runtime, s.runtime + ".gone")
            shutil.rmtree(s.runtime + ".gone")
            s.send_signal(signal.SIGHUP)
            while not os.path.exists(s.socket_path):
                s.events.call("version")
            s.settle()
            s.ctl("restart", "web", status=0)
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.log_texts("web")[-1], "up")

    def test_the_mode_of_a_folder_that_was_there_is_left_as_it_is(self):
        with Supervisor(CHAIN, start=False) as s:
            os.mkdir(s.runtime)
            os.chmod(s.runtime, 0o755)
            s.start()
            self.assertEqual(os.stat(s.runtime).st_mode & 0o777, 0o755)

    def test_the_shutdown_timeout_kills_what_is_left(self):
        with Supervisor({"supervisor": {"shutdown_timeout": "200ms"}, "services": {
                "web": {"command": STUBBORN, "stop": {"timeout": "1h"}}}}, fifos=["said"]) as s:
            pid = s.fifo("said").read_pid()
            self.assertEqual(s.end(), 0)
            self.assertFalse(alive(pid))

    def test_services_in_backoff_do_not_start_again(self):
        with Supervisor({"services": {"web": {"command": ["false"], "backoff": {"initial": "50ms"}},
                                      "slow": {"command": STUBBORN, "stop": {"timeout": "300ms"}}}}, fifos=["said"]) as s:
            s.fifo("said").read_pid()
            s.wait_for("web", "backoff")
            s.send_signal(signal.SIGTERM)
            self.assertEqual(s.wait(), 0)
            after = s.text()[s.text().index("got SIGTERM"):]
            self.assertNotIn("web: starting", after)

    def test_a_start_during_a_shutdown_is_refused(self):
        with Supervisor({"services": {"web": {"command": STUBBORN, "stop": {"timeout": "1h"}},
                                      "off": {"command": FOREVER, "enabled": False}}}, fifos=["said"]) as s:
            s.fifo("said").read_pid()
            s.send_signal(signal.SIGTERM)
            self.assertEqual(s.fifo("said").read_line(), "asked")
            s.ctl("start", "off", status=1)
            client = s.client()
            self.assertEqual(client.call("status")["result"]["supervisor"]["state"], "stopping")
            client.close()
            self.assertEqual(s.end(), 0)


class ExitStatus(unittest.TestCase):
    def status_of(self, service, **supervisor):
        # `other` shows that the rest is stopped too.
        with Supervisor({"supervisor": supervisor, "services": {"web": service, "other": {"command": FOREVER}}}, start=False) as s:
            s.start(connect=False)
            return s.wait()

    def test_on_exit_shutdown_gives_the_status_of_the_service(self):
        ends = {"exit 0": 0, "exit 7": 7, "kill -KILL $$": 137, "kill -USR1 $$": 138}
        for script, status in ends.items():
            with self.subTest(script):
                self.assertEqual(self.status_of({"command": shell(script), "restart": "never", "on_exit": "shutdown"}), status)

    def test_on_failure_shutdown_waits_for_a_failure(self):
        self.assertEqual(self.status_of({"command": shell("exit 9"), "restart_limit": {"count": 2, "within": "1h"},
                                         "backoff": {"initial": "1ms"}, "on_failure": "shutdown"}), 9)

    def test_on_failure_lets_a_good_end_pass(self):
        with Supervisor({"services": {"web": {"command": ["true"], "restart": "never", "on_failure": "shutdown"}}}) as s:
            s.wait_for("web", "done")
            s.ctl("status", status=0)

    def test_a_failed_start_with_on_failure_is_no_success(self):
        self.assertNotEqual(self.status_of({"command": ["/no/such"], "restart": "never", "on_failure": "shutdown"}), 0)

    def test_exit_when_idle(self):
        with Supervisor({"supervisor": {"exit_when": "idle"}, "services": {
                "job": {"type": "oneshot", "command": ["true"]},
                "crash": {"command": shell("test -e $D/again && exit 0; touch $D/again; exit 1"), "restart": "on-failure",
                          "backoff": {"initial": "10ms"}}}}, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 0)
            self.assertIn("crash: done", s.text())


class OneSupervisor(unittest.TestCase):
    def test_a_second_one_is_refused_and_harms_nothing(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            second = exits_cleanly([*s.argv], env=s.env)
            self.assertEqual(second.returncode, 1)
            self.assertIn(str(s.reeved_pid), second.stderr)
            s.ctl("status", "web", status=0)
            self.assertTrue(os.path.exists(s.socket_path))
            self.assertEqual(s.status("web")["state"], "running")

    def test_after_a_kill_the_next_one_takes_over_its_files(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            s.kill()
            s.kill_started()
            self.assertTrue(os.path.exists(s.socket_path))
            s.ctl("status", status=6)
            s.start()
            s.wait_for("web", "running")
            s.ctl("status", "web", status=0)

    def test_two_in_different_places_do_not_meet(self):
        with Supervisor(CHAIN) as a, Supervisor(CHAIN) as b:
            a.wait_for("front", "running")
            b.wait_for("front", "running")
            self.assertEqual(a.end(), 0)
            self.assertEqual(b.status("front")["state"], "running")


class CommandLine(unittest.TestCase):
    def test_usage_errors_exit_2(self):
        for words in (["--nonsense"], ["-c"], ["--log-level", "loud"], ["stray"], ["--log-format", "xml"]):
            done = exits_cleanly([REEVED, *words])
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr)

    def test_version_and_help(self):
        for words in (["-V"], ["--version"]):
            done = exits_cleanly([REEVED, *words])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"^reeved \d+\.\d+")
        for words in (["-h"], ["--help"]):
            done = exits_cleanly([REEVED, *words])
            self.assertEqual(done.returncode, 0)
            for option in ("--config", "--check", "--runtime-dir", "--log-dir", "--state-dir", "--log-level"):
                self.assertIn(option, done.stdout)

    def check(self, text):
        with Supervisor(text, start=False) as s:
            done = exits_cleanly([REEVED, "--check", "-c", s.config_path], env=s.env)
            self.assertFalse(os.path.exists(s.runtime))
            return done

    def test_check_of_a_valid_configuration(self):
        done = self.check({"services": {"web": {"command": ["true"]}}})
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_check_names_every_problem_with_its_place(self):
        done = self.check("services:\n  web:\n    comand: x\n  app:\n    command: y\n    requires: [dbb]\n  db: {command: z, nice: lots}\n")
        self.assertEqual(done.returncode, 1)
        for place in ("reeve.yaml:3:5: error: services.web", "reeve.yaml:6:16: error: services.app.requires",
                      "reeve.yaml:7:"):
            self.assertIn(place, done.stderr)
        self.assertIn("command", done.stderr.splitlines()[0])

    def test_a_missing_configuration_cannot_boot(self):
        self.assertEqual(exits_cleanly([REEVED, "-c", "/no/such/file.yaml"]).returncode, 1)

    def test_an_invalid_configuration_cannot_boot(self):
        with Supervisor("services: {web: {comand: x}}", start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 1)
            self.assertFalse(os.path.exists(s.runtime))

    def test_a_folder_is_read_in_order_of_name(self):
        with Supervisor("", start=False) as s:
            os.mkdir(s.dir + "/conf.d", 0o755)
            for name in ("b", "a"):
                with open(f"{s.dir}/conf.d/{name}.yaml", "w") as f:
                    f.write(f"services: {{{name}: {{command: sleep 1000000}}}}\n")
            with open(s.dir + "/conf.d/ignored.txt", "w") as f:
                f.write("not yaml: [")
            s.argv[s.argv.index("-c") + 1] = s.dir + "/conf.d"
            s.start()
            s.wait_for("a", "running")
            s.wait_for("b", "running")
            client = s.client()
            self.assertEqual([os.path.basename(p) for p in client.call("status")["result"]["supervisor"]["config"]],
                             ["a.yaml", "b.yaml"])
            client.close()

    def test_the_own_log_can_go_to_a_file_as_json(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, "--log-format", "json", "--log-file", "/dev/stderr") as s:
            s.wait_for("web", "running")
            self.assertEqual(s.end(), 0)

            for line in s.said:
                json.loads(line)


if __name__ == "__main__":
    unittest.main()
