"""The results as a table, as Markdown and as JSON."""

import datetime
import os

from bench import tables

HEADER = ["tracer", "CPU ratio", "wall ratio", "ns / page event", "own CPU", "RSS", "MB / M events", "lost",
          "peak off by", "attach"]

MEANING = """\
CPU ratio: user and system time per unit of work, traced / untraced, median of the pairs (and the middle half).
ns / page event: in all BPF programs of the tracer, less as many runs of an empty one. own CPU: of one core,
while the workload runs. MB / M events: written per million page events. peak off by: the largest difference
between the peak that the tracer would report and the kernel's own.
"""


def machine():
    return {
        "kernel": os.uname().release,
        "cpus": os.cpu_count(),
        "cpu": cpu_model(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def cpu_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return os.uname().machine


def mb_per_million(result):
    """Needs the number of page events in a unit of work, which only a counted run tells."""
    events_per_unit = result.get("page_events_per_unit")
    if result["written_bytes"] is None or not events_per_unit:
        return None
    return result["written_bytes"] / (result["units"] * events_per_unit)


def row(result):
    cost = result["programs"]
    share = result["user_cpu_share"]
    attach = result["attach_ns"]
    return [
        result["tracer"],
        tables.ratio(result["cpu_ratio"]),
        tables.ratio(result["wall_ratio"]),
        tables.number(cost and cost["above_floor_ns_per_event"]),
        tables.number(share and 100 * share["median"], "%"),
        tables.size(result["peak_rss_bytes"] or None),
        tables.number(mb_per_million(result), digits=2),
        "–" if result["lost"] is None else f"{result['lost']:,}",
        tables.error(result["peak_error"]),
        tables.number(attach["median"] / 1e6 if attach and attach["median"] else None, "ms", 0),
    ]


def groups(document):
    """[(heading, results)] by workload and place, in order."""
    found = {}
    for result in document["results"]:
        found.setdefault((result["workload"], result["place"]), []).append(result)
    what = {workload["name"]: workload["what"] for workload in document["workloads"]}
    return [(f"{what[name]}, {'in' if place == 'inside' else 'outside'} the target", results)
            for (name, place), results in found.items()]


def program_rows(results):
    rows = []
    for result in results:
        for program in (result["programs"] or {}).get("programs", []):
            rows.append([result["tracer"], program["name"], f"{program['runs']:,}",
                         tables.number(program["ns_per_run"]), tables.number(program["above_floor_ns_per_run"])])
    return rows


def floor_line(results):
    floors = [result["programs"]["floor_ns_per_run"] for result in results if result["programs"]]
    return f"An empty program beside them: {min(floors):.1f} to {max(floors):.1f} ns, the kernel's clock for the most."


PROGRAM_HEADER = ["tracer", "program", "runs", "ns / run", "above the empty one"]


def footer(document):
    lines = [f"{tracer}: not possible here: {reason}" for tracer, reason in document["not_possible"].items()]
    return lines + [f"{tracer}: its peak is {how}" for tracer, how in document["peak_is"].items() if how]


def render(document, table, heading, bullet):
    where = document["machine"]
    settings = document["settings"]
    text = (f"{where['kernel']}, {where['cpus']} CPUs ({where['cpu']}), {where['date']}, "
            f"{settings['pairs']} pairs\n\n{MEANING}\n")
    for title, results in groups(document):
        text += heading(title) + table(HEADER, [row(result) for result in results]) + "\n"
        rows = program_rows(results)
        if rows:
            text += table(PROGRAM_HEADER, rows) + "\n" + floor_line(results) + "\n\n"
    return text + "".join(bullet(line) for line in footer(document))


def as_text(document):
    return render(document, tables.text_table, lambda title: f"── {title}\n", lambda line: line + "\n")


def as_markdown(document):
    return render(document, tables.markdown_table, lambda title: f"### {title[0].upper()}{title[1:]}\n\n",
                  lambda line: f"- {line}\n")
