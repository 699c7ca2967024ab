"""What the commands have in common: how a Typer app is made, and the options that several of them
take."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

Format = Literal["table", "json", "markdown"]
InputFormat = Literal["digest", "events", "export", "manifests"]

FormatOption: TypeAlias = Annotated[
    Format, typer.Option("--format", "-f", help="What the report is written as.")
]
OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the report to FILE instead of stdout; a whole file or none.",
    ),
]
SettingsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="Settings; default: zerofloor.yaml beside the input, else in the current folder.",
    ),
]
TodayOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--today",
        metavar="YYYY-MM-DD",
        help="The day by which waivers expire and prices age; default: today (UTC).",
    ),
]
LiveOption: TypeAlias = Annotated[
    bool, typer.Option("--live", help="Ask AWS for current prices (needs boto3 and credentials).")
]
OfflineOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--offline-ok", help="With --live: where AWS can't be asked, go on with the snapshot."
    ),
]
AgainstOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="FILE",
        help="A previous JSON report or a stack export; the report tells the change in cost.",
    ),
]
InputFormatOption: TypeAlias = Annotated[
    InputFormat | None,
    typer.Option("--input-format", help="What the input is; default: found out from its content."),
]
BaselineOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        metavar="EXPORT",
        help="A `pulumi stack export` that fills in what the input leaves out as unchanged.",
    ),
]
MaxSizeOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--max-size", metavar="MIB", min=1, help="The largest input that is read, in MiB."
    ),
]
JoinOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--join",
        help="Judge all inputs as one estate: the cluster in one stack, the models in another.",
    ),
]
StackOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        help=(
            "The stack; default: PULUMI_STACK, the workspace's selection, the only one configured."
        ),
    ),
]
EngineOption: TypeAlias = Annotated[
    Literal["auto", "pulumi", "in-process"],
    typer.Option(
        "--engine",
        help="Who previews: the pulumi command where it is there, only it, or this process.",
    ),
]
StackOutputsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--stack-outputs",
        metavar="FILE",
        help=(
            "Outputs of other stacks, as JSON by the name in the StackReference (in-process "
            "preview)."
        ),
    ),
]
TimeLimitOption: TypeAlias = Annotated[
    float,
    typer.Option("--time-limit", metavar="SECONDS", min=1, help="How long a preview may take."),
]

MIB = 2**20


def new_app() -> typer.Typer:
    """An app whose help is plain text and whose errors come as they are."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["--help", "-h"]},
    )


def day(given: str | None) -> datetime.date:
    """The day of `--today`, else today (UTC): the only place where a clock is read."""
    if given is None:
        return datetime.datetime.now(datetime.UTC).date()
    try:
        return datetime.date.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter("not a date: YYYY-MM-DD", param_hint="--today") from None
