"""The workflow of each Monday as far as it goes without GitHub: its scripts run in bash, with the
real command and a `gh` that writes down what it is asked."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import COMMAND
from tests.estates.backends import Backend, instance

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "zerofloor" / "estates" / "templates" / "github_audit.yaml"
STEPS: dict[str, Any] = {
    step.get("name", step.get("uses")): step
    for step in yaml.safe_load(TEMPLATE.read_text())["jobs"]["audit"]["steps"]
}

GH = """#!/bin/sh
echo "gh $*" >> "$GH_LOG"
case "$1 $2" in
  "issue list") cat "$GH_ISSUES" ;;
esac
"""


class Runner:
    """A job's folder and its variables."""

    def __init__(self, folder: Path, backend: Backend) -> None:
        self.folder = folder / "checkout"
        self.folder.mkdir()
        self.temp = folder / "temp"
        tools = self.temp / "zerofloor" / "bin"
        tools.mkdir(parents=True)
        (tools / "zerofloor").symlink_to(COMMAND)
        gh = folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(GH)
        gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
        self.log = folder / "gh.log"
        self.issues = folder / "issues"
        self.issues.write_text("")
        self.output = folder / "output"
        self.environ = {
            **os.environ,
            "PATH": f"{gh.parent}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "GH_LOG": str(self.log),
            "GH_ISSUES": str(self.issues),
            "BACKEND": backend.url,
        }

    def step(self, name: str, **more: str) -> int:
        """Runs a step as GitHub does."""
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", STEPS[name]["run"]],
            cwd=self.folder,
            env={**self.environ, **more},
            stdout=subprocess.DEVNULL,
            timeout=60,
            check=False,
        ).returncode

    def monday(self) -> tuple[int, list[str]]:
        """The exit code of the job, and what `gh` was asked."""
        self.log.write_text("")
        self.output.write_text("")
        assert self.step("Audit") == 0
        code = self.output.read_text().strip().removeprefix("code=")
        return self.step("One issue", CODE=code), self.log.read_text().splitlines()


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path / "backend")


def test_one_issue_is_opened_updated_and_closed(backend: Backend, tmp_path: Path) -> None:
    runner = Runner(tmp_path, backend)
    backend.add("shop", "dev", instance("a"))
    code, asked = runner.monday()
    assert code == 0
    assert asked[-1].startswith("gh issue create --title Audit: 1 idle GPU in 1 of 1 stack")
    runner.issues.write_text("7\n")
    backend.add("shop", "dev", instance("a"), instance("b"))
    code, asked = runner.monday()
    assert code == 0
    assert asked[-1].startswith("gh issue edit 7 --title Audit: 2 idle GPUs in 1 of 1 stack")
    text = (runner.folder / "issue.md").read_text()
    assert "1 new, 0 grown, 0 gone" in text
    backend.add("shop", "dev")
    code, asked = runner.monday()
    assert code == 0
    assert asked[-1].startswith("gh issue close 7")
    runner.issues.write_text("")
    assert runner.monday()[1][-1].startswith("gh issue list")  # nothing to close


def test_a_stack_that_can_not_be_judged_fails_the_job(backend: Backend, tmp_path: Path) -> None:
    runner = Runner(tmp_path, backend)
    backend.add("shop", "dev", instance("a"))
    backend.path("x/y").write_text("{")
    code, asked = runner.monday()
    assert code != 0
    assert asked[-1].startswith("gh issue create")
    assert "x/y" in (runner.folder / "issue.md").read_text()


def test_a_backend_that_is_not_there_fails_the_job(backend: Backend, tmp_path: Path) -> None:
    runner = Runner(tmp_path, backend)
    code, asked = runner.monday()
    assert code == 2
    assert asked == []


def test_the_page_shows_the_workflow_that_adopt_writes() -> None:
    page = (ROOT / "docs" / "ci" / "audit.md").read_text()
    shown = page.partition("```yaml\n")[2].partition("```")[0]
    address = "s3://pulumi-state?region=us-east-1"
    assert shown == TEMPLATE.read_text().replace("BACKEND-ADDRESS", address)


@pytest.mark.parametrize("name", sorted(name for name in STEPS if "run" in STEPS[name]))
def test_nothing_is_spliced_into_a_script(name: str) -> None:
    assert "${{" not in STEPS[name]["run"]
