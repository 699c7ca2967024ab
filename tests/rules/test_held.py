"""How a hold becomes a finding: message, severity, monthly cost, merging. Worked out by hand on
floors made by hand."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.rules.examples import report_on
from zerofloor import rules
from zerofloor.capacity import WEEK, Capacity, Cause, Evidence, Hold, Market, Notice
from zerofloor.cost.estimate import Amount, Estimate, Figure, Item
from zerofloor.estate import estate
from zerofloor.floor.result import Entry, EntryKind, Floor, Supply, Verdict
from zerofloor.hardware.instances import Shape
from zerofloor.money import ZERO, Money
from zerofloor.report import Finding
from zerofloor.rules.rule import Judged
from zerofloor.settings import Settings, parse
from zerofloor.stack import Resource, Stack

POOL = "urn:pulumi:dev::shop::aws:eks/nodeGroup:NodeGroup::gpu"
LLM = "urn:pulumi:dev::shop::kubernetes:apps/v1:Deployment::llm"
OTHER = "urn:pulumi:dev::shop::kubernetes:apps/v1:Deployment::other"
SHAPE = Shape("aws", "p5.48xlarge", Decimal(8), "NVIDIA H100")


def hold(
    cause: Cause = Cause.FIXED_REPLICAS,
    urn: str = LLM,
    units: int | None = 1,
    hours: Decimal = WEEK,
) -> Hold:
    return Hold(
        cause=cause,
        urn=urn,
        units=units,
        evidence=(Evidence(urn, "spec.replicas", 1, "so one pod always runs"),),
        fix="Set it to 0.",
        hours_per_week=hours,
    )


def workload(
    urn: str = LLM,
    gpus: int = 1,
    *holds: Hold,
    hours: Decimal = WEEK,
    carried_by: tuple[str, ...] = (POOL,),
) -> Entry:
    name = urn.rsplit("::", 1)[-1]
    return Entry(
        urn,
        EntryKind.WORKLOAD,
        name,
        "Deployment",
        Verdict.HELD,
        Decimal(gpus),
        None,
        hours,
        (),
        holds or (hold(urn=urn),),
        carried_by=carried_by,
    )


def pool(nodes: int = 1, *holds: Hold, hours: Decimal = WEEK) -> Entry:
    supply = Supply(
        "aws", (SHAPE,), Market.ON_DEMAND, "us-east-1", None, nodes, nodes * hours, nodes, nodes
    )
    return Entry(
        POOL,
        EntryKind.POOL,
        "gpu",
        "EKS managed node group",
        Verdict.HELD,
        Decimal(8 * nodes),
        nodes,
        hours,
        (),
        holds,
        supply=supply,
    )


DECLARED = tuple(
    Resource(urn, urn.split("::")[2], urn.rsplit("::", 1)[-1], {}, source_position="__main__.py:7")
    for urn in (POOL, LLM, OTHER)
)


def findings(
    *entries: Entry,
    hourly: str | None = "10",
    notices: tuple[Notice, ...] = (),
    settings: Any = None,
    resources: tuple[Resource, ...] = DECLARED,
) -> tuple[Finding, ...]:
    """The findings where each node of the pool costs `hourly` an hour (None: not priced)."""
    items = tuple(
        Item(
            entry.urn,
            "p5.48xlarge",
            entry.supply.node_hours_per_week / WEEK,
            "node",
            Money(Decimal(hourly)),
            "list",
            "2026-11-01",
            (Figure.FLOOR,),
        )
        for entry in entries
        if entry.supply is not None and hourly is not None
    )
    unpriced = tuple(entry.urn for entry in entries if entry.supply is not None and hourly is None)
    nothing = Amount(ZERO)
    estimate = Estimate(
        nothing, nothing, None, nothing, nothing, items, unpriced, "hash", "2026-11-01", ()
    )
    chosen: Settings = parse(settings or {}, "test")
    whole = estate((Stack("digest", resources),), chosen)
    floor = Floor(Verdict.HELD, Decimal(8), 1, entries, notices=notices)
    return rules.findings(
        Judged(whole, Capacity(), floor, estimate, chosen, datetime.date(2026, 11, 24))
    )


def test_message_has_who_what_where_how_long_and_why() -> None:
    (found,) = findings(workload(), pool())
    assert found.rule == "GPU001"
    assert found.urn == LLM
    assert found.source == "__main__.py:7"
    assert found.message == (
        "Deployment llm keeps 1 GPU running 24/7 with no traffic because spec.replicas is 1, "
        "on EKS managed node group gpu (1 node)."
    )
    assert found.fix == "Set it to 0."


COUNTED = Evidence(LLM, "spec.replicas", 1, "so one pod always runs")
OMITTED = Evidence(LLM, "spec.replicas", None, "so one pod always runs")
WHOLE = Evidence(LLM, "", None, "one pod always runs")
COMMAND = Evidence(LLM, "spec.command", "sleep", "it never ends")
LONG = Evidence(LLM, "spec.args", "x" * 90, "y" * 90)
HARDWARE = Evidence(LLM, "instanceType", "p5.48xlarge", "8 H100", is_hardware=True)


@pytest.mark.parametrize(
    ("cause", "evidence", "because"),
    [
        # A count speaks for itself; left out, or as one of several links, it does not.
        (Cause.FIXED_REPLICAS, (COUNTED,), "spec.replicas is 1"),
        (
            Cause.FIXED_REPLICAS,
            (OMITTED,),
            "spec.replicas is not set (so one pod always runs)",
        ),
        (Cause.FIXED_REPLICAS, (WHOLE,), "one pod always runs"),
        (
            Cause.FIXED_REPLICAS,
            (COUNTED, COMMAND),
            "spec.replicas is 1 (so one pod always runs); spec.command is sleep (it never ends)",
        ),
        (Cause.ENDLESS_JOB, (COMMAND,), "spec.command is sleep (it never ends)"),
        # What a node is made of is no reason, where there is one.
        (Cause.ENDLESS_JOB, (HARDWARE, COMMAND), "spec.command is sleep (it never ends)"),
        (Cause.INSTANCE, (HARDWARE,), "instanceType is p5.48xlarge (8 H100)"),
        # As many links as there is room for.
        (Cause.ENDLESS_JOB, (COMMAND, LONG), "spec.command is sleep (it never ends)"),
        (Cause.ENDLESS_JOB, (LONG, COMMAND), f"{'y' * 90} (spec.args)"),
    ],
)
def test_a_message_gives_the_reason(
    cause: Cause, evidence: tuple[Evidence, ...], because: str
) -> None:
    held = Hold(cause=cause, urn=LLM, units=1, evidence=evidence, fix="Change it.")
    (found,) = findings(workload(LLM, 1, held, carried_by=()))
    assert found.message == (
        f"Deployment llm keeps 1 GPU running 24/7 with no traffic because {because}."
    )


def test_what_a_providers_component_makes_is_shown_where_the_program_declares_the_component() -> (
    None
):
    group = Resource(
        "urn:g",
        "kubernetes:yaml/v2:ConfigGroup",
        "g",
        {},
        source_position="__main__.py:3",
        custom=False,
    )
    server = Resource(LLM, "kubernetes:apps/v1:Deployment", "llm", {}, parent=group.urn)
    (found,) = findings(workload(), resources=(group, server))
    assert found.source == "__main__.py:3"
    (found,) = findings(workload(), resources=(replace(server, parent="urn:elsewhere"),))
    assert found.source is None


def test_a_lone_workload_holds_the_whole_pool() -> None:
    """One GPU on one node of eight: the node bills, 10 an hour × 730."""
    (found,) = findings(workload(), pool())
    assert found.monthly == Money(Decimal(10) * 730)


def test_a_workload_on_two_pools_holds_both() -> None:
    """12 GPUs on two nodes of eight, one in each pool: both bill, 20 an hour × 730."""
    second = replace(pool(), urn=f"{POOL}-2")
    (found,) = findings(workload(LLM, 12, carried_by=(POOL, second.urn)), pool(), second)
    assert found.monthly == Money(Decimal(20) * 730)


def test_of_a_shared_pool_a_workload_holds_its_nodes() -> None:
    """9 GPUs need 2 nodes of eight, 1 GPU needs one, of 3 nodes."""
    found = {one.urn: one for one in findings(workload(LLM, 9), workload(OTHER, 1), pool(3))}
    assert found[LLM].monthly == Money(Decimal(3) * 10 * Decimal(2) / 3) * 730
    assert found[OTHER].monthly == Money(Decimal(3) * 10 * (Decimal(1) / 3)) * 730


def test_a_pools_own_minimum_holds_its_nodes() -> None:
    """Minimum 1 of 2 nodes that are held: half of the bill."""
    minimum = hold(Cause.POOL_MINIMUM, POOL, 1)
    (found,) = findings(pool(2, minimum))
    assert found.rule == "GPU012"
    assert found.monthly == Money(Decimal(20) * Decimal("0.5")) * 730


def test_the_same_hold_on_pool_and_workload_is_one_finding() -> None:
    found = findings(workload(), pool(1, hold()))
    assert [one.urn for one in found] == [LLM]


def test_two_rules_on_one_resource_are_two_findings() -> None:
    found = findings(workload(LLM, 1, hold(), hold(Cause.SCALER_NOT_IN_EFFECT)), pool())
    assert {one.rule for one in found} == {"GPU001", "GPU005"}


def test_without_a_price_the_cost_is_unknown() -> None:
    found = [one for one in findings(workload(), pool(), hourly=None) if one.rule == "GPU001"]
    assert found[0].monthly is None
    assert found[0].cost_unknown


def schedule(hours: int) -> Hold:
    return hold(Cause.SCHEDULE, LLM, 1, Decimal(hours))


def test_a_schedule_warns_up_to_the_cap_and_fails_above_it() -> None:
    for hours, severity in ((60, "warning"), (61, "error")):
        (found,) = findings(
            workload(LLM, 1, schedule(hours), hours=Decimal(hours)), pool(hours=Decimal(hours))
        )
        assert (found.rule, found.severity) == ("GPU009", severity)
        assert f"running {hours} h a week" in found.message
        assert found.monthly == Money(Decimal(hours) / 168 * 10) * 730
    (found,) = findings(
        workload(LLM, 1, schedule(61), hours=Decimal(61)),
        pool(hours=Decimal(61)),
        settings={"caps": {"scheduleHoursPerWeek": 61}},
    )
    assert found.severity == "warning"


def test_two_windows_count_as_the_entrys_hours() -> None:
    """Two windows of 40 h that overlap by 30 are 50 h, which the entry knows."""
    entry = workload(
        LLM, 1, schedule(40), hold(Cause.SCHEDULE, LLM, 2, Decimal(40)), hours=Decimal(50)
    )
    (found,) = findings(entry, pool(hours=Decimal(50)))
    assert found.severity == "warning"
    assert "50 h a week" in found.message


def test_beside_another_hold_windows_add_up() -> None:
    entry = workload(LLM, 1, hold(), schedule(40), hold(Cause.SCHEDULE, LLM, 2, Decimal(40)))
    found = {one.rule: one for one in findings(entry, pool())}
    assert found["GPU009"].severity == "error"
    assert "80 h a week" in found["GPU009"].message


def test_what_is_not_held_is_not_reported() -> None:
    entry = Entry(
        LLM,
        EntryKind.WORKLOAD,
        "llm",
        "Deployment",
        Verdict.ZERO,
        Decimal(0),
        None,
        Decimal(0),
        (),
        (hold(),),
    )
    assert findings(entry) == ()


def test_a_held_gpu_without_a_cause_is_never_silent() -> None:
    entry = Entry(
        LLM, EntryKind.WORKLOAD, "llm", "Deployment", Verdict.HELD, Decimal(2), None, WEEK, ()
    )
    (found,) = findings(entry)
    assert (found.rule, found.severity) == ("GPU201", "error")
    assert "2 GPUs" in found.message


def test_a_notice_is_a_warning_once() -> None:
    notice = Notice(cause=Cause.LONG_IDLE_TAIL, urn=LLM, message="It waits 4 h.", fix="Shorten it.")
    (found,) = findings(notices=(notice, notice))
    assert (found.rule, found.severity, found.message, found.monthly) == (
        "GPU101",
        "warning",
        "It waits 4 h.",
        None,
    )
    assert not found.cost_unknown


def test_order_is_error_then_dear_then_rule() -> None:
    found = findings(
        workload(LLM, 9),
        workload(OTHER, 1),
        pool(3),
        notices=(
            Notice(cause=Cause.LONG_IDLE_TAIL, urn=POOL, message="It waits.", fix="Shorten it."),
        ),
    )
    assert [one.urn for one in found] == [LLM, OTHER, POOL]


def test_a_pools_hold_is_told_with_its_own_nodes() -> None:
    """Minimum 1 of 2 nodes that are held: 8 of the 16 GPUs."""
    (found,) = findings(pool(2, hold(Cause.POOL_MINIMUM, POOL, 1)))
    assert found.message.startswith(
        "EKS managed node group gpu keeps 8 GPUs on 1 node running 24/7"
    )


CRON = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
        - name: server
          image: vllm/vllm-openai
          resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 1
  triggers:
    - type: cron
      metadata: {timezone: UTC, start: "0 8 * * 1-5", end: "0 18 * * 1-5", desiredReplicas: "1"}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 60s}
  limits: {nvidia.com/gpu: 1}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements:
        - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g5.xlarge]}
---
settings: {region: {aws: us-east-1}}
"""


def test_a_schedule_costs_its_hours_also_where_something_else_keeps_the_nodes() -> None:
    """g5.xlarge is $1.006/h: 168 h a week are $734.38 a month, 50 h are 50/168 of it."""
    by_schedule = {one.rule: one for one in report_on(CRON).findings}["GPU009"]
    always = CRON.replace("consolidateAfter: 60s", "consolidateAfter: Never")
    both = {one.rule: one for one in report_on(always).findings}
    for one in (by_schedule, both["GPU009"]):
        assert one.monthly is not None
        assert f"{one.monthly.amount:.2f}" == "218.57"
        assert "because a cron trigger keeps 1 replica from `0 8 * * 1-5` to" in one.message
    kept = both["GPU017"].monthly
    assert kept is not None
    assert f"{kept.amount:.2f}" == "734.38"
