"""Memory cgroups of the benchmark's own, on cgroup v1 and v2."""

import contextlib
import os
import time

V1_MOUNT = "/sys/fs/cgroup/memory"
V2_MOUNT = "/sys/fs/cgroup"


def is_v2():
    return not os.path.exists(f"{V1_MOUNT}/memory.usage_in_bytes")


def mount():
    return V2_MOUNT if is_v2() else V1_MOUNT


def read_number(path):
    with open(path, encoding="ascii") as file:
        return int(file.read())


class Cgroup:
    """Made when entered, removed when left: its processes must be gone by then."""

    def __init__(self, name, limit_bytes=None):
        self.path = f"/memspike-test-bench-{os.getpid()}-{name}"
        self.directory = mount() + self.path
        self.limit_bytes = limit_bytes

    def __enter__(self):
        if is_v2():
            write(f"{V2_MOUNT}/cgroup.subtree_control", "+memory")
        os.mkdir(self.directory)
        if self.limit_bytes:
            write(self.file("memory.limit_in_bytes", "memory.max"), str(self.limit_bytes))
        return self

    def __exit__(self, *_):
        remove(self.directory)

    def file(self, on_v1, on_v2):
        return f"{self.directory}/{on_v2 if is_v2() else on_v1}"

    def usage_file(self):
        return self.file("memory.usage_in_bytes", "memory.current")

    def procs_file(self):
        return f"{self.directory}/cgroup.procs"

    def kernel_peak_bytes(self):
        """The kernel's own maximum; None where it does not tell (v2 before 5.19)."""
        path = self.file("memory.max_usage_in_bytes", "memory.peak")
        return read_number(path) if os.path.exists(path) else None


class AccountedCgroup(Cgroup):
    """One whose CPU time is counted, too: on cgroup v1 by another hierarchy, where it has the same name."""

    CPU_MOUNT = "/sys/fs/cgroup/cpuacct"

    def __init__(self, name, limit_bytes=None):
        super().__init__(name, limit_bytes)
        self.cpu_directory = self.directory if is_v2() else self.CPU_MOUNT + self.path

    def __enter__(self):
        super().__enter__()
        if not is_v2():
            os.mkdir(self.cpu_directory)
        return self

    def __exit__(self, *error):
        if not is_v2():
            remove(self.cpu_directory)
        super().__exit__(*error)

    def all_procs_files(self):
        return [f"{directory}/cgroup.procs" for directory in dict.fromkeys((self.directory, self.cpu_directory))]

    def cpu_ns(self):
        """Of all that ran in it, those that have ended included."""
        if not is_v2():
            return read_number(f"{self.cpu_directory}/cpuacct.usage")
        with open(f"{self.directory}/cpu.stat", encoding="ascii") as file:
            return 1000 * int(dict(line.split() for line in file)["usage_usec"])


@contextlib.contextmanager
def work_and_target(kind, limit_bytes, place):
    """Where the work runs, in a cgroup of that kind, and what the tracer is told about: the same one, or two."""
    with kind("work", limit_bytes) as work:
        if place == "inside":
            yield work, work
            return
        with Cgroup("target", limit_bytes) as target:
            yield work, target


def remove(directory):
    """A cgroup whose processes have been ended: the kernel needs a moment to let go of them."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return os.rmdir(directory)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
