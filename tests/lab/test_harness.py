"""The lab itself: what it says when something breaks, and that nothing is left of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import require_lab
from tests.lab.harness.api import Refused
from tests.lab.harness.lab import Lab, LabFailed, running_lab
from tests.lab.harness.processes import BINARIES, ROOT, Program

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]


def our_processes() -> dict[int, str]:
    """The lab's programs that run on this machine: command lines by process id."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if command.startswith(str(BINARIES)) or "tests.lab.harness" in command:
            found[int(path.parent.name)] = command
    return found


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails where a program of the lab runs after the test that did not run before it."""
    before = our_processes().keys()
    yield
    for _ in range(100):
        left = {pid: command for pid, command in our_processes().items() if pid not in before}
        if not left:
            break
        time.sleep(0.1)
    assert left == {}


def test_the_control_plane_is_the_pinned_one(lab: Lab) -> None:
    version = lab.api.get("/version")
    assert (version["major"], version["minor"]) == ("1", "35")


def test_nothing_listens_outside_the_private_network(lab: Lab) -> None:
    for port in (2379, 6443, 6444, 8090, 8091, 9443, 9911):
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
                "spec": {"containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}]},
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
    with pytest.raises(Refused, match="scaling with only cpu"):
        lab.api.create(scaler)
    lab.api.delete(lab.api.path_of(target, "default"))


@pytest.mark.usefixtures("nothing_left")
def test_a_taken_port_is_told_with_the_log() -> None:
    require_lab()
    thief = Program("thief", (sys.executable, "-m", "http.server", "2379", "--bind", "127.0.0.1"), "http://127.0.0.1:2379/")
    with pytest.raises(LabFailed, match=r"(?s)etcd ended.*address already in use"), running_lab(extra=[thief]):
        pass


@pytest.mark.usefixtures("nothing_left")
def test_a_program_that_dies_is_told_with_the_log_and_nothing_is_left() -> None:
    require_lab()
    folders = []

    def kill_etcd(lab: Lab) -> None:
        folders.append(lab.folder)
        commands = our_processes().items()
        os.kill(
            next(pid for pid, command in commands if command.startswith(f"{BINARIES}/etcd") and str(lab.folder) in command), signal.SIGKILL
        )
        for _ in range(100):
            lab.check()
            time.sleep(0.1)

    with pytest.raises(LabFailed, match=r"etcd ended by itself \(-9\)"), running_lab() as lab:
        kill_etcd(lab)
    assert not folders[0].exists()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing(how: signal.Signals, tmp_path: Path) -> None:
    require_lab()
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.run", "T01"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert "healthy" in process.stderr.readline()
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    for _ in range(300):
        if not list(tmp_path.iterdir()):
            break
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
    if how is not signal.SIGKILL:
        assert process.returncode == 1
        assert "nothing is left running" in errors
