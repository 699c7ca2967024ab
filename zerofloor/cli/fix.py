"""`zerofloor fix PATH…`: applies the changes of findings where the values are written."""

from __future__ import annotations

import difflib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from zerofloor.cli.app import (
    EngineOption,
    PolicyOption,
    SettingsOption,
    StackOption,
    TimeLimitOption,
    TodayOption,
)
from zerofloor.cli.parsing import Argument, Option, day
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.cli.inputs import Chosen, Previewing
    from zerofloor.fixing.apply import Outcome, Texts
    from zerofloor.report import Finding, Report

SCHEMA: Final = "zerofloor.fix/1"
SKIPPED: Final = ("node_modules", ".venv", "venv", ".git", "__pycache__", ".pulumi")


_WHAT: Final = {
    "cloudformation": "a CloudFormation template",
    "digest": "a preview",
    "events": "an event log",
    "export": "a stack export",
    "plan": "a Terraform plan or state",
}


def fix(
    paths: Annotated[
        list[str],
        Argument(metavar="PATH", help="Manifests, a folder of them, or one folder of a program."),
    ],
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print the changes as a diff and write nothing.")
    ] = False,
    warnings: Annotated[
        bool, Option("--warnings", help="Also apply changes for warnings, not only for errors.")
    ] = False,
    patch: Annotated[
        Path | None,
        Option(
            "--patch",
            metavar="FILE",
            help="Write the changes of Python, TypeScript and Go source to FILE "
            "(default: print them).",
        ),
    ] = None,
    form: Annotated[
        Literal["table", "json", "github"],
        Option(
            "--format",
            "-f",
            help="Format of the result; github: suggestion blocks for a pull request.",
        ),
    ] = "table",
    stack: StackOption = None,
    engine: EngineOption = "auto",
    time_limit: TimeLimitOption = 120,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    today: TodayOption = None,
) -> int:
    """Apply the changes of findings to manifests, programs and stack configuration.

    Each change is judged: it is kept where its finding is gone and nothing else got worse. YAML is
    changed in place, every other byte kept; a change of source code is a suggestion, printed as a
    diff. Findings that a person must decide are listed. Exit 0 if the gate passes afterwards, else
    1.
    """
    from zerofloor.cli.inputs import Chosen, Previewing, is_program
    from zerofloor.cli.output import emit
    from zerofloor.errors import InputError

    chosen = Chosen(settings, policy, day(today))
    if any(is_program(Path(path)) for path in paths):
        if len(paths) > 1:
            raise InputError("fix: one folder with a program at a time")
        how = Previewing(stack, engine, time_limit)
        target = _program(Path(paths[0]), how, chosen)
    else:
        target = _manifests(paths, chosen)
    outcome = target.outcome(warnings)
    written, suggested = _divided(outcome.texts)
    if not dry_run:
        for name, text in written.items():
            emit(text, target.folder / name)
    if patch is not None:
        emit("".join(_diff(target.before, suggested)), patch)
    emit(_shown(target, outcome, form, dry_run=dry_run, patched=patch is not None))
    return 0 if outcome.after.gate == "pass" else 1


class _Target(Value, frozen=True):
    """What is to be mended: its files, and how they are judged and edited."""

    folder: Path
    before: Mapping[str, str]
    judge: Any
    edits_for: Any

    def outcome(self, warnings: bool) -> Outcome:
        from zerofloor.fixing.apply import apply_changes

        return apply_changes(self.before, self.judge, self.edits_for, warnings=warnings)


def _manifests(paths: list[str], chosen: Chosen) -> _Target:
    from zerofloor.cli.inputs import STDIN, Reading, manifests_in, read_documents, settings_for
    from zerofloor.cli.judging import Asked, report_on
    from zerofloor.documents import read
    from zerofloor.errors import InputError
    from zerofloor.fixing.apply import Judged
    from zerofloor.fixing.manifests import edit_manifests

    if STDIN in paths:
        raise InputError("fix: stdin can't be changed: name the files")
    for path in paths:
        for found in read_documents(path, Reading()):
            if found.kind != "manifests":
                raise InputError(
                    f"{path}: {_WHAT.get(found.kind, found.kind)}, which `fix` doesn't change: "
                    "name the manifests, or the folder of the program that it was made from"
                )
    files = [
        file
        for path in paths
        for file in (manifests_in(Path(path)) if Path(path).is_dir() else [Path(path)])
    ]
    texts = {str(file): file.read_text(encoding="utf-8") for file in files}
    found_settings = settings_for(chosen, paths)

    def judge(now: Texts) -> Judged:
        stacks = [read(name, text.encode()) for name, text in now.items()]
        report = report_on(stacks, *found_settings, Asked(chosen.today))
        return Judged(report, {one.urn: one.inputs for stack in stacks for one in stack.resources})

    return _Target(Path(), texts, judge, edit_manifests)


def _program(folder: Path, how: Previewing, chosen: Chosen) -> _Target:
    """The program's files; it is previewed from a copy with the changed ones."""
    import os
    from dataclasses import replace
    from functools import partial

    from zerofloor.cli import inputs
    from zerofloor.cli.judging import Asked, report_on
    from zerofloor.engine.project import choose_stack
    from zerofloor.fixing.apply import Judged
    from zerofloor.fixing.literals import CODE
    from zerofloor.fixing.program import edit_program

    stack = choose_stack(folder, how.stack, os.environ)
    named = replace(how, stack=stack)
    config_file = f"Pulumi.{stack}.yaml"
    found_settings = inputs.settings_for(chosen, [str(folder)])
    texts = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".yaml", ".yml", *CODE) and path.is_file()
        if not set(path.relative_to(folder).parts) & set(SKIPPED)
    }

    def judge(now: Texts) -> Judged:
        changed = {name: text for name, text in now.items() if text != texts.get(name)}
        with tempfile.TemporaryDirectory() as temporary:
            place = folder
            if changed:
                place = Path(temporary) / folder.resolve().name
                shutil.copytree(folder, place, ignore=shutil.ignore_patterns(*SKIPPED))
                for name, text in changed.items():
                    place.joinpath(name).write_text(text, encoding="utf-8")
            found = inputs.preview(place, named, found_settings[0])
        report = report_on((found,), *found_settings, Asked(chosen.today))
        return Judged(report, {one.urn: one.inputs for one in found.resources})

    return _Target(folder, texts, judge, partial(edit_program, config_file=config_file))


def _divided(texts: Texts) -> tuple[dict[str, str], dict[str, str]]:
    """What is written in place, and source code, which is only suggested."""
    from zerofloor.fixing.literals import CODE

    suggested = {name: text for name, text in texts.items() if Path(name).suffix in CODE}
    return {name: text for name, text in texts.items() if name not in suggested}, suggested


def _diff(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(after):
        old = before.get(name, "").splitlines(keepends=True)
        new = after[name].splitlines(keepends=True)
        yield from difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")


def _shown(target: _Target, outcome: Outcome, form: str, *, dry_run: bool, patched: bool) -> str:
    if form == "json":
        return json.dumps(_document(target, outcome, dry_run=dry_run), indent=2) + "\n"
    if form == "github":
        return "".join(_suggestions(target.before, outcome.texts))
    from zerofloor.reports.visible import visible

    written, suggested = _divided(outcome.texts)
    lines = list(_told(outcome, dry_run=dry_run))
    shown = {**(written if dry_run else {}), **({} if patched else suggested)}
    lines += [line.rstrip("\n") for line in _diff(target.before, shown)]
    return "".join(f"{visible(line)}\n" for line in lines)


def _told(outcome: Outcome, *, dry_run: bool) -> Iterator[str]:
    from zerofloor.reports.phrases import verdict

    if not outcome.applied and not outcome.left:
        yield "Nothing to change."
    for applied in outcome.applied:
        also = [_name(urn) for urn in applied.also]
        more = f" It also changes {', '.join(also)}." if also else ""
        ended = "Would end" if dry_run else "Ended"
        yield f"{ended} {applied.finding.rule} by {applied.what}.{more}"
        if _leaves_off(applied.finding):
            yield (
                f"Warning: nothing here starts {_name(applied.finding.urn)} again. It stays off "
                "until you raise the value or add a scaler."
            )
    for left in outcome.left:
        yield f"Left {left.finding.rule} on {_name(left.finding.urn)}: {left.why}."
    yield f"Before: {verdict(outcome.before)}"
    yield f"After:  {verdict(outcome.after)}"


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _leaves_off(finding: Finding) -> bool:
    """Whether its change switches off what nothing starts again."""
    from zerofloor.rules import all_rules

    return any(rule.leaves_off for rule in all_rules() if rule.id == finding.rule)


def _document(target: _Target, outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    written, suggested = _divided(outcome.texts)
    return {
        "schema": SCHEMA,
        "written": [] if dry_run else sorted(written),
        "applied": [
            {
                "rule": one.finding.rule,
                "urn": one.finding.urn,
                "what": one.what,
                "also": list(one.also),
                "leaves_off": _leaves_off(one.finding),
            }
            for one in outcome.applied
        ],
        "left": [
            {"rule": one.finding.rule, "urn": one.finding.urn, "why": one.why}
            for one in outcome.left
        ],
        "diff": "".join(_diff(target.before, {**written, **suggested})),
        "before": _state(outcome.before),
        "after": _state(outcome.after),
    }


def _state(report: Report) -> dict[str, Any]:
    gpus = report.floor.gpus
    return {
        "gate": report.gate,
        "verdict": report.floor.verdict,
        "gpus": None if gpus is None else float(gpus),
    }


def _suggestions(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """For each changed run of lines the file, its lines, and a suggestion block."""
    for name in sorted(after):
        old, new = before.get(name, "").splitlines(), after[name].splitlines()
        for tag, start, end, first, last in difflib.SequenceMatcher(None, old, new).get_opcodes():
            if tag != "equal":
                lines = "\n".join(new[first:last])
                fence = "`" * max(3, _longest_fence(lines) + 1)
                place = f"{name}:{start + 1}-{max(end, start + 1)}"
                yield f"{place}\n{fence}suggestion\n{lines}\n{fence}\n"


def _longest_fence(text: str) -> int:
    import re

    return max((len(run) for run in re.findall(r"`+", text)), default=0)
