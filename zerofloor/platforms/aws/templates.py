"""CloudFormation templates as data: the resources in them, with properties as `aws-native` would
name them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.documents.template_text import (
    Scope,
    camel,
    declared_resources,
    parse,
    scope_of,
    token,
    type_name,
)
from zerofloor.estate import Estate
from zerofloor.stack import Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import at, items

STACKS: Final = ("aws:cloudformation/stack:Stack", "aws-native:cloudformation:Stack")
STACK_SETS: Final = ("aws:cloudformation/stackSet:StackSet", "aws-native:cloudformation:StackSet")
SET_INSTANCES: Final = (
    "aws:cloudformation/stackSetInstance:StackSetInstance",
    "aws:cloudformation/stackInstances:StackInstances",
)
CLOUD_CONTROL: Final = "aws:cloudcontrol/resource:Resource"


class Inner(Value, frozen=True):
    """A resource that another one's text declares."""

    holder: Resource
    prop: str
    """The property of the holder whose text it is: `templateBody`, `desiredState`."""
    logical: str
    token: str
    """Its type as `aws-native` would name it; empty where it has none."""
    properties: Mapping[str, Any]
    type_name: str
    """Its type as it stands there: `AWS::EC2::Instance`."""


def inner_resources(estate: Estate, tokens: set[str]) -> tuple[Inner, ...]:
    """The resources of these `aws-native` types in every text of the estate that can be read."""
    known = estate.once("inner resources", lambda: _by_token(estate))
    return tuple(inner for token in sorted(tokens & known.keys()) for inner in known[token])


def _by_token(estate: Estate) -> Mapping[str, tuple[Inner, ...]]:
    found: dict[str, list[Inner]] = defaultdict(list)
    for inner in _inner(estate):
        found[inner.token].append(inner)
    return {token: tuple(inners) for token, inners in found.items()}


def deploying(estate: Estate) -> Iterator[Resource]:
    """The stacks, and the stack sets that have an instance."""
    yield from estate.of_type(*STACKS)
    for stack_set in estate.of_type(*STACK_SETS):
        if has_instances(estate, stack_set):
            yield stack_set


def is_spread(estate: Estate, stack: Resource) -> bool:
    """Whether the document is the template: its resources then stand beside this stack."""
    document = estate.stack_of.get(stack.urn)
    return document is not None and document.kind == "cloudformation"


def has_instances(estate: Estate, stack_set: Resource) -> bool:
    """Whether a stack set deploys its template anywhere: by its own groups, or by instances that
    name it (or may, where the name isn't known)."""
    own = items(stack_set.inputs.get("stackInstancesGroup"))
    if isinstance(own, Hidden) or own:
        return True
    for instance in estate.of_type(*SET_INSTANCES):
        link = estate.link(
            instance,
            "stackSetName",
            *STACK_SETS,
            value=instance.inputs.get("stackSetName"),
            names=("name", "stackSetName"),
        )
        if stack_set in link.found:
            return True
    return False


def _inner(estate: Estate) -> Iterator[Inner]:
    for stack in deploying(estate):
        template = parse(stack.inputs.get("templateBody"))
        if not isinstance(template, Mapping) or is_spread(estate, stack):
            continue
        scope = scope_of(template, stack.inputs.get("parameters"))
        for logical, body in sorted(declared_resources(template, scope).items()):
            properties = camel(at(body, "Properties"), scope)
            yield Inner(
                holder=stack,
                prop="templateBody",
                logical=logical,
                token=token(body),
                properties=properties if isinstance(properties, Mapping) else {},
                type_name=type_name(body),
            )
    for resource in estate.of_type(CLOUD_CONTROL):
        state = parse(resource.inputs.get("desiredState"))
        name = resource.inputs.get("typeName")
        properties = camel(state, Scope()) if isinstance(state, Mapping) else {}
        shown = name if isinstance(name, str) else ""
        yield Inner(
            holder=resource,
            prop="desiredState",
            logical=shown.rsplit("::", 1)[-1],
            token=token({"Type": shown}),
            properties=properties if isinstance(properties, Mapping) else {},
            type_name=shown,
        )
