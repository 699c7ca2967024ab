"""The loops of managed services: Fireworks, Cloud Run, Container Apps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import WEEK, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, declared
from zerofloor.platforms.loops import DOWN, Loop, Measure, Rules, Signal
from zerofloor.stack import Hidden
from zerofloor.values import at, count, known_items, quantity, seconds

FIREWORKS: Final = ("fireworks:index:Deployment", "fireworks:index/deployment:Deployment")
CLOUD_RUN: Final = ("gcp:cloudrunv2/service:Service", "google-native:run/v2:Service")
CONTAINER_APPS: Final = ("azure-native:app:ContainerApp", "azure:containerapp/app:App")


def read_service_loop(estate: Estate, pool: Pool) -> Loop:
    """How a service moves the machines of a pool that takes no pods. What can't be played is in
    its `undecided`."""
    kind = estate.by_urn[pool.urn].type
    source = next((one for one in declared(estate, kind) if one.urn == pool.urn), None)
    least = sum(hold.least for hold in (*pool.holds, *pool.extra))
    if source is not None and pool.ceiling != least:
        if kind in FIREWORKS:
            return _fireworks(source, pool, least)
        if kind in CLOUD_RUN:
            return _cloud_run(source, pool, least)
        if kind in CONTAINER_APPS:
            return _container_app(source, pool, least)
    return _fixed(pool, least)


def _fixed(pool: Pool, least: int) -> Loop:
    """So many machines, whatever the requests."""
    undecided: tuple[Undecided, ...] = ()
    if pool.ceiling != least:
        why = f"How requests scale {pool.platform} {pool.name} isn't played"
        undecided = (Undecided(pool.urn, "", why, "Simulate it with a fixed number"),)
    return Loop(
        urn=pool.urn,
        kind=pool.platform,
        minimum=least,
        maximum=least,
        signals=(),
        poll=60.0,
        cooldown=None,
        sync=60.0,
        undecided=(*undecided, *_scheduled(pool)),
    )


def _scheduled(pool: Pool) -> tuple[Undecided, ...]:
    held = (*pool.holds, *pool.extra)
    if all(hold.hours_per_week >= WEEK for hold in held):
        return ()
    why = f"The schedules of {pool.platform} {pool.name} aren't played"
    return (Undecided(pool.urn, "", why, "Simulate it without the schedule"),)


def _seconds(value: Any, default: float) -> float:
    found = seconds(value)
    return float(found) if isinstance(found, Decimal) else default


def _hidden(source: Declared, *paths: str) -> tuple[Undecided, ...]:
    """The parts of a loop that aren't known."""
    fields = (source.field(path) for path in paths)
    return tuple(
        field.undecided(f"{field.path} isn't known at preview")
        for field in fields
        if field.is_hidden
    )


_POLICY: Final = "autoscalingPolicy"


def _fireworks(source: Declared, pool: Pool, least: int) -> Loop:
    """Fireworks docs, "Autoscaling": windows, load targets, 503 while at zero."""
    names = ("scaleUpWindow", "scaleDownWindow", "scaleToZeroWindow", "loadTargets")
    undecided = [*_hidden(source, _POLICY, *(f"{_POLICY}.{name}" for name in names))]
    undecided += _scheduled(pool)
    targets = source.field(f"{_POLICY}.loadTargets")
    listed = targets.value if isinstance(targets.value, Mapping) else {}
    signals = []
    for name, value in (listed or {"default": 0.8}).items():
        signal = _load(f"{_POLICY}.loadTargets.{name}", name, quantity(value))
        if signal is None:
            why = f"{targets.path}.{name} isn't among what a trace tells"
            undecided.append(source.open(f"{targets.path}.{name}", why))
        else:
            signals.append(signal)
    limit = source.field("maxConcurrencyPerReplica").count()
    zero = _seconds(source.field(f"{_POLICY}.scaleToZeroWindow").value, 3600.0)
    return Loop(
        urn=source.urn,
        kind=pool.platform,
        minimum=least,
        maximum=max(least, 1 if pool.ceiling is None else pool.ceiling),
        signals=tuple(signals),
        poll=1.0,
        cooldown=None if least else zero,
        sync=10.0,
        tolerance=0.0,
        up=Rules(window=_seconds(source.field(f"{_POLICY}.scaleUpWindow").value, 30.0)),
        down=Rules(window=_seconds(source.field(f"{_POLICY}.scaleDownWindow").value, 600.0)),
        refuses_at_zero=True,
        limit=limit if isinstance(limit, int) and limit else None,
        wakes_on_request=True,
        assumptions=(
            "A refused request isn't sent again, and one that waits at a busy replica isn't shed",
        ),
        undecided=tuple(undecided),
    )


def _load(path: str, name: str, value: Any) -> Signal | None:
    if not isinstance(value, Decimal) or value <= 0:
        return None
    if name == "default":
        return Signal(path=path, measure=Measure.CONCURRENCY, target=float(value), is_share=True)
    if name == "concurrent_requests":
        return Signal(path=path, measure=Measure.CONCURRENCY, target=float(value))
    if name == "requests_per_second":
        return Signal(path=path, measure=Measure.RATE, target=float(value), window=30.0)
    return None


_CONCURRENCY: Final = 80
"""maxInstanceRequestConcurrency by default (Cloud Run docs, "Maximum concurrent requests")."""


def _cloud_run(source: Declared, pool: Pool, least: int) -> Loop:
    """Cloud Run docs, "About instance autoscaling": 60 % of the concurrency over a minute, idle
    instances up to 15 minutes; at zero a request waits for the start."""
    path = "template.maxInstanceRequestConcurrency"
    field = source.field(path)
    number = field.count()
    limit = number if isinstance(number, int) and number else _CONCURRENCY
    return Loop(
        urn=source.urn,
        kind=pool.platform,
        minimum=least,
        maximum=max(least, 100 if pool.ceiling is None else pool.ceiling),
        signals=(Signal(path=path, measure=Measure.CONCURRENCY, target=0.6 * limit),),
        poll=5.0,
        cooldown=None if least else 900.0,
        sync=5.0,
        tolerance=0.0,
        up=Rules(window=0.0),
        down=Rules(window=900.0),
        limit=limit,
        wakes_on_request=True,
        assumptions=(
            "Cloud Run keeps an idle instance for 15 min, the longest that it documents",
            "Requests wait for a starting instance, and one that waits at a busy one isn't refused",
        ),
        undecided=(*_hidden(source, path), *_scheduled(pool)),
    )


def _container_app(source: Declared, pool: Pool, least: int) -> Loop:
    """Azure docs, "Set scaling rules in Azure Container Apps": requests in 15 s divided by 15,
    pollingInterval 30, cooldownPeriod 300, 240 s for a request."""
    undecided = [*_scheduled(pool)]
    signals: list[Signal] = []
    rules = source.field("template.scale.rules", "template.httpScaleRules")
    if isinstance(rules.value, Hidden):
        undecided.append(rules.undecided("Its scale rules aren't known at preview"))
    for index, rule in enumerate(known_items(rules.value)):
        asked = at(rule, "http", "metadata", "concurrentRequests")
        asked = at(rule, "concurrentRequests") if asked is None else asked
        number = count(asked)
        if isinstance(number, int) and number:
            signals.append(_http_rule(f"{rules.path}[{index}]", float(number)))
        else:
            why = "The trace doesn't tell what this scale rule measures"
            undecided.append(source.open(f"{rules.path}[{index}]", why, "Use an HTTP rule"))
    if not signals and not undecided:
        signals.append(_http_rule(rules.path, 10.0))
    cooldown = source.field("template.scale.cooldownPeriod", "template.cooldownPeriodInSeconds")
    polling = source.field("template.scale.pollingInterval", "template.pollingIntervalInSeconds")
    for field in (cooldown, polling):
        if field.is_hidden:
            undecided.append(field.undecided(f"{field.path} isn't known at preview"))
    return Loop(
        urn=source.urn,
        kind=pool.platform,
        minimum=least,
        maximum=max(least, 10 if pool.ceiling is None else pool.ceiling),
        signals=tuple(signals),
        poll=max(1.0, _seconds(polling.value, 30.0)),
        cooldown=None if least else _seconds(cooldown.value, 300.0),
        sync=15.0,
        down=Rules(window=300.0, policies=DOWN.policies),
        hold_limit=240.0,
        wakes_on_request=True,
        undecided=tuple(undecided),
    )


def _http_rule(path: str, target: float) -> Signal:
    return Signal(path=path, measure=Measure.RATE, target=target, window=15.0)
