"""The command as people run it: a process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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


def zerofloor(*arguments: str | Path, cwd: Path, stdin: str | bytes = "", environ: dict[str, str] | None = None) -> Done:
    """Runs the command in a folder; stdout and stderr are pipes."""
    done = subprocess.run(
        [sys.executable, "-c", "from zerofloor.cli.main import main; main()", *map(str, arguments)],
        cwd=cwd,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env={**{key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}, **(environ or {})},
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(done: Done) -> str:
    """The one line of a run that could not judge: exit 2, nothing on stdout, one clear line on stderr."""
    assert done.code == 2, done
    assert done.out == ""
    assert "Traceback" not in done.err
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("zerofloor: ")
    return lines[0]
