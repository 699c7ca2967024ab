"""The lab itself: what it says when something breaks, and that nothing is left of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import require_lab
from tests.lab.harness.api import Refused
from tests.lab.harness.lab import Lab, LabFailed, running_lab
from tests.lab.harness.processes import BINARIES, ROOT, Program

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]


def processes_of(folder: Path) -> dict[int, str]:
    """Command lines, by process id, of everything on this machine that was started with a path in
    the folder."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, environ = (
                (path / name).read_bytes().decode(errors="replace")
                for name in ("cmdline", "environ")
            )
        except OSError:
            continue
        if f"{folder}/" in command + environ:
            found[int(path.name)] = command.replace("\0", " ")
    return found


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a lab puts its folder; after the test neither a file nor a process of it may be
    left."""
    folder = Path(tempfile.mkdtemp(prefix="lab-test-"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    deadline = time.monotonic() + 20
    while (processes_of(folder) or list(folder.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.2)
    left = processes_of(folder), list(folder.iterdir())
    shutil.rmtree(folder, ignore_errors=True)
    assert left == ({}, [])


def test_the_control_plane_is_the_pinned_one(lab: Lab) -> None:
    version = lab.api.get("/version")
    assert (version["major"], version["minor"]) == ("1", "35")


def test_nothing_listens_outside_the_private_network(lab: Lab) -> None:
    for port in (2379, 6443, 6444, 8090, 8091, 9444, 9911):
        with socket.socket() as outside:
            outside.settimeout(1)
            assert outside.connect_ex(("127.0.0.1", port)) != 0, port


def test_admission_is_kedas_own(lab: Lab) -> None:
    """KEDA's webhook runs: cpu alone can't scale to zero."""
    target = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "admission"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "admission"}},
            "template": {
                "metadata": {"labels": {"app": "admission"}},
                "spec": {
                    "containers": [
                        {"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}
                    ]
                },
            },
        },
    }
    scaler = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "admission"},
        "spec": {
            "scaleTargetRef": {"name": "admission"},
            "minReplicaCount": 0,
            "triggers": [{"type": "cpu", "metricType": "Utilization", "metadata": {"value": "50"}}],
        },
    }
    lab.api.create(target)
    with pytest.raises(Refused, match="only cpu/memory triggers"):
        lab.api.create(scaler)
    lab.api.delete(lab.api.path_of(target, "default"))


@pytest.mark.usefixtures("place")
def test_a_taken_port_is_told_with_the_log() -> None:
    require_lab()
    thief = Program(
        "thief",
        (sys.executable, "-m", "http.server", "2379", "--bind", "127.0.0.1"),
        "http://127.0.0.1:2379/",
    )
    with (
        pytest.raises(LabFailed, match=r"(?s)etcd ended.*address already in use"),
        running_lab(extra=[thief]),
    ):
        pass


@pytest.mark.usefixtures("place")
def test_a_program_that_is_not_built_is_told() -> None:
    require_lab()
    absent = Program("absent", ("/nowhere/absent",))
    with pytest.raises(LabFailed, match="make lab-build"), running_lab(extra=[absent]):
        pass


def test_a_program_that_dies_is_told_with_the_log(place: Path) -> None:
    require_lab()

    def kill_etcd(lab: Lab) -> None:
        os.kill(
            next(
                pid
                for pid, command in processes_of(place).items()
                if command.startswith(f"{BINARIES}/etcd")
            ),
            signal.SIGKILL,
        )
        for _ in range(100):
            lab.check()
            time.sleep(0.1)

    with pytest.raises(LabFailed, match=r"etcd ended by itself \(-9\)"), running_lab() as lab:
        kill_etcd(lab)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing(how: signal.Signals, place: Path) -> None:
    """Also when the runner itself is killed: its namespaces end with it (the fixture looks)."""
    require_lab()
    environ = {**os.environ, "TMPDIR": str(place)}
    command = [sys.executable, "-m", "tests.lab.run", "T01"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that runs in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        assert "healthy" in process.stderr.readline()
        process.send_signal(how)
        errors = process.stderr.read()
    if how is not signal.SIGKILL:
        assert process.returncode == 1
        assert "nothing is left running" in errors
