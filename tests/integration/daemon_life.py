"""The life of a daemon as Debian ships it, under the example file that a reader would take for it.

    class Nginx(DaemonLife, unittest.TestCase):
        example = "nginx"
        def prepare(self): ...      # writes its configuration; the variables of the example
        def ask(self): ...          # a real request; what came back

The example runs as it is: its variables move ports, folders and users to what is the test's own.
"""
import contextlib
import getpass
import http.client
import os
import shutil
import signal
import socket
import time

from harness import EXAMPLES, PATIENCE, Deadline, Supervisor, alive, children_of, descendants, free_port, wait_gone

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOT = os.geteuid() == 0


def http_get(port, path="/"):
    """What a web server answers to GET: the body of a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise OSError(f"status {answer.status}: {body}")
        return body
    finally:
        connection.close()


def talk(port, request, enough=1):
    """Sends a request; what comes back up to `enough` bytes, or the end."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(request)
        answer = b""
        while len(answer) < enough and (data := connection.recv(65536)):
            answer += data
        return answer


class DaemonLife:
    example = None      # examples/daemons/EXAMPLE.yaml
    service = None      # its service; else named as the example
    user = None         # whom it runs as where the supervisor is root
    reloads = True      # whether it can read its configuration again
    follows = False     # whether another process follows its main one at a reload
    renews = False      # whether new workers take over at a reload
    leaves = False      # whether its example lets others than the main process go on
    prefix = ()         # what reeved is started by
    first, second = "first\n", "second\n"   # what it answers before and after its configuration changed

    # -- what a daemon tells of itself ---------------------------------------------
    def prepare(self):
        """Writes what the daemon reads; the variables of its example."""
        raise NotImplementedError

    def ask(self):
        """One real request. An OSError where nobody answers."""
        raise NotImplementedError

    def change(self):
        """Changes the configuration so that `ask` will be answered by `second`."""
        raise NotImplementedError

    def spoil(self):
        """Breaks the configuration. Only for daemons whose example has a check; returns what the refusal names."""
        return None

    def gone(self):
        """Files that must not outlast a stop."""
        return []

    # -- steps ---------------------------------------------------------------------
    def setUp(self):
        self.service = self.service or self.example
        self.port = free_port()
        self.s = self.enterContext(Supervisor("", start=False, dir_mode=0o755, prefix=self.prefix,
                                              env={"PATH": PATH, "REEVE_EXAMPLES": EXAMPLES}))
        self.s.argv[self.s.argv.index("-c") + 1] = f"{EXAMPLES}/daemons/{self.example}.yaml"
        self.s.env.update(self.prepare())

    def test_it_answers_comes_back_reloads_and_leaves_nothing(self):
        self.start()
        self.assertEqual(self.ask(), self.first)
        self.crash()
        self.assertEqual(self.ask(), self.first)
        if self.reloads:
            self.reload()
        else:
            self.assertIn("reload", self.s.ctl("reload", self.service, status=1).stderr)
        self.stop()

    def start(self):
        self.s.start()
        self.expect_running()

    def expect_running(self):
        """Once it is; at its first failure, with what it said."""
        self.s.wait_for(self.service, "running", "backoff", "failed")
        if self.s.states[self.service] != "running":
            self.fail(self.s.ctl("why", self.service).stdout)

    def crash(self):
        """Its main process is killed: a new one comes, and all that the old one left has gone before."""
        old, everything = self.s.pid(self.service), descendants(self.s.reeved_pid)
        self.s.settle()
        os.kill(old, signal.SIGKILL)
        self.s.wait_for_change(self.service, "starting")
        self.expect_gone(everything)
        self.expect_running()
        self.assertNotEqual(self.s.pid(self.service), old)
        self.assertEqual(self.s.status(self.service)["restarts"], 1)

    def reload(self):
        main = self.s.pid(self.service)
        old = children_of(main)
        self.change()
        self.s.ctl("reload", self.service, status=0)
        for pid in old if self.renews else ():      # then the new ones alone answer
            wait_gone(pid)
        self.until_answered(self.second)
        if self.follows:
            self.s.wait_until(lambda: self.s.pid(self.service) not in (None, main))
        if (named := self.spoil()) is not None:
            self.assertIn(named, self.s.ctl("reload", self.service, status=1).stderr)
            self.assertEqual(self.ask(), self.second)
        self.s.wait_for(self.service, "running")
        self.assertEqual(self.s.pid(self.service) != main, self.follows)
        self.assertEqual(self.s.status(self.service)["restarts"], 1)
        self.assertEqual(self.s.states[self.service], "running")

    def stop(self):
        everything = descendants(self.s.reeved_pid)
        self.s.ctl("stop", self.service, status=0)
        self.expect_gone(everything)
        self.assertEqual(descendants(self.s.reeved_pid), [])
        self.assertNotIn("killed", self.s.status(self.service)["cause"])
        self.assertEqual([path for path in self.gone() if os.path.lexists(path)], [])
        with socket.socket() as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)    # for connections that linger, not for listeners
            own.bind(("127.0.0.1", self.port))

    def expect_gone(self, pids):
        """All of them; where others may go on, those here were about to end by themselves."""
        for pid in pids if self.leaves else ():
            wait_gone(pid)
        self.assertEqual([pid for pid in pids if alive(pid)], [])

    # -- helpers -------------------------------------------------------------------
    def until_answered(self, wanted):
        """Few daemons tell when they have taken over a configuration: it is asked for until it is in force."""
        deadline, answer = Deadline(), None
        while deadline.left():
            with contextlib.suppress(OSError, http.client.HTTPException):
                if (answer := self.ask()) == wanted:
                    return
            time.sleep(0.01)
        raise AssertionError(f"the last answer was {answer!r}, not {wanted!r}\n{self.s.text()}")

    def path(self, name):
        return os.path.join(self.s.dir, name)

    def write(self, name, text, mode=0o644):
        """A file below the test's folder, put there at once, as the daemon may be reading it."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path + ".new", mode)
        os.replace(path + ".new", path)
        return path

    def folder(self, name):
        """A folder that the daemon's user may write to."""
        path = self.path(name)
        os.makedirs(path)
        if ROOT and self.user:
            shutil.chown(path, self.user)
        return path

    def runtime_folder(self):
        """(name, path) of a runtime directory of the test's own, which reeve makes."""
        name = os.path.basename(self.s.dir)
        path = os.path.join("/run" if ROOT else self.folder("xdg"), name)
        self.s.env["XDG_RUNTIME_DIR"] = os.path.dirname(path)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return name, path

    @property
    def whom(self):
        """Whom the daemon can run as here."""
        return self.user if ROOT else getpass.getuser()
