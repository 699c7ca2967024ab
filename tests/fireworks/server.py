"""A local stand-in for the Fireworks API, for tests: it does what the documentation says.

Documented (docs.fireworks.ai, Gateway REST API 5.10): the calls and their parameters, unique IDs
(409), unknown ones (404), a missing bearer (401), a body without baseModel (400), scaleToZeroWindow
of at least 300 s, `validateOnly`, pages, `updateMask`, the refusal to delete what served a request
within the hour, soft deletion (`showDeleted`, `hard`), 503 DEPLOYMENT_SCALING_UP at zero, schedules
in their time zones, billing from ready on, usage by day, deletion after seven idle days, LoRA
add-ons by an ID that the API chooses.

Choices, since nothing documents them: the exact bodies of errors, how long a start takes, GPUs of a
model without a count (one), that a 503 counts as a request, whole seconds on the meter, that a
deleted deployment keeps its ID (409) until it is deleted hard, the member name of usage.

Time stands still until a test moves it: POST /test/advance {"seconds": n}.
"""

from __future__ import annotations

import datetime
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse
from zoneinfo import ZoneInfo

from cronsim import CronSim

KEY = "fw-test-key-PLANTED"
ACCOUNT = "acme"
CREATING_SECONDS = 60
STARTING_SECONDS = 240
WEEK_SECONDS = 7 * 24 * 3600
EPOCH = datetime.datetime(2026, 11, 2, tzinfo=datetime.UTC)
"""Second 0 of the clock: a Monday at midnight."""


@dataclass
class Window:
    """Where a schedule stands."""

    starts: Iterator[datetime.datetime]
    length: int
    start: int = -WEEK_SECONDS
    """The next start, in seconds of the clock."""
    until: int = -WEEK_SECONDS
    """The end of the window before."""


@dataclass
class Deployment:
    """One deployment and its meter."""

    body: dict[str, Any]
    created: int
    ready_since: list[int] = field(default_factory=list)
    """For each replica that serves: since when."""
    starting_since: list[int] = field(default_factory=list)
    last_request: int | None = None
    deleted: bool = False
    gpu_seconds: int = 0
    by_day: Counter[str] = field(default_factory=Counter)
    """GPU-seconds of each day, UTC."""
    windows: dict[str, Window] = field(default_factory=dict)

    @property
    def gpus(self) -> int:
        return int(self.body.get("acceleratorCount", 1))


@dataclass
class Api:
    """The account."""

    now: int = 0
    deployments: dict[str, Deployment] = field(default_factory=dict)
    loaded: dict[str, dict[str, Any]] = field(default_factory=dict)
    """LoRA add-ons by ID."""
    quota: int = 8
    starting_seconds: int = STARTING_SECONDS
    log: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What the next calls suffer, one each: drop-after (done, no answer), 500, 429, malformed."""
    forbidden: str = ""
    """Calls on paths that end in it are refused."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def advance(self, seconds: int) -> None:
        """Moves the clock second by second: replicas start, bill, and scale to zero."""
        for _ in range(seconds):
            self.now += 1
            for deployment in self.deployments.values():
                if not deployment.deleted:
                    self._tick(deployment)

    def _tick(self, deployment: Deployment) -> None:
        if self.now - deployment.created < CREATING_SECONDS:
            return
        body = deployment.body
        low, high = body.get("minReplicaCount", 0), _most(body)
        policy = body.get("autoscalingPolicy") or {}
        wanted = min(self._scheduled(deployment, policy) or low, high)
        window = int(float(str(policy.get("scaleToZeroWindow", "3600s")).rstrip("s")))
        idle = self.now - (deployment.last_request or deployment.created)
        if deployment.last_request is not None and idle < window and high > 0:
            wanted = max(wanted, 1)
        running = len(deployment.ready_since) + len(deployment.starting_since)
        while running < wanted:
            deployment.starting_since.append(self.now)
            running += 1
        while running > wanted:
            (deployment.starting_since or deployment.ready_since).pop()
            running -= 1
        for since in list(deployment.starting_since):
            if self.now - since >= self.starting_seconds:
                deployment.starting_since.remove(since)
                deployment.ready_since.append(self.now)
        billed = deployment.gpus * len(deployment.ready_since)
        deployment.gpu_seconds += billed
        if billed:
            # The second that ends now.
            deployment.by_day[_day(self.now - 1)] += billed
        if low == 0 and idle >= WEEK_SECONDS:
            deployment.deleted = True

    def _scheduled(self, deployment: Deployment, policy: dict[str, Any]) -> int:
        """The highest minimum of the schedules that are active now; 0 where none is."""
        schedules = policy.get("scalingSchedules") or {}
        active = [
            int(schedule["minReplicaCount"])
            for schedule in schedules.values()
            if not schedule.get("disabled") and self._is_active(deployment, schedule)
        ]
        return max(active, default=0)

    def _is_active(self, deployment: Deployment, schedule: dict[str, Any]) -> bool:
        key = schedule["schedule"] + schedule["duration"] + schedule["timezone"]
        window = deployment.windows.get(key)
        if window is None:
            week_before = EPOCH - datetime.timedelta(seconds=WEEK_SECONDS)
            starts = CronSim(
                schedule["schedule"], week_before.astimezone(ZoneInfo(schedule["timezone"]))
            )
            window = deployment.windows[key] = Window(starts, int(schedule["duration"].rstrip("s")))
        while window.start < self.now:
            window.until = window.start + window.length
            window.start = int((next(window.starts) - EPOCH).total_seconds())
        return self.now <= window.until

    def shown(self, name: str, deployment: Deployment) -> dict[str, Any]:
        ready, starting = len(deployment.ready_since), len(deployment.starting_since)
        young = self.now - deployment.created < CREATING_SECONDS
        state = "DELETED" if deployment.deleted else "CREATING" if young else "READY"
        shape = deployment.body.get("deploymentShape")
        return {
            **{k: v for k, v in deployment.body.items() if k != "directRouteApiKeys"},
            **({"deploymentShape": f"{shape}/versions/v1"} if shape else {}),
            "name": f"accounts/{ACCOUNT}/deployments/{name}",
            "state": state,
            "acceleratorCount": deployment.gpus,
            **({"replicaCount": ready + starting} if ready + starting else {}),
            **({"desiredReplicaCount": ready + starting} if ready + starting else {}),
        }


@cache
def _day_text(day: int) -> str:
    return (EPOCH + datetime.timedelta(days=day)).date().isoformat()


def _day(second: int) -> str:
    """The day of a second of the clock, UTC."""
    return _day_text(second // 86_400)


def _most(body: dict[str, Any]) -> int:
    return int(body.get("maxReplicaCount", max(body.get("minReplicaCount", 0), 1)))


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def _validated(body: dict[str, Any]) -> None:
    if not body.get("baseModel"):
        raise Refused(400, 3, "base_model is required")
    if not body.get("acceleratorType") and not body.get("deploymentShape"):
        raise Refused(400, 3, "accelerator_type must be specified")
    window = (body.get("autoscalingPolicy") or {}).get("scaleToZeroWindow")
    if window is not None and float(window.rstrip("s")) < 300:
        raise Refused(400, 3, "scale_to_zero_window must be at least 5m")


class Handler(BaseHTTPRequestHandler):
    api: Api

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        url = urlparse(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        with self.api.lock:
            if url.path.startswith("/test/"):
                self._send(200, self._test(url.path, body))
                return
            self.api.log.append(f"{method} {url.path}")
            fault = self.api.faults.pop(0) if self.api.faults else ""
            if fault in ("500", "429", "503"):
                self._send(int(fault), {"code": 13, "message": "try again"})
                return
            if fault == "malformed":
                self._raw(200, b"<html>")
                return
            try:
                result = self._call(method, url.path, query, body)
            except Refused as refused:
                error = {"code": refused.code, "message": refused.message, "details": []}
                self._send(refused.status, error)
                return
            if fault == "drop-after":
                self.close_connection = True
                self.connection.close()
                return
            self._send(200, result)

    def _test(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/test/advance":
            self.api.advance(int(body["seconds"]))
        elif path == "/test/faults":
            self.api.faults += body["faults"]
        elif path == "/test/request":
            deployment = self.api.deployments[body["id"]]
            ready = bool(deployment.ready_since)
            deployment.last_request = self.api.now
            return {"status": 200 if ready else 503}
        elif path == "/test/change":
            self.api.deployments[body["id"]].body.update(body["fields"])
        return {
            "now": self.api.now,
            "log": self.api.log,
            "gpuSeconds": {n: d.gpu_seconds for n, d in self.api.deployments.items()},
            "live": sorted(n for n, d in self.api.deployments.items() if not d.deleted),
        }

    def _call(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any]
    ) -> dict[str, Any]:
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            raise Refused(401, 16, "invalid API key")
        if self.api.forbidden and path.endswith(self.api.forbidden):
            raise Refused(403, 7, "the key has no right to this")
        account = f"/v1/accounts/{ACCOUNT}"
        if path == f"{account}/billingUsage":
            return self._usage(query)
        if path.startswith(f"{account}/deployedModels"):
            return self._loaded(method, path.removeprefix(f"{account}/deployedModels"), query, body)
        prefix = f"{account}/deployments"
        if not path.startswith(prefix):
            raise Refused(404, 5, "not found")
        name = path[len(prefix) :].lstrip("/")
        if not name:
            return self._list(query) if method == "GET" else self._create(query, body)
        name, _, verb = name.partition(":")
        deployment = self.api.deployments.get(name)
        hard = method == "DELETE" and query.get("hard") == "true"
        if deployment is None or (deployment.deleted and method != "GET" and not hard):
            raise Refused(404, 5, f"deployment {name} not found")
        if method == "GET":
            return self.api.shown(name, deployment)
        if method == "DELETE":
            return self._delete(name, deployment, query)
        if verb == "scale":
            replicas = int(body["replicaCount"])
            if replicas == 0:
                deployment.last_request = None
                deployment.ready_since.clear()
                deployment.starting_since.clear()
            return {}
        return self._patch(name, deployment, query, body)

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        shown = query.get("showDeleted") == "true"
        live = [(n, d) for n, d in sorted(self.api.deployments.items()) if shown or not d.deleted]
        start, size = int(query.get("pageToken") or 0), min(int(query.get("pageSize", 50)), 2)
        page = [self.api.shown(name, found) for name, found in live[start : start + size]]
        more = {"nextPageToken": str(start + size)} if start + size < len(live) else {}
        return {"deployments": page, "totalSize": len(live), **more}

    def _create(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        name = query.get("deploymentId") or f"d{len(self.api.deployments)}"
        _validated(body)
        known = self.api.deployments.get(name)
        if known is not None:
            raise Refused(409, 6, f"deployment {name} already exists")
        deployment = Deployment(body, self.api.now)
        used = sum(d.gpus * _most(d.body) for d in self.api.deployments.values() if not d.deleted)
        if used + deployment.gpus * _most(body) > self.api.quota:
            raise Refused(429, 8, "GPU quota exceeded")
        if query.get("validateOnly") != "true":
            self.api.deployments[name] = deployment
        return self.api.shown(name, deployment)

    def _delete(self, name: str, deployment: Deployment, query: dict[str, str]) -> dict[str, Any]:
        if deployment.deleted:
            del self.api.deployments[name]
            return {}
        last = deployment.last_request
        recent = last is not None and self.api.now - last < 3600
        if recent and query.get("ignoreChecks") != "true":
            raise Refused(400, 9, "the deployment served a request within the last hour")
        deployment.deleted = True
        return {}

    def _usage(self, query: dict[str, str]) -> dict[str, Any]:
        first, last = query["startTime"][:10], query["endTime"][:10]
        rows = [
            {
                "deploymentId": name,
                "date": day,
                "acceleratorType": deployment.body.get("acceleratorType", ""),
                "acceleratorSeconds": str(seconds),
            }
            for name, deployment in sorted(self.api.deployments.items())
            for day, seconds in sorted(deployment.by_day.items())
            if first <= day < last
        ]
        return {"usage": rows}

    def _loaded(
        self, method: str, rest: str, query: dict[str, str], body: dict[str, Any]
    ) -> dict[str, Any]:
        """LoRA add-ons."""
        loaded, loaded_id = self.api.loaded, rest.lstrip("/")
        if not loaded_id and method == "GET":
            return {"deployedModels": [loaded[name] for name in sorted(loaded)]}
        if not loaded_id:
            return self._load(query, body)
        if loaded_id not in loaded:
            raise Refused(404, 5, f"deployed model {loaded_id} not found")
        if method == "DELETE":
            del loaded[loaded_id]
            return {}
        if method == "PATCH":
            loaded[loaded_id].update(body)
        return loaded[loaded_id]

    def _load(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        target = self.api.deployments.get(str(body.get("deployment", "")).rpartition("/")[2])
        if target is None or target.deleted:
            raise Refused(404, 5, "the deployment is not found")
        if not target.body.get("enableAddons"):
            raise Refused(400, 9, "the deployment does not have addons enabled")
        loaded_id = f"loaded-{len(self.api.loaded)}"
        self.api.loaded[loaded_id] = {
            "name": f"accounts/{ACCOUNT}/deployedModels/{loaded_id}",
            "state": "DEPLOYED",
            "default": True,
            **body,
        }
        return self.api.loaded[loaded_id]

    def _patch(
        self, name: str, deployment: Deployment, query: dict[str, str], body: dict[str, Any]
    ) -> dict[str, Any]:
        mask = {_camel(part) for part in query.get("updateMask", "").split(",") if part}
        changed = {**{k: v for k, v in deployment.body.items() if k not in mask}}
        changed.update({k: v for k, v in body.items() if k in mask})
        _validated(changed)
        deployment.body = changed
        return self.api.shown(name, deployment)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        self._raw(status, json.dumps(body).encode())

    def _raw(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def start(api: Api | None = None) -> tuple[ThreadingHTTPServer, Api]:
    """A server on a free port of the loopback, in a thread of its own."""
    account = api or Api()
    handler = type("Bound", (Handler,), {"api": account})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server, account


if __name__ == "__main__":
    running, _ = start()
    sys.stdout.write(f"http://127.0.0.1:{running.server_address[1]}\n")
    sys.stdout.flush()
    threading.Event().wait()
