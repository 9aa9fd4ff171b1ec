"""One workload under one tracer, again and again, each time beside an untraced run."""

import dataclasses
import tempfile

from bench import programs, stats, workloads
from bench.cgroups import Cgroup, work_and_target
from bench.tracers import Context, NotPossible, all_tracers

PLACES = ("inside", "outside")  # of the cgroup that the tracer is told about


@dataclasses.dataclass
class Settings:
    build: str
    scratch: str  # on a disk: the page cache is to be one
    pairs: int
    scale: float  # of a workload's full size
    rounds: int  # of counting the programs' time


@dataclasses.dataclass
class Traced:
    """What one traced run gave beside the workload's own figures."""

    run: workloads.Run
    attach_ns: int
    user_cpu_ns: int
    rss_bytes: int
    outcome: object
    kernel_peak_bytes: int | None


@dataclasses.dataclass
class Series:
    """All runs of one workload, in one place, under one tracer."""

    untraced: list = dataclasses.field(default_factory=list)
    traced: list = dataclasses.field(default_factory=list)
    costs: list = dataclasses.field(default_factory=list)


class Bench:
    def __init__(self, settings):
        self.settings = settings
        self.program = f"{settings.build}/tools/workload/memspike-workload"

    def untraced(self, workload):
        with self.directory() as directory, Cgroup("work", workload.limit_bytes) as cgroup:
            return workloads.run(workload, self.program, cgroup, self.settings.scale, directory)

    def place(self, workload, place):
        return work_and_target(Cgroup, workload.limit_bytes, place)

    def traced(self, workload, place, tracer, wants_peak):
        with self.directory() as directory, self.directory() as own, self.place(workload, place) as (work, target):
            try:
                attach_ns = tracer.start(Context(self.settings.build, target, own, wants_peak))
                before_ns = tracer.cpu_ns()
                run = workloads.run(workload, self.program, work, self.settings.scale, directory)
                user_cpu_ns = tracer.cpu_ns() - before_ns
                rss_bytes, outcome = tracer.stop()
            finally:
                tracer.abandon()
            return Traced(run, attach_ns, user_cpu_ns, rss_bytes, outcome, target.kernel_peak_bytes())

    def cost(self, workload, place, tracer):
        """The programs' time in a run of their own, and that of the empty ones in a run right before it.

        Not side by side: whoever comes first at a hook pays for what is cold there, the kernel's clock with it.
        """
        empty_run, moved = self.counted(workload, place, empty_programs())
        run, own = self.counted(workload, place, tracer)
        empty = programs.by_name(moved)
        page_events_per_unit = programs.runs(empty) / empty_run.units
        cost = programs.cost(own, empty, round(page_events_per_unit * run.units))
        if cost:
            cost["page_events_per_unit"] = page_events_per_unit
        return cost

    def counted(self, workload, place, tracer):
        """A traced run, and what the kernel counted of the tracer's programs meanwhile."""
        with self.directory() as directory, self.directory() as own, \
                self.place(workload, place) as (work, target), programs.counting():
            others = programs.snapshot()
            try:
                tracer.start(Context(self.settings.build, target, own, False))
                before = programs.snapshot()
                run = workloads.run(workload, self.program, work, self.settings.scale, directory)
                moved = programs.moved(before, programs.snapshot())
                tracer.stop()
            finally:
                tracer.abandon()
        return run, [program for program in moved if program["id"] not in others]

    def page_events_per_unit(self, workload):
        """Allocations and frees of pages, as many as the empty programs see."""
        cost = self.cost(workload, "inside", untraced_tracer())
        return cost and cost["page_events_per_unit"]

    def directory(self):
        return tempfile.TemporaryDirectory(prefix="memspike-bench-", dir=self.settings.scratch)


def empty_programs():
    return all_tracers()["empty"][0]


def untraced_tracer():
    return all_tracers()["none"][0]


def pair(bench, workload, place, tracer, series, number):
    """One untraced and one traced run, side by side, which comes first in turn."""
    def without():
        series.untraced.append(bench.untraced(workload))

    def under():
        series.traced.append(bench.traced(workload, place, tracer, wants_peak=number == 0 and place == "inside"))

    for step in (without, under) if number % 2 == 0 else (under, without):
        step()


def rotated(items, by):
    by %= max(1, len(items))
    return items[by:] + items[:by]


def run_all(bench, workload, place, tracers, not_possible, say):
    """{tracer's name: its Series}. Tracers that turn out not to be possible are left out, and why noted."""
    possible = [tracer for tracer in tracers if tracer.name not in not_possible]
    series = {tracer.name: Series() for tracer in possible}
    bench.untraced(workload)  # the first one finds caches cold, and memory that nobody touched yet
    for number in range(bench.settings.pairs):
        say(f"{workload.name}, {place}: pair {number + 1} of {bench.settings.pairs}")
        for tracer in rotated(possible, number):
            attempt(tracer, not_possible, lambda t=tracer: pair(bench, workload, place, t, series[t.name], number))
    for number in range(bench.settings.rounds):
        say(f"{workload.name}, {place}: programs, {number + 1} of {bench.settings.rounds}")
        for tracer in possible:
            if tracer.has_programs:
                attempt(tracer, not_possible,
                        lambda t=tracer: series[t.name].costs.append(bench.cost(workload, place, t)))
    return {name: one for name, one in series.items() if name not in not_possible}


def attempt(tracer, not_possible, step):
    if tracer.name in not_possible:
        return
    try:
        step()
    except NotPossible as reason:
        not_possible[tracer.name] = str(reason)


def figures(series):
    """What goes into the JSON of one workload, in one place, under one tracer."""
    traced, untraced = series.traced, series.untraced
    costs = [cost for cost in series.costs if cost]
    return {
        "pairs": len(traced),
        "cpu_ratio": stats.summary(stats.paired_ratios(per_unit(untraced, "cpu_ns"), per_unit(own_runs(traced), "cpu_ns"))),
        "wall_ratio": stats.summary(
            stats.paired_ratios(per_unit(untraced, "wall_ns"), per_unit(own_runs(traced), "wall_ns"))),
        "untraced_cpu_ns_per_unit": stats.summary(per_unit(untraced, "cpu_ns")),
        "traced_cpu_ns_per_unit": stats.summary(per_unit(own_runs(traced), "cpu_ns")),
        "attach_ns": stats.summary([one.attach_ns for one in traced]),
        "user_cpu_share": stats.summary([one.user_cpu_ns / one.run.wall_ns for one in traced]),
        "peak_rss_bytes": max(one.rss_bytes for one in traced),
        "lost": total([one.outcome.lost for one in traced]),
        "peak_error": stats.largest_error([(one.outcome.peak_bytes, one.kernel_peak_bytes) for one in traced]),
        "programs": median_cost(costs),
        "units": sum(one.run.units for one in traced),
        "written_bytes": total([one.outcome.written_bytes for one in traced]),
    }


def own_runs(traced):
    return [one.run for one in traced]


def per_unit(runs, field):
    return [getattr(run, field) / run.units for run in runs]


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def median_cost(costs):
    """The round in the middle, by what a page event cost."""
    if not costs:
        return None
    return sorted(costs, key=lambda cost: cost["above_floor_ns_per_event"])[len(costs) // 2]
