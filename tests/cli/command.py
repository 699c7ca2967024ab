"""The command as people run it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zerofloor.cli.main import run

COMMAND = str(Path(sys.executable).parent / "zerofloor")
"""The installed command."""

TODAY = ("--today", "2026-11-24")

HELD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  replicas: 1
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
        - {name: server, image: vllm/vllm-openai, resources: {limits: {nvidia.com/gpu: 1}}}
"""

SCALER = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  triggers:
    - type: prometheus
      metadata: {serverAddress: "http://prometheus:9090", query: "sum(gateway_requests_waiting)", threshold: "1"}
"""

ZERO = HELD.replace("replicas: 1", "replicas: 0")


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


def zerofloor(
    *arguments: str | Path,
    cwd: Path,
    stdin: str | bytes = "",
    environ: Mapping[str, str] | None = None,
) -> Done:
    """Runs the command in a folder, in this process: as `process` does, and a hundred times as
    quick."""
    before = Path.cwd(), dict(os.environ), sys.stdin
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin))
    try:
        os.chdir(cwd)
        os.environ.update({"COLUMNS": "80", **(environ or {})})
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([str(argument) for argument in arguments])
    finally:
        os.chdir(before[0])
        os.environ.clear()
        os.environ.update(before[1])
        sys.stdin = before[2]
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def process(
    *arguments: str | Path,
    cwd: Path,
    stdin: str | bytes = "",
    environ: Mapping[str, str] | None = None,
) -> Done:
    """Runs the installed command in a folder; stdout and stderr are pipes."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env={**os.environ, **(environ or {})},
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(done: Done) -> str:
    """The one line of a run that could not judge: exit 2, nothing on stdout, one clear line on
    stderr."""
    assert done.code == 2, done
    assert done.out == ""
    assert "Traceback" not in done.err
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("zerofloor: ")
    return lines[0]
