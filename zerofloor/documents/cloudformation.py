"""An AWS CloudFormation template, JSON or YAML: the stack that deploys it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.documents.cdk import CHART, MANIFEST, applied
from zerofloor.documents.manifests import file_in_urn
from zerofloor.documents.refusal import refusal, undecodable
from zerofloor.documents.template_text import (
    Reference,
    Scope,
    camel,
    declared_resources,
    named_in,
    parse,
    scope_of,
    token,
    type_name,
)
from zerofloor.stack import UNKNOWN, Resource, Stack
from zerofloor.values import at

TOKEN: Final = "aws:cloudformation/stack:Stack"

_VERSION: Final = re.compile(rb"(?m)^[\"']?AWSTemplateFormatVersion[\"']?\s*:")
_RESOURCES: Final = re.compile(rb"(?m)^[\"']?Resources[\"']?\s*:")
_TYPE: Final = re.compile(rb"\bType[\"']?\s*:\s*[\"']?AWS::")


def is_template(data: bytes) -> bool:
    """Whether text that is no JSON is a template; its version may be left out."""
    return bool(_VERSION.search(data) or (_RESOURCES.search(data) and _TYPE.search(data)))


_NESTED: Final = "AWS::CloudFormation::Stack"


def read_template(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """The stack that deploys the template, and its resources, whose types and properties are those
    of `aws-native`; parameters have their defaults.

    Raises InputError where it is no template, and for a baseline, which a template does not need.
    """
    if baseline is not None:
        raise refusal(name, "a template is whole: it takes no --baseline")
    if b"Resources" not in data:
        raise refusal(name, "no CloudFormation template: it has no Resources")
    try:
        body = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise undecodable(name, data, error) from None
    urn = f"urn:pulumi:cloudformation::{file_in_urn(name)}::"
    stack = Resource(
        urn=f"{urn}{TOKEN}::template", type=TOKEN, name="template", inputs={"templateBody": body}
    )
    template = parse(body)
    inside = _resources(name, urn, body, template) if isinstance(template, Mapping) else ()
    return Stack(
        kind="cloudformation",
        resources=tuple(sorted((stack, *inside), key=lambda one: one.urn)),
        document=name,
        notes=("Parameters of the template have their defaults",),
    )


def _resources(name: str, urn: str, body: str, template: Mapping[str, Any]) -> Iterator[Resource]:
    """The template's resources of AWS. A nested stack is none: the stack says what it is given."""
    scope = scope_of(template)
    known = {
        logical: one
        for logical, one in declared_resources(template, scope).items()
        if token(one) and type_name(one) != _NESTED
    }
    urns = {logical: f"{urn}{token(one)}::{logical}" for logical, one in known.items()}
    lines = _lines(body, frozenset(map(str, declared_resources(template, scope))))
    custom = (MANIFEST, CHART)
    for logical, one in declared_resources(template, scope).items():
        if type_name(one) in custom:
            line = lines.get(logical)
            position = None if line is None else f"{name}:{line}"
            yield from applied(logical, one, scope, urn, position) or ()
    for logical, one in known.items():
        given = at(one, "Properties")
        properties = _known(camel(given, scope))
        line = lines.get(logical)
        yield Resource(
            urn=urns[logical],
            type=token(one),
            name=logical,
            inputs=properties if isinstance(properties, Mapping) else {},
            property_dependencies=_dependencies(given, scope, urns),
            source_position=None if line is None else f"{name}:{line}",
        )


def _known(value: Any) -> Any:
    """A value in which what another resource will say is not known yet, as in a preview."""
    if isinstance(value, Reference):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(inner) for key, inner in value.items()}
    return [_known(inner) for inner in value] if isinstance(value, list) else value


def _dependencies(
    given: Any, scope: Scope, urns: Mapping[str, str]
) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, value in given.items() if isinstance(given, Mapping) else ():
        named = [urns[logical] for logical in named_in(value, scope) if logical in urns]
        if named:
            (own,) = camel({key: None}, scope)
            found[own] = tuple(dict.fromkeys(named))
    return found


def _lines(body: str, logical: frozenset[str]) -> Mapping[str, int]:
    """Where each logical ID stands, by line; none for those that stand in several places."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(body.splitlines(), 1):
        match = _KEY.match(line)
        if match is not None and match[1] in logical:
            found[match[1]].append(number)
    return {name: numbers[0] for name, numbers in found.items() if len(numbers) == 1}


_KEY: Final = re.compile(r"\s*[\"']?(\w+)[\"']?\s*:")
