"""The container of examples/container: its reeve.yaml as process 1, and what its Dockerfile counts on."""
import http.client
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from harness import EXAMPLES, PATIENCE, REEVED, TOP, Supervisor, children_of, free_port, needs, needs_root
from pid1_test import PID1

FOLDER = os.path.join(EXAMPLES, "container")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GRACE = 10      # seconds until `docker stop` kills


@needs_root
@needs("unshare", "redis-server")
class Container(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.s = Supervisor("", prefix=PID1, start=False, dir_mode=0o755)
        self.s.argv[self.s.argv.index("-c") + 1] = FOLDER + "/reeve.yaml"
        os.mkdir(self.s.dir + "/tmp")
        os.chmod(self.s.dir + "/tmp", 0o1777)
        shutil.copy(FOLDER + "/app.py", self.s.dir)
        self.s.env.update(PATH=PATH, APP=self.s.dir, PORT=str(self.port), CACHE=self.s.dir + "/tmp/cache.sock")
        self.enterContext(self.s)

    def visit(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def process(self, name):
        """The main process that runs this program, by its number outside."""
        children = children_of(self.s.reeved_pid)
        for keeper in list(children):   # where there is no cgroup
            children += children_of(keeper)
        [pid] = [pid for pid in children if os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith(name)]
        return pid

    def test_it_serves_logs_to_the_console_and_stops_within_the_grace_period(self):
        self.s.start()
        self.s.wait_for("app", "running")
        self.assertEqual((self.visit(), self.visit()), ((200, "visit 1\n"), (200, "visit 2\n")))
        self.s.ctl("is-ready", "app", status=0)     # the Dockerfile's HEALTHCHECK
        for name, user in (("python", "www-data"), ("redis", "redis")):
            self.assertEqual(pwd.getpwuid(os.stat(f"/proc/{self.process(name)}").st_uid).pw_name, user)
        begin = time.monotonic()
        self.assertEqual(self.s.end(signal.SIGTERM), 0)
        self.assertLess(time.monotonic() - begin, GRACE)
        self.assertIn(f"app | serving on port {self.port}\n", self.s.output)
        self.assertTrue(any(re.match(r'app \| .*"GET / HTTP/1.1" 200', line) for line in self.s.output), self.s.output)
        self.assertTrue(any(line.startswith("cache | ") for line in self.s.output), self.s.output)
        self.assertLess(self.s.text().index("app: stopped"), self.s.text().index("cache: stopping"))

    def test_it_ends_with_the_apps_exit_status(self):
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", self.port))
            taken.listen()
            self.s.start(connect=False)
            self.assertEqual(self.s.wait(), 1)
        self.assertTrue(any("Address already in use" in line for line in self.s.output), self.s.output)

    def test_it_ends_with_128_and_the_signal_that_killed_the_app(self):
        self.s.start()
        self.s.wait_for("app", "running")
        os.kill(self.process("python"), signal.SIGKILL)
        self.assertEqual(self.s.wait(), 128 + signal.SIGKILL)
        self.assertIn("cache: stopped", self.s.text())

    def test_the_cache_comes_back_alone(self):
        self.s.start()
        self.s.wait_for("app", "running")
        app = self.process("python")
        os.kill(self.process("redis"), signal.SIGKILL)
        self.s.wait_for_change("cache", "running")
        self.assertEqual(self.visit(), (200, "visit 1\n"))
        self.assertEqual(self.process("python"), app)


class Dockerfile(unittest.TestCase):
    def setUp(self):
        with open(FOLDER + "/Dockerfile", encoding="utf-8") as f:
            self.lines = f.read().replace("\\\n", "").splitlines()

    def test_what_it_copies_from_the_repository_is_there(self):
        sources = [word for line in self.lines if re.match(r"COPY (?!--from)", line) for word in line.split()[1:-1]]
        self.assertGreaterEqual(len(sources), 3)
        for source in sources:
            self.assertTrue(os.path.exists(os.path.join(TOP, source)), source)

    def test_the_programs_need_nothing_that_it_does_not_install(self):
        if os.environ.get("REEVE_SANITIZE"):
            self.skipTest("sanitizers bring libraries of their own")
        needed = subprocess.run(["ldd", REEVED], capture_output=True, text=True, check=True).stdout
        libraries = {line.split()[0].split("/")[-1].split(".")[0] for line in needed.splitlines()}
        self.assertLessEqual(libraries, {"linux-vdso", "libc", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}, needed)


if __name__ == "__main__":
    unittest.main()
