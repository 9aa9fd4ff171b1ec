"""What a process holds: memory, descriptors, and entries in its BPF maps. What grows and grows is a leak."""

import json
import os
import re
import subprocess

from bench.processes import listdir, read_text, status_kib


def map_ids(pid):
    ids = set()
    for fd in listdir(f"/proc/{pid}/fdinfo"):
        ids.update(re.findall(r"^map_id:\s+(\d+)", read_text(f"/proc/{pid}/fdinfo/{fd}"), re.MULTILINE))
    return ids


def bpftool(*arguments):
    done = subprocess.run(["bpftool", "-j", "map", *arguments], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None


def map_entries(pid):
    """Of the maps that grow: arrays have all of theirs from the beginning."""
    total = 0
    for map_id in map_ids(pid):
        shown = bpftool("show", "id", map_id)
        if shown and "hash" in shown.get("type", ""):
            total += len(bpftool("dump", "id", map_id) or [])
    return total


def of(pid):
    return {"rss_bytes": 1024 * status_kib(pid, "VmRSS"), "fds": len(os.listdir(f"/proc/{pid}/fd")),
            "map_entries": map_entries(pid)}
