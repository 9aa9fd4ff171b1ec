"""The workloads: what runs, how much work it did, and what that cost it."""

import dataclasses
import os
import re
import subprocess
import time

MIB = 1 << 20
PAGE_BYTES = os.sysconf("SC_PAGESIZE")


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    what: str  # for the reader of the table
    unit: str  # of its work
    arguments: tuple  # of memspike-workload; {ms} and {n} follow the size of the run
    count: str  # where its output says how much it did: a pattern, or "{n}" itself
    per_count: int = 1  # units that one of those is
    n: int = 1  # how much is a full run
    one_cpu: bool = False
    limit_bytes: int = 512 * MIB


WORKLOADS = (
    Workload("storm", "page-fault storm (touch, unmap) on one CPU", "fault",
             ("storm", "{ms}ms", "--region", "64M"), r"faults=(\d+)", one_cpu=True),
    Workload("storm-all", "page-fault storm on every CPU", "fault",
             ("storm", "{ms}ms", "--region", "32M", "--threads", "0"), r"faults=(\d+)", limit_bytes=4096 * MIB),
    Workload("fork-exec", "fork and exec storm", "process",
             ("forks", "{n}", "--children-touch", "64K", "--parallel", "4", "--exec"), r"exited=(\d+)", n=600),
    Workload("page-cache", "page-cache churn (write, sync, read, drop)", "page",
             ("pagecache", "32M", "--repeat", "{n}", "--file", "{file}"), "{n}", 32 * MIB // PAGE_BYTES, n=6),
    Workload("tmpfs", "files on tmpfs, written and removed", "page",
             ("tmpfs", "32M", "--repeat", "{n}"), "{n}", 32 * MIB // PAGE_BYTES, n=24),
    Workload("thp", "transparent huge pages, touched and unmapped", "page of 4 KiB",
             ("thp", "128M", "--repeat", "{n}"), "{n}", 128 * MIB // PAGE_BYTES, n=24),
    Workload("heap", "malloc and free of 64 bytes to 1 MiB", "call", ("heap", "{n}"), r"steps=(\d+)", n=200_000),
    Workload("service", "a service that is idle 99 % of the time", "request", ("service", "{n}"), r"requests=(\d+)",
             n=60),
)


@dataclasses.dataclass(frozen=True)
class Run:
    units: int
    cpu_ns: int  # user and system, of all its processes
    wall_ns: int


class WorkloadFailed(Exception):
    pass


def command(workload, program, scale, directory):
    n = max(1, round(workload.n * scale))
    values = {"ms": max(50, round(500 * scale)), "n": n, "file": os.path.join(directory, "page-cache")}
    return [program] + [argument.format(**values) for argument in workload.arguments], n


def pinned(arguments):
    """On the last CPU alone: the tracer's user space and the rest may have the others."""
    return ["taskset", "-c", str(max(os.sched_getaffinity(0)))] + arguments


def in_cgroup(cgroup, arguments):
    """It is in there before it executes."""
    return ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', cgroup.procs_file()] + arguments


def run(workload, program, cgroup, scale, directory):
    arguments, n = command(workload, program, scale, directory)
    if workload.one_cpu:
        arguments = pinned(arguments)
    out_path = os.path.join(directory, "workload.out")
    with open(out_path, "wb") as out:
        begin_ns = time.monotonic_ns()
        process = subprocess.Popen(in_cgroup(cgroup, arguments), stdin=subprocess.DEVNULL, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall_ns = time.monotonic_ns() - begin_ns
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise WorkloadFailed(f"{workload.name} ended with {process.returncode}")
    with open(out_path, encoding="utf-8") as out:
        counted = n if workload.count == "{n}" else int(re.search(workload.count, out.read()).group(1))
    return Run(counted * workload.per_count, round((usage.ru_utime + usage.ru_stime) * 1e9), wall_ns)
