#!/usr/bin/env python3
"""Checks found spikes against the real scipy, and that the check itself can fail.

    spike_oracle.py SERIES.jsonl

One series a line: {"min_prominence_bytes", "points": [[ns, bytes], …], "spikes": [{…}, …]}.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile

ORACLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "oracle")
sys.path.insert(0, ORACLE)
sys.dont_write_bytecode = True  # the source tree stays clean

from scipy_spikes import EXACT, ROUNDED, compare  # noqa: E402


def tampered(spikes):
    """Copies of the spikes, each wrong in one way."""
    yield "one missing", spikes[1:]
    yield "one twice", spikes + spikes[:1]
    for name in EXACT + ROUNDED:
        wrong = dict(spikes[-1])
        wrong[name] += 3
        yield name, spikes[:-1] + [wrong]


def run_on_files(series):
    """The exit status of the command line on all series, one memcg each."""
    # A hostile name must neither break the grouping nor the terminal.
    names = [f'/kubepods/pod-{i},"quoted"\n' for i in range(len(series))]
    with tempfile.TemporaryDirectory() as folder:
        timeline = os.path.join(folder, "timeline.csv")
        report = os.path.join(folder, "report.json")
        with open(timeline, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["monotonic_ns", "memcg", "usage_bytes", "watermark_bytes", "limit_bytes", "mark"]
            )
            for name, one in zip(names, series):
                writer.writerows([ns, name, usage, usage, "", ""] for ns, usage in one["points"])
        memcgs = [{"path": name, "spikes": one["spikes"]} for name, one in zip(names, series)]
        session = {"min_prominence_bytes": series[0]["min_prominence_bytes"]}
        with open(report, "w", encoding="utf-8") as file:
            json.dump({"session": session, "memcgs": memcgs}, file)
        program = [sys.executable, os.path.join(ORACLE, "scipy_spikes.py"), timeline, report]
        return subprocess.run(program, stdout=subprocess.DEVNULL, check=False).returncode


def main(path):
    failures = []
    checked = spikes_seen = 0
    usable = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            series = json.loads(line)
            points = series["points"]
            times = [point[0] for point in points]
            usage = [point[1] for point in points]
            threshold = series["min_prominence_bytes"]
            for problem in compare(times, usage, series["spikes"], threshold):
                failures.append(f"series {number}: {problem}")
            spikes = [s for s in series["spikes"] if s["outcome"] != "ongoing"]
            if spikes and number % 50 == 0:
                usable.append(series)
                for what, wrong in tampered(spikes):
                    if not compare(times, usage, wrong, threshold):
                        failures.append(f"series {number}: tampering went unnoticed: {what}")
            checked += 1
            spikes_seen += len(spikes)

    first = usable[:1]
    if run_on_files(first) != 0:
        failures.append("the command line rejects what agrees")
    first[0]["spikes"] = next(tampered(first[0]["spikes"]))[1]
    if run_on_files(first) != 1:
        failures.append("the command line accepts what differs")

    for failure in failures[:20]:
        print(failure)
    print(f"{checked} series, {spikes_seen} spikes, {len(failures)} failures")
    return 1 if failures or spikes_seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
