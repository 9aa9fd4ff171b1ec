#!/usr/bin/env python3
"""memspike as the chart's DaemonSet runs it: a container by runc, with what the chart renders and nothing else.

Needs root, runc, busybox and a built memspike ($MEMSPIKE, else that of build-dev). What the kubelet and the runtime
make of a pod is made here; CAP_SYS_RESOURCE is left out where this machine cannot grant it: `tests/chart/guest` runs this
under another kernel, with all of them.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import uuid

import apiserver
import kit

BUILD = pathlib.Path(os.environ.get("MEMSPIKE_BUILD", kit.SOURCE / "build-dev"))
MEMSPIKE = pathlib.Path(os.environ.get("MEMSPIKE", BUILD / "src" / "memspike"))
WORKLOAD = pathlib.Path(os.environ.get("MEMSPIKE_WORKLOAD", BUILD / "tools" / "workload" / "memspike-workload"))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IS_V2 = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
MEMORY = pathlib.Path("/sys/fs/cgroup") if IS_V2 else pathlib.Path("/sys/fs/cgroup/memory")
LIBRARIES = [pathlib.Path(name) for name in ("/usr/lib", "/usr/lib64", "/lib", "/lib64")]
KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])
IN_GUEST = kit.RENDERED is not None  # whose root is an initramfs: it cannot be left by pivot_root
SECONDS = 300 if IN_GUEST else 60  # for what takes one

# What containerd's RuntimeDefault refuses to those who have not the capability. A stand-in: the real one names what is
# allowed, and runs where there is a kubelet.
REFUSED_WITHOUT = {
    "BPF": ["bpf"], "PERFMON": ["perf_event_open"], "SYSLOG": ["syslog"], "SYS_PTRACE": ["kcmp"],
    "DAC_READ_SEARCH": ["open_by_handle_at"], "SYS_CHROOT": ["chroot"], "SYS_BOOT": ["reboot"], "SYS_PACCT": ["acct"],
    "SYS_MODULE": ["init_module", "finit_module", "delete_module"], "SYS_RAWIO": ["iopl", "ioperm"],
    "SYS_TIME": ["settimeofday", "clock_settime"], "SYS_TTY_CONFIG": ["vhangup"],
    "SYS_ADMIN": ["mount", "umount2", "setns", "unshare", "sethostname", "setdomainname", "fanotify_init", "quotactl",
                  "pivot_root", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr"],
    None: ["add_key", "keyctl", "request_key", "kexec_load", "kexec_file_load", "swapon", "swapoff", "userfaultfd",
           "io_uring_setup", "io_uring_enter", "io_uring_register", "nfsservctl", "move_pages"],
}


def granted():
    """Capabilities that this machine has to give, by name."""
    bits = int(re.search(r"CapBnd:\s+(\w+)", pathlib.Path("/proc/self/status").read_text()).group(1), 16)
    names = {"SYS_PTRACE": 19, "SYS_RESOURCE": 24, "SYSLOG": 34, "PERFMON": 38, "BPF": 39}
    return {name for name, bit in names.items() if bits >> bit & 1}


def bytes_of(quantity):
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)?", quantity).groups()
    return int(number) << {None: 0, "Ki": 10, "Mi": 20, "Gi": 30}[unit]


def within(seconds, done):
    deadline = time.monotonic() + seconds
    while not (result := done()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.1)
    return result


class Node:
    """What the kubelet keeps on a node, and cgroups of pods, below names of our own."""

    def __init__(self, place):
        self.place = place
        self.uid = str(uuid.uuid4())
        self.cgroups = []
        for name in ("var/log/pods", "var/log/containers"):
            (place / name).mkdir(parents=True)

    def path_of(self, host_path):
        """Where a hostPath of the chart is here."""
        real = {"/proc", "/sys/fs/cgroup"}
        return pathlib.Path(host_path) if host_path in real else self.place / host_path.lstrip("/")

    def name_container(self, pod, container, identifier):
        logs = f"var/log/pods/shop_{pod}_{self.uid}/{container}"
        (self.place / logs).mkdir(parents=True)
        (self.place / f"var/log/containers/{pod}_shop_{container}-{identifier}.log").symlink_to(f"/{logs}/0.log")

    def container(self, identifier, limit_bytes):
        pod = MEMORY / "kubepods" / "burstable" / f"pod{self.uid}"
        self.make(pod)
        self.make(pod / identifier)
        limit = "memory.max" if IS_V2 else "memory.limit_in_bytes"
        (pod / identifier / limit).write_text(str(limit_bytes))
        return pod / identifier

    def make(self, directory):
        for path in reversed([directory, *directory.parents]):
            if path.exists() or not path.is_relative_to(MEMORY):
                continue
            path.mkdir()
            self.cgroups.append(path)
            if IS_V2:
                (path.parent / "cgroup.subtree_control").write_text("+memory")

    def die(self, cgroup):
        """One process there runs out of memory."""
        script = 'echo $$ >"$0/cgroup.procs" && exec "$1" oom --max 64M'
        done = subprocess.run(["/bin/sh", "-c", script, cgroup, WORKLOAD], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
        assert done.returncode == -signal.SIGKILL, done.stderr

    def close(self):
        for path in reversed(self.cgroups):
            for _ in range(50):
                try:
                    path.rmdir()
                    break
                except OSError:
                    time.sleep(0.05)


class Container:
    """The DaemonSet's container on a node."""

    def __init__(self, node, everything, bundle):
        self.node = node
        self.name = f"memspike-test-{os.getpid()}-{random.randrange(10**6)}"
        self.pod = kit.pod_of(everything)
        self.wanted = kit.container_of(everything)
        self.bundle = bundle
        self.cgroup = f"/kubepods/burstable/pod{uuid.uuid4()}/{self.name}"
        added = self.wanted["securityContext"]["capabilities"]["add"]
        self.capabilities = [name for name in added if name in granted()]
        self.process = None
        (bundle / "config").mkdir(parents=True)
        (bundle / "config" / "memspike.conf").write_text(kit.config_of(everything))
        self.make_root()
        (bundle / "config.json").write_text(json.dumps(self.config()))

    def make_root(self):
        root = self.bundle / "rootfs"
        for name in ("proc", "sys", "dev", "bin", "etc"):
            (root / name).mkdir(parents=True)
        for path in LIBRARIES:
            place = root / path.relative_to("/")
            if path.is_symlink():
                place.symlink_to(path.readlink())
            elif path.is_dir():
                place.mkdir(parents=True)
        shutil.copy2(MEMSPIKE, root / "bin" / "memspike")
        shutil.copy2("/bin/busybox", root / "bin" / "busybox")
        for mount in self.wanted["volumeMounts"]:
            (root / mount["mountPath"].lstrip("/")).mkdir(parents=True, exist_ok=True)

    def mounts(self, others):
        taken = {mount["mountPath"] for mount in self.wanted["volumeMounts"]}
        mounts = [mount for mount in others if mount["destination"] not in taken]
        # memspike's libraries are this machine's, where it is not linked with them.
        mounts += [{"destination": str(path), "type": "bind", "source": str(path), "options": ["bind", "ro"]}
                   for path in LIBRARIES if path.is_dir() and not path.is_symlink()]
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        for mount in self.wanted["volumeMounts"]:
            volume = volumes[mount["name"]]
            if "hostPath" in volume:
                source = self.node.path_of(volume["hostPath"]["path"])
                if volume["hostPath"]["type"] == "DirectoryOrCreate":
                    source.mkdir(parents=True, exist_ok=True)
                assert source.is_dir(), f"{source}: the kubelet would not start the pod"
            elif "emptyDir" in volume:
                source = self.bundle / mount["name"]
                source.mkdir(mode=0o777)
            else:
                source = self.bundle / "config"
            mode = "rw"
            if mount.get("readOnly"):
                mode = "rro" if mount.get("recursiveReadOnly") and KERNEL >= (5, 12) else "ro"  # IfPossible
            mounts.append({"destination": mount["mountPath"], "type": "bind", "source": str(source),
                           "options": ["rbind", "rprivate", mode]})
        return mounts

    def config(self):
        subprocess.run(["runc", "spec", "--bundle", self.bundle], check=True)
        config = json.loads((self.bundle / "config.json").read_text())
        context = self.wanted["securityContext"]
        added = context["capabilities"]["add"]
        assert context["capabilities"]["drop"] == ["ALL"] and not context["privileged"]
        names = [f"CAP_{name}" for name in self.capabilities]
        config["process"].update({
            "terminal": False,
            "args": self.wanted["command"] + self.wanted["args"],
            "env": [f"PATH={PATH}"] + [f"{item['name']}={item['value']}" for item in self.wanted.get("env", [])],
            "user": {"uid": context["runAsUser"], "gid": context["runAsGroup"]},
            "noNewPrivileges": not context["allowPrivilegeEscalation"],
            "capabilities": {part: names for part in ("bounding", "effective", "permitted")},
            "rlimits": [],
            "oomScoreAdj": 990})
        if KERNEL < (5, 11) and "SYS_RESOURCE" not in added:
            # Maps count as locked there. With the capability memspike raises the limit by itself.
            config["process"]["rlimits"] = [{"type": "RLIMIT_MEMLOCK", "hard": 2**64 - 1, "soft": 2**64 - 1}]
        config["root"]["readonly"] = context["readOnlyRootFilesystem"]
        config["mounts"] = self.mounts(config["mounts"])
        linux = config["linux"]
        linux["cgroupsPath"] = self.cgroup
        limits = self.wanted["resources"]["limits"]
        linux["resources"]["memory"] = {"limit": bytes_of(limits["memory"])}
        linux["resources"]["cpu"] = {"quota": int(float(limits["cpu"]) * 100000), "period": 100000}
        kinds = ["ipc", "uts", "mount", "network", "cgroup"] + ([] if self.pod.get("hostPID") else ["pid"])
        linux["namespaces"] = [{"type": kind} for kind in kinds]
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [], "syscalls": [
            {"names": calls, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
            for capability, calls in REFUSED_WITHOUT.items() if capability not in self.capabilities]}
        return config

    def start(self):
        with open(self.bundle / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["runc", "run", *(["--no-pivot"] if IN_GUEST else []), "--bundle", self.bundle, self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self):
        return (self.bundle / "log").read_text()

    def execute(self, *words):
        return kit.call(["runc", "exec", self.name, *words], timeout=SECONDS)

    def probe(self, name):
        return self.execute(*self.wanted[f"{name}Probe"]["exec"]["command"]).returncode

    def end(self):
        """By the kubelet's signal; the exit code."""
        subprocess.run(["runc", "kill", self.name, "TERM"], check=True)
        return self.process.wait(timeout=self.pod["terminationGracePeriodSeconds"])

    def close(self):
        kit.call(["runc", "delete", "--force", self.name])
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        pod = self.cgroup.rsplit("/", 1)[0]
        for path in pathlib.Path("/sys/fs/cgroup").glob("*") if not IS_V2 else [pathlib.Path("/sys/fs/cgroup")]:
            for below in (pod, "/kubepods/burstable", "/kubepods"):
                try:
                    os.rmdir(f"{path}{below}")
                except OSError:
                    pass  # others use it


class InAContainer(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="memspike-test-")
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.node = Node(self.place / "node")
        self.addCleanup(self.node.close)

    def start(self, everything, command=None, refused=()):
        container = Container(self.node, everything, self.place / f"bundle-{random.randrange(10**6)}")
        config = json.loads((container.bundle / "config.json").read_text())
        if command:
            config["process"]["args"] = command
        for call in refused:
            config["linux"]["seccomp"]["syscalls"].append({"names": [call], "action": "SCMP_ACT_ERRNO", "errnoRet": 1})
        (container.bundle / "config.json").write_text(json.dumps(config))
        self.addCleanup(container.close)
        container.start()
        return container

    def test_a_kill_is_recorded_and_told(self):
        identifier = uuid.uuid4().hex * 2
        self.node.name_container("checkout-0", "app", identifier)
        container = self.start(kit.objects())
        try:
            within(SECONDS, lambda: container.probe("startup") == 0)
        except AssertionError:
            self.fail(container.log())
        self.assertEqual([container.probe(name) for name in ("readiness", "liveness")], [0, 0])
        self.check_rights(container)

        self.node.die(self.node.container(identifier, 24 << 20))
        # At first it says that the report is in the making.
        ask = ["memspike", "why", "shop/checkout-0"]
        why = within(SECONDS, lambda: [text for text in [container.execute(*ask).stdout] if "OOM-killed" in text])[0]
        self.assertIn("24.0 MiB", why)
        listed = container.execute("memspike", "list")  # by MEMSPIKE_HOST_ROOT alone
        self.assertIn("checkout-0", listed.stdout)
        self.assertIn("app", listed.stdout)
        if not IN_GUEST:
            self.check_plugin(container)
        self.check_memory(container)

        self.assertEqual(container.end(), 0, container.log())
        dossiers = self.node.path_of("/var/lib/memspike") / "dossiers"
        dossier, = [path for path in dossiers.iterdir() if "shop-checkout-0-app" in path.name]
        self.assertEqual(sorted(path.name for path in dossier.iterdir()),
                         ["recording.pftrace", "report.json", "report.txt"])
        self.assertEqual(dossiers.stat().st_mode & 0o077, 0)
        self.assertIn("OOM-killed", (dossier / "report.txt").read_text())

    def check_rights(self, container):
        state = json.loads(kit.call(["runc", "state", container.name], check=True).stdout)
        status = pathlib.Path(f"/proc/{state['pid']}/status").read_text()
        allowed = sum(1 << bit for name, bit in (("SYS_PTRACE", 19), ("SYS_RESOURCE", 24), ("SYSLOG", 34),
                                                 ("PERFMON", 38), ("BPF", 39)) if name in container.capabilities)
        for part in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
            has = int(re.search(rf"{part}:\s+(\w+)", status).group(1), 16)
            self.assertEqual(has & ~allowed, 0, part)
        if "SYS_RESOURCE" in container.capabilities:
            self.assertEqual(pathlib.Path(f"/proc/{state['pid']}/oom_score_adj").read_text(), "-999\n")
        has = int(re.search(r"CapEff:\s+(\w+)", status).group(1), 16)
        self.assertEqual(has & (1 << 38 | 1 << 19), 0, "PERFMON and SYS_PTRACE are for the start only")
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        self.assertRegex(status, r"Seccomp:\s+2")
        # The node's files cannot be written, those of mounts below the mounts neither.
        own = f"/host{MEMORY}/cgroup.procs"
        for place in (own, "/host/proc/sys/kernel/core_pattern", "/host/var/log/pods/x", "/x"):
            done = container.execute("/bin/busybox", "sh", "-c", f"echo x >>{place}")
            self.assertNotEqual(done.returncode, 0, place)
            self.assertIn("Read-only file system", done.stderr, place)

    def check_memory(self, container):
        cgroup = pathlib.Path(f"{MEMORY}{container.cgroup}")
        peak = cgroup / ("memory.peak" if IS_V2 else "memory.max_usage_in_bytes")
        limit = bytes_of(container.wanted["resources"]["limits"]["memory"])
        if peak.exists():
            print(f"memory of the container: at most {int(peak.read_text()) >> 20} MiB of {limit >> 20} MiB")
            self.assertLess(int(peak.read_text()), limit)

    def check_plugin(self, container):
        """kubectl memspike, from kubectl to this very container and back."""
        (self.place / "bin").mkdir()
        (self.place / "bin" / "kubectl").symlink_to(kit.tools() / "kubectl")
        (self.place / "bin" / "kubectl-memspike").symlink_to(kit.DEPLOY / "kubectl" / "kubectl-memspike")
        pods = [apiserver.pod("memspike", "memspike-x", "node-x", {"app.kubernetes.io/name": "memspike"},
                              containers=("memspike",)),
                apiserver.pod("shop", "checkout-0", "node-x")]
        environment = {"PATH": f"{self.place}/bin:{os.environ['PATH']}", "HOME": str(self.place)}
        with apiserver.ApiServer(pods, lambda _: ["runc", "exec", container.name]) as server:
            def ask(*words, code=0):
                done = kit.call(["kubectl", "memspike", *words, f"--server={server.url}"], env=environment,
                                cwd=self.place, timeout=SECONDS)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                return done.stdout
            self.assertIn("OOM-killed", ask("why", "checkout-0", "-n", "shop", "-c", "app"))
            self.assertIn("shop/checkout-0/app", ask("kills"))
            self.assertIn("checkout-0", ask("list"))
            self.assertIn("watches", ask("status"))
            ask("why", "nobody-0", code=3)
            ask("last", "checkout-0", "-n", "shop", "-o", "last.html")
            self.assertTrue((self.place / "last.html").read_text().rstrip().endswith("</html>"))
            # The pod's cgroup is there, with nobody in it.
            self.assertIn("checkout-0", ask("record", "checkout-0", "-n", "shop", "-d", "1s"))
            server.pods.pop()  # gone
            self.assertIn("OOM-killed", ask("why", "checkout", "-n", "shop"))
            server.pods.clear()
            ask("why", "checkout", code=1)

    def test_doctor_is_content_in_each_shape(self):
        for case in ("default", "minimal"):
            with self.subTest(case):
                container = self.start(kit.objects(case), ["memspike", "doctor", "-f", "json"])
                code = container.process.wait(timeout=SECONDS)
                self.assertEqual(code, 0, container.log())
                checks = {check["name"]: check for check in json.loads(container.log())["checks"]}
                for name in ("privileges", "cgroup", "kernel_log", "proc"):
                    self.assertEqual(checks[name]["state"], "good", checks[name])

    @unittest.skipIf(IN_GUEST, "its values are not rendered for guests")
    def test_all_that_can_be_switched_on_is_taken_by_the_service(self):
        (self.node.place / "run/containerd").mkdir(parents=True)
        for case, code in (("everything", 0), ("no-metrics", 1)):
            with self.subTest(case):
                container = self.start(kit.objects(case))
                within(SECONDS, lambda: "watching" in container.log() or container.process.poll() is not None)
                self.assertEqual(container.probe("readiness"), 0, container.log())
                metrics = container.execute("/bin/busybox", "wget", "-qO-", "http://127.0.0.1:9779/metrics")
                self.assertEqual(metrics.returncode, code)
                self.assertEqual("memspike_build_info" in metrics.stdout, code == 0)
                self.assertEqual(container.end(), 0)

    def test_a_profile_that_is_too_old_is_told_as_such(self):
        container = self.start(kit.objects(), refused=["bpf"])
        self.assertEqual(container.process.wait(timeout=SECONDS), 4)
        self.assertIn("a seccomp profile forbids bpf(2)", container.log())
        container = self.start(kit.objects(), ["memspike", "doctor"], refused=["bpf"])
        self.assertEqual(container.process.wait(timeout=SECONDS), 4)
        self.assertIn("name a seccomp profile", container.log())

    def test_without_a_probe_s_service_the_probe_fails(self):
        container = self.start(kit.objects(), ["/bin/busybox", "sleep", "60"])
        within(SECONDS, lambda: container.execute("/bin/busybox", "true").returncode == 0)
        self.assertEqual(container.probe("liveness"), 1)


if __name__ == "__main__":
    if os.geteuid() != 0 or not MEMSPIKE.exists() or not WORKLOAD.exists():
        raise SystemExit(f"runc_test: needs root, {MEMSPIKE} and {WORKLOAD}")
    unittest.main()
