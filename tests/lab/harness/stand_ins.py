"""What the lab has instead of the world: a trigger that scalers poll (HTTP), and the pod and
external metrics APIs (TLS) for plain HPAs.

`PUT /ray/NAMESPACE` sets how a namespace's Ray jobs end.
`PUT /prometheus/NAMESPACE` sets what its Prometheus knows: JSON, values by query or by metric of
the pods; `PUT /redis/LIST` how many items a list has; `PUT /sqs/QUEUE` how many messages of a queue
wait and are in flight (`3 1`).
`PUT /v/KEY` sets a trigger's value (a number, `error` for HTTP 500, `null` for an answer without
the value); `PUT /cpu/NAMESPACE` sets what
each pod of a namespace uses.
"""

from __future__ import annotations

import datetime
import json
import re
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

TRIGGER_PORT = 9911
METRICS_PORT = 9912
MODEL_PORT, FALLBACK_PORT = 8000, 8001
REDIS_PORT = 6379
RAY_PORT = 8265
RAY_JOB_SECONDS = 10

values: dict[str, str] = {}
"""What was PUT, by path."""
token: list[str] = []
"""The API server's."""


class Trigger(BaseHTTPRequestHandler):
    """`GET /v/KEY` answers {"value": N}; `/prometheus/NAMESPACE` is a Prometheus server's address,
    and `POST` is Amazon SQS."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path.endswith("/api/v1/query"):
            [query] = urllib.parse.parse_qs(url.query)["query"]
            found = _queried(url.path.removesuffix("/api/v1/query"), query)
            # What nothing exports is an empty vector, and no error.
            result = [] if found is None else [{"metric": {}, "value": [time.time(), str(found)]}]
            _answer(
                self,
                200,
                {"status": "success", "data": {"resultType": "vector", "result": result}},
            )
            return
        value = values.get(self.path, "0")
        if value == "error":
            _answer(self, 500, {"error": "as told"})
        elif value == "null":
            _answer(self, 200, {"value": None})
        else:
            _answer(self, 200, {"value": float(value)})

    def do_PUT(self) -> None:
        values[self.path] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        _answer(self, 200, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Amz-Target"] != "AmazonSQS.GetQueueAttributes":
            _answer(self, 400, {"__type": "UnsupportedOperation"})
            return
        waiting, in_flight = values.get(f"/sqs/{asked['QueueUrl'].split('/')[-1]}", "0 0").split()
        attributes = {
            "ApproximateNumberOfMessages": waiting,
            "ApproximateNumberOfMessagesNotVisible": in_flight,
            "ApproximateNumberOfMessagesDelayed": "0",
        }
        _answer(self, 200, {"Attributes": attributes})

    def log_message(self, format: str, *args: object) -> None:
        """Silence: a line a second and scaler would bury what matters."""


_OF_PODS = re.compile(
    r"(?:(?P<scale>\d+) \* )?sum\((?P<metric>[\w:]+)"
    r'\{namespace="(?P<namespace>[^"]+)",pod=~"(?P<pods>[^"]+)"\}\)'
)


def _queried(server: str, query: str) -> float | None:
    """The value of a query; None: there is no such series. A metric of pods is there while one of
    them runs."""
    known = json.loads(values.get(server, "{}"))
    if query in known:
        return float(known[query])
    asked = _OF_PODS.fullmatch(query)
    if asked is None or asked["metric"] not in known:
        return None
    pods = _kubernetes(f"/api/v1/namespaces/{asked['namespace']}/pods")["items"]
    running = any(
        pod["status"].get("phase") == "Running"
        and re.fullmatch(asked["pods"], pod["metadata"]["name"])
        for pod in pods
    )
    return float(known[asked["metric"]]) * int(asked["scale"] or 1) if running else None


class Redis(socketserver.StreamRequestHandler):
    """As much of Redis as KEDA's scaler asks: a script that returns a list's length."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                length = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(length + 2)[:-2].decode())
            self.wfile.write(_of_redis(words))


def _of_redis(words: list[str]) -> bytes:
    match words[0].upper():
        case "EVAL" | "EVALSHA":
            # EVAL SCRIPT NUMBER-OF-KEYS KEY
            return f":{values.get(f'/redis/{words[3]}', '0')}\r\n".encode()
        case "HELLO":
            return b"-ERR unknown command 'HELLO'\r\n"
        case "PING":
            return b"+PONG\r\n"
        case _:
            return b"+OK\r\n"


class ModelServer(BaseHTTPRequestHandler):
    """What answers for a model server's pods: `GET /?seconds=N` takes so long. At another port it
    is another model."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        time.sleep(float(query.get("seconds", "0")))
        port = self.connection.getsockname()[1]
        _answer(self, 200, {"model": "large" if port == MODEL_PORT else "small", "text": "Hello"})

    def log_message(self, format: str, *args: object) -> None:
        """Silence, as above."""


class RayDashboard(BaseHTTPRequestHandler):
    """What answers for the dashboards of Ray's head pods (Python inside a container, which there is
    none of here): jobs run for a while and succeed, or do as `PUT /ray/NAMESPACE` says; Serve's
    applications run as soon as they are deployed."""

    protocol_version = "HTTP/1.1"
    _jobs: ClassVar[dict[str, float]] = {}
    _applications: ClassVar[dict[str, list[str]]] = {}

    def do_GET(self) -> None:
        head = self.headers["Host"]
        if self.path.startswith("/api/serve/"):
            names = self._applications.get(head, [])
            running = {name: {"name": name, "status": "RUNNING"} for name in names}
            _answer(self, 200, {"applications": running})
            return
        job = self.path.rpartition("/")[2]
        since = self._jobs.setdefault(f"{head} {job}", time.time())
        namespace = head.split(".")[1]
        status = values.get(f"/ray/{namespace}", "SUCCEEDED")
        if time.time() < since + RAY_JOB_SECONDS:
            status = "RUNNING"
        end = 0 if status == "RUNNING" else int(time.time() * 1000)
        times = {"start_time": int(since * 1000), "end_time": end}
        _answer(self, 200, {"job_id": job, "submission_id": job, "status": status, **times})

    def do_PUT(self) -> None:
        config = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = [application["name"] for application in config["applications"]]
        self._applications[self.headers["Host"]] = names
        _answer(self, 200, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        name = asked.get("submission_id", "")
        _answer(self, 200, {"job_id": name, "submission_id": name})

    def log_message(self, format: str, *args: object) -> None:
        """Silence, as above."""


class Names(socketserver.BaseRequestHandler):
    """DNS: the name of every Service (with `svc`, or of two labels) means this host; nothing else
    has an address."""

    def handle(self) -> None:
        asked, answer_to = self.request
        # RFC 1035: a header of 12 bytes, then the name, its type and its class.
        end = asked.index(0, 12) + 1
        question, kind = asked[12 : end + 4], asked[end : end + 2]
        labels = sum(1 for _ in _labels(question))
        service = b"\x03svc" in question or labels == 2
        found = service and kind == b"\0\x01"
        unknown = not service
        flags = b"\x81\x83" if unknown else b"\x81\x80"
        counts = b"\0\x01" + (b"\0\x01" if found else b"\0\0") + b"\0\0\0\0"
        address = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x7f\0\0\x01" if found else b""
        answer_to.sendto(asked[:2] + flags + counts + question + address, self.client_address)


def _labels(question: bytes) -> Iterator[bytes]:
    at = 0
    while length := question[at]:
        yield question[at + 1 : at + 1 + length]
        at += 1 + length


class Metrics(BaseHTTPRequestHandler):
    """metrics.k8s.io/v1beta1 and external.metrics.k8s.io/v1beta1, as far as the HPA controller
    asks."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        query = dict(urllib.parse.parse_qsl(url.query))
        match parts:
            case ["apis", "metrics.k8s.io", "v1beta1"]:
                pods = {
                    "name": "pods",
                    "singularName": "",
                    "namespaced": True,
                    "kind": "PodMetrics",
                    "verbs": ["get", "list"],
                }
                _answer(
                    self,
                    200,
                    {
                        "kind": "APIResourceList",
                        "apiVersion": "v1",
                        "groupVersion": "metrics.k8s.io/v1beta1",
                        "resources": [pods],
                    },
                )
            case ["apis", "external.metrics.k8s.io", "v1beta1"]:
                kind = {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": "external.metrics.k8s.io/v1beta1",
                    "resources": [],
                }
                _answer(self, 200, kind)
            case ["apis", "metrics.k8s.io", "v1beta1", "namespaces", namespace, "pods"]:
                self._pods(namespace, query.get("labelSelector", ""))
            case ["apis", "external.metrics.k8s.io", "v1beta1", "namespaces", namespace, name]:
                self._external(namespace, name)
            case _:
                _answer(
                    self,
                    404,
                    {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404},
                )

    def _pods(self, namespace: str, selector: str) -> None:
        listed = _kubernetes(
            f"/api/v1/namespaces/{namespace}/pods?labelSelector={urllib.parse.quote(selector)}"
        )
        used = values.get(f"/cpu/{namespace}", "0m")
        _answer(self, 200, {
            "kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {},
            "items": [
                {
                    "metadata": {"name": pod["metadata"]["name"], "namespace": namespace, "labels": pod["metadata"].get("labels", {})},
                    "timestamp": _now(), "window": "10s",
                    "containers": [{"name": c["name"], "usage": {"cpu": used, "memory": "64Mi"}} for c in pod["spec"]["containers"]],
                }
                for pod in listed["items"] if pod["status"].get("phase") == "Running"
            ],
        })  # fmt: skip

    def _external(self, namespace: str, name: str) -> None:
        value = values.get(f"/v/{namespace}", "0")
        if value == "error":
            _answer(
                self,
                500,
                {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "status": "Failure",
                    "code": 500,
                    "message": "as told",
                },
            )
            return
        item = {"metricName": name, "metricLabels": {}, "timestamp": _now(), "value": value}
        _answer(
            self,
            200,
            {
                "kind": "ExternalMetricValueList",
                "apiVersion": "external.metrics.k8s.io/v1beta1",
                "metadata": {},
                "items": [item],
            },
        )

    def log_message(self, format: str, *args: object) -> None:
        """Silence, as above."""


def _kubernetes(path: str) -> Any:
    request = urllib.request.Request(
        f"https://127.0.0.1:6443{path}", headers={"Authorization": f"Bearer {token[0]}"}
    )
    context = ssl._create_unverified_context()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(request, timeout=10) as answer:
        return json.load(answer)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(handler: BaseHTTPRequestHandler, code: int, body: object) -> None:
    data = json.dumps(body).encode()
    handler.send_response(code)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def main() -> None:
    """`python -m tests.lab.harness.stand_ins CERTIFICATE KEY TOKEN`"""
    certificate, key, *token[:] = sys.argv[1:]
    metrics = ThreadingHTTPServer(("127.0.0.1", METRICS_PORT), Metrics)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    metrics.socket = context.wrap_socket(metrics.socket, server_side=True)
    threading.Thread(target=metrics.serve_forever, daemon=True).start()
    for port, handler in (
        (MODEL_PORT, ModelServer),
        (FALLBACK_PORT, ModelServer),
        (RAY_PORT, RayDashboard),
    ):
        # On all addresses of the lab's own network, where those of its pods lead here.
        server = ThreadingHTTPServer(("", port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    redis = socketserver.ThreadingTCPServer(("127.0.0.1", REDIS_PORT), Redis)
    threading.Thread(target=redis.serve_forever, daemon=True).start()
    names = socketserver.ThreadingUDPServer(("127.0.0.1", 53), Names)
    threading.Thread(target=names.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", TRIGGER_PORT), Trigger).serve_forever()


if __name__ == "__main__":
    main()
