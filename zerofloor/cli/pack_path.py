"""`zerofloor pack-path`: what to hand to `pulumi preview --policy-pack`."""

from __future__ import annotations

from typing import Annotated

from zerofloor.cli.parsing import Option


def pack_path(
    folder: Annotated[
        bool,
        Option(
            "--folder", help="Print a folder instead of an executable, for engines before 3.255."
        ),
    ] = False,
) -> None:
    """Print the path of the policy pack, for `pulumi preview --policy-pack`."""
    from zerofloor.cli.output import emit
    from zerofloor.engine import pack

    emit(f"{pack.pack_folder() if folder else pack.pack_path()}\n")
