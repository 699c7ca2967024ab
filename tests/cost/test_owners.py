"""Whose a line is, and totals by it: together they are the estimate's."""

from __future__ import annotations

import json
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.command import zerofloor
from tests.supplies import TODAY, floor, supply
from zerofloor.cost.estimate import Figure, Owner
from zerofloor.cost.owners import check_key, totals_by
from zerofloor.cost.reckon import estimate
from zerofloor.errors import InputError
from zerofloor.estate import estate
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.schema import schema_of
from zerofloor.settings import Settings
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

INSTANCE = "aws:ec2/instance:Instance"
DISK = 100 * D("0.08") / 730


def urn(kind: str, name: str, stack: str = "dev") -> str:
    return f"urn:pulumi:{stack}::shop::{kind}::{name}"


def machine(name: str, tags: Any = None, parent: str | None = None) -> dict[str, Any]:
    props = {
        "instanceType": "g5.xlarge",
        "availabilityZone": "us-east-1a",
        "rootBlockDevice": {"volumeSize": 100, "volumeType": "gp3"},
        "tags": tags,
    }
    found = {"type": INSTANCE, "name": name, "urn": urn(INSTANCE, name), "props": props}
    return {**found, "parent": parent} if parent else found


def report(*resources: dict[str, Any]) -> Report:
    found = tuple(
        Resource(
            urn=one["urn"],
            type=one["type"],
            name=one["name"],
            inputs=one["props"],
            parent=one.get("parent"),
            provider=one.get("provider"),
            custom=one.get("custom", True),
        )
        for one in sorted(resources, key=lambda one: one["urn"])
    )
    return judge((Stack("digest", found, "shop", "dev"),), open_book(), Settings(), TODAY)


def owner(found: Report, name: str, kind: str = INSTANCE) -> Owner:
    (one,) = [o for u, o in found.estimate.owners.items() if u.endswith(f"{kind}::{name}")]
    return one


def by(found: Report, key: str) -> dict[str, D]:
    """What is idle, a value of the key."""
    totals = totals_by(found.estimate, key, {}).totals
    return {one.value: one.idle.hourly.amount for one in totals if one.idle is not None}


def test_each_team_has_its_machines_with_their_disks() -> None:
    found = report(
        machine("a", {"team": "search", "env": "prod"}),
        machine("b", {"team": "search"}),
        machine("c", {"team": "ads"}),
        machine("d"),
    )
    one = D("1.006") + DISK
    sums = by(found, "tag:team")
    assert {key: round(value, 9) for key, value in sums.items()} == {
        "search": round(2 * one, 9),
        "ads": round(one, 9),
        "": round(one, 9),
    }


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        ({"owner": "ml", "team": "x"}, "ml"),
        ({"Team": "search"}, "search"),
        ({"example.com/owner": "ml"}, "ml"),
        ([{"key": "team", "value": "ads", "propagateAtLaunch": True}], "ads"),
        ({"team": UNKNOWN}, "(not known yet)"),
        ({"team": SECRET}, "(secret)"),
        ({"env": "prod"}, ""),
        (UNKNOWN, ""),
        (None, ""),
        ("junk", ""),
        ([1, None, {"key": 3}], ""),
    ],
)
def test_the_owner_is_a_tag_in_any_case_and_a_secret_is_never_shown(tags: Any, named: str) -> None:
    assert owner(report(machine("a", tags)), "a").owner == named


def test_the_component_around_it_the_project_and_the_stack() -> None:
    component: dict[str, Any] = {
        "type": "acme:ml:Search",
        "name": "s",
        "urn": urn("acme:ml:Search", "s"),
        "props": {},
        "custom": False,
    }
    found = report(component, machine("a", parent=component["urn"]), machine("b"))
    mine = owner(found, "a")
    assert (mine.project, mine.stack, mine.component) == ("shop", "dev", "acme:ml:Search::s")
    assert owner(found, "b").component == ""


def test_the_tags_that_a_provider_puts_on_everything_are_its_machines_tags() -> None:
    provider = {
        "type": "pulumi:providers:aws",
        "name": "east",
        "urn": urn("pulumi:providers:aws", "east"),
        "props": {"region": "us-east-1", "defaultTags": {"tags": {"team": "core", "env": "dev"}}},
    }
    one = machine("a", {"env": "prod"}) | {"provider": f"{provider['urn']}::id"}
    assert owner(report(provider, one), "a").tags == {"team": "core", "env": "prod"}


def test_a_pool_is_of_the_namespace_whose_pods_hold_it(tmp_path: Path) -> None:
    def server(namespace: str) -> str:
        return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: llm, namespace: {namespace}, labels: {{team: {namespace}}}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: llm}}}}
  template:
    metadata: {{labels: {{app: llm}}}}
    spec:
      containers: [{{name: c, image: i, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}]
---
"""

    pool = """\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  limits: {nvidia.com/gpu: 8}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: gpu}
      requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [g5.xlarge]}]
"""
    (tmp_path / "zerofloor.yaml").write_text("region: {aws: us-east-1}\n")

    def namespaces(*of: str) -> list[tuple[str | None, str | None]]:
        (tmp_path / "all.yaml").write_text("".join(map(server, of)) + pool)
        done = zerofloor("estimate", "all.yaml", "--format", "json", cwd=tmp_path)
        items = json.loads(done.out)["estimate"]["items"]
        return sorted({(one["whose"]["namespace"], one["whose"]["owner"]) for one in items})

    assert namespaces("search") == [("search", "search")]
    assert namespaces("search", "ads") == [(None, None)]


KEYS = st.sampled_from(["stack", "project", "namespace", "component", "owner", "type", "tag:team"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(["g5.xlarge", "p5.48xlarge", "p5e.48xlarge"]), max_size=5),
    st.lists(st.integers(0, 3), min_size=5, max_size=5),
    KEYS,
)
def test_the_totals_together_are_the_estimates(
    types: list[str], nodes: list[int], key: str
) -> None:
    pools = {
        f"p{at}": supply(one, nodes=number, ceiling=number + 1)
        for at, (one, number) in enumerate(zip(types, nodes, strict=False))
    }
    found = estimate(floor(pools), estate((), Settings()), open_book(), TODAY)
    totals = totals_by(found, key, {}).totals
    for figure in (Figure.FLOOR, Figure.DESIRED, Figure.CEILING):
        amount = found.amount(figure)
        assert amount is not None
        summed = sum((one.amounts[figure].hourly.amount for one in totals), D(0))
        assert summed == amount.hourly.amount
        assert any(figure in one.unpriced for one in totals) == any(
            figure in gap.lacks for gap in found.gaps
        )


def digest(folder: Path) -> None:
    state = {
        "urn": urn(INSTANCE, "a"),
        "type": INSTANCE,
        "custom": True,
        "inputs": machine("a", {"team": "search"})["props"],
    }
    steps = [{"op": "create", "urn": state["urn"], "newState": state}]
    (folder / "p.json").write_text(json.dumps({"steps": steps, "changeSummary": {"create": 1}}))


def test_estimate_by_prints_totals_and_names_a_key_that_is_none(tmp_path: Path) -> None:
    digest(tmp_path)
    shown = zerofloor("estimate", "p.json", "--by", "tag:team", cwd=tmp_path)
    assert "By tag:team, a month" in shown.out
    assert "search    $742.38" in shown.out  # (1.006 × 730 = 734.38) + 100 GB × 0.08
    wrong = zerofloor("estimate", "p.json", "--by", "stacks", cwd=tmp_path)
    assert (wrong.code, wrong.out) == (2, "")
    assert "--by stacks: no key of totals; did you mean stack?" in wrong.err
    typo = zerofloor("estimate", "p.json", "--by", "tag:taem", cwd=tmp_path)
    assert "No line has the tag taem; did you mean team?" in typo.out
    csv = zerofloor("estimate", "p.json", "--by", "tag:team", "--format", "csv", cwd=tmp_path)
    assert (csv.code, csv.out) == (2, "")
    out = json.loads(
        zerofloor("estimate", "p.json", "--by", "stack", "--format", "json", cwd=tmp_path).out
    )
    (group,) = out["estimate"]["totals"]["groups"]
    assert group["value"] == "dev"
    assert group["idle_total"]["monthly"]["amount"] == "742.38"


def test_the_same_resource_in_another_stack_is_a_change_a_month_and_not_a_new_one(
    tmp_path: Path,
) -> None:
    digest(tmp_path)
    base = zerofloor("estimate", "p.json", "--format", "json", "-o", "base.json", cwd=tmp_path)
    assert base.code == 0
    text = (tmp_path / "p.json").read_text()
    (tmp_path / "p.json").write_text(text.replace(":dev::", ":prod::").replace("g5.", "g6e."))
    shown = zerofloor("estimate", "p.json", "--against", "base.json", cwd=tmp_path).out
    # g6e.xlarge $1.861 − g5.xlarge $1.006 = $0.855 an hour × 730.
    assert "- aws:ec2/instance:Instance::a: floor +$624.15, desired +$624.15" in shown
    assert "floor +$0.86/h" in shown or "floor +$0.85/h" in shown
    out = json.loads(
        zerofloor(
            "estimate", "p.json", "--against", "base.json", "--format", "json", cwd=tmp_path
        ).out
    )["estimate"]["change"]
    # The baseline's money an hour has six places.
    (one,) = out["resources"]
    for change in (one, out):
        assert round(D(change["monthly"]["floor"]["amount"]), 2) == D("624.15")
    assert out["notes"] == []


def test_no_key_of_totals_is_taken_for_another() -> None:
    with pytest.raises(InputError, match="--by tag:"):
        check_key("tag:")


def test_an_estimate_with_totals_and_a_change_is_as_its_schema_says(tmp_path: Path) -> None:
    digest(tmp_path)
    zerofloor("estimate", "p.json", "--format", "json", "-o", "base.json", cwd=tmp_path)
    done = zerofloor(
        "estimate",
        "p.json",
        *("--by", "tag:team", "--against", "base.json", "--format", "json"),
        cwd=tmp_path,
    )
    jsonschema.validate(json.loads(done.out), json.loads(schema_of("estimate")))
