"""What each BPF program costs, by the kernel's own count (kernel.bpf_stats_enabled)."""

import contextlib
import json
import subprocess

SETTING = "/proc/sys/kernel/bpf_stats_enabled"
EMPTY = ("empty_alloc", "empty_free")


@contextlib.contextmanager
def counting():
    """The kernel times every run of every program meanwhile, which itself costs two looks at the clock."""
    with open(SETTING, encoding="ascii") as file:
        before = file.read().strip()
    set_to("1")
    try:
        yield
    finally:
        set_to(before)


def set_to(value):
    with open(SETTING, "w", encoding="ascii") as file:
        file.write(value)


def snapshot():
    """{id: (name, runs, ns, runs skipped by the kernel)} of all loaded programs."""
    shown = subprocess.run(["bpftool", "prog", "show", "-j"], capture_output=True, text=True, check=True)
    return {
        program["id"]: (program.get("name", program["type"]), program.get("run_cnt", 0), program.get("run_time_ns", 0),
                        program.get("recursion_misses", 0))
        for program in json.loads(shown.stdout)
    }


def moved(before, after):
    """[{name, runs, ns, skipped}] of the programs that ran in between."""
    result = []
    for program_id, (name, runs, ns, skipped) in after.items():
        _, runs_before, ns_before, skipped_before = before.get(program_id, (name, 0, 0, 0))
        if runs > runs_before:
            result.append({"id": program_id, "name": name, "runs": runs - runs_before, "ns": ns - ns_before,
                           "skipped": skipped - skipped_before})
    return result


def split(programs):
    """The empty ones by name, and the tracer's."""
    empty = by_name([program for program in programs if program["name"] in EMPTY])
    return empty, [program for program in programs if program["name"] not in EMPTY]


def by_name(programs):
    return {program["name"]: program for program in programs}


def runs(empty):
    """Page events: each runs one of the empty programs, which are by name."""
    return sum(program["runs"] for program in empty.values())


def cost(own, empty, page_events):
    """What all of a tracer's programs took for each page event. None where no page event was seen.

    The kernel's count has the clock in it, as often as a program ran; so have the empty programs (by name),
    which take next to nothing else. What is above them is the tracer's.
    """
    if not page_events:
        return None
    floor_ns = sum(program["ns"] for program in empty.values()) / runs(empty)
    above_ns = sum(program["ns"] - program["runs"] * floor_of(program, empty, floor_ns) for program in own)
    return {
        "page_events": page_events,
        "floor_ns_per_run": floor_ns,
        "above_floor_ns_per_event": above_ns / page_events,
        "programs": [mean(program, floor_of(program, empty, floor_ns))
                     for program in sorted(own, key=lambda program: -program["ns"])],
    }


def floor_of(program, empty, floor_ns):
    """Of the empty program on the same hook where the name tells the hook, else of both. ns per run."""
    twin = empty.get({"on_page_alloc": "empty_alloc", "on_page_free": "empty_free"}.get(program["name"]))
    return twin["ns"] / twin["runs"] if twin else floor_ns


def mean(program, floor_ns):
    ns_per_run = program["ns"] / program["runs"]
    return {"name": program["name"], "runs": program["runs"], "ns_per_run": ns_per_run,
            "above_floor_ns_per_run": ns_per_run - floor_ns, "skipped": program["skipped"]}
