"""Small local stand-ins for services that no test can reach: the parts of their HTTP APIs that an
audit calls, written from their documentation. They are not the services."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Request:
    """What was asked."""

    def __init__(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(path)
        self.method = method
        self.path = unquote(parts.path)
        self.query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self.headers = {key.lower(): value for key, value in headers.items()}


class Answer:
    """What is answered."""

    def __init__(
        self,
        body: bytes | str | dict[str, Any] = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        text = json.dumps(body) if isinstance(body, dict) else body
        self.body = text.encode() if isinstance(text, str) else text
        self.status = status
        self.headers = dict(headers or {})
        if isinstance(body, dict):
            self.headers.setdefault("Content-Type", "application/json")


@contextlib.contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[tuple[str, list[Request]]]:
    """A server on this machine; its address, and what it was asked."""
    asked: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request = Request(self.command, self.path, dict(self.headers))
            asked.append(request)
            found = answer(request)
            self.send_response(found.status)
            for key, value in found.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.body)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # a client that hung up; stderr is the command's

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def google(objects: Mapping[str, bytes], *, page: int = 2) -> Callable[[Request], Answer]:
    """Google Cloud Storage's JSON API: objects listed page by page, and downloaded."""

    def answer(request: Request) -> Answer:
        if request.path.endswith("/o"):
            keys = sorted(key for key in objects if key.startswith(request.query.get("prefix", "")))
            start = int(request.query.get("pageToken", "0"))
            items = [
                {"name": key, "updated": "2026-11-24T06:48:48.000Z", "bucket": "states"}
                for key in keys[start : start + page]
            ]
            more = {"nextPageToken": str(start + page)} if start + page < len(keys) else {}
            return Answer({"kind": "storage#objects", "items": items, **more})
        name = request.path.partition("/o/")[2]
        if name not in objects:
            return Answer({"error": {"code": 404, "message": "No such object"}}, 404)
        return _ranged(objects[name], request)

    return answer


def azure(objects: Mapping[str, bytes], *, page: int = 2) -> Callable[[Request], Answer]:
    """Azure Blob Storage's REST API: blobs listed page by page, and downloaded."""

    def answer(request: Request) -> Answer:
        if request.query.get("comp") == "list":
            keys = sorted(key for key in objects if key.startswith(request.query.get("prefix", "")))
            start = int(request.query.get("marker", "0") or 0)
            blobs = "".join(
                f"<Blob><Name>{escape(key)}</Name><Properties><Last-Modified>"
                "Tue, 24 Nov 2026 06:48:48 GMT</Last-Modified><BlobType>BlockBlob</BlobType>"
                "</Properties></Blob>"
                for key in keys[start : start + page]
            )
            more = str(start + page) if start + page < len(keys) else ""
            return Answer(
                '<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>'
                f"{blobs}</Blobs><NextMarker>{more}</NextMarker></EnumerationResults>",
                headers={"Content-Type": "application/xml"},
            )
        name = request.path.split("/", 3)[3]
        if name not in objects:
            return Answer(status=404, headers={"x-ms-error-code": "BlobNotFound"})
        headers = {"ETag": "1", "Last-Modified": "Tue, 24 Nov 2026 06:48:48 GMT"}
        return _ranged(objects[name], request, {**headers, "x-ms-blob-type": "BlockBlob"})

    return answer


def _ranged(data: bytes, request: Request, headers: Mapping[str, str] | None = None) -> Answer:
    asked = request.headers.get("x-ms-range") or request.headers.get("range", "")
    if not asked.startswith("bytes="):
        return Answer(data, headers=headers)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start, end = int(first or 0), min(int(last or len(data)), len(data) - 1)
    content = f"bytes {start}-{end}/{len(data)}"
    return Answer(data[start : end + 1], 206, {**(headers or {}), "Content-Range": content})


class Cloud:
    """Pulumi Cloud's REST API: stacks listed with continuation tokens, described, exported."""

    def __init__(self, token: str = "pul-right", page: int = 2) -> None:
        self.token = token
        self.page = page
        self.stacks: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.updating: set[str] = set()
        self.failures: dict[str, list[Answer]] = {}
        """By the end of a path: what is answered first."""

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"token {self.token}":
            return Answer({"code": 401, "message": "Unauthorized"}, 401)
        for end, answers in self.failures.items():
            if request.path.endswith(end) and answers:
                return answers.pop(0)
        if request.path == "/api/user/stacks":
            return self._listed(request)
        name = request.path.removeprefix("/api/stacks/").removesuffix("/export")
        if name not in self.stacks:
            return Answer({"code": 404, "message": "Not Found"}, 404)
        if request.path.endswith("/export"):
            return Answer({"version": 3, "deployment": self.stacks[name]["checkpoint"]["latest"]})
        running = {"kind": "update", "author": "ann"} if name in self.updating else None
        return Answer({"tags": self.tags.get(name, {}), "currentOperation": running})

    def _listed(self, request: Request) -> Answer:
        wanted = request.query.get("organization")
        names = [n for n in sorted(self.stacks) if wanted in (None, n.partition("/")[0])]
        start = int(request.query.get("continuationToken", "0"))
        listed = [
            dict(zip(("orgName", "projectName", "stackName"), name.split("/"), strict=True))
            for name in names[start : start + self.page]
        ]
        more = {"continuationToken": str(start + self.page)}
        return Answer({"stacks": listed, **(more if start + self.page < len(names) else {})})
