"""Which node types the requirements of a Karpenter NodePool or NodeClaim allow."""

from __future__ import annotations

import re
from typing import Any, Final

from zerofloor.capacity import Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape, accelerated_types
from zerofloor.hardware.node_labels import CPU_NODE, INSTANCE_TYPE, Requirement, label_of, meets
from zerofloor.platforms.kubernetes.objects import Object
from zerofloor.platforms.kubernetes.pods import SETTLE, requirement
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, has_hidden, text

_NAMED: Final = (INSTANCE_TYPE, "beta.kubernetes.io/instance-type")
_AWS_DOMAINS: Final = ("karpenter.k8s.aws", "eks.amazonaws.com")
_TYPE_KEYS: Final = frozenset(
    {
        *_NAMED,
        "karpenter.k8s.aws/instance-size",
        *(
            f"{domain}/instance-{field}"
            for domain in _AWS_DOMAINS
            for field in (
                "family",
                "category",
                "gpu-name",
                "gpu-count",
                "accelerator-name",
                "accelerator-count",
            )
        ),
        *(
            f"karpenter.azure.com/sku-{field}"
            for field in ("family", "gpu-count", "gpu-name", "name", "series")
        ),
    }
)
"""Labels whose value decides whether a type has GPUs."""


class Requirements(Value, frozen=True, kw_only=True):
    """The requirements of a NodePool or NodeClaim."""

    known: tuple[Requirement, ...]
    open_keys: frozenset[str]
    """Labels that a node has of a value that can't be read, and that tell nothing of GPUs."""
    undecided: tuple[Undecided, ...]
    """Those that can't be read and may allow types with GPUs."""


class NodeTypes(Value, frozen=True, kw_only=True):
    """The types that some requirements leave open."""

    shapes: tuple[Shape, ...]
    """Types without accelerators are in it by name, or all together as one `CPU_NODE`."""
    unknown: tuple[str, ...]
    """Names of types and families that no table has."""


def read_requirements(obj: Object, listed: list[Any], path: str) -> Requirements:
    """The requirements that stand at `path` of the object."""
    known: list[Requirement] = []
    open_keys: set[str] = set()
    undecided: list[Undecided] = []
    for index, value in enumerate(listed):
        where = f"{path}[{index}]"
        key, values = text(at(value, "key")), at(value, "values")
        is_open = any(isinstance(part, Hidden) for part in (value, at(value, "operator")))
        if is_open or isinstance(key, Hidden):
            why = f"{where} is not known at preview: it may allow GPU types"
            undecided.append(Undecided(obj.urn, where, why, SETTLE))
        elif not has_hidden(values):
            read = requirement(value)
            if isinstance(read, Requirement):
                known.append(read)
        elif key in _TYPE_KEYS:
            why = "A value isn't known at preview and may allow GPU types"
            undecided.append(Undecided(obj.urn, f"{where}.values", why, SETTLE))
        elif key is not None:
            open_keys.add(key)
    return Requirements(
        known=tuple(known), open_keys=frozenset(open_keys), undecided=tuple(undecided)
    )


def find_types(estate: Estate, cloud: str, requirements: tuple[Requirement, ...]) -> NodeTypes:
    """The types of a cloud that meet all requirements."""
    naming = [r for r in requirements if r.key in _NAMED and r.operator == "In"]
    others = tuple(r for r in requirements if r not in naming)
    if naming:
        names = sorted(set.intersection(*(set(r.values) for r in naming)))
        return _named_types(estate, cloud, names, others)
    accelerated = _accelerated(estate, cloud, others)
    return NodeTypes(
        shapes=(CPU_NODE, *accelerated) if _may_be_cpu(cloud, others) else accelerated,
        unknown=_unknown_families(estate, cloud, others),
    )


def _named_types(
    estate: Estate, cloud: str, names: list[str], others: tuple[Requirement, ...]
) -> NodeTypes:
    shapes: list[Shape] = []
    unknown: list[str] = []
    for name in names:
        shape = estate.shape(cloud, name)
        if shape is None:
            unknown.append(name)
        elif meets(shape, others):
            shapes.append(shape)
    return NodeTypes(shapes=tuple(shapes), unknown=tuple(unknown))


def _accelerated(
    estate: Estate, cloud: str, requirements: tuple[Requirement, ...]
) -> tuple[Shape, ...]:
    """The types with GPUs: those of the table, then those that only a hint names."""
    shapes = [shape for shape in accelerated_types(cloud) if meets(shape, requirements)]
    for hint in estate.settings.hints.instances:
        shape = estate.shape(cloud, hint.instance_type)
        if shape is None or not shape.gpus or shape in shapes:
            continue
        if meets(shape, requirements):
            shapes.append(shape)
    return tuple(shapes)


def _unknown_families(
    estate: Estate, cloud: str, requirements: tuple[Requirement, ...]
) -> tuple[str, ...]:
    """Named families that neither the table nor the naming scheme knows, and accelerated ones
    without a row."""
    named = [
        family
        for r in requirements
        if label_of(r.key) == "instance-family" and r.operator == "In"
        for family in r.values
    ]
    unknown = (family for family in named if not _is_known_family(estate, cloud, family))
    return tuple(f"{family}.*" for family in unknown)


def _is_known_family(estate: Estate, cloud: str, family: str) -> bool:
    if family in _accelerated_families(cloud):
        return True
    shape = estate.shape(cloud, f"{family}.xlarge")
    return shape is not None and shape.gpus == 0


def _accelerated_families(cloud: str) -> frozenset[str]:
    return frozenset(shape.instance_type.partition(".")[0] for shape in accelerated_types(cloud))


def _may_be_cpu(cloud: str, requirements: tuple[Requirement, ...]) -> bool:
    """Whether types without an accelerator meet the requirements."""
    return all(_allows_cpu(cloud, r) for r in requirements)


_ACCELERATED_CATEGORIES: Final = frozenset({"g", "gr", "p", "inf", "trn", "dl", "vt"})
_COUNTS: Final = frozenset({"instance-gpu-count", "instance-accelerator-count"})
_OF_ACCELERATORS: Final = frozenset(
    {
        "instance-gpu-name",
        "instance-gpu-manufacturer",
        "instance-gpu-memory",
        "instance-accelerator-name",
        "instance-accelerator-manufacturer",
    }
)
"""Labels that only nodes with an accelerator have."""


def _allows_cpu(cloud: str, r: Requirement) -> bool:
    field = re.sub(r"^sku-gpu-", "instance-gpu-", label_of(r.key))
    if field in _COUNTS:
        return _allows_no_accelerator(r)
    if field in _OF_ACCELERATORS:
        return r.operator not in ("In", "Exists", "Gt", "Gte")
    if r.operator != "In":
        return True
    match field:
        case "sku-family" | "sku-name" | "sku-series":
            return any(map(_is_plain_sku, r.values))
        case "instance-category":
            return not _ACCELERATED_CATEGORIES.issuperset(r.values)
        case "instance-family":
            return not _accelerated_families(cloud).issuperset(r.values)
    return True


def _allows_no_accelerator(r: Requirement) -> bool:
    """Whether a requirement on the number of accelerators allows none."""
    match r.operator:
        case "In":
            return "0" in r.values
        case "Exists":
            return False
        case "Gt" | "Gte":
            return r.values[:1] in ((), ("-1",))
    return True


def _is_plain_sku(value: str) -> bool:
    """Whether an Azure family (`D`), series or size stands for machines without a GPU."""
    name = re.sub(r"^standard_", "", value, flags=re.IGNORECASE).upper()
    return not name.startswith("N") or name.startswith(("NP", "NM"))
