"""`zerofloor estimate FILE…`: the money alone."""

from __future__ import annotations

from typing import Annotated

from zerofloor.cli.app import (
    MIB,
    AgainstOption,
    BaselineOption,
    ByOption,
    EngineOption,
    FormatOption,
    InputFormatOption,
    LiveOption,
    MaxSizeOption,
    OfflineOption,
    OutputOption,
    PolicyOption,
    SettingsOption,
    StackOption,
    StackOutputsOption,
    TimeLimitOption,
    TodayOption,
)
from zerofloor.cli.parsing import Argument, day


def estimate(
    files: Annotated[
        list[str],
        Argument(
            metavar="FILE|DIR", help="Documents or folders, taken as one estate; - for stdin."
        ),
    ],
    form: FormatOption = "table",
    output: OutputOption = None,
    input_format: InputFormatOption = None,
    baseline: BaselineOption = None,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    max_size: MaxSizeOption = 64,
    stack: StackOption = None,
    engine: EngineOption = "auto",
    time_limit: TimeLimitOption = 120,
    stack_outputs: StackOutputsOption = None,
    today: TodayOption = None,
    live: LiveOption = False,
    offline_ok: OfflineOption = False,
    against: AgainstOption = None,
    by: ByOption = None,
) -> None:
    """Print the cost only: floor, desired, expected, ceiling, residual, idle total.

    Always exits 0, whatever the cost; `check` and `preview` are the gate.
    """
    from zerofloor.cli.inputs import Chosen, Previewing, Reading, read_any, settings_for
    from zerofloor.cli.judging import Asked, report_on
    from zerofloor.cli.output import emit_estimate
    from zerofloor.cost.owners import check_key
    from zerofloor.errors import InputError

    if by is not None:
        check_key(by)
        if form == "csv":
            raise InputError("--by: CSV has a row for each line; use table, markdown or json")
    asked = Asked(day(today), live, offline_ok, against)
    chosen = settings_for(Chosen(settings, policy, day(today)), files)
    reading, previewing = (
        Reading(input_format, baseline, max_size * MIB),
        Previewing(stack, engine, time_limit, stack_outputs),
    )
    stacks = tuple(
        found for name in files for found in read_any(name, reading, previewing, chosen[0])
    )
    emit_estimate(report_on(stacks, *chosen, asked), form, output, by or "")
