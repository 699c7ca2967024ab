"""A fake of a Kubernetes API server and of Prometheus for tests: plain HTTP on loopback, objects
from a dict, and whatever answers a test asks for. The lab has the real API server."""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

TOKEN = "s3cret-token-that-nobody-may-see-0123456789"
Object = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


class Fake:
    """What the servers know, and what was asked of them."""

    def __init__(self) -> None:
        self.objects: dict[str, list[Object]] = {}
        """By the path of their collection, without a namespace: `/apis/apps/v1/deployments`."""
        self.answers: list[Callable[[str, str, dict[str, str]], Answer | None]] = []
        """Asked first: method, path, query → an answer, or None for the usual one."""
        self.calls: list[tuple[str, str]] = []
        self.page = 0
        """Objects a page at most; 0: as many as asked for."""
        self.series: dict[str, list[tuple[dict[str, str], list[float]]]] = {}
        """By a word of the query: labels and values, spread over the whole time."""
        self.recorded: dict[str, list[Object]] = {}
        """What a real Prometheus answered to a query from 3600 s on, whatever the time is now."""
        self.clock = 0.0
        """Seconds by which Prometheus' clock is ahead."""
        self.url = ""

    def add(self, *objects: Object) -> None:
        for one in objects:
            version, kind = one["apiVersion"], one["kind"]
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            self.objects.setdefault(f"{root}/{kind.lower()}s", []).append(one)

    def found(self, kind: str, name: str) -> Object:
        """One object as it is now."""
        (one,) = (
            one
            for listed in self.objects.values()
            for one in listed
            if one["kind"] == kind and one["metadata"]["name"] == name
        )
        return one

    def refuse(
        self, part: str, code: int, headers: dict[str, str] | None = None, times: int = -1
    ) -> None:
        """Answers calls whose path has this part with a Status of this code, so many times."""
        left = [times]

        def answer(method: str, path: str, query: dict[str, str]) -> Answer | None:
            if part not in path or left[0] == 0:
                return None
            left[0] -= 1
            body = {
                "kind": "Status",
                "apiVersion": "v1",
                "code": code,
                "message": f"no {part} for you",
            }
            return (
                code,
                {"Content-Type": "application/json", **(headers or {})},
                json.dumps(body).encode(),
            )

        self.answers.append(answer)

    def kubeconfig(self, folder: Path, **cluster: Any) -> Path:
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig_for(self.url, **cluster)))
        return path


def roles_of(page: Path) -> dict[str, set[tuple[str, str, str]]]:
    """What the ClusterRoles of a page allow, by name: verb, group, resource."""
    blocks = page.read_text().split("```yaml\n")[1:]
    listed = [yaml.safe_load(block.partition("```")[0]) for block in blocks]
    return {
        role["metadata"]["name"]: {
            (verb, group, resource)
            for rule in role["rules"]
            for verb in rule["verbs"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
        }
        for role in listed
        if role.get("kind") == "ClusterRole"
    }


def rights(calls: list[tuple[str, str]]) -> set[tuple[str, str, str]]:
    """What RBAC asks for these calls: verb, group, resource."""
    found = set()
    for method, path in calls:
        if path.startswith("/api/v1/query"):
            continue
        collection, _, name, sub = _place(path)
        parts = collection.strip("/").split("/")
        group = "" if parts[0] == "api" else parts[1]
        verb = "patch" if method == "PATCH" else "get" if name else "list"
        found.add((verb, group, f"{parts[-1]}/{sub}" if sub else parts[-1]))
    return found


def kubeconfig_for(url: str, **cluster: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
    }


@contextlib.contextmanager
def running_fake() -> Iterator[Fake]:
    fake = Fake()

    class Handler(_Handler):
        state = fake

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign,assignment]
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: Fake

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def _answer(self, method: str) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.state.calls.append((method, url.path))
        for special in self.state.answers:
            if (answer := special(method, url.path, query)) is not None:
                self._send(*answer)
                return
        if url.path.startswith("/api/v1/query"):
            self._json(200, _prometheus(self.state, url.path, query))
        elif method == "PATCH":
            self._json(*_patch(self.state, url.path, json.loads(body)))
        else:
            self._json(*_read(self.state, url.path, query))

    def _json(self, code: int, body: Object) -> None:
        self._send(code, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _send(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)


def _place(path: str) -> tuple[str, str, str, str]:
    """The path of the collection, namespace, name and subresource."""
    parts = path.strip("/").split("/")
    head = 2 if parts[0] == "api" else 3
    root, rest = "/" + "/".join(parts[:head]), parts[head:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    rest += [""] * (3 - len(rest))
    return f"{root}/{rest[0]}", namespace, rest[1], rest[2]


def _read(fake: Fake, path: str, query: dict[str, str]) -> tuple[int, Object]:
    collection, namespace, name, _ = _place(path)
    if collection not in fake.objects and not collection.startswith(
        ("/api/v1/", "/apis/apps/", "/apis/autoscaling/")
    ):
        return 404, {
            "kind": "Status",
            "code": 404,
            "message": "the server could not find the requested resource",
        }
    listed = [
        one
        for one in fake.objects.get(collection, [])
        if not namespace or one["metadata"].get("namespace") == namespace
    ]
    if name:
        named = [one for one in listed if one["metadata"]["name"] == name]
        if not named:
            return 404, {"kind": "Status", "code": 404, "message": f"{name} not found"}
        return 200, named[0]
    start = int(query.get("continue") or 0)
    size = min(fake.page or 10**9, int(query.get("limit") or 10**9))
    more = start + size < len(listed)
    metadata = {"resourceVersion": "1", **({"continue": str(start + size)} if more else {})}
    # In a list objects have neither kind nor version, as with the real one.
    items = [
        {key: value for key, value in one.items() if key not in ("kind", "apiVersion")}
        for one in listed[start : start + size]
    ]
    return 200, {"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}


def _patch(fake: Fake, path: str, body: Object) -> tuple[int, Object]:
    collection, namespace, name, sub = _place(path)
    for one in fake.objects.get(collection, []):
        if one["metadata"]["name"] == name and one["metadata"].get("namespace") == namespace:
            version = one["metadata"]["resourceVersion"]
            if body.get("metadata", {}).get("resourceVersion", version) != version:
                return 409, {
                    "kind": "Status",
                    "code": 409,
                    "message": "the object has been modified",
                }
            _merge(one, body)
            one["metadata"]["resourceVersion"] = str(int(version) + 1)
            if sub == "scale":
                return 200, {
                    "kind": "Scale",
                    "apiVersion": "autoscaling/v1",
                    "metadata": {"name": name},
                }
            return 200, one
    return 404, {"kind": "Status", "code": 404, "message": f"{name} not found"}


def _merge(target: Object, patch: Object) -> None:
    """A JSON merge patch (RFC 7386)."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value


def _prometheus(fake: Fake, path: str, query: dict[str, str]) -> Object:
    if path.endswith("/query"):
        now = datetime.datetime.now(datetime.UTC).timestamp() + fake.clock
        return {"status": "success", "data": {"resultType": "scalar", "result": [now, str(now)]}}
    start, end, step = (float(query[key]) for key in ("start", "end", "step"))
    if query["query"] in fake.recorded:
        shifted = [
            {**one, "values": [[when + start - 3600, value] for when, value in one["values"]]}
            for one in fake.recorded[query["query"]]
        ]
        return {"status": "success", "data": {"resultType": "matrix", "result": shifted}}
    times = [start + step * index for index in range(int((end - start) / step) + 1)]
    result = []
    for word, series in fake.series.items():
        if word in query["query"]:
            for labels, values in series:
                spread = [values[index * len(values) // len(times)] for index in range(len(times))]
                points = [[when, str(value)] for when, value in zip(times, spread, strict=True)]
                result.append({"metric": labels, "values": points})
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def meta(name: str, namespace: str = "ml", **more: Any) -> Object:
    made = {"name": name, "namespace": namespace, "uid": f"uid-{name}", **more}
    return {"creationTimestamp": "2026-11-01T08:00:00Z", "resourceVersion": "7", **made}


def owned_by(version: str, kind: str, name: str) -> list[Object]:
    return [
        {
            "apiVersion": version,
            "kind": kind,
            "name": name,
            "uid": f"uid-{name}",
            "controller": True,
        }
    ]


def node(name: str, gpus: int = 1, kind: str = "g5.xlarge", **labels: str) -> Object:
    """A node of an AWS type in us-east-1a."""
    known = {
        "node.kubernetes.io/instance-type": kind,
        "topology.kubernetes.io/region": "us-east-1",
        "topology.kubernetes.io/zone": "us-east-1a",
    }
    made = meta(name, labels=known | labels)
    del made["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": made,
        "spec": {"providerID": "aws:///us-east-1a/i-1"},
        "status": {"allocatable": {"cpu": "4", "nvidia.com/gpu": str(gpus)}},
    }


def template(gpus: int = 1) -> Object:
    limits = {"nvidia.com/gpu": gpus} if gpus else {"cpu": "1"}
    return {
        "metadata": {"labels": {"app": "x"}},
        "spec": {"containers": [{"name": "c", "image": "x", "resources": {"limits": limits}}]},
    }


def pod(
    name: str, on: str, owner: list[Object] | None = None, gpus: int = 1, **more: Any
) -> Object:
    owners: Object = {"ownerReferences": owner} if owner else {}
    made = meta(name, **owners, **more)
    spec = {**template(gpus)["spec"], **({"nodeName": on} if on else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": made,
        "spec": spec,
        "status": {"phase": "Running" if on else "Pending"},
    }


def workload(name: str, replicas: int = 1, kind: str = "Deployment", **more: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": meta(name, **more),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "x"}},
            "template": template(),
        },
    }


def deployed(name: str, on: str, replicas: int = 1, **more: Any) -> list[Object]:
    """A Deployment, its ReplicaSet and its pods."""
    behind = workload(f"{name}-rs", replicas, "ReplicaSet")
    behind["metadata"]["ownerReferences"] = owned_by("apps/v1", "Deployment", name)
    pods = [
        pod(f"{name}-{index}", on, owned_by("apps/v1", "ReplicaSet", f"{name}-rs"))
        for index in range(replicas)
    ]
    return [workload(name, replicas, **more), behind, *pods]


def scaled_object(name: str, least: int, **annotations: str) -> Object:
    trigger = {"serverAddress": "http://p:9090", "query": "sum(waiting)", "threshold": "1"}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": meta(name, annotations=annotations),
        "spec": {
            "scaleTargetRef": {"name": name},
            "minReplicaCount": least,
            "triggers": [{"type": "prometheus", "metadata": trigger}],
        },
    }


def declared(*objects: Object) -> list[Object]:
    """The same objects as a stack export has them."""
    return [
        {
            "type": f"kubernetes:{one['apiVersion']}:{one['kind']}",
            "inputs": {
                "apiVersion": one["apiVersion"],
                "kind": one["kind"],
                "metadata": {
                    key: one["metadata"][key]
                    for key in ("name", "namespace")
                    if key in one["metadata"]
                },
                "spec": one["spec"],
            },
        }
        for one in objects
    ]
