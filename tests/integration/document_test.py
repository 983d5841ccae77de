"""docs/protocol.md is enough to write a client from: one that was made so drives a real supervisor."""
import os
import unittest
from unittest import mock

from document_client import Reeve, ReeveError, find
from harness import FOREVER, Supervisor

CONFIG = {"services": {"web": {"command": FOREVER, "requires": ["db"]}, "db": {"command": FOREVER}}}


class Document(unittest.TestCase):
    def setUp(self):
        self.s = self.enterContext(Supervisor(CONFIG))
        self.s.wait_for("web", "running")
        self.reeve = self.enterContext(Reeve(self.s.socket_path))

    def outcome(self, method, **params):
        """(service, ok, code, state) of each result."""
        return [(r["service"], r["ok"], r["code"], r["state"]) for r in self.reeve.call(method, **params)["results"]]

    def test_hello_and_version_say_who_is_there(self):
        version = self.reeve.call("version")
        self.assertEqual({key: self.reeve.supervisor[key] for key in version}, version)
        self.assertEqual(self.reeve.supervisor["pid"], self.s.reeved_pid)
        self.assertEqual(self.reeve.supervisor["runtime_dir"], self.s.runtime)

    def test_status_has_the_services_that_a_glob_and_a_name_select_once_each(self):
        services = self.reeve.call("status", names=["w*", "web", "db"])["services"]
        self.assertEqual([(s["name"], s["state"], s["ready"]) for s in services],
                         [("db", "running", True), ("web", "running", True)])

    def test_a_command_is_answered_at_its_outcome(self):
        self.assertEqual(self.outcome("stop", names=["db"], timeout=60), [("db", True, 0, "stopped")])
        self.assertEqual(self.reeve.call("status", names=["web"])["services"][0]["state"], "stopped")
        self.assertEqual(self.outcome("kill", names=["db", "web"]), [("db", False, 3, "stopped"), ("web", False, 3, "stopped")])

    def test_a_name_that_selects_nothing_is_an_error_with_the_nearest_one(self):
        with self.assertRaises(ReeveError) as refused:
            self.reeve.call("restart", names=["wbe"])
        error = refused.exception.args[0]
        self.assertEqual((error["code"], error["data"]), (4, {"services": ["wbe"], "nearest": "web"}))

    def test_wait_is_answered_when_all_are_so_or_at_its_timeout(self):
        self.assertEqual(self.outcome("wait", names=["*"]), [("db", True, 0, "running"), ("web", True, 0, "running")])
        self.assertEqual(self.outcome("wait", names=["web"], timeout=0, **{"for": "stopped"}), [("web", False, 7, "running")])

    def test_why_leads_to_what_holds_a_service_up(self):
        self.reeve.call("stop", names=["db"])
        self.s.write_config({"services": {**CONFIG["services"], "db": {"command": ["/no/such/program"], "restart": "never"}}})
        self.reeve.call("apply")
        self.reeve.call("start", names=["web"])
        why = self.reeve.call("why", name="web")
        self.assertEqual((why["state"], [(b["service"], b["relation"], b["state"]) for b in why["because"]]),
                         ("waiting", [("db", "requires", "failed")]))

    def test_events_tell_of_a_restart_before_and_after_subscribing(self):
        restart = ["stopping", "stopped", "starting", "running"]
        self.reeve.call("restart", names=["web"])
        events = self.reeve.events(history=4)
        told = [next(events) for _ in range(6)]
        self.assertEqual([(e["event"], e["service"], e["to"]) for e in told],
                         [*(("state", "web", state) for state in restart),
                          ("snapshot", "db", "running"), ("snapshot", "web", "running")])
        self.reeve.call("restart", names=["web"])
        after = [next(events) for _ in restart]
        self.assertEqual([(e["event"], e["to"]) for e in after], [("state", state) for state in restart])
        self.assertEqual([e["seq"] for e in after], [told[-1]["seq"] + i for i in range(1, 5)])

    def test_the_end_of_the_connection_is_the_sign_that_a_shutdown_is_over(self):
        events = self.reeve.events()
        next(events)
        self.reeve.call("shutdown")
        self.assertIn("shutdown", [e["event"] for e in events])
        self.assertEqual(self.s.wait(), 0)

    def test_the_socket_is_found_by_what_the_environment_names(self):
        unset = {"REEVE_SOCKET": "", "REEVE_RUNTIME_DIR": ""}
        for named in ({"REEVE_RUNTIME_DIR": self.s.runtime},
                      {"REEVE_SOCKET": self.s.socket_path, "REEVE_RUNTIME_DIR": "/nowhere"}):
            with mock.patch.dict(os.environ, unset | named), Reeve() as reeve:
                self.assertEqual(reeve.supervisor["pid"], self.s.reeved_pid)
        with mock.patch.dict(os.environ, unset):
            self.assertEqual(find()[0][-1], "/run/reeve/control.sock")


if __name__ == "__main__":
    unittest.main()
