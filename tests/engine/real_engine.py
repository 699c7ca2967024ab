"""The real engine for tests: its command, the real Kubernetes provider and others that echo, an
environment of its own, and a shim for folder packs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".work" / "bin"
HERE = Path(__file__).parent
PACKAGES = (
    "aws",
    "eks",
    "gcp",
    "azure-native",
    "random",
    "tls",
    "docker",
    "command",
    "cloudflare",
)
"""Echo providers on PATH: what test programs use and a few more, so that a new program needs
nothing new here. Kubernetes' is the real one, which `make engine` builds beside the engine."""


def missing(*more: str) -> str | None:
    """Why the real engine can't be used, or one of these programs beside it; None where it can."""
    wanted = ("pulumi", "pulumi-language-yaml", "pulumi-resource-kubernetes", *more)
    absent = [name for name in wanted if not (BIN / name).exists()]
    return f"the real engine is not built ({', '.join(absent)}): make engine" if absent else None


@dataclass(frozen=True)
class Engine:
    """A place of its own to run the engine in; nothing of the user's Pulumi is seen or touched."""

    folder: Path
    environ: Mapping[str, str]
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", self.folder / "echo.log")

    def created(self) -> list[str]:
        """Names of the resources that were really created, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.rpartition("::")[2] for line in lines if line.startswith("create ")]

    @property
    def recording_pack(self) -> Path:
        """The pack, which also writes the stack that it judges; `judged` reads it."""
        return self.folder / "bin" / "recording-pack"

    @property
    def record(self) -> Path:
        """Where the recording pack writes."""
        return self.folder / "judged.json"

    def judged(self) -> Any:
        """The stack that the recording pack judged last, as `zerofloor show` prints one."""
        return json.loads(self.record.read_text())

    def pulumi(
        self, *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs `pulumi`; both streams in `stdout`, as a person sees them."""
        return subprocess.run(
            [str(BIN / "pulumi"), *arguments, "--non-interactive", "--color", "never"],
            cwd=cwd,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def yaml_project(
        self,
        name: str,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Path:
        """A copy of tests/engine/yaml/NAME with a stack `dev`."""
        project = self.folder / name
        shutil.copytree(HERE / "yaml" / name, project)
        done = self.pulumi("stack", "init", "dev", cwd=project)
        assert done.returncode == 0, done.stdout
        for key, value in (config or {}).items():
            assert self.pulumi("config", "set", key, value, cwd=project).returncode == 0
        for key, value in (secrets or {}).items():
            assert self.pulumi("config", "set", "--secret", key, value, cwd=project).returncode == 0
        return project


def logged_out(engine: Engine) -> dict[str, str]:
    """The environment of someone who is not logged in anywhere."""
    return {
        name: value
        for name, value in engine.environ.items()
        if name not in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")
    }


def new_engine(folder: Path) -> Engine:
    """An engine in `folder`: home, file backend, echo providers."""
    tools = folder / "bin"
    for part in (tools, folder / "home", folder / "state"):
        part.mkdir(parents=True)
    for package in PACKAGES:
        _script(
            tools / f"pulumi-resource-{package}",
            f'exec "{sys.executable}" "{HERE / "echo_provider.py"}" {package}',
        )
    # What the language host's installation has; the options after the folder are for finding the
    # virtual environment, which we know.
    _script(
        tools / "pulumi-analyzer-policy-python",
        f'exec "{sys.executable}" -u -m pulumi.policy "$1" "$2"',
    )
    _script(
        tools / "recording-pack", f'exec "{sys.executable}" "{HERE / "recording_pack.py"}" "$@"'
    )
    environ = {
        "PATH": os.pathsep.join((str(tools), str(BIN), "/usr/bin", "/bin")),
        "HOME": str(folder / "home"),
        "PULUMI_HOME": str(folder / "home" / ".pulumi"),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ECHO_LOG": str(folder / "echo.log"),
        "RECORD": str(folder / "judged.json"),
    }
    return Engine(folder, environ)


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
