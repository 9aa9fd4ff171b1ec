#!/usr/bin/env python3
"""What the rules and the dashboard ask for is there: each query of the dashboard gives an answer in a real Prometheus.

The series are made of the families that src/serve/exposition.cpp names, so that one that is renamed there, and
nowhere else, is found out.
"""
import http.server
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

SOURCE = pathlib.Path(sys.argv[1])
DEPLOY = SOURCE / "tools" / "deploy"
PATIENCE_S = 90
LABELS = 'namespace="shop",pod="checkout-0",container="app"'


def families():
    """Names as the service has them, with the kind of each."""
    text = (SOURCE / "src" / "serve" / "exposition.cpp").read_text()
    names = sorted(set(re.findall(r'"(memspike_[a-z_]+)"', text)))
    histograms = set(re.findall(r'"(memspike_[a-z_]+)",\s*MetricType::histogram', text))
    gauges = set(re.findall(r'"(memspike_[a-z_]+)",\s*MetricType::gauge', text))
    gauges |= set(re.findall(r'(?:write_gauge\(out, all|gauge\(),?\s*"(memspike_[a-z_]+)"', text))
    gauges |= set(re.findall(r'gauge\("(memspike_[a-z_]+)"', text))
    return {name: "histogram" if name in histograms else "gauge" if name in gauges else "counter" for name in names}


def exposition(kinds, value):
    lines = []
    for name, kind in kinds.items():
        labels = LABELS if "_container_" in name else ""
        if name == "memspike_lost_records":
            labels = 'cause="ring_buffer_full"'
        if name == "memspike_container_oom_kills":
            labels += ',limit="own"'
        if kind == "histogram":
            lines += [f'{name}_bucket{{{labels},le="{bound}"}} {value}' for bound in ("0.5", "1.0", "+Inf")]
        elif kind == "counter":
            lines.append(f"{name}_total{{{labels}}} {value}")
        else:
            lines.append(f"{name}{{{labels}}} {50 + value % 2}")
    return "\n".join(lines) + "\n"


class Node(http.server.BaseHTTPRequestHandler):
    kinds = families()
    asked = 0

    def do_GET(self):
        Node.asked += 1
        body = exposition(Node.kinds, Node.asked).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def queries():
    board = json.loads((DEPLOY / "grafana" / "memspike.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "5s")
            yield panel["title"], expression.replace("$namespace", ".*").replace("$pod", ".*")


def unknown_names():
    known = Node.kinds
    for path in [*DEPLOY.rglob("*.yml"), *DEPLOY.rglob("*.json")]:
        for name in set(re.findall(r"\bmemspike_[a-z_0-9]+", path.read_text())):
            if name not in known and re.sub(r"_(total|bucket|sum|count)$", "", name) not in known:
                yield f"{path.name} asks for {name}, which there is not"


def unanswered(port, asked):
    """Which of the queries give nothing yet, each with the reason."""
    for title, expression in asked:
        url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(expression)}"
        try:
            if json.load(urllib.request.urlopen(url, timeout=10))["data"]["result"]:
                continue
            reason = "nothing comes of it"
        except OSError as error:
            reason = str(error)
        yield title, expression, reason


def ask_until_answered(server, port):
    """A busy machine scrapes late: what has no answer yet is asked again."""
    deadline = time.monotonic() + PATIENCE_S
    pending = [(title, expression, "not asked") for title, expression in queries()]
    while pending and time.monotonic() < deadline and server.poll() is None:
        time.sleep(0.5)
        pending = list(unanswered(port, [query[:2] for query in pending]))
    return [f"{title}: {expression}: {reason}" for title, expression, reason in pending]


def main():
    failures = list(unknown_names())
    node = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Node)
    threading.Thread(target=node.serve_forever, daemon=True).start()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="memspike-test-") as place:
        config = pathlib.Path(place) / "prometheus.yml"
        config.write_text(f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs: [{{job_name: memspike, static_configs: [{{targets: ["127.0.0.1:{node.server_port}"]}}]}}]
""")
        server = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={place}/data",
                                   f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"])
        try:
            failures += ask_until_answered(server, port)
        finally:
            server.terminate()
            server.wait()
    print("\n".join(failures))
    sys.exit(1 if failures else 0)

main()
