"""`zerofloor simulate` as people run it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.command import TODAY, zerofloor
from tests.simulation.stacks import MANIFESTS
from zerofloor.extras import how_to_add

SETTINGS = "region: {aws: us-east-1}\n"
TRACE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2026-11-27 08:00:10.0000000,1024,124
2026-11-27 08:00:20.0000000,1024,124
2026-11-27 08:33:20.0000000,1024,124
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stack, its settings, a trace."""
    (tmp_path / "stack.yaml").write_text(MANIFESTS)
    (tmp_path / "zerofloor.yaml").write_text(SETTINGS)
    (tmp_path / "trace.csv").write_text(TRACE)
    return tmp_path


def _simulate(folder: Path, *more: str) -> tuple[int, str, str]:
    given = ("simulate", str(folder / "stack.yaml"), "--trace", str(folder / "trace.csv"))
    done = zerofloor(*given, *TODAY, *more, cwd=folder)
    return done.code, done.out, done.err


def test_a_trace_costs_and_waits(folder: Path) -> None:
    code, out, _ = _simulate(folder, "--format", "json")
    found = json.loads(out)
    one = found["settings"][0]
    assert code == 0
    assert (one["requests"], one["cold_starts"], one["held"], one["refused"]) == (3, 2, 3, 0)
    # From the first request at 0: seen at 30, ready at 870.
    assert one["wait_seconds"] == {"p50": 860.0, "p95": 870.0, "p99": 870.0, "max": 870.0}
    assert found["schema"] == "zerofloor.simulation/1"


def test_settings_stand_side_by_side_and_the_cheapest_within_a_limit_is_named(
    folder: Path,
) -> None:
    sets = ("--set", "minReplicaCount=0,1", "--set", "cooldownPeriod=60,300")
    code, out, _ = _simulate(folder, *sets, "--max-wait", "60")
    assert code == 0
    assert "no request waits longer than 60 s: minReplicaCount=1 cooldownPeriod=60." in " ".join(
        out.split()
    )
    assert _simulate(folder, *sets, "--max-wait", "60")[1] == out
    code, out, _ = _simulate(folder, "--max-wait", "60")
    assert code == 1
    assert "There is no setting with which no request waits longer than 60 s" in " ".join(
        out.split()
    )


def test_another_node_type_is_priced_and_an_unpriced_one_says_so(folder: Path) -> None:
    code, out, _ = _simulate(
        folder, "--set", "instanceType=g6e.xlarge,g5.12xlarge", "--format", "json"
    )
    assert code == 0
    lines = [one["lines"][0] for one in json.loads(out)["settings"]]
    assert [line["what"].split()[0] for line in lines] == ["g6e.xlarge", "g5.12xlarge"]
    (folder / "zerofloor.yaml").write_text("")
    code, out, _ = _simulate(folder)
    assert "unpriced" in out
    assert "set `aws:region` of the stack, or `region: {aws: us-east-1}`" in " ".join(out.split())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--set", "minReplicaCont=0,1"), "did you mean minReplicaCount?"),
        (("--set", "minReplicaCount"), "write NAME=A,B"),
        (("--set", "minReplicaCount=1,1"), "write NAME=A,B"),
        (("--set", "concurrency=many"), "--set concurrency=many: no number"),
        (("--set", "minReplicaCount=two"), "minReplicaCount"),
        (("--set", "minReplicaCount=5"), "minReplicaCount"),
        (("--set", "spec.consolidateAfter=5s"), "--set spec.consolidateAfter: nothing here has it"),
        (("--set", "instanceType=m7i.large"), "no pool of the stack takes its pods then"),
        (("--set", "instanceType=nonsense"), "nonsense is not an instance type"),
        (("--target", "other"), "--target other is none of what can answer requests: Deployment"),
        (("--concurrency", "0"), "0 is less than 1"),
    ],
)
def test_a_mistake_ends_in_one_line_and_exit_2(
    folder: Path, more: tuple[str, ...], said: str
) -> None:
    code, out, err = _simulate(folder, *more)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()[-1:]) == 1


def test_a_missing_trace_is_asked_for(folder: Path) -> None:
    done = zerofloor("simulate", "stack.yaml", cwd=folder)
    assert done.code == 2
    assert "--trace" in done.err
    code, _, err = _simulate(folder, "--trace", str(folder / "none.csv"))
    assert (code, err.count("\n")) == (2, 1)
    assert "can't be read" in err


def test_without_numpy_it_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    code, _, err = _simulate(folder)
    assert (code, err) == (2, f"zerofloor: simulate needs numpy: {how_to_add('simulate')}\n")


def test_pods_that_fit_no_node_are_told_with_their_numbers(folder: Path) -> None:
    stack = (folder / "stack.yaml").read_text()
    larger = re.sub(r"limits: \{nvidia.com/gpu: \S+?\}", "limits: {nvidia.com/gpu: 64}", stack)
    assert larger != stack
    (folder / "stack.yaml").write_text(larger)
    code, _, err = _simulate(folder)
    assert (code, err.count("\n")) == (2, 1)
    assert re.search(r"fits no node of .*: a pod asks for 64 GPUs, and \S+ has \d", err)


def test_a_stack_that_serves_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    (tmp_path / "trace.csv").write_text(TRACE)
    code, _, err = _simulate(tmp_path)
    assert code == 2
    assert "nothing here serves requests on a GPU" in err
