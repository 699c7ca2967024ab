"""`zerofloor adopt`: the files to merge so that only new waste is blocked."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from zerofloor.cli.app import MIB, OwnerTagsOption, PolicyOption, SettingsOption, TodayOption
from zerofloor.cli.parsing import Argument, Option, day
from zerofloor.estates.adopt import CI, NO_OWNER

if TYPE_CHECKING:
    from zerofloor.estates.adopt import File, Plan
    from zerofloor.estates.values import Audit
    from zerofloor.settings import Waiver


def adopt(
    source: Annotated[
        str | None,
        Argument(
            metavar="AUDIT|BACKEND",
            help="An audit (JSON), or a backend to audit (default: what `pulumi` itself uses).",
        ),
    ] = None,
    folder: Annotated[
        Path, Option("--output", "-o", metavar="DIR", help="Folder for the files.")
    ] = Path("zerofloor-adoption"),
    days: Annotated[
        int, Option("--days", metavar="N", least=1, help="Days until the waivers expire.")
    ] = 90,
    owner: Annotated[
        str,
        Option(
            "--owner", metavar="NAME", help="Owner of resources whose tags and labels name none."
        ),
    ] = NO_OWNER,
    owner_tags: OwnerTagsOption = (),
    ci: Annotated[CI, Option("--ci", help="Whose workflow files to write.")] = "github",
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace existing files that differ.")
    ] = False,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    today: TodayOption = None,
) -> int:
    """Write what to merge so that from now on only new waste is blocked.

    Waivers for what idles today (with owners, a last day and caps), the organisation's policy,
    settings and CI files, each with its reason. Existing files are kept. Exit 0 if every
    stack's gate passes with them, 1 if a finding is not covered, 2 if a stack could not be judged.
    """
    from zerofloor.cli.output import say
    from zerofloor.errors import InputError
    from zerofloor.estates.adopt import Terms, plan, uncovered

    if not owner.strip():
        raise InputError("--owner is empty: name who owns what has no owner")
    on = day(today)
    found = _audit(source, tuple(owner_tags), settings, policy, on)
    planned = plan(found, Terms(today=on, days=days, owner=owner, ci=ci))
    _check(planned, folder)
    if not overwrite:
        _in_force(folder)  # What is kept must be readable, before anything is written.
    outcomes = _write(planned.files, folder, overwrite=overwrite)
    _tell(planned, folder, outcomes)
    waivers, known = _in_force(folder)
    open_points = [
        (seen, why)
        for seen, why in uncovered(planned.blocking, waivers, on)
        if seen.fingerprint not in known
    ]
    for seen, why in open_points:
        say(f"not covered: {seen.stack} {seen.rule} {seen.urn or 'the whole stack'}: {why}")
    if found.problems:
        return 2
    return 1 if open_points else 0


def _audit(
    source: str | None,
    owner_tags: tuple[str, ...],
    settings: Path | None,
    policy: Path | None,
    today: datetime.date,
) -> Audit:
    from zerofloor.cli.auditing import AuditOptions, run_audit
    from zerofloor.cli.output import say
    from zerofloor.estates.since import read_audit

    if source is None or "://" in source or Path(source).is_dir():
        return run_audit(
            AuditOptions(
                url=source,
                today=today,
                max_bytes=256 * MIB,
                owner_tags=owner_tags,
                settings=settings,
                policy=policy,
            )
        )
    found = read_audit(Path(source))
    for problem in found.problems:
        say(f"{problem.stack or found.backend}: {problem.why}")
    return found


def _check(planned: Plan, folder: Path) -> None:
    """Raises InputError where the settings can't be read back, or the folder can't be one."""
    import yaml

    from zerofloor.errors import InputError
    from zerofloor.settings import parse

    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    for file in planned.files:
        if file.path.endswith(".yaml"):
            parse(yaml.safe_load(file.text), file.path)


def _write(files: Sequence[File], folder: Path, *, overwrite: bool) -> dict[str, str]:
    """What became of each file: written, unchanged or kept."""
    from zerofloor.cli.output import emit
    from zerofloor.errors import InputError

    outcomes = {}
    for file in files:
        path = folder / file.path
        try:
            there = path.read_text(encoding="utf-8") if path.exists() else None
            path.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise InputError(f"{path}: can't be written: {why}") from None
        if there == file.text:
            outcomes[file.path] = "unchanged"
        elif there is not None and not overwrite:
            outcomes[file.path] = "kept"
        else:
            emit(file.text, path)
            outcomes[file.path] = "written"
    return outcomes


def _tell(planned: Plan, folder: Path, outcomes: dict[str, str]) -> None:
    from zerofloor.cli.output import emit, terminal_width
    from zerofloor.words import counted

    emit("\n".join(_lines(planned, folder, outcomes, terminal_width())) + "\n")
    owners = {waiver.owner for waiver in planned.waivers}
    waived = counted(len(planned.waivers), "waiver")
    emit(f"\n{waived} for {counted(len(owners), 'owner')}: {', '.join(sorted(owners)) or 'none'}\n")


def _lines(planned: Plan, folder: Path, outcomes: dict[str, str], width: int) -> Iterator[str]:
    from zerofloor.reports.layout import wrapped

    for file in planned.files:
        outcome = outcomes[file.path]
        if outcome == "kept":
            outcome = "kept as it is (it differs; --overwrite replaces it)"
        yield f"{folder / file.path}: {outcome}"  # never wrapped: a path is to be copied
        yield from wrapped(file.reason, width, indent="  ")


def _in_force(folder: Path) -> tuple[tuple[Waiver, ...], frozenset[str]]:
    """The waivers that are in the folder now, and the fingerprints that its baseline knows."""
    from zerofloor.estates.adopt import BASELINE, WAIVERS
    from zerofloor.gate.baseline import read
    from zerofloor.settings import load

    baseline = folder / BASELINE
    known = frozenset(read(baseline).known) if baseline.exists() else frozenset()
    waivers = folder / WAIVERS
    return load(waivers).waivers if waivers.exists() else (), known
