"""A simulation as a table for a terminal, and as JSON: the same bytes for the same question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.reports import layout
from zerofloor.reports.json_report import dump
from zerofloor.reports.visible import visible
from zerofloor.simulation.outcome import Line, Outcome, Waits
from zerofloor.simulation.simulate import Simulation
from zerofloor.words import counted, dollars, number

SCHEMA: Final = "zerofloor.simulation/1"


def render_json(found: Simulation) -> str:
    """All of it, with the numbers as they were reckoned."""
    document = {
        "schema": SCHEMA,
        "service": found.service,
        "scaler": found.kind,
        "hours": _plain(found.hours),
        "max_wait_seconds": found.max_wait,
        "max_wait_at": found.share,
        "settings": [_outcome(one) for one in found.outcomes],
        "cheapest": found.cheapest,
        "assumptions": list(found.assumptions),
    }
    return dump(document)


def _outcome(one: Outcome) -> Mapping[str, Any]:
    return {
        "set": dict(one.settings),
        "requests": one.requests,
        "held": one.held,
        "refused": one.refused,
        "wait_seconds": _waits(one.waits),
        "held_seconds": _waits(one.held_waits),
        "cold_starts": one.cold_starts,
        "replicas_started": one.replicas_started,
        "nodes": one.nodes,
        "node_hours": _plain(one.node_hours),
        "gpu_hours": None
        if any(line.gpu_hours is None for line in one.lines)
        else _plain(one.gpu_hours),
        "cost": _money(one.cost),
        "unpriced": [line.what for line in one.lines if line.cost is None],
        "floor_nodes": one.floor_nodes,
        "lines": [_line(line) for line in one.lines],
        "others": [_line(line) for line in one.others],
    }


def _line(line: Line) -> Mapping[str, Any]:
    return {
        "what": line.what,
        "node_hours": _plain(line.node_hours),
        "gpu_hours": None if line.gpu_hours is None else _plain(line.gpu_hours),
        "hourly": _money(line.hourly),
        "cost": _money(line.cost),
        "source": line.source,
        "as_of": line.as_of,
    }


def _waits(waits: Waits) -> Mapping[str, float]:
    return {"p50": waits.p50, "p95": waits.p95, "p99": waits.p99, "max": waits.most}


def _money(money: Money | None) -> Mapping[str, str] | None:
    if money is None:
        return None
    amount = money.amount.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return {"amount": _plain(amount), "currency": money.currency}


def _plain(value: Decimal) -> str:
    text = f"{value.quantize(Decimal('0.000001'), ROUND_HALF_UP):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def render(found: Simulation, *, width: int = 80, colour: bool = False) -> str:
    """The table."""
    lines = [*_head(found, width, colour), "", *_table(found, width, colour)]
    lines += [*_answer(found, width, colour), *_details(found, width), *_others(found, width)]
    if found.assumptions:
        lines += ["", layout.styled("Assumptions", "bold", colour)]
        for text in found.assumptions:
            lines += layout.wrapped(visible(f"{text}."), width, indent="- ", hang="  ")
    return "\n".join(lines) + "\n"


def _head(found: Simulation, width: int, colour: bool) -> Iterator[str]:
    first = found.outcomes[0]
    over = "a week" if found.is_week else f"{_hours(found.hours)} h"
    text = f"{counted(first.requests, 'request')} over {over} against {found.service}"
    text += "" if found.kind in found.service else f", scaled by {found.kind}"
    for line in layout.wrapped(visible(f"{text}."), width):
        yield layout.styled(line, "bold", colour)


_HEAD: Final = (
    "GPU-h", "node-h", "cost", "a month", "cold", "held", "refused", "p50 s", "p95 s", "p99 s",
    "max s",
)  # fmt: skip


def _table(found: Simulation, width: int, colour: bool) -> Iterator[str]:
    """One row a setting, by its number; figures below each other where that is too wide."""
    many = len(found.outcomes) > 1
    if many:
        for index, one in enumerate(found.outcomes, 1):
            yield from layout.wrapped(visible(f"{index}  {_name(one)}"), width, hang="   ")
        yield ""
    rows = [["", *_HEAD]]
    for index, one in enumerate(found.outcomes):
        mark = "*" if index == found.cheapest and many else ""
        rows.append([f"{index + 1}{mark}" if many else "", *_cells(found, one)])
    if not found.is_week:
        rows = [row[:4] + row[5:] for row in rows]
    lines = [line.removeprefix("  ") for line in layout.columns(rows, frozenset(range(1, 12)))]
    if max(map(layout.cells, lines)) <= width:
        yield layout.styled(lines[0], "dim", colour)
        yield from lines[1:]
        return
    for row in rows[1:]:
        pairs = zip(rows[0][1:], row[1:], strict=True)
        text = ", ".join(f"{name} {value}" for name, value in pairs if value)
        yield from layout.wrapped(f"{row[0]:<2} {text}", width, hang="   ")


def _cells(found: Simulation, one: Outcome) -> Iterator[str]:
    unknown = any(line.gpu_hours is None for line in one.lines)
    yield "unknown" if unknown else _hours(one.gpu_hours)
    yield _hours(one.node_hours)
    cost = one.cost
    yield "unpriced" if cost is None else dollars(cost)
    yield "" if cost is None else dollars(_monthly(cost, found.hours)).removesuffix(".00")
    yield number(one.cold_starts)
    yield number(one.held)
    yield number(one.refused)
    for value in (one.waits.p50, one.waits.p95, one.waits.p99, one.waits.most):
        yield _seconds(value)


def _name(one: Outcome) -> str:
    return " ".join(f"{name}={value}" for name, value in one.settings) or "as declared"


def _monthly(cost: Money, hours: Decimal) -> Money:
    """Rounded to whole dollars: it is one week's cost, taken for every week."""
    exact = cost.amount / hours * HOURS_PER_MONTH
    return Money(exact.quantize(Decimal(1), ROUND_HALF_UP), cost.currency)


def _hours(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}"


def _seconds(value: float) -> str:
    return number(Decimal(repr(round(value, 1))))


def _answer(found: Simulation, width: int, colour: bool) -> Iterator[str]:
    if found.max_wait is None and len(found.outcomes) == 1:
        return
    yield ""
    share = {"max": "no request waits", "p50": "half of the requests wait"}.get(
        found.share, f"{found.share[1:]}% of the requests wait"
    )
    limit = number(Decimal(repr(found.max_wait))) if found.max_wait is not None else ""
    more = "longer than" if found.share == "max" else "at most"
    within = f" with which {share} {more} {limit} s" if found.max_wait is not None else ""
    if found.cheapest is not None:
        text = f"Cheapest setting{within}: {_name(found.outcomes[found.cheapest])}."
    elif _any_within(found):
        text = f"The cheapest setting{within} can't be told: a price is missing."
    elif found.max_wait is None:
        text = "No setting answers a request."
    else:
        text = f"There is no setting{within}. Shortest wait: {_quickest(found)}."
    for line in layout.wrapped(visible(text), width):
        yield layout.styled(line, "bold", colour)


def _any_within(found: Simulation) -> bool:
    answers = [one for one in found.outcomes if not one.requests or one.refused < one.requests]
    limit = found.max_wait
    return any(limit is None or one.longest(found.share) <= limit for one in answers)


def _quickest(found: Simulation) -> str:
    one = min(found.outcomes, key=lambda one: one.longest(found.share))
    longest = one.longest(found.share)
    shown = "some requests are refused" if longest == float("inf") else f"{_seconds(longest)} s"
    return f"{_name(one)} ({shown})"


def _details(found: Simulation, width: int) -> Iterator[str]:
    for one in found.outcomes:
        if one.held and len(found.outcomes) == 1:
            waits = one.held_waits
            text = (
                f"{counted(one.held, 'request')} waited: p50 {_seconds(waits.p50)} s, "
                f"p95 {_seconds(waits.p95)} s, p99 {_seconds(waits.p99)} s, "
                f"max {_seconds(waits.most)} s."
            )
            yield ""
            yield from layout.wrapped(text, width)
    prices: dict[str, None] = {}
    for one in found.outcomes:
        for line in one.lines:
            prices[_priced(line)] = None
    yield ""
    for text in prices:
        yield from layout.wrapped(visible(text), width)


def _priced(line: Line) -> str:
    if line.hourly is None:
        return f"Unpriced: {line.what}: {line.source}."
    return f"{line.what}: {dollars(line.hourly)}/h ({line.source}, {line.as_of})."


def _others(found: Simulation, width: int) -> Iterator[str]:
    lines: Sequence[Line] = found.outcomes[0].others
    if not lines:
        return
    hours = _hours(sum((line.node_hours for line in lines), Decimal(0)))
    costs = [line.cost for line in lines if line.cost is not None]
    cost = sum((money.amount for money in costs), Decimal(0))
    more = "" if len(costs) == len(lines) else f" and {len(lines) - len(costs)} unpriced"
    shown = dollars(Money(cost, costs[0].currency)) if costs else "no priced part"
    text = (
        f"Not in it: other GPUs of the stack that bill without a request, {hours} node-hours "
        f"({shown}{more})."
    )
    yield ""
    yield from layout.wrapped(text, width)
