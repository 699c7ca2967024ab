"""A backend that the real engine wrote, in the layouts that it writes: audited as it is on disk."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.cli.command import TODAY, process
from tests.engine.real_engine import Engine


@pytest.mark.engine
@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "instance/dev"),
        ({"PULUMI_DIY_BACKEND_GZIP": "true"}, "instance/dev"),
        ({"PULUMI_DIY_BACKEND_ZSTD": "true"}, "instance/dev"),
        (
            {
                "PULUMI_DIY_BACKEND_LEGACY_LAYOUT": "true",
                "PULUMI_DIY_BACKEND_IGNORE_DEPRECATION_ERROR": "1",
            },
            "dev",
        ),
    ],
    ids=["plain", "gzip", "zstd", "older layout"],
)
def test_a_backend_of_the_real_engine(engine: Engine, environ: dict[str, str], name: str) -> None:
    object.__setattr__(engine, "environ", {**engine.environ, **environ})
    project = engine.yaml_project("instance")
    done = engine.pulumi("up", "--yes", "--skip-preview", cwd=project)
    assert done.returncode == 0, done.stdout
    states = engine.folder / "state" / ".pulumi" / "stacks"
    packings = {"PULUMI_DIY_BACKEND_GZIP": ".gz", "PULUMI_DIY_BACKEND_ZSTD": ".zst"}
    suffix = ".json" + "".join(packings.get(name, "") for name in environ)
    assert (states / f"{name}{suffix}").is_file(), sorted(states.rglob("*"))
    url = engine.environ["PULUMI_BACKEND_URL"]
    audit = process("audit", url, "--format", "json", *TODAY, cwd=project)
    assert audit.code == 1, audit.err
    found = json.loads(audit.out)
    assert [one["name"] for one in found["stacks"]] == [name]
    assert found["problems"] == []
    assert Decimal(found["totals"]["monthly"]) == Decimal("734.38")  # 1.006 an hour, 730 hours

    done = engine.pulumi("destroy", "--yes", "--skip-preview", cwd=project)
    assert done.returncode == 0, done.stdout
    assert process("audit", url, *TODAY, cwd=project).code == 0


@pytest.mark.engine
def test_without_an_argument_it_is_where_the_engine_is_logged_in(engine: Engine) -> None:
    environ = {key: value for key, value in engine.environ.items() if key != "PULUMI_BACKEND_URL"}
    url = engine.environ["PULUMI_BACKEND_URL"]
    project = engine.yaml_project("instance")
    assert engine.pulumi("up", "--yes", "--skip-preview", cwd=project).returncode == 0
    object.__setattr__(engine, "environ", environ)
    assert engine.pulumi("login", url, cwd=project).returncode == 0
    without = {**environ, "PULUMI_BACKEND_URL": ""}
    audit = process("audit", "--format", "json", *TODAY, cwd=project, environ=without)
    assert audit.code == 1, audit.err
    assert json.loads(audit.out)["backend"] == url
