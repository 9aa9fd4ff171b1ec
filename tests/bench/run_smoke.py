"""tools/bench/run, for real but briefly: it ends, and its JSON and Markdown hold what they promise.

run_smoke.py RUN BUILD
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

RUN, BUILD = sys.argv[1:3]


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as directory:
            paths = [os.path.join(directory, name) for name in ("result.json", "result.md")]
            cls.done = subprocess.run(
                [RUN, "--quick", "--workload", "storm", "--tracer", "none,empty,memspike", "--build", BUILD,
                 "--json", paths[0], "--markdown", paths[1]], capture_output=True, text=True, timeout=240)
            if cls.done.returncode:
                raise AssertionError(cls.done.stderr)
            with open(paths[0], encoding="utf-8") as file:
                cls.document = json.load(file)
            with open(paths[1], encoding="utf-8") as file:
                cls.markdown = file.read()

    def result(self, tracer, place):
        found = [result for result in self.document["results"]
                 if result["tracer"].startswith(tracer) and result["place"] == place]
        self.assertTrue(found, f"nothing of {tracer} {place} the target")
        return found[0]

    def test_every_tracer_is_there_in_both_places(self):
        for place in ("inside", "outside"):
            for tracer in ("none", "empty", "memspike"):
                result = self.result(tracer, place)
                self.assertEqual(result["pairs"], 2)
                self.assertGreater(result["cpu_ratio"]["median"], 0.1)
                self.assertGreater(result["wall_ratio"]["median"], 0.1)
                self.assertGreater(result["untraced_cpu_ns_per_unit"]["median"], 0)

    def test_a_storm_is_page_events(self):
        # A page allocated and a page freed for each fault.
        self.assertGreater(self.result("memspike", "inside")["page_events_per_unit"], 1.5)

    def test_programs_have_their_times(self):
        programs = {program["name"]: program for program in self.result("memspike", "inside")["programs"]["programs"]}
        self.assertGreater(programs["on_page_alloc"]["runs"], 1000)
        self.assertGreater(programs["on_page_alloc"]["ns_per_run"], 0)

    def test_memspike_tells_the_peak_to_the_byte(self):
        result = self.result("memspike", "inside")
        self.assertEqual(result["peak_error"]["bytes"], 0)
        self.assertGreater(result["attach_ns"]["median"], 0)
        self.assertGreater(result["written_bytes"], 0)
        self.assertGreater(result["peak_rss_bytes"], 1 << 20)

    def test_each_tier_is_measured_or_named(self):
        named = list(self.document["not_possible"]) + [result["tracer"] for result in self.document["results"]]
        for tier in ("tracepoint", "charge"):
            self.assertIn(f"memspike ({tier})", named)
        for reason in self.document["not_possible"].values():
            self.assertTrue(reason)

    def test_the_tables_say_the_same(self):
        for text in (self.done.stdout, self.markdown):
            self.assertIn("memspike (", text)
            self.assertIn("empty programs", text)

    def test_nothing_is_left_behind(self):
        mount = "/sys/fs/cgroup/memory" if os.path.exists("/sys/fs/cgroup/memory/memory.usage_in_bytes") \
            else "/sys/fs/cgroup"
        own = [name for name in os.listdir(mount) if name.startswith("memspike-test-bench-")]
        self.assertEqual([name for name in own if not is_alive(name.split("-")[3])], [])


def is_alive(pid):
    return os.path.exists(f"/proc/{pid}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
