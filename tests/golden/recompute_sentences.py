"""Computes every sentence of a text report again from the JSON of the same report.

recompute_sentences.py JSON TEXT: TEXT is rendered so wide that each sentence is a line. A line with a number
in it, that is no picture, must be one of those that follow from the JSON; else it is printed, and the exit code
is 1. Names and reasons are wildcards: it is the numbers that are judged.
"""
import json
import re
import sys

from spoken import ANY, Subject, counted, grouped, share, size, span
from told_of_subjects import TOLD

PICTURE = re.compile(r"[│┤└┬▏▎▍▌▋▊▉█⋮]|^p50 |"
                     r"^(height|headroom|rise|width|slope per second|peak to peak) \d|"
                     r"^[\d.]+( [KMG]?i?B)? – [\d.]+ \S+$|^([\d:.-]+( [mµ]?s)? )*[\d:.-]+( [mµ]?s)?$")
# Titles, names and places in code.
NO_SENTENCE = re.compile(r"^(memspike|──|cgroup /|/|hooks|kernel: |log |note |time \(UTC\)|[\\<>(])|"
                         r", cgroup v\d, \w+ tier$| ← ")


def stacks(report):
    known = report.get("stack_pages")
    if not known:
        return
    for stack in report["stacks"]:
        yield f"{share(stack['pages'], known['total'])} {counted(stack['pages'], 'page')}, {ANY}"
    for shown in range(len(report["stacks"])):
        yield f"… and {len(report['stacks']) - shown} more places: {ANY}"
    overflow = counted(known["overflow"], "page was", "pages were")
    yield f"{overflow} charged from more places than are told apart"
    for pid in {stack["pid"] for stack in report["stacks"]}:
        of_process = [stack for stack in report["stacks"] if stack["pid"] == pid]
        cut = sum(stack["pages"] for stack in of_process if stack["cut_short"])
        pages = share(cut, sum(stack["pages"] for stack in of_process))
        yield f"{pages} of the pages of {ANY} (pid {pid}) have a stack that is cut short"


def session(report, subjects):
    known = report["session"]
    start = known["start_utc"]
    yield f"from {start[:10]} {start[11:19]} UTC, for {span(known['duration_ns'])}"
    yield f"from {start[:10]} {start[11:19]} UTC, for {span(known['duration_ns'])} · uid {ANY}"
    lost = {name: count for name, count in report["lost"].items() if name != "program_recursion"}
    total = sum(lost.values())
    yield f"▲ {counted(total, 'record was', 'records were')} lost: see the end of this report"
    named = " · ".join(f"{name.replace('_', ' ')} {grouped(count)}" for name, count in lost.items() if count)
    yield f"LOST {named}. New highs are exact nevertheless{ANY}"
    skipped = report["lost"].get("program_recursion", 0)
    yield f"{counted(skipped, 'firing')} anywhere on the node skipped by the kernel (recursion)"
    if subjects:
        peak = max(subject.peak["peak_bytes"] for subject in subjects)
        threshold = size(known["min_prominence_bytes"])
        yield f"● all quiet: no rise of {threshold} or more, no OOM kill; usage {ANY} at {size(peak)}"
        yield f"● nothing to report: usage stayed at {size(peak)}"
    gap = span(known["max_sample_gap_ns"])
    pairs = [(life["usage"]["peak_bytes"], life["kernel_peak_bytes"]) for subject in subjects
             for life in subject.lives if life["kernel_peak_bytes"] is not None]
    different = sum(1 for ours, theirs in pairs if ours != theirs)
    peaks = "the peak is equal to the kernel's, to the byte"
    if different:
        peaks = f"{grouped(different)} of {grouped(len(pairs))} peaks differ from the kernel's: {ANY}"
    elif len(pairs) != 1:
        peaks = f"each of {grouped(len(pairs))} peaks is equal to the kernel's, to the byte" if pairs else (
            "no peak of the kernel's to compare with")
    yield f"peaks {peaks} · no look missed for more than {gap}"
    period = span(known["sweep_period_ns"])
    yield f"sweep every {period}; longest time without a look at an active counter: {gap}"
    yield "events " + " · ".join(f"{name.replace('_', ' ')} {grouped(count)}"
                                 for name, count in report["events"].items())
    yield f"notes {counted(len(report['notes']), 'note')}: --section recording"
    itself = report["self"]
    if itself:
        core = share(itself["cpu_ns"], itself["duration_ns"])
        yield f"cost {core} of a core, {size(itself['peak_rss_bytes'])} of memory, {known['tier']} tier"
        cpu, wall = span(itself["cpu_ns"]), span(itself["duration_ns"])
        yield (f"itself {core} of a core ({cpu} of CPU time in {wall}), "
               f"{size(itself['peak_rss_bytes'])} of memory at most, "
               f"{size(itself['map_bytes'])} of the kernel's in BPF maps")
        if itself["ns_per_event"] is not None:
            each = " · ".join(f"{program['program']} {grouped(program['runs'])} at "
                              f"{span(program['ns'] // program['runs'])}" for program in itself["programs"])
            yield f"{span(itself['ns_per_event'])} an event: {each}. {ANY}"
    yield f"… and {ANY} more"


def expected(report):
    subjects = [Subject(report, subject) for subject in report["subjects"]]
    sentences = set(session(report, subjects)) | set(stacks(report))
    for subject in subjects:
        for part in TOLD:
            sentences.update(part(subject))
    return [sentence.split(ANY) for sentence in sentences]


def says(line, parts):
    """Whether the line has all parts, in order, from its begin to its end."""
    if len(parts) == 1:
        return line == parts[0]
    end = len(line) - len(parts[-1])
    if not line.startswith(parts[0]) or not line.endswith(parts[-1]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = line.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return at <= end


def sentences_of(text):
    for line in text.splitlines():
        line = " ".join(line.split())
        if re.search(r"\d", line) and not PICTURE.search(line) and not NO_SENTENCE.search(line):
            yield line


# Their numbers are the words' own.
FIXED = ("of all moments to start looking; to see the peak is to show 90 % of it",
         "every half show up to 95 % up to see the peak look at all")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        text = file.read()
    known = expected(report)
    judged = 0
    wrong = []
    for line in sentences_of(text):
        if line in FIXED:
            continue
        judged += 1
        if not any(says(line, parts) for parts in known):
            wrong.append(line)
    for line in wrong:
        print(f"does not follow from the JSON: {line}")
    print(f"{judged} sentences")
    return 1 if wrong or judged == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
