"""Many containers in one tracked cgroup: some busy or moving, most idle, some born and some dying all the time."""

import itertools
import os
import subprocess
import time

from bench.cgroups import V2_MOUNT, Cgroup, is_v2, remove, write

BIRTHS_PER_SECOND = 10
MIB = 1 << 20


def start_in(directory, program, arguments):
    return subprocess.Popen(
        ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', f"{directory}/cgroup.procs", program, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Container:
    """A cgroup below the fleet's, with one process in it."""

    def __init__(self, parent, name, program, arguments):
        self.directory = f"{parent.directory}/{name}"
        os.mkdir(self.directory)
        self.process = start_in(self.directory, program, arguments)

    def remove(self):
        self.process.kill()
        self.process.wait()
        remove(self.directory)


class Fleet:
    """Entered, it has its containers; run() lets it live."""

    def __init__(self, count, program, movers=None):
        self.count = count
        self.movers = movers  # so many move ten times a second, and none storms
        self.program = program
        self.parent = Cgroup("fleet")
        self.containers = []
        self.names = itertools.count()

    def __enter__(self):
        self.parent.__enter__()
        if is_v2():
            write(f"{V2_MOUNT}{self.parent.path}/cgroup.subtree_control", "+memory")
        for arguments in self.lives():
            self.add(arguments)
        return self

    def lives(self):
        """What each container does."""
        if self.movers is not None:
            return [self.mover()] * self.movers + [self.idle()] * (self.count - self.movers)
        # As many storms as CPUs, in the first containers or, where there are too few, all in the first.
        busy = len(os.sched_getaffinity(0))
        if self.count < busy:
            return [self.storm(busy)] + [self.idle()] * (self.count - 1)
        return [self.storm(1)] * busy + [self.idle()] * (self.count - busy)

    def __exit__(self, *_):
        for container in self.containers:
            container.remove()
        self.parent.__exit__()

    def storm(self, threads):
        return ("storm", "86400", "--region", "16M", "--threads", str(threads))

    def mover(self):
        return ("service", "1000000", "--pause", "100ms", "--request", "4M")

    def idle(self):
        return ("service", "1000000", "--pause", "1s")

    def add(self, arguments):
        self.containers.append(Container(self.parent, f"c{next(self.names)}", self.program, arguments))

    def run(self, seconds, churn):
        """Births and deaths at their rate: what is born lives for a second."""
        born = []
        end = time.monotonic() + seconds
        for number in itertools.count(1):
            if time.monotonic() >= end:
                break
            if churn:
                born.append(Container(self.parent, f"c{next(self.names)}", self.program, ("heap", "2000")))
                if len(born) > BIRTHS_PER_SECOND:
                    born.pop(0).remove()
            time.sleep(max(0, min(end, end - seconds + number / BIRTHS_PER_SECOND) - time.monotonic()))
        for container in born:
            container.remove()
