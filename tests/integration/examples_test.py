"""The examples that ship with reeve, run as their readers would run them."""
import getpass
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import EXAMPLES, PATIENCE, PYTHON, REEVECTL, REEVED, Deadline, Supervisor, alive, free_port, needs, wait_gone

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_example(name, **env):
    """A Supervisor on the example's own file."""
    s = Supervisor("", start=False, env={"REEVE_EXAMPLES": EXAMPLES, **env})
    s.env["PATH"] = PATH    # not a developer's own Python
    s.argv[s.argv.index("-c") + 1] = os.path.join(EXAMPLES, name + ".yaml")
    return s


def request(port, method="GET", path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Quickstart(unittest.TestCase):
    def test_the_web_server_answers_and_the_worker_comes_back(self):
        port = free_port()
        with run_example("quickstart") as s:
            s.env.update(QUICKSTART_DIR=s.dir + "/q", QUICKSTART_PORT=str(port))
            s.start()
            s.wait_for("web", "running")
            self.assertEqual(s.states["prepare"], "done")
            status, page = request(port)
            self.assertEqual(status, 200)
            self.assertIn("It works", page)
            s.wait_for("worker", "backoff")
            self.assertIn("exit 1", s.status("worker")["cause"])
            s.wait_for_change("worker", "running")
            self.assertEqual(s.end(), 0)

    def test_the_demo_ends_by_ctrl_c_and_leaves_nothing(self):
        build = tempfile.mkdtemp(prefix="reeve-test-demo-")
        self.addCleanup(shutil.rmtree, build)
        for folder, program in (("supervisor", REEVED), ("ctl", REEVECTL)):
            os.mkdir(f"{build}/{folder}")
            os.symlink(program, f"{build}/{folder}/{os.path.basename(program)}")
        os.mkdir(build + "/tmp")
        demo = subprocess.Popen([PYTHON, "-B", EXAMPLES + "/quickstart/demo.py", build], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, "PATH": PATH, "TMPDIR": build + "/tmp"},
                                start_new_session=True)
        try:
            said, deadline = b"", Deadline()
            while b"worker" not in said.partition(b"Ctrl-C stops")[2]:
                self.assertTrue(select.select([demo.stdout], [], [], deadline.left())[0], said)
                data = os.read(demo.stdout.fileno(), 65536)
                self.assertTrue(data, said)
                said += data
            demo.send_signal(signal.SIGINT)
            out, err = demo.communicate(timeout=PATIENCE)
        finally:
            demo.kill()
            demo.wait()
        self.assertEqual((demo.returncode, err), (0, b""), out)
        self.assertEqual(os.listdir(build + "/tmp"), [])


@needs("nginx")
class Nginx(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.s = self.enterContext(run_example("nginx"))
        self.site = self.s.dir + "/nginx/site.conf"
        self.s.env.update(NGINX_DIR=self.s.dir + "/nginx", NGINX_PORT=str(self.port))
        # An unprivileged worker must find its folders, as the services do.
        os.chmod(self.s.dir, 0o755)
        self.s.start()
        self.s.wait_for("nginx", "running")

    def answer(self, text):
        new = self.site + ".new"
        with open(new, "w") as f:
            f.write(text)
        os.rename(new, self.site)

    def workers(self):
        master = self.s.pid("nginx")
        with open(f"/proc/{master}/task/{master}/children") as f:
            return [int(pid) for pid in f.read().split()]

    def test_it_answers_and_its_log_is_kept(self):
        self.assertEqual(request(self.port)[0], 200)
        self.s.ctl("stop", "nginx", status=0)
        self.assertTrue(any('"GET / HTTP/1.1" 200' in line for line in self.s.log_texts("nginx")))

    def test_a_good_configuration_is_taken_and_a_broken_one_refused(self):
        master, old = self.s.pid("nginx"), self.workers()
        self.answer('location / { return 200 "second\\n"; }\n')
        self.s.ctl("reload", "nginx", status=0)
        for pid in old:         # then the new ones alone answer
            wait_gone(pid)
        self.assertEqual(request(self.port), (200, "second\n"))
        self.answer('location / { return 200 "third\\n"\n')
        self.assertIn("site.conf", self.s.ctl("reload", "nginx", status=1).stderr)
        self.assertEqual(request(self.port), (200, "second\n"))
        self.assertEqual(self.s.pid("nginx"), master)

    def test_workers_that_outlive_their_master_are_gone_before_the_new_start(self):
        old = self.workers()
        self.assertTrue(old)
        os.kill(self.s.pid("nginx"), signal.SIGKILL)
        self.s.wait_for_change("nginx", "starting")
        self.assertEqual([pid for pid in old if alive(pid)], [])
        self.s.wait_for("nginx", "running")
        self.assertEqual(request(self.port)[0], 200)

    def test_a_stop_leaves_nothing(self):
        everything = [self.s.pid("nginx"), *self.workers()]
        self.s.ctl("stop", "nginx", status=0)
        self.assertEqual([pid for pid in everything if alive(pid)], [])
        with socket.socket() as connection:
            self.assertNotEqual(connection.connect_ex(("127.0.0.1", self.port)), 0)


@needs("redis-server")
class Redis(unittest.TestCase):
    def ping(self, port):
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(100)

    def test_it_notifies_answers_comes_back_and_stops(self):
        port = free_port()
        with run_example("redis", REDIS_PORT=str(port)) as s:
            s.env["REDIS_DIR"] = s.dir
            s.start()
            s.wait_for("redis", "running")
            self.assertEqual(self.ping(port), b"+PONG\r\n")
            self.assertTrue(s.status("redis")["status_text"])
            before = s.pid("redis")
            os.kill(before, signal.SIGKILL)
            s.wait_for_change("redis", "running")
            self.assertEqual(self.ping(port), b"+PONG\r\n")
            self.assertNotEqual(s.pid("redis"), before)
            s.ctl("stop", "redis", status=0)
            self.assertNotIn("killed", s.status("redis")["cause"])
            with open(f"{s.logs}/redis/current") as f:
                self.assertIn("bye bye", f.read())


@unittest.skipIf(subprocess.run([PYTHON, "-c", "import flask"], capture_output=True).returncode, "not installed: flask")
class Flask(unittest.TestCase):
    def test_it_answers_and_comes_back_after_a_crash(self):
        port = free_port()
        with run_example("flask", FLASK_PORT=str(port)) as s:
            s.start()
            s.wait_for("app", "running")
            first = json.loads(request(port)[1])
            self.assertEqual((first["service"], first["pid"]), ("app", s.pid("app")))
            self.assertEqual(first["folder"], os.path.join(EXAMPLES, "flask"))
            with self.assertRaises((http.client.HTTPException, OSError)):
                request(port, "POST", "/crash")
            back = s.wait_for_change("app", "backoff", "starting")
            self.assertIn("exit 3", back["cause"])
            s.wait_for_change("app", "running")
            self.assertNotEqual(json.loads(request(port)[1])["pid"], first["pid"])


class All(unittest.TestCase):
    def test_every_example_is_valid(self):
        files = [os.path.join(folder, name) for folder in (EXAMPLES, EXAMPLES + "/daemons")
                 for name in os.listdir(folder) if name.endswith(".yaml")]
        self.assertGreaterEqual(len(files), 20)
        for path in files:
            with open(path, encoding="utf-8") as f:     # the users of packages that may not be here
                users = {name: getpass.getuser() for name in re.findall(r"\$\{(\w+_USER):", f.read())}
            done = subprocess.run([REEVED, "--check", "-c", path], capture_output=True, text=True, timeout=PATIENCE,
                                  env={"PATH": PATH, **users})
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)


if __name__ == "__main__":
    unittest.main()
