"""As much of an API server as `kubectl get pods` and `kubectl exec` want: pods, and commands over a WebSocket.

What is executed in a pod is a command of this machine, told by the test.
"""
import base64
import hashlib
import http.server
import json
import selectors
import socket
import struct
import subprocess
import threading
import urllib.parse

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDOUT, STDERR, ERROR = 1, 2, 3
BINARY, CLOSE = 0x82, 0x88


def pod(namespace, name, node, labels=None, phase="Running", containers=("app",)):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name, "uid": f"uid-{name}", "labels": labels or {}},
            "spec": {"nodeName": node, "containers": [{"name": container, "image": "x"} for container in containers]},
            "status": {"phase": phase}}


def field(item, path):
    for part in path.split("."):
        item = item.get(part, {})
    return item


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        self.server.asked.append(self.path)
        parts = url.path.strip("/").split("/")
        if parts == ["api"]:
            self.answer({"kind": "APIVersions", "versions": ["v1"]})
        elif parts == ["apis"]:
            self.answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})
        elif parts == ["api", "v1"]:
            self.answer({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
                {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "shortNames": ["po"],
                 "verbs": ["get", "list", "create"]}]})
        elif parts == ["api", "v1", "pods"]:
            self.answer_list(self.server.pods, query)
        elif parts[:3] == ["api", "v1", "namespaces"] and len(parts) == 5:
            pods = [item for item in self.server.pods if field(item, "metadata.namespace") == parts[3]]
            self.answer_list(pods, query)
        elif parts[:3] == ["api", "v1", "namespaces"] and len(parts) in (6, 7):
            self.answer_pod(parts[3], parts[5], parts[6:], query)
        else:
            self.answer_not_found(self.path)

    def answer_not_found(self, what):
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                     "message": f'pods "{what}" not found', "details": {"name": what, "kind": "pods"}}, 404)

    def answer_list(self, pods, query):
        for selector in filter(None, query.get("labelSelector", [""])[0].split(",")):
            key, wanted = selector.split("=")
            pods = [item for item in pods if item["metadata"]["labels"].get(key) == wanted]
        for selector in filter(None, query.get("fieldSelector", [""])[0].split(",")):
            key, wanted = selector.split("=")
            pods = [item for item in pods if field(item, key) == wanted]
        self.answer({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods})

    def answer_pod(self, namespace, name, rest, query):
        found = [item for item in self.server.pods
                 if item["metadata"]["namespace"] == namespace and item["metadata"]["name"] == name]
        if not found:
            self.answer_not_found(name)
        elif rest == ["exec"]:
            self.execute(name, query)
        else:
            self.answer(found[0])

    # --- exec ---

    def send(self, kind, payload):
        head = struct.pack("!BB", kind, len(payload)) if len(payload) < 126 else (
            struct.pack("!BBH", kind, 126, len(payload)) if len(payload) < 65536 else
            struct.pack("!BBQ", kind, 127, len(payload)))
        self.connection.sendall(head + payload)

    def execute(self, name, query):
        offered = [word.strip() for word in self.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        protocol = next((word for word in PROTOCOLS if word in offered), None)
        if protocol is None:
            self.answer({"kind": "Status", "status": "Failure", "message": "no protocol", "code": 400}, 400)
            return
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()
        self.close_connection = True
        words = query.get("command", [])
        self.server.executed.append((name, query.get("container", [""])[0], words))
        try:
            with subprocess.Popen([*self.server.enter(name), *words], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                self.stream(process)
        except (OSError, BrokenPipeError):
            pass

    def stream(self, process):
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ, STDOUT)
            ready.register(process.stderr, selectors.EVENT_READ, STDERR)
            while ready.get_map():
                for event, _ in ready.select():
                    data = event.fileobj.read1(32768)
                    if data:
                        self.send(BINARY, bytes([event.data]) + data)
                    else:
                        ready.unregister(event.fileobj)
        code = process.wait()
        status = {"metadata": {}, "status": "Success"}
        if code != 0:
            status = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
                      "message": f"command terminated with non-zero exit code {code}",
                      "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}
        self.send(BINARY, bytes([ERROR]) + json.dumps(status).encode())
        self.send(CLOSE, struct.pack("!H", 1000))
        self.connection.settimeout(5)
        try:
            while self.connection.recv(4096):
                pass
        except socket.timeout:
            pass


class ApiServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pods, enter):
        """enter(NAME): the words before those that are executed in the pod of that name."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.pods = pods
        self.enter = enter
        self.asked = []
        self.executed = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def __exit__(self, *args):
        self.shutdown()
        super().__exit__(*args)
