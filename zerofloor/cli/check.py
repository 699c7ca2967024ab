"""`zerofloor check FILE…`: judges documents."""

from __future__ import annotations

from typing import Annotated

from zerofloor.cli.app import (
    MIB,
    AdvisoryOption,
    AgainstOption,
    BaselineFindingsOption,
    BaselineOption,
    FailOnOption,
    FormatsOption,
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
    forms: FormatsOption = (),
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
    baseline_findings: BaselineFindingsOption = None,
    fail_on: FailOnOption = "worse",
    advisory: AdvisoryOption = False,
) -> int:
    """Judge documents: preview digests, event logs, stack exports, Kubernetes manifests.

    Input formats are detected automatically. Each file is judged by itself and a folder's manifests
    together; --join judges all inputs together. The exit code is the worst one.
    """
    from zerofloor.cli.estates import Judging, judge_files
    from zerofloor.cli.inputs import Chosen, Reading
    from zerofloor.cli.judging import Asked, known_findings
    from zerofloor.cli.output import emit_reports, exit_code, told_to_pull_requests

    with told_to_pull_requests(forms, output):
        judged = judge_files(
            files,
            Judging(
                reading=Reading(input_format, baseline, max_size * MIB),
                chosen=Chosen(settings, policy, day(today)),
                asked=Asked(
                    today=day(today),
                    live=live,
                    offline_ok=offline_ok,
                    against=against,
                    known=known_findings(baseline_findings),
                    fail_on=fail_on,
                ),
                join=join,
            ),
        )
        emit_reports(judged.reports, forms, output, judged.failures)
    return exit_code(judged.reports, failed=judged.failed, advisory=advisory)
