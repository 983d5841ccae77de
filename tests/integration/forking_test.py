"""Services that daemonize themselves: their main process is found by PID file or as what was left over."""
import os
import signal
import socket
import subprocess
import unittest

from harness import FOREVER, PROGRAMS, WITHOUT_CGROUPS, Deadline, Supervisor, alive, free_port, needs, needs_root, shell

BY_HAND = os.path.realpath(os.path.join(PROGRAMS, "reeve-daemon-by-hand"))
BY_CALL = os.path.realpath(os.path.join(PROGRAMS, "reeve-daemon-by-call"))
PID_FILE = "${D}/x.pid"


def forking(command, pid_file=PID_FILE, **keys):
    service = {"type": "forking", "command": command, "backoff": {"initial": "1ms"}, **keys}
    if pid_file:
        service["pid_file"] = pid_file
    return {"services": {"web": service}}


def daemon(script):
    """A command that leaves a shell running this script behind and ends."""
    return ["setsid", "--fork", *shell(script)]


def written(s):
    with open(s.dir + "/x.pid", encoding="ascii") as f:
        return int(f.read())


def await_cause(s, words):
    """Until the service's cause has these words in it."""
    deadline = Deadline()
    while words not in (found := s.status("web"))["cause"]:
        if not deadline.left():
            raise AssertionError(f"not {words!r}: {found}\n{s.text()}")
        try:
            s.next_event(Deadline(0.05))
        except AssertionError:
            pass    # nothing has happened in the meantime
    return found


class Classic(unittest.TestCase):
    prefix = ()

    def test_by_hand_with_a_late_pid_file(self):
        with Supervisor(forking([BY_HAND, PID_FILE, "${D}/go"]), fifos=["go"], prefix=self.prefix) as s:
            found = await_cause(s, "its PID file " + s.dir + "/x.pid does not exist yet")
            self.assertEqual(found["state"], "starting")
            s.tell("go")
            s.wait_for("web", "running")
            self.assertEqual(s.pid("web"), written(s))
            self.assertEqual(os.path.realpath(f"/proc/{written(s)}/exe"), BY_HAND)
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.started_processes().keys() - {s.reeved_pid}, set())
            self.assertFalse(os.path.exists(s.dir + "/x.pid"))

    def test_a_pid_file_that_is_something_else_is_kept(self):
        s = Supervisor(forking([BY_HAND, PID_FILE], restart="never"), prefix=self.prefix, start=False)
        with s:
            with open(s.dir + "/x.pid", "w", encoding="ascii") as f:
                f.write("listen: 80\n")
            s.start()
            s.wait_for("web", "failed")
            self.assertIn("x.pid: it does not hold the number of a process, and nothing else; remove it, or correct pid_file",
                          s.status("web")["cause"])
            self.assertTrue(os.path.exists(s.dir + "/x.pid"))

    def test_by_call_without_a_pid_file(self):
        with Supervisor(forking([BY_CALL], pid_file=None), prefix=self.prefix) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            self.assertEqual(os.path.realpath(f"/proc/{pid}/exe"), BY_CALL)
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(pid))

    def test_by_hand_without_a_pid_file_it_is_the_process_that_stays(self):
        with Supervisor(forking([BY_HAND, PID_FILE], pid_file=None), prefix=self.prefix) as s:
            s.wait_for("web", "running")
            self.assertEqual(s.pid("web"), written(s))

    def test_a_crash_is_noticed_and_restarted(self):
        for command, pid_file in ([BY_HAND, PID_FILE], PID_FILE), ([BY_CALL], None):
            with self.subTest(command[0]), Supervisor(forking(command, pid_file), prefix=self.prefix) as s:
                s.wait_for("web", "running")
                pid = s.pid("web")
                os.kill(pid, signal.SIGKILL)
                s.wait_for_change("web", "running")
                found = s.status("web")
                self.assertNotEqual(found["pid"], pid)
                self.assertEqual(found["last_exit"]["signal"], "SIGKILL")
                self.assertEqual(found["restarts"], 1)
                if pid_file:
                    self.assertEqual(found["pid"], written(s))

    def test_an_end_of_its_own_is_told_with_its_status(self):
        with Supervisor(forking(daemon("echo $$ > $D/x.pid; read line < $D/go; exit 7"), restart="never"), fifos=["go"], prefix=self.prefix) as s:
            s.wait_for("web", "running")
            s.tell("go")
            s.wait_for("web", "failed")
            # Where the kernel does not keep the status of others' children it is not guessed.
            self.assertIn(s.status("web")["last_exit"]["code"], (7, None))
            self.assertFalse(os.path.exists(s.dir + "/x.pid"))


@needs("unshare")
@needs_root
class ClassicWithoutCgroups(Classic, unittest.TestCase):
    prefix = WITHOUT_CGROUPS


class PidFiles(unittest.TestCase):
    def test_an_empty_one_is_not_there_yet(self):
        with Supervisor(forking(daemon("> $D/x.pid; read line < $D/go; echo $$ > $D/x.pid; exec sleep 1000000")), fifos=["go"]) as s:
            await_cause(s, "is empty")
            s.tell("go")
            s.wait_for("web", "running")
            self.assertEqual(s.pid("web"), written(s))

    def test_a_stale_one_is_removed_before_the_start(self):
        stranger = subprocess.Popen(FOREVER)
        try:
            with Supervisor(forking([BY_HAND, PID_FILE, "${D}/go"]), fifos=["go"], start=False) as s:
                with open(s.dir + "/x.pid", "w", encoding="ascii") as f:
                    f.write(f"{stranger.pid}\n")
                s.start()
                await_cause(s, "does not exist yet")
                self.assertFalse(os.path.exists(s.dir + "/x.pid"))
                s.tell("go")
                s.wait_for("web", "running")
                self.assertEqual(s.pid("web"), written(s))
                s.ctl("stop", "web", status=0)
                self.assertIsNone(stranger.poll())
        finally:
            stranger.kill()
            stranger.wait()

    def test_one_that_is_older_than_the_start_is_not_there_yet(self):
        script = "echo $$ > $D/new; touch -d yesterday $D/new; mv $D/new $D/x.pid; read line < $D/go; touch $D/x.pid; exec sleep 1000000"
        with Supervisor(forking(daemon(script)), fifos=["go"]) as s:
            await_cause(s, "is older than this start")
            s.tell("go")
            s.wait_for("web", "running")

    def test_a_stranger_that_it_names_is_left_alone(self):
        stranger = subprocess.Popen(FOREVER)
        try:
            with Supervisor(forking(daemon(f"echo {stranger.pid} > $D/x.pid; exec sleep 1000000"),
                                    start_timeout="1s", restart="never")) as s:
                await_cause(s, f"names process {stranger.pid}, which is not of this service")
                s.wait_for("web", "failed")
                self.assertIsNone(stranger.poll())
                self.assertEqual(s.started_processes().keys() - {s.reeved_pid}, set())
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_link_in_its_place_is_not_followed(self):
        with Supervisor(forking(daemon("exec sleep 1000000"), start_timeout="1s", restart="never"), start=False) as s:
            with open(s.dir + "/precious", "w", encoding="ascii") as f:
                f.write(f"{os.getpid()}\n")
            os.symlink(s.dir + "/precious", s.dir + "/x.pid")
            s.start()
            s.wait_for("web", "failed")
            self.assertTrue(os.path.exists(s.dir + "/precious"))

    def test_a_daemon_that_dies_before_it_is_found_has_failed(self):
        with Supervisor(forking(daemon("exit 1"), restart="never")) as s:
            s.wait_for("web", "failed")

    def test_a_parent_that_fails_has_failed(self):
        with Supervisor(forking(shell("exit 3"), restart="never")) as s:
            s.wait_for("web", "failed")
            self.assertEqual(s.status("web")["last_exit"]["code"], 3)

    @needs_root
    def test_of_another_user_in_a_folder_of_his(self):
        with Supervisor(forking([BY_HAND, "${D}/own/x.pid"], pid_file="${D}/own/x.pid", user="nobody"), dir_mode=0o711,
                        start=False) as s:
            os.mkdir(s.dir + "/own")
            os.chown(s.dir + "/own", 65534, 65534)
            s.start()
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            self.assertFalse(os.path.exists(s.dir + "/own/x.pid"))


def answer(port, request):
    """What a server says to a request; None while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
            s.sendall(request)
            return s.recv(4096)
    except ConnectionRefusedError:
        return None


class Daemons(unittest.TestCase):
    def life(self, s, port, request, reply):
        """Start, request, crash, restart, stop; nothing is left."""
        s.wait_for("web", "running")
        self.assertIn(reply, answer(port, request))
        pid = s.pid("web")
        self.assertEqual(pid, written(s))
        os.kill(pid, signal.SIGKILL)
        s.wait_for_change("web", "running")
        self.assertIn(reply, answer(port, request))
        self.assertNotEqual(s.pid("web"), pid)
        s.ctl("reload", "web", status=0)
        self.assertIn(reply, answer(port, request))
        s.ctl("stop", "web", status=0)
        self.assertIsNone(answer(port, request))
        self.assertEqual(s.started_processes().keys() - {s.reeved_pid}, set())
        self.assertFalse(os.path.exists(s.dir + "/x.pid"))

    @needs("nginx")
    def test_nginx(self):
        port = free_port()
        with Supervisor("", start=False, dir_mode=0o711) as s:
            with open(s.dir + "/nginx.conf", "w", encoding="utf-8") as f:
                paths = "".join(f"{name}_temp_path {s.dir}/{name};\n"
                                for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
                f.write(f"daemon on;\npid {s.dir}/x.pid;\nerror_log {s.dir}/error.log;\nworker_processes 2;\nenv D;\n"
                        f"events {{}}\nhttp {{\naccess_log off;\n{paths}"
                        f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 hello; }} }}\n}}\n")
            s.write_config(forking(["nginx", "-c", s.dir + "/nginx.conf", "-e", s.dir + "/error.log"],
                                   ready={"tcp": f"127.0.0.1:{port}", "interval": "20ms"}, reload={"signal": "HUP"},
                                   environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}))
            s.start()
            self.life(s, port, b"GET / HTTP/1.0\r\n\r\n", b"hello")

    @needs("redis-server")
    def test_redis(self):
        port = free_port()
        with Supervisor("", start=False) as s:
            s.write_config(forking(["redis-server", "--daemonize", "yes", "--pidfile", s.dir + "/x.pid", "--port", str(port),
                                    "--bind", "127.0.0.1", "--dir", s.dir, "--save", ""],
                                   ready={"tcp": f"127.0.0.1:{port}", "interval": "20ms"},
                                   reload={"command": ["redis-cli", "-p", str(port), "config", "set", "maxclients", "100"]}))
            s.start()
            self.life(s, port, b"PING\r\n", b"PONG")


if __name__ == "__main__":
    unittest.main()
