"""Runs a real reeved in a folder of its own, and waits for what happens instead of for time to pass.

    with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
        s.wait_for("web", "running")
        s.ctl("stop", "web", status=0)

The programs come from $REEVED and $REEVECTL. Whatever is waited for has a deadline, after which the
test fails and shows what the supervisor said. When a Supervisor is left, no process that it or its
services have started may be there any more.

Services find the folder in $D. In configurations `$` is doubled by shell() and python().
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from control_client import Client
from processes import alive, children_of, descendants, environment_of  # noqa: F401 for tests to import
from waiting import PATIENCE, Deadline, Fifo, wait_gone, wait_reaped, wait_written  # noqa: F401

REEVED = os.path.realpath(os.environ.get("REEVED") or shutil.which("reeved") or "reeved")
REEVECTL = os.path.realpath(os.environ.get("REEVECTL") or shutil.which("reevectl") or "reevectl")
# Where tests/programs are built.
PROGRAMS = os.environ.get("REEVE_TEST_PROGRAMS") or os.path.join(os.path.dirname(REEVED), "..", "tests", "programs")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Not what a developer's PATH may name: services run as other users, too.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
EXAMPLES = os.path.join(TOP, "examples")
# Supervisors that were started here: whoever reaps orphans leaves them alone.
STARTED, STARTING = set(), threading.Lock()
FOREVER = ["sleep", "1000000"]

# A prefix under which no cgroup can be had; for root.
WITHOUT_CGROUPS = ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                   'mount -t tmpfs none /sys/fs/cgroup; exec "$@"', "sh"]

needs_root = unittest.skipUnless(os.geteuid() == 0, "needs root")


def needs(*programs):
    """Skips a test where a program that it runs is not installed."""
    missing = [p for p in programs if not shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


def shell(script):
    """A command that runs a script exactly as it stands."""
    return ["sh", "-c", script.replace("$", "$$")]


def python(script, *args):
    """A command that runs a Python program, without what makes Python slow to start."""
    return [PYTHON, "-S", "-E", "-c", script.replace("$", "$$"), *args]


class Supervisor:
    """A reeved with its folder: `dir` holds reeve.yaml, run, log, state and the named FIFOs."""

    def __init__(self, config, *args, env=None, prefix=(), fifos=(), dir_mode=0o700, start=True,
                 places=True, gate=False):
        """`gate`: the services of the dict start once the test has subscribed, so that it sees all that happens."""
        self.dir = tempfile.mkdtemp(prefix="reeve-test-")
        os.chmod(self.dir, dir_mode)
        self.config_path = os.path.join(self.dir, "reeve.yaml")
        self.runtime, self.logs = os.path.join(self.dir, "run"), os.path.join(self.dir, "log")
        self.socket_path = os.path.join(self.runtime, "control.sock")
        self.fifos = {name: Fifo(os.path.join(self.dir, name)) for name in fifos}
        self.said, self.output, self.readers = [], [], []
        self.saying, self.prefixed = threading.Condition(), bool(prefix)
        self.process, self.events, self.states = None, None, {}
        self.history = []       # every change of a service after the snapshot, in order
        self.all_events = []    # and everything else that was told
        if gate:
            self.fifos["gate"] = Fifo(os.path.join(self.dir, "gate"))
            for service in config["services"].values():
                service["after"] = [*service.get("after", []), "gate"]
            config["services"]["gate"] = {"type": "oneshot", "command": shell("read line < $D/gate"),
                                          "inherit_environment": True, "log": "none"}
        self.write_config(config)
        self.env = {**os.environ, "D": self.dir, **(env or {})}
        self.argv = [*prefix, REEVED, "-c", self.config_path]
        if places:
            self.argv += ["--runtime-dir", self.runtime, "--log-dir", self.logs,
                          "--state-dir", os.path.join(self.dir, "state")]
        self.argv += args
        if start:
            try:
                self.start()
            except BaseException:
                self.clear()
                raise

    def write_config(self, config):
        """A dict or YAML text; JSON is YAML too."""
        with open(self.config_path + ".new", "w", encoding="utf-8") as f:
            f.write(config if isinstance(config, str) else json.dumps(config, indent=1))
        os.chmod(self.config_path + ".new", 0o644)
        # At once, as a reload may be reading it.
        os.replace(self.config_path + ".new", self.config_path)

    # -- life ------------------------------------------------------------------
    def start(self, connect=True, **popen):
        self.launch(**popen)
        if connect:
            self.await_listening()
            self.connect()

    def launch(self, **popen):
        """Only that; it need not come up."""
        up = self.up = threading.Event()
        self.output, self.listening = [], False
        with STARTING:
            self.process = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                                            start_new_session=True, **popen)
            STARTED.add(self.process.pid)
        self.readers = [threading.Thread(target=self._read_stderr, args=(self.process.stderr, up), daemon=True),
                        threading.Thread(target=self._read_stdout, args=(self.process.stdout,), daemon=True)]
        for t in self.readers:
            t.start()

    def await_listening(self):
        if not self.up.wait(PATIENCE) or not self.listening:
            raise AssertionError(f"reeved did not come up: {self.text()}")

    def _read_stderr(self, pipe, up):
        with pipe:
            for line in pipe:
                with self.saying:
                    self.said.append(line.decode(errors="replace"))
                    self.saying.notify_all()
                if b"listening" in line:
                    self.listening = True
                    up.set()
        up.set()

    def _read_stdout(self, pipe):
        with pipe:
            for line in pipe:
                self.output.append(line.decode(errors="replace"))

    def text(self):
        return "".join(self.said)

    def wait_until_said(self, words, times=1):
        with self.saying:
            if not self.saying.wait_for(lambda: self.text().count(words) >= times, PATIENCE):
                raise AssertionError(f"it did not say {words!r} {times} times: {self.text()}")

    def connect(self):
        if self.events:
            self.events.close()
        self.states = {}
        self.events = Client(self.socket_path)
        self.events.call("subscribe")
        self.settle()
        if "gate" in self.fifos:
            self.tell("gate")

    @property
    def reeved_pid(self):
        """The supervisor itself, which a prefix may have started as a child."""
        pid = self.process.pid
        while self.prefixed and os.path.realpath(f"/proc/{pid}/exe") != REEVED:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                pid = int(f.read().split()[0])
        return pid

    def send_signal(self, sig):
        os.kill(self.reeved_pid, sig)

    def end(self, sig=signal.SIGTERM):
        """Asks it to stop and returns its exit status."""
        self.send_signal(sig)
        return self.wait()

    def wait(self):
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"reeved did not end: {self.text()}") from None
        for t in self.readers:
            t.join(PATIENCE)
        return code

    def kill(self):
        """As a crash of the supervisor; its services stay."""
        self.send_signal(signal.SIGKILL)
        self.process.wait()

    def started_processes(self):
        """Whatever runs with this folder in its environment, by pid."""
        mark = b"D=" + self.dir.encode()
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if mark not in environment_of(name):
                    continue
                with open(f"/proc/{name}/cmdline", "rb") as f:
                    found[int(name)] = f.read().replace(b"\0", b" ").decode(errors="replace")
        return found

    def kill_started(self):
        """Ends what a killed supervisor has left; what was there."""
        everything = {}
        while found := self.started_processes():
            everything.update(found)
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in found:
                wait_gone(pid)
        return everything

    def end_holder(self):
        """That of a supervisor that was killed and has no successor waits for one."""
        title = f"reeve-holder: {self.runtime}".encode()
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if name.isdigit():
                    with open(f"/proc/{name}/cmdline", "rb") as f:
                        if f.read().rstrip(b"\0") == title:
                            os.kill(int(name), signal.SIGKILL)

    def clear(self):
        left = self.kill_started()
        for t in self.readers:
            t.join(PATIENCE)
        if self.process:
            self.process.wait()
            STARTED.discard(self.process.pid)
        self.end_holder()
        if self.events:
            self.events.close()
        for fifo in self.fifos.values():
            fifo.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        return left

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(OSError, IndexError):
                self.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5 if exc[0] else PATIENCE)
            except subprocess.TimeoutExpired:
                if not exc[0]:
                    exc = (AssertionError,)
                    self.said.append("\nreeved did not end on SIGTERM\n")
        left = self.clear()
        if exc[0]:
            print(self.text(), file=sys.stderr)
        if exc[0] is AssertionError and len(exc) == 1:
            raise AssertionError("reeved did not end on SIGTERM")
        if left and not exc[0]:
            raise AssertionError(f"reeved left processes behind: {left}\n{self.text()}")

    # -- events ------------------------------------------------------------------
    def next_event(self, deadline=None):
        try:
            message = self.events.read(deadline)
        except TimeoutError:
            raise AssertionError(f"nothing more happened; states: {self.states}\n{self.text()}") from None
        if message is None:
            raise AssertionError(f"the supervisor has gone; states: {self.states}\n{self.text()}")
        return self.take_in(message["params"])

    def take_in(self, event):
        self.all_events.append(event)
        if event["event"] in ("snapshot", "state"):
            self.states[event["service"]] = event["to"]
        if event["event"] == "state":
            self.history.append(event)
        return event

    def wait_until(self, condition, seconds=PATIENCE):
        """Takes in events until the condition on this supervisor holds."""
        deadline = Deadline(seconds)
        while not condition():
            self.next_event(deadline)

    def wait_for(self, service, *states):
        """Until the service is in one of these states; at once if it is."""
        self.wait_until(lambda: self.states.get(service) in states)

    def wait_for_change(self, service, *states):
        """Until the service enters one of these states once more from now on; the event."""
        deadline = Deadline()
        while True:
            event = self.next_event(deadline)
            if event["event"] == "state" and event["service"] == service and event["to"] in states \
                    and event["from"] != event["to"]:
                return event

    def settle(self):
        """Takes in the events of all that had happened before this call."""
        wanted = self.events.send("version")
        while True:
            message = self.events.read()
            if message.get("id") == wanted:
                return
            self.take_in(message["params"])

    def moves(self, *services):
        """(service, state) of each change so far, of these services or of all."""
        return [(e["service"], e["to"]) for e in self.history
                if e["from"] != e["to"] and e["service"] != "gate" and (not services or e["service"] in services)]

    # -- asking ------------------------------------------------------------------
    def client(self):
        return Client(self.socket_path)

    def ctl_argv(self):
        return [REEVECTL, "-s", self.socket_path]

    def ctl(self, *args, status=None, **kwargs):
        done = subprocess.run([*self.ctl_argv(), *args], capture_output=True, text=True,
                              timeout=PATIENCE, **kwargs)
        if status is not None and done.returncode != status:
            raise AssertionError(f"reevectl {' '.join(args)}: exit {done.returncode} instead of {status}\n"
                                 f"{done.stdout}{done.stderr}\n{self.text()}")
        return done

    def status(self, service):
        """The service's element of `status --json`."""
        client = self.client()
        try:
            return client.call("status", names=[service])["result"]["services"][0]
        finally:
            client.close()

    def ask(self, method, **params):
        """The result of a request on a connection of its own."""
        client = self.client()
        try:
            return client.result(method, **params)
        finally:
            client.close()

    def pid(self, service):
        return self.status(service)["pid"]

    def fifo(self, name):
        return self.fifos[name]

    def tell(self, name):
        """Writes a line into a FIFO that a service reads."""
        os.write(self.fifos[name].fd, b"\n")

    def log_files(self, service):
        """The contents of the service's log files, oldest first."""
        folder = os.path.join(self.logs, service)
        contents = []
        for name in sorted(n for n in os.listdir(folder) if n.startswith("@")) + ["current"]:
            with open(os.path.join(folder, name), "rb") as f:
                contents.append(f.read())
        return contents

    def log_lines(self, service):
        """(stream, flag, text) of every line that is kept, oldest first."""
        return [tuple(line.decode(errors="replace").split(" ", 3)[1:])
                for content in self.log_files(service) for line in content.split(b"\n")[:-1]]

    def log_texts(self, service):
        return [line[2] for line in self.log_lines(service)]


def free_port():
    """A TCP port on 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def exits_cleanly(argv, **kwargs):
    """Runs a program to its end, which comes by itself."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, **kwargs)
