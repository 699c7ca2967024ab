"""KEDA's triggers: which can't be built, which never go quiet, and which hold for a part of the
week."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zerofloor.capacity import WEEK, Cause, Evidence, Hold, Undecided
from zerofloor.estate import Estate
from zerofloor.patterns import lazy
from zerofloor.platforms.kubernetes.objects import Object, change_of, meet, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, selects
from zerofloor.schedules import BadSchedule, fires, hours_per_week
from zerofloor.spelling import nearest
from zerofloor.stack import Hidden
from zerofloor.values import (
    MOST,
    Impossible,
    at,
    count,
    hidden,
    known_items,
    known_mapping,
    known_text,
    mapping,
    quantity,
    text,
)
from zerofloor.words import counted

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "cron": ("timezone", "start", "end", "desiredReplicas"),
    "prometheus": ("serverAddress", "query", "threshold"),
    "metrics-api": ("url", "valueLocation", "targetValue"),
    "kubernetes-workload": ("podSelector", "value"),
    "aws-sqs-queue": ("queueURL", "awsRegion"),
    "kafka": ("bootstrapServers", "consumerGroup"),
}
"""Metadata without which the scaler can't be built (KEDA docs, one page a scaler); `…FromEnv` may
stand in."""

TYPES: Final = frozenset(
    {
        "activemq",
        "apache-kafka",
        "arangodb",
        "artemis-queue",
        "aws-cloudwatch",
        "aws-dynamodb",
        "aws-dynamodb-streams",
        "aws-kinesis-stream",
        "aws-sqs-queue",
        "azure-app-insights",
        "azure-blob",
        "azure-data-explorer",
        "azure-eventhub",
        "azure-log-analytics",
        "azure-monitor",
        "azure-pipelines",
        "azure-queue",
        "azure-servicebus",
        "beanstalkd",
        "cassandra",
        "clickhouse",
        "couchdb",
        "cpu",
        "cron",
        "datadog",
        "dynatrace",
        "elastic-forecast",
        "elasticsearch",
        "etcd",
        "external",
        "external-mock",
        "external-push",
        "forgejo-runner",
        "gcp-cloudtasks",
        "gcp-pubsub",
        "gcp-spanner",
        "gcp-stackdriver",
        "gcp-storage",
        "github-runner",
        "graphite",
        "huawei-cloudeye",
        "ibmmq",
        "influxdb",
        "kafka",
        "kubernetes-resource",
        "kubernetes-workload",
        "liiklus",
        "loki",
        "memory",
        "metrics-api",
        "mongodb",
        "mssql",
        "mysql",
        "nats-jetstream",
        "new-relic",
        "nsq",
        "opensearch",
        "openstack-metric",
        "openstack-swift",
        "postgresql",
        "predictkube",
        "prometheus",
        "pulsar",
        "rabbitmq",
        "redis",
        "redis-cluster",
        "redis-cluster-streams",
        "redis-sentinel",
        "redis-sentinel-streams",
        "redis-streams",
        "selenium-grid",
        "solace-direct-messaging",
        "solace-event-queue",
        "solarwinds",
        "solr",
        "splunk",
        "splunk-observability",
        "stan",
        "sumologic",
        "temporal",
    }
)
"""The scalers of KEDA up to 2.21 (pkg/scaling/scalers_builder.go); `stan` was removed with 2.16."""

_ENGINE_METRIC = lazy(
    r"\b(?:vllm|sglang|tgi|trtllm|lmdeploy|triton|nv_inference|nv_gpu|DCGM_FI|llamacpp|tei)[:_]"
)

_NUMBER: Final = r"vector\(\s*[1-9]\d*(?:\.\d+)?\s*\)"
_CONSTANT: Final = lazy(
    rf"\s*(?:[1-9]\d*(?:\.\d+)?|{_NUMBER}|.*\bor\s+(?:on\(\)\s+)?{_NUMBER})\s*", re.S
)
"""A Prometheus query that is a number above zero, or falls back to one where it finds nothing."""

_LEAST: Final = lazy(r"max\(\[?[^\])]*\b([1-9]\d*)\b")
"""A scaling formula that never falls below a number (seen: tests/data/truth S60)."""


def only_resource_metrics(triggers: list[Any]) -> bool:
    """Whether all triggers are cpu or memory: those are always active."""
    return bool(triggers) and all(at(trigger, "type") in ("cpu", "memory") for trigger in triggers)


def reads_an_engine(query: str) -> bool:
    """Whether a query reads metrics that inference engines or GPUs report of themselves."""
    return _ENGINE_METRIC.search(query) is not None


def unusable(obj: Object, index: int, trigger: Any) -> Evidence | None:
    """Why the trigger's scaler can't be built: then the ScaledObject never becomes Ready."""
    # Hidden metadata is undecided by now (`_hidden_parts`).
    kind, meta = at(trigger, "type"), known_mapping(at(trigger, "metadata"))
    if not isinstance(trigger, Mapping) or not isinstance(kind, str):
        return Evidence(
            obj.urn,
            f"spec.triggers[{index}]",
            None,
            "the API server refuses a trigger without a type",
        )
    if kind not in TYPES:
        near = nearest(kind, TYPES)
        meant = f" (did you mean {near}?)" if near else ""
        why = f"KEDA has no scaler named {kind}{meant}, so the ScaledObject never becomes Ready"
        return Evidence(obj.urn, f"spec.triggers[{index}].type", kind, why)
    authenticated = at(trigger, "authenticationRef") is not None and kind != "cron"
    faults: list[tuple[str, str]] = []
    if not authenticated:
        faults += [(key, f"the {kind} trigger lacks {key}") for key in _lacking(kind, meta)]
    if kind == "cron":
        faults += _cron_faults(meta)
    for key, fault in faults:
        why = f"{fault}, so the ScaledObject never becomes Ready"
        return Evidence(obj.urn, f"spec.triggers[{index}].metadata.{key}", meta.get(key), why)
    return None


def _lacking(kind: str, meta: Mapping[str, Any]) -> Iterator[str]:
    """The keys that a trigger of a type must have and doesn't."""
    for key in _NEEDED.get(kind, ()):
        if meta.get(key) in (None, "") and meta.get(f"{key}FromEnv") in (None, ""):
            yield key


def _cron_faults(meta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What KEDA refuses in a cron trigger, each with its key."""
    start, end, zone = meta.get("start"), meta.get("end"), meta.get("timezone")
    if not hidden(start) and start == end:
        yield "end", "start and end are the same"
    wanted = count(meta.get("desiredReplicas"))
    if isinstance(wanted, Impossible) or wanted == 0:
        yield "desiredReplicas", "it is not a number above zero"
    if isinstance(zone, str) and not _is_time_zone(zone):
        yield "timezone", "it is not a time zone"
    for key, expression in (("start", start), ("end", end)):
        if isinstance(expression, str) and not fires(expression):
            yield key, "it is not a cron expression"


def kept(
    estate: Estate, obj: Object, index: int, trigger: Any, floor: int, maximum: int | None
) -> Iterator[Hold | Undecided]:
    """What a trigger keeps after a week without a request, beyond the minimum (`floor`)."""
    path = f"spec.triggers[{index}].metadata"
    # Hidden metadata is undecided by now (`_hidden_parts`).
    meta = known_mapping(at(trigger, "metadata"))
    kind = at(trigger, "type")
    if kind == "cron":
        window = _cron(obj, path, meta, floor, maximum)
        if window is not None:
            yield window
    if kind == "kubernetes-workload":
        yield from _counted_pods(estate, obj, path, meta, floor, maximum)
    # A hidden query can be quiet, since a number would not be hidden: an assumption of the scaler.
    query = known_text(meta.get("query")) or ""
    if kind == "prometheus" and _CONSTANT.fullmatch(query):
        because = Evidence(
            obj.urn,
            f"{path}.query",
            query,
            "the query is never zero, so the trigger is always active",
        )
        yield Hold(
            cause=Cause.ALWAYS_ON_TRIGGER,
            urn=obj.urn,
            units=max(1, floor),
            evidence=(because,),
            fix="Ask for something that is zero while there are no requests",
        )
    for key in sorted(meta):
        if key.lower().startswith("activation") and isinstance(meta[key], Hidden):
            why = (
                f"{path}.{key} is {meta[key].value} at preview: below zero the trigger is "
                "always active"
            )
            yield Undecided(obj.urn, f"{path}.{key}", why, SETTLE)
    threshold = _activation(meta)
    if threshold is not None and threshold < 0:
        key = next(key for key in meta if key.lower().startswith("activation"))
        because = Evidence(
            obj.urn,
            f"{path}.{key}",
            meta[key],
            "the activation threshold is negative, so a value of 0 keeps it active",
        )
        yield Hold(
            cause=Cause.ALWAYS_ON_TRIGGER,
            urn=obj.urn,
            units=max(1, floor),
            evidence=(because,),
            fix=f"Set {path}.{key} to 0 or more",
            change=change_of(obj, f"{path}.{key}", "0"),
        )


def formula(obj: Object, floor: int) -> Hold | None:
    """What a scaling formula keeps that never falls to zero."""
    path = "spec.advanced.scalingModifiers.formula"
    # A hidden formula is undecided by now (`_hidden_parts`).
    said = known_text(at(obj.spec, "advanced", "scalingModifiers", "formula"))
    least = _LEAST.search(said) if said else None
    active = quantity(at(obj.spec, "advanced", "scalingModifiers", "activationTarget"))
    if least is None or Decimal(least[1]) <= (active if isinstance(active, Decimal) else 0):
        return None
    because = Evidence(
        obj.urn, path, said, f"the formula never falls below {least[1]}, so it is always active"
    )
    return Hold(
        cause=Cause.ALWAYS_ON_TRIGGER,
        urn=obj.urn,
        units=max(1, floor),
        evidence=(because,),
        fix=f"Let {path} fall to 0",
    )


def _cron(
    obj: Object, path: str, meta: Any, floor: int, maximum: int | None
) -> Hold | Undecided | None:
    """The window of a cron trigger: replicas above the minimum for a part of the week."""
    if any(hidden(meta.get(key)) for key in ("start", "end", "desiredReplicas")):
        return Undecided(obj.urn, path, "The cron window is not known at preview", SETTLE)
    wanted = count(meta.get("desiredReplicas"))
    if not isinstance(wanted, int) or wanted <= floor:
        return None
    wanted = min(wanted, maximum) if maximum is not None else wanted
    try:
        hours = hours_per_week(str(meta["start"]), str(meta["end"]))
    except BadSchedule:
        return None
    because = Evidence(
        obj.urn,
        path,
        {key: meta.get(key) for key in ("start", "end", "desiredReplicas")},
        f"a cron trigger keeps {counted(wanted, 'replica')} from "
        f"`{meta['start']}` to `{meta['end']}`",
    )
    # Hidden triggers are undecided by now.
    others = len(known_items(at(obj.spec, "triggers"))) > 1
    return Hold(
        cause=Cause.ALWAYS_ON_TRIGGER if hours >= WEEK - 1 else Cause.SCHEDULE,
        urn=obj.urn,
        units=wanted,
        evidence=(because,),
        fix="Remove the cron trigger, or narrow its window"
        if others
        else "Replace the cron trigger by one that counts waiting requests, or narrow its window",
        hours_per_week=hours,
        # A ScaledObject without triggers would be refused.
        change=change_of(obj, path.removesuffix(".metadata"), None) if others else (),
    )


def _counted_pods(
    estate: Estate, obj: Object, path: str, meta: Mapping[str, Any], floor: int, maximum: int | None
) -> Iterator[Hold | Undecided]:
    """A trigger that counts pods: those of a workload that always runs keep it active (seen:
    tests/data/truth, SURPRISES S82)."""
    selector = text(meta.get("podSelector"))
    value, active = quantity(meta.get("value")), quantity(meta.get("activationValue"))
    if isinstance(selector, Hidden):
        why = f"{path}.podSelector is {selector.value} at preview: it may count pods that stay"
        yield Undecided(obj.urn, f"{path}.podSelector", why, SETTLE)
        return
    if isinstance(value, Hidden):
        value = Decimal(MOST)  # One replica at least, whatever it is.
    if selector is None or not isinstance(value, Decimal) or not value:
        return
    scaled = _targets(estate)
    pods = 0
    for other in objects(estate, ("apps", "Deployment"), ("apps", "StatefulSet")):
        if not meet(other, obj) or (other.kind, other.name) in scaled:
            continue
        labels = mapping(at(other.spec, "template", "metadata", "labels"))
        if isinstance(labels, Hidden) or selects(_selector(selector), labels):
            replicas = count(at(other.spec, "replicas"))
            if hidden(replicas):
                yield Undecided(
                    obj.urn,
                    path,
                    f"It counts pods of {other.shown_name}, whose number is not known at preview",
                    SETTLE,
                )
                return
            pods += 1 if replicas is None else replicas if isinstance(replicas, int) else 0
    if pods <= (active if isinstance(active, Decimal) else 0):
        return
    wanted = max(floor, 1, int(-(-Decimal(pods) // value)))
    wanted = wanted if maximum is None else min(wanted, maximum)
    because = Evidence(
        obj.urn,
        f"{path}.podSelector",
        selector,
        f"{counted(pods, 'pod')} that always run match it, so it is always active",
    )
    yield Hold(
        cause=Cause.ALWAYS_ON_TRIGGER,
        urn=obj.urn,
        units=wanted,
        evidence=(because,),
        fix="Select pods that are only there while there is work",
    )


def _targets(estate: Estate) -> set[tuple[str, str | None]]:
    """What scalers in the estate move: how many pods those have is not theirs to say."""
    found: set[tuple[str, str | None]] = set()
    for scaler in objects(
        estate, ("keda.sh", "ScaledObject"), ("autoscaling", "HorizontalPodAutoscaler")
    ):
        ref = at(scaler.spec, "scaleTargetRef")
        # A hidden target leaves pods counted as always there: that may raise a floor.
        found.add((known_text(at(ref, "kind")) or "Deployment", known_text(at(ref, "name"))))
    return found


def _selector(said: str) -> Mapping[str, Any]:
    """`app=web,tier in (a,b),gpu` as a label selector object."""
    expressions: list[Mapping[str, Any]] = []
    for part in re.split(r",(?![^(]*\))", said):
        match = re.fullmatch(
            r"\s*([\w./-]+)\s*(?:(==?|!=)\s*([\w.-]*)|\s(in|notin)\s*\(([^)]*)\))?\s*", part
        )
        if match is None:
            return {"matchExpressions": [{"key": "", "operator": "In", "values": []}]}
        key, sign, value, word, listed = match.groups()
        values = [value] if sign else [one.strip() for one in (listed or "").split(",")]
        operator = (
            "Exists"
            if not sign and not word
            else "NotIn"
            if sign == "!=" or word == "notin"
            else "In"
        )
        expressions.append({"key": key, "operator": operator, "values": values})
    return {"matchExpressions": expressions}


def _activation(meta: Any) -> Decimal | None:
    # Hidden metadata is undecided by now.
    for key, value in known_mapping(meta).items():
        if key.lower().startswith("activation") and isinstance(value, str | int | float):
            try:
                threshold = Decimal(str(value))
            except ArithmeticError:
                return None
            return threshold if threshold.is_finite() else None
    return None


def _is_time_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
