"""A reverse proxy with a time-out in front of KEDA's interceptor, as an Ingress controller or a load
balancer is one."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.lab.harness.lab import Answer, Lab


@contextlib.contextmanager
def ingress(lab: Lab, seconds: float) -> Iterator[Ingress]:
    """One that gives up after so many seconds without an answer, while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                answer = lab.ask(self.path, self.headers["Host"], seconds)
            except TimeoutError:
                answer = Answer(504, {"Content-Type": "text/plain"}, b"the proxy gave up")
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name not in ("Content-Length", "Transfer-Encoding", "Connection", "Date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Silence: what the caller gets is what counts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Ingress(server.server_port)
    finally:
        server.shutdown()
        server.server_close()


class Ingress:
    """The proxy as callers see it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, host: str, path: str = "/") -> Answer:
        """One request."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port)) as connection:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
