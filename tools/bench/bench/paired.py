"""Real programs under tracers, each traced run beside an untraced one; and what comes out as tables."""

import dataclasses
import os
import tempfile

from bench import applications, output, stats, tables
from bench.applications import throughput
from bench.cgroups import AccountedCgroup, work_and_target
from bench.measure import PLACES, attempt, rotated
from bench.tracers import BpftraceCount, Context, Memspike, Nothing, Perf

HEADER = ["tracer", "pairs", "CPU time a unit", "throughput", "p99", "own CPU", "peak RSS"]
MEANING = """\
CPU time a unit: of the server's cgroup, for each unit of work, traced / untraced, median of the pairs (and the
middle half). throughput and p99 likewise; they are elapsed time, and other programs' share of the CPUs is in them.
own CPU: the tracer's own, of one core. The row "none (again)" is the untraced run against itself: what this machine
could not tell apart.
"""


def tracers():
    """{family: tracer}. In the order of the tables."""
    return {
        "none": Nothing("none (again)"),
        "sweep": Memspike("memspike --detail sweep", "auto", ["--detail", "sweep"]),
        "charges": Memspike("memspike --detail charges", "auto", ["--detail", "charges"]),
        "pages": Memspike("memspike --detail pages", "auto", ["--detail", "pages"]),
        "perf": Perf("perf record -a"),
        "bpftrace": BpftraceCount("bpftrace count()"),
    }


@dataclasses.dataclass
class Series:
    untraced: list = dataclasses.field(default_factory=list)
    traced: list = dataclasses.field(default_factory=list)
    own_cpu_shares: list = dataclasses.field(default_factory=list)
    peak_rss_bytes: int = 0


class Bench:
    def __init__(self, build, scratch, pairs):
        self.build = build
        self.scratch = scratch
        self.pairs = pairs

    def directory(self):
        return tempfile.TemporaryDirectory(prefix="memspike-bench-", dir=self.scratch)

    def place(self, application, place):
        return work_and_target(AccountedCgroup, application.limit_bytes, place)

    def untraced(self, application):
        with self.directory() as directory, self.place(application, "inside") as (work, _):
            return application.run(work, directory)

    def traced(self, application, place, tracer, series):
        with self.directory() as directory, self.directory() as own, self.place(application, place) as (work, target):
            try:
                tracer.start(Context(self.build, target, own, False))
                before_ns = tracer.cpu_ns()
                done = application.run(work, directory)
                series.own_cpu_shares.append((tracer.cpu_ns() - before_ns) / done.wall_ns)
                rss_bytes, _ = tracer.stop()
            finally:
                tracer.abandon()
        series.peak_rss_bytes = max(series.peak_rss_bytes, rss_bytes)
        return done

    def pair(self, application, place, tracer, series, number):
        """Which of the two comes first, in turn."""
        runs = {}
        for kind in ("untraced", "traced") if number % 2 == 0 else ("traced", "untraced"):
            runs[kind] = (self.untraced(application) if kind == "untraced"
                          else self.traced(application, place, tracer, series))
        series.untraced.append(runs["untraced"])
        series.traced.append(runs["traced"])

    def run_all(self, application, place, chosen, not_possible, say):
        """{tracer's name: its Series}."""
        series = {tracer.name: Series() for tracer in chosen}
        self.untraced(application)  # the first one finds caches cold
        for number in range(self.pairs):
            say(f"{application.name}, {place}: pair {number + 1} of {self.pairs}")
            for tracer in rotated(chosen, number):
                attempt(tracer, not_possible,
                        lambda t=tracer, n=number: self.pair(application, place, t, series[t.name], n))
        return {name: one for name, one in series.items() if name not in not_possible}


def ratios(series, value):
    """Of what both runs of a pair have."""
    pairs = [(value(before), value(after)) for before, after in zip(series.untraced, series.traced)]
    known = [(before, after) for before, after in pairs if before and after]
    return stats.summary(stats.paired_ratios([before for before, _ in known], [after for _, after in known]))


def figures(series):
    return {
        "pairs": len(series.traced),
        "cpu_ratio": ratios(series, lambda work: work.cpu_ns / work.units),
        "throughput_ratio": ratios(series, throughput),
        "p99_ratio": ratios(series, lambda work: work.p99_us),
        "untraced_cpu_ns_per_unit": stats.summary([work.cpu_ns / work.units for work in series.untraced]),
        "traced_cpu_ns_per_unit": stats.summary([work.cpu_ns / work.units for work in series.traced]),
        "untraced_units_per_second": stats.summary([throughput(work) for work in series.untraced]),
        "untraced_p99_us": stats.summary([work.p99_us for work in series.untraced]),
        "own_cpu_share": stats.summary(series.own_cpu_shares),
        "peak_rss_bytes": series.peak_rss_bytes,
        "runs": {"untraced": [dataclasses.asdict(work) for work in series.untraced],
                 "traced": [dataclasses.asdict(work) for work in series.traced]},
    }


def row(result):
    share = result["own_cpu_share"]
    return [result["tracer"], str(result["pairs"]), tables.ratio(result["cpu_ratio"]),
            tables.ratio(result["throughput_ratio"]), tables.ratio(result["p99_ratio"]),
            tables.number(share and 100 * share["median"], "%"), tables.size(result["peak_rss_bytes"] or None)]


def absolute(result):
    """The untraced run, in its own units."""
    p99 = result["untraced_p99_us"]
    return (f"Untraced: {result['untraced_cpu_ns_per_unit']['median'] / 1000:,.1f} µs of CPU a unit, "
            f"{result['untraced_units_per_second']['median']:,.0f} units a second"
            + (f", p99 {p99['median'] / 1000:,.2f} ms" if p99 else "") + ".")


def as_markdown(document):
    where = document["machine"]
    text = (f"Linux {where['kernel']}, {where['cpus']} CPUs ({where['cpu']}), {where['date']}, "
            f"load average {where['load']} at the start.\n\n{MEANING}\n")
    for application in document["applications"]:
        for place in PLACES:
            results = [result for result in document["results"]
                       if (result["application"], result["place"]) == (application["name"], place)]
            if not results:
                continue
            what = application["what"][0].upper() + application["what"][1:]
            text += f"### {what}, {'in' if place == 'inside' else 'outside'} the target\n\n"
            text += tables.markdown_table(HEADER, [row(result) for result in results])
            text += f"\n{absolute(results[0])} A unit is a {application['unit']}.\n\n"
    return text + "".join(f"- {name}: not possible here: {why}\n" for name, why in document["not_possible"].items())


def machine():
    return {**output.machine(), "load": f"{os.getloadavg()[0]:.2f}"}


def document_of(bench, chosen, places, picked, say):
    """What goes into the JSON. A program that cannot run is named with the reason, and the others go on."""
    not_possible, results, described = {}, [], []
    for application in chosen:
        with bench.directory() as directory:
            try:
                os.chmod(directory, 0o755)
                application.prepare(directory)
                for place in places:
                    possible = [tracer for tracer in picked if tracer.name not in not_possible]
                    series = bench.run_all(application, place, possible, not_possible, say)
                    results += [{"application": application.name, "place": place, "tracer": name, **figures(one)}
                                for name, one in series.items()]
                described.append({"name": application.name, "what": application.what, "unit": application.unit})
            except applications.Failed as failed:
                not_possible[application.name] = str(failed)
    return {"schema_version": 1, "machine": machine(), "settings": {"pairs": bench.pairs},
            "applications": described, "not_possible": not_possible, "results": results}
