"""What happens at boot: order, readiness, and what keeps a service from becoming ready."""
import socket
import unittest

from harness import FOREVER, Supervisor, free_port, python, shell

# Sends each argument as a datagram to NOTIFY_SOCKET, `\n` in it as a new line, then waits.
NOTIFY = """
import os, socket, sys, time
name = os.environ["NOTIFY_SOCKET"]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for text in sys.argv[1:]:
    s.sendto(text.encode("latin-1").decode("unicode_escape").encode("latin-1"), "\\0" + name[1:] if name[0] == "@" else name)
time.sleep(1000000)
"""
# Waits for a line in $D/go, then says READY=1 from a child process of its own.
NOTIFY_BY_CHILD = """
import os, socket, time
name = os.environ["NOTIFY_SOCKET"]
open(os.environ["D"] + "/go").readline()
if os.fork() == 0:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(b"READY=1", "\\0" + name[1:] if name[0] == "@" else name)
    time.sleep(1000000)
time.sleep(1000000)
"""
# Says its notify socket's name, and its readiness when it is told to.
NOTIFY_LATER = """
import os, socket, time
name = os.environ["NOTIFY_SOCKET"]
print(name, file=open(os.environ["D"] + "/said", "w"), flush=True)
open(os.environ["D"] + "/go").readline()
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"READY=1", "\\0" + name[1:] if name[0] == "@" else name)
time.sleep(1000000)
"""


class Order(unittest.TestCase):
    def test_requirements_are_ready_before_what_requires_them_starts(self):
        with Supervisor({"services": {
                "app": {"command": FOREVER, "requires": ["db", "migrate"]},
                "db": {"command": FOREVER},
                "migrate": {"command": ["true"], "type": "oneshot", "requires": ["db"]}}}, gate=True) as s:
            s.wait_for("app", "running")
            moves = s.moves()
            self.assertLess(moves.index(("db", "running")), moves.index(("migrate", "starting")))
            self.assertLess(moves.index(("migrate", "done")), moves.index(("app", "starting")))

    def test_after_orders_without_requiring(self):
        with Supervisor({"services": {
                "first": {"command": ["false"], "type": "oneshot"},
                "second": {"command": FOREVER, "after": ["first"]},
                "third": {"command": FOREVER, "after": ["off"]},
                "off": {"command": FOREVER, "enabled": False}}}, gate=True) as s:
            s.wait_for("second", "running")
            s.wait_for("third", "running")
            moves = s.moves()
            self.assertLess(moves.index(("first", "failed")), moves.index(("second", "starting")))
            self.assertEqual(s.states["off"], "stopped")

    def test_before_puts_a_service_ahead_of_another(self):
        with Supervisor({"services": {
                "a": {"command": FOREVER},
                "b": {"command": ["true"], "type": "oneshot", "before": ["a"]}}}, gate=True) as s:
            s.wait_for("a", "running")
            self.assertLess(s.moves().index(("b", "done")), s.moves().index(("a", "starting")))

    def test_a_service_waits_for_a_failed_requirement_and_goes_on_once_that_succeeds(self):
        with Supervisor({"services": {
                "prepare": {"type": "oneshot", "command": shell("test -e $D/allowed")},
                "app": {"command": FOREVER, "requires": ["prepare"]},
                "extra": {"command": FOREVER, "wants": ["prepare"]}}}, gate=True) as s:
            s.wait_for("prepare", "failed")
            s.wait_for("extra", "running")
            self.assertEqual(s.states["app"], "waiting")
            self.assertIn("prepare", s.status("app")["cause"])
            open(s.dir + "/allowed", "w").close()
            s.ctl("start", "prepare", status=0)
            s.wait_for("app", "running")

    def test_disabled_services_start_when_something_requires_them(self):
        with Supervisor({"services": {
                "lib": {"command": FOREVER, "enabled": False},
                "idle": {"command": FOREVER, "enabled": False},
                "all": {"requires": ["lib"]}}}) as s:
            s.wait_for("all", "running")
            self.assertEqual((s.states["lib"], s.states["idle"]), ("running", "stopped"))


class NotifyReadiness(unittest.TestCase):
    def test_ready_and_status_count(self):
        with Supervisor({"services": {
                "web": {"command": python(NOTIFY, "STATUS=warming up", "READY=1\\nSTATUS=serving"), "ready": "notify"},
                "after": {"command": FOREVER, "requires": ["web"]}}}, gate=True) as s:
            s.wait_for("after", "running")
            self.assertLess(s.moves().index(("web", "running")), s.moves().index(("after", "starting")))
            self.assertEqual(s.status("web")["status_text"], "serving")
            self.assertTrue(s.status("web")["ready"])

    def test_malformed_messages_are_dropped(self):
        # All that was sent before the exit has been looked at when the exit is told.
        send_and_exit = python(NOTIFY.replace("time.sleep(1000000)", "os._exit(3)"), "READY", "=1", "READY=0", "READY=11",
                               "\\xff\\xfe\\n=", "READY=1\\nSTATUS=bad \\xff", "x" * 9000, "READY=1\\n\\x00=1")
        with Supervisor({"services": {"web": {"command": send_and_exit, "ready": "notify", "restart": "never"}}},
                        gate=True) as s:
            s.wait_for("web", "failed")
            self.assertEqual(s.moves("web")[-2:], [("web", "starting"), ("web", "failed")])

    def test_strangers_are_ignored(self):
        with Supervisor({"services": {"web": {"command": python(NOTIFY_LATER), "ready": "notify"}}},
                        fifos=["said", "go"]) as s:
            name = s.fifo("said").read_line()
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"READY=1\nSTATUS=forged", "\0" + name[1:] if name[0] == "@" else name)
            # Datagrams are read in order: at the service's own, the forged one has been seen.
            s.settle()
            self.assertEqual(s.status("web")["state"], "starting")
            s.tell("go")
            s.wait_for("web", "running")
            self.assertNotEqual(s.status("web")["status_text"], "forged")

    def test_a_service_may_not_speak_for_another(self):
        forge = python("import os, socket\nname = open(os.environ['D'] + '/forge').readline().strip()\n"
                       "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                       "s.sendto(b'READY=1\\nSTATUS=forged', '\\0' + name[1:] if name[0] == '@' else name)\n")
        with Supervisor({"services": {"web": {"command": python(NOTIFY_LATER), "ready": "notify"},
                                      "forger": {"command": forge, "type": "oneshot"}}},
                        fifos=["said", "go", "forge"]) as s:
            name = s.fifo("said").read_line()
            with open(s.dir + "/forge", "w") as f:
                f.write(name + "\n")
            s.wait_for("forger", "done")
            self.assertEqual(s.status("web")["state"], "starting")
            s.tell("go")
            s.wait_for("web", "running")
            self.assertNotEqual(s.status("web")["status_text"], "forged")

    def test_a_child_process_of_the_service_counts(self):
        with Supervisor({"services": {"web": {"command": python(NOTIFY_BY_CHILD), "ready": "notify"}}},
                        fifos=["go"]) as s:
            s.tell("go")
            s.wait_for("web", "running")

    def test_the_last_message_before_the_exit_counts(self):
        with Supervisor({"services": {"web": {
                "command": python(NOTIFY.replace("time.sleep(1000000)", "os._exit(3)"), "READY=1\\nSTATUS=bye"),
                "ready": "notify", "restart": "never"}}}, gate=True) as s:
            s.wait_for("web", "failed")
            self.assertIn(("web", "running"), s.moves())


class ProbedReadiness(unittest.TestCase):
    def test_tcp(self):
        port = free_port()
        listen = python("import os, socket, time\nopen(os.environ['D'] + '/go').readline()\n"
                        f"s = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                        f"s.bind(('127.0.0.1', {port}))\ns.listen()\ntime.sleep(1000000)")
        with Supervisor({"services": {
                "web": {"command": listen, "ready": {"tcp": f"127.0.0.1:{port}", "interval": "20ms"}},
                "next": {"command": FOREVER, "requires": ["web"]}}}, fifos=["go"]) as s:
            s.wait_for("web", "starting")
            self.assertEqual(s.states.get("next", "waiting"), "waiting")
            s.tell("go")
            s.wait_for("next", "running")
            self.assertIn(("web", "running"), s.moves())

    def test_exec_runs_in_the_environment_and_folder_of_the_service(self):
        probe = shell('echo "$(pwd) $MODE $REEVE_SERVICE ${NOTIFY_SOCKET-none} $MAINPID" >> $D/tries; test -e $D/up')
        with Supervisor({"services": {"web": {
                "command": FOREVER, "working_dir": "/usr", "environment": {"MODE": "fast"},
                "ready": {"exec": probe, "interval": "20ms"}}}}, fifos=["tries"]) as s:
            tries = s.fifo("tries")
            first = tries.read_line()
            tries.read_line()   # asked again, as the answer was no
            pid = s.pid("web")
            self.assertEqual(first, f"/usr fast web none {pid}")
            self.assertEqual(s.status("web")["state"], "starting")
            open(s.dir + "/up", "w").close()
            s.wait_for("web", "running")

    def test_a_hanging_probe_is_killed_and_asked_again(self):
        probe = shell("test -e $D/hung && exit 0; echo $$ > $D/hung.new; mv $D/hung.new $D/hung; sleep 1000000 & wait")
        with Supervisor({"services": {"web": {"command": FOREVER, "ready": {
                "exec": probe, "interval": "10ms", "timeout": "100ms"}}}}) as s:
            s.wait_for("web", "running")
            with open(s.dir + "/hung") as f:
                pid = f.read().strip()
            s.ctl("stop", "web", status=0)
            self.assertNotIn(int(pid), s.started_processes())


class StartTimeout(unittest.TestCase):
    def test_not_ready_in_time_has_failed(self):
        with Supervisor({"services": {
                "web": {"command": FOREVER, "ready": "notify", "start_timeout": "100ms", "restart": "never"},
                "app": {"command": FOREVER, "requires": ["web"]}}}) as s:
            s.wait_for("web", "failed")
            self.assertIn("100 ms", s.status("web")["cause"])
            self.assertEqual(s.status("app")["state"], "waiting")

    def test_a_oneshot_that_takes_too_long_is_ended(self):
        with Supervisor({"services": {"job": {"command": FOREVER, "type": "oneshot",
                                              "start_timeout": "100ms"}}}) as s:
            s.wait_for("job", "failed")

    def test_is_tried_again_by_policy(self):
        with Supervisor({"services": {"web": {
                "command": shell("echo $$ > $D/pids; exec sleep 1000000"), "ready": {"exec": ["false"]},
                "start_timeout": "50ms", "backoff": {"initial": "10ms"}}}}, fifos=["pids"]) as s:
            first = s.fifo("pids").read_pid()
            second = s.fifo("pids").read_pid()
            self.assertNotEqual(first, second)


if __name__ == "__main__":
    unittest.main()
