"""ARM templates as data: the resources in a deployment, with properties as `azure-native` names
them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from zerofloor.platforms.azure.tokens import of_arm
from zerofloor.stack import UNKNOWN, Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import at, count, hidden, known_items, known_mapping, known_text

DEPLOYMENTS: Final = frozenset(
    f"azure-native:resources:{scope}"
    for scope in (
        "Deployment",
        "DeploymentAtManagementGroupScope",
        "DeploymentAtScope",
        "DeploymentAtSubscriptionScope",
        "DeploymentAtTenantScope",
    )
)
CLASSIC: Final = frozenset(
    {
        "azure:core/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment",
        "azure:core/subscriptionTemplateDeployment:SubscriptionTemplateDeployment",
        "azure:core/templateDeployment:TemplateDeployment",
        "azure:core/tenantTemplateDeployment:TenantTemplateDeployment",
        "azure:management/groupTemplateDeployment:GroupTemplateDeployment",
    }
)
_NAMES: Final = {
    "azure-native:containerservice:ManagedCluster": "resourceName",
    "azure-native:containerservice:AgentPool": "agentPoolName",
    "azure-native:compute:VirtualMachine": "vmName",
    "azure-native:compute:VirtualMachineScaleSet": "vmScaleSetName",
    "azure-native:app:ManagedEnvironment": "environmentName",
    "azure-native:machinelearningservices:OnlineDeployment": "deploymentName",
    "azure-native:compute:CapacityReservationGroup": "capacityReservationGroupName",
}
"""The input by which `azure-native` names what ARM just calls `name`."""
_PARENTS: Final = {
    "azure-native:containerservice:AgentPool": "resourceName",
    "azure-native:compute:CapacityReservation": "capacityReservationGroupName",
}
_WRAPPED: Final = frozenset(
    {
        "azure-native:cognitiveservices:Deployment",
        "azure-native:machinelearningservices:Compute",
        "azure-native:machinelearningservices:OnlineDeployment",
        "azure-native:standbypool:StandbyVirtualMachinePool",
    }
)
"""Types whose ARM `properties` stay an object of that name in `azure-native`; those of the others
are its top-level inputs."""


class Inside(Value, frozen=True):
    """One resource in a template."""

    kind: str
    """Its ARM type."""
    logical: str
    """Its logical type; empty where no reader knows it."""
    name: str
    inputs: Mapping[str, Any]
    """As `azure-native` has them; for a type that no reader knows, the resource's own body."""
    open: str = ""
    """Why it can't be told whether it is there, or how often; empty where it is there once."""
    unreadable: bool = False
    """True where nothing tells what it is."""


def resources(deployment: Resource) -> Iterator[Inside]:
    """The resources in one deployment's template, nested deployments included."""
    yield from _inside(template_of(deployment), parameters_of(deployment), depth=0)


def template_of(deployment: Resource) -> Mapping[str, Any]:
    """The template as a mapping; empty where there is none, or it is hidden or unreadable."""
    for path in (("properties", "template"), ("templateContent",), ("templateBody",)):
        body = at(deployment.inputs, *path)
        if body is not None:
            return parse(body)
    return {}


def parse(body: Any) -> Mapping[str, Any]:
    """A template given as an object or as JSON text."""
    if isinstance(body, Mapping):
        return body
    return _parsed(body) if isinstance(body, str) else {}


@lru_cache(maxsize=256)
def _parsed(body: str) -> Mapping[str, Any]:
    try:
        return known_mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def parameters_of(deployment: Resource) -> Mapping[str, Any]:
    """The parameter values that are given, by name; Hidden values stay hidden."""
    for path in (("properties", "parameters"), ("parametersContent",), ("parameters",)):
        body = at(deployment.inputs, *path)
        if isinstance(body, Hidden):
            return {_ALL_HIDDEN: body}
        if body is not None:
            return {
                str(name): at(value, "value") if isinstance(value, Mapping) else value
                for name, value in parse(body).items()
            }
    return {}


_ALL_HIDDEN: Final = "\0"


def _inside(template: Mapping[str, Any], given: Mapping[str, Any], depth: int) -> Iterator[Inside]:
    scope = _Scope(template, given)
    # A hidden list has no readable resource: the deployment's reader says that it is undecided.
    listed = template.get("resources")
    bodies = list(listed.values()) if isinstance(listed, Mapping) else known_items(listed)
    for body in bodies:
        yield from _resource(scope, body, above="", parent="", depth=depth)


def _resource(scope: _Scope, body: Any, *, above: str, parent: str, depth: int) -> Iterator[Inside]:
    if isinstance(body, Hidden) or hidden(at(body, "type")):
        yield _unreadable("a resource")
        return
    condition = scope.value(at(body, "condition"))
    if not isinstance(body, Mapping) or depth > 5 or condition is False:
        return
    if body.get("existing") is True:
        return  # Only referred to (Bicep's `existing`, language version 2.0).
    kind = known_text(body.get("type")) or ""
    if above and not kind.lower().startswith("microsoft."):
        kind = f"{above}/{kind}"
    if kind.lower() == "microsoft.resources/deployments":
        yield from _nested(scope, body, depth)
    else:
        yield from _declared(scope, body, kind, condition, parent=parent, depth=depth)


def _declared(
    scope: _Scope, body: Mapping[str, Any], kind: str, condition: Any, *, parent: str, depth: int
) -> Iterator[Inside]:
    """A resource, as often as its loop says, and what is declared in it."""
    name = scope.value(body.get("name"))
    path = name.split("/") if isinstance(name, str) else []
    logical = of_arm(kind)
    times, why = _times(scope, body)
    if condition not in (None, True):
        why = "its condition can't be worked out"
    inputs = _inputs(scope, logical, body, path, parent) if logical else body
    shown = path[-1] if path else kind.rsplit("/", 1)[-1]
    if hidden(body.get("properties")) and logical not in _WRAPPED:
        yield _unreadable(shown, kind)
        return
    for index in range(1 if why else times):
        number = f"[{index}]" if times > 1 else ""
        yield Inside(kind, logical, f"{shown}{number}", inputs, why)
    if hidden(body.get("resources")):
        yield _unreadable(shown)
    for child in known_items(body.get("resources")):
        yield from _resource(
            scope, child, above=kind, parent=path[-1] if path else "", depth=depth + 1
        )


def _unreadable(name: str, kind: str = "") -> Inside:
    why = "what it is isn't known at preview"
    return Inside(kind, "", name, {}, why, unreadable=True)


def _nested(scope: _Scope, body: Mapping[str, Any], depth: int) -> Iterator[Inside]:
    # The inner template is evaluated in its own scope or in this one: either way its own
    # parameters have its own names, and what only this one knows is worked out first.
    passed = known_mapping(scope.value(at(body, "properties", "parameters")))
    given = {str(name): at(value, "value") for name, value in passed.items()}
    template = at(body, "properties", "template")
    if template is None:
        kind = "Microsoft.Resources/deployments"
        yield Inside(kind, "", "nested", body, "its template is elsewhere")
        return
    if hidden(scope.value(template)):
        yield _unreadable("a nested deployment")
        return
    inner = parse(template)
    if at(body, "properties", "expressionEvaluationOptions", "scope") != "inner":
        inner = known_mapping(scope.value(inner))
    yield from _inside(inner, given, depth + 1)


_MOST: Final = 100


def _times(scope: _Scope, body: Mapping[str, Any]) -> tuple[int, str]:
    """How often a copy loop makes the resource, and why that can't be told."""
    if "copy" not in body:
        return 1, ""
    number = count(scope.value(at(body, "copy", "count")))
    if isinstance(number, int) and number <= _MOST:
        return number, ""
    return 1, "the count of its copy loop can't be worked out"


def _inputs(
    scope: _Scope, logical: str, body: Mapping[str, Any], path: list[str], parent: str
) -> Mapping[str, Any]:
    read = known_mapping(scope.value({k: v for k, v in body.items() if k not in _META}))
    inner = read.get("properties")
    top = {key: value for key, value in read.items() if key != "properties"}
    if isinstance(inner, Hidden) or logical in _WRAPPED:
        inputs = {**top, "properties": inner}
    else:
        inputs = {**known_mapping(inner), **top}
    if path:
        inputs[_NAMES.get(logical, "name")] = path[-1]
        holder = path[-2] if len(path) > 1 else parent
        if logical in _PARENTS and holder:
            inputs[_PARENTS[logical]] = holder
    return inputs


_META: Final = frozenset(
    {"apiVersion", "comments", "condition", "copy", "dependsOn"}
    | {"name", "resources", "tags", "type"}
)


class _Scope:
    """Parameters and variables of one template."""

    def __init__(self, template: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        self._declared = known_mapping(template.get("parameters"))
        self._given = given
        self._variables = known_mapping(template.get("variables"))
        self._depth = 0

    def value(self, value: Any) -> Any:
        """The value with its expressions worked out; UNKNOWN where one can't be."""
        if isinstance(value, str):
            if value.startswith("[[") or not (value.startswith("[") and value.endswith("]")):
                return value
            return self._expression(value[1:-1].strip())
        if isinstance(value, Mapping):
            return {str(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        return value

    def _expression(self, text: str) -> Any:
        self._depth += 1
        try:
            return UNKNOWN if self._depth > 20 else self._called(text)
        finally:
            self._depth -= 1

    def _called(self, text: str) -> Any:
        if re.fullmatch(r"'(?:[^']|'')*'", text):
            return text[1:-1].replace("''", "'")
        if re.fullmatch(r"-?\d{1,9}", text):
            return int(text)
        match = re.fullmatch(r"(\w+)\((.*)\)", text, re.DOTALL)
        arguments = None if match is None else _arguments(match[2])
        if match is None or arguments is None:
            return UNKNOWN
        function = match[1].lower()
        values = [self._expression(argument) for argument in arguments]
        if function in ("parameters", "variables") and len(values) == 1:
            return self._named(function, values[0])
        if function in ("true", "false") and not values:
            return function == "true"
        return _computed(function, values)

    def _named(self, function: str, name: Any) -> Any:
        if not isinstance(name, str):
            return UNKNOWN
        if function == "variables":
            return self.value(self._variables.get(name, UNKNOWN))
        if name in self._given:
            return self._given[name]
        if _ALL_HIDDEN in self._given:
            return UNKNOWN
        body = known_mapping(self._declared.get(name))
        return self.value(body.get("defaultValue", UNKNOWN))


def _computed(function: str, values: list[Any]) -> Any:
    """What a function of ARM's makes of its arguments; UNKNOWN of what isn't known or not read."""
    if not values or not all(isinstance(value, str | int) for value in values):
        return UNKNOWN
    match function:
        case "resourceid" | "extensionresourceid":
            return "/".join(str(value) for value in values)
        case "concat":
            return "".join(str(value) for value in values)
        case "tolower" if len(values) == 1:
            return values[0].lower()
        case "string" | "int" if len(values) == 1:
            return values[0]
        case "format":
            return _formatted(str(values[0]), values[1:])
        case _:
            return UNKNOWN


def _formatted(text: str, values: list[Any]) -> Any:
    for index, value in enumerate(values):
        text = text.replace(f"{{{index}}}", str(value))
    return text


def _arguments(text: str) -> list[str] | None:
    """The arguments of a call, split at the commas outside quotes and brackets."""
    found: list[str] = []
    depth, quoted, start = 0, False, 0
    for index, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
            if depth < 0:
                return None
        elif character == "," and not depth:
            found.append(text[start:index].strip())
            start = index + 1
    rest = text[start:].strip()
    if quoted or depth:
        return None
    return [*found, rest] if rest or found else []
