"""`zerofloor schema NAME`: a JSON schema."""

from __future__ import annotations

from typing import Annotated, Literal

from zerofloor.cli.app import OutputOption
from zerofloor.cli.parsing import Argument


def schema(
    name: Annotated[
        Literal["report", "estimate", "audit", "simulation", "baseline", "stack", "settings"],
        Argument(help="The document that the schema describes."),
    ],
    output: OutputOption = None,
) -> None:
    """Print a JSON schema of what zerofloor reads or writes."""
    from zerofloor.cli.output import emit
    from zerofloor.schema import schema_of

    emit(schema_of(name), output)
