"""A loopback port of this host that leads to the lab's API server, for what runs outside the lab's own network: the engine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.lab.harness.lab import Lab


@contextlib.contextmanager
def kubeconfig(lab: Lab) -> Iterator[str]:
    """The text of a kubeconfig that works on this host while the block runs; it holds the lab's token."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(
            target=_accept, args=(listener, lab.folder / "api.sock"), daemon=True
        ).start()
        try:
            inside = yaml.safe_load((lab.folder / "kubeconfig").read_text())
            (cluster,) = inside["clusters"]
            # The serving certificate is for 127.0.0.1, whatever the port.
            cluster["cluster"]["server"] = f"https://127.0.0.1:{listener.getsockname()[1]}"
            yield yaml.safe_dump(inside)
        finally:
            # Closing alone does not wake a thread that waits in accept().
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, path: Path) -> None:
    while True:
        try:
            outer, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_join, args=(outer, path), daemon=True).start()


def _join(outer: socket.socket, path: Path) -> None:
    with outer, socket.socket(socket.AF_UNIX) as inner:
        try:
            inner.connect(str(path))
        except OSError:
            return
        back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
        back.start()
        _copy(outer, inner)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """One direction, until its source ends; the other goes on until its own end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
