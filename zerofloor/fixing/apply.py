"""Tries the change of each finding on the files, judges again, and keeps what makes it better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from zerofloor.errors import InputError
from zerofloor.fixing.yaml_text import NotEditable
from zerofloor.report import Finding, Report, Severity
from zerofloor.structs import Value

Texts = Mapping[str, str]
"""The text of each file, by its name."""


class Edit(Value, frozen=True):
    """The files with one finding's change made."""

    texts: Texts
    """Those that differ."""
    what: str
    """What was changed, for people: `models.yaml: spec.minReplicaCount`."""


class Applied(Value, frozen=True):
    """A finding that its change ended."""

    finding: Finding
    what: str


class Left(Value, frozen=True):
    """A finding that stays."""

    finding: Finding
    why: str


class Outcome(Value, frozen=True):
    """What came of all the changes."""

    texts: Texts
    """The files that differ from those at the start."""
    applied: tuple[Applied, ...]
    left: tuple[Left, ...]
    before: Report
    after: Report


Editor = Callable[[Finding, Texts], Iterator[Edit]]
"""The ways to make a finding's change in the files, the best first. Raises NotEditable where a
person must do it."""


def apply_changes(
    texts: Texts, judge: Callable[[Texts], Report], edits_for: Editor, *, warnings: bool = False
) -> Outcome:
    """Makes the changes of the findings that fail the gate, with `warnings` of all, one by one.

    A change is kept where its finding is gone, no other that fails the gate is new, and no more
    GPUs are held; else the files stay as they were. Raises InputError where the files as they are
    can't be judged.
    """
    before = report = judge(texts)
    now = dict(texts)
    applied: list[Applied] = []
    left: dict[str, Left] = {}
    while True:
        finding = next(
            (one for one in _wanted(report, warnings) if one.fingerprint not in left), None
        )
        if finding is None:
            break
        kept, why = _first_better(finding, now, report, judge, edits_for)
        if kept is None:
            left[finding.fingerprint] = Left(finding, why)
            continue
        edit, report = kept
        now |= edit.texts
        applied.append(Applied(finding, edit.what))
    changed = {name: text for name, text in now.items() if text != texts.get(name)}
    return Outcome(changed, tuple(applied), tuple(left.values()), before, report)


def _wanted(report: Report, warnings: bool) -> Iterator[Finding]:
    for finding in report.findings:
        blocks = finding.severity is Severity.ERROR and finding.waived_by is None
        if blocks or (warnings and finding.change and finding.waived_by is None):
            yield finding


def _first_better(
    finding: Finding,
    texts: Texts,
    report: Report,
    judge: Callable[[Texts], Report],
    edits_for: Editor,
) -> tuple[tuple[Edit, Report] | None, str]:
    """The first edit that helps, with the report on it; else why none does."""
    if not finding.change:
        return None, f"a person must decide: {finding.fix}"
    why = "the value isn't written in these files as it is"
    try:
        for edit in edits_for(finding, texts):
            try:
                new = judge({**texts, **edit.texts})
            except InputError as error:
                why = f"the files could not be judged afterwards: {error}"
                continue
            if _is_better(finding, report, new):
                return (edit, new), ""
            why = "the change doesn't end it, or holds something else"
    except NotEditable as error:
        why = str(error)
    return None, why


def _is_better(finding: Finding, old: Report, new: Report) -> bool:
    remaining = {one.fingerprint for one in new.findings if one.waived_by is None}
    known = {one.fingerprint for one in old.findings}
    worse = [one for one in _wanted(new, warnings=False) if one.fingerprint not in known]
    held_before, held_now = old.floor.gpus or 0, new.floor.gpus or 0
    return finding.fingerprint not in remaining and not worse and held_now <= held_before
