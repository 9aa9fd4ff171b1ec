"""A peak out of page events, as somebody would work it out who has nothing but those."""

import os
import re

HOW = "the running sum of the workload's pages allocated less those freed, by the name of the process"

# The kernel keeps 15 characters of a name.
LINE = re.compile(r"memspike-worklo\S*\s.*?mm_page_(alloc|free):.*?order=(\d+)")
PAGE_BYTES = os.sysconf("SC_PAGESIZE")


def peak_pages(lines):
    total = peak = 0
    for line in lines:
        event = LINE.search(line)
        if not event:
            continue
        pages = 1 << int(event.group(2))
        total += pages if event.group(1) == "alloc" else -pages
        peak = max(peak, total)
    return peak


def peak_bytes(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return peak_pages(file) * PAGE_BYTES
