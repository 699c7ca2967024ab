"""Parts of EC2 launch templates and node classes that components share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FAST_ENOUGH: Final = 600
"""MiB/s of a disk with which a parallel pull is worth it: it buffers layers there, too (AWS'
Karpenter Blueprints, "Using SOCI snapshotter parallel pull/unpack mode": a good start)."""


def disk(device: str, gib: int, throughput: int) -> dict[str, Any]:
    """An encrypted gp3 disk, as a launch template maps it."""
    return {
        "deviceName": device,
        "ebs": {
            "volumeSize": gib,
            "volumeType": "gp3",
            "throughput": throughput,
            # The provider takes these two as text.
            "encrypted": "true",
            "deleteOnTermination": "true",
        },
    }


def node_config(*, joins_disks: bool, pulls_parallel: bool) -> str | None:
    """User data for AL2023's nodeadm; None where it has nothing to do (nodeadm docs, "NodeConfig
    API": localStorage, featureGates)."""
    lines = []
    if joins_disks:
        # A node without local disks is left as it is.
        lines += ["  instance:", "    localStorage:", "      strategy: RAID0"]
    if pulls_parallel:
        # nodeadm then writes the snapshotter's whole configuration, from AMI v20250821 on. It does
        # so on nodes with 4 CPUs and 7 GiB or more (its source, UseSOCISnapshotter).
        lines += ["  featureGates:", "    FastImagePull: true"]
    if not lines:
        return None
    head = ["---", "apiVersion: node.eks.aws/v1alpha1", "kind: NodeConfig", "spec:"]
    return (
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="//"\n\n'
        "--//\nContent-Type: application/node.eks.aws\n\n"
        + "\n".join((*head, *lines))
        + "\n\n--//--\n"
    )


BOTTLEROCKET_PARALLEL_PULL: Final = """[settings.container-runtime]
snapshotter = "soci"

[settings.container-runtime-plugins.soci-snapshotter]
pull-mode = "parallel-pull-unpack"

[settings.container-runtime-plugins.soci-snapshotter.parallel-pull-unpack]
max-concurrent-downloads-per-image = 20
concurrent-download-chunk-size = "16mb"
max-concurrent-unpacks-per-image = 12
discard-unpacked-layers = true
"""
"""User data with which Bottlerocket 1.44 or newer pulls in parallel (its docs,
"container-runtime-plugins"), by the numbers that nodeadm writes on AL2023."""


def tagging(tags: Mapping[str, Any]) -> dict[str, Any]:
    """The tags of the template, and of the instances and disks that are made of it."""
    if not tags:
        return {}
    kinds = ("instance", "volume")
    specified = [{"resourceType": kind, "tags": dict(tags)} for kind in kinds]
    return {"tags": dict(tags), "tagSpecifications": specified}


def as_version(number: Any) -> str:
    """A template's version as a group takes it, which is text."""
    return "$Latest" if number is None else f"{number:.0f}"
