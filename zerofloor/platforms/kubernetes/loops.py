"""The loops of ScaledObjects, HTTPScaledObjects, HorizontalPodAutoscalers and Knative Services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, as_object, objects
from zerofloor.platforms.loops import DOWN, UP, Loop, Measure, Policy, Rules, Signal, Window
from zerofloor.stack import Hidden
from zerofloor.values import at, count, get, hidden, known_items, quantity, seconds

SYNC: Final = 15.0
"""--horizontal-pod-autoscaler-sync-period, by default."""
POLL: Final = 30.0
"""pollingInterval's default (KEDA docs, "ScaledObject specification")."""
COOLDOWN: Final = 300.0

_TAKEN: Final = "one message or item stands for one request and stays until it is answered"
_POPPED: Final = "one item stands for one request and leaves the list when its answer begins"

_QUEUES: Final[Mapping[str, tuple[Measure, str, str, float, str]]] = {
    "aws-sqs-queue": (
        Measure.CONCURRENCY, "queueLength", "activationQueueLength", 5, _TAKEN,
    ),
    "azure-queue": (Measure.CONCURRENCY, "queueLength", "activationQueueLength", 5, _TAKEN),
    "azure-servicebus": (Measure.CONCURRENCY, "messageCount", "activationMessageCount", 5, _TAKEN),
    "rabbitmq": (Measure.CONCURRENCY, "value", "activationValue", 20, _TAKEN),
    "kafka": (Measure.CONCURRENCY, "lagThreshold", "activationLagThreshold", 10, _TAKEN),
    "apache-kafka": (Measure.CONCURRENCY, "lagThreshold", "activationLagThreshold", 10, _TAKEN),
    "redis": (Measure.WAITING, "listLength", "activationListLength", 5, _POPPED),
}  # fmt: skip
"""By trigger type: what its number counts, the fields and default of its target (KEDA docs, one
page a scaler)."""

_OTHERS: Final[Mapping[str, tuple[str, str]]] = {
    "prometheus": ("threshold", "activationThreshold"),
    "metrics-api": ("targetValue", "activationTargetValue"),
    "external": ("targetValue", "activationTargetValue"),
    "external-push": ("targetValue", "activationTargetValue"),
}
"""Trigger types whose number only its maker knows, with the fields of target and activation."""

_HTTP_ADD_ON: Final = re.compile(r"keda-add-ons-http|http-external-scaler|http-add-on")
_HTTP_TARGET: Final = 100.0
"""targetValue of concurrency in an HTTPScaledObject and an InterceptorRoute, where none is given
(KEDA HTTP add-on, reference)."""

_BY_NAME: Final = (
    (re.compile(r"num_requests_waiting|queue_size|queue_length|num_queue_reqs|waiting"), "waiting"),
    (re.compile(r"rate\(|requests_per_second|_qps|current_qps"), "rate"),
    (re.compile(r"num_requests_running|in_?flight|concurren|pending|active_requests|num_incoming"),
     "concurrency"),
)  # fmt: skip
_DECIDES: Final = re.compile(
    "(?i)thresh|value|length|count|interceptorRoute|scalerAddress|query"
    "|^start$|^end$|timezone|desiredReplicas"
)
"""Metadata that decide what is measured, and against which target."""
_WINDOW: Final = re.compile(r"rate\([^\[]*\[(\d+[smh])\]")


def read_loop(estate: Estate, urn: str, told: Measure | None = None) -> Loop | None:
    """The loop of a Kubernetes object; None for a resource that is none of these.

    `told` is what metrics count whose name doesn't say it. What can't be played is in the loop's
    `undecided`.
    """
    resource = estate.by_urn[urn]
    if not resource.type.startswith("kubernetes:"):
        return None
    obj = as_object(estate, resource)
    match obj.group, obj.kind:
        case "keda.sh", "ScaledObject":
            return _scaled_object(estate, obj, told)
        case "autoscaling", "HorizontalPodAutoscaler":
            return _hpa(obj, told)
        case "http.keda.sh", "HTTPScaledObject":
            return _http(obj)
        case "serving.knative.dev", "Service":
            return _knative(obj)
    return None


def _number(value: Any, default: float) -> float:
    found = quantity(value)
    return float(found) if isinstance(found, Decimal) else default


def _seconds(value: Any, default: float) -> float:
    found = seconds(value)
    return float(found) if isinstance(found, Decimal) else default


def _whole(value: Any, default: int) -> int:
    found = count(value)
    return found if isinstance(found, int) else default


def _scaled_object(estate: Estate, obj: Object, told: Measure | None) -> Loop:
    spec = obj.spec
    signals: list[Signal] = []
    windows: list[Window] = []
    undecided: list[Undecided] = []
    # Hidden triggers are undecided by the reader of ScaledObjects, before a loop is asked for.
    triggers = known_items(at(spec, "triggers"))
    for index, trigger in enumerate(triggers):
        if at(trigger, "type") == "cron" and not _hidden_metadata(trigger):
            windows.append(_window(f"spec.triggers[{index}]", at(trigger, "metadata")))
            continue
        _sort(_trigger(estate, obj, index, trigger, told), signals, undecided)
    undecided += _unplayable(obj)
    pushes = any(at(one, "type") == "external-push" for one in triggers)
    least = _whole(at(spec, "minReplicaCount"), 0)
    idle = count(at(spec, "idleReplicaCount"))
    behavior = get(spec, "advanced.horizontalPodAutoscalerConfig.behavior")
    return Loop(
        urn=obj.urn,
        kind=obj.kind,
        minimum=least,
        maximum=_whole(at(spec, "maxReplicaCount"), 100),
        signals=tuple(signals),
        windows=tuple(windows),
        idle=idle if isinstance(idle, int) else None,
        poll=max(1.0, _number(at(spec, "pollingInterval"), POLL)),
        cooldown=_number(at(spec, "cooldownPeriod"), COOLDOWN),
        sync=SYNC,
        up=_rules(at(behavior, "scaleUp"), UP),
        down=_rules(at(behavior, "scaleDown"), DOWN),
        hold_limit=_held_for(estate, obj, triggers),
        wakes_on_request=pushes,
        assumptions=() if pushes else (_LOOKS,),
        undecided=tuple(undecided),
    )


_LOOKS: Final = (
    "KEDA looks every pollingInterval: a request that begins and ends between two looks isn't seen"
)


def _sort(read: Signal | Undecided, signals: list[Signal], undecided: list[Undecided]) -> None:
    if isinstance(read, Signal):
        signals.append(read)
    else:
        undecided.append(read)


def _held_for(estate: Estate, obj: Object, triggers: list[Any]) -> float | None:
    """Seconds for which the HTTP add-on's interceptor holds a request while nothing is ready; no
    end by default (KEDA HTTP add-on, "Configure Timeouts")."""
    for trigger in triggers:
        route = _route_of(estate, obj, at(trigger, "metadata", "interceptorRoute"))
        wait = seconds(at(route.spec, "timeouts", "readiness")) if route else None
        if isinstance(wait, Decimal) and wait:
            return float(wait)
    return None


def _route_of(estate: Estate, obj: Object, name: Any) -> Object | None:
    routes = [
        route
        for route in objects(estate, ("http.keda.sh", "InterceptorRoute"))
        if name is not None and route.name == name and route.namespace == obj.namespace
    ]
    return routes[0] if len(routes) == 1 else None


def _unplayable(obj: Object) -> Iterator[Undecided]:
    formula = get(obj.spec, "advanced.scalingModifiers.formula")
    if formula is not None:
        path = "spec.advanced.scalingModifiers.formula"
        yield _open(obj, path, "A scaling formula isn't played", "Simulate it without the formula")
    idle = count(at(obj.spec, "idleReplicaCount"))
    if isinstance(idle, int) and idle:
        path = "spec.idleReplicaCount"
        yield _open(obj, path, "Only an idle count of 0 is played", "Set idleReplicaCount to 0")
    fallback = at(obj.spec, "fallback")
    if hidden(fallback):
        yield _open(obj, "spec.fallback", "The fallback isn't known at preview", "Give its value")


def _hidden_metadata(trigger: Any) -> tuple[str, ...]:
    """The keys of a trigger's metadata that decide and aren't known."""
    meta = at(trigger, "metadata")
    if not isinstance(meta, Mapping):
        return ()
    return tuple(key for key in meta if hidden(meta[key]) and _DECIDES.search(key))


def _window(path: str, meta: Any) -> Window:
    """The hours of a cron trigger (KEDA docs, "Cron"). One that KEDA would refuse has no effect, by
    the reader of ScaledObjects."""
    return Window(
        path=path,
        start=str(at(meta, "start")),
        end=str(at(meta, "end")),
        timezone=str(at(meta, "timezone")),
        replicas=_whole(at(meta, "desiredReplicas"), 1),
    )


def _is_http_add_on(trigger: Any) -> bool:
    address = at(trigger, "metadata", "scalerAddress")
    return isinstance(address, str) and bool(_HTTP_ADD_ON.search(address))


def _trigger(
    estate: Estate, obj: Object, index: int, trigger: Any, told: Measure | None
) -> Signal | Undecided:
    kind, meta = at(trigger, "type"), at(trigger, "metadata")
    path = f"spec.triggers[{index}]"
    for key in _hidden_metadata(trigger):
        where = f"{path}.metadata.{key}"
        return _open(obj, where, f"{where} isn't known at preview", "Give its value")
    is_ratio = at(trigger, "metricType") == "Value"
    if kind in _QUEUES:
        measure, field, active, default, because = _QUEUES[kind]
        return Signal(
            path=path,
            measure=measure,
            target=_positive(at(meta, field), default),
            activation=_number(at(meta, active), 0.0),
            is_ratio=is_ratio,
            because=f"Of {kind} {because}",
        )
    if _is_http_add_on(trigger):
        return _route(estate, obj, path, meta)
    if kind in _OTHERS:
        field, active = _OTHERS[kind]
        return _named(
            obj, path, str(at(meta, "query") or at(meta, "valueLocation") or ""), told,
            target=_positive(at(meta, field), 1.0),
            activation=_number(at(meta, active), 0.0),
            is_ratio=is_ratio,
        )  # fmt: skip
    why = f"The trace doesn't tell what a trigger of type {kind} measures"
    return _open(obj, path, why, "Simulate it with a trigger that counts requests")


def _route(estate: Estate, obj: Object, path: str, meta: Any) -> Signal | Undecided:
    """A trigger of the HTTP add-on: its target stands in its InterceptorRoute or its metadata."""
    name = at(meta, "interceptorRoute")
    if name is None:
        return _http_signal(path, None)
    route = _route_of(estate, obj, name)
    if route is None:
        why = "Its InterceptorRoute isn't in the document"
        return _open(obj, f"{path}.metadata.interceptorRoute", why, "Add the route's document")
    return _http_signal(path, at(route.spec, "scalingMetric"))


def _http_signal(path: str, scaling: Any) -> Signal:
    rate = at(scaling, "requestRate")
    if rate is not None:
        return Signal(
            path=path,
            measure=Measure.RATE,
            target=_positive(at(rate, "targetValue"), _HTTP_TARGET),
            window=max(1.0, _seconds(at(rate, "window"), 60.0)),
        )
    return Signal(
        path=path,
        measure=Measure.CONCURRENCY,
        target=_positive(at(scaling, "concurrency", "targetValue"), _HTTP_TARGET),
    )


def _positive(value: Any, default: float) -> float:
    found = _number(value, default)
    return found if found > 0 else default


def _named(
    obj: Object, path: str, name: str, told: Measure | None, *,
    target: float, activation: float = 0.0, is_ratio: bool = False,
) -> Signal | Undecided:  # fmt: skip
    """A metric that only its maker knows: as told, else as its name says."""
    measure = told or next((Measure(kind) for known, kind in _BY_NAME if known.search(name)), None)
    if measure is None:
        shown = f" ({name[:40]})" if name else ""
        why = f"The trace doesn't tell what this metric counts{shown}"
        return _open(obj, path, why, "Say it: --metric concurrency, waiting or rate")
    window = _WINDOW.search(name)
    said = "--metric says so" if told else "its name says so"
    return Signal(
        path=path,
        measure=measure,
        target=target,
        activation=activation,
        window=max(1.0, _seconds(window[1], 60.0)) if window else 60.0 * (measure is Measure.RATE),
        is_ratio=is_ratio,
        because=f"{path} counts {_WORDS[measure]}, since {said}",
    )


_WORDS: Final = {
    Measure.CONCURRENCY: "requests that wait or are being answered",
    Measure.WAITING: "requests that wait",
    Measure.RATE: "requests a second",
}


def _rules(value: Any, default: Rules) -> Rules:
    if value is None or isinstance(value, Hidden):
        return default
    policies = tuple(
        Policy(
            at(policy, "type") == "Percent",
            _number(at(policy, "value"), 100.0),
            _number(at(policy, "periodSeconds"), 15.0),
        )
        for policy in known_items(at(value, "policies"))
    )
    chosen = at(value, "selectPolicy")
    return Rules(
        window=_number(at(value, "stabilizationWindowSeconds"), default.window),
        policies=policies or default.policies,
        takes_least=chosen == "Min",
        is_off=chosen == "Disabled",
    )


def _hpa(obj: Object, told: Measure | None) -> Loop:
    spec = obj.spec
    signals: list[Signal] = []
    undecided: list[Undecided] = []
    listed = at(spec, "metrics")
    if isinstance(listed, Hidden):
        undecided.append(_open(obj, "spec.metrics", "Its metrics aren't known", "Give them"))
    for index, metric in enumerate(known_items(listed)):
        _sort(_metric(obj, f"spec.metrics[{index}]", metric, told), signals, undecided)
    if not signals and not undecided:
        why = "It scales on CPU, which the trace doesn't tell"
        undecided.append(_open(obj, "spec.metrics", why, "Scale on a metric that counts requests"))
    least = _whole(at(spec, "minReplicas"), 1)
    down = _rules(at(spec, "behavior", "scaleDown"), DOWN)
    return Loop(
        urn=obj.urn,
        kind=obj.kind,
        minimum=least,
        maximum=_whole(at(spec, "maxReplicas"), max(least, 1)),
        signals=tuple(signals),
        poll=SYNC,
        cooldown=None if least else down.window,
        sync=SYNC,
        up=_rules(at(spec, "behavior", "scaleUp"), UP),
        down=down,
        undecided=tuple(undecided),
    )


def _metric(obj: Object, path: str, metric: Any, told: Measure | None) -> Signal | Undecided:
    kind = at(metric, "type")
    field = {"Pods": "pods", "External": "external", "Object": "object"}.get(str(kind))
    if field is None:
        why = f"The trace doesn't tell what a metric of type {kind} measures"
        return _open(obj, path, why, "Scale on a metric that counts requests")
    target = at(metric, field, "target")
    if any(hidden(at(target, name)) for name in ("type", "value", "averageValue")):
        return _open(obj, f"{path}.{field}.target", "Its target isn't known", "Give its value")
    is_ratio = at(target, "type") == "Value"
    name = str(at(metric, field, "metric", "name") or "")
    value = at(target, "value") if is_ratio else at(target, "averageValue")
    return _named(obj, path, name, told, target=_positive(value, 1.0), is_ratio=is_ratio)


def _http(obj: Object) -> Loop:
    spec = obj.spec
    return Loop(
        urn=obj.urn,
        kind=obj.kind,
        minimum=_whole(at(spec, "replicas", "min"), 0),
        maximum=_whole(at(spec, "replicas", "max"), 100),
        signals=(_http_signal("spec.scalingMetric", at(spec, "scalingMetric")),),
        poll=POLL,
        cooldown=_number(at(spec, "scaledownPeriod"), COOLDOWN),
        sync=SYNC,
        hold_limit=_seconds(at(spec, "timeouts", "conditionWait"), 0.0) or None,
        wakes_on_request=True,
    )


_KNATIVE: Final = "autoscaling.knative.dev/"


def _knative(obj: Object) -> Loop:
    annotations = at(obj.spec, "template", "metadata", "annotations")

    def said(*names: str) -> Any:
        values = (at(annotations, _KNATIVE + name) for name in names)
        return next((value for value in values if value is not None), None)

    limit = _number(at(obj.spec, "template", "spec", "containerConcurrency"), 0.0)
    share = _number(said("target-utilization-percentage"), 70.0) / 100
    target = _number(said("target"), 0.0) or (limit or 100.0) * share
    undecided = []
    if said("metric") not in (None, "concurrency") or said("class") not in (None, _KPA):
        why = "Only Knative's concurrency metric under its own autoscaler is played"
        path = "spec.template.metadata.annotations"
        undecided.append(_open(obj, path, why, "Simulate it with the metric concurrency"))
    least = _whole(said("min-scale", "minScale"), 0)
    most = _whole(said("max-scale", "maxScale"), 0)
    window = _seconds(said("window"), 60.0)
    grace, kept = 30.0, _seconds(said("scale-to-zero-pod-retention-period"), 0.0)
    down = Rules(window=max(window, _seconds(said("scale-down-delay"), 0.0)))
    return Loop(
        urn=obj.urn,
        kind=f"Knative {obj.kind}",
        minimum=least,
        maximum=most or 1000,
        signals=(
            Signal(
                path="spec.template.metadata.annotations",
                measure=Measure.CONCURRENCY,
                target=target,
            ),
        ),
        poll=2.0,
        cooldown=None if least else window + max(grace, kept),
        sync=2.0,
        tolerance=0.0,
        up=Rules(window=6.0),
        down=down,
        limit=int(limit) or None,
        wakes_on_request=True,
        assumptions=(
            "Knative scales out on 6 s of concurrency and in on its window, with the defaults of "
            "config-autoscaler",
        ),
        undecided=tuple(undecided),
    )


_KPA: Final = "kpa.autoscaling.knative.dev"


def _open(obj: Object, path: str, why: str, settle: str) -> Undecided:
    return Undecided(obj.urn, path, why, settle)
