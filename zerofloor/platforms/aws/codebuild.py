"""CodeBuild: a fleet of reserved machines, whose kind two properties tell together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Cause
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.aws.read import CLOUD
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.rows import Row

ROW: Final = Row(
    cloud=CLOUD,
    tokens=("aws:codebuild/fleet:Fleet", "aws-native:codebuild:Fleet"),
    platform="CodeBuild fleet",
    machine=("computeConfiguration.instanceType", "environmentType"),
    count=("baseCapacity",),
    ceiling=("scalingConfiguration.maxCapacity",),
    cause=Cause.RESERVATION,
    because="reserved machines bill with or without builds",
    fix="Use on-demand compute for GPU builds",
    source="CodeBuild user guide, “Reserved capacity fleets”",
    price_as="codebuild",
)
_GPUS: Final = {
    "BUILD_GENERAL1_SMALL": (1, "NVIDIA A10G"),
    "BUILD_GENERAL1_LARGE": (4, "NVIDIA Tesla V100"),
}
"""GPUs of a LINUX_GPU_CONTAINER by compute type (CodeBuild API, ProjectEnvironment)."""


def row_of(source: Declared) -> Row:
    """The row with what this fleet's environment and compute type make of a machine."""
    size = source.field("computeType").value

    def translate(name: str) -> Shape | None:
        if "." in name:
            return None  # An EC2 type, in the cloud's table.
        if "GPU" not in name.upper():
            return Shape(CLOUD, name, Decimal(0))
        gpus, model = _GPUS.get(size if isinstance(size, str) else "", (None, "GPU of a fleet"))
        shown = f"{name} {size}" if isinstance(size, str) else name
        return Shape(CLOUD, shown, None if gpus is None else Decimal(gpus), model)

    return replace(ROW, translate=translate)
