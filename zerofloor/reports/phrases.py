"""What table and Markdown say in the same words: the verdict, amounts, prices, ages."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from decimal import Decimal
from typing import Final, assert_never

from zerofloor.capacity import WEEK, Assumption, Cause
from zerofloor.cost.baseline import signed
from zerofloor.cost.estimate import (
    Amount,
    BreakEven,
    Change,
    Figure,
    Item,
    Meaning,
    ResourceChange,
    ResourceCost,
    pricing_notes,
    unpriced_notes,
)
from zerofloor.cost.meaning import WEEKEND_HOURS
from zerofloor.cost.owners import Total, Totals, totals_by
from zerofloor.cost.undecided import open_figures
from zerofloor.floor.result import EntryKind, Verdict
from zerofloor.gate.waivers import blocks
from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.report import DocumentInfo, Finding, Report, Severity
from zerofloor.reports.groups import Group
from zerofloor.settings.values import NOTICED_AFTER_DAYS
from zerofloor.structs import Value
from zerofloor.words import counted, dollars, number, short, tokens, verb

FIGURES: Final[Mapping[Figure, str]] = {
    Figure.FLOOR: "GPU nodes while idle",
    Figure.DESIRED: "at deployment",
    Figure.EXPECTED: "under the declared traffic",
    Figure.CEILING: "at maximum scale",
    Figure.RESIDUAL: "everything else while idle",
}
"""What each figure means, in the order of the table."""

HOW: Final = {
    "engine": "previewed by the Pulumi engine",
    "in-process": "previewed without the Pulumi engine",
}


KINDS: Final = {
    "cloudformation": "CloudFormation template",
    "digest": "preview",
    "events": "event log",
    "export": "stack export",
    "manifests": "Kubernetes manifests",
    "plan": "Terraform plan",
}
"""What a document is, where no program was previewed."""


NOT_JUDGED: Final = "zerofloor could not judge this"


def headline(report: Report) -> str:
    """The verdict in one sentence, and how much is left to do."""
    said = verdict(report) if report.gate == "fail" else _passed(report)
    blocking = [one for one in report.findings if blocks(one)]
    prices = sum(1 for one in blocking if one.name == "unpriced-gpu")
    rest = len(blocking) - prices
    parts = (f"{counted(rest, 'finding')} to fix", f"{counted(prices, 'price')} missing")
    left = [part for part, number in zip(parts, (rest, prices), strict=True) if number]
    return f"{said} {', '.join(left)}." if left else said


def _passed(report: Report) -> str:
    """The verdict where the gate passes: why it does, though a GPU may keep billing."""
    why = _why_it_passes(report)
    match report.floor.verdict:
        case Verdict.ZERO:
            return verdict(report)
        case Verdict.UNDECIDED:
            return f"{verdict(report).removesuffix('.')}, which is {why}."
        case Verdict.HELD:
            weekly = _scheduled_hours(report)
            if weekly is not None and weekly <= report.schedule_cap:
                return verdict(report)
            new = "Nothing new. " if any(one.tolerated for one in report.findings) else ""
            more = "; more may idle" if report.floor.undecided else ""
            gpus = report.floor.gpus
            are = "is" if gpus is not None and 0 < gpus <= 1 else "are"
            return f"{new}{_idle_gpus(report)} {are} {why}{more}{_cost(report)}."
    assert_never(report.floor.verdict)


def _why_it_passes(report: Report) -> str:
    """`waived`, `in the baseline`, or `allowed` (by the severities that are set)."""
    errors = [one for one in report.findings if one.severity is Severity.ERROR]
    waived = "waived" if any(one.waived_by is not None for one in errors) else ""
    known = "in the baseline" if any(one.tolerated for one in errors) else ""
    return " or ".join(filter(None, (waived, known))) or "allowed by the settings"


def severity_of(finding: Finding) -> str:
    """`error`, `warning`, `info`; `known` where the baseline has it and it fails no gate."""
    return "known" if finding.tolerated else finding.severity.value


def stack_of(one: DocumentInfo) -> str:
    """`shop/dev`; empty of manifests, which have none."""
    if one.kind == "manifests":
        return ""
    return "/".join(part for part in (one.project, one.stack) if part)


def document(one: DocumentInfo, quoted: Callable[[str], str] = str) -> str:
    """A document in a line: its stack, its name, and who previewed it. Names are `quoted`."""
    stack = stack_of(one)
    how = HOW.get(one.previewed_by, KINDS.get(one.kind, one.kind))
    if not stack:
        return f"{quoted(one.name)} ({how})" if one.name else how[:1].upper() + how[1:]
    where = f" in {quoted(one.name)}" if one.name else ""
    return f"Stack {quoted(stack)}{where} ({how})"


class Row(Value, frozen=True):
    """A line of the table of figures."""

    name: str
    hourly: str
    monthly: str
    explained: str


def rows(report: Report) -> Iterator[Row]:
    """The figures that there are, and what the stack costs idle in all."""
    lacks = _lacks(report)
    for figure, explained in FIGURES.items():
        amount = report.estimate.amount(figure)
        if amount is not None:
            yield Row(figure, *_columns(amount, lacks[figure]), explained)
    idle = report.estimate.idle
    if idle is None:
        yield Row("residual", NOT_COUNTED, NOT_COUNTED, "only beside a GPU, and there is none")
        return
    shown = _columns(idle, lacks[Figure.FLOOR] or lacks[Figure.RESIDUAL])
    yield Row("idle total", *shown, "floor and residual")


NOT_COUNTED: Final = "not counted"


def columns(report: Report, figure: Figure) -> tuple[str, str] | None:
    """A figure an hour and a month, with its range; None where there is none. A part that is not
    known shows as one."""
    amount = report.estimate.amount(figure)
    return None if amount is None else _columns(amount, _lacks(report)[figure])


def _lacks(report: Report) -> Mapping[Figure, str]:
    unpriced, undecided = unpriced_figures(report), undecided_figures(report)
    return {figure: lack(figure, unpriced, undecided) for figure in Figure}


def lack(figure: Figure, unpriced: Set[Figure], undecided: Set[Figure]) -> str:
    """`undecided` or `unpriced` where a figure lacks something; else empty."""
    if figure in undecided:
        return "undecided"
    return "unpriced" if figure in unpriced else ""


def _columns(amount: Amount, lacks: str) -> tuple[str, str]:
    if amount.unbounded and lacks != "undecided":
        return "no limit", "no limit"
    if lacks and not amount.hourly.amount:
        return lacks, lacks
    more = f" + {lacks}" if lacks else ""
    return _range(amount, 1) + more, _range(amount, 730) + more


def unpriced_figures(report: Report) -> frozenset[Figure]:
    """The figures in which something has no price: their sums are lower bounds."""
    return frozenset(figure for gap in report.estimate.gaps for figure in gap.lacks)


def undecided_figures(report: Report) -> frozenset[Figure]:
    """The figures that something undecided leaves open: their sums are lower bounds, too."""
    return frozenset().union(*open_figures(report.floor).values())


def lacking_by_urn(report: Report) -> Mapping[str, frozenset[Figure]]:
    """The figures in which something of a resource has no price or is undecided."""
    found = dict(open_figures(report.floor))
    for gap in report.estimate.gaps:
        found[gap.urn] = found.get(gap.urn, frozenset()) | set(gap.lacks)
    return found


def resource_rows(report: Report) -> Iterator[tuple[ResourceCost, str, str]]:
    """Each resource with what it costs idle and at most, a month."""
    undecided = open_figures(report.floor)
    unpriced: dict[str, set[Figure]] = {}
    for gap in report.estimate.gaps:
        unpriced.setdefault(gap.urn, set()).update(gap.lacks)
    for one in report.estimate.resources:
        lacks = [
            lack(figure, unpriced.get(one.urn, set()), undecided.get(one.urn, frozenset()))
            for figure in (Figure.FLOOR, Figure.CEILING)
        ]
        yield one, _columns(one.floor, lacks[0])[1], _columns(one.ceiling, lacks[1])[1]


class PricedLine(Value, frozen=True):
    """A line of the breakdown."""

    text: str
    mark: int
    """The number of its source."""
    source: str
    as_of: str


def priced_lines(report: Report) -> list[PricedLine]:
    """What the figures are made of: each kind of thing with its price, quantities and resources."""
    per_gpu = {(cost.urn, cost.what): cost.per_gpu_hour for cost in report.estimate.resources}
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in report.estimate.items:
        one = per_gpu.get((item.urn, item.what))
        share = "" if one is None or one == item.price else f" ({price(one)} per GPU-hour)"
        groups.setdefault((item.what, item.source, item.as_of, _priced(item) + share), []).append(
            item
        )
    marks: dict[tuple[str, str], int] = {}
    lines = []
    for (what, source, as_of, cost), items in groups.items():
        names = list(dict.fromkeys(label(item.urn) for item in items))
        of = ", ".join(names) if len(names) <= 3 else counted(len(names), "resource")
        mark = marks.setdefault((source, as_of), len(marks) + 1)
        lines.append(PricedLine(f"{of}: {what}, {cost}; {_quantities(items)}", mark, source, as_of))
    return lines


def sources_of(lines: Iterable[PricedLine], report: Report) -> list[str]:
    """The prices' numbered sources."""
    found = {line.mark: f"{line.source}, {age(line.as_of, report.today)}" for line in lines}
    return [f"[{mark}] {source}" for mark, source in found.items()]


def label(urn: str) -> str:
    """`NodePool gpu`: a resource as people call it."""
    kind, _, name = short(urn).partition("::")
    return f"{kind.rsplit(':', 1)[-1]} {name}".strip()


def dated(report: Report) -> str:
    """How old the prices are, in a few words."""
    estimate = report.estimate
    oldest = f", the oldest of {estimate.oldest}" if estimate.oldest else ""
    return f"Prices: gathered {estimate.snapshot_as_of}{oldest}."


def gathered(report: Report) -> str:
    """Which snapshot the prices are from, how old it is, and how old the oldest price is that
    counts here."""
    estimate = report.estimate
    oldest = f"oldest price used {age(estimate.oldest, report.today)}; " if estimate.oldest else ""
    undated = f"{counted(estimate.undated, 'line')} without a date; " if estimate.undated else ""
    return (
        f"Prices gathered {age(estimate.snapshot_as_of, report.today)}; {oldest}{undated}snapshot "
        f"{estimate.snapshot[:12]}."
    )


def _priced(item: Item) -> str:
    times = HOURS_PER_MONTH if item.listed_monthly else Decimal(1)
    most = (
        f" to {price(item.dearest * times)}"
        if item.dearest is not None and item.dearest != item.price
        else ""
    )
    per = (
        f"{item.unit}-month"
        if item.listed_monthly
        else f"{item.unit} and hour"
        if item.counts_in
        else item.unit
    )
    listed = "" if item.listed is None else f" (list price {price(item.listed * times)})"
    return f"{price(item.price * times)}{most} per {per}{listed}"


def _quantities(items: list[Item]) -> str:
    """`2 nodes in floor, desired: $80,358.40 a month; 4 nodes in ceiling: …`, `50 node-hours a week
    in floor: …`."""
    sums: dict[tuple[Figure, ...], Decimal] = {}
    for item in items:
        sums[item.counts_in] = sums.get(item.counts_in, Decimal(0)) + item.quantity
    return "; ".join(_counting(quantity, figures, items[0]) for figures, quantity in sums.items())


def _counting(quantity: Decimal, figures: tuple[Figure, ...], item: Item) -> str:
    if not figures:
        return f"{_quantity(quantity, item)} once: {dollars(item.price * quantity)}"
    monthly = _range(Amount(item.price, item.dearest), quantity * HOURS_PER_MONTH)
    return f"{_quantity(quantity, item)} in {', '.join(figures)}: {monthly} a month"


def _quantity(quantity: Decimal, item: Item) -> str:
    if item.unit == "node" and quantity != quantity.to_integral_value():
        return f"{counted(quantity * WEEK, 'node-hour')} a week"
    # Units of measurement (GB, IOPS, MBps) have no plural.
    return (
        counted(quantity, item.unit) if item.unit.islower() else f"{number(quantity)} {item.unit}"
    )


def age(date: str, today: datetime.date) -> str:
    """`2026-10-12 (43 days old)`; what is not a date as it is."""
    try:
        days = (today - datetime.date.fromisoformat(date)).days
    except ValueError:
        return f"date {date or 'unknown'}"
    return f"{date} ({counted(days, 'day')} old)" if days >= 0 else date


def notes(report: Report) -> list[str]:
    """The estimate's footnotes without those that a finding tells already, and what waking waits
    for where it is a choice."""
    told = {finding.urn for finding in report.findings if finding.name == "unpriced-gpu"}
    estimate = report.estimate
    untold = [gap for gap in estimate.gaps if not (gap.blocks and gap.urn in told)]
    said = [*unpriced_notes(untold), *(pricing_notes(estimate.gaps) if untold else ())]
    left = list(dict.fromkeys((*said, *estimate.remarks)))
    return left + (waiting(report) if estimate.floor.hourly.amount else [])


def assumptions(report: Report) -> list[str]:
    """What the verdict rests on beyond the documents."""
    return [f"{one.what}: {one.because}{_said_by(one)}" for one in report.assumptions]


def _said_by(one: Assumption) -> str:
    """` (hint, zerofloor.yaml:3)`: the setting that an assumption is from."""
    by = ", ".join(filter(None, ("" if one.source == "default" else one.source, one.place)))
    return f" ({by})" if by else ""


def changes(report: Report) -> Iterator[str]:
    """The change against a baseline, where there is one."""
    change = report.estimate.change
    if change is not None:
        hourly = _three(change, signed)
        yield f"Against {change.against}: {hourly}; a month {_three(change, signed_monthly)}."
        yield from change.notes


def changed_resources(report: Report) -> Iterator[str]:
    """The change a month of each resource that changed."""
    change = report.estimate.change
    changed = () if change is None else change.resources
    for one in changed[:CHANGED_AT_MOST]:
        yield f"{short(one.urn)}: {_three(one, signed_monthly)} a month"
    more = len(changed) - CHANGED_AT_MOST
    if more > 0:
        yield f"and {counted(more, 'more resource')}: the JSON report lists all of them"


CHANGED_AT_MOST: Final = 15


def signed_monthly(change: Money) -> str:
    """`+$1,374.53`."""
    return signed(change * HOURS_PER_MONTH).removesuffix("/h")


def _three(change: Change | ResourceChange, money: Callable[[Money], str]) -> str:
    return (
        f"floor {money(change.floor)}, desired {money(change.desired)}, ceiling "
        f"{money(change.ceiling)}"
    )


def totals_of(report: Report, by: str) -> Totals:
    """The money of a report, summed by a key."""
    return totals_by(report.estimate, by, open_figures(report.floor))


def total_rows(found: Totals) -> Iterator[tuple[str, ...]]:
    """Totals by a key as a table: a head, then a line a value, in amounts a month."""
    figures = [figure for figure in Figure if found.totals and figure in found.totals[0].amounts]
    has_idle = bool(found.totals) and found.totals[0].idle is not None
    yield (found.by, *figures, *(["idle total"] if has_idle else []))
    for one in found.totals:
        shown = [_columns(one.amounts[figure], _lack_of(one, figure))[1] for figure in figures]
        if one.idle is not None:
            lacks = _lack_of(one, Figure.FLOOR) or _lack_of(one, Figure.RESIDUAL)
            shown.append(_columns(one.idle, lacks)[1])
        yield (one.value or "(none)", *shown)


def _lack_of(total: Total, figure: Figure) -> str:
    return lack(figure, total.unpriced, total.undecided)


def meaning(report: Report) -> Iterator[str]:
    """What the floor comes to for people; what waking costs; where serverless is cheaper."""
    said = report.estimate.meaning
    if said is not None and report.estimate.floor.hourly.amount:
        yield f"If left running: {', '.join(_left_running(report, said))}."
        saved = f"Scaling to zero saves {_idle_cost(report, HOURS_PER_MONTH)} a month"
        wait = _seconds(said.wait.least, said.wait.most)
        waits = f"; the first request after idle then waits {wait}"
        yield f"{saved}{waits if _holds_pods(report) else ''}."
    if report.estimate.break_even is not None:
        yield from _serverless(report.estimate.break_even)


def _left_running(report: Report, said: Meaning) -> Iterator[str]:
    if said.weekend is None:
        yield f"{_idle_cost(report, WEEK)} a week, by its schedule"
    else:
        yield f"{_idle_cost(report, WEEKEND_HOURS)} a weekend ({WEEKEND_HOURS} h)"
    days = said.noticed_after_days
    if days != NOTICED_AFTER_DAYS:
        yield f"{_idle_cost(report, 24 * days)} in {counted(days, 'day')}"
    yield f"{_idle_cost(report, HOURS_PER_MONTH * 12)} a year"


def _holds_pods(report: Report) -> bool:
    """Whether pods are held: what a cold start takes is only known of them."""
    return any(
        one.kind is EntryKind.WORKLOAD and one.verdict is Verdict.HELD
        for one in report.floor.entries
    )


def _idle_cost(report: Report, hours: Decimal | int) -> str:
    """What the floor costs in so many hours; a bound where it lacks something."""
    floor = report.estimate.floor
    if not _is_least(report):
        return _range(floor, hours)
    if floor.at_most:
        return f"about {dollars((floor.up_to or floor.hourly) * hours)}"
    return f"at least {dollars(floor.hourly * hours)}"


def _serverless(found: BreakEven) -> Iterator[str]:
    yield found.verdict
    blend = f"{number(found.output_share * 100)}% of them output; {found.source}, {found.as_of}"
    even = f"as much as {tokens(found.tokens_per_month)} tokens"
    if found.is_out_of_reach and found.capacity_per_month is not None:
        even = f"which serves {tokens(found.capacity_per_month)} tokens at most: never cheaper"
    yield (
        f"{found.model} by {found.provider} costs {price(found.per_million)} a million "
        f"tokens ({blend}); one replica that is always on, "
        f"{dollars(found.dedicated_monthly)} a month, {even}."
    )
    if found.per_million_at:
        by_use = ", ".join(
            f"{dollars(cost)} at {number(use * 100)}%" for use, cost in found.per_million_at
        )
        yield f"A million of its own tokens costs {by_use} use ({found.throughput})."


def waiting(report: Report) -> list[str]:
    """What the first request after idle waits for, part by part, each with its source."""
    said = report.estimate.meaning
    if said is None or not _holds_pods(report):
        return []
    parts = "; ".join(
        f"{_seconds(part.least, part.most)} until {part.what} ({part.source})"
        for part in said.wait.parts
    )
    return [f"The first request after idle waits {parts}."]


def place(finding: Finding) -> str:
    """`TYPE::NAME (FILE:LINE)`: what a finding is about and where it stands; empty where it is the
    stack as a whole."""
    if finding.urn and finding.source:
        return f"{short(finding.urn)} ({finding.source})"
    return short(finding.urn) or finding.source or ""


def cost_of(what: Finding | Group) -> str:
    """What a finding, or a group of them, costs a month; empty where it costs nothing."""
    findings = what.findings if isinstance(what, Group) else (what,)
    known = [(one.monthly, one.up_to or one.monthly) for one in findings if one.monthly is not None]
    if any(one.cost_unknown for one in findings) and not known:
        return "cost unknown"
    if not known or any(low.currency != known[0][0].currency for low, _ in known):
        return ""
    (low, high), *more = known
    for one, other in more:
        low, high = low + one, high + other
    if any(one.cost_unknown for one in findings):
        return f"at least {dollars(low)} a month"
    return f"{ranged(low, high, at_most=any(one.at_most for one in findings))} a month"


def _is_least(report: Report) -> bool:
    """Whether the floor's sum leaves something out."""
    return Figure.FLOOR in unpriced_figures(report) | undecided_figures(report)


def _seconds(least: Decimal, most: Decimal) -> str:
    return f"{number(least)} s" if least == most else f"{number(least)} to {number(most)} s"


def verdict(report: Report) -> str:
    """Whether a GPU keeps billing, and at what cost."""
    floor = report.floor
    match floor.verdict:
        case Verdict.ZERO:
            return "No GPU keeps billing while idle." if floor.entries else "No GPUs found."
        case Verdict.UNDECIDED:
            return "Can't determine whether any GPU stays on while idle."
        case Verdict.HELD:
            return _held(report)
    assert_never(floor.verdict)


def _held(report: Report) -> str:
    more = ", and more might" if report.floor.undecided else ""
    weekly = _scheduled_hours(report)
    if weekly is None:
        return f"{_idle_gpus(report)} would keep billing{more}{_cost(report)}."
    gpus = report.floor.gpus
    runs = verb(gpus, "runs", "run") if gpus else "run"
    cap = f"cap: {number(report.schedule_cap)} h"
    return (
        f"{_idle_gpus(report, 'GPU')} {runs} {number(weekly)} h a week on a schedule ({cap})"
        f"{more}{_cost(report, averaged=True)}."
    )


def _idle_gpus(report: Report, noun: str = "idle GPU") -> str:
    """`8 idle GPUs (1 node)`."""
    floor = report.floor
    gpus = counted(floor.gpus, noun) if floor.gpus else f"{noun[:1].upper()}{noun[1:]}s"
    return gpus + (f" ({counted(floor.nodes, 'node')})" if floor.nodes else "")


def _scheduled_hours(report: Report) -> Decimal | None:
    """The hours of a week in which a schedule, and nothing else, holds GPUs; None where they are
    held all week, or by something else."""
    held = [one for one in report.floor.entries if one.verdict is Verdict.HELD]
    holds = [hold for one in held for hold in one.holds]
    if not holds or any(hold.cause is not Cause.SCHEDULE for hold in holds):
        return None
    weekly = max(one.hours_per_week for one in held)
    return weekly if weekly < WEEK else None


def _cost(report: Report, *, averaged: bool = False) -> str:
    amount = report.estimate.floor
    nodes = [one.what for one in report.estimate.resources if one.floor.hourly.amount]
    # The floor of a node without a price may be its disk alone.
    if not amount.hourly.amount or (nodes and not any(nodes)):
        return ", at an unknown cost"
    average = " on average" if averaged else ""
    hourly, monthly = _idle_cost(report, 1), _idle_cost(report, HOURS_PER_MONTH)
    return f": {hourly}/h{average}, {monthly} a month"


def _range(amount: Amount, hours: Decimal | int) -> str:
    high = amount.up_to or amount.hourly
    return ranged(amount.hourly * hours, high * hours, at_most=amount.at_most)


def ranged(low: Money, high: Money, *, at_most: bool) -> str:
    """`$1.86`, `$1.86 to $3.72`, `up to $3.72`."""
    if at_most:
        return f"up to {dollars(high)}"
    return dollars(low) if low == high else f"{dollars(low)} to {dollars(high)}"


def money_line(report: Report) -> str:
    """Floor, desired and ceiling in one line; empty where nothing was counted."""
    if not report.floor.entries and not report.estimate.items:
        return ""
    shown = []
    for figure in (Figure.FLOOR, Figure.DESIRED, Figure.CEILING):
        found = columns(report, figure)
        if found is not None:
            hourly, monthly = found
            amount = hourly if hourly == monthly else f"{hourly}/h ({monthly} a month)"
            shown.append(f"{figure} {amount}")
    return f"Cost: {', '.join(shown)}."


def price(money: Money) -> str:
    """Exact to a millionth, so that who multiplies it gets the same sums; at least cents."""
    whole, _, part = f"{money.amount.quantize(Decimal('0.000001')):,f}".rstrip("0").partition(".")
    return (
        "$" if money.currency == "USD" else f"{money.currency} "
    ) + f"{whole}.{part.ljust(2, '0')}"
