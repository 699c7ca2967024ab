"""What docs/extending.md shows works as it stands there."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cases import stack_of
from tests.platforms.stacks import UNKNOWN
from tests.rules.examples import report_on
from zerofloor import rules
from zerofloor.capacity import Market, Pool, Workload
from zerofloor.estate import estate
from zerofloor.platforms.kubernetes import rows as kubernetes_rows
from zerofloor.platforms.rows import read_rows
from zerofloor.prices import override
from zerofloor.prices.book import Key
from zerofloor.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


def walk(name: str) -> str:
    """The code block that the page marks with this name."""
    pattern = rf"<!-- walk: {name} -->\n```[a-z]+\n(.*?)```"
    (block,) = re.findall(pattern, PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


def run(name: str) -> dict[str, Any]:
    module: dict[str, Any] = {}
    exec(compile(walk(name), f"extending.md, {name}", "exec"), module)
    return module


def test_the_rule_finds_its_bad_example_and_not_its_good_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = run("rule")["RULE"]
    every = (*rules.all_rules(), rule)
    monkeypatch.setattr(rules, "all_rules", lambda: every)
    assert [f.urn for f in report_on(rule.bad).findings if f.rule == "GPU901"]
    assert not [f for f in report_on(rule.good).findings if f.rule == "GPU901"]


@pytest.mark.parametrize(
    ("inputs", "nodes"),
    [
        ({"machine": {"type": "g5.xlarge", "count": 3}}, 3),
        ({"machine": {"type": "g5.xlarge"}}, 1),
        ({"machine": {"type": "g5.xlarge", "count": 0}}, 0),
        ({"machine": {"type": "g5.xlarge"}, "mode": "on-demand"}, 0),
    ],
)
def test_the_row_reads_its_resource(inputs: dict[str, Any], nodes: int) -> None:
    row = run("row")["ROW"]
    case = {"resources": [{"type": "acme:index:Renderer", "name": "r", "props": inputs}]}
    whole = estate((stack_of(case),), Settings())
    (pool,) = [part for part in read_rows(whole, (row,)) if isinstance(part, Pool)]
    assert sum(hold.least for hold in pool.holds) == nodes


def test_the_price_is_found(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(walk("price"), encoding="utf-8")
    price = override.load(path)[Key("aws", "g6e.xlarge", "us-east-1", Market.ON_DEMAND)]
    assert price.money.amount == Decimal("1.20")


@pytest.mark.parametrize(
    ("spec", "pods"), [({"size": 2}, 2), ({}, 1), ({"size": 0}, 0), ({"size": UNKNOWN}, None)]
)
def test_the_kind_is_read(
    spec: dict[str, Any], pods: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_rows, "ROWS", (run("kind")["ROW"],))
    pod = {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}
    body = {"metadata": {"name": "f"}, "spec": {**spec, "template": {"spec": pod}}}
    case = {"resources": [{"type": "kubernetes:acme.dev/v1:Fleet", "name": "f", "props": body}]}
    (workload,) = kubernetes_rows.read(estate((stack_of(case),), Settings()))
    assert isinstance(workload, Workload)
    assert sum(hold.least for hold in workload.holds) == (pods or 0)
    assert bool(workload.undecided) is (pods is None)
