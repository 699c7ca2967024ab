"""The labels that a node has by its instance type, and whether they meet what a pod or a pool
requires."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from zerofloor.hardware.instances import Shape
from zerofloor.structs import Value

CPU_NODE: Final = Shape("aws", "a CPU type", Decimal(0))
"""Stands for the CPU types that an open NodePool may pick; its size is no limit."""

INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"


class Requirement(Value, frozen=True):
    """A condition on a node label, as in Kubernetes' node affinity and Karpenter's requirements."""

    key: str
    operator: str
    """In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte, Lte."""
    values: tuple[str, ...] = ()


def label_of(key: str) -> str:
    """`karpenter.k8s.aws/instance-family` → `instance-family`; EKS Auto Mode has the same under
    eks.amazonaws.com."""
    domain, _, name = key.partition("/")
    return (
        name if domain in ("karpenter.k8s.aws", "eks.amazonaws.com", "karpenter.azure.com") else key
    )


def meets(shape: Shape, requirements: tuple[Requirement, ...]) -> bool:
    """Whether a node of this shape can carry labels that meet the requirements; labels not derived
    from the type are open."""
    return all(_meets(shape, r) for r in requirements)


def _meets(shape: Shape, r: Requirement) -> bool:
    known = type_labels(shape)
    key = label_of(r.key)
    if key not in known:
        return True
    return matches(known[key], r)


def matches(value: str | None, r: Requirement) -> bool:
    """Whether a label with this value (None: absent) meets a requirement."""
    if r.operator == "In":
        return value is not None and value in r.values
    if r.operator == "NotIn":
        return value is None or value not in r.values
    if r.operator == "Exists":
        return value is not None
    if r.operator == "DoesNotExist":
        return value is None
    if r.operator in ("Gt", "Lt", "Gte", "Lte") and r.values and value is not None:
        left, right = _number(value), _number(r.values[0])
        if left is None or right is None:
            return False
        return {"Gt": left > right, "Lt": left < right, "Gte": left >= right, "Lte": left <= right}[
            r.operator
        ]
    return False


def _number(text_value: str) -> Decimal | None:
    return Decimal(text_value) if re.fullmatch(r"-?\d{1,18}(?:\.\d{1,9})?", text_value) else None


def type_labels(shape: Shape) -> Mapping[str, str | None]:
    """The labels that Karpenter derives from an instance type, without their domain (Karpenter
    docs, "Well-Known Labels")."""
    if shape is CPU_NODE:
        return {
            "instance-gpu-count": None,
            "instance-gpu-name": None,
            "instance-gpu-manufacturer": None,
            "sku-gpu-count": None,
            "sku-gpu-name": None,
            "sku-gpu-manufacturer": None,
        }
    if shape.cloud == "azure":
        return _azure_labels(shape)
    family, _, size = shape.instance_type.partition(".")
    split = re.match(r"([a-z]+)-?(\d+)", family)
    gpu = bool(shape.gpus) and not _is_neuron(shape)
    maker = shape.accelerator.split(" ")[0].lower()
    labels: dict[str, str | None] = {
        INSTANCE_TYPE: shape.instance_type,
        "beta.kubernetes.io/instance-type": shape.instance_type,
        "instance-family": family,
        "instance-size": size,
        "instance-category": split[1] if split else None,
        "instance-generation": split[2] if split else None,
        "kubernetes.io/arch": "arm64"
        if re.match(r"(?:g5g|[a-z]+\d+g[a-z]*$|a1|p6e-gb)", family)
        else "amd64",
        "kubernetes.io/os": "linux",
    }
    if shape.vcpus is not None:
        labels["instance-cpu"] = f"{shape.vcpus.normalize():f}"
    if shape.memory_gib is not None:
        labels["instance-memory"] = f"{(shape.memory_gib * 1024).quantize(Decimal(1)):f}"
    if shape.gpus is not None:
        number = f"{shape.gpus.normalize():f}" if shape.gpus else None
        labels["instance-gpu-count"] = number if gpu else None
        labels["instance-gpu-manufacturer"] = maker if gpu else None
        labels["instance-gpu-name"] = _gpu_name(shape.accelerator) if gpu else None
        labels["instance-accelerator-count"] = number if _is_neuron(shape) else None
        labels["instance-accelerator-name"] = (
            shape.accelerator.removeprefix("AWS ").lower() if _is_neuron(shape) else None
        )
        labels["instance-accelerator-manufacturer"] = "aws" if _is_neuron(shape) else None
    return labels


def _azure_labels(shape: Shape) -> Mapping[str, str | None]:
    """The labels of Karpenter on Azure (node auto-provisioning) by a VM size; the series is
    left open (karpenter-provider-azure, labels.go)."""
    name = re.fullmatch(r"(?i)standard_([a-z])\w*?(?:_v(\d+))?", shape.instance_type)
    labels: dict[str, str | None] = {
        INSTANCE_TYPE: shape.instance_type,
        "beta.kubernetes.io/instance-type": shape.instance_type,
        "sku-name": shape.instance_type,
        "sku-family": name[1].upper() if name else None,
        "sku-version": (name[2] or "1") if name else None,
        "kubernetes.io/arch": "arm64" if "_GB" in shape.instance_type.upper() else "amd64",
        "kubernetes.io/os": "linux",
    }
    if shape.vcpus is not None:
        labels["sku-cpu"] = f"{shape.vcpus.normalize():f}"
    if shape.memory_gib is not None:
        labels["sku-memory"] = f"{(shape.memory_gib * 1024).quantize(Decimal(1)):f}"
    if shape.gpus is not None and shape.gpus == int(shape.gpus):
        labels["sku-gpu-count"] = f"{int(shape.gpus)}" if shape.gpus else None
    if shape.gpus != 0:
        labels["sku-gpu-manufacturer"] = shape.accelerator.split(" ")[0].lower()
        model = re.search(r"_([A-Z]{1,3}\d{2,3}[A-Z]?|T4)_", shape.instance_type, re.IGNORECASE)
        if model:
            labels["sku-gpu-name"] = model[1].upper()
    return labels


def _is_neuron(shape: Shape) -> bool:
    return "Inferentia" in shape.accelerator or "Trainium" in shape.accelerator


def _gpu_name(accelerator: str) -> str:
    name = accelerator.split(" (")[0]
    for maker in ("NVIDIA ", "AMD ", "Habana ", "Qualcomm Qualcomm "):
        name = name.removeprefix(maker)
    return name.removeprefix("Tesla ").lower().replace(" ", "-")
