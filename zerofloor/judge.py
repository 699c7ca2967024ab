"""The whole judgement in one call: stacks -> capacity -> floor -> money -> findings -> verdict.
Every entry point (command, pack, engine) calls this and nothing else."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zerofloor import gate, platforms, rules
from zerofloor.capacity import Assumption, Capacity, Cause
from zerofloor.cost.reckon import estimate
from zerofloor.estate import Estate, estate
from zerofloor.floor.find import find_floor
from zerofloor.floor.result import EntryKind, Floor
from zerofloor.gate.baseline import with_fingerprints
from zerofloor.report import DocumentInfo, Finding, Report
from zerofloor.rules.rule import Judged, Rule
from zerofloor.settings import Settings
from zerofloor.stack import Resource, Stack

if TYPE_CHECKING:
    from zerofloor.cost.baseline import Baseline
    from zerofloor.prices.book import PriceBook


def judge(
    stacks: Sequence[Stack],
    prices: PriceBook,
    settings: Settings,
    today: datetime.date,
    *,
    baseline: Baseline | None = None,
) -> Report:
    """The report on one estate: several stacks are judged together. Against a `baseline` the change
    in cost is reported.

    Raises InputError where the settings can't be reckoned with.
    """
    whole = estate(tuple(stacks), settings, today)
    capacity = platforms.read(whole)
    judged = _weigh(whole, capacity, prices, today, baseline)
    findings = _find(judged, rules.all_rules())
    notes = (Assumption(note, "read from the document") for stack in stacks for note in stack.notes)
    return Report(
        documents=tuple(
            DocumentInfo(s.kind, s.project, s.name, s.previewed_by, s.document) for s in stacks
        ),
        gate=gate.verdict(findings),
        floor=judged.floor,
        estimate=judged.estimate,
        findings=findings,
        assumptions=_in_order((*judged.floor.assumptions, *notes)),
        today=today,
        settings=settings.in_force.sources,
        docs=settings.docs,
        schedule_cap=settings.caps.schedule_hours_per_week,
    )


def judge_resource(
    resource: Resource,
    stack_so_far: Stack,
    prices: PriceBook,
    settings: Settings,
    today: datetime.date,
) -> tuple[Finding, ...]:
    """What one resource decides by itself, before it is created: the findings of rules of the scope
    `resource`.

    Of `stack_so_far` only the configuration and the providers count, for the region.
    """
    providers = tuple(
        r
        for r in stack_so_far.resources
        if r.type.startswith("pulumi:providers:") and r.urn != resource.urn
    )
    alone = replace(
        stack_so_far, resources=tuple(sorted((*providers, resource), key=lambda r: r.urn))
    )
    if not platforms.is_read(resource.type):
        return ()  # What these rules tell of, pools and workloads, some reader must find.
    whole = estate((alone,), settings, today)
    capacity = platforms.read(whole)
    if not capacity.pools and not capacity.workloads:
        return ()
    chosen = tuple(rule for rule in rules.all_rules() if rule.scope == "resource")
    judged = _weigh(whole, capacity, prices, today)
    found = _find(judged, chosen)
    own = set(_own_minimums(judged.floor))
    if not own:
        return found
    minimum = rules.find_rule(Cause.SCALER_MINIMUM.value)
    assert minimum is not None
    more = _find(judged, (minimum,))
    return rules.in_order((*found, *(finding for finding in more if finding.urn in own)))


def _own_minimums(floor: Floor) -> Iterator[str]:
    """Services that scale themselves (Cloud Run, Container Apps, Fireworks): their minimum stands
    in their own declaration, and no other resource can lower it."""
    for entry in floor.entries:
        for hold in entry.holds if entry.kind is EntryKind.POOL else ():
            if hold.cause is Cause.SCALER_MINIMUM and hold.urn == entry.urn:
                yield entry.urn


def _weigh(
    whole: Estate,
    capacity: Capacity,
    prices: PriceBook,
    today: datetime.date,
    baseline: Baseline | None = None,
) -> Judged:
    """What the rules look at."""
    floor = find_floor(capacity, whole)
    costs = estimate(floor, whole, prices, today, baseline)
    return Judged(whole, capacity, floor, costs, whole.settings, today)


def _find(judged: Judged, chosen: tuple[Rule, ...]) -> tuple[Finding, ...]:
    """The findings of these rules, waived where the settings permit it."""
    whole, settings, today = judged.estate, judged.settings, judged.today
    findings = with_fingerprints(
        rules.findings(judged, chosen),
        sorted({f"{s.project}/{s.name}" for s in whole.stacks if s.kind != "manifests"}),
        {r.urn: r.aliases for r in whole.by_urn.values() if r.aliases},
    )
    return rules.in_order(gate.waived(findings, settings.waivers, today))


def _in_order(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    return tuple(sorted(set(assumptions), key=lambda one: (one.what, one.because, one.source)))
