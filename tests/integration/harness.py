"""Runs a real reeved in a folder of its own, and waits for what happens instead of for time to pass.

    with Supervisor({"services": {"web": {"command": ["sleep", "1000"]}}}) as s:
        s.wait_for("web", "running")
        assert s.ctl("stop", "web").returncode == 0

The programs come from $REEVED and $REEVECTL. Whatever is waited for has a deadline, after which the
test fails and shows what the supervisor said.
"""
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

REEVED = os.environ.get("REEVED", "reeved")
REEVECTL = os.environ.get("REEVECTL", "reevectl")
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
# Generous: only a failure waits this long, and sanitizer builds on a busy machine are slow.
PATIENCE = float(os.environ.get("REEVE_TEST_PATIENCE", "60"))


class Deadline:
    """A moment after which waiting has failed."""

    def __init__(self, seconds=PATIENCE):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())


class Client:
    """One connection to the control socket, as docs/protocol.md describes it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.ids = 0

    def send(self, method, **params):
        self.ids += 1
        self.socket.sendall(json.dumps({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params}).encode()
                            + b"\n")
        return self.ids

    def read(self):
        """The next message; None when the supervisor has hung up."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def call(self, method, **params):
        """The reply to a request; notifications before it are passed over."""
        wanted = self.send(method, **params)
        while True:
            message = self.read()
            if message is None:
                raise ConnectionError("the supervisor has hung up")
            if message.get("id") == wanted:
                return message

    def close(self):
        self.lines.close()
        self.socket.close()


class Supervisor:
    """A reeved with its folder: `dir` holds reeve.yaml, run, log and state."""

    def __init__(self, config, *args, env=None, prefix=(), dir_mode=0o700, start=True):
        self.dir = tempfile.mkdtemp(prefix="reeve-test-")
        os.chmod(self.dir, dir_mode)
        self.config_path = os.path.join(self.dir, "reeve.yaml")
        self.runtime, self.logs = os.path.join(self.dir, "run"), os.path.join(self.dir, "log")
        self.socket_path = os.path.join(self.runtime, "control.sock")
        self.said, self.process, self.events, self.states = [], None, None, {}
        self.history = []       # every event after the snapshot, in order
        self.write_config(config)
        self.env = {**os.environ, **(env or {})}
        self.argv = [*prefix, REEVED, "-c", self.config_path, "--runtime-dir", self.runtime, "--log-dir", self.logs,
                     "--state-dir", os.path.join(self.dir, "state"), *args]
        if start:
            self.start()

    def write_config(self, config):
        """A dict or YAML text; JSON is YAML too."""
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(config if isinstance(config, str) else json.dumps(config, indent=1))

    # -- life ------------------------------------------------------------------
    def start(self, connect=True):
        up = threading.Event()
        self.process = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd="/", start_new_session=True)
        self.output = []
        self.readers = [threading.Thread(target=self._read_stderr, args=(up,), daemon=True),
                        threading.Thread(target=self._read_stdout, daemon=True)]
        for t in self.readers:
            t.start()
        if not connect:
            return
        if not up.wait(PATIENCE) or self.process.poll() is not None:
            raise AssertionError(f"reeved did not come up: {self.text()}")
        self.connect()

    def _read_stderr(self, up):
        for line in self.process.stderr:
            self.said.append(line.decode(errors="replace"))
            if b"listening" in line:
                up.set()
        up.set()

    def _read_stdout(self):
        for line in self.process.stdout:
            self.output.append(line.decode(errors="replace"))

    def text(self):
        return "".join(self.said)

    def connect(self):
        self.events = Client(self.socket_path)
        self.events.call("subscribe")

    def end(self, sig=signal.SIGTERM):
        """Asks it to stop and returns its exit status."""
        self.process.send_signal(sig)
        return self.wait()

    def wait(self):
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"reeved did not end: {self.text()}")
        for t in self.readers:
            t.join(PATIENCE)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(10)
                self.process.kill()
                self.process.wait()
        if self.process:
            for t in self.readers:
                t.join(PATIENCE)
            self.process.stdout.close()
            self.process.stderr.close()
        if self.events:
            self.events.close()
        if exc[0]:
            print(self.text())
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- events ------------------------------------------------------------------
    def next_event(self, deadline):
        ready, _, _ = select.select([self.events.socket], [], [], 0 if self._buffered() else deadline.left())
        if not ready and not self._buffered():
            raise AssertionError(f"nothing more happened; states: {self.states}\n{self.text()}")
        message = self.events.read()
        if message is None:
            raise AssertionError(f"the supervisor has gone; states: {self.states}\n{self.text()}")
        event = message["params"]
        self.states[event["service"]] = event["to"]
        if event["event"] == "state":
            self.history.append(event)
        return event

    def _buffered(self):
        self.events.socket.setblocking(False)
        try:
            return bool(self.events.lines.peek(1))
        except (BlockingIOError, ValueError):
            return False
        finally:
            self.events.socket.settimeout(PATIENCE)

    def wait_until(self, condition, seconds=PATIENCE):
        """Takes in events until the condition on this supervisor holds."""
        deadline = Deadline(seconds)
        while not condition():
            self.next_event(deadline)

    def wait_for(self, service, *states):
        """Until the service is in one of these states; at once if it is."""
        self.wait_until(lambda: self.states.get(service) in states)

    def wait_for_change(self, service, state):
        """Until the service enters this state once more from now on; the event."""
        deadline = Deadline()
        while True:
            event = self.next_event(deadline)
            if event["event"] == "state" and event["service"] == service and event["to"] == state \
                    and event["from"] != state:
                return event

    # -- asking ------------------------------------------------------------------
    def client(self):
        return Client(self.socket_path)

    def ctl(self, *args, **kwargs):
        return subprocess.run([REEVECTL, "-s", self.socket_path, *args], capture_output=True, text=True,
                              timeout=PATIENCE, **kwargs)

    def status(self, service):
        reply = json.loads(self.ctl("--json", "status", service).stdout)
        return reply["services"][0]

    def pid(self, service):
        return self.status(service)["pid"]

    def log_lines(self, service):
        """(stream, flag, text) of every line that is kept, oldest first."""
        folder = os.path.join(self.logs, service)
        names = sorted(n for n in os.listdir(folder) if n.startswith("@")) + ["current"]
        lines = []
        for name in names:
            with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, name), "rb") as f:
                for line in f.read().decode(errors="replace").splitlines():
                    lines.append(tuple(line.split(" ", 3)[1:]))
        return lines


def free_port():
    """A TCP port on 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def alive(pid):
    """Whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_gone(pid):
    """Until a process that may be anybody's child is gone."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], PATIENCE)[0]:
            raise AssertionError(f"process {pid} is still there")
    finally:
        os.close(fd)


class Fifo:
    """A named pipe by which a service under test says that it has come to some point."""

    def __init__(self, folder, name):
        self.path = os.path.join(folder, name)
        os.mkfifo(self.path)
        os.chmod(self.path, 0o666)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.rest = b""

    def read_line(self):
        deadline = Deadline()
        while b"\n" not in self.rest:
            if not select.select([self.fd], [], [], deadline.left())[0]:
                raise AssertionError(f"nothing came through {self.path}")
            self.rest += os.read(self.fd, 65536)
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def close(self):
        os.close(self.fd)
