"""Those who give without end, and what there is no more of: the supervisor goes on serving everybody else."""
import os
import resource
import signal
import socket
import subprocess
import unittest

from harness import FOREVER, PYTHON, Supervisor, python, shell


class Floods(unittest.TestCase):
    def test_a_process_that_a_failed_check_leaves_behind_may_write_for_ever(self):
        check = shell('yes | { head -n 5000; echo > $D/fifo; cat; } & read line < $D/fifo; exit 1')
        with Supervisor({"services": {"web": {"command": FOREVER, "reload": {"check": check}}}},
                        fifos=("fifo",)) as s:
            s.wait_for("web", "running")
            s.ctl("reload", "web", status=1)
            s.wait_for_change("web", "running")
            self.assertIn("y; y; y", s.status("web")["cause"])

    def test_notifications_without_end_keep_nobody_waiting(self):
        say = python("import os; open(os.environ['D'] + '/name', 'w').write(os.environ['NOTIFY_SOCKET'] + '\\n'); "
                     "import signal; signal.pause()")
        flood = ("import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                 "s.connect('\\0' + sys.argv[1][1:])\nprint(flush=True)\nwhile True: s.send(b'READY=1')\n")
        with Supervisor({"services": {"web": {"command": say, "ready": "notify"}}}, fifos=("name",)) as s:
            flooder = subprocess.Popen([PYTHON, "-c", flood, s.fifo("name").read_line()], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
            try:
                flooder.stdout.readline()
                for _ in range(20):
                    self.assertEqual(s.status("web")["state"], "starting")
            finally:
                flooder.kill()
                flooder.communicate()
            s.ctl("stop", "web", status=0)


def at_most(descriptors):
    """A prefix that holds for root too, who else may raise the limit."""
    return ("prlimit", f"--nofile={descriptors}:{descriptors}", "setpriv", "--bounding-set=-sys_resource",
            "--inh-caps=-sys_resource")


class Descriptors(unittest.TestCase):
    def test_without_descriptors_services_fail_to_start_and_clients_are_served(self):
        services = {f"s{i}": {"command": FOREVER, "restart": "never"} for i in range(120)}
        with Supervisor({"services": services}, prefix=at_most(256)) as s:
            s.wait_until(lambda: all(s.states[name] in ("running", "failed") for name in services))
            running = [name for name in services if s.states[name] == "running"]
            self.assertGreater(len(running), 30)
            self.assertLess(len(running), 120)
            clients = [s.client() for _ in range(20)]
            for client in clients:
                self.assertIn("result", client.call("version"))
                client.close()
            # What has become free is used again.
            failed = next(name for name in services if s.states[name] == "failed")
            self.assertIn("descriptors", s.status(failed)["cause"])
            s.write_config({"services": {name: services[name] for name in services if name not in running[:20]}})
            s.ctl("apply", status=0)
            s.ctl("start", failed, status=0)

    @unittest.skipIf(os.environ.get("REEVE_SANITIZE"), "the sanitizers look at memory through a pipe, which takes descriptors")
    def test_a_probe_that_cannot_be_asked_is_no_failure_of_the_service(self):
        with socket.create_server(("127.0.0.1", 0), backlog=4000) as server:
            often = {"interval": "50ms", "failures": 1}
            port = server.getsockname()[1]
            health = {"web": {"tcp": f"127.0.0.1:{port}", **often}, "app": {"tcp": f"localhost:{port}", **often}}
            services = {name: {"command": FOREVER, "health": health[name]} for name in health}
            with Supervisor({"services": services}) as s:
                def told(name, words):
                    return any(e["service"] == name and e["cause"].startswith(words) for e in s.history)

                for name in services:
                    s.wait_for(name, "running")
                limits = resource.prlimit(s.reeved_pid, resource.RLIMIT_NOFILE)
                resource.prlimit(s.reeved_pid, resource.RLIMIT_NOFILE, (3, limits[1]))
                for name in services:
                    s.wait_until(lambda name=name: told(name, "its health probe cannot be asked: "))
                resource.prlimit(s.reeved_pid, resource.RLIMIT_NOFILE, limits)
                for name in services:
                    s.wait_until(lambda name=name: told(name, "its health probe answers again"))
                    self.assertFalse(told(name, "unhealthy"))
                    self.assertEqual((s.states[name], s.status(name)["restarts"]), ("running", 0))
                s.end()
                self.assertRegex(s.text(), r"warning app: .* its health probe cannot be asked: tcp localhost:\d+: Too many open files")
                self.assertRegex(s.text(), r"info    web: .* its health probe answers again")


    def test_idle_clients_leave_enough_for_services(self):
        services = {"web": {"command": FOREVER}, "other": {"command": FOREVER, "enabled": False}}
        with Supervisor({"services": services}, prefix=at_most(128)) as s:
            s.wait_for("web", "running")
            crowd = [s.client() for _ in range(150)]
            for client in crowd[-50:]:
                self.assertIn("kept for services", client.read()["error"]["message"])
                self.assertIsNone(client.read())
            first = crowd[0]
            for verb, name, state in (("start", "other", "running"), ("restart", "web", "running"),
                                      ("stop", "other", "stopped")):
                self.assertIn("result", first.call(verb, names=[name]))
                [service] = first.result("status", names=[name])["services"]
                self.assertEqual(service["state"], state, service["cause"])
            [web] = first.result("status", names=["web"])["services"]
            s.settle()
            os.kill(web["pid"], signal.SIGKILL)
            s.wait_for_change("web", "backoff", "starting")
            s.wait_for("web", "running")
            for client in crowd:
                client.close()


class ControlSocket(unittest.TestCase):
    CONFIG = {"services": {"web": {"command": FOREVER}}}

    def refused(self, path):
        with Supervisor({**self.CONFIG, "supervisor": {"socket": {"path": path}}}, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 1)
            return s.text()

    def test_another_supervisors_socket_is_not_taken(self):
        with Supervisor(self.CONFIG) as s:
            self.assertIn("Address already in use", self.refused(s.socket_path))
            s.ctl("status", "web", status=0)

    def test_a_file_that_is_no_socket_is_not_removed(self):
        with Supervisor(self.CONFIG) as s:
            self.assertIn("File exists", self.refused(s.config_path))
            self.assertTrue(os.path.getsize(s.config_path))

    def test_a_dead_supervisors_socket_is_replaced(self):
        with Supervisor({**self.CONFIG, "services": {"web": {"command": FOREVER, "enabled": False}}}) as s:
            s.kill()
            self.assertTrue(os.path.exists(s.socket_path))
            s.start()
            self.assertEqual(s.status("web")["state"], "stopped")

    def test_the_socket_has_the_mode_asked_for_whatever_the_umask(self):
        config = {**self.CONFIG, "supervisor": {"socket": {"mode": "0660"}}}
        with Supervisor(config, prefix=("sh", "-c", 'umask 077; exec "$@"', "sh")) as s:
            self.assertEqual(os.stat(s.socket_path).st_mode & 0o7777, 0o660)


class Signals(unittest.TestCase):
    def test_one_that_is_not_supported_yet_ends_nothing(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            s.send_signal(signal.SIGUSR2)
            self.assertEqual(s.pid("web"), pid)


if __name__ == "__main__":
    unittest.main()
