"""A whole backend: each stack judged by itself, then those that share clusters together, then one
sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatchcase

import msgspec

from zerofloor.errors import InputError
from zerofloor.estates.executors import Executor, Task, executor_of, tasks_for
from zerofloor.estates.judging import How
from zerofloor.estates.links import ambiguous_in, groups_in
from zerofloor.estates.opening import open_backend
from zerofloor.estates.values import (
    Assumed,
    Audit,
    GroupResult,
    Line,
    Listing,
    Notice,
    Problem,
    StackRef,
    StackResult,
    StackSummary,
)
from zerofloor.settings.writing import written
from zerofloor.structs import Value

Progress = Callable[[int, int], None]
"""Told how many stacks of how many are judged."""


class Asked(Value, frozen=True, kw_only=True):
    """What an audit is to look at."""

    how: How
    patterns: tuple[str, ...] = ()
    """Stacks by name, with `*`; none: all."""
    executor: str | None = None
    jobs: int | None = None


def audit(asked: Asked, progress: Progress) -> Audit:
    """The audit of a backend. Raises InputError where the backend can't be listed at all."""
    backend = open_backend(asked.how.url)
    with closing(backend):
        listing = _chosen(backend.stacks(), asked.patterns)
    executor = executor_of(asked.executor, len(listing.stacks), asked.jobs)
    results, twins = _without_twins(_judged(executor, asked.how, listing.stacks, progress))
    indices = groups_in(results)
    tasks = [Task("group", tuple(results[index].ref for index in group)) for group in indices]
    joint = sorted(executor.run(asked.how, tasks)) if tasks else []
    groups = [_group(result[0]) for _, result in joint]
    problems = (*listing.problems, *twins, *(p for one in results for p in one.problems))
    return _summed(
        asked,
        backend.name,
        results,
        groups,
        problems=problems,
        notices=tuple(_notices(results)),
    )


def _chosen(listing: Listing, patterns: tuple[str, ...]) -> Listing:
    if not listing.stacks:
        raise InputError("the backend has no stacks: nothing was judged")
    if not patterns:
        return listing
    chosen = tuple(
        ref for ref in listing.stacks if any(fnmatchcase(ref.name, one) for one in patterns)
    )
    if not chosen:
        raise InputError(f"no stack of the backend matches {', '.join(patterns)}")
    return replace(listing, stacks=chosen)


def _judged(
    executor: Executor, how: How, refs: Sequence[StackRef], progress: Progress
) -> list[StackResult]:
    """A result for each stack, in the order of the stacks, whatever order they were done in."""
    tasks = tasks_for(executor, refs)
    found: dict[int, tuple[bytes, ...]] = {}
    done = 0
    progress(0, len(refs))
    for number, results in executor.run(how, tasks):
        found[number] = results
        done += len(results)
        progress(done, len(refs))
    return [_stack(one) for number in range(len(tasks)) for one in found[number]]


def _stack(data: bytes) -> StackResult:
    return msgspec.json.decode(data, type=StackResult)


def _group(data: bytes) -> GroupResult:
    return msgspec.json.decode(data, type=GroupResult)


def _without_twins(
    results: Sequence[StackResult],
) -> tuple[list[StackResult], list[Problem]]:
    """Several states of one stack (a copy, the older layout beside the newer) are the same
    resources: the one whose place is the stack's own counts."""
    by_identity: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, result in enumerate(results):
        if result.identity:
            by_identity[result.ref.organisation, result.identity].append(index)
    kept, problems = list(results), []
    for (_, identity), indices in sorted(by_identity.items()):
        owner = next((i for i in indices if _own_name(results[i]) == identity), indices[0])
        for index in indices:
            if index == owner:
                continue
            ref, other = results[index].ref, results[owner].ref.name
            why = f"its state is that of the stack {identity}, as is that of {other}: not counted"
            problems.append(Problem(ref.name, why))
            kept[index] = StackResult(ref=ref, problems=results[index].problems)
    return kept, problems


def _own_name(result: StackResult) -> str:
    return f"{result.ref.project}/{result.ref.stack}"


def _notices(results: Sequence[StackResult]) -> Iterator[Notice]:
    for result in results:
        yield from result.notices
    for index, name, others in ambiguous_in(results):
        if any(results[i].involved for i in (index, *others)):
            named = ", ".join(results[i].ref.name for i in others)
            what = f"its cluster {name} is declared by several stacks ({named}): judged alone"
            yield Notice(results[index].ref.name, what)


def _summed(
    asked: Asked,
    backend: str,
    results: Sequence[StackResult],
    groups: Sequence[GroupResult],
    *,
    problems: Iterable[Problem],
    notices: tuple[Notice, ...],
) -> Audit:
    failed = [group for group in groups if group.problems]
    joined = {name: group for group in groups if not group.problems for name in group.stacks}
    lines = [line for one in results if one.ref.name not in joined for line in one.lines]
    lines += [line for group in groups for line in group.lines]
    findings = [seen for one in results for seen in one.findings]
    findings += [seen for group in groups for seen in group.findings]
    by_stack: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_stack[line.stack].append(line)
    money = next((one for one in results if one.snapshot), None)
    return Audit(
        backend=backend,
        today=asked.how.today,
        currency=money.currency if money else "USD",
        snapshot=money.snapshot if money else "",
        snapshot_as_of=money.snapshot_as_of if money else "",
        stacks=tuple(_summary(one, joined, by_stack[one.ref.name]) for one in results),
        lines=tuple(sorted(lines, key=_by_cost)),
        findings=tuple(sorted(findings, key=lambda f: (f.stack, f.rule, f.urn, f.joined))),
        problems=tuple(
            sorted(
                {*problems, *(_together(group) for group in failed)},
                key=lambda problem: (problem.stack, problem.why),
            )
        ),
        notices=tuple(sorted(notices, key=lambda notice: (notice.stack, notice.what))),
        assumptions=tuple(_assumed(results, joined)),
        settings=tuple(one.file for one in asked.how.settings.in_force.sources),
        in_force=written(asked.how.settings),
    )


def _assumed(
    results: Sequence[StackResult], joined: Mapping[str, GroupResult]
) -> Iterator[Assumed]:
    """What the verdicts in force assume, each once."""
    counts: Counter[tuple[str, str]] = Counter()
    for result in results:
        group = joined.get(result.ref.name)
        if result.involved:
            counts.update((group or result).assumptions)
    for (what, because), stacks in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        yield Assumed(what, because, stacks)


def _together(group: GroupResult) -> Problem:
    named = ", ".join(group.stacks[:4]) + ("…" if len(group.stacks) > 4 else "")
    return Problem(
        group.stacks[0],
        f"it can't be judged together with the stacks of its cluster ({named}), each was judged "
        f"alone: {group.problems[0].why}",
    )


def _summary(
    result: StackResult, joined: Mapping[str, GroupResult], own: Sequence[Line]
) -> StackSummary:
    name = result.ref.name
    group = joined.get(name)
    gate = result.gate
    if group is not None:
        fails = any(one.blocks and one.stack == name for one in group.findings)
        gate = "fail" if fails else "pass"
    return StackSummary(
        name=name,
        resources=result.resources,
        judged=bool(result.snapshot),
        gate=gate,
        monthly=sum((line.monthly for line in own), Decimal(0)),
        gpus=sum((line.gpus or Decimal(0) for line in own), Decimal(0)),
        undecided=sum(line.state == "undecided" for line in own),
        joined=tuple(one for one in group.stacks if one != name) if group else (),
    )


def _by_cost(line: Line) -> tuple[Decimal, str, str, str, str]:
    return -line.monthly, line.stack, line.urn, line.held_by, line.cause
