"""A node's pods, as the service finds them: cgroups in kubepods shape, each with a name below a host root."""

import itertools
import os
import shutil
import time
import uuid

from bench.cgroups import is_v2, mount, remove, write
from bench.fleet import start_in

NAMESPACE = "bench"
LIMIT = "64M"


class Pod:
    """One container in one pod, with one process in it."""

    def __init__(self, node, number, program, arguments):
        uid, container = str(uuid.uuid4()), uuid.uuid4().hex * 2
        self.node = node
        self.pod = f"{node.parent}/pod{uid}"
        self.directory = f"{self.pod}/{container}"
        self.link, self.logs = node.name(uid, f"pod-{number}", container)
        os.mkdir(self.pod)
        if is_v2():
            write(f"{self.pod}/cgroup.subtree_control", "+memory")
        os.mkdir(self.directory)
        write(f"{self.directory}/{'memory.max' if is_v2() else 'memory.limit_in_bytes'}", LIMIT)
        self.process = start_in(self.directory, program, arguments)

    def remove(self):
        self.process.kill()
        self.process.wait()
        remove(self.directory)
        remove(self.pod)
        os.unlink(self.link)
        shutil.rmtree(self.logs)


class Node:
    """Entered, it has its containers; live() lets some be born and die."""

    def __init__(self, host_root, program, idle, busy):
        self.host_root = host_root
        self.program = program
        self.idle, self.busy = idle, busy
        self.numbers = itertools.count(1)
        self.parent = f"{mount()}/kubepods/burstable"
        self.made = []
        self.pods = []
        os.makedirs(f"{host_root}/var/log/containers")
        os.symlink("/proc", f"{host_root}/proc")  # its processes are this machine's

    def name(self, uid, pod, container):
        """As kubelet does it: a log's directory, and a link that has the container's id. Both go with the pod."""
        pod_logs = f"/var/log/pods/{NAMESPACE}_{pod}_{uid}"
        os.makedirs(f"{self.host_root}{pod_logs}/app")
        link = f"{self.host_root}/var/log/containers/{pod}_{NAMESPACE}_app-{container}.log"
        os.symlink(f"{pod_logs}/app/0.log", link)
        return link, self.host_root + pod_logs

    def __enter__(self):
        for directory in (os.path.dirname(self.parent), self.parent):
            if is_v2():
                write(f"{os.path.dirname(directory)}/cgroup.subtree_control", "+memory")
            if not os.path.isdir(directory):
                os.mkdir(directory)
                self.made.append(directory)
        if is_v2():
            write(f"{self.parent}/cgroup.subtree_control", "+memory")
        for _ in range(self.busy):
            self.add(self.program, ("service", "1000000", "--pause", "100ms", "--request", "4M"))
        for _ in range(self.idle):
            self.add("/bin/sleep", ("86400",))
        return self

    def add(self, program, arguments):
        self.pods.append(Pod(self, next(self.numbers), program, arguments))

    def live(self, seconds, births_per_second):
        """Born and dead at their rate: what is born takes 4 MiB and lives for a second."""
        born = []
        begin = time.monotonic()
        try:
            while (now := time.monotonic()) < begin + seconds:
                if births_per_second:
                    born.append(Pod(self, next(self.numbers), self.program, ("anon", "4M", "--hold", "3600000")))
                    if len(born) > births_per_second:
                        born.pop(0).remove()
                time.sleep(max(0, min(1 / (births_per_second or 1), begin + seconds - now) - (time.monotonic() - now)))
        finally:
            for pod in born:
                pod.remove()

    def __exit__(self, *_):
        for pod in self.pods:
            pod.remove()
        for directory in reversed(self.made):
            remove(directory)
