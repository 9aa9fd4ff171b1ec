#!/usr/bin/env python3
"""A real Prometheus with a real Alertmanager scrapes a real service: the kills of each container are the kernel's, the
alert comes for whom it is about, and of containers that have come and gone no more series are left than their pods'.

Longer by hand: MEMSPIKE_CONTAINERS=1000.
"""
import json
import os
import pathlib
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
COME_AND_GO = int(os.environ.get("MEMSPIKE_CONTAINERS", "100"))
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


def until(what, done):
    """Gives what `done` gives once that is true; None after the patience."""
    deadline = time.monotonic() + PATIENCE_S
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

    def __init__(self, node, name):
        self.uid, self.name = str(uuid.uuid4()), name
        self.directory = MOUNT / "kubepods" / "burstable" / f"pod{self.uid}"
        self.node, self.made, self.container = node, [], None
        logs = node / "var/log/pods" / f"shop_{name}_{self.uid}" / "app"
        logs.mkdir(parents=True)
        for directory in (self.directory.parent.parent, self.directory.parent, self.directory):
            if directory.exists():
                continue
            directory.mkdir()
            self.made.append(directory)
            if IS_V2:
                (directory / "cgroup.subtree_control").write_text("+memory")
        self.restart()

    def restart(self):
        """The same container with another id, as after each of its ends."""
        if self.container:
            self.container.rmdir()
        container = uuid.uuid4().hex * 2
        links = self.node / "var/log/containers"
        links.mkdir(parents=True, exist_ok=True)
        log = f"/var/log/pods/shop_{self.name}_{self.uid}/app/0.log"
        (links / f"{self.name}_shop_app-{container}.log").symlink_to(log)
        self.container = self.directory / container
        self.container.mkdir()
        if IS_V2:
            (self.container / "memory.max").write_text(str(LIMIT))
        else:
            (self.container / "memory.limit_in_bytes").write_text(str(LIMIT))

    def run(self, *arguments):
        def enter():
            (self.container / "cgroup.procs").write_text("0")
        return subprocess.run([WORKLOAD, *arguments], preexec_fn=enter, stdout=subprocess.DEVNULL).returncode

    def kills(self):
        name = "memory.events" if IS_V2 else "memory.oom_control"
        lines = (self.container / name).read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def remove(self):
        for directory in [self.container, *reversed(self.made)]:
            for _ in range(50):
                try:
                    directory.rmdir()
                    break
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
        [MEMSPIKE, "serve", "--data-dir", place / "data", "--socket", place / "socket", "--host-root", node,
         "--cgroup-root", MOUNT, "--metrics", f"127.0.0.1:{metrics}"],
        ["prometheus-alertmanager", f"--config.file={place}/alertmanager.yml", f"--storage.path={place}/alerts",
         f"--web.listen-address=127.0.0.1:{alerts}", "--cluster.listen-address=", "--log.level=error"],
        ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/series",
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]]
    return [subprocess.Popen([str(word) for word in command], stderr=open(place / "err", "ab"))
            for command in commands]


def kills_by_pod(port):
    query = 'sum by (namespace, pod, container) (memspike_container_oom_kills_total)'
    results = ask(port, "/api/v1/query?query=" + urllib.parse.quote(query))["data"]["result"]
    return {tuple(result["metric"].get(name) for name in ("namespace", "pod", "container")):
            int(float(result["value"][1])) for result in results}


def check(place, port, alerts, pods):
    node = place / "node"
    killed, calm, crowd = (Pod(node, name) for name in ("killed-0", "calm-0", "crowd-0"))
    pods += [killed, calm, crowd]
    calm.run("anon", "2M")
    app = {pod: ("shop", pod.name, "app") for pod in pods}
    # Prometheus knows them before anything happens: a rise is from there.
    until("Prometheus knows the containers", lambda: all(kills_by_pod(port).get(app[pod]) == 0 for pod in pods))
    for _ in range(3):
        killed.run("oom", "--max", "64M")
    until("Prometheus counts the kills that the kernel counts",
          lambda: kills_by_pod(port).get(app[killed]) == killed.kills() == 3)
    found = until("Alertmanager has the alert", lambda: [
        alert for alert in ask(alerts, "/api/v2/alerts")
        if alert["labels"]["alertname"] == "ContainerKilledByItsLimit"])
    for alert in found or []:
        labels = alert["labels"]
        if (labels["namespace"], labels["pod"], labels["container"]) != app[killed]:
            failures.append(f"an alert for {labels}")
    # Containers of one pod come and go: what is counted of them is one container's.
    for _ in range(COME_AND_GO):
        crowd.restart()
        crowd.run("anon", "256K")
    until("the last container is there", lambda: kills_by_pod(port).get(app[crowd]) == 0)
    known = {labels for labels in kills_by_pod(port)}
    if known != set(app.values()):
        failures.append(f"series of {known}")
    series = ask(port, "/api/v1/series?match[]=" + urllib.parse.quote('{__name__=~"memspike_container_.*"}'))["data"]
    names = {name for each in series for name in each} - {"__name__", "job", "instance", "le", "limit"}
    if names != {"namespace", "pod", "container"}:
        failures.append(f"labels {names}")
    plain = [each for each in series if each["pod"] == "crowd-0" and "le" not in each
             and not each["__name__"].endswith(("_sum", "_count"))]
    if not 10 <= len(plain) <= 18:  # 15, and more of the kills for they are told by limit
        failures.append(f"{len(plain)} series of a container: {sorted(each['__name__'] for each in plain)}")


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
