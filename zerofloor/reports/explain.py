"""What keeps one GPU alive, link by link; and a rule's page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence, Set

from zerofloor.capacity import Accounted, Evidence
from zerofloor.errors import InputError
from zerofloor.floor.result import Entry, Verdict
from zerofloor.floor.settling import how_to_settle
from zerofloor.money import ZERO
from zerofloor.report import Finding, Report
from zerofloor.reports.phrases import cost_of
from zerofloor.reports.visible import visible
from zerofloor.rules.rule import Rule
from zerofloor.spelling import did_you_mean
from zerofloor.stack import Resource, Stack
from zerofloor.words import counted, hours, link, open_point, sentence, short, unique

NOBODY_CAN_CHANGE = (
    "While the source of a trigger fails, KEDA keeps what runs, or what a fallback says, "
    "at least one: no setting prevents that. "
    "Watch the ScaledObject's errors."
)
"""No fallback is perfect: all of them hold (seen on the real controller)."""

SCALED_OBJECT = "keda.sh/v1alpha1:ScaledObject"


SHORTHAND = "`resources:` is a shorthand: type, name and inputs of Pulumi resources."
"""Of an example that isn't Kubernetes' own."""


def resource_page(report: Report, stacks: Sequence[Stack], asked: str, *, width: int = 80) -> str:
    """The chain behind the verdict on the resource that `asked` means: a URN, the end of one, or a
    name that only one has.

    Raises InputError where none or several are meant.
    """
    resources = {resource.urn: resource for stack in stacks for resource in stack.resources}
    resource, others = _meant(asked, report, resources)
    parts = [*_page(report, resource, resources), *_of_the_same_name(others)]
    lines = [line for part in parts for line in _wrapped(part, width)]
    return "\n".join(lines) + "\n"


def _of_the_same_name(urns: Sequence[str]) -> Iterator[str]:
    for urn in urns[:5]:
        yield f"Of the same name: `zerofloor explain {_brief(urn)} --from …`."


def _brief(urn: str) -> str:
    """`Deployment::default/llm`: an end of the URN that is enough to ask for it, mostly."""
    kind, _, name = short(urn).rpartition("::")
    return f"{kind.rpartition(':')[2]}::{name}"


def rule_page(rule: Rule) -> str:
    """All that a rule says about itself, with both examples."""
    parts = [
        f"{rule.id} {rule.name} ({rule.severity}, since {rule.since})",
        "",
        f"{rule.title}.",
        "",
        *textwrap.wrap(rule.why, 80),
        "",
        *textwrap.wrap(f"Change: {rule.fix}", 80),
        "",
        "Bad:",
        "",
        textwrap.indent(rule.bad.rstrip("\n"), "    "),
        "",
        "Good:",
        "",
        textwrap.indent(rule.good.rstrip("\n"), "    "),
    ]
    if "resources:" in rule.bad:
        parts += ["", SHORTHAND]
    return "\n".join(parts) + "\n"


def _meant(
    asked: str, report: Report, resources: Mapping[str, Resource]
) -> tuple[Resource, Sequence[str]]:
    """The resource that is asked for, and the URNs of others of that name that have findings.

    What has to do with a GPU comes first, pools and workloads before what decides about them: a
    name may also be that of a Service, a chart or a scaler.
    """
    if asked in resources:
        return resources[asked], ()
    entries = {entry.urn for entry in report.floor.entries}
    of_interest = entries | {finding.urn for finding in report.findings}
    for urns in (of_interest & resources.keys(), resources.keys()):
        chosen = _called(asked, urns, resources)
        first = [urn for urn in chosen if urn in entries] or chosen
        if len(first) == 1:
            return resources[first[0]], [urn for urn in chosen if urn != first[0]]
        if first:
            raise InputError(
                f"{asked}: {counted(len(first), 'resource')} are meant: "
                f"{', '.join(short(urn) for urn in first[:5])}"
            )
    raise InputError(f"{asked}: no such resource{_instead(asked, of_interest, resources)}")


def _called(asked: str, urns: Set[str], resources: Mapping[str, Resource]) -> list[str]:
    """Those that a name or the end of a URN means: whole names before ends of names."""
    found = [urn for urn in sorted(urns) if urn.endswith(asked) or resources[urn].name == asked]
    exact = [
        urn
        for urn in found
        if resources[urn].name == asked or urn.endswith((f"::{asked}", f"/{asked}"))
    ]
    return exact or found


def _instead(asked: str, of_interest: Set[str], resources: Mapping[str, Resource]) -> str:
    """What may have been meant, or the names of what has to do with a GPU."""
    names: list[str] = []
    for urn in (*sorted(of_interest & resources.keys()), *sorted(resources)):
        name = resources[urn].name
        names += (name, name.rpartition("/")[2])
    near = did_you_mean(asked, names)
    if near or not of_interest:
        return near or "; nothing here has to do with a GPU"
    some = [_brief(urn) for urn in sorted(of_interest & resources.keys())]
    return f"; there are {', '.join(some[:5])}" + (f" and {len(some) - 5} more" * (len(some) > 5))


def _carriers(entry: Entry, report: Report) -> Iterator[str]:
    """The pools on which a workload runs."""
    for urn in entry.carried_by:
        pool = next((one for one in report.floor.entries if one.urn == urn), None)
        if pool is not None:
            nodes = f", {counted(pool.nodes, 'node')}" if pool.nodes else ""
            yield f"It runs on {pool.platform} {pool.name}{nodes}."


def _without_gpu(report: Report, resource: Resource) -> Iterator[str]:
    """What there is to say of a resource that has no part in the verdict."""
    known = [one for one in report.floor.accounted if one.urn == resource.urn]
    for one in known:
        yield f"{short(resource.urn)} names a GPU that does not count: {_reason(one)}."
    if not known:
        yield f"{short(resource.urn)}: nothing here has to do with a GPU."


def _decided(
    decided: list[Entry],
    findings: list[Finding],
    resource: Resource,
    resources: dict[str, Resource],
) -> Iterator[str]:
    """The pools and workloads that a resource, itself neither, decides about."""
    if not decided:
        yield f"{short(resource.urn)}: neither a pool nor a workload."
        return
    yield f"{short(resource.urn)} decides about:"
    for entry in decided:
        yield _verdict(entry, findings)
        yield from _links(entry, resources)


def _page(report: Report, resource: Resource, resources: dict[str, Resource]) -> Iterator[str]:
    entries = [one for one in report.floor.entries if one.urn == resource.urn]
    findings = [finding for finding in report.findings if finding.urn == resource.urn]
    guests = [one for one in report.floor.entries if resource.urn in one.carried_by]
    for entry in entries:
        yield _verdict(entry, findings)
        yield from _links(entry, resources)
        yield from _carriers(entry, report)
    for guest in guests:
        yield f"It carries {guest.platform} {guest.name} ({guest.verdict})."
    if not entries:
        decided = [
            one
            for one in report.floor.entries
            if any(link.urn == resource.urn for link in _chain(one))
        ]
        if not decided and not findings:
            yield from _without_gpu(report, resource)
            return
        yield from _decided(decided, findings, resource, resources)
    for finding in findings:
        yield (
            f"{finding.rule} {finding.name}: {finding.message}"
            if not entries or not finding.evidence
            else f"{finding.rule} {finding.name}"
        )
        if finding.fix:
            yield f"Change: {finding.fix}"
        if finding.waived_by:
            yield f"Waived by {finding.waived_by}."
    yield from _changes_elsewhere(entries, guests, resource, findings)
    if any(
        resources[e.urn].type.endswith(SCALED_OBJECT)
        for e in _evidence(entries, findings)
        if e.urn in resources
    ):
        yield NOBODY_CAN_CHANGE


def _reason(known: Accounted) -> str:
    return f"{known.path}: {known.because}" if known.path else known.because


def _chain(entry: Entry) -> tuple[Evidence, ...]:
    return (*entry.evidence, *(link for hold in entry.holds for link in hold.evidence))


def _changes_elsewhere(
    entries: list[Entry], guests: list[Entry], resource: Resource, findings: list[Finding]
) -> Iterator[str]:
    """What would let a held GPU go where no finding on this resource says it: what holds may stand
    in another one."""
    said = {finding.declared_fix for finding in findings}
    held = [entry for entry in entries if entry.verdict is Verdict.HELD]
    for hold in unique(
        hold for entry in (*held, *(guests if held else ())) for hold in entry.holds
    ):
        if hold.fix not in said:
            where = "" if hold.urn == resource.urn else f" (in {short(hold.urn)})"
            yield sentence(f"Change: {hold.fix}{where}")


def _evidence(entries: list[Entry], findings: list[Finding]) -> Iterator[Evidence]:
    for entry in entries:
        yield from entry.evidence
    for finding in findings:
        yield from finding.evidence


def _verdict(entry: Entry, findings: list[Finding]) -> str:
    priced = [finding for finding in findings if finding.monthly is not None]
    parts = [f"{entry.platform} {entry.name}: {entry.verdict}"]
    if entry.gpus:
        parts.append(
            counted(entry.gpus, "GPU")
            + (f" on {counted(entry.nodes, 'node')}" if entry.nodes else "")
        )
        parts.append(hours(entry.hours_per_week))
    if priced:
        parts.append(cost_of(max(priced, key=lambda one: (one.monthly or ZERO).amount)))
    return ", ".join(parts) + "."


def _links(entry: Entry, resources: dict[str, Resource]) -> Iterator[str]:
    shown = unique((*entry.evidence, *(one for hold in entry.holds for one in hold.evidence)))
    for number, one in enumerate(shown, 1):
        other = resources.get(one.urn)
        where = (
            ""
            if one.urn == entry.urn or other is None
            else f"{other.type.rsplit(':', 1)[-1]} {other.name}: "
        )
        yield f"  {number}. {where}{link(one)}"
    for open_one in entry.undecided:
        settle = how_to_settle(open_one, resources.get(open_one.urn))
        yield f"  ?  {sentence(open_point(open_one))} To resolve: {sentence(settle)}"


def _wrapped(text: str, width: int) -> list[str]:
    indent = len(text) - len(text.lstrip())
    hang = " " * (indent + 3 if indent else 2)
    return textwrap.wrap(visible(text), width, subsequent_indent=hang, break_on_hyphens=False) or [
        ""
    ]
