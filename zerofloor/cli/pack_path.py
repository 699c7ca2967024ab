"""`zerofloor pack-path`: what to hand to `pulumi preview --policy-pack`."""

from __future__ import annotations

from typing import Annotated

import typer

from zerofloor.cli.app import new_app

app = new_app()


@app.command()
def pack_path(
    folder: Annotated[
        bool,
        typer.Option(
            "--folder", help="A folder instead of an executable, for engines before 3.255."
        ),
    ] = False,
) -> None:
    """Print the path of the policy pack, for `pulumi preview --policy-pack`."""
    from zerofloor.cli.output import emit
    from zerofloor.engine import pack

    emit(f"{pack.pack_folder() if folder else pack.pack_path()}\n")
