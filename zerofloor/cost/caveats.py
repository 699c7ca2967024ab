"""What a cloud's list price of a machine leaves out, or is not sure of."""

from __future__ import annotations

from collections.abc import Iterator

from zerofloor.hardware.instances import Shape


def caveats(shape: Shape) -> Iterator[str]:
    """What to know of the list price of a node, as sentences."""
    if shape.instance_type.startswith("a3-highgpu"):
        yield "the list price of a3-highgpu leaves out its local SSDs."
    if shape.card.startswith("nvidia"):
        yield (
            "N1 machines and the GPUs on them get up to 30% off for running all month "
            "(sustained use); these are list prices."
        )
    if "v710" in shape.instance_type.lower():
        yield "for Azure's V710 sizes a second catalogue is 19% higher."
    is_nc = shape.instance_type.lower().startswith("standard_nc")
    if is_nc and shape.gpus is not None and shape.gpus > 1:
        yield "for Azure's NC sizes with several GPUs sources differ by up to 30%."
