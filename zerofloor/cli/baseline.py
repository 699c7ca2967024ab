"""`zerofloor baseline FILE…`: the findings of today, so that only new or worse ones fail."""

from __future__ import annotations

from typing import Annotated

from zerofloor.cli.app import (
    MIB,
    BaselineOption,
    EngineOption,
    InputFormatOption,
    JoinOption,
    MaxSizeOption,
    OutputOption,
    PolicyOption,
    SettingsOption,
    StackOption,
    StackOutputsOption,
    TimeLimitOption,
    TodayOption,
)
from zerofloor.cli.parsing import Argument, day


def baseline(
    files: Annotated[
        list[str],
        Argument(
            metavar="FILE|DIR",
            help="Documents, folders of manifests or of a program, or - for stdin.",
        ),
    ],
    output: OutputOption = None,
    join: JoinOption = False,
    input_format: InputFormatOption = None,
    export: BaselineOption = None,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    max_size: MaxSizeOption = 64,
    stack: StackOption = None,
    engine: EngineOption = "auto",
    time_limit: TimeLimitOption = 120,
    stack_outputs: StackOutputsOption = None,
    today: TodayOption = None,
) -> int:
    """Write today's findings as a baseline, so that later only new or worse ones fail.

    Use it with `zerofloor check --baseline-findings FILE`. Waived findings are left out. Writes
    nothing if an input can't be judged.
    """
    from zerofloor.cli.estates import Judging, judge_files
    from zerofloor.cli.inputs import Chosen, Previewing, Reading
    from zerofloor.cli.judging import Asked
    from zerofloor.cli.output import emit
    from zerofloor.gate.baseline import written
    from zerofloor.reports.json_report import dump

    judged = judge_files(
        files,
        Judging(
            reading=Reading(input_format, export, max_size * MIB),
            chosen=Chosen(settings, policy, day(today)),
            asked=Asked(day(today)),
            join=join,
            previewing=Previewing(stack, engine, time_limit, stack_outputs),
        ),
    )
    if judged.failed:
        return 2
    emit(dump(written(judged.reports)), output)
    return 0
