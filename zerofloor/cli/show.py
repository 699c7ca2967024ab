"""`zerofloor show FILE|DIR`: the stack as understood."""

from __future__ import annotations

from typing import Annotated

from zerofloor.cli.app import (
    MIB,
    BaselineOption,
    EngineOption,
    InputFormatOption,
    MaxSizeOption,
    OutputOption,
    PolicyOption,
    SettingsOption,
    StackOption,
    StackOutputsOption,
    TimeLimitOption,
)
from zerofloor.cli.parsing import Argument, day


def show(
    source: Annotated[
        str,
        Argument(
            metavar="FILE|DIR",
            help="A document, a folder of manifests or of a program, or - for stdin.",
        ),
    ],
    output: OutputOption = None,
    input_format: InputFormatOption = None,
    baseline: BaselineOption = None,
    max_size: MaxSizeOption = 64,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    stack: StackOption = None,
    engine: EngineOption = "auto",
    time_limit: TimeLimitOption = 120,
    stack_outputs: StackOutputsOption = None,
) -> None:
    """Print a stack as zerofloor reads it, as JSON.

    Unknown values are {"$unknown": true}, secrets {"$secret": true}. A folder of manifests is a
    list
    of stacks.
    """
    from zerofloor.cli.inputs import Chosen, Previewing, Reading, read_any, settings_for
    from zerofloor.cli.output import emit
    from zerofloor.reports.json_report import dump
    from zerofloor.reports.show import shown

    chosen, _ = settings_for(Chosen(settings, policy, day(None)), [source])
    previewing = Previewing(stack, engine, time_limit, stack_outputs)
    stacks = read_any(source, Reading(input_format, baseline, max_size * MIB), previewing, chosen)
    values = [shown(one) for one in stacks]
    emit(dump(values[0] if len(values) == 1 else values), output)
