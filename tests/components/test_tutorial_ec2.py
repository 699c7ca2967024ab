"""The tutorial about EC2 without Kubernetes: its files are run, and show what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "ec2-without-kubernetes.md"
ZEROFLOOR = Path(sys.executable).parent / "zerofloor"


def blocks() -> tuple[dict[str, str], list[tuple[str, list[str]]]]:
    """The files by name; and each run's floor with the lines that it shows."""
    text = PAGE.read_text(encoding="utf-8")
    files = dict(re.findall(r"^```\w+ title=(\S+)\n(.*?)^```$", text, re.M | re.S))
    runs = []
    for shown in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        command, *lines = shown.splitlines()
        floor = re.search(r"# floor: (\d+)", command)
        assert command.startswith("$ zerofloor preview . --stack dev")
        runs.append((floor[1] if floor else "0", [line for line in lines if line.strip()]))
    return files, runs


def test_the_tutorial_has_four_files_and_three_runs() -> None:
    files, runs = blocks()
    assert set(files) == {"Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py", "worker.sh"}
    assert [floor for floor, _ in runs] == ["0", "1", "5"]


@pytest.mark.parametrize("number", range(3))
def test_a_run_shows_what_the_tutorial_says(tmp_path: Path, number: int) -> None:
    files, runs = blocks()
    floor, lines = runs[number]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with (tmp_path / "Pulumi.dev.yaml").open("a") as file:
        file.write(f'  transcriber:floor: "{floor}"\n')
    done = subprocess.run(
        [str(ZEROFLOOR), "preview", ".", "--stack", "dev", "--engine", "in-process"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    told = " ".join(done.stdout.split())
    for line in lines:
        assert " ".join(line.split()) in told, done.stdout
    assert done.returncode == {"0": 0, "1": 1, "5": 2}[floor]
