"""Puts idle and orphaned machines to zero: what would be done, a notice first, and how to undo it.

Nothing is deleted: instances are stopped (their disks stay), groups get a minimum and a size of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from zerofloor.live.aws import Client, reason_of
from zerofloor.live.journal import NotDone, Step
from zerofloor.live.plan import Left, Target, notice_of
from zerofloor.live.values import Found, Kind, Size, State, Unit, Use

NOTICE: Final = "zerofloor:reap-after"
"""The tag of the notice; its value is the time from which the unit may be put to zero."""


def judge(client: Client, found: Found, *, owned: bool) -> Target | Left:
    """Whether a unit is put to zero: orphans that are idle, and with `owned` what a stack declares,
    may be at zero and is idle. What is busy, or what no metric knows, is left."""
    unit = found.unit
    why = _refusal(found, owned)
    if why:
        return Left(_name(unit), why)
    return Target(
        would="stop" if unit.kind is Kind.INSTANCE else "scale to 0",
        why=found.why,
        monthly=found.monthly,
        notice=notice_of(unit.tags.get(NOTICE)),
        announce=lambda until: _tell(partial(_tag, client, unit, until)),
        step=_step(client, unit),
    )


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


def _step(client: Client, unit: Unit) -> Step:
    size = None if unit.size is None else [unit.size.least, unit.size.wanted, unit.size.most]
    return Step(
        what=_name(unit),
        record={"kind": unit.kind, "id": unit.id, "region": unit.region, "size": size},
        act=partial(_tell, partial(_zero, client, unit)),
    )


def _name(unit: Unit) -> str:
    return f"{unit.kind} {unit.id} in {unit.region}"


def _tell(act: Callable[[], None]) -> None:
    """Runs a change. Raises NotDone where AWS refuses it or doesn't answer."""
    from botocore.exceptions import ClientError

    try:
        act()
    except Exception as error:
        why = reason_of(error)
        refused = isinstance(error, ClientError) and _status(error) < 500
        raise NotDone(why, certain=refused) from None


def _status(error: Any) -> int:
    """The HTTP status with which AWS refused."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))


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


def restore(client: Client, record: Mapping[str, Any]) -> None:
    """Starts or scales what a record of an undo file has back to what it was.

    Raises NotDone, and KeyError, TypeError or ValueError where it is no such record.
    """
    kind, size = Kind(record["kind"]), record["size"]
    id_, region = str(record["id"]), str(record["region"])
    if size is None:
        ec2 = client("ec2", region)
        _tell(partial(_start, ec2, id_))
    else:
        _tell(partial(_resize, client, kind, id_, region, Size(*map(int, size))))


def _start(ec2: Any, id_: str) -> None:
    ec2.start_instances(InstanceIds=[id_])
