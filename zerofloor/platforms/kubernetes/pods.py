"""What one pod asks for: accelerators, cores, memory, and where it may land."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from zerofloor.capacity import Evidence, PodDemand, Toleration, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.accelerators import devices, is_accelerator
from zerofloor.hardware.node_labels import Requirement
from zerofloor.platforms.kubernetes.objects import Object, objects, same_namespace
from zerofloor.stack import Hidden
from zerofloor.values import (
    MOST,
    Impossible,
    at,
    count,
    known_items,
    known_mapping,
    known_text,
    quantity,
    switch,
)

DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"


@dataclass(frozen=True, slots=True)
class PodReading:
    """A pod template as understood."""

    demand: PodDemand
    evidence: tuple[Evidence, ...] = ()
    """Where the accelerators are asked for."""
    refused: Evidence | None = None
    """Set where the API server refuses such a pod."""
    undecided: tuple[Undecided, ...] = ()


SETTLE = (
    "Give the value in the program or its config so that the preview knows it, or add a hint "
    "with a reason to zerofloor.yaml"
)


def elsewhere(obj: Object, path: str, why: str) -> PodReading:
    """Pods whose template is not in the stack."""
    return PodReading(
        PodDemand(),
        undecided=(Undecided(obj.urn, path, f"{why}; its pods may ask for GPUs", SETTLE),),
    )


def read_pod(estate: Estate, obj: Object, template: Any, path: str) -> PodReading:
    """The pod template at `path` of an object (`spec.template`; `` for a bare Pod)."""
    spec = at(template, "spec")
    prefix = f"{path}.spec" if path else "spec"
    for value, where in ((template, path or "the manifest"), (spec, prefix)):
        if isinstance(value, Hidden):
            unread = PodDemand(
                do_not_disrupt=None if value is template else do_not_disrupt(template)
            )
            return PodReading(
                unread, undecided=(_open(obj, where, value, "its pods may ask for GPUs"),)
            )
    for value, where in ((obj.spec, "spec"), (template, path or "the manifest"), (spec, prefix)):
        if _misshapen(value):
            return PodReading(PodDemand(), undecided=(_no_object(obj, where),))
    evidence: list[Evidence] = []
    undecided: list[Undecided] = []
    refused: Evidence | None = None
    running: dict[str, Decimal] = {}
    starting: dict[str, Decimal] = {}
    shared = False
    for group in ("containers", "initContainers"):
        listed = at(spec, group)
        if isinstance(listed, Hidden):
            undecided.append(
                _open(obj, f"{prefix}.{group}", listed, "its containers may ask for GPUs")
            )
        elif listed is not None and not isinstance(listed, list | tuple | Mapping):
            undecided.append(_no_object(obj, f"{prefix}.{group}"))
        for index, container in enumerate(known_items(listed)):
            where = f"{prefix}.{group}[{index}].resources"
            if isinstance(container, Hidden):
                undecided.append(
                    _open(
                        obj,
                        f"{prefix}.{group}[{index}]",
                        container,
                        "the container may ask for GPUs",
                    )
                )
                continue
            if _misshapen(container):
                undecided.append(_no_object(obj, f"{prefix}.{group}[{index}]"))
                continue
            asked, container_refused, container_undecided, links = _resources(
                obj, at(container, "resources"), where
            )
            refused = refused or container_refused
            undecided += container_undecided
            evidence += links
            sidecar = group == "initContainers" and at(container, "restartPolicy") == "Always"
            if group == "containers" or sidecar:
                for name, amount in asked.items():
                    running[name] = running.get(name, Decimal(0)) + amount
            else:
                for name, amount in asked.items():
                    starting[name] = max(starting.get(name, Decimal(0)), amount)
            if any(
                isinstance(at(port, "hostPort"), int)
                for port in known_items(at(container, "ports"))
            ):
                shared = True
    total = {
        name: max(running.get(name, Decimal(0)), starting.get(name, Decimal(0)))
        for name in sorted({*running, *starting})
    }
    accelerators: dict[str, Decimal] = {}
    open_count = False
    for name, amount in total.items():
        if is_accelerator(name) and amount > 0:
            accelerators[name], at_least = devices(name, amount)
            open_count = open_count or at_least
    claimed = _claims(estate, obj, spec, prefix)
    evidence += claimed.evidence
    undecided += claimed.undecided
    accelerators.update(claimed.demand.accelerators)
    labels = known_mapping(at(template, "metadata", "labels"))
    demand = PodDemand(
        accelerators=accelerators,
        open_count=open_count or claimed.demand.open_count,
        cpu=total.get("cpu", Decimal(0)),
        memory=total.get("memory", Decimal(0)),
        node_selector={
            key: value
            for key, value in known_mapping(at(spec, "nodeSelector")).items()
            if isinstance(value, str)
        },
        affinity=_affinity(spec),
        tolerations=_tolerations(at(spec, "tolerations")),
        one_per_node=shared or _spreads_one_per_node(spec, labels),
        do_not_disrupt=do_not_disrupt(template),
    )
    return PodReading(demand, tuple(evidence), refused, tuple(undecided))


def do_not_disrupt(template: Any) -> bool | None:
    """Whether a template's annotation keeps Karpenter from disrupting it for good; None where that
    can't be read."""
    value = at(template, "metadata", "annotations", DO_NOT_DISRUPT)
    return None if isinstance(value, Hidden) else value in ("true", True)


def _resources(
    obj: Object, resources: Any, where: str
) -> tuple[dict[str, Decimal], Evidence | None, list[Undecided], list[Evidence]]:
    """What one container asks for: limits stand in for missing requests, as the API server does
    it."""
    undecided: list[Undecided] = []
    evidence: list[Evidence] = []
    refused: Evidence | None = None
    if isinstance(resources, Hidden):
        return {}, None, [_open(obj, where, resources, "the container may ask for GPUs")], []
    limits, requests = at(resources, "limits"), at(resources, "requests")
    for value, path in (
        (resources, where),
        (limits, f"{where}.limits"),
        (requests, f"{where}.requests"),
    ):
        if _misshapen(value):
            return {}, None, [_no_object(obj, path)], []
    for value, name in ((limits, "limits"), (requests, "requests")):
        if isinstance(value, Hidden):
            undecided.append(_open(obj, f"{where}.{name}", value, "the container may ask for GPUs"))
    asked: dict[str, Decimal] = {}
    for name in sorted({*known_mapping(limits), *known_mapping(requests)}):
        limit, request = (
            quantity(known_mapping(limits).get(name)),
            quantity(known_mapping(requests).get(name)),
        )
        path = f'{where}.limits["{name}"]'
        accelerator = is_accelerator(name)
        amount = limit if accelerator else request if request is not None else limit
        if accelerator and limit is None and isinstance(limits, Hidden):
            continue
        if accelerator and limit is None:
            refused = Evidence(
                obj.urn,
                f'{where}.requests["{name}"]',
                known_mapping(requests).get(name),
                "the API server refuses a GPU request without a limit",
            )
            continue
        if accelerator and isinstance(amount, Decimal) and amount > MOST:
            amount = Impossible(f"{amount:f} is beyond any real count")
        if isinstance(amount, Decimal):
            asked[name] = amount
            if accelerator and amount > 0:
                evidence.append(
                    Evidence(
                        obj.urn,
                        path,
                        known_mapping(limits).get(name),
                        f"each pod asks for {amount:f} {name}",
                    )
                )
        elif accelerator and isinstance(amount, Hidden):
            undecided.append(_open(obj, path, amount, "the number of GPUs is not known"))
        elif accelerator and isinstance(amount, Impossible):
            undecided.append(
                Undecided(obj.urn, path, f"{path} can't be: {amount.why}", "Correct the value")
            )
    return asked, refused, undecided, evidence


def _claims(estate: Estate, obj: Object, spec: Any, prefix: str) -> PodReading:
    """GPUs asked for by dynamic resource allocation (resource.k8s.io): the pod names claims or
    templates of claims."""
    accelerators: dict[str, Decimal] = {}
    evidence: list[Evidence] = []
    undecided: list[Undecided] = []
    open_count = False
    claims = at(spec, "resourceClaims")
    if isinstance(claims, Hidden):
        undecided.append(
            _open(obj, f"{prefix}.resourceClaims", claims, "the claims may be for GPUs")
        )
    for index, claim in enumerate(known_items(claims)):
        names = (at(claim, "resourceClaimTemplateName"), at(claim, "resourceClaimName"))
        name = next((value for value in names if value is not None), None)
        if name is None:
            continue
        where = f"{prefix}.resourceClaims[{index}]"
        found = [
            template
            for template in objects(
                estate,
                ("resource.k8s.io", "ResourceClaimTemplate"),
                ("resource.k8s.io", "ResourceClaim"),
            )
            if template.name == name and same_namespace(template.namespace, obj.namespace)
        ]
        if isinstance(name, Hidden) or not found:
            undecided.append(
                Undecided(
                    obj.urn,
                    where,
                    "the resource claim that it names is not in the stack; it may ask for GPUs",
                    SETTLE,
                )
            )
            continue
        body = found[0].spec
        devices_of = (
            at(body, "spec", "devices")
            if found[0].kind == "ResourceClaimTemplate"
            else at(body, "devices")
        )
        requests = at(devices_of, "requests")
        if isinstance(requests, Hidden):
            undecided.append(
                Undecided(
                    found[0].urn,
                    "spec",
                    f"what it claims is {requests.value} at preview; it may be GPUs",
                    SETTLE,
                )
            )
        for request in known_items(requests):
            inner = request if at(request, "exactly") is None else at(request, "exactly")
            alternatives = known_items(at(request, "firstAvailable")) or [inner]
            named = at(alternatives[0], "deviceClassName")
            if isinstance(named, Hidden):
                undecided.append(
                    Undecided(
                        found[0].urn,
                        "spec…deviceClassName",
                        f"it is {named.value} at preview; it may be GPUs",
                        SETTLE,
                    )
                )
            device_class = known_text(named) or ""
            if not _is_gpu_class(device_class):
                continue
            number = count(at(alternatives[0], "count"))
            if at(alternatives[0], "allocationMode") == "All":
                open_count = True
                evidence.append(
                    Evidence(
                        found[0].urn,
                        "spec…allocationMode",
                        "All",
                        f"each pod takes all {device_class} devices of its node",
                    )
                )
            elif isinstance(number, Hidden | Impossible):
                undecided.append(
                    Undecided(
                        found[0].urn,
                        "spec…count",
                        "the number of GPUs that the claim asks for is not known",
                        SETTLE,
                    )
                )
            else:
                amount = Decimal(1 if number is None else number)
                key = _resource_of_class(device_class)
                accelerators[key] = accelerators.get(key, Decimal(0)) + amount
                evidence.append(
                    Evidence(
                        found[0].urn,
                        "spec…deviceClassName",
                        device_class,
                        f"each pod claims {amount} of {device_class}",
                    )
                )
    return PodReading(
        PodDemand(accelerators=accelerators, open_count=open_count),
        tuple(evidence),
        None,
        tuple(undecided),
    )


def _is_gpu_class(device_class: str) -> bool:
    return any(word in device_class for word in ("gpu", "nvidia", "mig", "neuron", "tpu", "gaudi"))


def _resource_of_class(device_class: str) -> str:
    for word, resource in (
        ("amd", "amd.com/gpu"),
        ("neuron", "aws.amazon.com/neuron"),
        ("tpu", "google.com/tpu"),
        ("gaudi", "habana.ai/gaudi"),
    ):
        if word in device_class:
            return resource
    return "nvidia.com/gpu"


def _affinity(spec: Any) -> tuple[tuple[Requirement, ...], ...]:
    terms = at(
        spec,
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    )
    return tuple(
        tuple(
            r for r in map(requirement, known_items(at(term, "matchExpressions"))) if r is not None
        )
        for term in known_items(terms)
    )


def requirement(value: Any) -> Requirement | None:
    """A node selector requirement; None where its key or operator can't be read."""
    key, operator = known_text(at(value, "key")), known_text(at(value, "operator"))
    if key is None or operator is None:
        return None
    return Requirement(
        key,
        operator,
        tuple(str(v) for v in known_items(at(value, "values")) if isinstance(v, str | int)),
    )


def _tolerations(listed: Any) -> tuple[Toleration, ...]:
    """A toleration that can't be read is taken to tolerate everything: that may raise a floor and
    never lowers it."""
    if isinstance(listed, Hidden):
        return (Toleration(None, "Exists"),)
    return tuple(
        _toleration(t) if isinstance(t, Mapping) else Toleration(None, "Exists")
        for t in known_items(listed)
    )


def _toleration(value: Mapping[str, Any]) -> Toleration:
    if any(isinstance(part, Hidden) for part in value.values()):
        return Toleration(None, "Exists")
    return Toleration(
        key=known_text(value.get("key")),
        operator=known_text(value.get("operator")) or "Equal",
        value=known_text(value.get("value")) or "",
        effect=known_text(value.get("effect")) or None,
    )


def _spreads_one_per_node(spec: Any, labels: Mapping[str, Any]) -> bool:
    terms = known_items(
        at(spec, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    )
    # A strict spread by host makes the autoscaler bring a node a pod as well (seen: lab L43).
    spreads = [
        spread
        for spread in known_items(at(spec, "topologySpreadConstraints"))
        if at(spread, "whenUnsatisfiable") in (None, "DoNotSchedule")
        and count(at(spread, "maxSkew")) == 1
    ]
    return any(
        at(term, "topologyKey") == "kubernetes.io/hostname"
        and selects(at(term, "labelSelector"), labels)
        for term in (*terms, *spreads)
    )


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector matches these labels; an absent selector matches nothing."""
    if not isinstance(selector, Mapping):
        return False
    for key, value in known_mapping(selector.get("matchLabels")).items():
        if labels.get(key) != value:
            return False
    for expression in known_items(selector.get("matchExpressions")):
        key, operator = at(expression, "key"), at(expression, "operator")
        values = known_items(at(expression, "values"))
        present = isinstance(key, str) and key in labels
        met = {
            "In": present and labels[key] in values,
            "NotIn": not present or labels[key] not in values,
        }
        met |= {"Exists": present, "DoesNotExist": not present}
        if not met.get(str(operator), False):
            return False
    return True


def _misshapen(value: Any) -> bool:
    """Whether text, a number or a list stands where an object belongs."""
    return value is not None and not isinstance(value, Mapping | Hidden)


def _no_object(obj: Object, path: str) -> Undecided:
    return Undecided(
        obj.urn,
        path,
        f"{path} has another type than the API takes: nobody can say what its pods ask for",
        "Correct the value",
    )


def _open(obj: Object, path: str, value: Hidden, meaning: str) -> Undecided:
    return Undecided(obj.urn, path, f"{path} is {value.value} at preview: {meaning}", SETTLE)


def suspended(value: Any) -> bool | Hidden:
    """A `suspend` field: absent means false."""
    found = switch(value)
    return False if found is None else found
