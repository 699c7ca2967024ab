"""HorizontalPodAutoscaler: a minimum that it never goes below, and 0 only behind a gate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from zerofloor.capacity import NOT_KNOWN, Cause, Evidence, Hold, Part, Scaler, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, hidden, items, known_text

KINDS = frozenset({("autoscaling", "HorizontalPodAutoscaler")})


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, *KINDS):
        yield _scaler(estate, obj)


def _scaler(estate: Estate, obj: Object) -> Scaler:
    spec = obj.spec
    target = at(spec, "scaleTargetRef")
    name = at(target, "name")
    undecided: list[Undecided] = []
    refused: Evidence | None = None
    minimum, maximum = count(at(spec, "minReplicas")), count(at(spec, "maxReplicas"))
    if isinstance(spec, Hidden):
        undecided.append(
            Undecided(
                obj.urn,
                "spec",
                f"The spec is {spec.value} at preview: its minimum is not known",
                SETTLE,
            )
        )
    for value, field in ((minimum, "minReplicas"), (maximum, "maxReplicas")):
        if isinstance(value, Hidden) and not isinstance(spec, Hidden):
            why = f"spec.{field} is {value.value} at preview, so how far it scales in is not known"
            undecided.append(Undecided(obj.urn, f"spec.{field}", why, SETTLE))
        elif isinstance(value, Impossible):
            refused = Evidence(
                obj.urn, f"spec.{field}", at(spec, field), f"the API server refuses it: {value.why}"
            )
        elif isinstance(at(spec, field), str):
            why = "the API server refuses it: a whole number is wanted, not text"
            refused = Evidence(obj.urn, f"spec.{field}", at(spec, field), why)
    if maximum is None:
        why = "the API server refuses an HPA without maxReplicas"
        refused = Evidence(obj.urn, "spec.maxReplicas", None, why)
    floor = 1 if minimum is None else minimum if isinstance(minimum, int) else 1
    if isinstance(maximum, int) and (maximum < 1 or floor > maximum):
        refused = Evidence(
            obj.urn,
            "spec.maxReplicas",
            maximum,
            f"the API server refuses a maximum below 1 or below the minimum ({floor})",
        )
    holds: tuple[Hold, ...] = ()
    if isinstance(minimum, int) and minimum == 0:
        not_zero, gate = _zero(estate, obj)
        refused = refused or not_zero
        undecided += gate
    elif not hidden(minimum):
        said = (
            f"minReplicas is {floor}"
            if minimum is not None
            else "minReplicas is not set and defaults to 1"
        )
        kept = Evidence(
            obj.urn,
            "spec.minReplicas",
            at(spec, "minReplicas"),
            f"{said}: an HPA never scales below it",
        )
        fix = (
            "Replace the HPA by a KEDA ScaledObject with minReplicaCount 0 and a signal that "
            "exists while no replica runs"
        )
        holds = (
            Hold(cause=Cause.SCALER_MINIMUM, urn=obj.urn, units=floor, evidence=(kept,), fix=fix),
        )
    return Scaler(
        urn=obj.urn,
        kind=obj.kind,
        namespace=obj.namespace,
        cluster=obj.cluster,
        target_kind=""
        if hidden(at(target, "kind"))
        else known_text(at(target, "kind")) or "Deployment",
        target_name=known_text(name),  # None stands for a hidden one.
        target_urns=tuple((obj.resource.property_dependencies or {}).get("spec", ())),
        not_in_effect=refused,
        wakes_from_zero=isinstance(minimum, int) and minimum == 0,
        holds=holds,
        keeps_peak=keeps_peak(obj, at(spec, "behavior"), "spec.behavior", max(floor, 1)),
        off_at_zero=True,
        maximum=maximum if isinstance(maximum, int) else NOT_KNOWN,
        undecided=tuple(undecided),
    )


def keeps_peak(obj: Object, behavior: Any, path: str, floor: int) -> Hold | None:
    """The hold of an HPA with scale-down switched off: the replicas of the busy hour stay (seen:
    tests/data/truth, S65)."""
    policy = at(behavior, "scaleDown", "selectPolicy")
    if policy != "Disabled":
        return None
    where = f"{path}.scaleDown.selectPolicy"
    kept = Evidence(
        obj.urn,
        where,
        policy,
        f"scale-down is disabled: the replicas of the busiest hour stay (at least {floor})",
    )
    change = change_of(obj, where, "Max")
    fix = f"Remove {where} or set it to Max"
    return Hold(
        cause=Cause.KEPT_PEAK, urn=obj.urn, units=None, evidence=(kept,), fix=fix, change=change
    )


def _zero(estate: Estate, obj: Object) -> tuple[Evidence | None, list[Undecided]]:
    """What becomes of minReplicas 0: refused, in effect, or not to be told without the gate."""
    metrics = items(at(obj.spec, "metrics"))
    if isinstance(metrics, Hidden):
        why = "Its metrics are not known at preview: the API server may refuse minReplicas 0"
        return None, [Undecided(obj.urn, "spec.metrics", why, SETTLE)]
    if not any(at(metric, "type") in ("Object", "External") for metric in metrics):
        why = "the API server refuses minReplicas 0 without an Object or External metric"
        return Evidence(obj.urn, "spec.minReplicas", 0, why), []
    gate = estate.settings.trust.hpa_scale_to_zero
    version = _version(estate)
    if gate is None and version is not None:
        gate = version >= (1, 37)
    if gate is None:
        why = (
            "minReplicas 0 needs the HPAScaleToZero gate (on by default from Kubernetes 1.37), "
            "and it isn't known which version runs"
        )
        return None, [
            Undecided(
                obj.urn,
                "spec.minReplicas",
                why,
                "Set trust.kubernetesVersion or trust.hpaScaleToZero in zerofloor.yaml",
            )
        ]
    if not gate:
        return Evidence(
            obj.urn,
            "spec.minReplicas",
            0,
            "the API server refuses minReplicas 0: the HPAScaleToZero gate is off",
        ), []
    return None, []


def _version(estate: Estate) -> tuple[int, int] | None:
    """The one Kubernetes version that settings or clusters in the estate declare."""
    said = {estate.settings.trust.kubernetes_version} - {None}
    clusters = estate.of_type(
        "aws:eks/cluster:Cluster", "eks:index:Cluster", "aws-native:eks:Cluster"
    )
    # A hidden version is one that nothing says: undecided where it matters.
    said = said or {known_text(at(cluster.inputs, "version")) for cluster in clusters}
    versions = {
        (int(m[1]), int(m[2])) if (m := re.match(r"v?(\d{1,3})\.(\d{1,3})", v or "")) else None
        for v in said
    }
    return versions.pop() if len(versions) == 1 else None
