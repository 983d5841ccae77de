#!/usr/bin/env python3
"""`reevectl logs` beside a running supervisor: by time, stream, pattern and run, while it goes on."""
import ctypes
import datetime
import json
import os
import select
import signal
import struct
import subprocess
import unittest

from harness import Deadline, PATIENCE, REEVECTL, Supervisor, shell

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_compressBound.restype = ZSTD.ZSTD_compress.restype = ctypes.c_size_t
ZSTD.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
ZSTD.ZSTD_compress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]


def compress(path, frame_size=16384):
    """What compression makes of a rotated file: the zstd seekable format, under a name of its own, at once."""
    with open(path, "rb") as f:
        text = f.read()
    data, frames, at = b"", [], 0
    while at < len(text):
        end = text.find(b"\n", at + frame_size) + 1 or len(text)
        room = ctypes.create_string_buffer(ZSTD.ZSTD_compressBound(end - at))
        size = ZSTD.ZSTD_compress(room, len(room), text[at:end], end - at, 1)
        data += room.raw[:size]
        frames.append(struct.pack("<II", size, end - at))
        at = end
    table = b"".join(frames) + struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
    with open(path + ".tmp", "wb") as f:
        f.write(data + struct.pack("<II", 0x184D2A5E, len(table)) + table)
    os.rename(path + ".tmp", path + ".zst")
    os.unlink(path)


def rotated(s, service):
    folder = os.path.join(s.logs, service)
    return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".log"))


class Follower:
    """`reevectl logs …` with a pipe that is read as the test likes."""

    def __init__(self, s, *args, **popen):
        self.process = subprocess.Popen([REEVECTL, "-s", s.socket_path, "logs", *args], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **popen)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def read_until(self, end):
        deadline = Deadline()
        while not self.got.endswith(end):
            if not select.select([self.process.stdout], [], [], deadline.left())[0]:
                raise AssertionError(f"{end} does not come, but {self.got[-200:]}")
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                raise AssertionError(f"it ended: {self.process.stderr.read()}")
            self.got += data
        return self.got.decode().splitlines()

    def end(self):
        """Exit status and stderr of one that ends by itself."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err.decode()


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def lines_of(s, *args):
    return s.ctl("logs", *args, status=0).stdout.splitlines()


class Sifting(unittest.TestCase):
    def test_by_time_stream_and_pattern(self):
        script = shell("echo one; echo two >&2; echo $$ > $D/said; read line < $D/go; echo three; echo four >&2; "
                       "echo $$ > $D/said; exec sleep 1000000")
        with Supervisor({"services": {"web": {"command": script}}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            with Follower(s, "-f", "-n", "all", "web") as f:
                f.read_until(b"two\n")
            between = now()
            s.tell("go")
            s.fifo("said").read_line()
            with Follower(s, "-f", "-n", "all", "web", "--since", between) as f:
                self.assertEqual(sorted(f.read_until(b"four\n")), ["four", "three"])
            self.assertEqual(sorted(lines_of(s, "web", "--until", between)), ["one", "two"])
            self.assertEqual(lines_of(s, "web", "--stream", "stderr"), ["two", "four"])
            self.assertEqual(lines_of(s, "web", "--grep", "o.e|t.o", "--since", "1h"), ["one", "two"])
            self.assertEqual(lines_of(s, "web", "--grep", "e$", "-n", "1"), ["three"])
            self.assertEqual(lines_of(s, "web", "--since", "yesterday", "--until", "10m"), [])
            last = json.loads(s.ctl("--json", "logs", "web", "--grep", "four", status=0).stdout)
            self.assertEqual((last["service"], last["stream"], last["line"]), ("web", "stderr", "four"))

    def test_a_run_from_its_start_to_its_end(self):
        script = shell("trap 'echo end of $$; exit' TERM; echo begin of $$; echo $$ > $D/up; sleep 1000000 & wait")
        with Supervisor({"services": {"web": {"command": script}, "off": {"command": script, "enabled": False}}},
                        fifos=["up"]) as s:
            pids = [s.fifo("up").read_pid()]
            for _ in range(2):
                s.ctl("restart", "web", status=0)
                pids.append(s.fifo("up").read_pid())
            with Follower(s, "-f", "web", "--run", "0") as f:
                self.assertEqual(f.read_until(b"\n"), [f"begin of {pids[2]}"])
            for run, pid in ((-1, pids[1]), (-2, pids[0])):
                self.assertEqual(lines_of(s, "web", "--run", str(run)), [f"begin of {pid}", f"end of {pid}"])
            self.assertEqual(lines_of(s, "--run", "-1", "--grep", "end"), [f"end of {pids[1]}"])
            runs = s.ask("runs", names=["web"])["runs"]
            self.assertEqual([(run["run"], run["pid"]) for run in runs], list(zip((-2, -1, 0), pids)))
            self.assertEqual([run["ended"] is None for run in runs], [False, False, True])
            self.assertEqual([run["run"] for run in s.ask("runs", names=["*"], run=-1)["runs"]], [-1])
            self.assertIn("its oldest one is --run -2", s.ctl("logs", "web", "--run", "-3", status=4).stderr)
            self.assertIn("off has not run since", s.ctl("logs", "off", "--run", "0", status=4).stderr)


class Archives(unittest.TestCase):
    def test_no_line_is_lost_or_doubled_while_files_are_compressed(self):
        with Supervisor({"services": {"job": {"type": "oneshot", "command": shell("seq 1 60000"), "log": {
                "to": "file", "max_size": "64KiB", "max_files": 1000}}}}) as s:
            s.wait_for("job", "done")
            wanted = [str(i) for i in range(1, 60001)]
            files = rotated(s, "job")
            self.assertGreater(len(files), 10)
            # The pipe holds less than all, so the reader stands somewhere in the middle.
            with Follower(s, "job") as f:
                f.read_until(b"\n")
                for path in files[0::2]:
                    compress(path)
                self.assertEqual(f.read_until(b"\n60000\n"), wanted)
            with Follower(s, "job", "-n", "50000") as f:
                f.read_until(b"\n")
                for path in files[1::2]:
                    compress(path)
                self.assertEqual(f.read_until(b"\n60000\n"), wanted[10000:])
            self.assertEqual(rotated(s, "job"), [])
            self.assertEqual(lines_of(s, "job"), wanted)
            self.assertEqual(lines_of(s, "job", "--grep", "7$", "-n", "3000"), wanted[30006::10])
            self.assertIn("60000", s.ctl("status", "job").stdout)

    def test_the_card_and_failures_have_lines_from_compressed_files(self):
        script = shell("echo last words; exit 3")
        with Supervisor({"services": {"web": {"command": script, "restart": "never"}}}) as s:
            s.wait_for("web", "failed")
            path = f"{s.logs}/web/@20261121T000000.000000000Z.log"
            os.rename(f"{s.logs}/web/current", path)
            compress(path)
            for verb in ("status", "failures", "why"):
                self.assertIn("last words", s.ctl(verb, "web").stdout)


class GoingOn(unittest.TestCase):
    def test_it_survives_a_restart_of_the_supervisor(self):
        script = shell("echo begin of $$; echo noise; echo err of $$ >&2; echo $$ > $D/up; read line < $D/go; "
                       "echo end of $$; exec sleep 1000000")
        with Supervisor({"services": {"web": {"command": script}}}, fifos=["up", "go"]) as s:
            first = s.fifo("up").read_pid()
            with Follower(s, "-f", "web", "--grep", "of", "--since", "1h", "--stream", "stdout") as f:
                f.read_until(b"begin of %d\n" % first)
                s.end()
                s.start()
                second = s.fifo("up").read_pid()
                f.read_until(b"begin of %d\n" % second)
                s.kill()
                os.kill(second, signal.SIGKILL)     # or it would go on beside the third
                s.start()
                third = s.fifo("up").read_pid()
                f.read_until(b"begin of %d\n" % third)
                s.tell("go")
                self.assertEqual(f.read_until(b"end of %d\n" % third),
                                 [f"begin of {p}" for p in (first, second, third)] + [f"end of {third}"])

    def test_it_ends_when_the_time_has_come(self):
        with Supervisor({"services": {"web": {"command": shell("echo line; exec sleep 1000000")}}}) as s:
            s.wait_for("web", "running")
            with Follower(s, "-f", "web") as f:
                f.read_until(b"line\n")
            until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=200)
            with Follower(s, "-f", "web", "--until", until.isoformat()) as f:
                f.read_until(b"line\n")
                self.assertEqual(f.end(), (0, ""))

    def test_a_reader_that_has_read_enough_ends_it_quietly(self):
        with Supervisor({"services": {"web": {"command": shell("seq 1 100000; while echo line; do sleep 0.01; done"),
                                              "log": {"to": "file", "max_size": "64KiB", "max_files": 100}}}}) as s:
            with Follower(s, "-f", "web") as f:
                f.read_until(b"line\n")
            # Whatever SIGPIPE meant to whoever started it.
            for default in (True, False):
                for args in (["web"], ["-f", "web"], ["web", "--grep", "1"]):
                    with Follower(s, *args, restore_signals=default) as f:
                        f.read_until(b"\n")
                        f.process.stdout.close()
                        f.process.stdout = None
                        self.assertEqual(f.end(), (0, ""), (default, args))


if __name__ == "__main__":
    unittest.main()
