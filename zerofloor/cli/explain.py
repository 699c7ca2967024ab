"""`zerofloor explain URN --from FILE`, `zerofloor explain RULE`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from zerofloor.cli.app import (
    MIB,
    EngineOption,
    InputFormatOption,
    MaxSizeOption,
    PolicyOption,
    SettingsOption,
    StackOption,
    StackOutputsOption,
    TimeLimitOption,
    TodayOption,
)
from zerofloor.cli.parsing import Argument, Option, day


def explain(
    what: Annotated[
        str,
        Argument(
            metavar="URN|RULE",
            help="A URN, its end or a name (if unique); or a rule's ID or name.",
        ),
    ],
    sources: Annotated[
        Sequence[str],
        Option(
            "--from",
            metavar="FILE|DIR",
            help="Input that contains the URN; repeat it to join several.",
        ),
    ] = (),
    input_format: InputFormatOption = None,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    max_size: MaxSizeOption = 64,
    stack: StackOption = None,
    engine: EngineOption = "auto",
    time_limit: TimeLimitOption = 120,
    stack_outputs: StackOutputsOption = None,
    today: TodayOption = None,
) -> None:
    """Explain what keeps a GPU running, link by link; or print a rule's page."""
    from zerofloor.cli.inputs import Chosen, Previewing, Reading, read_any, settings_for
    from zerofloor.cli.output import emit, terminal_width
    from zerofloor.errors import InputError
    from zerofloor.gate.names import nearest_rule
    from zerofloor.rules import find_rule, known_rules

    rule = find_rule(what)
    if rule is not None and sources:
        raise InputError(
            f"{what}: a rule, not a resource: leave out --from, or name a resource that it "
            "was found on"
        )
    if not sources:
        from zerofloor.reports.explain import rule_page

        if rule is None:
            near = nearest_rule(what, known_rules().ids) or "; `zerofloor rules` lists them."
            raise InputError(
                f"{what}: there is no rule of that name{near} For a resource add --from FILE"
            )
        emit(rule_page(rule))
        return
    from zerofloor.cli.judging import Asked, report_on
    from zerofloor.reports.explain import resource_page

    chosen = settings_for(Chosen(settings, policy, day(today)), sources)
    reading, previewing = (
        Reading(input_format, None, max_size * MIB),
        Previewing(stack, engine, time_limit, stack_outputs),
    )
    stacks = tuple(
        found for name in sources for found in read_any(name, reading, previewing, chosen[0])
    )
    report = report_on(stacks, *chosen, Asked(day(today)))
    emit(resource_page(report, stacks, what, width=terminal_width()))
