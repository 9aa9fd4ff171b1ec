"""Guards against getting slower that count instead of timing: instructions, compared with a committed baseline.

guard.py core BINARY           of the core for each sample, as callgrind counts them
guard.py programs MEMSPIKE     of each hot BPF program, as the kernel translated it; needs root

MEMSPIKE_UPDATE_BASELINES=1 writes the baseline instead: read the diff before committing it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline.json")
UPDATE = os.environ.get("MEMSPIKE_UPDATE_BASELINES") == "1"

# callgrind's count of one build is the same to a few instructions; libraries and their choice by CPU are not.
CORE_TOLERANCE = 0.05
# The kernel rewrites some helper calls into instructions, other kernels others.
PROGRAM_TOLERANCE = 0.10
# Those that run at each page, or about as often; and those that only some kernels have.
HOT = ("on_page_alloc", "on_page_free", "on_memcg_event", "on_memcg_state")
BYTES_PER_INSTRUCTION = 8


def callgrind(binary, samples):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, str(samples)],
                          capture_output=True, text=True)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not counted:
        sys.exit(f"guard: callgrind failed: {done.stderr.strip()}")
    return int(counted.group(1))


def count_core(binary):
    """From the difference of two runs: without start-up."""
    few, many = 10_000, 40_000
    return {"instructions_per_sample": round((callgrind(binary, many) - callgrind(binary, few)) / (many - few))}


def program_ids(pid):
    """Of the programs that a process holds."""
    ids = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
            ids.update(int(number) for number in re.findall(r"^prog_id:\s+(\d+)", file.read(), re.MULTILINE))
    return ids


def wait_until_recording(process, log):
    deadline = time.monotonic() + 60
    while True:
        with open(log, encoding="utf-8") as file:
            said = file.read()
        if "recording;" in said:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"guard: memspike does not record: {said.strip()}")
        time.sleep(0.01)


def loaded_programs(memspike):
    with tempfile.TemporaryDirectory(prefix="memspike-test-") as directory:
        log = os.path.join(directory, "log")
        with open(log, "w", encoding="ascii") as err:
            process = subprocess.Popen([memspike, "record", "--pid", str(os.getpid()), "-o", f"{directory}/report"],
                                       stderr=err)
        try:
            wait_until_recording(process, log)
            ids = program_ids(process.pid)
            shown = subprocess.run(["bpftool", "prog", "show", "-j"], capture_output=True, text=True, check=True)
        finally:
            process.terminate()
            process.wait(60)
    return [program for program in json.loads(shown.stdout) if program["id"] in ids]


def count_programs(memspike):
    return {program["name"]: program["bytes_xlated"] // BYTES_PER_INSTRUCTION
            for program in loaded_programs(memspike) if program.get("name") in HOT}


def read_baseline():
    if not os.path.exists(BASELINE):
        return {}
    with open(BASELINE, encoding="utf-8") as file:
        return json.load(file)


def write_baseline(what, counts):
    baseline = {**read_baseline(), what: counts}
    with open(BASELINE, "w", encoding="utf-8") as file:
        file.write(json.dumps(baseline, indent=2, sort_keys=True) + "\n")


def verdicts(counts, expected, tolerance):
    """(line, whether it is fine) of each."""
    if not counts:
        yield "nothing was counted", False
    for name, count in sorted(counts.items()):
        if name not in expected:
            yield f"{name}: {count}, not in the baseline", False
            continue
        share = count / expected[name] - 1
        yield f"{name}: {count}, the baseline says {expected[name]} ({100 * share:+.1f} %)", share <= tolerance


def compare(what, counts, tolerance):
    results = list(verdicts(counts, read_baseline().get(what, {}), tolerance))
    for line, _ in results:
        print(line)
    if all(fine for _, fine in results):
        return
    sys.exit(f"guard: more than {100 * tolerance:.0f} % above tests/bench/baseline.json, or not in it. If that is "
             "meant: MEMSPIKE_UPDATE_BASELINES=1 and the same test again")


def main():
    what, binary = sys.argv[1:3]
    count, tolerance = {"core": (count_core, CORE_TOLERANCE), "programs": (count_programs, PROGRAM_TOLERANCE)}[what]
    counts = count(binary)
    if UPDATE:
        write_baseline(what, counts)
    compare(what, counts, tolerance)


if __name__ == "__main__":
    main()
