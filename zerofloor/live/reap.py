"""Puts idle and orphaned machines to zero: what would be done, a notice first, and how to undo it.

Nothing is deleted: instances are stopped (their disks stay), groups get a minimum and a size of 0.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from zerofloor.live.aws import Client, reason_of
from zerofloor.live.values import Fault, Found, Kind, Size, State, Unit, Use
from zerofloor.structs import Value

NOTICE: Final = "zerofloor:reap-after"
"""The tag of the notice; its value is the time from which the unit may be put to zero."""

Act = Literal["stop", "scale to 0"]


class Target(Value, frozen=True):
    """A unit that would be put to zero."""

    found: Found
    act: Act
    notice: datetime.datetime | None
    """From when its notice allows it; None where it has none yet."""


class Refused(Value, frozen=True):
    """A unit that is left, and why."""

    found: Found
    why: str


class Plan(Value, frozen=True):
    """What would be done."""

    targets: tuple[Target, ...]
    refused: tuple[Refused, ...]


class Undo(Value, frozen=True):
    """What a unit was before."""

    kind: Kind
    id: str
    region: str
    size: Size | None


class Done(Value, frozen=True):
    """What was done."""

    undo: tuple[Undo, ...]
    faults: tuple[Fault, ...]


def make_plan(found: Iterable[Found], *, owned: bool) -> Plan:
    """What to put to zero: orphans that are idle, and with `owned` what a stack declares, may be at
    zero and is idle. What is busy, or what no metric knows, is left."""
    targets: list[Target] = []
    refused: list[Refused] = []
    for one in found:
        why = _refusal(one, owned)
        if why:
            refused.append(Refused(one, why))
            continue
        act: Act = "stop" if one.unit.kind is Kind.INSTANCE else "scale to 0"
        targets.append(Target(one, act, _notice_of(one.unit)))
    return Plan(tuple(targets), tuple(refused))


def _refusal(found: Found, owned: bool) -> str:
    """Why a unit is left; empty where it is not."""
    if found.unit.kind is Kind.ENDPOINT:
        return "an endpoint can only be deleted, which this never does"
    if found.unit.kind is Kind.INSTANCE and found.unit.spot:
        return "a one-time spot instance can only be terminated, which this never does"
    if found.state is State.MANAGED:
        return "a cluster's autoscaler made it and would make another"
    if found.use is not Use.IDLE:
        return f"it isn't shown to be idle: {found.why}"
    if found.state is State.ORPHANED:
        return ""
    if not owned:
        return f"{found.stack} declares it: change the program, or add --owned"
    if found.state is State.HELD:
        return f"{found.stack} keeps it, and would start it again: change the program"
    return ""


def _notice_of(unit: Unit) -> datetime.datetime | None:
    try:
        told = datetime.datetime.fromisoformat(unit.tags.get(NOTICE, ""))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=datetime.UTC)


def give_notice(client: Client, plan: Plan, until: datetime.datetime) -> Done:
    """Tags every target that has no notice yet."""
    fresh = [target.found.unit for target in plan.targets if target.notice is None]
    return _each(fresh, lambda unit: _tag(client, unit, until.isoformat(timespec="seconds")))


def _tag(client: Client, unit: Unit, value: str) -> None:
    match unit.kind:
        case Kind.INSTANCE:
            tags = [{"Key": NOTICE, "Value": value}]
            client("ec2", unit.region).create_tags(Resources=[unit.id], Tags=tags)
        case Kind.GROUP:
            tag = {
                "ResourceId": unit.id,
                "ResourceType": "auto-scaling-group",
                "Key": NOTICE,
                "Value": value,
                "PropagateAtLaunch": False,
            }
            client("autoscaling", unit.region).create_or_update_tags(Tags=[tag])
        case Kind.NODE_GROUP:
            eks = client("eks", unit.region)
            cluster, name = unit.id.split("/")
            described = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)
            arn = described["nodegroup"]["nodegroupArn"]
            eks.tag_resource(resourceArn=arn, tags={NOTICE: value})
        case Kind.ENDPOINT:
            raise AssertionError("an endpoint is never a target")


def put_to_zero(client: Client, targets: Iterable[Target]) -> Done:
    """Stops or scales each target; one that fails leaves the others to be done."""
    return _each([target.found.unit for target in targets], lambda unit: _zero(client, unit))


def _zero(client: Client, unit: Unit) -> None:
    if unit.kind is Kind.INSTANCE:
        client("ec2", unit.region).stop_instances(InstanceIds=[unit.id])
        return
    assert unit.size is not None
    _resize(client, unit.kind, unit.id, unit.region, Size(0, 0, unit.size.most))


def _resize(client: Client, kind: Kind, id_: str, region: str, size: Size) -> None:
    if kind is Kind.GROUP:
        client("autoscaling", region).update_auto_scaling_group(
            AutoScalingGroupName=id_, MinSize=size.least, DesiredCapacity=size.wanted
        )
        return
    cluster, name = id_.split("/")
    client("eks", region).update_nodegroup_config(
        clusterName=cluster,
        nodegroupName=name,
        scalingConfig={
            "minSize": size.least,
            "desiredSize": size.wanted,
            "maxSize": size.most,
        },
    )


def restore(client: Client, undo: Iterable[Undo]) -> tuple[Fault, ...]:
    """Starts and scales everything back to what it was."""
    faults = []
    for one in undo:
        try:
            if one.size is None:
                client("ec2", one.region).start_instances(InstanceIds=[one.id])
            else:
                _resize(client, one.kind, one.id, one.region, one.size)
        except Exception as error:
            faults.append(Fault(f"{one.kind} {one.id} in {one.region}", reason_of(error)))
    return tuple(faults)


def _each(units: Iterable[Unit], act: Callable[[Unit], None]) -> Done:
    undo, faults = [], []
    for unit in units:
        try:
            act(unit)
        except Exception as error:
            faults.append(Fault(f"{unit.kind} {unit.id} in {unit.region}", reason_of(error)))
            continue
        undo.append(Undo(unit.kind, unit.id, unit.region, unit.size))
    return Done(tuple(undo), tuple(faults))


def undo_from(document: Mapping[str, Any]) -> tuple[Undo, ...]:
    """What an undo file has. Raises KeyError, TypeError or ValueError where it is none."""
    return tuple(
        Undo(
            Kind(one["kind"]),
            str(one["id"]),
            str(one["region"]),
            None if one["size"] is None else Size(*map(int, one["size"])),
        )
        for one in document["undo"]
    )
