#!/usr/bin/env python3
"""Histograms of a thousand nodes add up: one real Prometheus scrapes them all, and what its recording rules say is what
one merge of all spikes gives.

Each node's text is memspike's own, from rows to rendering (fleet_nodes.cpp); the merge is made here, of the spikes.
"""
import bisect
import collections
import http.server
import json
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

SOURCE, FLEET_NODES = pathlib.Path(sys.argv[1]), sys.argv[2]
NODES = 1000
PATIENCE_S = 150
SCRAPE_S = 10
MIB = 1 << 20
NAMESPACES = ("shop", "batch", "kube-system")
# As src/serve/meter.h has them: other bounds there, and the sums of a fleet of two versions would be wrong.
BOUNDS = {"height_ratio": [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0],
          "duration_seconds": [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 300],
          "headroom_bytes": [0, 1 << 16, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20, 1 << 30]}

Spike = collections.namedtuple("Spike", "namespace height_ratio duration_seconds headroom_bytes")


def spikes_of_container(chance, namespace, limit, floor, lines):
    """Some lie on a bound: what is counted at or below it."""
    at_ns = 10**9
    for _ in range(chance.choice((0, 0, 1, 3, 8, 20))):
        height = chance.choice([chance.randrange(limit // 19, limit - floor), limit // 10, limit // 2])
        height = min(height, limit - floor)
        rise_ns = 2 * chance.randrange(50, 10**chance.randrange(3, 9))
        hold_ns = chance.choice([chance.randrange(10**3, 10**chance.randrange(4, 12)), 500_000_000 - rise_ns, 10**9])
        hold_ns = max(hold_ns, 10**3)
        peak = floor + height
        # A limit further out may be nearer.
        headroom = chance.choice([limit - peak, (limit - peak) // 3])
        lines.append(f"spike {at_ns} {rise_ns} {hold_ns} {peak} {headroom}")
        yield Spike(namespace, height / limit, (rise_ns + hold_ns) / 1e9, headroom)
        at_ns += 2 * rise_ns + hold_ns + 10**10


def make_fleet():
    """The lines for fleet_nodes, and all spikes."""
    chance, lines, spikes = random.Random(20261130), [], []
    for _ in range(NODES):
        lines.append("node")
        for number in range(chance.randrange(0, 4)):
            namespace = chance.choice(NAMESPACES)
            limit = chance.randrange(24, 4096) * MIB
            floor = limit // chance.randrange(3, 12)
            # The same names on many nodes, as a set that moves around has them.
            lines.append(f"container {namespace} app-{number} main {limit} {floor}")
            spikes += spikes_of_container(chance, namespace, limit, floor, lines)
    return "\n".join(lines) + "\n", spikes


def merged(spikes, what):
    """How many of each namespace's spikes are at or below each bound, and how many there are."""
    counts = {}
    for namespace in NAMESPACES:
        values = sorted(getattr(spike, what) for spike in spikes if spike.namespace == namespace)
        for bound in BOUNDS[what]:
            counts[namespace, float(bound)] = bisect.bisect_right(values, bound)
        counts[namespace, float("inf")] = len(values)
    return counts


class Nodes(http.server.BaseHTTPRequestHandler):
    texts = []

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(Nodes.texts[int(self.path[1:])])

    def log_message(self, *_):
        pass


class Server(http.server.HTTPServer):
    """One answer after the other: a thread for each of a thousand would cost more than they all."""
    request_queue_size = NODES

    def handle_error(self, request, client_address):
        """Who asked has gone: Prometheus asks again."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def query(port, expression):
    url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(expression)}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)["data"]["result"]


def recorded(port, what):
    return {(result["metric"]["namespace"], float(result["metric"]["le"])): int(float(result["value"][1]))
            for result in query(port, f"memspike:burst_{what}_bucket:sum")}


def configure(place, nodes_port):
    targets = [{"targets": [f"127.0.0.1:{nodes_port}"],
                "labels": {"__metrics_path__": f"/{number}", "instance": f"node-{number}"}} for number in range(NODES)]
    (place / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": f"{SCRAPE_S}s", "scrape_timeout": f"{SCRAPE_S}s", "evaluation_interval": "1s"},
        "rule_files": [f"{SOURCE}/tools/deploy/prometheus/memspike.rules.yml"],
        "scrape_configs": [{"job_name": "memspike", "static_configs": targets}]}))


def await_answer(port, expected):
    """Each node is asked once in an interval: the sums are whole when all were."""
    deadline = time.monotonic() + PATIENCE_S
    told = {}
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            told = {what: recorded(port, what) for what in BOUNDS}
        except OSError:
            continue
        if told == expected:
            break
    return told


def check_quantiles(port, spikes):
    """What a fleet's histogram says of its 90th percentile is in the bucket in which that lies."""
    for what, bounds in BOUNDS.items():
        values = sorted(getattr(spike, what) for spike in spikes)
        # Above all bounds Prometheus gives the highest one.
        true = min(bisect.bisect_left(bounds, values[int(len(values) * 0.9)]), len(bounds) - 1)
        answer = query(port, f"histogram_quantile(0.9, sum by (le) (memspike:burst_{what}_bucket:sum))")
        told = float(answer[0]["value"][1])
        if bisect.bisect_left(bounds, told) != true:
            failures.append(f"the 90th percentile of {what} is told as {told}, in another bucket")


def check(port, spikes):
    expected = {what: merged(spikes, what) for what in BOUNDS}
    told = await_answer(port, expected)
    for what in BOUNDS:
        for key, count in expected[what].items():
            if told.get(what, {}).get(key) != count:
                failures.append(f"{what} {key}: {told.get(what, {}).get(key)} told, {count} by the merge")
        for key in set(told.get(what, {})) - set(expected[what]):
            failures.append(f"{what} has {key}, which no spike is in")
    if failures:
        return
    bursts = query(port, "sum(memspike_container_bursts_total)")[0]["value"][1]
    if int(float(bursts)) != len(spikes):
        failures.append(f"{bursts} bursts of {len(spikes)} spikes")
    check_quantiles(port, spikes)


def main():
    lines, spikes = make_fleet()
    rendered = subprocess.run([FLEET_NODES], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    Nodes.texts = rendered.split(b"\f")[:-1]
    if len(Nodes.texts) != NODES:
        sys.exit(f"{len(Nodes.texts)} nodes were rendered")
    nodes = Server(("127.0.0.1", 0), Nodes)
    threading.Thread(target=nodes.serve_forever, daemon=True).start()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="memspike-test-") as scratch:
        place = pathlib.Path(scratch)
        configure(place, nodes.server_port)
        server = subprocess.Popen(["prometheus", f"--config.file={place}/prometheus.yml",
                                   f"--storage.tsdb.path={place}/data", f"--web.listen-address=127.0.0.1:{port}",
                                   "--log.level=error"])
        begin = time.monotonic()
        try:
            check(port, spikes)
        finally:
            server.terminate()
            server.wait()
    print(f"{NODES} nodes, {len(spikes)} spikes: {time.monotonic() - begin:.1f} s")
    print("\n".join(failures[:20]))
    sys.exit(1 if failures else 0)


failures = []
main()
