#!/usr/bin/env python3
"""Compares memspike's spikes with scipy.signal on the same timeline.

    scipy_spikes.py TIMELINE.csv REPORT.json

TIMELINE.csv is what `memspike record -f csv` writes (monotonic_ns, memcg, usage_bytes, …),
REPORT.json what `-f json` writes for the same recording. For every memcg of the report, its
spikes other than the one still ongoing must be those of find_peaks(prominence=…) and
peak_widths on its rows (rel_height 0.5 for the width, 0.1 for the crest, 0.9 and 0.1 for the
rise), interpolated in time. One line a
memcg; exit 1 when any differs.
"""

import csv
import json
import sys

import numpy as np
from scipy.signal import find_peaks, peak_widths

# Two roundings to whole nanoseconds may differ by one.
TOLERANCE_NS = 1

EXACT = ("peak_ns", "peak_bytes", "prominence_bytes", "left_base_ns", "right_base_ns")
ROUNDED = ("width_ns", "rise_ns", "crest_ns", "crest_rise_ns")


def _left_crossing(times, values, ips, heights):
    """(row, offset): scipy's left crossings, put on the time axis."""
    rows = np.floor(ips).astype(np.int64)
    # A fraction just below one may have been rounded up to the next row.
    rows = np.where(values[rows] > heights, rows - 1, rows)
    after = np.minimum(rows + 1, len(values) - 1)
    share = (heights - values[rows]) / (values[after] - values[rows])
    return times[rows], share * (times[after] - times[rows])


def _right_crossing(times, values, ips, heights):
    rows = np.ceil(ips).astype(np.int64)
    rows = np.where(values[rows] > heights, rows + 1, rows)
    share = (heights - values[rows]) / (values[rows - 1] - values[rows])
    return times[rows], -share * (times[rows] - times[rows - 1])


def _difference(start, end):
    """Nanoseconds from start to end; whole rows apart as integers, for doubles are too coarse."""
    return end[0] - start[0] + np.rint(end[1] - start[1]).astype(np.int64)


def scipy_spikes(times_ns, usage_bytes, min_prominence_bytes):
    """The spikes of one series as a list of dicts with the keys EXACT and ROUNDED."""
    times = np.asarray(times_ns, dtype=np.int64)
    exact = np.asarray(usage_bytes, dtype=np.int64)
    values = exact.astype(np.float64)
    if len(exact) < 3:
        return []  # peak_widths refuses the shortest series, which have no peaks
    if exact.max() >= 2**53:
        raise ValueError("usage beyond 2^53 bytes: scipy cannot tell neighbours apart")
    peaks, found = find_peaks(values, prominence=min_prominence_bytes)
    if len(peaks) == 0:
        return []
    known = (found["prominences"], found["left_bases"], found["right_bases"])
    _, heights, left, right = peak_widths(values, peaks, rel_height=0.5, prominence_data=known)
    widths = _difference(
        _left_crossing(times, values, left, heights), _right_crossing(times, values, right, heights)
    )
    _, low_heights, low, _ = peak_widths(values, peaks, rel_height=0.9, prominence_data=known)
    _, high_heights, high, end = peak_widths(values, peaks, rel_height=0.1, prominence_data=known)
    high_left = _left_crossing(times, values, high, high_heights)
    rises = _difference(_left_crossing(times, values, low, low_heights), high_left)
    crests = _difference(high_left, _right_crossing(times, values, end, high_heights))
    crest_rises = _difference(high_left, (times[peaks], np.zeros(len(peaks))))
    columns = (
        times[peaks],
        exact[peaks],
        found["prominences"].astype(np.int64),
        times[found["left_bases"]],
        times[found["right_bases"]],
        widths,
        rises,
        crests,
        crest_rises,
    )
    return [dict(zip(EXACT + ROUNDED, map(int, row))) for row in zip(*columns)]


def _key(spike):
    return tuple(int(spike[name]) for name in EXACT + ROUNDED)


def compare(times_ns, usage_bytes, spikes, min_prominence_bytes):
    """Differences between `spikes` (dicts; those with outcome "ongoing" are left out) and
    scipy's on the series, as a list of lines; empty when they agree."""
    ours = sorted((s for s in spikes if s.get("outcome") != "ongoing"), key=_key)
    theirs = sorted(scipy_spikes(times_ns, usage_bytes, min_prominence_bytes), key=_key)
    problems = []
    if len(ours) != len(theirs):
        problems.append(f"{len(ours)} spikes, scipy finds {len(theirs)}")
    for our, their in zip(ours, theirs):
        for name in EXACT + ROUNDED:
            allowed = TOLERANCE_NS if name in ROUNDED else 0
            if abs(int(our[name]) - their[name]) > allowed:
                problems.append(
                    f"spike at {our['peak_ns']}: {name} is {our[name]}, scipy says {their[name]}"
                    f" (its spike at {their['peak_ns']})"
                )
    return problems


def read_timelines(path):
    """memcg path -> (times_ns, usage_bytes), rows in the order of the file."""
    timelines = {}
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        for row in csv.DictReader(file):
            times, usage = timelines.setdefault(row["memcg"], ([], []))
            times.append(int(row["monotonic_ns"]))
            usage.append(int(row["usage_bytes"]))
    return timelines


def main(arguments):
    if len(arguments) != 2:
        print("usage: scipy_spikes.py TIMELINE.csv REPORT.json", file=sys.stderr)
        return 2
    timelines = read_timelines(arguments[0])
    with open(arguments[1], encoding="utf-8", errors="surrogateescape") as file:
        report = json.load(file)
    min_prominence_bytes = report["session"]["min_prominence_bytes"]
    failed = False
    reported = set()
    for memcg in report["memcgs"]:
        path = memcg["path"]
        reported.add(path)
        times, usage = timelines.get(path, ([], []))
        problems = compare(times, usage, memcg["spikes"], min_prominence_bytes)
        failed = failed or bool(problems)
        verdict = "differs" if problems else "agrees"
        print(f"{path!r}: {len(times)} rows, {len(memcg['spikes'])} spikes: {verdict}")
        for problem in problems[:20]:
            print(f"    {problem}")
        if len(problems) > 20:
            print(f"    and {len(problems) - 20} more")
    for path in sorted(set(timelines) - reported):
        failed = True
        print(f"{path!r}: in the timeline but not in the report")
    if not reported:
        failed = True
        print("the report has no memcg: nothing was compared")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
