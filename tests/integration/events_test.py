"""What subscribers are told: everything, in order, and what they missed if they do not keep up."""
import os
import signal
import unittest

from harness import FOREVER, Supervisor, shell

FLAPPING = {"command": shell("exit 1"), "backoff": {"initial": "1ms", "max": "1ms"}}


class Subscribers(unittest.TestCase):
    def read_event(self, client):
        return client.read()["params"]

    def test_a_snapshot_comes_first_in_order_of_name(self):
        with Supervisor({"services": {"b": {"command": FOREVER}, "a": {"command": FOREVER, "enabled": False}}}) as s:
            s.wait_for("b", "running")
            client = s.client()
            client.result("subscribe")
            first, second = self.read_event(client), self.read_event(client)
            self.assertEqual([(e["event"], e["service"], e["from"], e["to"]) for e in (first, second)],
                             [("snapshot", "a", None, "stopped"), ("snapshot", "b", None, "running")])
            self.assertEqual(second["pid"], s.pid("b"))
            s.ctl("stop", "b", status=0)
            change = self.read_event(client)
            self.assertEqual((change["event"], change["service"], change["to"]), ("state", "b", "stopping"))
            self.assertEqual(change["seq"], second["seq"] + 1)
            client.close()

    def test_history_comes_before_the_snapshot(self):
        with Supervisor({"services": {"a": {"command": FOREVER}}}) as s:
            s.wait_for("a", "running")
            s.ctl("restart", "a", status=0)
            client = s.client()
            client.result("subscribe", history=2)
            told = [self.read_event(client) for _ in range(3)]
            self.assertEqual([(e["event"], e["to"]) for e in told],
                             [("state", "starting"), ("state", "running"), ("snapshot", "running")])
            self.assertEqual(s.ask("events", limit=2)["events"], told[:2])
            client.close()

    def test_many_subscribers_are_all_told_the_same(self):
        with Supervisor({"services": {"a": FLAPPING}}) as s:
            clients = [s.client() for _ in range(50)]
            for client in clients:
                client.result("subscribe")
            for _ in range(30):
                s.wait_for_change("a", "backoff")
            s.ctl("stop", "a", status=0)
            told = []
            for client in clients:
                events = {}
                while (event := self.read_event(client))["to"] != "stopped" or event["event"] == "snapshot":
                    if event["event"] == "state":
                        events[event["seq"]] = event
                self.assertEqual(list(events), list(range(min(events), max(events) + 1)))
                told.append(events)
                client.close()
            common = set.intersection(*(set(events) for events in told))
            self.assertGreater(len(common), 20)
            for number in common:
                self.assertEqual(len({str(events[number]) for events in told}), 1)

    def test_one_that_does_not_read_is_told_what_it_lost_and_how_things_are(self):
        services = {f"s{i:02}": {"command": FOREVER, "enabled": False} for i in range(3)}
        # Each of its events takes some 3,000 bytes.
        talkative = {"command": ["/no/" + "x" * 3000], "backoff": {"initial": "1ms", "max": "1ms"}}
        with Supervisor({"services": {**services, "a": talkative}}) as s:
            slow = s.client()
            slow.result("subscribe")
            # Until more than it may leave unread has happened.
            first = s.next_event()["seq"]
            while s.next_event()["seq"] < first + 1500:
                pass
            s.ctl("stop", "a", status=0)
            expected = missed = 0
            while (event := self.read_event(slow))["event"] != "lost":
                if event["event"] == "state":
                    if expected:
                        self.assertEqual(event["seq"], expected)
                    expected = event["seq"] + 1
            missed = event["missed"]
            self.assertEqual(event["seq"], expected - 1 + missed)
            snapshot = [self.read_event(slow) for _ in range(4)]
            self.assertEqual([(e["event"], e["service"], e["to"]) for e in snapshot],
                             [("snapshot", "a", "stopped"), *(("snapshot", f"s{i:02}", "stopped") for i in range(3))])
            s.ctl("start", "s00", status=0)
            after = self.read_event(slow)
            self.assertEqual((after["event"], after["service"], after["seq"]), ("state", "s00", event["seq"] + 1))
            slow.close()

    def test_one_that_keeps_up_loses_nothing_however_many_services_there_are(self):
        # A picture of so many takes more than anybody may leave unread.
        services = {f"a-service-with-a-long-name-{i:05}": {"command": FOREVER, "enabled": False} for i in range(9000)}
        with Supervisor({"services": services}) as s:
            first = s.events.result("version") and f"a-service-with-a-long-name-{0:05}"
            for _ in range(5):
                s.ctl("start", first, status=0)
                s.ctl("stop", first, status=0)
            s.wait_until(lambda: len(s.moves(first)) >= 20)
            self.assertEqual([e for e in s.all_events if e["event"] == "lost"], [])

    def test_reloads_and_the_shutdown_are_told_with_their_reason(self):
        with Supervisor({"services": {"a": {"command": FOREVER}}}) as s:
            s.wait_for("a", "running")
            s.write_config({"services": {"a": {"command": FOREVER}, "b": {"command": FOREVER}}})
            s.send_signal(signal.SIGHUP)
            s.wait_for("b", "running")
            s.write_config({"services": {"a": {"command": FOREVER}, "c": {"command": FOREVER, "enabled": False}}})
            s.send_signal(signal.SIGHUP)
            while s.next_event()["event"] != "removed":
                pass
            self.assertEqual((s.all_events[-1]["service"], s.states["c"]), ("b", "stopped"))
            s.write_config("services: [")
            s.send_signal(signal.SIGHUP)
            while s.next_event()["event"] != "configuration":
                pass
            s.send_signal(signal.SIGTERM)
            while s.next_event()["event"] != "shutdown":
                pass
            self.assertEqual(s.wait(), 0)
            told = [e["cause"] for e in s.all_events if e["event"] in ("configuration", "shutdown")]
            self.assertEqual(told, ["applied: 1 added", "applied: 1 added, 1 removed", "refused: it is not valid", "asked by SIGTERM"])


class Socket(unittest.TestCase):
    def test_a_deleted_one_comes_back_by_itself(self):
        with Supervisor({"services": {"a": {"command": FOREVER}}}) as s:
            s.wait_for("a", "running")
            os.unlink(s.socket_path)
            # The answer comes after what was noticed before; then it is there again.
            while not os.path.exists(s.socket_path):
                s.events.call("version")
            s.settle()      # its answer comes once whatever put it there is through
            s.ctl("status", "a", status=0)

    def test_so_does_one_whose_folder_was_deleted_with_it(self):
        with Supervisor({"supervisor": {"socket": {"path": "${D}/place/own.sock"}}, "services": {"a": {"command": FOREVER}}},
                        start=False) as s:
            s.socket_path = s.dir + "/place/own.sock"
            os.mkdir(s.dir + "/place")
            s.start()
            s.wait_for("a", "running")
            os.rename(s.dir + "/place", s.dir + "/elsewhere")
            s.send_signal(signal.SIGHUP)
            while not os.path.exists(s.socket_path):
                s.events.call("version")
            s.settle()      # its answer comes once whatever put it there is through
            s.ctl("status", "a", status=0)


if __name__ == "__main__":
    unittest.main()
