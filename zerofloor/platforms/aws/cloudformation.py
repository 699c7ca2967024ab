"""What CloudFormation templates hold beyond the kinds that the services' readers take from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Assumption, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import lookup
from zerofloor.platforms.aws.templates import STACKS, parse, token
from zerofloor.platforms.declared import SETTLE_VALUE
from zerofloor.values import hidden, known_mapping


def read(estate: Estate) -> Iterator[Part]:
    """What of the templates no reader can see: a template elsewhere, or a kind of resource that
    nobody reads and that names a GPU type."""
    for stack in estate.of_type(*STACKS):
        parent = estate.by_urn.get(stack.parent or "")
        if parent is not None and parent.type.startswith("eks:index:"):
            continue  # the component says what it deploys
        body = stack.inputs.get("templateBody")
        template = parse(body)
        unread = {
            name: item
            for name, item in sorted(
                known_mapping(template.get("Resources")).items(), key=lambda pair: str(pair[0])
            )
            if token(item) not in _READ
        }
        parameters = stack.inputs.get("parameters")
        if hidden(body) or (not template and _hides_type(parameters)):
            path = "templateBody" if hidden(body) else "parameters"
            yield Undecided(
                stack.urn,
                path,
                f"{path} is hidden: what it deploys could run GPU instances",
                SETTLE_VALUE,
            )
            continue
        named = _accelerated(unread) or (_accelerated(parameters) if not template else None)
        if named is not None:
            path = "templateBody" if template else "parameters"
            why = f"Its template names {named} in a way that can't be read: it could run for good"
            yield Undecided(
                stack.urn, path, why, "Declare the resource in the program, add a hint, or waive it"
            )
        elif not template:
            what = f"the CloudFormation stack {stack.name} runs no GPU"
            yield Assumption(
                what, "its template can't be read here, and no parameter names a GPU type"
            )


def _hides_type(parameters: Any) -> bool:
    """Whether a parameter that may name an instance type is hidden."""
    named = re.compile(r"type|instance|class|size|shape", re.I)
    return hidden(parameters) or any(
        hidden(value) and named.search(str(key)) for key, value in known_mapping(parameters).items()
    )


def _accelerated(value: Any, depth: int = 0) -> str | None:
    """An accelerated instance type named somewhere in the value."""
    if isinstance(value, str):
        shape = (
            lookup("aws", value)
            if re.fullmatch(r"(?:ml\.)?[a-z]+[0-9][a-z0-9-]*\.[a-z0-9-]+", value)
            else None
        )
        return value if shape is not None and shape.gpus != 0 else None
    if depth > 30 or not isinstance(value, Mapping | list | tuple):
        return None
    inner = [value[key] for key in sorted(value, key=str)] if isinstance(value, Mapping) else value
    return next(
        (found for item in inner if (found := _accelerated(item, depth + 1)) is not None), None
    )


_READ: Final = frozenset(
    {
        "aws-native:autoscaling:AutoScalingGroup",
        "aws-native:autoscaling:LaunchConfiguration",
        "aws-native:autoscaling:ScalingPolicy",
        "aws-native:autoscaling:ScheduledAction",
        "aws-native:autoscaling:WarmPool",
        "aws-native:applicationautoscaling:ScalableTarget",
        "aws-native:applicationautoscaling:ScalingPolicy",
        "aws-native:cloudwatch:Alarm",
        "aws-native:batch:ComputeEnvironment",
        "aws-native:batch:JobDefinition",
        "aws-native:ec2:CapacityReservation",
        "aws-native:ec2:Ec2Fleet",
        "aws-native:ec2:Host",
        "aws-native:ec2:Instance",
        "aws-native:ec2:LaunchTemplate",
        "aws-native:ec2:SpotFleet",
        "aws-native:eks:Nodegroup",
    }
)
"""The kinds that a reader takes from templates too."""

READS: Final = frozenset(STACKS)
