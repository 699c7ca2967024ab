"""`zerofloor check FILE…`: judges documents."""

from __future__ import annotations

from typing import Annotated

from zerofloor.cli.app import (
    MIB,
    AgainstOption,
    BaselineOption,
    FormatOption,
    InputFormatOption,
    JoinOption,
    LiveOption,
    MaxSizeOption,
    OfflineOption,
    OutputOption,
    PolicyOption,
    SettingsOption,
    TodayOption,
)
from zerofloor.cli.parsing import Argument, day


def check(
    files: Annotated[
        list[str],
        Argument(metavar="FILE", help="Files, folders of manifests, or - for stdin."),
    ],
    form: FormatOption = "table",
    output: OutputOption = None,
    join: JoinOption = False,
    input_format: InputFormatOption = None,
    baseline: BaselineOption = None,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    max_size: MaxSizeOption = 64,
    today: TodayOption = None,
    live: LiveOption = False,
    offline_ok: OfflineOption = False,
    against: AgainstOption = None,
) -> int:
    """Judge documents: preview digests, event logs, stack exports, Kubernetes manifests.

    Input formats are detected automatically. Each file is judged by itself and a folder's manifests
    together; --join judges all inputs together. The exit code is the worst one.
    """
    from zerofloor.cli.inputs import Chosen, Reading, read_documents, settings_for
    from zerofloor.cli.judging import Asked, report_on
    from zerofloor.cli.output import emit_reports, say
    from zerofloor.errors import InputError

    chosen = Chosen(settings, policy, day(today))
    asked = Asked(day(today), live, offline_ok, against)
    reading = Reading(input_format, baseline, max_size * MIB)
    estates = []
    unread = False
    for name in files:
        try:
            estates.append(([name], read_documents(name, reading)))
        except InputError as error:
            say(str(error))
            unread = True
    if join and estates:
        if unread:
            say("judging the rest without it: what it would have changed is not known")
        estates = [
            (
                [name for names, _ in estates for name in names],
                tuple(stack for _, stacks in estates for stack in stacks),
            )
        ]
    reports = []
    for names, stacks in estates:
        try:
            reports.append(report_on(stacks, *settings_for(chosen, names), asked))
        except InputError as error:
            say(str(error))
            unread = True
    if reports:
        emit_reports(reports, form, output)
    return 2 if unread else 1 if any(report.gate == "fail" for report in reports) else 0
