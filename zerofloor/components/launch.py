"""Parts of EC2 launch templates that components share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
