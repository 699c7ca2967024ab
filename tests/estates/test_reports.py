"""Each format of an audit as a whole: a golden file that was read through."""

from __future__ import annotations

import csv
import datetime
import io
import os
import re
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from zerofloor.estates.reports.focus import COLUMNS
from zerofloor.estates.reports.formats import AuditFormat, render
from zerofloor.estates.reports.treemap import Part, treemap
from zerofloor.estates.values import (
    Assumed,
    Audit,
    Fresh,
    Gone,
    Line,
    Notice,
    Problem,
    Seen,
    StackSummary,
)
from zerofloor.reports.formats import View

GOLDEN = Path(__file__).parent / "golden"

POOL = "urn:pulumi:prod::platform::aws:eks/nodeGroup:NodeGroup::gpu"
MODEL = "urn:pulumi:prod::chat::kubernetes:apps/v1:Deployment::llm"
HIDDEN = "urn:pulumi:dev::lab::aws:ec2/instance:Instance::trainer"

HELD = Line(
    stack="platform/prod",
    urn=POOL,
    name="gpu",
    type="aws:eks/nodeGroup:NodeGroup",
    platform="EKS managed node group",
    runs_on="g6e.xlarge on-demand in us-east-1 (1 NVIDIA L40S)",
    cloud="aws",
    region="us-east-1",
    gpus=Decimal(1),
    hours_per_week=Decimal(168),
    monthly=Decimal("1358.53"),
    state="held",
    rule="GPU001",
    cause="fixed-replicas-hold-gpu",
    held_by=MODEL,
    holder="chat/prod",
    owner="=chat|team",
    tags={"team": "=chat|team"},
    message="Deployment llm keeps 1 GPU running 24/7 with no traffic.",
    fix="Scale Deployment llm to zero when idle.",
    waived_by="",
    fingerprint="f1",
)
WAIVED = msgspec.structs.replace(
    HELD,
    urn=POOL + "2",
    name="gpu2",
    monthly=Decimal("100.00"),
    hours_per_week=Decimal(40),
    owner="",
    tags={},
    waived_by="ann: a demo (until 2026-12-01, up to $200 a month)",
    fingerprint="f2",
)
OPEN = msgspec.structs.replace(
    HELD,
    stack="lab/dev",
    urn=HIDDEN,
    name="trainer",
    type="aws:ec2/instance:Instance",
    runs_on="",
    gpus=None,
    hours_per_week=Decimal(0),
    monthly=Decimal("0.00"),
    state="undecided",
    rule="GPU201",
    cause="undecided-gpu",
    held_by=HIDDEN,
    holder="lab/dev",
    message="EC2 instance trainer may hold a GPU: instanceType is secret.",
    fix="Make instanceType no secret.",
    fingerprint="f3",
)
SAMPLE = Audit(
    backend="s3://state",
    today=datetime.date(2026, 11, 24),
    currency="USD",
    snapshot="0123",
    snapshot_as_of="2026-11-23",
    stacks=(
        StackSummary(
            name="chat/prod",
            resources=3,
            judged=True,
            gate="fail",
            monthly=Decimal(0),
            gpus=Decimal(0),
            undecided=0,
            joined=("platform/prod",),
        ),
        StackSummary(
            name="web/dev",
            resources=0,
            judged=False,
            gate="pass",
            monthly=Decimal(0),
            gpus=Decimal(0),
            undecided=0,
            joined=(),
        ),
    ),
    lines=(HELD, WAIVED, OPEN),
    findings=(
        Seen(
            stack="chat/prod",
            identity="chat/prod+platform/prod",
            rule="GPU001",
            name="fixed-replicas-hold-gpu",
            urn=MODEL,
            message=HELD.message,
            fingerprint="f1",
            severity="error",
            monthly=Decimal("1358.53"),
            gpus=Decimal(1),
            cost_unknown=False,
            blocks=True,
            owner="=chat|team",
            joined=True,
        ),
    ),
    problems=(Problem("web/dev", "its gzip is damaged"),),
    notices=(Notice("lab/dev", "an update is in progress"),),
    assumptions=(Assumed("KEDA reconciles ScaledObjects", "trust.keda", 2),),
    settings=("zerofloor.yaml",),
    in_force={"trust": {"keda": True}},
    fresh=Fresh(
        file="last.json",
        day=datetime.date(2026, 11, 17),
        before=Decimal("1000.00"),
        new=(OPEN.key,),
        worse={HELD.key: Decimal("679.27")},
        gone=(Gone("shop/dev", "EC2 instance old keeps 1 GPU.", Decimal("320.73")),),
    ),
)


@pytest.mark.parametrize("form", AuditFormat)
def test_the_whole_audit_is_as_it_was_read_through(form: AuditFormat) -> None:
    """ZEROFLOOR_GOLDEN=write writes them anew; read the difference before you commit it."""
    path = GOLDEN / f"audit.{form}"
    text = render(SAMPLE, ("owner", "tag:team"), form, View())
    if os.environ.get("ZEROFLOOR_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def many(number: int) -> Audit:
    """So many resources of as many stacks and owners, the most expensive first."""
    lines = tuple(
        msgspec.structs.replace(
            HELD,
            urn=f"{POOL}{index}",
            name=f"gpu{index}",
            stack=f"team{index}/prod",
            owner=f"team{index}",
            monthly=Decimal(number - index),
        )
        for index in range(number)
    )
    return msgspec.structs.replace(SAMPLE, lines=lines, fresh=None, notices=(), problems=())


@pytest.mark.parametrize(
    ("form", "number", "more"),
    [
        # A terminal shows 20 rows of a sum and 10 resources, a page 50 and 100: the rest is told.
        (AuditFormat.TABLE, 10, []),
        (AuditFormat.TABLE, 11, ["and 1 more resource"]),
        (AuditFormat.TABLE, 20, ["and 10 more resources"]),
        (AuditFormat.TABLE, 21, ["and 1 more", "and 11 more resources"]),
        (AuditFormat.HTML, 50, []),
        (AuditFormat.HTML, 51, ["and 1 more"]),
        (AuditFormat.HTML, 300, ["and 250 more"]),
        (AuditFormat.HTML, 301, ["and 251 more", "and 1 more resource"]),
    ],
)
def test_what_is_left_out_is_told(form: AuditFormat, number: int, more: list[str]) -> None:
    text = render(many(number), ("owner",), form, View())
    assert re.findall(r"and \d+ more(?: resources?)?", text) == more


def test_the_smallest_of_a_treemap_are_one_part() -> None:
    """120 rectangles and one of their own colour for the other 2 + 1."""
    drawn = render(many(122), ("owner",), AuditFormat.HTML, View())
    assert re.findall(r'<title>2 smaller ones: \$3</title><rect class="(\w+)"', drawn) == ["c5"]
    assert "smaller ones" not in render(many(120), ("owner",), AuditFormat.HTML, View())


def test_the_csv_has_the_columns_of_focus_and_runs_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(render(SAMPLE, (), AuditFormat.CSV, View()))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["ListCost"] for row in rows] == ["1358.53", "100.00", ""]
    assert rows[0]["x_Owner"] == "'=chat|team"
    assert rows[0]["ChargePeriodStart"] == "2026-11-01T00:00:00Z"
    assert rows[0]["ChargePeriodEnd"] == "2026-12-01T00:00:00Z"


def test_a_treemap_fills_its_space_in_proportion() -> None:
    import re

    values = [6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0]  # the paper's own example
    drawn = treemap([Part(str(value), value, "", 0) for value in values])
    boxes = [
        (float(width) + 1) * (float(height) + 1)
        for width, height in re.findall(r'width="([\d.]+)" height="([\d.]+)"', drawn)
    ]
    whole = 1000 * 520
    for value, area in zip(values, boxes, strict=True):
        assert abs(area - whole * value / sum(values)) < whole * 0.002
    assert treemap([Part("nothing", 0.0, "", 0)]) == ""
