"""Every way to be ready but exec and sd_notify: descriptors, sockets, pages, paths, log lines; and probes of health."""
import contextlib
import os
import socket
import tempfile
import time
import unittest

from harness import FOREVER, PATIENCE, Supervisor, free_port, needs, needs_root, python, shell, wait_gone

# Answers every request with the status that the file $D/status holds, and tells of each in $D/asked.
SERVE = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
asked = open(os.environ["D"] + "/asked", "w")
while True:
    client = server.accept()[0]
    request = client.recv(4096).decode().splitlines()
    print(request[0], file=asked, flush=True)
    status = open(os.environ["D"] + "/status").read()
    client.sendall(f"HTTP/1.1 {status} So\\r\\nContent-Length: 9999\\r\\n\\r\\n".encode())
    client.close()
"""
# Listens on the Unix socket $D/sock once told to, by the type that the argument names.
LISTEN = """
import os, socket, sys, time
open(os.environ["D"] + "/go").readline()
s = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + sys.argv[1]))
path = os.environ["D"] + "/sock"
if os.path.lexists(path):
    os.unlink(path)
s.bind(path)
if sys.argv[1] != "DGRAM":
    s.listen()
time.sleep(1000000)
"""


def quick(probe, **more):
    return {**probe, "interval": "10ms", **more}


class Awaited(unittest.TestCase):
    def test_a_newline_on_the_descriptor(self):
        script = "echo -n 'not yet' >&7; read line < $D/go; echo >&7; exec 7>&-; exec sleep 1000000"
        with Supervisor({"services": {"web": {"command": shell(script), "ready": {"fd": 7}}}}, fifos=["go"]) as s:
            s.wait_for("web", "starting")
            s.tell("go")
            s.wait_for("web", "running")
            self.assertEqual(s.moves("web")[-1], ("web", "running"))

    def test_a_descriptor_that_is_closed_without_a_newline_is_not_ready(self):
        web = {"command": shell("exec 3>&-; exec sleep 1000000"), "ready": {"fd": 3}, "start_timeout": "300ms", "restart": "never"}
        with Supervisor({"services": {"web": web}}) as s:
            s.wait_for("web", "failed")
            self.assertNotIn(("web", "running"), s.moves())

    def test_the_supervisor_keeps_no_end_of_it(self):
        with Supervisor({"services": {"web": {"command": shell("echo >&3; exec sleep 1000000"), "ready": {"fd": 3}}}}) as s:
            s.wait_for("web", "running")
            s.settle()
            mine = os.readlink(f"/proc/{s.pid('web')}/fd/3")
            now = set()
            for number in os.listdir(f"/proc/{s.reeved_pid}/fd"):
                with contextlib.suppress(FileNotFoundError):    # was open for the moment of the look
                    now.add(os.readlink(f"/proc/{s.reeved_pid}/fd/{number}"))
            self.assertNotIn(mine, now)

    def test_a_line_of_the_log(self):
        script = "echo starting; read line < $D/go; echo 'now listening on port 80' >&2; exec sleep 1000000"
        for log in ("file", "console", {"to": ["console", "file"]}):
            web = {"command": shell(script), "ready": {"log": "listening on port [0-9]+$$"}, "log": log}
            with self.subTest(log), Supervisor({"services": {"web": web}}, fifos=["go"]) as s:
                s.wait_for("web", "starting")
                s.tell("go")
                s.wait_for("web", "running")

    def test_a_line_of_an_earlier_start_does_not_count(self):
        # The second start says nothing.
        script = "if mkdir $D/first; then echo ready; else echo again > $D/said; fi; read line < $D/go"
        web = {"command": shell(script), "ready": {"log": "ready"}, "backoff": {"initial": "1ms"}, "start_timeout": "1h"}
        with Supervisor({"services": {"web": web}}, fifos=["go", "said"], gate=True) as s:
            s.wait_for("web", "running")
            s.tell("go")
            self.assertEqual(s.fifo("said").read_line(), "again")
            s.settle()
            self.assertEqual(s.status("web")["state"], "starting")

    def test_a_log_that_nobody_reads_is_refused(self):
        for log in ("none", "inherit"):
            with self.subTest(log):
                s = Supervisor({"services": {"web": {"command": FOREVER, "ready": {"log": "up"}, "log": log}}}, start=False)
                try:
                    s.start(connect=False)
                    self.assertEqual(s.wait(), 1)
                    self.assertIn("ready", s.text())
                finally:
                    s.clear()


def pids_in(cgroup):
    with open(cgroup + "/cgroup.procs", encoding="ascii") as f:
        return [int(pid) for pid in f]


def freeze(cgroup, state):
    with open(cgroup + "/freezer.state", "w", encoding="ascii") as f:
        f.write(state)


def wait_for_none_in(cgroup):
    for pid in pids_in(cgroup):
        wait_gone(pid)


class Asked(unittest.TestCase):
    def test_a_unix_socket_of_any_type(self):
        for kind in ("STREAM", "DGRAM", "SEQPACKET"):
            web = {"command": python(LISTEN, kind), "ready": quick({"unix": "${D}/sock"})}
            with self.subTest(kind), Supervisor({"services": {"web": web}}, fifos=["go"]) as s:
                s.wait_for("web", "starting")
                s.tell("go")
                s.wait_for("web", "running")

    def test_a_unix_socket_that_a_stranger_has_is_not_the_services(self):
        web = {"command": FOREVER, "ready": quick({"unix": "${D}/sock"}), "start_timeout": "1s", "restart": "never"}
        other = {"command": python(LISTEN, "STREAM"), "ready": quick({"unix": "${D}/sock"})}
        with Supervisor({"services": {"other": other, "web": {**web, "after": ["other"]}}}, fifos=["go"]) as s:
            s.tell("go")
            s.wait_for("other", "running")
            pid = s.pid("other")
            s.wait_for("web", "failed")
            self.assertRegex(s.status("web")["cause"], rf"answered by process {pid} \(python3.*\), which is not of this service")

    def test_a_socket_file_that_a_killed_instance_left_is_not_the_next_ones(self):
        web = {"command": python(LISTEN, "STREAM"), "ready": quick({"unix": "${D}/sock"}), "backoff": {"initial": "1ms"}}
        with Supervisor({"services": {"web": web}}, fifos=["go"]) as s:
            s.tell("go")
            s.wait_for("web", "running")
            os.kill(s.pid("web"), 9)
            s.wait_for_change("web", "starting")
            self.assertTrue(os.path.exists(s.dir + "/sock"))
            s.tell("go")
            s.wait_for("web", "running")

    def test_a_page_by_its_status(self):
        port = free_port()
        web = {"command": python(SERVE, str(port)), "start_timeout": "1h",
               "ready": quick({"http": f"http://127.0.0.1:{port}/healthz?a=b"})}
        with Supervisor({"services": {"web": web}}, fifos=["asked"], start=False) as s:
            self.set_status(s, "503")
            s.start()
            self.assertEqual(s.fifo("asked").read_line(), "GET /healthz?a=b HTTP/1.1")
            s.fifo("asked").read_line()     # so the first has been answered
            s.wait_until(lambda: "503" in s.status("web")["cause"])
            self.assertIn(f"http http://127.0.0.1:{port}/healthz?a=b: 503 Service Unavailable", s.status("web")["cause"])
            self.set_status(s, "204")
            s.wait_for("web", "running")

    def test_a_page_of_localhost_with_a_status_of_ones_own(self):
        port = free_port()
        web = {"command": python(SERVE, str(port)), "ready": quick({"http": f"http://localhost:{port}", "status": [401]})}
        with Supervisor({"services": {"web": web}}, fifos=["asked"], start=False) as s:
            self.set_status(s, "401")
            s.start()
            s.wait_for("web", "running")

    def set_status(self, s, status):
        with open(s.dir + "/status.new", "w", encoding="ascii") as f:
            f.write(status)
        os.replace(s.dir + "/status.new", s.dir + "/status")

    def test_a_path_that_is_not_older_than_the_start(self):
        # The first instance makes it and ends; the second waits before it does.
        script = "[ -e $D/made ] && read line < $D/go; echo x > $D/made; read line < $D/end"
        web = {"command": shell(script), "ready": quick({"path": "${D}/made"}), "backoff": {"initial": "1ms"}, "start_timeout": "1h"}
        with Supervisor({"services": {"web": web}}, fifos=["go", "end"], gate=True) as s:
            s.wait_for("web", "running")
            # The times of files come in ticks of some milliseconds: what was made in that of the start counts as new.
            while time.time() < os.stat(s.dir + "/made").st_mtime + 0.05:
                time.sleep(0.01)
            s.tell("end")
            s.wait_for_change("web", "starting")
            s.wait_until(lambda: "older" in s.status("web")["cause"])
            self.assertIn("made: it is older than this start", s.status("web")["cause"])
            s.tell("go")
            s.wait_for("web", "running")

    def test_a_probe_that_hangs_is_killed_with_its_children(self):
        probe = shell("sleep 1000000 & echo $! $$ > $D/pids; wait")
        web = {"command": FOREVER, "ready": quick({"exec": probe}, timeout="100ms"), "start_timeout": "1h"}
        with Supervisor({"services": {"web": web}}, fifos=["pids"]) as s:
            # The next one begins when the one before is gone, which it may be a moment after it was killed.
            rounds = [[int(pid) for pid in s.fifo("pids").read_line().split()] for _ in range(5)]
            self.assertEqual(len({pid for pids in rounds for pid in pids}), 10)
            for pids in rounds[:-1]:
                for pid in pids:
                    wait_gone(pid)
            members = [pid for pid in s.started_processes() if pid != s.pid("web")]
            self.assertLessEqual(len(members), 4, "one that runs, perhaps one that is being killed")

    @needs_root
    def test_one_that_even_a_kill_does_not_end_has_no_other_beside_it(self):
        frozen = f"/sys/fs/cgroup/freezer/reeve-test-{os.getpid()}"
        try:
            os.mkdir(frozen)
        except OSError as error:
            self.skipTest(f"no process can be frozen here: {error}")
        with contextlib.ExitStack() as stack:
            stack.callback(os.rmdir, frozen)
            # A folder with processes in it cannot be removed; thawed, they hear that they were killed.
            stack.callback(lambda: wait_for_none_in(frozen))
            freeze(frozen, "FROZEN")
            probe = shell(f"echo $$ > $D/pids; echo $$ > {frozen}/cgroup.procs; exec sleep 1000000")
            web = {"command": FOREVER, "health": {"exec": probe, "interval": "10ms", "timeout": "50ms", "failures": 1000}}
            s = stack.enter_context(Supervisor({"services": {"web": web}}, fifos=["pids"]))
            stack.callback(freeze, frozen, "THAWED")
            first = s.fifo("pids").read_pid()
            s.wait_until(lambda: "3 times in a row" in s.status("web")["cause"])
            self.assertEqual(pids_in(frozen), [first])

    @needs_root
    @needs("unshare")
    def test_a_slow_lookup_holds_up_neither_other_probes_nor_the_end(self):
        with contextlib.ExitStack() as stack:
            mute = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                mute.bind(("127.83.69.1", 53))
            except OSError as error:
                self.skipTest(f"no name server can be played here: {error}")
            resolv = stack.enter_context(tempfile.NamedTemporaryFile("w", encoding="ascii"))
            resolv.write("nameserver 127.83.69.1\noptions timeout:30 attempts:5\n")
            resolv.flush()
            prefix = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv.name]
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            slow = {"command": FOREVER, "ready": {"tcp": "slow.example:80"}, "start_timeout": "1h"}
            quickly = {"command": FOREVER, "ready": {"tcp": f"localhost:{server.getsockname()[1]}"}, "start_timeout": "1h"}
            # It begins to be asked for first.
            s = stack.enter_context(Supervisor({"services": {"slow": slow, "web": {**quickly, "enabled": False}}}, prefix=prefix))
            mute.settimeout(PATIENCE)
            self.assertIn(b"example", mute.recv(512))
            s.ctl("start", "web", status=0)
            s.end()

    def test_a_host_that_cannot_be_found_is_named_with_the_reason(self):
        web = {"command": FOREVER, "ready": quick({"tcp": "no-such-host.invalid:80"}), "start_timeout": "1h"}
        with Supervisor({"services": {"web": web}}) as s:
            s.wait_until(lambda: "look it up: " in s.status("web")["cause"])
            self.assertIn("tcp no-such-host.invalid:80: cannot look it up: ", s.status("web")["cause"])


class Health(unittest.TestCase):
    def test_a_service_that_is_not_well_is_restarted(self):
        port = free_port()
        web = {"command": python(SERVE, str(port)), "ready": quick({"http": f"http://127.0.0.1:{port}/"}),
               "health": {"http": f"http://127.0.0.1:{port}/health", "interval": "10ms", "failures": 2}, "backoff": {"initial": "1ms"}}
        with Supervisor({"services": {"web": web}}, fifos=["asked"], start=False) as s:
            Asked.set_status(self, s, "200")
            s.start()
            s.wait_for("web", "running")
            Asked.set_status(self, s, "500")
            s.wait_for_change("web", "stopping", "backoff")
            Asked.set_status(self, s, "200")
            s.wait_for_change("web", "running")

    def test_a_service_that_is_not_well_and_runs_on_is_told(self):
        web = {"command": FOREVER, "health": {"exec": shell("test -e $D/well"), "interval": "10ms", "action": "none"}}
        with Supervisor({"services": {"web": web}}) as s:
            s.wait_until(lambda: s.status("web")["unhealthy"])
            self.assertEqual((s.status("web")["state"], s.status("web")["ready"]), ("running", True))
            self.assertIn("unhealthy: ", s.ctl("status", status=0).stdout)
            self.assertIn("web is running, but unhealthy.", s.ctl("why", "web", status=0).stdout)
            open(os.path.join(s.dir, "well"), "w", encoding="ascii").close()
            s.wait_until(lambda: s.status("web")["unhealthy"] is None)
            s.end()
            self.assertRegex(s.text(), r"info    web: running \(pid \d+\): healthy again")
            self.assertRegex(s.text(), r"warning web: running \(pid \d+\): unhealthy: ")

    @needs_root
    def test_a_probe_runs_as_the_user_of_the_service(self):
        web = {"command": FOREVER, "user": "nobody", "health": {"exec": shell("id -un > $D/said"), "interval": "10ms"}}
        with Supervisor({"services": {"web": web}}, fifos=["said"], dir_mode=0o755) as s:
            self.assertEqual(s.fifo("said").read_line(), "nobody")


if __name__ == "__main__":
    unittest.main()
