"""`zerofloor audit BACKEND`: every stack of a state backend, from its state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from zerofloor.cli.app import (
    FORMATS,
    MIB,
    AdvisoryOption,
    OutputOption,
    OwnerTagsOption,
    PolicyOption,
    SettingsOption,
    TodayOption,
)
from zerofloor.cli.parsing import Argument, Option, day
from zerofloor.estates.grouping import by_of
from zerofloor.estates.reports.formats import AuditFormat, AuditTarget, audit_target_of

if TYPE_CHECKING:
    from zerofloor.estates.values import Audit


def audit(
    backend: Annotated[
        str | None,
        Argument(
            metavar="BACKEND",
            help="file://, s3://, gs://, azblob:// or https:// (default: PULUMI_BACKEND_URL, else "
            "what `pulumi login` recorded).",
        ),
    ] = None,
    forms: Annotated[
        Sequence[AuditTarget],
        Option(
            "--format",
            "-f",
            metavar=FORMATS,
            convert=audit_target_of,
            help=f"Format of the report: {', '.join(AuditFormat)}; repeat it for several, each but "
            "one with its file. [default: table]",
        ),
    ] = (),
    output: OutputOption = None,
    by: Annotated[
        Sequence[str],
        Option(
            "--by",
            metavar="KEY",
            convert=by_of,
            help="Add up by stack, owner, cause, cloud or tag:KEY; repeat it for several. "
            "[default: stack]",
        ),
    ] = (),
    stacks: Annotated[
        Sequence[str],
        Option("--stack", "-s", metavar="PATTERN", help="Only stacks of this name (* allowed)."),
    ] = (),
    since: Annotated[
        Path | None,
        Option("--since", metavar="AUDIT", help="An earlier audit (JSON) to compare with."),
    ] = None,
    owner_tags: OwnerTagsOption = (),
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    today: TodayOption = None,
    max_size: Annotated[
        int, Option("--max-size", metavar="MIB", least=1, help="Largest state to read, in MiB.")
    ] = 256,
    jobs: Annotated[
        int | None,
        Option("--jobs", "-j", metavar="N", least=1, help="Processes (default: one a core)."),
    ] = None,
    executor: Annotated[
        str | None,
        Option("--executor", metavar="URL", help="Judge on a Dask cluster: dask://HOST:PORT."),
    ] = None,
    advisory: AdvisoryOption = False,
) -> int:
    """Judge every stack of a state backend: what idles now, and what it costs.

    Reads the states and changes nothing. Stacks that share a cluster are judged together. Exit 0 if
    the gate passes for every stack, 1 if not, 2 if a stack could not be judged (the others are
    reported).
    """
    from zerofloor.cli.auditing import AuditOptions, run_audit
    from zerofloor.cli.output import refuse_one_place, say

    targets = [(one.form, one.path or output) for one in forms] or [(AuditFormat.TABLE, output)]
    refuse_one_place([path for _, path in targets])  # before anything is read
    found = run_audit(
        AuditOptions(
            url=backend,
            stacks=tuple(stacks),
            since=since,
            owner_tags=tuple(owner_tags),
            settings=settings,
            policy=policy,
            today=day(today),
            max_bytes=max_size * MIB,
            jobs=jobs,
            executor=executor,
        )
    )
    _emit(found, targets, tuple(by) or ("stack",))
    if found.problems:
        return 2
    if found.fails and advisory:
        say("advisory: the gate fails; without --advisory this is exit 1")
    return 1 if found.fails and not advisory else 0


def _emit(
    found: Audit, targets: Sequence[tuple[AuditFormat, Path | None]], by: Sequence[str]
) -> None:
    from zerofloor.cli.output import emit_texts
    from zerofloor.estates.reports.formats import render

    emit_texts(targets, lambda form, view: render(found, by, form, view))
