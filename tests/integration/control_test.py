"""Whatever comes in through the control socket: answered, refused or cut off, and nobody else hurt."""
import json
import os
import random
import signal
import socket
import subprocess
import time
import unittest

from harness import FOREVER, PYTHON, Supervisor, needs, needs_root, shell

ONE = {"services": {"web": {"command": FOREVER}}}


class BadInput(unittest.TestCase):
    def setUp(self):
        self.s = self.enterContext(Supervisor(ONE))
        self.s.wait_for("web", "running")
        self.pid = self.s.pid("web")

    def tearDown(self):
        self.assertEqual(self.s.pid("web"), self.pid)

    def connect(self):
        client = self.s.client()
        self.addCleanup(client.close)
        return client

    def error_of(self, line):
        client = self.connect()
        client.send_bytes(line)
        return client.read()["error"]["code"]

    def test_what_is_no_json(self):
        for line in (b"\n", b"hello\n", b"{\n", b"\x00\xff\xfe\n", b'{"jsonrpc": "2.0"\n', b"GET / HTTP/1.1\r\n",
                     b'{"a": "\xff"}\n', b"nan\n", b'"\\ud800"\n'):
            self.assertIn(self.error_of(line), (-32700, -32600), line)

    def test_what_is_no_request(self):
        for line in (b"[]\n", b"{}\n", b"1\n", b"null\n", b'{"jsonrpc":"2.0","method":"status"}\n',
                     b'{"jsonrpc":"1.0","id":1,"method":"status"}\n', b'{"jsonrpc":"2.0","id":[],"method":"status"}\n',
                     b'{"jsonrpc":"2.0","id":1.5,"method":"status"}\n', b'{"jsonrpc":"2.0","id":1,"method":7}\n',
                     b'{"jsonrpc":"2.0","id":1,"method":"status","extra":1}\n',
                     b'[{"jsonrpc":"2.0","id":1,"method":"status"}]\n'):
            self.assertEqual(self.error_of(line), -32600, line)

    def test_unknown_methods_and_wrong_params(self):
        client = self.connect()
        self.assertEqual(client.call("nonsense")["error"]["code"], -32601)
        for method, params in (("start", {}), ("start", {"names": "web"}), ("start", {"names": [1]}),
                               ("start", {"names": []}), ("start", {"names": ["web"], "wait": "yes"}),
                               ("start", {"names": ["web"], "timeout": -1}), ("start", {"names": ["web"], "timeout": "1s"}),
                               ("status", {"name": ["web"]}), ("status", {"names": {}}),
                               ("hello", {"client": 1, "protocol": "x"}), ("shutdown", {"now": True})):
            self.assertEqual(client.call(method, **params)["error"]["code"], -32602, (method, params))
        self.assertEqual(client.call("start", names=["wbe"])["error"]["data"]["nearest"], "web")

    def test_deep_nesting_is_refused(self):
        for text in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000):
            self.assertIn(self.error_of(text + b"\n"), (-32700, -32600))

    def test_a_line_over_1_MiB_is_cut_off(self):
        client = self.connect()
        try:
            client.send_bytes(b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"names":["' + b"x" * (2 << 20))
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = client.read()
        self.assertTrue(answer is None or answer["error"]["code"] == -32600)
        if answer:
            self.assertIsNone(client.read())

    def test_a_line_of_nearly_1_MiB_is_taken(self):
        client = self.connect()
        answer = client.call("status", names=["x" * 1000] * 1000)
        self.assertEqual(answer["error"]["code"], 4)

    def test_half_messages_and_clients_that_vanish(self):
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status", "params": {"processes": True}}).encode() + b"\n"
        for cut in range(0, len(request) + 1, 7):
            client = self.s.client()
            client.send_bytes(request[:cut])
            client.close()
        for _ in range(20):
            client = self.s.client()
            client.send("restart", names=["web"], timeout=0.001)
            client.close()
        client = self.connect()
        client.call("start", names=["web"])
        self.s.wait_for("web", "running")
        self.pid = self.s.pid("web")

    def test_a_message_in_pieces_is_one_message(self):
        client = self.connect()
        for byte in b'{"jsonrpc":"2.0","id":"x","method":"version"}\n':
            client.send_bytes(bytes([byte]))
        self.assertEqual(client.read()["id"], "x")

    def test_many_requests_in_one_write_are_all_answered(self):
        client = self.connect()
        client.send_bytes(b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"version"}\n' % i for i in range(1000)))
        self.assertEqual([client.read()["id"] for _ in range(1000)], list(range(1000)))

    def test_random_bytes(self):
        dice = random.Random(7)
        for _ in range(100):
            client = self.s.client()
            try:
                for _ in range(dice.randrange(4)):
                    client.send_bytes(dice.randbytes(dice.randrange(2000)) + b"\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            client.close()
        self.connect().call("version")

    def test_mutated_requests(self):
        dice = random.Random(11)
        good = b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"names":["web"],"resources":true}}'
        client = self.connect()
        for _ in range(500):
            bad = bytearray(good)
            for _ in range(dice.randrange(1, 4)):
                bad[dice.randrange(len(bad))] = dice.choice([i for i in range(256) if i != 10])
            client.send_bytes(bytes(bad) + b"\n")
            self.assertIn("jsonrpc", client.read())


class Clients(unittest.TestCase):
    def test_too_many_patterns_are_refused_and_too_many_names_are_not(self):
        with Supervisor(ONE) as s:
            client = s.client()
            answer = client.call("status", names=[f"*{i}" for i in range(1000)])
            self.assertEqual(answer["error"]["code"], -32602)
            self.assertEqual(len(client.result("status", names=["web"] * 10_000 + ["*"] * 10_000)["services"]), 1)
            client.close()

    def test_too_many_requests_under_way_are_refused(self):
        with Supervisor(ONE) as s:
            s.wait_for("web", "running")
            client = s.client()
            for _ in range(1000):
                client.send("wait", names=["web"], **{"for": "failed"})
            self.assertEqual(client.call("version")["error"]["code"], 1)
            client.close()
            self.assertEqual(s.ask("version")["protocol"], 1)

    @needs_root
    @needs("setpriv")
    def test_those_with_fewer_rights_cannot_lock_out_those_with_all(self):
        crowd = ("import socket, sys\ncrowd = []\nfor _ in range(300):\n    c = socket.socket(socket.AF_UNIX)\n"
                 "    c.connect(sys.argv[1])\n    crowd.append(c)\nprint('here', flush=True)\nsys.stdin.read()\n")
        with Supervisor({"supervisor": {"access": {"read": [61001]}}, **ONE}, dir_mode=0o711) as s:
            others = subprocess.Popen(["setpriv", "--reuid=65534", "--regid=61001", "--clear-groups", PYTHON, "-S", "-E", "-c", crowd,
                                       s.socket_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.assertEqual(others.stdout.readline(), b"here\n")
            s.ctl("status", status=0)
            others.communicate()

    def test_silent_ones_are_limited_and_hurt_nobody(self):
        with Supervisor(ONE) as s:
            s.wait_for("web", "running")
            first = s.client()
            crowd = [s.client() for _ in range(300)]
            refused = 0
            for client in crowd[-40:]:
                answer = client.read()
                self.assertIn("clients", answer["error"]["message"])
                self.assertIsNone(client.read())
                refused += 1
            self.assertEqual(refused, 40)
            self.assertEqual(first.call("status")["result"]["services"][0]["state"], "running")
            self.assertEqual(s.ctl("status").returncode, 6)
            for client in crowd:
                client.close()
            # Each answer comes after what the supervisor has noticed before; room is there soon.
            while s.ctl("status").returncode == 6:
                first.call("version")
            s.ctl("status", status=0)
            first.close()

    def test_one_that_does_not_read_is_cut_off_and_others_are_served(self):
        config = {"services": {f"s{i}": {"command": FOREVER, "enabled": False, "description": "x" * 1000} for i in range(100)}}
        with Supervisor(config) as s:
            slow, other = s.client(), s.client()
            request = b'{"jsonrpc":"2.0","id":1,"method":"status"}\n'
            slow.socket.settimeout(0.2)
            try:
                for _ in range(1000):
                    slow.send_bytes(request)
                    if other.call("version")["result"]["protocol"] != 1:
                        self.fail("wrong answer")
            except (BrokenPipeError, ConnectionResetError, TimeoutError, socket.timeout):
                pass
            other.call("version")
            slow.close()
            other.close()

    def test_a_subscriber_that_goes_away_is_forgotten(self):
        with Supervisor({"services": {"web": {"command": shell("exit 1"), "backoff": {"initial": "1ms", "max": "1ms"}}}}) as s:
            for _ in range(20):
                client = s.client()
                client.call("subscribe")
                client.close()
            for _ in range(20):
                s.wait_for_change("web", "backoff")

    def test_events_are_in_order_and_none_is_missing(self):
        with Supervisor({"services": {"web": {"command": shell("exit 1"), "backoff": {"initial": "1ms", "max": "1ms"}}}}) as s:
            for _ in range(30):
                s.wait_for_change("web", "backoff")
            numbers = [e["seq"] for e in s.history]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_one_that_says_nothing_more_is_still_told_what_it_asked_for(self):
        slow = shell("trap 'read line < $D/go; exit 0' TERM; echo up > $D/said; while :; do sleep 0.01; done")
        with Supervisor({"services": {"web": {"command": slow}}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.wait_for("web", "running")
            client = s.client()
            wanted = client.send("stop", names=["web"])
            client.socket.shutdown(socket.SHUT_WR)
            s.wait_for("web", "stopping")
            s.tell("go")
            answer = client.read()
            self.assertEqual((answer["id"], answer["result"]["results"][0]["state"]), (wanted, "stopped"))
            self.assertIsNone(client.read())
            client.close()

    def test_one_that_goes_while_it_is_waited_for_makes_room(self):
        with Supervisor(ONE) as s:
            s.wait_for("web", "running")
            for _ in range(300):
                client = s.client()
                client.send("wait", names=["web"], **{"for": "failed"})
                client.call("version")
                client.close()
            self.assertEqual(s.ask("version")["protocol"], 1)

    def test_all_that_is_queued_is_said_before_the_end(self):
        services = {f"s{i}": {"command": FOREVER} for i in range(20)}
        with Supervisor({"services": services}) as s:
            s.wait_until(lambda: all(s.states[name] == "running" for name in services))
            client = s.client()
            asked = {client.send("wait", names=[name], **{"for": "stopped"}) for name in services}
            client.send("subscribe")
            s.send_signal(signal.SIGTERM)
            answered, stopped = set(), set()
            while (message := client.read()) is not None:
                if message.get("id") in asked:
                    answered.add(message["id"])
                elif message.get("params", {}).get("to") == "stopped":
                    stopped.add(message["params"]["service"])
            self.assertEqual((answered, stopped), (asked, set(services)))
            client.close()
            self.assertEqual(s.wait(), 0)

    def test_two_hundred_requests_of_two_hundred_clients_are_answered_soon(self):
        services = {f"s{i}": {"command": FOREVER, "enabled": False} for i in range(200)}
        with Supervisor({"services": services}) as s:
            clients = [s.client() for _ in range(200)]
            begun = time.monotonic()
            for i, client in enumerate(clients):
                client.send("status", names=[f"s{i}"])
            for i, client in enumerate(clients):
                self.assertEqual(client.read()["result"]["services"][0]["name"], f"s{i}")
            took = time.monotonic() - begun
            for client in clients:
                client.close()
            if not os.environ.get("REEVE_SANITIZE"):
                self.assertLess(took, 1)    # 0.2 on a quiet machine; tests run side by side

    def test_the_socket_is_for_its_owner_alone(self):
        with Supervisor(ONE) as s:
            self.assertEqual(os.stat(s.socket_path).st_mode & 0o777, 0o600)
            self.assertEqual(os.stat(s.runtime).st_mode & 0o777, 0o700)

    def test_its_place_and_mode_can_be_chosen(self):
        with Supervisor({"supervisor": {"socket": {"path": "${D}/own.sock", "mode": "0660"}}, **ONE}, start=False) as s:
            s.socket_path = s.dir + "/own.sock"
            s.start()
            self.assertEqual(os.stat(s.socket_path).st_mode & 0o777, 0o660)
            s.ctl("status", status=0)


if __name__ == "__main__":
    unittest.main()
