#!/usr/bin/env python3
"""A real Prometheus with a real Alertmanager scrapes a real service: twenty containers that are killed and restarted a
hundred times, by limits of their own and by their pods'. What is counted of each is what the kernel counted, an alert
comes for each container that it is about and for no other, and of those that have come and gone nothing stays.

By hand: MEMSPIKE_CONTAINERS=1000 lets that many pods come and go, and waits for the five minutes that a pod's series
outlive it.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid

SOURCE, MEMSPIKE, WORKLOAD = (pathlib.Path(argument) for argument in sys.argv[1:4])
PATIENCE_S = 90
PODS, RESTARTS = 20, 100
COME_AND_GO = int(os.environ.get("MEMSPIKE_CONTAINERS", "0"))
STAY_S = 300  # how long the service tells of a pod that is gone
LIMIT = 8 << 20
MOUNT = pathlib.Path("/sys/fs/cgroup/memory")
IS_V2 = not (MOUNT / "memory.usage_in_bytes").exists()
if IS_V2:
    MOUNT = pathlib.Path("/sys/fs/cgroup")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def until(what, done, patience_s=PATIENCE_S):
    """Gives what `done` gives once that is true; None after the patience."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            if result := done():
                return result
        except OSError:
            pass
        time.sleep(0.2)
    failures.append(f"it never came true that {what}")
    return None


class Pod:
    """A pod with one container, "app", and the names that the node has of it."""

    def __init__(self, node, name, is_pod_limited=False):
        self.uid, self.name, self.is_pod_limited = str(uuid.uuid4()), name, is_pod_limited
        self.labels = ("shop", name, "app")
        self.directory = MOUNT / "kubepods" / "burstable" / f"pod{self.uid}"
        self.node, self.container, self.link = node, None, None
        self.kernel_kills = 0  # of the lives that are over
        logs = node / "var/log/pods" / f"shop_{name}_{self.uid}" / "app"
        logs.mkdir(parents=True)
        self.made = []
        for directory in (self.directory.parent.parent, self.directory.parent, self.directory):
            if directory.exists():
                continue
            directory.mkdir()
            self.made.append(directory)
            if IS_V2:
                (directory / "cgroup.subtree_control").write_text("+memory")
        if is_pod_limited:
            set_limit(self.directory, LIMIT)
        self.start()

    def start(self):
        container = uuid.uuid4().hex * 2
        links = self.node / "var/log/containers"
        links.mkdir(parents=True, exist_ok=True)
        self.link = links / f"{self.name}_shop_app-{container}.log"
        self.link.symlink_to(f"/var/log/pods/shop_{self.name}_{self.uid}/app/0.log")
        self.container = self.directory / container
        self.container.mkdir()
        if not self.is_pod_limited:
            set_limit(self.container, LIMIT)

    def end(self):
        """What the kernel has counted of it is read before it is gone."""
        name = "memory.events" if IS_V2 else "memory.oom_control"
        lines = (self.container / name).read_text().splitlines()
        self.kernel_kills += sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
        remove(self.container)
        self.link.unlink()

    def restart(self):
        """The same container with another id, as after each of its ends."""
        self.end()
        self.start()

    def run(self, *arguments):
        def enter():
            (self.container / "cgroup.procs").write_text("0")
        return subprocess.run([WORKLOAD, *arguments], preexec_fn=enter, stdout=subprocess.DEVNULL).returncode

    def remove(self):
        if self.container.exists():
            self.end()
        for directory in reversed(self.made):
            remove(directory)


def set_limit(directory, limit):
    (directory / ("memory.max" if IS_V2 else "memory.limit_in_bytes")).write_text(str(limit))


def remove(directory):
    """A process that was killed may be in there for a moment more."""
    for _ in range(50):
        try:
            return directory.rmdir()
        except OSError:
            time.sleep(0.02)


def configure(place, metrics, alerts):
    (place / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{SOURCE}/tools/deploy/prometheus/memspike.rules.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alerts}"]}}]}}]}}
scrape_configs: [{{job_name: memspike, static_configs: [{{targets: ["127.0.0.1:{metrics}"]}}]}}]
""")
    (place / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")


def start(place, port, metrics, alerts):
    node = place / "node"
    commands = [
        # What else there is on the node, and is tested meanwhile, has no names here.
        [MEMSPIKE, "serve", "--data-dir", place / "data", "--socket", place / "socket", "--host-root", node,
         "--cgroup-root", MOUNT, "--metrics", f"127.0.0.1:{metrics}", "--namespace", "shop"],
        ["prometheus-alertmanager", f"--config.file={place}/alertmanager.yml", f"--storage.path={place}/alerts",
         f"--web.listen-address=127.0.0.1:{alerts}", "--cluster.listen-address=", "--log.level=error"],
        ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/series",
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]]
    return [subprocess.Popen([str(word) for word in command], stderr=open(place / "err", "ab"))
            for command in commands]


def query(port, expression):
    return ask(port, "/api/v1/query?query=" + urllib.parse.quote(expression))["data"]["result"]


def labels_of(metric):
    return tuple(metric.get(name, "") for name in ("namespace", "pod", "container"))


def kills_by_pod(port, limits=".*"):
    selected = f'memspike_container_oom_kills_total{{limit=~"{limits}"}}'
    return {labels_of(result["metric"]): int(float(result["value"][1]))
            for result in query(port, f"sum by (namespace, pod, container) ({selected})")}


def live_and_die(pods):
    """A hundred restarts, in each life none to two kills; two pods are never in need."""
    chance = random.Random(20261130)
    order = [pod for pod in pods for _ in range(RESTARTS // PODS)]
    chance.shuffle(order)
    for pod in order:
        for _ in range(0 if pod in pods[:2] else chance.choice((0, 1, 1, 2))):
            if pod.run("oom", "--max", "64M") != -signal.SIGKILL:
                failures.append(f"{pod.name} was not killed")
        pod.restart()


def check_alerts(alerts, alertname, pods):
    """It is there for each of these, and labelled as a route would have it; and for nobody else."""
    expected = sorted(pod.labels for pod in pods)
    found = []

    def has_all():
        found[:] = [alert["labels"] for alert in ask(alerts, "/api/v2/alerts")
                    if alert["labels"]["alertname"] == alertname]
        return len(found) >= len(expected)
    until(f"Alertmanager has {alertname} for {len(expected)} containers", has_all)
    if sorted(labels_of(labels) for labels in found) != expected:
        failures.append(f"{alertname} for {found}, not for {expected}")
    for labels in found:
        if set(labels) != {"alertname", "severity", "namespace", "pod", "container"}:
            failures.append(f"{alertname} has the labels {labels}")


def check_series(port, pods):
    """Each container has the series that it should have, and nobody else has any."""
    series = ask(port, "/api/v1/series?match[]=" + urllib.parse.quote('{__name__=~"memspike_container_.*"}'))["data"]
    names = {name for each in series for name in each} - {"__name__", "job", "instance", "le", "limit"}
    if names != {"namespace", "pod", "container"}:
        failures.append(f"labels {names}")
    told = {labels_of(each) for each in series}
    if told != {pod.labels for pod in pods}:
        failures.append(f"series of {told}")
    for pod in pods:
        plain = [each["__name__"] for each in series if labels_of(each) == pod.labels and "le" not in each
                 and not each["__name__"].endswith(("_sum", "_count"))]
        if not 10 <= len(plain) <= 18:  # 15, and more of the kills for they are told by limit
            failures.append(f"{len(plain)} series of {pod.name}: {sorted(plain)}")


def come_and_go(port, node, pods):
    """Pods whose names nobody has had before. Their series are told for five minutes more, and then no longer."""
    before = {pod.labels for pod in pods}
    for number in range(COME_AND_GO):
        pod = Pod(node, f"passing-{number}")
        pod.run("anon", "256K")
        pod.remove()
    until("the last of them is told of", lambda: len(kills_by_pod(port)) > len(before))
    until("nobody who is gone is told of any more", lambda: set(kills_by_pod(port)) == before, STAY_S + PATIENCE_S)
    count = query(port, 'count({__name__=~"memspike_container_.*"})')[0]["value"][1]
    print(f"{COME_AND_GO} pods came and went; {count} series are left of {len(before)} containers")


def check(place, port, alerts, pods):
    pods += [Pod(place / "node", f"checkout-{number}", is_pod_limited=number % 5 == 4) for number in range(PODS)]
    # Prometheus knows them before anything happens: a rise is from there.
    none = {pod.labels: 0 for pod in pods}
    until("Prometheus knows the containers", lambda: kills_by_pod(port) == none)
    live_and_die(pods)
    kernel = {pod.labels: pod.kernel_kills for pod in pods}
    until("Prometheus counts the kills that the kernel counts", lambda: kills_by_pod(port) == kernel)
    print(f"{RESTARTS} restarts of {PODS} containers, {sum(kernel.values())} kills: {kills_by_pod(port) == kernel}")
    if kills_by_pod(port) != kernel:
        failures.append(f"Prometheus: {kills_by_pod(port)}; the kernel: {kernel}")
    killed = [pod for pod in pods if pod.kernel_kills > 0]
    by_pods = [pod for pod in killed if pod.is_pod_limited]
    by_own = [pod for pod in killed if not pod.is_pod_limited]
    if len(killed) < PODS // 2 or not by_pods or pods[0] in killed:
        failures.append("the kills are not as they were meant")
    for limit, group in (("own", by_own), ("pod", by_pods)):
        counted = {labels: kills for labels, kills in kills_by_pod(port, limit).items() if kills}
        if counted != {pod.labels: pod.kernel_kills for pod in group}:
            failures.append(f"kills by the limit {limit}: {counted}")
    check_alerts(alerts, "ContainerKilledByItsLimit", by_own)
    check_alerts(alerts, "ContainerKilledByItsPodsLimit", by_pods)
    check_alerts(alerts, "ContainerKilledByTheNode", [])
    check_series(port, pods)
    if COME_AND_GO:
        come_and_go(port, place / "node", pods)


def main():
    port, metrics, alerts = free_port(), free_port(), free_port()
    place = pathlib.Path(tempfile.mkdtemp(prefix="memspike-test-"))
    configure(place, metrics, alerts)
    processes, pods = start(place, port, metrics, alerts), []
    try:
        until("the service is scraped", lambda: ask(port, "/api/v1/query?query=memspike_build_info")["data"]["result"])
        if not failures:
            check(place, port, alerts, pods)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()
        for pod in reversed(pods):
            pod.remove()
        if failures:
            print((place / "err").read_text()[-4000:])
        shutil.rmtree(place)
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


failures = []
main()
