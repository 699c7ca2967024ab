"""`zerofloor rules`: the list of rules."""

from __future__ import annotations

from typing import Annotated, Literal

from zerofloor.cli.app import OutputOption
from zerofloor.cli.parsing import Option


def rules(
    form: Annotated[
        Literal["table", "json"],
        Option("--format", "-f", help="Format of the list."),
    ] = "table",
    output: OutputOption = None,
) -> None:
    """List the rules.

    `zerofloor explain RULE` prints one with its examples.
    """
    from zerofloor.cli.output import emit
    from zerofloor.rules import all_rules

    if form == "json":
        from zerofloor.reports.json_report import dump

        fields = ("id", "name", "title", "why", "fix", "severity", "since", "scope", "ways")
        emit(
            dump([{field: getattr(rule, field) for field in fields} for rule in all_rules()]),
            output,
        )
        return
    widest = max(len(rule.name) for rule in all_rules())
    emit(
        "".join(
            f"{rule.id}  {rule.severity:<7}  {rule.name:<{widest}}  {rule.title}\n"
            for rule in all_rules()
        ),
        output,
    )
