"""The same program through the real engine and in-process: both must give the same Stack, and so
the same verdict and cost."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.comparison import comparable
from tests.engine.real_engine import HERE, ROOT, Engine, logged_out
from zerofloor.engine.program import preview_in_process
from zerofloor.engine.pulumi import preview_with_engine
from zerofloor.judge import judge
from zerofloor.prices.opening import open_for
from zerofloor.report import Report
from zerofloor.settings import Settings
from zerofloor.stack import Stack

TODAY = datetime.date(2026, 11, 24)


def stacks_of(*folders: Path) -> list[tuple[Path, str]]:
    """Each program with each of its stacks."""
    found = (
        (path.parent, re.fullmatch(r"Pulumi\.(.+)\.yaml", path.name))
        for folder in folders
        for path in sorted(folder.glob("Pulumi.*.yaml"))
    )
    return [(folder, match[1]) for folder, match in found if match]


PROGRAMS = stacks_of(*sorted((HERE / "programs").iterdir()))
BUNDLED = stacks_of(ROOT)


def same(real: Stack, ours: Stack) -> None:
    assert [resource.urn for resource in ours.resources] == [
        resource.urn for resource in real.resources
    ]
    for one, other in zip(comparable(ours), comparable(real), strict=True):
        assert one == other
    assert (ours.project, ours.name, ours.config) == (real.project, real.name, real.config)


def both(engine: Engine, folder: Path, stack: str) -> tuple[Stack, Stack]:
    real = preview_with_engine(folder, stack, time_limit=60, environ=logged_out(engine))
    return real, preview_in_process(folder, stack, time_limit=60)


def judged(stack: Stack) -> Report:
    """The report, without how it was previewed and where it was declared."""
    report = judge((stack,), open_for(Settings(), ROOT), Settings(), TODAY)
    return replace(
        report,
        documents=(),
        assumptions=(),
        findings=tuple(replace(finding, source=None) for finding in report.findings),
    )


@pytest.mark.engine
@pytest.mark.parametrize(
    ("folder", "stack"), PROGRAMS, ids=[f"{folder.name}-{stack}" for folder, stack in PROGRAMS]
)
def test_both_previews_give_the_same_stack(engine: Engine, folder: Path, stack: str) -> None:
    same(*both(engine, folder, stack))


@pytest.mark.engine
@pytest.mark.parametrize(("folder", "stack"), BUNDLED, ids=[stack for _, stack in BUNDLED])
def test_the_bundled_stack_has_one_verdict_and_one_cost(
    engine: Engine, folder: Path, stack: str
) -> None:
    real, ours = both(engine, folder, stack)
    same(real, ours)
    report = judged(real)
    assert report == judged(ours)
    assert (report.floor.verdict, report.gate) == (
        ("zero", "pass") if stack == "dev" else ("held", "fail")
    )
