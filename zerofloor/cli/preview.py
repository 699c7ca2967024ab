"""`zerofloor preview [DIR]`: previews a program and judges it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zerofloor.cli.app import (
    AdvisoryOption,
    AgainstOption,
    BaselineFindingsOption,
    EngineOption,
    FailOnOption,
    FormatsOption,
    LiveOption,
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


def preview(
    directory: Annotated[
        Path, Argument(metavar="DIR", help="The folder with Pulumi.yaml.")
    ] = Path(),
    stack: StackOption = None,
    engine: EngineOption = "auto",
    time_limit: TimeLimitOption = 120,
    stack_outputs: StackOutputsOption = None,
    forms: FormatsOption = (),
    output: OutputOption = None,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    today: TodayOption = None,
    live: LiveOption = False,
    offline_ok: OfflineOption = False,
    against: AgainstOption = None,
    baseline_findings: BaselineFindingsOption = None,
    fail_on: FailOnOption = "worse",
    advisory: AdvisoryOption = False,
) -> int:
    """Preview a Pulumi program and judge it.

    Uses the Pulumi engine if a pulumi command is on PATH; otherwise, or if the engine can't run the
    program here, runs the program in this process and says so in the report.
    """
    from zerofloor.cli import inputs
    from zerofloor.cli.judging import Asked, known_findings, report_on
    from zerofloor.cli.output import emit_reports, exit_code, told_to_pull_requests

    with told_to_pull_requests(forms, output):
        asked = Asked(
            today=day(today),
            live=live,
            offline_ok=offline_ok,
            against=against,
            known=known_findings(baseline_findings),
            fail_on=fail_on,
        )
        place = [str(directory)]
        chosen = inputs.settings_for(inputs.Chosen(settings, policy, day(today)), place)
        how = inputs.Previewing(stack, engine, time_limit, stack_outputs)
        reports = [report_on((inputs.preview(directory, how, chosen[0]),), *chosen, asked)]
        emit_reports(reports, forms, output)
    return exit_code(reports, advisory=advisory)
