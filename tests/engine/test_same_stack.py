"""The same program through the real engine and in-process: both must give the same Stack."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.real_engine import HERE, Engine, logged_out
from zerofloor.engine.program import preview_in_process
from zerofloor.engine.pulumi import preview_with_engine
from zerofloor.stack import Resource

PROGRAMS = sorted(
    (path.parent, match[1])
    for path in (HERE / "programs").glob("*/Pulumi.*.yaml")
    if (match := re.fullmatch(r"Pulumi\.(.+)\.yaml", path.name)) is not None
)


def comparable(resource: Resource) -> Resource:
    """Without what a preview without an engine can't know or that says where a file is on this machine."""
    return replace(resource, source_position=None)


@pytest.mark.engine
@pytest.mark.parametrize(("folder", "stack"), PROGRAMS, ids=[f"{folder.name}-{stack}" for folder, stack in PROGRAMS])
def test_both_previews_give_the_same_stack(engine: Engine, folder: Path, stack: str) -> None:
    real = preview_with_engine(folder, stack, time_limit=60, environ=logged_out(engine))
    ours = preview_in_process(folder, stack, time_limit=60)
    assert [resource.urn for resource in ours.resources] == [resource.urn for resource in real.resources]
    for one, other in zip(ours.resources, real.resources, strict=True):
        assert comparable(one) == comparable(other)
    assert (ours.project, ours.name, ours.config) == (real.project, real.name, real.config)
