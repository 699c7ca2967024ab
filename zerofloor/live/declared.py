"""Each running unit beside the resource that declares it, by the names that the state has of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from zerofloor.live.values import Found, Kind, Size, State, Unit, Use
from zerofloor.stack import Resource, Stack
from zerofloor.structs import Value
from zerofloor.values import at, count

_TOKENS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.INSTANCE: ("aws:ec2/instance:Instance", "aws:ec2/spotInstanceRequest:SpotInstanceRequest"),
    Kind.GROUP: ("aws:autoscaling/group:Group",),
    Kind.NODE_GROUP: ("aws:eks/nodeGroup:NodeGroup",),
    Kind.ENDPOINT: ("aws:sagemaker/endpoint:Endpoint",),
}
_SIZES: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.GROUP: ("minSize", "maxSize"),
    Kind.NODE_GROUP: ("scalingConfig.minSize", "scalingConfig.maxSize"),
}


class Declaration(Value, frozen=True):
    """The resource that declares a unit."""

    stack: str
    resource: Resource


def index(stacks: Iterable[Stack]) -> dict[tuple[Kind, str], Declaration]:
    """The declarations by kind and by the name that AWS has."""
    found: dict[tuple[Kind, str], Declaration] = {}
    for stack in stacks:
        name = f"{stack.project}/{stack.name}"
        for resource in stack.resources:
            for kind, tokens in _TOKENS.items():
                if resource.type in tokens:
                    for called in _names(kind, resource):
                        found[kind, called] = Declaration(name, resource)
    return found


def _names(kind: Kind, resource: Resource) -> list[str]:
    told = {**resource.inputs, **(resource.outputs or {})}
    match kind:
        case Kind.INSTANCE:
            names = [told.get("id"), told.get("spotInstanceId")]
        case Kind.NODE_GROUP:
            cluster, name = told.get("clusterName"), told.get("nodeGroupName")
            names = [f"{cluster}/{name}", str(told.get("id", "")).replace(":", "/")]
        case Kind.GROUP | Kind.ENDPOINT:
            names = [told.get("name"), told.get("id")]
    return [str(name) for name in names if isinstance(name, str) and name]


def compare(unit: Unit, declaration: Declaration | None, use: Use, why: str) -> Found:
    """What a unit is beside its declaration."""
    if declaration is None:
        if unit.cluster:
            told = f"{unit.cluster} made it, so the cluster's workloads decide"
            return Found(unit=unit, state=State.MANAGED, use=use, why=told)
        told = f"no stack that was given declares it; {why}"
        return Found(unit=unit, state=State.ORPHANED, use=use, why=told)
    state, told = _state(unit, declaration.resource, use)
    return Found(
        unit=unit,
        state=state,
        use=use,
        why=told or why,
        stack=declaration.stack,
        urn=declaration.resource.urn,
    )


def _state(unit: Unit, resource: Resource, use: Use) -> tuple[State, str]:
    if unit.kind in (Kind.INSTANCE, Kind.ENDPOINT):
        return State.HELD, "it runs for as long as it is declared"
    declared = _declared_size(unit.kind, resource)
    if declared is None or unit.size is None:
        return State.RUNNING, ""
    least, most = declared
    if unit.size.least > least or unit.size.most > most:
        told = f"it has {_bounds(unit.size)} and is declared with {least} to {most}"
        return State.DRIFTED, told
    if least > 0:
        return State.HELD, f"its minimum is {least}"
    return (State.IDLE, "") if use is Use.IDLE else (State.RUNNING, "")


def _bounds(size: Size) -> str:
    return f"{size.least} to {size.most} machines"


def _declared_size(kind: Kind, resource: Resource) -> tuple[int, int] | None:
    least, most = (_count(resource.inputs, path) for path in _SIZES[kind])
    return None if least is None or most is None else (least, most)


def _count(inputs: Mapping[str, Any], path: str) -> int | None:
    found = count(at(inputs, *path.split(".")))
    return found if isinstance(found, int) else None
