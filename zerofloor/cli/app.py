"""The options that several commands take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from zerofloor.cli.parsing import Option
from zerofloor.reports.formats import Format, Target, target_of

InputFormat = Literal["cloudformation", "digest", "events", "export", "manifests", "plan"]


FORMATS: Final = "FORMAT[=FILE]"


FormatOption: TypeAlias = Annotated[
    Literal["table", "json", "markdown", "csv"],
    Option("--format", "-f", help="Format of the report."),
]
FormatsOption: TypeAlias = Annotated[
    Sequence[Target],
    Option(
        "--format",
        "-f",
        metavar=FORMATS,
        convert=target_of,
        help=f"Format of the report: {', '.join(Format)}; repeat it for several reports of one "
        "run, each but one with its file. [default: table]",
    ),
]
OutputOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the report to FILE (atomically) instead of stdout.",
    ),
]
SettingsOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--settings",
        metavar="FILE",
        help="Settings file (default: zerofloor.yaml next to the input or in the current folder).",
    ),
]
PolicyOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--policy",
        metavar="FILE",
        help="The organisation's settings, which limit the repository's (default: "
        "ZEROFLOOR_POLICY).",
    ),
]
TodayOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--today",
        metavar="YYYY-MM-DD",
        help="Date used for waiver expiry and price age (default: today, UTC).",
    ),
]
LiveOption: TypeAlias = Annotated[
    bool, Option("--live", help="Use current AWS prices (needs boto3 and credentials).")
]
OfflineOption: TypeAlias = Annotated[
    bool,
    Option(
        "--offline-ok", help="With --live: fall back to the price snapshot if AWS can't be reached."
    ),
]
ByOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--by",
        metavar="KEY",
        help="Add totals by stack, project, namespace, component, owner, type, tag:NAME or "
        "label:NAME.",
    ),
]
AgainstOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--against",
        metavar="FILE",
        help="A previous JSON report or a stack export to show the change in cost against.",
    ),
]
InputFormatOption: TypeAlias = Annotated[
    InputFormat | None,
    Option("--input-format", help="Input format (default: detected automatically)."),
]
BaselineFindingsOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--baseline-findings",
        metavar="FILE",
        help="Findings known before, from `zerofloor baseline`; see --fail-on.",
    ),
]
FailOnOption: TypeAlias = Annotated[
    Literal["new", "worse", "all"],
    Option(
        "--fail-on",
        help="With --baseline-findings: which findings fail the gate; worse means new ones or "
        "known ones that grew.",
    ),
]
AdvisoryOption: TypeAlias = Annotated[
    bool, Option("--advisory", help="Report everything and exit 0 even if the gate fails.")
]
BaselineOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--baseline",
        metavar="EXPORT",
        help="A `pulumi stack export` that supplies the unchanged resources the input leaves out.",
    ),
]
MaxSizeOption: TypeAlias = Annotated[
    int,
    Option("--max-size", metavar="MIB", least=1, help="Largest input to read, in MiB."),
]
JoinOption: TypeAlias = Annotated[
    bool,
    Option(
        "--join",
        help="Judge all inputs together (a cluster in one stack, its models in another).",
    ),
]
OwnerTagsOption: TypeAlias = Annotated[
    Sequence[str],
    Option(
        "--owner-tag",
        metavar="KEY",
        help="Tag or label that names the owner; repeat it. [default: owner, team, squad, contact]",
    ),
]
StackOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--stack",
        "-s",
        help=(
            "Stack name (default: PULUMI_STACK, else the selected stack, else the only one "
            "configured)."
        ),
    ),
]
EngineOption: TypeAlias = Annotated[
    Literal["auto", "pulumi", "in-process"],
    Option(
        "--engine",
        help="How to run the preview: auto (pulumi if installed), pulumi, or in-process.",
    ),
]
StackOutputsOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--stack-outputs",
        metavar="FILE",
        help=(
            "Outputs of other stacks as JSON, keyed by StackReference name (in-process "
            "preview only)."
        ),
    ),
]
TimeLimitOption: TypeAlias = Annotated[
    float,
    Option("--time-limit", metavar="SECONDS", least=1, help="Time limit for a preview."),
]

MIB = 2**20
