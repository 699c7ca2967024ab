"""The wheel, in an empty virtual environment outside the repository: `check`, `pack-path` and the
pack under the real engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.real_engine import ROOT, Engine

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """The `bin` folder of a fresh environment with the wheel and its `pulumi` extra, from the
    package index."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        source = Path(folder) / "source"
        # A build writes into its folder, and setuptools would take up what earlier builds left in
        # `build/`.
        shutil.copytree(
            ROOT / "zerofloor", source / "zerofloor", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("pyproject.toml", "README.md"):
            if (ROOT / name).exists():
                shutil.copy(ROOT / name, source / name)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, str(source))
        [wheel] = Path(folder).glob("zerofloor-*.whl")
        run(sys.executable, "-m", "venv", f"{folder}/venv")
        run(
            f"{folder}/venv/bin/pip",
            "--disable-pip-version-check",
            "--quiet",
            "install",
            f"{wheel}[pulumi]",
        )
        yield Path(folder) / "venv" / "bin"


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd or Path(tempfile.gettempdir()),
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done


def test_the_wheel_checks_and_its_pack_stops_a_preview(engine: Engine, installed: Path) -> None:
    project = engine.yaml_project("instance")
    digest = project / "digest.json"
    digest.write_text(engine.pulumi("preview", "--json", "--show-sames", cwd=project).stdout)

    checked = run(
        str(installed / "zerofloor"), "check", str(digest), "--format", "json", cwd=engine.folder
    )
    report = json.loads(checked.stdout)
    assert checked.returncode == 1
    assert (report["gate"], report["floor"]["verdict"], report["floor"]["gpus"]) == (
        "fail",
        "held",
        1,
    )

    said = run(str(installed / "zerofloor"), "pack-path", cwd=engine.folder)
    assert said.stdout == f"{installed / 'zerofloor-pack'}\n"
    previewed = engine.pulumi("preview", "--policy-pack", said.stdout.strip(), cwd=project)
    assert previewed.returncode != 0
    assert "[mandatory]  GPU014  (aws:ec2:Instance: trainer)" in previewed.stdout
