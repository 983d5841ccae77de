"""Services that are made of one definition: NAME@INSTANCE, and NAME for all of them."""
import json
import unittest

from harness import FOREVER, Supervisor

CONFIG = {"services": {
    "web": {"command": ["/bin/sh", "-c", "echo I am ${SERVICE}, $REEVE_SERVICE; exec sleep 1000"],
            "instances": ["a", "b"], "requires": ["db"]},
    "db": {"command": FOREVER, "instances": 2},
    "webber": {"command": FOREVER},
}}


class OneDefinition(unittest.TestCase):
    def setUp(self):
        self.s = self.enterContext(Supervisor(CONFIG))
        for name in ("web@a", "web@b", "db@1", "db@2", "webber"):
            self.s.wait_for(name, "running")

    def names_of(self, *verb):
        return [service["name"] for service in json.loads(self.s.ctl("--json", *verb, status=0).stdout)["services"]]

    def test_makes_services_that_are_told_apart(self):
        self.assertEqual(self.names_of("status"), ["db@1", "db@2", "web@a", "web@b", "webber"])
        self.assertEqual(len({self.s.pid(name) for name in ("web@a", "web@b", "db@1", "db@2")}), 4)
        self.s.ctl("stop", "web", status=0)
        self.assertEqual(self.s.log_texts("web@b"), ["I am web@b, web@b"])

    def test_is_meant_as_a_whole_by_its_name(self):
        self.assertEqual(self.names_of("status", "web"), ["web@a", "web@b"])
        self.assertEqual(self.names_of("status", "web", "db@2"), ["db@2", "web@a", "web@b"])
        self.s.ctl("stop", "web", status=0)
        self.s.settle()
        self.assertEqual({name: self.s.states[name] for name in ("web@a", "web@b", "webber")},
                         {"web@a": "stopped", "web@b": "stopped", "webber": "running"})
        self.assertEqual(self.s.ctl("is-active", "web", status=3).stdout, "stopped\nstopped\n")

    def test_is_meant_by_those_who_require_it(self):
        self.s.ctl("stop", "db", status=0)
        self.s.settle()
        self.assertEqual(self.s.states["web@a"], "stopped")
        self.s.ctl("start", "web@b", status=0)
        self.s.settle()
        self.assertEqual({self.s.states[name] for name in ("db@1", "db@2", "web@b")}, {"running"})
        self.assertEqual(self.s.states["web@a"], "stopped")

    def test_has_logs_and_events_under_its_name(self):
        self.s.ctl("stop", "web", status=0)
        lines = [json.loads(line) for line in self.s.ctl("--json", "logs", "web", status=0).stdout.splitlines()]
        self.assertEqual({line["service"] for line in lines}, {"web@a", "web@b"})
        events = [json.loads(line) for line in self.s.ctl("--json", "events", "web", status=0).stdout.splitlines()]
        self.assertEqual({event["service"] for event in events}, {"web@a", "web@b"})

    def test_is_suggested_for_what_is_almost_its_name(self):
        self.assertIn("did you mean web?", self.s.ctl("stop", "wbe", status=4).stderr)

    def test_is_written_down_one_by_one(self):
        document = self.s.ctl("cat", "web", status=0).stdout
        self.s.write_config(document.rstrip() + "\n  db@1: {command: [sleep, '1000']}\n  db@2: {command: [sleep, '1000']}\n")
        self.s.ctl("check", self.s.config_path, status=0)
        self.assertIn("web@a:", document)
        self.assertIn("requires: [db@1, db@2]", document)

    def test_grows_and_shrinks(self):
        kept = self.s.pid("db@2")
        self.s.write_config({"services": {**CONFIG["services"], "db": {"command": FOREVER, "instances": [2, 3]}}})
        self.s.ctl("apply", status=0)
        self.assertEqual(self.names_of("status", "db"), ["db@2", "db@3"])
        self.assertEqual(self.s.pid("db@2"), kept)
