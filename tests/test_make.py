"""What `make` says on machines that lack something, and that it builds nothing twice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USED = (
    "awk basename bash cat cp cut df dirname env find flock grep head ls make mkdir mktemp mv rm sed sh"
    " sha256sum sort tail touch uname xargs"
)
"""Programs that a bare machine has."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder for PATH with neither Go nor Python."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name in USED.split():
        (folder / name).symlink_to(shutil.which(name) or pytest.skip(f"no {name} on this machine"))
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a fresh clone as an installation reads."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "tools/attempt.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def program(path: Path, text: str) -> None:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(
    *command: object, path: Path, cwd: Path = ROOT, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs it with `path` as PATH, a home of its own and an empty cache."""
    place = path.parent
    environ = {
        "PATH": str(path),
        "HOME": str(place),
        "ZEROFLOOR_TOOLS_CACHE": str(place / "cache"),
        **(environ or {}),
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failed run prints beside make's own and what it announces."""
    assert done.returncode != 0
    lines = [
        line for line in done.stderr.splitlines() if not re.search(r"^make|first time\)?\.?$", line)
    ]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_make_alone_lists_each_target_with_a_line_on_it(path: Path) -> None:
    listed = dict(line.split(maxsplit=1) for line in run("make", path=path).stdout.splitlines())
    declared = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(listed) == {target for line in declared for target in line.split()}


def test_without_python_or_with_an_old_one_make_says_so(path: Path, clone: Path) -> None:
    said = complaint(run("make", "preview", path=path, cwd=clone))
    assert said == "zerofloor needs Python 3.11 or newer, and there is no python3 on PATH."
    program(path / "python3", '[ "$1" = -V ] && echo Python 3.10.14; exit 1')
    said = complaint(run("make", "preview", path=path, cwd=clone))
    assert said.startswith("zerofloor needs Python 3.11 or newer, and python3 is Python 3.10.14")


def test_without_a_network_make_preview_says_so(path: Path, clone: Path) -> None:
    program(path / "python3", f'exec "{sys.executable}" "$@"')
    offline = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "1",
    }
    done = run("make", "preview", path=path, cwd=clone, environ=offline)
    assert "Installing what a preview needs" in done.stderr
    assert "the network can't be reached" in complaint(done)


def test_without_go_or_with_an_old_one_a_build_says_so(path: Path, tmp_path: Path) -> None:
    build = ("make", "-C", "tools/lab", "etcd", f"BIN={tmp_path / 'bin'}")
    said = complaint(run(*build, path=path))
    assert said == "etcd: needs Go 1.26.6 or newer, and there is no go on PATH: https://go.dev/dl"
    program(path / "go", '[ "$1" = env ] && echo go1.25.9')
    said = complaint(run(*build, path=path))
    assert said == "etcd: needs Go 1.26.6 or newer, and this is 1.25.9: https://go.dev/dl"


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("write /x/_pkg_.a: no space left on device", "the disk is full"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "the disk is full",
        ),
        (
            "go: x: dial tcp 127.0.0.1:9: connect: connection refused",
            "the network can't be reached",
        ),
        ("go: x: module lookup disabled by GOPROXY=off", "the network can't be reached"),
        (
            "WARNING: Retrying after connection broken by NewConnectionError('x')",
            "the network can't be reached",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",
            "isn't the file that is pinned",
        ),
        ("verifying x: checksum mismatch", "isn't the file that is pinned"),
    ],
)
def test_a_failure_that_is_not_ours_is_one_line(path: Path, printed: str, said: str) -> None:
    program(path / "fails", f'echo "{printed}" >&2; exit 7')
    done = run(ROOT / "tools/attempt.sh", "etcd", "fails", path=path)
    assert done.returncode == 7
    assert re.match(rf"etcd: .*{said}", complaint(done))


def test_any_other_failure_is_shown_as_it_was_put(path: Path) -> None:
    program(path / "fails", 'echo "main.go:3: undefined: x" >&2; exit 1')
    done = run(ROOT / "tools/attempt.sh", "etcd", "fails", path=path)
    assert done.stderr.splitlines() == [
        "main.go:3: undefined: x",
        "etcd: failed; its last lines are above.",
    ]


def test_what_is_built_is_not_built_again_here_or_in_another_clone(
    path: Path, tmp_path: Path
) -> None:
    program(path / "go", "echo go1.26.8")
    tool, first, other = tmp_path / "tool", tmp_path / "first", tmp_path / "other"
    tool.mkdir()
    (tool / "go.mod").write_text("module x\n\ngo 1.26\n")
    recipe = tool / "recipe.sh"
    recipe.write_text(
        f'# Takes a moment\necho built >> "{tmp_path}/log"; echo 1 > "$OUT/program"; echo > "$OUT/old"\n'
    )

    def built(folder: Path) -> int:
        done = run(ROOT / "tools/build.sh", tool, folder, path=path)
        assert done.returncode == 0, done.stderr
        return len((tmp_path / "log").read_text().splitlines())

    assert [built(first), built(first), built(other)] == [1, 1, 1]
    assert (other / "program").read_text() == "1\n"
    (other / "program").unlink()
    assert built(other) == 1
    assert (other / "program").exists()
    # A recipe that changes builds again, and what it no longer makes goes.
    recipe.write_text(recipe.read_text().replace('; echo > "$OUT/old"', ""))
    assert built(other) == 2
    assert sorted(file.name for file in other.iterdir()) == [".tool", "program"]


def test_a_build_that_fails_leaves_nothing_that_passes_for_one(path: Path, tmp_path: Path) -> None:
    program(path / "go", "echo go1.26.8")
    tool = tmp_path / "tool"
    tool.mkdir()
    (tool / "go.mod").write_text("module x\n\ngo 1.26\n")
    (tool / "recipe.sh").write_text('# Takes a moment\necho 1 > "$OUT/program"\nfalse\n')
    for _ in range(2):
        assert run(ROOT / "tools/build.sh", tool, tmp_path / "bin", path=path).returncode != 0
    assert not list((tmp_path / "bin").iterdir())


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_each_pinned_package_has_hashes(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    entries = re.findall(
        r"^(\S+)==\S.*\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n?)+)",
        (ROOT / name).read_text(),
        re.M,
    )
    assert len(entries) == sum(not line.startswith((" ", "#")) for line in lines)


def test_tests_run_with_the_versions_that_a_preview_has() -> None:
    preview, tests = (
        dict(re.findall(r"^(\S+)==(\S+)", (ROOT / name).read_text(), re.M))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert {name: tests.get(name) for name in preview} == preview
