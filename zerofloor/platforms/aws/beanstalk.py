"""Elastic Beanstalk: an environment is an Auto Scaling group whose type and sizes stand in a list
of options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from zerofloor.capacity import Cause, Hold, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.aws.read import CLOUD, declared, machines
from zerofloor.platforms.declared import Declared, link_of, size
from zerofloor.stack import Hidden
from zerofloor.values import at, hidden, items, known_items

_ENVIRONMENTS: Final = (
    "aws-native:elasticbeanstalk:Environment",
    "aws:elasticbeanstalk/environment:Environment",
)
_TEMPLATES: Final = (
    "aws:elasticbeanstalk/configurationTemplate:ConfigurationTemplate",
    "aws-native:elasticbeanstalk:ConfigurationTemplate",
)
READS: Final = frozenset({*_ENVIRONMENTS, *_TEMPLATES})
_LISTS: Final = ("settings", "optionSettings")
_TYPES: Final = (
    ("aws:ec2:instances", "InstanceTypes"),
    ("aws:autoscaling:launchconfiguration", "InstanceType"),
)
_MINIMUM: Final = ("aws:autoscaling:asg", "MinSize")
_KIND: Final = ("aws:elasticbeanstalk:environment", "EnvironmentType")


def read(estate: Estate) -> Iterator[Part]:
    """Every environment. Its minimum is 1 where omitted, and a single-instance one has one (Elastic
    Beanstalk guide, "General options")."""
    for source in declared(estate, *_ENVIRONMENTS):
        for prop in _unread(source):
            yield source.open(prop, "An option isn't known at preview: it could name a GPU type")
        if source.inputs.get("templateName") is not None and all(
            _option(source, *name) is None for name in _TYPES
        ):
            yield from _by_template(estate, source)
        yield from _environment(estate, source)


def _by_template(estate: Estate, source: Declared) -> Iterator[Part]:
    """An environment whose type stands in a configuration template: undecided where that names a
    GPU type or can't be read."""
    link = link_of(
        estate,
        source,
        "templateName",
        *_TEMPLATES,
        value=source.inputs.get("templateName"),
        names=("name", "templateName"),
    )
    if not link.found:
        why = "Its configuration template isn't known here: it could name a GPU type"
        yield source.open("templateName", why)
    for resource in link.found:
        template = Declared(resource, resource.inputs, resource.name)
        options = [option for name in _TYPES if (option := _option(template, *name)) is not None]
        named = [o for o in options if not machines(estate, template, *o).plain]
        if named or next(_unread(template), None) is not None:
            what = "names a GPU type" if named else "has options that aren't known at preview"
            why = f"Its configuration template {template.name} {what}: GPUs could stay on"
            yield source.open("templateName", why)


def _unread(source: Declared) -> Iterator[str]:
    """The lists with an option that may be of any name."""
    for prop in _LISTS:
        options = items(source.inputs.get(prop))
        if isinstance(options, Hidden) or any(
            hidden(item) or hidden(_name(item)) or hidden(at(item, "namespace")) for item in options
        ):
            yield prop


def _environment(estate: Estate, source: Declared) -> Iterator[Part]:
    typed = next(
        (option for name in _TYPES if (option := _option(source, *name)) is not None), None
    )
    if typed is None:
        return  # the service chooses a t3
    path, value = typed
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    found = machines(estate, source, path, names)
    if found.plain:
        return
    single = _option(source, *_KIND)
    minimum_at = _option(source, *_MINIMUM)
    minimum = size(
        source, [minimum_at[0] if minimum_at else path + "/MinSize"], 1, "omitted: one instance"
    )
    known = None if isinstance(minimum, Undecided) else minimum.known
    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    if single is not None and single[1] == "SingleInstance":
        known = 1
        step = source.evidence(single[0], "a single-instance environment runs one instance")
        holds = (
            Hold(
                cause=Cause.INSTANCE,
                urn=source.urn,
                units=1,
                evidence=(*found.evidence, step),
                fix="Terminate the environment when it is not used",
            ),
        )
    elif isinstance(minimum, Undecided):
        undecided = (minimum,)
    elif minimum.is_hidden:
        undecided = (minimum.open(),)
    elif known:
        step = minimum.evidence("the environment never goes below it")
        fix = "Use a type without a GPU, or terminate the environment when it is not used"
        holds = (
            Hold(
                cause=Cause.POOL_MINIMUM,
                urn=source.urn,
                units=known,
                evidence=(*found.evidence, step),
                fix=fix,
            ),
        )
    yield Pool(
        urn=source.urn,
        name=source.name,
        platform="Elastic Beanstalk environment",
        cloud=CLOUD,
        shapes=found.shapes,
        holds=holds,
        desired=known if found.shapes else None,
        region=estate.region(source.resource, CLOUD),
        part=source.part(),
        undecided=(*undecided, *(found.undecided if holds or undecided else ())),
        assumptions=found.assumptions,
        evidence=found.evidence,
    )


def _option(source: Declared, namespace: str, name: str) -> tuple[str, Any] | None:
    """The path and value of an option, which stands in a list of {namespace, name or optionName,
    value}."""
    for prop in _LISTS:
        # A hidden list or element is told by `_unread`.
        for index, item in enumerate(known_items(source.inputs.get(prop))):
            if at(item, "namespace") == namespace and _name(item) == name:
                return f"{prop}[{index}].value", at(item, "value")
    return None


def _name(item: Any) -> Any:
    return at(item, "name") if at(item, "name") is not None else at(item, "optionName")
