"""Another program takes the place of the supervisor's in its process: `reevectl upgrade` and USR2."""
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

from harness import FOREVER, PATIENCE, REEVECTL, REEVED, Deadline, Supervisor, alive, shell, wait_gone
from notify_test import speaker


def program(directory, name, script):
    """Something that is executed in place of a reeved."""
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    return path


class Upgrade(unittest.TestCase):
    def taken_over(self, s):
        return s.text().count("taking over from reeved")

    def test_it_keeps_its_process_its_services_and_its_clients(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            before, web = s.reeved_pid, s.pid("web")
            done = s.ctl("upgrade", status=0)
            self.assertRegex(done.stdout, rf"^reeved \S+ has taken over \(pid {before}\)\n$")
            self.assertEqual(json.loads(s.ctl("upgrade", "--json", status=0).stdout)["pid"], before)
            self.assertEqual(s.reeved_pid, before)
            self.assertEqual(s.pid("web"), web)
            # On the connection that was there before; and its own child still tells how it ended.
            os.kill(web, signal.SIGKILL)
            s.wait_for_change("web", "backoff", "running")
            s.wait_until(lambda: s.states["web"] == "running")
            self.assertIn("SIGKILL", s.ctl("failures", "web", status=0).stdout)
            self.assertEqual(self.taken_over(s), 2)

    def test_what_ends_during_it_counts_as_seen(self):
        with Supervisor({"services": {"web": {"command": shell("read code < $D/go; exit $code"), "restart": "never"}}},
                        fifos=["go"]) as s:
            s.wait_for("web", "running")
            ends_it = f"""import os, select, sys
if "--can-resume" not in sys.argv:
    web = os.pidfd_open({s.pid("web")})
    with open(os.environ["D"] + "/go", "w") as go:
        go.write("5\\n")
    select.select([web], [], [])
    os.close(web)
os.execv("{REEVED}", sys.argv)
"""
            with open(s.dir + "/ends_it.py", "w", encoding="ascii") as f:
                f.write(ends_it)
            s.ctl("upgrade", program(s.dir, "ends-it", f'exec {sys.executable} {s.dir}/ends_it.py "$@"\n'), status=0)
            s.wait_for("web", "failed")
            self.assertRegex(s.status("web")["cause"], "^exit 5 after ")
            self.assertIsNotNone(s.status("web")["last_exit"]["ran"])

    def test_USR2_does_the_same(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            web = s.pid("web")
            s.send_signal(signal.SIGUSR2)
            s.wait_until_said("taking over from reeved")
            self.assertEqual(s.pid("web"), web)

    def test_who_waits_gets_the_answer_from_the_new_program(self):
        late = speaker("hear()\nnotify('READY=1')")
        with Supervisor({"services": {"web": {"command": late, "ready": "notify", "enabled": False},
                                      "other": {"command": FOREVER}}}, fifos=["go"]) as s:
            s.wait_for("other", "running")
            waiting = s.client()
            waiting.send("start", names=["web"])
            s.wait_for("web", "starting")
            subscriber = s.client()
            subscriber.call("subscribe")
            s.ctl("upgrade", status=0)
            s.tell("go")
            reply = waiting.read()
            self.assertEqual([(r["service"], r["ok"], r["changed"]) for r in reply["result"]["results"]],
                             [("web", True, True)])
            seen = []
            while not seen or seen[-1].get("to") != "running" or seen[-1]["service"] != "web":
                seen.append(subscriber.read()["params"])
            numbers = [event["seq"] for event in seen if event["event"] == "state"]
            self.assertEqual(numbers, sorted(set(numbers)))
            waiting.close()
            subscriber.close()

    def test_who_asks_in_between_is_refused_and_the_first_is_answered(self):
        slow = 'for word; do [ "$word" = --can-resume ] && echo up > $D/said && read line < $D/go; done\nexec ' + REEVED + ' "$@"\n'
        with Supervisor({"services": {"web": {"command": FOREVER}}}, fifos=["said", "go"]) as s:
            s.wait_for("web", "running")
            path = program(s.dir, "slow", slow)
            first = s.client()
            first.send("upgrade", path=path)
            self.assertEqual(s.fifo("said").read_line(), "up")
            self.assertIn("another upgrade is under way", s.ctl("upgrade", status=1).stderr)
            s.tell("go")
            self.assertEqual(first.read()["result"]["pid"], s.process.pid)
            first.close()

    def test_half_a_request_is_finished_after_it(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            client = s.client()
            client.call("version")
            request = b'{"jsonrpc":"2.0","id":77,"method":"version"}\n'
            client.send_bytes(request[:20])
            s.ctl("upgrade", status=0)
            client.send_bytes(request[20:])
            self.assertEqual(client.read()["id"], 77)
            client.close()

    def test_the_history_of_events_goes_on(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            before = s.ask("events")["events"]
            s.ctl("upgrade", status=0)
            s.ctl("restart", "web", status=0)
            after = s.ask("events")["events"]
            self.assertEqual(after[:len(before)], before)
            self.assertEqual([e["seq"] for e in after], list(range(1, len(after) + 1)))

    def test_what_cannot_take_over_is_refused_and_nothing_changes(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            reeved, web = s.reeved_pid, s.pid("web")
            plain = os.path.join(s.dir, "plain")
            with open(plain, "w", encoding="ascii") as f:
                f.write("no program")
            for path, why in ((s.dir + "/none", "No such file"), (plain, "Permission denied"), ("/bin/true", "is it a reeved"),
                              (program(s.dir, "old", "echo it is too old; exit 1\n"), "it is too old"),
                              (program(s.dir, "dies", "kill -SEGV $$\n"), "SIGSEGV")):
                with self.subTest(path):
                    refused = s.ctl("upgrade", path, status=1)
                    self.assertIn(why, refused.stderr)
                    self.assertIn("cannot take over", refused.stderr)
                    self.assertEqual((s.reeved_pid, s.pid("web")), (reeved, web))
            self.assertEqual(self.taken_over(s), 0)
            s.wait_until_said("not upgraded", times=5)
            s.ctl("upgrade", REEVED, status=0)

    def test_one_that_fails_only_when_it_is_executed_leaves_services_to_the_next(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            path = program(s.dir, "half", 'for word; do [ "$word" = --can-resume ] && echo can take over: 1 service && exit 0; done\nexit 3\n')
            web = s.pid("web")
            s.ctl("upgrade", path, status=6)
            s.process.wait()
            self.assertTrue(alive(web))
            s.start()
            s.wait_for("web", "running")
            self.assertEqual(s.pid("web"), web)

    def test_one_that_cannot_read_what_its_logs_are_kept_in_is_refused(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            for name, format_at in (("spool", len("reeve spool ")), ("spool-lost", len("reeve lost "))):
                kept = os.path.join(s.runtime, name)

                def write_format(number, kept=kept, at=format_at):
                    with open(kept, "r+b", buffering=0) as f:
                        f.seek(at)
                        f.write(number)
                write_format(b"2")
                self.assertIn(f"cannot take over {kept}: unknown format", s.ctl("upgrade", status=1).stderr)
                write_format(b"1")
            s.ctl("upgrade", status=0)

    def test_a_configuration_that_is_not_valid_keeps_the_program(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            with open(s.config_path, "w", encoding="utf-8") as f:
                f.write("services: {web: {comand: [x]}}\n")
            refused = s.ctl("upgrade", status=1).stderr
            self.assertIn("unknown key", refused)
            self.assertEqual((refused.count("\n"), refused.count("\\n")), (1, 0), "all of it on one line")
            self.assertEqual(self.taken_over(s), 0)

    def test_places_that_cannot_be_had_keep_the_program(self):
        services = {"web": {"command": FOREVER}}
        with Supervisor({"services": services}, places=False, start=False) as s:
            s.argv += ["--runtime-dir", s.runtime, "--log-dir", s.logs]
            s.env.pop("REEVE_STATE_DIR", None)
            s.write_config({"supervisor": {"state_dir": s.dir + "/state"}, "services": services})
            s.start()
            s.wait_for("web", "running")
            web = s.status("web")["pid"]
            gone = s.dir + "/gone"
            for settings, why in (({"log": {"file": gone + "/own.log"}}, f"cannot open the log file {gone}/own.log: No such file"),
                                  ({"socket": {"path": gone + "/c.sock"}}, f"{gone}/c.sock: No such file"),
                                  ({"state_dir": "/proc/nope"}, "cannot make /proc/nope: No such file")):
                with self.subTest(why):
                    s.write_config({"supervisor": settings, "services": services})
                    refused = s.ctl("upgrade", status=1).stderr
                    self.assertIn("cannot take over", refused)
                    self.assertIn(why, refused)
                    self.assertEqual(s.status("web")["pid"], web)
                    # Who has no choice goes on without it.
                    s.kill()
                    s.start()
                    self.assertEqual(s.status("web")["pid"], web)
                    s.wait_until_said(why, times=2)

    def test_a_socket_that_has_moved_leaves_no_file_behind(self):
        services = {"web": {"command": FOREVER}}
        with Supervisor({"services": services}) as s:
            s.wait_for("web", "running")
            s.write_config({"supervisor": {"socket": {"path": s.dir + "/other.sock"}}, "services": services})
            s.ctl("upgrade")
            s.wait_until_said("is listening on " + s.dir + "/other.sock")
            self.assertFalse(os.path.lexists(s.socket_path))
            s.socket_path = s.dir + "/other.sock"
            self.assertEqual(s.status("web")["restarts"], 0)

    def test_relative_paths_mean_the_folder_in_which_a_daemon_was_started(self):
        with tempfile.TemporaryDirectory(prefix="reeve-test-") as folder:
            with open(folder + "/conf.yaml", "w", encoding="utf-8") as f:
                json.dump({"services": {"web": {"command": FOREVER}}}, f)
            where = {"cwd": folder, "timeout": PATIENCE, "check": True, "stdin": subprocess.DEVNULL}
            subprocess.run([REEVED, "--daemonize", "--runtime-dir", "run", "--log-dir", "log", "--state-dir", "state",
                            "--pid-file", "pid", "-c", "conf.yaml"], stderr=subprocess.DEVNULL, **where)
            with open(folder + "/pid", encoding="ascii") as f:
                pid = int(f.read())
            try:
                for _ in range(2):
                    subprocess.run([REEVECTL, "-s", folder + "/run/control.sock", "upgrade"], stdout=subprocess.DEVNULL, **where)
                    self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
            finally:
                os.kill(pid, signal.SIGTERM)
                wait_gone(pid)

    def test_a_trial_that_a_kill_leaves_behind_is_ended(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, fifos=["said"]) as s:
            s.wait_for("web", "running")
            slow = program(s.dir, "slow", f"echo $$ > {s.dir}/said; exec sleep 1000000\n")
            with subprocess.Popen([*s.ctl_argv(), "upgrade", slow], stderr=subprocess.DEVNULL) as asking:
                trial = s.fifo("said").read_pid()
                s.kill()
                asking.kill()
            s.start()
            if s.status("web")["tracking"]["by"] == "cgroup":
                wait_gone(trial)
            else:
                os.kill(trial, signal.SIGKILL)
            self.assertNotIn("trial", s.text())

    def test_one_that_says_too_much_is_refused(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            self.assertIn("cannot take over", s.ctl("upgrade", program(s.dir, "says", "exec yes\n"), status=1).stderr)

    def test_children_get_the_limits_that_it_was_started_with(self):
        report = shell("ulimit -n > $D/said; exec sleep 1000000")
        with Supervisor({"services": {"web": {"command": report}}}, fifos=["said"]) as s:
            limit = s.fifo("said").read_line()
            self.assertEqual(limit, str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
            s.ctl("upgrade", status=0)
            s.ctl("restart", "--no-wait", "web", status=0)
            self.assertEqual(s.fifo("said").read_line(), limit)

    def test_no_descriptor_is_left_over(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            def kinds():
                names = [os.readlink(f"/proc/{s.reeved_pid}/fd/{fd}") for fd in os.listdir(f"/proc/{s.reeved_pid}/fd")]
                return sorted(re.sub(r"\[\d+\]", "", name) for name in names)
            def at_rest():
                """Copies on their way to the holder, and those of a client that goes, are there for a moment."""
                deadline, found = Deadline(), []
                while deadline.left() and (now := kinds()) != found:
                    s.settle()
                    found = now
                return found
            s.ctl("upgrade", status=0)
            before = at_rest()
            for _ in range(3):
                s.ctl("upgrade", status=0)
            self.assertEqual(at_rest(), before)

    def test_a_shutdown_under_way_is_not_held_up(self):
        stubborn = shell("trap 'echo asked > $D/said; read line < $D/go; exit 0' TERM; echo up > $D/said; sleep 1000000 & while :; do wait; done")
        with Supervisor({"services": {"web": {"command": stubborn, "stop": {"timeout": "1h"}}}}, fifos=["said", "go"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            s.send_signal(signal.SIGTERM)
            self.assertEqual(s.fifo("said").read_line(), "asked")
            self.assertIn("everything is being stopped", s.ctl("upgrade", status=1).stderr)
            s.tell("go")
            self.assertEqual(s.wait(), 0)

    def test_without_a_path_it_is_the_file_that_it_was_started_from(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, start=False) as s:
            copy = os.path.join(s.dir, "reeved")
            shutil.copy(REEVED, copy)
            os.chmod(copy, stat.S_IRWXU)
            s.start()
            s.wait_for("web", "running")
            s.ctl("upgrade", copy, status=0)
            # From there on that is where it was started from.
            os.unlink(copy)
            self.assertIn("No such file", s.ctl("upgrade", status=1).stderr)
            shutil.copy(REEVED, copy)
            s.ctl("upgrade", status=0)
            s.wait_until_said("taking over from reeved", times=2)


if __name__ == "__main__":
    unittest.main()
