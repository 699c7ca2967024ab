"""`zerofloor schema NAME`: a JSON schema."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from zerofloor.cli.app import OutputOption, new_app

app = new_app()


@app.command()
def schema(
    name: Annotated[
        Literal["report", "stack", "settings"], typer.Argument(help="What to print the schema of.")
    ],
    output: OutputOption = None,
) -> None:
    """Print a JSON schema: of the report, of a shown stack, of zerofloor.yaml."""
    from zerofloor.cli.output import emit
    from zerofloor.schema import schema_of

    emit(schema_of(name), output)
