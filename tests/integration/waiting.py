"""Waiting for what happens, each with a deadline after which the test fails."""
import contextlib
import ctypes
import json
import os
import select
import time

# Generous: only a failure waits this long, and sanitizer builds on a busy machine are slow.
PATIENCE = float(os.environ.get("REEVE_TEST_PATIENCE", "60"))


class Deadline:
    """A moment after which waiting has failed."""

    def __init__(self, seconds=PATIENCE):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())


class Fifo:
    """A named pipe by which a service under test says that it has come to some point."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(self.path)
        os.chmod(self.path, 0o666)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.rest = b""

    def read_line(self, seconds=PATIENCE):
        deadline = Deadline(seconds)
        while b"\n" not in self.rest:
            if not select.select([self.fd], [], [], deadline.left())[0]:
                raise AssertionError(f"nothing came through {self.path}")
            self.rest += os.read(self.fd, 65536)
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def read_json(self):
        return json.loads(self.read_line())

    def read_pid(self):
        return int(self.read_line())

    def lines_so_far(self):
        """What has come and was not read yet."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.rest += os.read(self.fd, 65536)
        *lines, self.rest = self.rest.split(b"\n")
        return [line.decode() for line in lines]

    def close(self):
        os.close(self.fd)


def wait_gone(pid):
    """Until a process that may be anybody's child has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], PATIENCE)[0]:
            raise AssertionError(f"process {pid} is still there")
    finally:
        os.close(fd)


def wait_written(path, text):
    """Until a file holds a text; returns all that it holds then. The file need not be there yet, but its folder."""
    libc = ctypes.CDLL(None, use_errno=True)
    modify, moved_to, create = 0x2, 0x80, 0x100
    changes = libc.inotify_init1(os.O_CLOEXEC)
    try:
        if libc.inotify_add_watch(changes, os.fsencode(os.path.dirname(path)), modify | moved_to | create) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
        deadline = Deadline()
        while True:
            found = ""
            with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as f:
                found = f.read()
            if text in found:
                return found
            if not select.select([changes], [], [], deadline.left())[0]:
                raise AssertionError(f"{path} does not hold {text!r}: {found}")
            os.read(changes, 4096)
    finally:
        os.close(changes)


def wait_reaped(pids, supervisor):
    """Until no zombie is left; each look follows an answer of the supervisor, so it has had its turn."""
    for _ in range(int(PATIENCE * 1000)):
        if not any(os.path.exists(f"/proc/{pid}") for pid in pids):
            return
        supervisor.status("web")
    raise AssertionError("zombies are left")
