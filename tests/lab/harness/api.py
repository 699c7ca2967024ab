"""A Kubernetes API client over a Unix socket: what the tests and the runner need, no more."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

Manifest = dict[str, Any]


class Refused(Exception):
    """The API server said no."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        """The HTTP status."""
        self.message = message
        """What the server said, word for word."""


class Api:
    """The lab's API server. One connection a thread, opened when it is first used."""

    def __init__(self, path: Path, token: str) -> None:
        self._path = path
        self._token = token
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> Any:
        """The decoded answer. Raises Refused for 4xx and 5xx, OSError where nobody answers."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "Content-Type": content_type,
        }
        data = None if body is None else json.dumps(body).encode()
        for fresh in (False, True):
            connection = self._connection(fresh)
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                # The server closes idle connections; a second failure on a new one is real.
                if fresh:
                    raise
        if answer.status >= 400:
            raise Refused(answer.status, _message(text))
        return json.loads(text) if text else None

    def close(self) -> None:
        """Closes the connections of all threads."""
        for connection in self._opened:
            connection.close()

    def get(self, path: str) -> Any:
        """GET, decoded."""
        return self.request("GET", path)

    def path_of(
        self, manifest: Mapping[str, Any], namespace: str, *, collection: bool = False
    ) -> str:
        """Where a manifest's object lives; `namespace` is for those that name none."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        plural, namespaced = self._kind(version, kind)
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        scope = (
            f"/namespaces/{manifest['metadata'].get('namespace') or namespace}"
            if namespaced
            else ""
        )
        return f"{root}{scope}/{plural}" + (
            "" if collection else f"/{quote(manifest['metadata']['name'])}"
        )

    def create(self, manifest: Mapping[str, Any], namespace: str = "default") -> Any:
        """Creates the object as it stands: admission sees a create, as it would with kubectl."""
        return self.request(
            "POST",
            f"{self.path_of(manifest, namespace, collection=True)}?fieldValidation=Strict",
            manifest,
        )

    def apply(
        self, manifest: Mapping[str, Any], namespace: str = "default", *, dry_run: bool = False
    ) -> Any:
        """Server-side apply under strict field validation; with `dry_run` nothing is stored."""
        query = "?fieldManager=lab&force=true&fieldValidation=Strict" + (
            "&dryRun=All" if dry_run else ""
        )
        return self.request(
            "PATCH",
            self.path_of(manifest, namespace) + query,
            manifest,
            "application/apply-patch+yaml",
        )

    def patch(self, path: str, body: object) -> Any:
        """A JSON merge patch."""
        return self.request("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Deletes; that it is gone already is fine."""
        try:
            self.request("DELETE", path, {"propagationPolicy": "Background"})
        except Refused as refused:
            if refused.code != 404:
                raise

    def _kind(self, version: str, kind: str) -> tuple[str, bool]:
        if (version, kind) not in self._kinds:
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for resource in self.get(root)["resources"]:
                if "/" not in resource["name"]:
                    self._kinds[version, resource["kind"]] = (
                        resource["name"],
                        resource["namespaced"],
                    )
        if (version, kind) not in self._kinds:
            raise Refused(404, f"no kind {kind} in {version}")
        return self._kinds[version, kind]

    def _connection(self, fresh: bool) -> http.client.HTTPConnection:
        connection = getattr(self._local, "connection", None)
        if connection is None or fresh:
            if connection is not None:
                connection.close()
            connection = self._local.connection = _UnixConnection(self._path)
            self._opened.append(connection)
        assert isinstance(connection, http.client.HTTPConnection)
        return connection


class _UnixConnection(http.client.HTTPConnection):
    # TLS to a server of our own through a file that only we can open: there is nobody else to check
    # for.
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(60)
        plain.connect(str(self._path))
        self.sock = ssl._create_unverified_context().wrap_socket(plain)


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text).get("message", ""))
    except (ValueError, AttributeError):
        return text.decode(errors="replace")[:500]
