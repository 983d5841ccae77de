"""Many services, many crashes, many clients: nothing piles up, and a shortage is survived."""
import collections
import os
import resource
import select
import unittest

from harness import FOREVER, PATIENCE, Deadline, Supervisor, python, shell

SANITIZED = bool(os.environ.get("REEVE_SANITIZE"))


def descriptors(pid):
    return sorted(os.readlink(f"/proc/{pid}/fd/{n}").split(":")[0] for n in os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Leaks(unittest.TestCase):
    def assert_no_more_descriptors(self, s, before):
        """None is open that was not before, once all is settled: each look follows an answer of the supervisor."""
        deadline, client = Deadline(min(PATIENCE, 10)), s.client()
        before = collections.Counter([*before, "socket"])
        while deadline.left() and collections.Counter(descriptors(s.reeved_pid)) - before:
            client.call("version")
        more = collections.Counter(descriptors(s.reeved_pid)) - before
        client.close()
        self.assertFalse(more)

    def test_500_services_boot_and_stop(self):
        count = 500
        services = {f"s{i}": {"command": FOREVER, "enabled": False, "groups": ["all"]} for i in range(count)}
        with Supervisor({"services": services}) as s:
            before = descriptors(s.reeved_pid)
            for _ in range(2):
                s.ctl("start", "@all", status=0)
                s.settle()
                self.assertEqual(sum(state == "running" for state in s.states.values()), count)
                s.ctl("stop", "@all", status=0)
                s.settle()
                self.assertEqual(sum(state == "stopped" for state in s.states.values()), count)
            # The reading ends of the log pipes stay for the next start.
            now = descriptors(s.reeved_pid)
            self.assertLessEqual(len(now) - len(before), 2 * count + 2)
            self.assertFalse([d for d in now if "pidfd" in d])
            self.assertEqual(s.started_processes().keys(), {s.reeved_pid})

    def test_500_services_boot_and_end_with_the_supervisor(self):
        services = {f"s{i}": {"command": FOREVER, "requires": [f"s{i - 1}"] if i % 10 else []} for i in range(500)}
        with Supervisor({"services": services}) as s:
            s.wait_until(lambda: sum(state == "running" for state in s.states.values()) == 500)
            self.assertEqual(s.end(), 0)
            self.assertEqual(s.started_processes(), {})

    def test_200_crashes_leave_no_descriptor_and_no_process(self):
        crash = {"command": shell("sleep 1000000 & read line < $D/go; exit 1"),
                 "backoff": {"initial": "1ms", "max": "1ms"}}
        with Supervisor({"services": {"web": {**crash, "log": "file"}}}, fifos=["go"]) as s:
            for _ in range(5):
                s.tell("go")
                s.wait_for_change("web", "running")
            before, used = descriptors(s.reeved_pid), memory(s.reeved_pid)
            for _ in range(200):
                s.tell("go")
                s.wait_for_change("web", "running")
            self.assert_no_more_descriptors(s, before)
            if not SANITIZED:   # they keep freed memory for a while
                self.assertLess(memory(s.reeved_pid) - used, 2 << 20)
            self.assertEqual(s.status("web")["restarts"], 205)

    def test_commands_and_probes_leave_no_descriptor(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "ready": {"exec": ["true"]}, "reload": {
                "command": ["true"], "check": ["true"]}, "stop": {"command": ["true"]}}}}) as s:
            s.wait_for("web", "running")
            s.ctl("restart", "web", status=0)
            before = descriptors(s.reeved_pid)
            client = s.client()
            for _ in range(30):
                for verb in ("reload", "restart"):
                    self.assertTrue(client.call(verb, names=["web"])["result"]["results"][0]["ok"])
            client.close()
            self.assert_no_more_descriptors(s, before)

    def test_clients_that_go_with_an_answer_unread_leave_no_descriptor(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            before = descriptors(s.reeved_pid)
            for _ in range(10):
                client = s.client()
                client.send("subscribe")
                self.assertTrue(select.select([client.socket], [], [], PATIENCE)[0])
                client.close()
            self.assert_no_more_descriptors(s, before)

    def test_200_connections_leave_no_descriptor(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            before, used = descriptors(s.reeved_pid), memory(s.reeved_pid)
            for i in range(200):
                client = s.client()
                client.call("subscribe" if i % 2 else "status")
                client.close()
            self.assert_no_more_descriptors(s, before)
            if not SANITIZED:
                self.assertLess(memory(s.reeved_pid) - used, 2 << 20)


class FewDescriptors(unittest.TestCase):
    def test_a_shortage_is_survived_said_and_over_when_it_is_over(self):
        services = {f"s{i}": {"command": FOREVER, "backoff": {"initial": "20ms", "max": "50ms"}, "enabled": False}
                    for i in range(40)}
        with Supervisor({"services": services}) as s:
            hard = resource.prlimit(s.reeved_pid, resource.RLIMIT_NOFILE)[1]
            resource.prlimit(s.reeved_pid, resource.RLIMIT_NOFILE, (60, hard))
            s.ctl("start", "--no-wait", "--all", status=0)
            s.wait_until(lambda: "backoff" in s.states.values())
            short = next(name for name, state in s.states.items() if state == "backoff")
            self.assertIn("Too many open files", s.status(short)["cause"])
            resource.prlimit(s.reeved_pid, resource.RLIMIT_NOFILE, (hard, hard))
            s.wait_until(lambda: set(s.states.values()) == {"running"})
            self.assertEqual(s.end(), 0)
            # All that it said has been read once it has ended.
            self.assertIn("Too many open files", s.text())

    def test_clients_that_would_use_them_up_are_refused_until_others_have_gone(self):
        with Supervisor({"services": {"web": {"command": FOREVER}}}, prefix=["prlimit", "--nofile=80:80"]) as s:
            s.wait_for("web", "running")
            before = len(descriptors(s.reeved_pid))
            first, crowd = s.client(), [s.client() for _ in range(64)]
            self.assertEqual(first.call("status")["result"]["services"][0]["state"], "running")
            late = crowd.pop()
            self.assertIn("descriptors are left", late.read()["error"]["message"])
            late.close()
            for client in crowd:
                client.close()
            deadline = Deadline()
            while deadline.left() and len(descriptors(s.reeved_pid)) > before + 1:
                first.call("version")
            s.ctl("restart", "web", status=0)
            first.close()


class Output(unittest.TestCase):
    def test_a_flood_of_output_delays_no_answer(self):
        flood = python("import os\nos.write(1, b'first\\n')\nprint('up', file=open(os.environ['D'] + '/said', 'w'), flush=True)\n"
                       "while True: os.write(1, b'x' * 99 + b'\\n')")
        with Supervisor({"services": {"noisy": {"command": flood, "log": {"to": "file", "max_size": "1MiB", "max_files": 1}},
                                      "web": {"command": FOREVER}}}, fifos=["said"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "up")
            client = s.client()
            for _ in range(50):
                self.assertEqual(client.call("version")["result"]["protocol"], 1)
            client.close()
            s.ctl("restart", "web", status=0)
            s.ctl("stop", "noisy", status=0)
            self.assertLess(sum(map(len, s.log_files("noisy"))), 3 << 20)


if __name__ == "__main__":
    unittest.main()
