"""What CloudFormation templates hold beyond the kinds that the services' readers take from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Accounted, Assumption, Part, Undecided
from zerofloor.documents.cdk import CHART, MANIFEST, applied
from zerofloor.documents.template_text import (
    Scope,
    Unreadable,
    camel,
    declared_resources,
    parse,
    scope_of,
    token,
    type_name,
)
from zerofloor.estate import Estate
from zerofloor.hardware.instances import lookup
from zerofloor.patterns import lazy
from zerofloor.platforms.aws import (
    alarms,
    autoscaling,
    batch,
    beanstalk,
    bedrock,
    ec2,
    ecs,
    eks,
    emr,
    gamelift_streams,
    rows,
    sagemaker,
)
from zerofloor.platforms.aws.templates import (
    CLOUD_CONTROL,
    SET_INSTANCES,
    STACK_SETS,
    STACKS,
    deploying,
    has_instances,
    is_spread,
)
from zerofloor.platforms.declared import SETTLE_VALUE
from zerofloor.platforms.unread import names_gpu
from zerofloor.stack import Hidden, Resource
from zerofloor.values import at, hidden, items, mapping

_PRODUCTS: Final = (
    "aws:servicecatalog/provisionedProduct:ProvisionedProduct",
    "aws-native:servicecatalog:CloudFormationProvisionedProduct",
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack",
)
"""Stacks whose template a catalogue holds."""
_NESTED: Final = "AWS::CloudFormation::Stack"
_ASKING: Final = re.compile(r"type|instance|class|size|shape", re.I)
"""Parameters that may name an instance type."""
_MACHINE: Final = re.compile(
    r"(?:instance|node|machine|worker|compute).?types?$|gpu|accelerat", re.I
)
"""The same where a template hands on parameters of its own without a default: databases and caches
have classes and sizes, too."""
_SETTLE: Final = "Declare the resource in the program, add a hint, or waive it"


def read(estate: Estate) -> Iterator[Part]:
    """What of the templates no reader can see: a template elsewhere, a macro's result, or a kind of
    resource that no reader reads and that names a GPU type."""
    for stack in deploying(estate):
        parent = estate.by_urn.get(stack.parent or "")
        if parent is None or not parent.type.startswith("eks:index:"):
            # (An EKS component says itself what it deploys.)
            yield from _stack(stack, is_spread(estate, stack))
    for stack_set in estate.of_type(*STACK_SETS):
        if not has_instances(estate, stack_set):
            because = "a stack set without an instance deploys nothing"
            yield Accounted(urn=stack_set.urn, path="", because=because)
    for resource in estate.of_type(CLOUD_CONTROL):
        yield from _cloud_control(resource)
    for resource in estate.of_type(*_PRODUCTS):
        path = "parameters" if "parameters" in resource.inputs else "provisioningParameters"
        given = resource.inputs.get(path)
        yield from _elsewhere(resource, "its product", _as_object(given), resource.name)


def _stack(stack: Resource, spread: bool) -> Iterator[Part]:
    body = stack.inputs.get("templateBody")
    parameters = stack.inputs.get("parameters")
    if isinstance(body, Hidden):
        why = "templateBody isn't known at preview: what it deploys could run GPU instances"
        yield Undecided(stack.urn, "templateBody", why, SETTLE_VALUE)
        return
    template = parse(body)
    if isinstance(template, Unreadable):
        why = f"Its template can't be read ({template.why}): it could run GPU instances"
        yield Undecided(stack.urn, "templateBody", why, "Correct the template, or waive it")
    elif template is None:
        path, _ = _where(stack.inputs, "templateUrl", "templateURL")
        yield from _elsewhere(stack, path, parameters, stack.name)
    else:
        scope = scope_of(template, parameters)
        yield from _template(stack, template, scope, spread)


def _template(
    stack: Resource, template: Mapping[str, Any], scope: Scope, spread: bool
) -> Iterator[Part]:
    """What can't be read of a template. `spread`: its resources of a known kind stand beside it in
    the document, and count by themselves."""
    if spread:
        because = "the resources of the template count by themselves"
        yield Accounted(urn=stack.urn, path="", because=because)
    expanded = _expanded(template)
    if expanded is not None:
        why = f"Its template is expanded by {expanded}, whose result isn't known here"
        yield Undecided(stack.urn, "templateBody", why, _SETTLE)
    unread: dict[str, Any] = {}
    for logical, body in declared_resources(template, scope).items():
        if type_name(body) == _NESTED:
            path = f"templateBody: {logical}.TemplateURL"
            nested = camel(at(body, "Properties", "Parameters"), scope)
            yield from _elsewhere(
                stack,
                path,
                nested,
                logical,
                given_at=f"templateBody: {logical}.Parameters",
                asking=_MACHINE,
            )
        elif type_name(body) in (MANIFEST, CHART):
            yield from _of_cdk(stack, logical, body, scope, spread)
        elif token(body) not in _READ and not (spread and token(body)):
            unread[logical] = body
    named = accelerated(unread) or accelerated(camel(unread, scope)) or _by_others(unread, scope)
    if named is not None:
        why = f"Its template names {named} in a way that isn't read: GPUs could stay on"
        yield Undecided(stack.urn, "templateBody", why, _SETTLE)


def _by_others(unread: Mapping[str, Any], scope: Scope) -> str | None:
    """The GPU that a resource of a third party's kind (`Custom::…`, `AWSQS::…`) names, in a
    manifest that it is given as a text too."""
    for body in unread.values():
        if not type_name(body).startswith("AWS::"):
            properties = camel(at(body, "Properties"), scope)
            inputs = properties if isinstance(properties, Mapping) else {}
            found = next(names_gpu(inputs, ""), None)
            if found is not None and not found.hidden:
                return found.said
    return None


def _of_cdk(
    stack: Resource, logical: str, body: Any, scope: Scope, spread: bool
) -> Iterator[Undecided]:
    """What CDK applies to a cluster, where it isn't in the document by itself."""
    path = f"templateBody: {logical}"
    found = applied(logical, body, scope, "", None)
    if found is None:
        why = "What it applies to a cluster can't be read: it could ask for GPUs"
        yield Undecided(stack.urn, path, why, _SETTLE)
        return
    named = (named for one in found for named in names_gpu(one.inputs, "") if not spread)
    for one in named:
        why = f"What it applies to a cluster names a GPU ({one.said}), and isn't read here"
        yield Undecided(stack.urn, path, why, _SETTLE)
        return


def _elsewhere(
    stack: Resource,
    path: str,
    parameters: Any,
    name: str,
    *,
    given_at: str = "parameters",
    asking: re.Pattern[str] = _ASKING,
) -> Iterator[Part]:
    """A template that is somewhere else: judged by what it is given."""
    if _hides_type(parameters, asking):
        why = "A parameter of a template that isn't here isn't known: it could name a GPU type"
        yield Undecided(stack.urn, given_at, why, SETTLE_VALUE)
        return
    named = accelerated(parameters)
    if named is not None:
        why = f"The stack {name} is given {named}, and its template isn't here: GPUs could stay on"
        yield Undecided(stack.urn, given_at, why, _SETTLE)
        return
    because = f"its template ({path}) can't be read here, and no parameter names a GPU type"
    yield Assumption(f"The CloudFormation stack {name} runs no GPU", because)


def _as_object(parameters: Any) -> Any:
    """Parameters as an object, also where they stand in a list of {key, value}."""
    listed = items(parameters)
    if isinstance(listed, Hidden) or isinstance(parameters, Mapping):
        return parameters
    unread = [item for item in listed if hidden(at(item, "key"))]
    if unread:
        return at(unread[0], "key")  # Hidden: it may name any parameter.
    return {str(at(item, "key")): at(item, "value") for item in listed}


def _cloud_control(resource: Resource) -> Iterator[Part]:
    state, name = resource.inputs.get("desiredState"), resource.inputs.get("typeName")
    kind = token({"Type": name})
    service = kind.split(":")[1] if kind else ""
    if isinstance(name, Hidden) or (isinstance(state, Hidden) and service in _MACHINES):
        why = "What Cloud Control creates isn't known at preview: it could be GPU instances"
        yield Undecided(resource.urn, "desiredState", why, SETTLE_VALUE)
        return
    found = parse(state)
    if isinstance(found, Unreadable):
        why = f"Its desired state can't be read ({found.why}): it could be GPU instances"
        yield Undecided(resource.urn, "desiredState", why, "Correct the text, or waive it")
        return
    named = accelerated(found) if kind not in _READ else None
    if named is not None:
        why = f"{name} isn't read and names {named}: GPUs could stay on"
        yield Undecided(resource.urn, "desiredState", why, _SETTLE)


_KNOWN_TRANSFORMS: Final = (
    "AWS::Serverless",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager",
    "AWS::CodeDeployBlueGreen",
    "AWS::CodeStar",
)
"""Macros whose result has no more machines than what they are given (CloudFormation template
reference, "Transform")."""


def _expanded(template: Mapping[str, Any]) -> str | None:
    """The macro that makes more of the template than stands in it."""
    listed = template.get("Transform")
    for name in listed if isinstance(listed, list) else [listed]:
        if isinstance(name, Mapping):
            return _macro(name)
        if isinstance(name, str) and not name.startswith(_KNOWN_TRANSFORMS):
            return name
    return _included(template.get("Resources"), 0)


def _included(value: Any, depth: int) -> str | None:
    if depth > 30:
        return None
    if isinstance(value, Mapping):
        if "Fn::Transform" in value:
            return _macro(value["Fn::Transform"])
        inner = list(value.values())
    else:
        inner = value if isinstance(value, list) else []
    found = (_included(item, depth + 1) for item in inner)
    return next((name for name in found if name is not None), None)


def _macro(body: Any) -> str:
    name = at(body, "Name")
    return name if isinstance(name, str) else "a macro"


def _where(inputs: Mapping[str, Any], *paths: str) -> tuple[str, Any]:
    return next(((p, inputs[p]) for p in paths if inputs.get(p) is not None), (paths[0], None))


def _hides_type(parameters: Any, asking: re.Pattern[str]) -> bool:
    """Whether a parameter that may name an instance type is hidden."""
    known = mapping(parameters)
    if isinstance(known, Hidden):
        return True
    return any(hidden(value) and asking.search(str(key)) for key, value in known.items())


def accelerated(value: Any, depth: int = 0) -> str | None:
    """An accelerated instance type named somewhere in the value, as a word of a text too."""
    if isinstance(value, str):
        for word in _TYPE.findall(value[:_LONGEST]):
            shape = lookup("aws", word)
            if shape is not None and shape.gpus != 0:
                return str(word)
        return None
    if depth > 30 or not isinstance(value, Mapping | list | tuple):
        return None
    inner = [value[key] for key in sorted(value, key=str)] if isinstance(value, Mapping) else value
    return next(
        (found for item in inner if (found := accelerated(item, depth + 1)) is not None), None
    )


_TYPE: Final = lazy(
    r"(?<![\w.-])(?:ml\.)?[a-z]{1,3}\d[a-z0-9-]{0,12}\.(?:\d{0,3}xlarge|metal(?:-\w+)?|large|medium)"
    r"(?![\w-])"
)
_LONGEST: Final = 100_000

_MACHINES: Final = frozenset(
    {
        "appstream",
        "autoscaling",
        "batch",
        "bedrock",
        "cloud9",
        "codebuild",
        "deadline",
        "ec2",
        "ecs",
        "eks",
        "elasticbeanstalk",
        "emr",
        "finspace",
        "gamelift",
        "gameliftstreams",
        "imagebuilder",
        "lightsail",
        "m2",
        "pcs",
        "sagemaker",
        "workspaces",
    }
)
"""Services whose resources may be machines."""

_READ: Final = frozenset(
    token
    for service in (
        alarms,
        autoscaling,
        batch,
        beanstalk,
        bedrock,
        ec2,
        ecs,
        eks,
        emr,
        gamelift_streams,
        rows,
        sagemaker,
    )
    for token in service.READS
)
"""The kinds that a reader takes from templates too."""

READS: Final = frozenset({*STACKS, *STACK_SETS, *SET_INSTANCES, *_PRODUCTS, CLOUD_CONTROL})
