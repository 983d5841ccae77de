"""reeved as a daemon: what it becomes, what its caller hears, its PID file and its own log."""
import contextlib
import os
import signal
import subprocess
import unittest

from harness import FOREVER, PATIENCE, REEVED, Supervisor, alive, exits_cleanly, shell, wait_gone, wait_written

WEB = {"services": {"web": {"command": FOREVER}}}
# Ready once told to; says when it has begun, by when the control socket is there. It executes nothing more: for a moment
# there, a process has no environment by which a test that kills its supervisor could find it.
GATED = {"services": {"web": {"command": shell("echo up > $D/said; read line < $D/stay"),
                              "ready": {"exec": shell("read line < $D/go"), "timeout": "1h"}, "start_timeout": "1h"}}}


class Daemon(Supervisor):
    """A folder for a reeved that goes to the background. It is found and ended by its PID file."""

    def __init__(self, config, *args, pid_file=True, **kwargs):
        super().__init__(config, *args, start=False, **kwargs)
        self.pid_path = self.dir + "/reeved.pid"
        self.argv.append("--daemonize")
        if pid_file:
            self.argv += ["--pid-file", self.pid_path]

    def launch(self, status=0, **kwargs):
        """To the caller's end, which comes only when nobody has its stdout and stderr any more."""
        done = exits_cleanly(self.argv, env=self.env, **kwargs)
        if done.returncode != status:
            raise AssertionError(f"exit {done.returncode} instead of {status}: {done.stderr}")
        return done

    @contextlib.contextmanager
    def launching(self):
        """The caller while it waits for the service of GATED."""
        with subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, start_new_session=True) as caller:
            try:
                self.fifo("said").read_line()
                yield caller
            finally:
                caller.kill()

    @property
    def reeved_pid(self):
        with open(self.pid_path, encoding="ascii") as f:
            return int(f.read())

    def end(self, sig=signal.SIGTERM):
        pid = self.reeved_pid
        os.kill(pid, sig)
        wait_gone(pid)

    def own_log(self, text):
        """What is there once the text is."""
        return wait_written(self.logs + "/supervisor.log", text)

    def __exit__(self, *exc):
        if os.path.exists(self.pid_path):
            with contextlib.suppress(ProcessLookupError, ValueError):
                self.end()
        super().__exit__(*exc)


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="ascii") as f:
        return f.read()


def proc_status(pid):
    return dict(line.split(":\t", 1) for line in proc(pid, "status").splitlines() if ":\t" in line)


class Becoming(unittest.TestCase):
    def test_it_is_a_traditional_daemon(self):
        with Daemon(WEB) as d:
            reading, writing = os.pipe()
            d.launch(pass_fds=[writing], cwd=d.dir)
            os.close(writing)
            self.assertEqual(os.read(reading, 1), b"")      # nobody has the other end
            os.close(reading)
            pid = d.reeved_pid
            ppid, pgrp, session, tty = map(int, proc(pid, "stat").rsplit(")", 1)[1].split()[1:5])
            self.assertNotEqual(ppid, os.getpid())
            self.assertEqual(pgrp, session)
            self.assertNotEqual(session, pid)               # not the leader: it can get no terminal
            self.assertFalse(alive(session))
            self.assertEqual(tty, 0)
            self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
            self.assertEqual([os.readlink(f"/proc/{pid}/fd/{n}") for n in range(3)], ["/dev/null"] * 3)
            self.assertEqual(proc_status(pid)["Umask"], "0000")

    def test_its_services_have_the_umask_of_their_own_and_its_files_their_modes(self):
        with Daemon(WEB) as d:
            d.launch()
            d.connect()
            d.wait_for("web", "running")
            self.assertEqual(proc_status(d.pid("web"))["Umask"], "0022")
            for path, mode in ((d.runtime, 0o700), (d.socket_path, 0o600), (d.logs, 0o750),
                               (d.logs + "/supervisor.log", 0o640), (d.pid_path, 0o644)):
                self.assertEqual(os.stat(path).st_mode & 0o7777, mode, path)

    def test_what_the_caller_ignores_and_blocks_does_not_matter(self):
        def spoil():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
        with Daemon(WEB) as d:
            d.launch(preexec_fn=spoil)
            d.connect()
            d.wait_for("web", "running")
            web = d.pid("web")
            self.assertEqual([int(proc_status(web)[key], 16) for key in ("SigBlk", "SigIgn")], [0, 0])
            d.end()
            self.assertFalse(alive(web))

    def test_it_starts_where_nothing_is_open(self):
        with Daemon(WEB, prefix=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")) as d:
            d.launch()
            self.assertTrue(alive(d.reeved_pid))

    def test_relative_paths_mean_the_callers_folder(self):
        with Daemon(WEB, places=False, pid_file=False) as d:
            d.argv = [REEVED, "-c", "reeve.yaml", "--daemonize", "--pid-file", "reeved.pid", "--state-dir", "state"]
            d.env.update(REEVE_RUNTIME_DIR="run", REEVE_LOG_DIR="log")
            d.launch(cwd=d.dir)
            d.connect()
            d.wait_for("web", "running")
            d.own_log("web: running")
            self.assertTrue(os.path.isdir(d.dir + "/state"))

    def test_a_check_is_done_in_the_foreground(self):
        with Daemon("services: {web: {comand: x}}") as d:
            d.argv.append("--check")
            self.assertIn("reeve.yaml:1:", d.launch(status=1).stderr)
            self.assertFalse(os.path.exists(d.pid_path))


class Caller(unittest.TestCase):
    def test_it_waits_until_every_service_is_ready(self):
        with Daemon(GATED, fifos=["said", "go", "stay"]) as d, d.launching() as caller:
            d.connect()
            self.assertEqual(d.states["web"], "starting")
            self.assertIsNone(caller.poll())
            d.tell("go")
            self.assertEqual((caller.wait(PATIENCE), *caller.communicate()), (0, "", ""))
            self.assertEqual(d.status("web")["state"], "running")

    def test_it_waits_through_upgrades(self):
        with Daemon(GATED, fifos=["said", "stay", "go"]) as s, s.launching() as caller:
            for _ in range(2):
                s.ctl("upgrade", status=0)
            self.assertIsNone(caller.poll())
            os.write(s.fifo("go").fd, b"\n")
            self.assertEqual(caller.communicate(timeout=PATIENCE)[1], "")
            self.assertEqual(caller.returncode, 0)
            s.ctl("upgrade", status=0)
            self.assertEqual(s.status("web")["restarts"], 0)

    def test_it_hears_of_a_failure_after_an_upgrade(self):
        gated = {**GATED["services"]["web"], "restart": "never"}
        with Daemon({"services": {"web": gated}}, fifos=["said", "stay", "go"]) as s, s.launching() as caller:
            s.ctl("upgrade", status=0)
            os.write(s.fifo("stay").fd, b"\n")
            self.assertRegex(caller.communicate(timeout=PATIENCE)[1], "^reeved: web has failed: exit 0 after .* before it was ready")
            self.assertEqual(caller.returncode, 0)

    def test_services_that_do_not_come_up_are_named_and_tried_again(self):
        with Daemon({"services": {
                "web": {"command": FOREVER},
                "crash": {"command": ["false"], "backoff": {"initial": "1h", "max": "1h"}},
                "gone": {"command": ["/no/such"], "restart": "never"},
                "slow": {"command": FOREVER, "ready": "notify", "start_timeout": "50ms", "restart": "never"},
                "needy": {"command": FOREVER, "requires": ["slow"]},
                "job": {"command": ["true"], "type": "oneshot"},
                "off": {"command": ["/no/such"], "enabled": False}}}) as d:
            said = d.launch().stderr
            self.assertRegex(said, r"(?m)^reeved: gone has failed: cannot start: exec /no/such: No such file")
            self.assertRegex(said, r"(?m)^reeved: needy has not come up: waits for slow \(failed\)$")
            self.assertRegex(said, r"(?m)^reeved: slow has failed: .*50 ms")
            self.assertEqual(len([line for line in said.splitlines() if "crash" not in line]), 3, said)
            d.connect()
            d.wait_for("crash", "backoff")
            self.assertEqual(d.states["web"], "running")

    def test_a_service_that_comes_and_goes_keeps_nobody_waiting(self):
        with Daemon({"services": {
                "crash": {"command": shell("exit 1"), "ready": {"exec": ["false"]}, "backoff": {"initial": "1ms", "max": "1ms"}},
                **GATED["services"]}}, fifos=["said", "go", "stay"]) as d, d.launching() as caller:
            d.connect()
            for _ in range(5):
                d.wait_for_change("crash", "backoff")
            d.tell("go")
            self.assertEqual(caller.wait(PATIENCE), 0)
            self.assertIn("crash", caller.stderr.read())

    def test_an_interrupt_ends_the_waiting_alone(self):
        with Daemon(GATED, fifos=["said", "go", "stay"]) as d, d.launching() as caller:
            d.connect()
            os.killpg(caller.pid, signal.SIGINT)
            self.assertEqual(caller.wait(PATIENCE), -signal.SIGINT)
            d.tell("go")
            d.wait_for("web", "running")
            self.assertTrue(alive(d.reeved_pid))

    def test_what_the_daemon_dies_of_is_told(self):
        with Daemon(GATED, fifos=["said", "go", "stay"]) as d, d.launching() as caller:
            os.kill(d.reeved_pid, signal.SIGKILL)
            self.assertEqual(caller.wait(PATIENCE), 1)
            self.assertEqual(caller.stderr.read(), "reeved: cannot boot: the daemon was killed by SIGKILL\n")
            os.unlink(d.pid_path)
            d.kill_started()

    def test_a_stop_during_the_boot_is_no_boot(self):
        with Daemon(GATED, fifos=["said", "go", "stay"]) as d, d.launching() as caller:
            d.end()
            self.assertEqual(caller.wait(PATIENCE), 1)
            self.assertIn("before the boot was over", caller.stderr.read())

    def test_a_service_that_ends_the_supervisor_during_the_boot_fails_it(self):
        with Daemon({"services": {"main": {"command": shell("exit 42"), "restart": "never", "on_exit": "shutdown",
                                           "ready": "notify"}}}) as d:
            said = d.launch(status=1).stderr
            self.assertIn("main has failed: exit 42", said)
            self.assertIn("status 42", said)

    def test_where_nothing_is_left_to_be_done_the_boot_was_good(self):
        with Daemon({"supervisor": {"exit_when": "idle"}, "services": {"job": {"type": "oneshot", "command": ["true"]}}}) as d:
            self.assertEqual(d.launch().stderr, "")

    def test_no_service_at_all_is_a_boot_too(self):
        with Daemon({"services": {"web": {"command": FOREVER, "enabled": False}}}) as d:
            self.assertEqual(d.launch().stderr, "")
            self.assertTrue(alive(d.reeved_pid))

    def test_services_that_inherit_its_descriptors_do_not_get_the_callers(self):
        with Daemon({"services": {"web": {"command": shell("echo loud; exec sleep 1000000"), "log": "inherit"}}}) as d:
            done = d.launch()
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, r"\A.* web logs to the supervisor's own output, .*: that is lost\n\Z")

    def test_output_that_a_daemon_has_no_place_for_is_named(self):
        with Daemon({"services": {"web": {"command": FOREVER, "log": "console"},
                                  "both": {"command": FOREVER, "log": {"to": ["file", "console"]}}}}) as d:
            self.assertRegex(d.launch().stderr, r"\A.* warning web logs to the console, which a daemon does not have.*\n\Z")


class Refusal(unittest.TestCase):
    """What keeps it from booting reaches the caller's stderr, and no service is started."""

    def refused(self, d):
        said = d.launch(status=1).stderr
        self.assertEqual(d.started_processes(), {})
        return said

    def test_an_invalid_configuration(self):
        with Daemon("services: {web: {comand: x}}") as d:
            said = self.refused(d)
            self.assertIn("reeve.yaml:1:18: error: services.web.comand", said)
            self.assertIn("cannot boot", said)

    def test_a_second_supervisor_names_the_first(self):
        with Daemon(WEB) as d:
            d.launch()
            first = d.reeved_pid
            self.assertIn(f"process {first}", d.launch(status=1).stderr)
            self.assertEqual(d.reeved_pid, first)
            d.connect()
            self.assertEqual(d.status("web")["state"], "running")

    def test_a_log_file_that_cannot_be_had(self):
        with Daemon(WEB, "--log-file", "/no/such/folder/log") as d:
            self.assertIn("/no/such/folder/log", self.refused(d))

    def test_a_pid_file_that_cannot_be_written(self):
        with Daemon(WEB, pid_file=False) as d:
            d.argv += ["--pid-file", "/no/such/folder/reeved.pid"]
            self.assertIn("/no/such/folder/reeved.pid", self.refused(d))


class PidFile(unittest.TestCase):
    def test_it_names_the_supervisor_until_its_end_in_the_foreground_too(self):
        with Supervisor(WEB, start=False) as s:
            path = s.dir + "/reeved.pid"
            s.argv += ["--pid-file", path]
            s.start()
            s.wait_for("web", "running")
            with open(path, encoding="ascii") as f:
                self.assertEqual(f.read(), f"{s.reeved_pid}\n")
            self.assertEqual(s.end(), 0)
            self.assertFalse(os.path.exists(path))

    def test_that_of_a_killed_supervisor_is_replaced(self):
        web = {"command": GATED["services"]["web"]["command"]}
        with Daemon({"services": {"web": web}}, fifos=["said", "stay"]) as d:
            d.launch()
            d.fifo("said").read_line()
            killed = d.reeved_pid
            os.kill(killed, signal.SIGKILL)
            wait_gone(killed)
            d.kill_started()
            self.assertEqual(d.reeved_pid, killed)
            d.launch()
            self.assertNotEqual(d.reeved_pid, killed)

    def test_that_of_another_programs_process_is_replaced(self):
        with Daemon(WEB) as d:
            with open(d.pid_path, "w", encoding="ascii") as f:
                f.write(f"{os.getpid()}\n")
            d.launch()
            self.assertNotEqual(d.reeved_pid, os.getpid())

    def test_that_of_a_living_supervisor_is_respected(self):
        with Daemon(WEB) as first, Supervisor(WEB, start=False) as second:
            first.launch()
            pid = first.reeved_pid
            second.argv += ["--pid-file", first.pid_path]
            second.start(connect=False)
            self.assertEqual(second.wait(), 1)
            self.assertIn(f"names process {pid}, which is running", second.text())
            self.assertNotIn("web:", second.text())
            self.assertEqual(first.reeved_pid, pid)

    def test_one_that_is_no_longer_ours_stays(self):
        with Daemon(WEB) as d:
            d.launch()
            pid = d.reeved_pid
            with open(d.pid_path, "w", encoding="ascii") as f:
                f.write("1\n")
            os.kill(pid, signal.SIGTERM)
            wait_gone(pid)
            with open(d.pid_path, encoding="ascii") as f:
                self.assertEqual(f.read(), "1\n")
            os.unlink(d.pid_path)


class OwnLog(unittest.TestCase):
    def test_a_daemon_keeps_it_beside_the_services_logs(self):
        with Daemon(WEB) as d:
            d.launch()
            d.end()
            said = d.own_log("web: stopped")
            self.assertLess(said.index("listening"), said.index("web: running"))
            self.assertLess(said.index("web: running"), said.index("web: stopped"))

    def test_it_goes_on_after_a_rotation_and_after_a_reload(self):
        with Daemon({**WEB, "supervisor": {"log": {"level": "warning"}}}) as d:
            d.launch()
            d.connect()
            d.wait_for("web", "running")
            os.rename(d.logs + "/supervisor.log", d.logs + "/supervisor.log.1")
            d.send_signal(signal.SIGUSR1)
            d.write_config({"supervisor": {"log": {"level": "info"}}, "services": {"web": {"command": FOREVER, "nice": 1}}})
            d.send_signal(signal.SIGHUP)
            d.wait_for_change("web", "running")
            d.own_log("web: running")

    def test_a_named_file_is_taken_instead(self):
        with Daemon(WEB, pid_file=True) as d:
            d.argv += ["--log-file", d.dir + "/own.log"]
            d.launch()
            wait_written(d.dir + "/own.log", "listening")
            self.assertFalse(os.path.exists(d.logs + "/supervisor.log"))

    def test_where_it_cannot_be_had_the_caller_is_told(self):
        with Daemon({"services": {"web": {"command": FOREVER, "log": "none"}}}) as d:
            open(d.logs, "w", encoding="ascii").close()
            said = d.launch().stderr
            self.assertIn("supervisor.log", said)
            self.assertTrue(alive(d.reeved_pid))


if __name__ == "__main__":
    unittest.main()
