"""`zerofloor schema NAME`: a JSON schema."""

from __future__ import annotations

from typing import Annotated, Literal

from zerofloor.cli.app import OutputOption
from zerofloor.cli.parsing import Argument


def schema(
    name: Annotated[
        Literal["report", "estimate", "audit", "baseline", "stack", "settings"],
        Argument(help="What to print the schema of."),
    ],
    output: OutputOption = None,
) -> None:
    """Print a JSON schema: report, estimate, audit, baseline, stack or settings."""
    from zerofloor.cli.output import emit
    from zerofloor.schema import schema_of

    emit(schema_of(name), output)
