"""What an instance may be: launch templates and configurations, overrides with weights,
attribute-based requirements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

from zerofloor.capacity import Assumption, Market, Undecided
from zerofloor.documents.template_text import Reference
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape, accelerated_types
from zerofloor.platforms.aws.read import CLOUD, declared, machines, market, strings
from zerofloor.platforms.declared import Declared, link_of
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, union
from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.values import (
    at,
    get,
    hidden,
    known_items,
    known_text,
    quantity,
    switch,
)

TEMPLATES: Final = ("aws:ec2/launchTemplate:LaunchTemplate", "aws-native:ec2:LaunchTemplate")
CONFIGURATIONS: Final = (
    "aws:ec2/launchConfiguration:LaunchConfiguration",
    "aws-native:autoscaling:LaunchConfiguration",
)


def of_template(estate: Estate, user: Declared, path: str, reference: Any) -> Machines:
    """The machines of the launch template that `reference` (`{id | name, version}` at `path`)
    points at."""
    for key in ("id", "launchTemplateId", "name", "launchTemplateName", "templateId"):
        identifier = at(reference, key)
        if identifier is not None:
            break
    else:
        identifier = reference if hidden(reference) else UNKNOWN if reference is not None else None
        key = ""
    if identifier is None:
        return Machines()
    where = f"{path}.{key}" if key else path
    version = at(reference, "version") if key else UNKNOWN
    return _linked(
        estate,
        user,
        where,
        identifier,
        TEMPLATES,
        ("name", "launchTemplateName"),
        "launch template",
        version,
    )


def of_configuration(estate: Estate, user: Declared, path: str, identifier: Any) -> Machines:
    """The machines of the launch configuration named at `path`."""
    names = ("name", "launchConfigurationName")
    return _linked(estate, user, path, identifier, CONFIGURATIONS, names, "launch configuration")


def _linked(
    estate: Estate,
    user: Declared,
    path: str,
    identifier: Any,
    types: Sequence[str],
    names: tuple[str, ...],
    what: str,
    version: Any = UNKNOWN,
) -> Machines:
    if isinstance(identifier, Reference):
        inside = [
            d for d in declared(estate, *types) if d.urn == user.urn and d.logical == identifier
        ]
        return (
            union(_template(estate, item) for item in inside)
            if inside
            else _unreadable(user, path, what)
        )
    link = link_of(estate, user, path.split(".")[0], *types, value=identifier, names=names)
    found = [Declared(resource, resource.inputs, resource.name) for resource in link.found]
    if not found:
        return _unreadable(user, path, what)
    candidates = [
        replace_path(_of_version(estate, user, path, item, version), user, path, item, what)
        for item in found
    ]
    if not link.open and link.assumption is None:
        return union(candidates)
    everything = union(candidates)
    if identifier is UNKNOWN and everything.plain:
        # What is not known yet is created by this update, and nothing that it creates has a GPU.
        why = f"{path} is not known yet, and every {what} in reach has a type without a GPU"
        return replace(
            everything,
            assumptions=(*everything.assumptions, Assumption(f"{user.name} launches no GPU", why)),
        )
    if link.assumption is not None and not everything.plain:
        return replace(everything, assumptions=(*everything.assumptions, link.assumption))
    return _unreadable(user, path, what)


def replace_path(
    found: Machines, user: Declared, path: str, template: Declared, what: str
) -> Machines:
    """The same machines, with the step from the user to its template in the evidence."""
    step = user.evidence(path, f"uses the {what} {template.name}")
    return replace(found, evidence=(step, *found.evidence))


def _unreadable(user: Declared, path: str, what: str) -> Machines:
    why = f"The instance type comes from a {what} that is not known here: it could be a GPU type"
    settle = f"Declare the {what} in this stack (or check both stacks with --join), or waive it"
    return Machines(undecided=(user.open(path, why, settle),))


def _of_version(
    estate: Estate, user: Declared, path: str, template: Declared, version: Any
) -> Machines:
    """The machines of a version of the template. An update in place makes a new version; a group
    that pins a number, or takes the default that stays, goes on launching an older one (EC2 user
    guide, "Manage launch template versions")."""
    now = _template(estate, template)
    before = template.resource.before
    if before is None or not _is_older(user, path, template, version):
        return now
    then = _template(estate, replace(template, inputs=before))
    if now.plain and then.plain:
        return now
    if isinstance(version, Hidden) or then.plain:
        why = f"Which version of {template.name} is launched isn't known: one has a GPU type"
        return Machines(undecided=(template.open("instanceType", why),))
    shown = "the default version" if version is None else f"version {version}"
    why = f"{shown} stays as it was before this update"
    return replace(then, evidence=(*then.evidence, template.evidence("instanceType", why)))


def _is_older(user: Declared, path: str, template: Declared, version: Any) -> bool:
    """Whether a version is none that this update makes."""
    if isinstance(version, Hidden):
        # What is computed from the template and isn't known yet is the version that comes.
        computed = (user.resource.property_dependencies or {}).get(path.split(".")[0], ())
        return version is not UNKNOWN or template.urn not in computed
    if version == "$Latest":
        return False
    if version is None or version == "$Default":
        return switch(template.inputs.get("updateDefaultVersion")) is not True
    return True


def _template(estate: Estate, template: Declared) -> Machines:
    path, requirements = template.pick(
        "instanceRequirements", "launchTemplateData.instanceRequirements"
    )
    if requirements is not None:
        return required(estate, template, path, requirements)
    return machines(
        estate, template, *template.pick("instanceType", "launchTemplateData.instanceType")
    )


def lone(value: Any) -> Any:
    """The object that a list holds alone, as Terraform writes a block; anything else as it is."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def spot_template(estate: Estate, user: Declared, prop: str, reference: Any) -> Market:
    """The market that the linked launch template asks for; only the price depends on it."""
    identifier = known_text(at(reference, "name")) or known_text(
        at(reference, "launchTemplateName")
    )
    link = link_of(
        estate, user, prop, *TEMPLATES, value=identifier, names=("name", "launchTemplateName")
    )
    for resource in link.found if not link.open else ():
        template = Declared(resource, resource.inputs, resource.name)
        return market(
            template,
            "instanceMarketOptions.marketType",
            "launchTemplateData.instanceMarketOptions.marketType",
        )
    return Market.ON_DEMAND


def overridden(
    estate: Estate, user: Declared, path: str, overrides: Any, base: Machines
) -> Machines:
    """The types of a list of overrides, each with its weight; what an override leaves out comes
    from the template (`base`)."""
    if hidden(overrides):
        why = f"The overrides are {overrides.value}: they could name GPU types"
        return Machines(
            undecided=(
                user.open(path, why, "Make the instance types known at preview, or waive it"),
            )
        )
    parts: list[Machines] = []
    if not isinstance(overrides, Mapping | list | tuple):
        return misshapen(user, path)
    for index, override in enumerate(known_items(overrides)):  # Not hidden: asked above.
        where = f"{path}[{index}]"
        if isinstance(override, Hidden):
            why = f"An override is {override.value}: it could name a GPU type"
            parts.append(Machines(undecided=(user.open(where, why, SETTLE_TYPE),)))
        elif not isinstance(override, Mapping):
            parts.append(misshapen(user, where))
        else:
            found = _override(estate, user, where, override, base)
            parts.append(_weighed(user, f"{where}.weightedCapacity", override, found))
    return union(parts) if parts else base


def _override(
    estate: Estate, user: Declared, path: str, override: Mapping[str, Any], base: Machines
) -> Machines:
    """The types that one override names."""
    requirements, kind = at(override, "instanceRequirements"), at(override, "instanceType")
    if requirements is not None:
        return required(estate, user, f"{path}.instanceRequirements", requirements)
    if kind is not None:
        return machines(estate, user, f"{path}.instanceType", kind)
    template = at(override, "launchTemplateSpecification")
    if template is not None:
        return of_template(estate, user, f"{path}.launchTemplateSpecification", template)
    return base


def _weighed(user: Declared, path: str, override: Mapping[str, Any], found: Machines) -> Machines:
    weight = quantity(at(override, "weightedCapacity"))
    if weight is None:
        return found
    if isinstance(weight, Decimal) and weight > 0:
        return replace(found, weights=(weight,) * len(found.shapes))
    why = "The weight can't be read, so the number of instances is open"
    return replace(found, undecided=(*found.undecided, user.open(path, why)))


def misshapen(user: Declared, path: str) -> Machines:
    """What stands where an object belongs: no engine lets it through, and it may mean a GPU."""
    why = f"{path} is not an object: it could name a GPU type"
    return Machines(undecided=(user.open(path, why, "Correct the value"),))


def _accelerated(
    user: Declared, path: str, wanted: Mapping[str, Any], allowed: Sequence[Shape]
) -> Machines:
    """The types of a selection that asks for accelerators."""
    if strings(wanted.get("acceleratorTypes")) == ["fpga"]:
        because = user.evidence(f"{path}.acceleratorTypes", "FPGAs only: no GPU")
        return Machines((_ANY_PLAIN,), evidence=(because,))
    if not allowed:
        why = (
            "The requirements ask for accelerators, and no type in the table meets them: "
            "how many GPUs is open"
        )
        return Machines(undecided=(user.open(path, why, "Name instance types instead"),))
    because = user.evidence(path, f"selects accelerated types only: {len(allowed)} of the table's")
    return Machines(tuple(allowed), evidence=(because,), by_attributes=True)


def required(estate: Estate, user: Declared, path: str, requirements: Any) -> Machines:
    """The accelerated types that an attribute-based selection admits, or a plain machine where it
    admits none.

    Without any accelerator attribute EC2's price protection leaves accelerated types out: they cost
    far more than 20 %
    above the cheapest C, M or R type with the same attributes (EC2 API, InstanceRequirements:
    "Default: 20").
    """
    if hidden(requirements):
        why = f"The instance requirements are {requirements.value}: they could select GPU types"
        return Machines(undecided=(user.open(path, why),))
    requirements = lone(requirements)
    if not isinstance(requirements, Mapping):
        return misshapen(user, path)
    wanted: Mapping[str, Any] = requirements
    low, high = (
        _number(get(wanted, "acceleratorCount.min")),
        _number(get(wanted, "acceleratorCount.max")),
    )
    unread = [key for key in _DECIDING if _is_unread(get(wanted, key))]
    if high == 0:
        because = "acceleratorCount.max 0 excludes every accelerated type"
        return Machines(
            (_ANY_PLAIN,), evidence=(user.evidence(f"{path}.acceleratorCount.max", because),)
        )
    if unread:
        return Machines(
            undecided=(
                user.open(
                    f"{path}.{unread[0]}",
                    "A requirement isn't known at preview: it may select GPU types",
                ),
            )
        )
    allowed = [shape for shape in accelerated_types(CLOUD) if _admits(shape, wanted, low, high)]
    named = any(
        wanted.get(key)
        for key in ("acceleratorTypes", "acceleratorManufacturers", "acceleratorNames")
    )
    memory, _ = _range(wanted, "acceleratorTotalMemoryMib", "acceleratorTotalMemoryMiB")
    must = bool(low) or named or bool(memory)
    if must:
        return _accelerated(user, path, wanted, allowed)
    if _only_gpu_allowed(wanted, allowed):
        return Machines(
            tuple(allowed),
            evidence=(user.evidence(f"{path}.allowedInstanceTypes", "admits GPU types only"),),
            by_attributes=True,
        )
    protected = not any(
        hidden(wanted.get(key)) or (_number(wanted.get(key)) or 0) >= _OFF for key in _PRICE_KEYS
    )
    if not allowed or (protected and not wanted.get("allowedInstanceTypes")):
        because = "names no accelerator, and price protection leaves GPU types out"
        return Machines((_ANY_PLAIN,), evidence=(user.evidence(path, because),))
    return Machines(
        (_ANY_PLAIN, *allowed),
        evidence=(user.evidence(path, "admits GPU types among others"),),
        by_attributes=True,
    )


_ANY_PLAIN: Final = Shape(CLOUD, "any type without an accelerator", Decimal(0))
_OFF: Final = 1000
"""Percent from which price protection no longer keeps GPU types out (AWS names 999999 for off)."""
_PRICE_KEYS: Final = (
    "onDemandMaxPricePercentageOverLowestPrice",
    "spotMaxPricePercentageOverLowestPrice",
    "maxSpotPriceAsPercentageOfOptimalOnDemandPrice",
)
_DECIDING: Final = (
    "acceleratorCount",
    "acceleratorCount.min",
    "acceleratorCount.max",
    "acceleratorTypes",
    "acceleratorManufacturers",
    "acceleratorNames",
    "allowedInstanceTypes",
    "excludedInstanceTypes",
)
_MAKERS: Final = {
    "nvidia": ("NVIDIA",),
    "amd": ("AMD",),
    "habana": ("Habana", "Gaudi"),
    "amazon-web-services": ("AWS", "Inferentia", "Trainium"),
}
_TYPES: Final = {
    "gpu": ("NVIDIA", "AMD"),
    "inference": ("Inferentia", "Trainium", "Qualcomm"),
    "media": ("U30", "Xilinx"),
}


_UNREAD: Final = "A requirement isn't known at preview: it may select GPU types"


def _is_unread(value: Any) -> bool:
    listed = value if isinstance(value, list | tuple) else [value]
    return any(hidden(item) for item in listed)


def _admits(shape: Shape, wanted: Any, low: Decimal | None, high: Decimal | None) -> bool:
    if (
        shape.gpus is None
        or (low is not None and shape.gpus < low)
        or (high is not None and shape.gpus > high)
    ):
        return False
    name = shape.accelerator
    if not _any_of(
        strings(wanted.get("acceleratorManufacturers")),
        lambda maker: any(m in name for m in _MAKERS.get(maker, (maker,))),
    ):
        return False
    if not _any_of(
        strings(wanted.get("acceleratorTypes")),
        lambda kind: any(m in name for m in _TYPES.get(kind, ())),
    ):
        return False
    if not _any_of(strings(wanted.get("acceleratorNames")), lambda model: _named(model, name)):
        return False
    kind = shape.instance_type
    if not _any_of(
        strings(wanted.get("allowedInstanceTypes")),
        lambda pattern: fnmatchcase(kind, pattern.lower()),
    ):
        return False
    if any(
        fnmatchcase(kind, pattern.lower())
        for pattern in strings(wanted.get("excludedInstanceTypes"))
    ):
        return False
    memory = None if shape.memory_gib is None else shape.memory_gib * 1024
    return _between(shape.vcpus, _range(wanted, "vcpuCount", "vCpuCount")) and _between(
        memory, _range(wanted, "memoryMib", "memoryMiB")
    )


def _any_of(values: list[str], test: Any) -> bool:
    return not values or any(test(value) for value in values)


def _named(model: str, accelerator: str) -> bool:
    wanted = model.lower().replace("-", " ").split()
    return all(word in accelerator.lower().replace("-", " ").split() for word in wanted)


def _only_gpu_allowed(wanted: Any, allowed: list[Shape]) -> bool:
    patterns = strings(wanted.get("allowedInstanceTypes"))
    return (
        bool(patterns)
        and bool(allowed)
        and all(any(fnmatchcase(s.instance_type, p.lower()) for s in allowed) for p in patterns)
    )


def _range(wanted: Any, *names: str) -> tuple[Decimal | None, Decimal | None]:
    for name in names:
        if wanted.get(name) is not None:
            return _number(at(wanted, name, "min")), _number(at(wanted, name, "max"))
    return None, None


def _between(value: Decimal | None, limits: tuple[Decimal | None, Decimal | None]) -> bool:
    low, high = limits
    return value is None or ((low is None or value >= low) and (high is None or value <= high))


def _number(value: Any) -> Decimal | None:
    number = quantity(value)
    return number if isinstance(number, Decimal) else None


def in_units(found: Machines, unit: str | Hidden | None, user: Declared, path: str) -> Machines:
    """The machines with weights where sizes count vCPUs or memory instead of instances
    (desiredCapacityType)."""
    if unit in (None, "", "units") or found.plain:
        return found
    if isinstance(unit, Hidden):
        why = "What sizes count isn't known at preview, so the number of instances is open"
        return replace(found, undecided=(*found.undecided, user.open(path, why)))
    sizes = [
        shape.vcpus
        if unit == "vcpu"
        else None
        if shape.memory_gib is None
        else shape.memory_gib * 1024
        for shape in found.shapes
    ]
    weights = tuple(size for size in sizes if size)
    if len(weights) < len(sizes) or unit not in ("vcpu", "memory-mib"):
        open_count: Undecided = user.open(
            path,
            f"Sizes count {unit}, so the number of instances is open",
            "Count instances instead",
        )
        return replace(found, undecided=(*found.undecided, open_count))
    return replace(found, weights=weights)
