"""Memory cgroups of the benchmark's own, on cgroup v1 and v2."""

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
