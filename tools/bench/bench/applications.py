"""Real programs: how each is prepared, started in a cgroup and given work, and what that work cost.

CPU time is that of the server's cgroup alone: who asks runs outside, and its share of a CPU is no cost of tracing.
"""

import csv
import dataclasses
import glob
import io
import os
import shutil
import statistics
import subprocess
import threading
import time

from bench.processes import Child
from bench.stats import quantile

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sources")
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Work:
    units: int
    cpu_ns: int  # of the server's cgroup
    wall_ns: int
    p99_us: float | None  # of a request; None: it has none


class Failed(Exception):
    pass


def call(arguments, **options):
    """Its output. Failed says what it said."""
    done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, **options)
    if done.returncode:
        raise Failed(f"{arguments[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def wait_for(condition, what, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what} is not ready after {timeout_s} s")
        time.sleep(0.01)


def succeeds(arguments):
    return subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def in_cgroup(cgroup, arguments):
    """It is in all of the cgroup's hierarchies before it executes."""
    files = cgroup.all_procs_files()
    enter = " && ".join(f'echo $$ >"${number}"' for number in range(len(files)))
    return ["/bin/sh", "-c", f'{enter} && shift {len(files) - 1} && exec "$@"', *files, *arguments]


class Application:
    name = what = unit = ""
    programs = ()  # that must be there
    package = ""  # Debian's, that has them
    limit_bytes = 1024 * MIB

    def __init__(self, scale):
        self.scale = scale  # of a full run
        self.directory = None

    def prepare(self, directory):
        """Once, before all runs."""
        self.directory = directory

    def run(self, cgroup, directory):
        """Its Work, in the cgroup. `directory` is this run's own."""
        raise NotImplementedError

    def count(self, full):
        return max(1, round(full * self.scale))

    def missing(self):
        return [program for program in self.programs if not shutil.which(program)]


class Batch(Application):
    """A program that does its work and ends: all of its life counts."""

    def command(self, directory):
        raise NotImplementedError

    def work_of(self, out):
        """(units, p99 in microseconds) of what it printed: "units=N p99_us=X"."""
        words = dict(word.split("=") for word in out.split() if "=" in word)
        return int(words["units"]), float(words["p99_us"])

    def run(self, cgroup, directory):
        begin_ns, cpu_ns = time.monotonic_ns(), cgroup.cpu_ns()
        out = call(in_cgroup(cgroup, self.command(directory)), cwd=directory)
        wall_ns = time.monotonic_ns() - begin_ns
        units, p99_us = self.work_of(out)
        return Work(units, cgroup.cpu_ns() - cpu_ns, wall_ns, p99_us)


class Server(Application):
    """A program that answers: its start does not count, nor what it does before it is warm."""

    def start(self, cgroup, directory):
        raise NotImplementedError

    def warm_up(self, directory):
        pass

    def ask(self, directory):
        """(units, p99 in microseconds) of a full run of questions."""
        raise NotImplementedError

    def run(self, cgroup, directory):
        server = self.start(cgroup, directory)
        try:
            self.warm_up(directory)
            begin_ns, cpu_ns = time.monotonic_ns(), cgroup.cpu_ns()
            units, p99_us = self.ask(directory)
            return Work(units, cgroup.cpu_ns() - cpu_ns, time.monotonic_ns() - begin_ns, p99_us)
        finally:
            server.stop()


class Redis(Server):
    name, what, unit = "redis", "redis-server under redis-benchmark, SET and GET", "request"
    programs, package = ("redis-server", "redis-benchmark"), "redis-server"

    def socket(self, directory):
        return os.path.join(directory, "socket")

    def start(self, cgroup, directory):
        server = Child(in_cgroup(cgroup, ["redis-server", "--port", "0", "--unixsocket", self.socket(directory),
                                          "--save", "", "--dir", directory]), directory)
        wait_for(lambda: "PONG" in self.cli(directory, "ping"), "redis-server")
        return server

    def cli(self, directory, *words):
        return subprocess.run(["redis-cli", "-s", self.socket(directory), *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False).stdout

    def benchmark(self, directory, requests):
        out = call(["redis-benchmark", "-s", self.socket(directory), "-t", "set,get", "-n", requests, "-c", "20",
                    "-d", "512", "-r", "100000", "--csv"])
        rows = list(csv.DictReader(io.StringIO(out)))
        return len(rows) * requests, 1000 * max(float(row["p99_latency_ms"]) for row in rows)

    def warm_up(self, directory):
        self.benchmark(directory, self.count(100_000))

    def ask(self, directory):
        return self.benchmark(directory, self.count(200_000))


class RedisSaving(Redis):
    """Each save forks, and each page that is written meanwhile is copied."""

    name, what = "redis-bgsave", "the same, saving to disk in the background again and again"
    PAUSE_S = 0.5

    def ask(self, directory):
        done = threading.Event()
        saver = threading.Thread(target=self.save, args=(directory, done))
        saver.start()
        try:
            return super().ask(directory)
        finally:
            done.set()
            saver.join()
            wait_for(lambda: "rdb_bgsave_in_progress:0" in self.cli(directory, "info", "persistence"), "the last save")

    def save(self, directory, done):
        while not done.is_set():
            self.cli(directory, "bgsave")
            done.wait(self.PAUSE_S)


class Postgres(Server):
    name, what, unit = "postgresql", "PostgreSQL under pgbench (TPC-B), 4 clients", "transaction"
    programs, package = ("pgbench",), "postgresql"
    CLIENTS = 4

    def program(self, name):
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
        return found[-1] if found else name

    def missing(self):
        return super().missing() + ([] if os.path.exists(self.program("initdb")) else ["initdb"])

    def as_user(self, arguments):
        # PostgreSQL refuses to run as root.
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *arguments]

    def prepare(self, directory):
        super().prepare(directory)
        self.give(directory)
        call(self.as_user([self.program("initdb"), "-D", self.data(), "-A", "trust", "-N"]), cwd=directory)
        server = Child(self.as_user(self.server(directory)), directory)
        try:
            self.wait(directory)
            call(["pgbench", "-h", directory, "-U", "postgres", "-i", "-q", "-s", "4", "postgres"])
        finally:
            server.stop()

    def give(self, directory):
        shutil.chown(directory, "postgres", "postgres")

    def data(self):
        return os.path.join(self.directory, "data")

    def server(self, directory):
        # Without fsync: a disk's moods are not what is measured.
        return [self.program("postgres"), "-D", self.data(), "-k", directory, "-h", "", "-c", "fsync=off",
                "-c", "shared_buffers=64MB", "-c", "autovacuum=off", "-c", "checkpoint_timeout=1h"]

    def wait(self, directory):
        wait_for(lambda: succeeds(["psql", "-h", directory, "-U", "postgres", "-c", "select 1", "postgres"]), "postgres")

    def start(self, cgroup, directory):
        self.give(directory)
        server = Child(in_cgroup(cgroup, self.as_user(self.server(directory))), directory)
        self.wait(directory)
        return server

    def pgbench(self, directory, transactions):
        call(["pgbench", "-h", directory, "-U", "postgres", "-n", "-c", self.CLIENTS, "-j", "1", "-l", "--log-prefix",
              "transactions", "-t", max(1, transactions // self.CLIENTS), "postgres"], cwd=directory)
        latencies_us = []
        for path in glob.glob(os.path.join(directory, "transactions.*")):
            with open(path, encoding="ascii") as file:
                latencies_us += [int(line.split()[2]) for line in file]
            os.unlink(path)
        return len(latencies_us), quantile(latencies_us, 0.99)

    def warm_up(self, directory):
        self.pgbench(directory, self.count(1_000))

    def ask(self, directory):
        return self.pgbench(directory, self.count(8_000))


class Jvm(Batch):
    name, what, unit = "jvm", "a JVM that churns its young generation", "batch"
    programs, package = ("java", "javac"), "openjdk-17-jdk-headless"

    def prepare(self, directory):
        super().prepare(directory)
        call(["javac", "-d", directory, f"{SOURCES}/Churn.java"])

    def command(self, directory):
        return ["java", "-Xms64m", "-Xmx256m", "-cp", self.directory, "Churn", str(self.count(3_000))]


class Go(Batch):
    name, what, unit = "go", "a Go program under its garbage collector", "batch"
    programs, package = ("go",), "golang-go"

    def prepare(self, directory):
        super().prepare(directory)
        environment = {**os.environ, "GOCACHE": os.path.join(directory, "cache"), "GO111MODULE": "off"}
        call(["go", "build", "-o", os.path.join(directory, "churn"), f"{SOURCES}/churn.go"], env=environment)

    def command(self, directory):
        return [os.path.join(self.directory, "churn"), str(self.count(2_000))]


class Make(Batch):
    name, what, unit = "make", "make -j2 of a small C project", "file"
    programs, package = ("make", "cc"), "gcc"
    FUNCTIONS = 40

    def command(self, directory):
        self.write_project(directory, self.count(24))
        return ["make", "-s", "-j2"]

    def write_project(self, directory, files):
        names = [f"part{number}" for number in range(files)]
        for name in names:
            body = "".join(f"int {name}_{n}(char *to, int v) {{ return snprintf(to, 9, \"%d\", v % {n + 3}) + v; }}\n"
                           for n in range(self.FUNCTIONS))
            write(directory, f"{name}.c", f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n{body}")
        objects = " ".join(f"{name}.o" for name in names)
        write(directory, "Makefile", f"parts.a: {objects}\n\tar rcs $@ $^\n%.o: %.c\n\tcc -O2 -g -c -o $@ $<\n"
                                     "\t@echo built\n")

    def work_of(self, out):
        built = out.count("built")
        if not built:
            raise Failed("make built nothing")
        return built, None


def write(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="ascii") as file:
        file.write(text)


APPLICATIONS = (Redis, RedisSaving, Postgres, Jvm, Go, Make)


def throughput(work):
    return 1e9 * work.units / work.wall_ns


def median_p99_us(works):
    known = [work.p99_us for work in works if work.p99_us is not None]
    return statistics.median(known) if known else None
