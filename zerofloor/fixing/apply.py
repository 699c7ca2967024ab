"""Tries the change of each finding on the files, judges again, and keeps what makes it better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zerofloor.capacity import Change
from zerofloor.errors import InputError
from zerofloor.fixing.paths import steps_of
from zerofloor.fixing.yaml_text import NotEditable
from zerofloor.report import Finding, Report, Severity
from zerofloor.structs import Value
from zerofloor.values import at

Texts = Mapping[str, str]
"""The text of each file, by its name."""


class Judged(Value, frozen=True):
    """The files as they were judged."""

    report: Report
    inputs: Mapping[str, Any]
    """The inputs of each resource, by its URN."""


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
    also: tuple[str, ...] = ()
    """The URNs of other resources that it changes."""


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


Judge = Callable[[Texts], Judged]
Editor = Callable[[Finding, Texts, Judged], Iterator[Edit]]
"""The ways to make a finding's change in the files as they were judged, the best first. Raises
NotEditable where a person must do it."""


def apply_changes(
    texts: Texts, judge: Judge, edits_for: Editor, *, warnings: bool = False
) -> Outcome:
    """Makes the changes of the findings that fail the gate, with `warnings` of all, one by one.

    A change is kept where the properties are as it says, its finding is gone, every resource is
    still there, no other finding that fails the gate is new, and no more GPUs are held; else the
    files stay as they were. Raises InputError where the files as they are can't be judged.
    """
    before = judged = judge(texts)
    now = dict(texts)
    applied: list[Applied] = []
    left: dict[str, Left] = {}
    while True:
        finding = next(
            (one for one in _wanted(judged.report, warnings) if one.fingerprint not in left), None
        )
        if finding is None:
            break
        kept, why = _first_better(finding, now, judged, judge, edits_for)
        if kept is None:
            left[finding.fingerprint] = Left(finding, why)
            continue
        edit, new = kept
        now |= edit.texts
        applied.append(Applied(finding, edit.what, tuple(_also(finding, judged, new))))
        judged = new
    changed = {name: text for name, text in now.items() if text != texts.get(name)}
    return Outcome(changed, tuple(applied), tuple(left.values()), before.report, judged.report)


def _also(finding: Finding, old: Judged, new: Judged) -> Iterator[str]:
    meant = {change.urn for change in finding.change}
    for urn in sorted(new.inputs.keys() - meant):
        if new.inputs[urn] != old.inputs.get(urn):
            yield urn


def _wanted(report: Report, warnings: bool) -> Iterator[Finding]:
    for finding in report.findings:
        blocks = finding.severity is Severity.ERROR and finding.waived_by is None
        if blocks or (warnings and finding.change and finding.waived_by is None):
            yield finding


def _first_better(
    finding: Finding,
    texts: Texts,
    old: Judged,
    judge: Judge,
    edits_for: Editor,
) -> tuple[tuple[Edit, Judged] | None, str]:
    """The first edit that helps, with the judgement on it; else why none does."""
    if not finding.change:
        return None, f"a person must decide: {finding.fix}"
    why = "the value isn't written in these files as it is"
    try:
        for edit in edits_for(finding, texts, old):
            try:
                new = judge({**texts, **edit.texts})
            except InputError as error:
                why = f"the files could not be judged afterwards: {error}"
                continue
            if _is_as_asked(finding, old, new) and _is_better(finding, old.report, new.report):
                return (edit, new), ""
            why = "the change doesn't end it, or holds something else"
    except NotEditable as error:
        why = str(error)
    return None, why


def _is_as_asked(finding: Finding, old: Judged, new: Judged) -> bool:
    """Whether the changed properties are what the finding asks for, in the same resources: a value
    that is equal by chance may come from elsewhere."""
    if old.inputs.keys() - new.inputs.keys():
        return False
    return all(_is_made(change, new.inputs) for change in finding.change)


def _is_made(change: Change, inputs: Mapping[str, Any]) -> bool:
    steps = steps_of(change.path)
    if change.to is None and isinstance(steps[-1], int):
        return True  # The next element has its number now.
    now = at(inputs[change.urn], *steps)
    if change.to is None:
        return now is None or now == {}
    return now == change.to or str(now) == str(change.to)


def _is_better(finding: Finding, old: Report, new: Report) -> bool:
    remaining = {one.fingerprint for one in new.findings if one.waived_by is None}
    known = {one.fingerprint for one in old.findings}
    worse = [one for one in _wanted(new, warnings=False) if one.fingerprint not in known]
    held_before, held_now = old.floor.gpus or 0, new.floor.gpus or 0
    return finding.fingerprint not in remaining and not worse and held_now <= held_before
