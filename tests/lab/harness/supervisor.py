"""Runs inside the lab's private namespaces, as their first process: starts, watches and stops
programs as standard input says.

Commands are JSON lines: {"id", "do": "start", "name", "argv", "env", "health", "timeout"}, {"id",
"do": "stop", "name"} and
{"id", "do": "forward", "socket", "port"} (a Unix socket to a loopback port: a path crosses the
network namespace, an address doesn't).
Each is answered with {"id", "error": null or text}; a program that ends by itself is told as
{"died": name, "log": its last lines}.
When input ends, for whatever reason, everything is stopped and the data folder is removed; when
this process is killed, the kernel ends
all others of its process namespace.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import queue
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

STOP_SECONDS = 10
LOG_LINES = 15
PODS = "10.200.0.0/16"


def main() -> None:
    """`python -m tests.lab.harness.supervisor FOLDER [--keep]`"""
    folder = Path(sys.argv[1])
    _loopback_up()
    for name in ("hosts", "resolv.conf"):
        _in_place_of(Path("/etc", name).resolve(), folder / name)
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        while True:
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                _tell_deaths(folder, running)
                continue
            if line is None:
                break
            command = json.loads(line)
            _say({"id": command["id"], "error": _obey(folder, running, command)})
    finally:
        _stop(list(running.values()))
        if "--keep" not in sys.argv:
            shutil.rmtree(folder, ignore_errors=True)


def _obey(
    folder: Path, running: dict[str, subprocess.Popen[bytes]], command: dict[str, Any]
) -> str | None:
    match command["do"]:
        case "start":
            return _start(folder, running, command)
        case "stop":
            _stop([running.pop(command["name"])])
        case "forward":
            _forward(command["socket"], command["port"])
    return None


def _start(
    folder: Path, running: dict[str, subprocess.Popen[bytes]], command: dict[str, Any]
) -> str | None:
    name = command["name"]
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command["argv"],
            env=os.environ | command["env"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,
        )
    deadline = time.monotonic() + command["timeout"]
    while command["health"]:
        if process.poll() is not None:
            return (
                f"{name} ended with {process.returncode} before it was "
                f"healthy:\n{_tail(folder, name)}"
            )
        if _healthy(command["health"]):
            break
        if time.monotonic() > deadline:
            _stop([process])
            return (
                f"{name} was not healthy at {command['health']} after {command['timeout']} "
                f"s:\n{_tail(folder, name)}"
            )
        time.sleep(0.1)
    running[name] = process
    return None


def _healthy(url: str) -> bool:
    insecure = ssl._create_unverified_context() if url.startswith("https:") else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=insecure)
    )
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refused:
        # The API server lets nobody in without a token: that it answers so is health enough for a
        # start.
        return refused.code in (401, 403)
    except OSError:
        return False


def _tell_deaths(folder: Path, running: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in list(running.items()):
        if process.poll() is not None:
            del running[name]
            _say({"died": name, "code": process.returncode, "log": _tail(folder, name)})


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in reversed(processes):
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tail(folder: Path, name: str) -> str:
    lines = (folder / f"{name}.log").read_text(errors="replace").splitlines()[-LOG_LINES:]
    return "\n".join(f"  {line[:300]}" for line in lines)


def _forward(path: str, port: int) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)

    def accept() -> None:
        while True:
            inner, _ = listener.accept()
            try:
                outer = socket.create_connection(("127.0.0.1", port))
            except OSError:
                inner.close()
                continue
            threading.Thread(target=_pump, args=(inner, outer), daemon=True).start()
            threading.Thread(target=_pump, args=(outer, inner), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        sink.close()


def _read_lines(lines: queue.Queue[str | None]) -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put(None)


def _say(message: dict[str, Any]) -> None:
    try:
        print(json.dumps(message), flush=True)  # noqa: T201
    except BrokenPipeError:
        return


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG, SIGTERM


def _in_place_of(path: Path, ours: Path) -> None:
    # MS_BIND (linux/mount.h): a cluster's names mean this host, in our mount namespace alone.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(str(ours).encode(), str(path).encode(), None, 4096, None):
        raise OSError(ctypes.get_errno(), f"mount over {path}")


def _loopback_up() -> None:
    # struct ifreq: 16 bytes of name, then the flags; SIOCGIFFLAGS and SIOCSIFFLAGS
    # (linux/sockios.h), IFF_UP is 1.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, 0x8913, request))[1]
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))
    # The addresses that kwok gives its pods (--cidr) are this host's, too.
    subprocess.run(["ip", "route", "add", "local", PODS, "dev", "lo"], check=False)


if __name__ == "__main__":
    main()
