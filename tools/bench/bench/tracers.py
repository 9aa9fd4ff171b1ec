"""The tracers: how each is started, how it says that it is attached, and what it leaves behind."""

import dataclasses
import glob
import json
import os
import re
import shutil
import signal

from bench import pages
from bench.processes import Child, Failed, cpu_ns, descendants, peak_rss_bytes


class NotPossible(Exception):
    """Not on this kernel: str() is why."""


@dataclasses.dataclass
class Outcome:
    """What it left behind. None: it does not say, or there is no such thing."""

    written_bytes: int | None = None
    lost: int | None = None
    peak_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class Context:
    """What a tracer is told. target: the cgroup that it is about."""

    build: str  # where the programs of this project are
    target: object
    directory: str  # of its own, empty
    wants_peak: bool


class Tracer:
    """One tracer, at most one process at a time."""

    package = None  # Debian's, with its program
    program = None
    peak_is = None  # how a peak comes out of what it leaves
    complaint_lines = 1  # that say why it could not start
    has_programs = False  # BPF programs, whose time the kernel counts

    def __init__(self, name, note=""):
        self.name = name
        self.note = note
        self.child = None
        self.context = None

    def start(self, context):
        """Returns how long it took until it was attached. ns."""
        self.context = context
        try:
            return self.launch()
        except Failed as failed:
            raise NotPossible(self.reason(failed)) from None

    def reason(self, failed):
        lines = str(failed).splitlines()[:self.complaint_lines]
        return " ".join(lines).removeprefix(f"{os.path.basename(self.program or '')}: ")

    def launch(self):
        raise NotImplementedError

    def pids(self):
        return descendants(self.child.pid) if self.child else []

    def cpu_ns(self):
        return cpu_ns(self.pids())

    def stop(self):
        """Returns its peak RSS in bytes and its Outcome."""
        rss = peak_rss_bytes(self.pids())
        self.child.stop(self.end_signal())
        return rss, self.outcome()

    def abandon(self):
        if self.child:
            self.child.kill()

    def end_signal(self):
        return signal.SIGINT

    def outcome(self):
        return Outcome()

    def ask(self, arguments, timeout_s=600):
        """What it left is read by a process of its own: that is no cost of tracing."""
        again = Child(arguments, self.context.directory)
        again.process.wait(timeout_s)
        return again

    def file(self, name):
        return os.path.join(self.context.directory, name)

    def written(self, *patterns):
        return sum(os.path.getsize(path) for pattern in patterns for path in glob.glob(self.file(pattern)))


class Nothing(Tracer):
    """The untraced run against the untraced run: what the comparison itself cannot tell apart."""

    def launch(self):
        return 0

    def stop(self):
        return 0, Outcome()


class Floor(Tracer):
    def launch(self):
        self.child = Child([f"{self.context.build}/tools/bench/memspike-bench-floor"], self.context.directory)
        return self.child.wait_until(lambda: "ready" in self.child.out())


class Poll(Tracer):
    PERIOD_US = 1000
    peak_is = "the largest value read"

    def launch(self):
        program = f"{self.context.build}/tools/bench/memspike-bench-poll"
        self.child = Child([program, self.context.target.usage_file(), self.PERIOD_US], self.context.directory)
        return self.child.wait_until(lambda: "ready" in self.child.out())

    def outcome(self):
        largest = re.search(r"largest=(\d+)", self.child.out())
        return Outcome(peak_bytes=int(largest.group(1)))


class Memspike(Tracer):
    has_programs = True
    program = "memspike"
    peak_is = "the peak of its report"

    def __init__(self, name, tier, arguments=(), output="report.json", note=""):
        super().__init__(name, note)
        self.tier = tier
        self.arguments = list(arguments)
        self.output = output
        self.result = None

    def launch(self):
        self.child = Child(
            [f"{self.context.build}/src/memspike", "record", "--cgroup", self.context.target.path, "--tier", self.tier,
             "-o", self.output] + self.format() + self.arguments, self.context.directory)
        return self.child.wait_until(lambda: "recording;" in self.child.err())

    def format(self):
        return [] if self.output.endswith(".pftrace") else ["-f", "json"]

    def outcome(self):
        written = os.path.getsize(self.file(self.output))
        report = self.report()
        self.result = report
        own = next(memcg for memcg in report["memcgs"] if memcg["path"] == self.context.target.path)
        return Outcome(written, sum(report["lost"].values()), own["usage"]["peak_bytes"])

    def report(self):
        if not self.output.endswith(".pftrace"):
            with open(self.file(self.output), encoding="utf-8") as file:
                return json.load(file)
        again = self.ask([f"{self.context.build}/src/memspike", "report", self.output, "-f", "json"], 120)
        return json.loads(again.out())


class Perf(Tracer):
    package, program = "linux-perf", "perf"
    peak_is = pages.HOW

    def __init__(self, name, note=""):
        super().__init__(name, note)
        self.fds = ()

    def launch(self):
        # It starts disabled and says when it has enabled its events: the only way that perf tells.
        orders, to_perf = os.pipe()
        from_perf, answers = os.pipe()
        self.fds = (orders, to_perf, from_perf, answers)
        os.write(to_perf, b"enable\n")
        os.set_blocking(from_perf, False)
        self.child = Child(
            ["perf", "record", "-q", "-D", "-1", "--control", f"fd:{orders},{answers}", "-a",
             "-e", "kmem:mm_page_alloc", "-e", "kmem:mm_page_free", "-o", "perf.data"],
            self.context.directory, pass_fds=(orders, answers))
        return self.child.wait_until(lambda: readable(from_perf))

    def abandon(self):
        super().abandon()
        for fd in self.fds:
            os.close(fd)
        self.fds = ()

    def outcome(self):
        written = self.written("perf.data")
        return Outcome(written, self.lost(), self.peak() if self.context.wants_peak else None)

    def lost(self):
        text = self.ask(["perf", "report", "--stats", "-i", "perf.data"]).out()
        return sum(int(count) for count in re.findall(r"LOST(?:_SAMPLES)? events:\s+(\d+)", text))

    def peak(self):
        return pages.peak_bytes(self.ask(["perf", "script", "-i", "perf.data", "-F", "comm,event,trace"]).out_path)


def readable(fd):
    try:
        return b"ack" in os.read(fd, 64)
    except BlockingIOError:
        return False


class Bpftrace(Tracer):
    has_programs = True
    package, program = "bpftrace", "bpftrace"
    # The last probe that is attached says that all are.
    READY = 'interval:ms:5 { if (!@ready) { @ready = 1; printf("ready\\n"); } } END { clear(@ready); }'

    def __init__(self, name, script, buffering="full"):
        super().__init__(name)
        self.script = script
        self.buffering = buffering

    def launch(self):
        self.child = Child(["bpftrace", "-B", self.buffering, "-e", f"{self.script} {self.READY}"],
                           self.context.directory)
        return self.child.wait_until(lambda: "ready" in self.child.out())

    def outcome(self):
        said = self.child.out() + self.child.err()
        lost = sum(int(count) for count in re.findall(r"Lost (\d+) events", said))
        return Outcome(self.written("out"), lost, self.peak())

    def peak(self):
        return None


class BpftraceCount(Bpftrace):
    peak_is = "none: a count has no order in time"

    def __init__(self, name):
        super().__init__(name, "tracepoint:kmem:mm_page_alloc { @alloc = count(); }"
                               " tracepoint:kmem:mm_page_free { @free = count(); }", "line")


class BpftracePrintf(Bpftrace):
    peak_is = pages.HOW

    def __init__(self, name):
        super().__init__(
            name, 'tracepoint:kmem:mm_page_alloc { printf("%s mm_page_alloc: order=%d\\n", comm, args->order); }'
                  ' tracepoint:kmem:mm_page_free { printf("%s mm_page_free: order=%d\\n", comm, args->order); }')

    def peak(self):
        return pages.peak_bytes(self.child.out_path) if self.context.wants_peak else None


class TraceCmd(Tracer):
    package, program = "trace-cmd", "trace-cmd"
    complaint_lines = 2
    peak_is = pages.HOW

    def launch(self):
        # A line at a time, or what says that it is ready stays in its buffer.
        self.child = Child(["stdbuf", "-oL", "trace-cmd", "record", "-o", "trace.dat", "-e", "kmem:mm_page_alloc",
                            "-e", "kmem:mm_page_free"], self.context.directory)
        return self.child.wait_until(lambda: "Hit Ctrl^C" in self.child.out())

    def outcome(self):
        lost = sum(int(count) for count in re.findall(r"overrun: (\d+)", self.child.out()))
        written = self.written("trace.dat")
        return Outcome(written, lost, self.peak() if self.context.wants_peak else None)

    def peak(self):
        return pages.peak_bytes(self.ask(["trace-cmd", "report", "-i", "trace.dat"]).out_path)


TIERS = ("tracepoint", "charge")


def memspikes():
    for tier in TIERS:
        yield Memspike(f"memspike ({tier})", tier)
        yield Memspike(f"memspike ({tier}) --stacks", tier, ["--stacks"])
        yield Memspike(f"memspike ({tier}) to file", tier, output="recording.pftrace")


def all_tracers():
    """In the order of the tables. FAMILY: what --tracer selects by."""
    return {
        "none": [Nothing("none (again)", "the noise of the comparison")],
        "empty": [Floor("empty programs", "the floor: the hooks themselves")],
        "memspike": [tracer for tracer in memspikes() if tracer.name.endswith(")")],
        "memspike-stacks": [tracer for tracer in memspikes() if tracer.name.endswith("--stacks")],
        "memspike-file": [tracer for tracer in memspikes() if tracer.name.endswith("to file")],
        "poll": [Poll("poll of the usage file, 1 ms")],
        "perf": [Perf("perf record -a")],
        "bpftrace-count": [BpftraceCount("bpftrace count()")],
        "bpftrace-printf": [BpftracePrintf("bpftrace printf()")],
        "trace-cmd": [TraceCmd("trace-cmd record")],
    }


def missing_packages(tracers):
    return sorted({tracer.package for tracer in tracers if tracer.package and not shutil.which(tracer.program)})
