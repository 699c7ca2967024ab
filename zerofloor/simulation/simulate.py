"""Stacks and a trace → what each setting costs and how long its requests wait."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from zerofloor.cost.cold_start import cold_start
from zerofloor.cost.serverless import DEFAULT_THROUGHPUT
from zerofloor.errors import InputError
from zerofloor.estate import estate
from zerofloor.platforms.loops import Measure
from zerofloor.prices.book import PriceBook
from zerofloor.settings import ColdStart, Settings
from zerofloor.simulation.fleet import Starting
from zerofloor.simulation.hours import Hours, open_hours
from zerofloor.simulation.outcome import HOUR, Outcome, outcome
from zerofloor.simulation.play import Course, play
from zerofloor.simulation.queue import Floats
from zerofloor.simulation.service import Service, find_service, read
from zerofloor.simulation.trace import Trace
from zerofloor.simulation.variants import SERVING, Choice, changed, combinations
from zerofloor.stack import Stack
from zerofloor.structs import Value

Share = Literal["p50", "p95", "p99", "max"]

TOKENS_A_SECOND: Final = 62.0
CONCURRENCY: Final = 8
"""495 tokens a second out of eight requests at a time: the measurement of
`serverless.DEFAULT_THROUGHPUT`, prompts of 1,024 tokens included."""
_MEASURED: Final = DEFAULT_THROUGHPUT["llama-v3p1-8b-instruct"][1].removeprefix("default: ")


class Serving(Value, frozen=True, kw_only=True):
    """How a replica answers; None: the documented default."""

    tokens_per_second: float | None = None
    """Tokens that one request is answered with in a second."""
    prompt_tokens_per_second: float | None = None
    """Tokens of a prompt that are read in a second; None: they take no time of their own."""
    concurrency: int | None = None
    """Requests that a replica answers at a time."""
    node_seconds: float | None = None
    image_seconds: float | None = None
    load_seconds: float | None = None


class Simulation(Value, frozen=True, kw_only=True):
    """What was asked, and what came of it."""

    service: str
    """What was played: `Deployment llm`."""
    kind: str
    """What scales it."""
    hours: Decimal
    """For how long costs count: from the first request until every setting is idle again, or the
    week of a profile."""
    is_week: bool
    outcomes: tuple[Outcome, ...]
    assumptions: tuple[str, ...]
    max_wait: float | None
    share: Share
    cheapest: int | None
    """The index of the cheapest setting within the waiting limit, or of all; None: none is within
    it, or prices are missing."""


class Asked(Value, frozen=True, kw_only=True):
    """The options of a simulation."""

    choices: tuple[Choice, ...] = ()
    target: str | None = None
    metric: Measure | None = None
    serving: Serving = Serving()
    max_wait: float | None = None
    share: Share = "max"
    hpa_sync: float | None = None
    """--horizontal-pod-autoscaler-sync-period, where it isn't the default."""
    hpa_downscale: float | None = None
    """--horizontal-pod-autoscaler-downscale-stabilization, where it isn't the default."""


def simulate(
    stacks: Sequence[Stack],
    settings: Settings,
    book: PriceBook,
    today: datetime.date,
    trace: Trace,
    asked: Asked,
) -> Simulation:
    """Play the trace under every combination of the choices. NotPlayable and other InputErrors as
    in `service.find_service` and `variants.changed`."""
    played = [
        _played(stacks, settings, today, trace, asked, chosen)
        for chosen in combinations(asked.choices)
    ]
    hours = _hours(trace, [one.course for one in played])
    outcomes = tuple(outcome(one.chosen, one.service, one.course, hours, book) for one in played)
    notes: dict[str, None] = dict.fromkeys(trace.notes)
    for one in played:
        notes.update(dict.fromkeys((*one.notes, *one.service.assumptions)))
    return Simulation(
        service=played[0].service.name,
        kind=played[0].service.loop.kind,
        hours=hours,
        is_week=trace.span is not None,
        outcomes=outcomes,
        assumptions=tuple(notes),
        max_wait=asked.max_wait,
        share=asked.share,
        cheapest=_cheapest(outcomes, asked),
    )


class _Played(Value, frozen=True):
    chosen: tuple[tuple[str, str], ...]
    service: Service
    course: Course
    notes: tuple[str, ...]


def _played(
    stacks: Sequence[Stack],
    settings: Settings,
    today: datetime.date,
    trace: Trace,
    asked: Asked,
    chosen: tuple[tuple[str, str], ...],
) -> _Played:
    stacks = tuple(stacks)
    service = find_service(read(estate(stacks, settings, today)), asked.target, asked.metric)
    serving = asked.serving
    for name, value in chosen:
        if name in SERVING:
            serving = _with(serving, name, value)
            continue
        stacks = changed(stacks, service.resources, name, value)
        before, found = service, read(estate(stacks, settings, today))
        service = find_service(found, asked.target, asked.metric)
        if before.has_pool and not service.has_pool:
            raise InputError(f"--set {name}={value}: no pool of the stack takes its pods then")
    service = _on_their_clock(service, asked)
    starting, notes = _starting(settings.cold_start, serving)
    seconds, more = _service_times(trace, serving)
    slots = CONCURRENCY if serving.concurrency is None else serving.concurrency
    if service.loop.limit is not None:
        slots = min(slots, service.loop.limit)
    begin, hours = _open_hours(service, trace, today)
    course = play(
        trace.arrivals, seconds, service.loop, service.plan, starting, slots,
        hours=hours, span=trace.span,
    )  # fmt: skip
    notes = (*more, _concurrency_note(slots, serving), *notes, *begin)
    return _Played(chosen, service, course, notes)


def _open_hours(
    service: Service, trace: Trace, today: datetime.date
) -> tuple[tuple[str, ...], tuple[Hours, ...]]:
    """The hours of the loop's windows, and what they rest on."""
    windows = service.loop.windows
    if not windows:
        return (), ()
    last = float(trace.arrivals[-1]) if len(trace.arrivals) else 0.0
    if trace.begin is not None:
        return (), open_hours(windows, trace.begin, last)
    if trace.span is None:
        raise InputError(
            f"{windows[0].path} of {service.name} is a schedule, and the trace's TIMESTAMP has no "
            "date: give dates and times"
        )
    monday = today - datetime.timedelta(days=today.weekday())
    begin = datetime.datetime.combine(monday, datetime.time(), ZoneInfo(trace.timezone))
    note = (
        f"Schedules are those of the week from {monday}; the profile's hours are {trace.timezone}"
    )
    return (note,), open_hours(windows, begin, trace.span)


def _with(serving: Serving, name: str, value: str) -> Serving:
    field = {
        "tokensPerSecond": "tokens_per_second",
        "promptTokensPerSecond": "prompt_tokens_per_second",
        "concurrency": "concurrency",
        "nodeSeconds": "node_seconds",
        "imageSeconds": "image_seconds",
        "loadSeconds": "load_seconds",
    }[name]
    try:
        number = int(value) if field == "concurrency" else float(value)
    except ValueError:
        raise InputError(f"--set {name}={value}: no number") from None
    least = 0.0 if field.endswith("_seconds") else 0.001
    if not least <= number <= 1e9:
        raise InputError(f"--set {name}={value}: out of range")
    return replace(serving, **{field: number})  # type: ignore[arg-type]


def _on_their_clock(service: Service, asked: Asked) -> Service:
    """With the periods of a cluster whose controller manager has other flags."""
    loop = service.loop
    if asked.hpa_sync is not None:
        loop = replace(loop, sync=asked.hpa_sync)
    if asked.hpa_downscale is not None and loop.down.window == 300.0:
        loop = replace(loop, down=replace(loop.down, window=asked.hpa_downscale))
    return replace(service, loop=loop)


def _starting(settings: ColdStart, serving: Serving) -> tuple[Starting, tuple[str, ...]]:
    """The parts of a cold start: by options, else by settings, else the longer of the defaults."""
    parts = cold_start(settings).parts
    given = (serving.node_seconds, serving.image_seconds, serving.load_seconds)
    seconds = [
        float(part.most) if own is None else own for part, own in zip(parts, given, strict=True)
    ]
    notes = tuple(
        f"Until {part.what}: {value:g} s ({part.source if own is None else 'as given'})"
        for part, own, value in zip(parts, given, seconds, strict=True)
    )
    return Starting(node=seconds[0], image=seconds[1], load=seconds[2]), notes


def _service_times(trace: Trace, serving: Serving) -> tuple[Floats, tuple[str, ...]]:
    """Seconds that each request takes without waiting."""
    rate = TOKENS_A_SECOND if serving.tokens_per_second is None else serving.tokens_per_second
    seconds = trace.generated / rate
    how = f"measured: {_MEASURED}" if serving.tokens_per_second is None else "as given"
    notes = [f"A request is answered with {rate:g} tokens a second ({how})"]
    if serving.prompt_tokens_per_second is not None:
        seconds = seconds + trace.context / serving.prompt_tokens_per_second
        notes.append(
            f"Its prompt is read with {serving.prompt_tokens_per_second:g} tokens a second"
        )
    else:
        notes.append("Its prompt takes no time of its own (--prompt-tokens-per-second)")
    return np.maximum(seconds, 0.001), tuple(notes)


def _concurrency_note(slots: int, serving: Serving) -> str:
    how = "as in that measurement" if serving.concurrency is None else "as given"
    if slots != (CONCURRENCY if serving.concurrency is None else serving.concurrency):
        how = "as declared"
    return f"A replica answers {slots} requests at a time ({how})"


def _hours(trace: Trace, courses: Sequence[Course]) -> Decimal:
    seconds = trace.span
    if seconds is None:
        seconds = max(course.settled for course in courses)
    exact = Decimal(repr(round(seconds, 3)))
    return exact.quantize(Decimal(1), ROUND_CEILING) / HOUR


def _cheapest(outcomes: Sequence[Outcome], asked: Asked) -> int | None:
    """Of those that answer requests within the limit, the cheapest: by money, or by node-hours
    where a price is missing and all nodes are of one type."""
    within = [
        index
        for index, one in enumerate(outcomes)
        if (not one.requests or one.refused < one.requests)
        and (asked.max_wait is None or one.longest(asked.share) <= asked.max_wait)
    ]
    if not within:
        return None
    costs = [outcomes[index].cost for index in within]
    if all(cost is not None for cost in costs):
        return min(
            within,
            key=lambda index: (outcomes[index].cost.amount, index),  # type: ignore[union-attr]
        )
    types = {line.what for one in outcomes for line in one.lines}
    if len(types) <= 1:
        return min(within, key=lambda index: (outcomes[index].node_hours, index))
    return None
