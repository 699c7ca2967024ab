"""What one pod asks for: accelerators, cores, memory, and where it may land."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from zerofloor.capacity import Evidence, PodDemand, Toleration, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.accelerators import devices, is_accelerator, may_be_accelerator
from zerofloor.hardware.instances import accelerated_types
from zerofloor.hardware.node_labels import INSTANCE_TYPE, Requirement
from zerofloor.patterns import lazy
from zerofloor.platforms.kubernetes.objects import Object, meet, objects
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import (
    MOST,
    Impossible,
    at,
    count,
    get,
    has_hidden,
    items,
    known_items,
    known_mapping,
    known_text,
    mapping,
    quantity,
    switch,
    text,
)
from zerofloor.words import counted

DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"


class PodReading(Value, frozen=True):
    """A pod template as understood."""

    demand: PodDemand
    evidence: tuple[Evidence, ...] = ()
    """Where the accelerators are asked for."""
    refused: Evidence | None = None
    """Set where the API server refuses such a pod."""
    undecided: tuple[Undecided, ...] = ()
    placing: tuple[Undecided, ...] = ()
    """What can't be read of where it may run: that matters near nodes with GPUs only."""


SETTLE = (
    "Use a value known at preview (for example stack configuration), or add a hint "
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
    shut = _unreadable(obj, template, spec, path or "the manifest", prefix)
    if shut is not None:
        return shut
    found = _Found(obj)
    total = _requested(found, spec, prefix)
    for name, amount in total.items():
        if is_accelerator(name) and amount > 0:
            found.accelerators[name], at_least = devices(name, amount)
            found.open_count = found.open_count or at_least
    _add_claims(found, estate, spec, prefix)
    _add_shares(found, template, spec, path)
    selector, open_keys = _node_selector(found, spec, prefix)
    terms = _affinity(found, spec, prefix)
    if open_keys:
        # The node has such a label, of whatever value.
        there = tuple(Requirement(key, "Exists") for key in open_keys)
        terms = tuple((*term, *there) for term in terms or ((),))
    pinned = pins_to_gpu(estate, selector, terms)
    if pinned and not found.accelerators and not found.open_count:
        why = "it lets the pod run on nodes with accelerators only"
        where = f"{prefix}.nodeSelector" if selector else f"{prefix}.affinity"
        found.evidence.append(Evidence(obj.urn, where, at(spec, "nodeSelector"), why))
    labels = at(template, "metadata", "labels")
    demand = PodDemand(
        accelerators=found.accelerators,
        open_count=found.open_count,
        cpu=total.get("cpu", Decimal(0)),
        memory=total.get("memory", Decimal(0)),
        node_selector=selector,
        affinity=terms,
        tolerations=_tolerations(at(spec, "tolerations")),
        open_tolerations=has_hidden(at(spec, "tolerations")),
        open_selector=bool(found.placing),
        open_size=found.open_size,
        one_per_node=found.takes_host_port or _spreads_one_per_node(spec, labels),
        do_not_disrupt=do_not_disrupt(template),
        unevictable=_unevictable(template, path),
        cluster=obj.cluster,
        pinned=pinned,
    )
    return PodReading(
        demand=demand,
        evidence=tuple(found.evidence),
        refused=found.refused,
        undecided=tuple(found.undecided),
        placing=tuple(found.placing),
    )


def one_container(container: Any, placed: Any) -> Any:
    """A pod template with one container; `placed` has the fields that say where it may land."""
    if isinstance(placed, Hidden):
        return placed
    fields = ("nodeSelector", "tolerations", "affinity", "resourceClaims")
    return {
        "metadata": {"annotations": at(placed, "annotations")},
        "spec": {"containers": [container], **{field: at(placed, field) for field in fields}},
    }


def add_to(
    reading: PodReading,
    *,
    evidence: tuple[Evidence, ...] = (),
    undecided: tuple[Undecided, ...] = (),
) -> PodReading:
    """A reading with more evidence or undecided parts."""
    return replace(
        reading,
        evidence=(*reading.evidence, *evidence),
        undecided=(*reading.undecided, *undecided),
    )


class _Found(msgspec.Struct):
    """What has been read of a pod so far."""

    obj: Object
    accelerators: dict[str, Decimal] = msgspec.field(default_factory=dict)
    open_count: bool = False
    open_size: bool = False
    takes_host_port: bool = False
    evidence: list[Evidence] = msgspec.field(default_factory=list)
    undecided: list[Undecided] = msgspec.field(default_factory=list)
    placing: list[Undecided] = msgspec.field(default_factory=list)
    refused: Evidence | None = None

    def open(self, path: str, value: Hidden, meaning: str) -> None:
        self.undecided.append(_open(self.obj, path, value, meaning))

    def misshapen(self, path: str) -> None:
        self.undecided.append(_no_object(self.obj, path))


def _unreadable(
    obj: Object, template: Any, spec: Any, template_path: str, spec_path: str
) -> PodReading | None:
    """The reading of a pod whose template or specification is hidden or no object."""
    for value, where in ((template, template_path), (spec, spec_path)):
        if isinstance(value, Hidden):
            kept = None if value is template else do_not_disrupt(template)
            part = _open(obj, where, value, "its pods may ask for GPUs")
            return PodReading(PodDemand(do_not_disrupt=kept), undecided=(part,))
    for value, where in ((obj.spec, "spec"), (template, template_path), (spec, spec_path)):
        if _misshapen(value):
            return PodReading(PodDemand(), undecided=(_no_object(obj, where),))
    return None


def _requested(found: _Found, spec: Any, prefix: str) -> dict[str, Decimal]:
    """What the pod as a whole asks for: its containers together, or its largest init container."""
    running: dict[str, Decimal] = {}
    starting: dict[str, Decimal] = {}
    for group in ("containers", "initContainers"):
        for index, container in enumerate(_containers(found, at(spec, group), f"{prefix}.{group}")):
            where = f"{prefix}.{group}[{index}]"
            if isinstance(container, Hidden):
                found.open(where, container, "the container may ask for GPUs")
                continue
            if _misshapen(container):
                found.misshapen(where)
                continue
            asked = _resources(found, at(container, "resources"), f"{where}.resources")
            # A restart policy that is hidden is that of a sidecar: that may raise a floor.
            restarts = at(container, "restartPolicy")
            sidecar = group == "initContainers" and (
                restarts == "Always" or isinstance(restarts, Hidden)
            )
            for name, amount in asked.items():
                if group == "containers" or sidecar:
                    running[name] = running.get(name, Decimal(0)) + amount
                else:
                    starting[name] = max(starting.get(name, Decimal(0)), amount)
            # A port that is hidden keeps others off the node: that may raise a floor.
            ports = items(at(container, "ports"))
            found.takes_host_port = found.takes_host_port or (
                not isinstance(ports, Hidden)
                and any(isinstance(at(port, "hostPort"), int | Hidden) for port in ports)
            )
    return {
        name: max(running.get(name, Decimal(0)), starting.get(name, Decimal(0)))
        for name in sorted({*running, *starting})
    }


def _containers(found: _Found, listed: Any, path: str) -> list[Any]:
    if isinstance(listed, Hidden):
        found.open(path, listed, "its containers may ask for GPUs")
        return []
    if listed is not None and not isinstance(listed, list | tuple | Mapping):
        found.misshapen(path)
    return known_items(listed)  # Nothing is hidden any more.


def do_not_disrupt(template: Any) -> bool | None:
    """Whether a template's annotation keeps Karpenter from ever disrupting it; None where that
    can't be read."""
    value = at(template, "metadata", "annotations", DO_NOT_DISRUPT)
    return None if isinstance(value, Hidden) else value in ("true", True)


_SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"


def _unevictable(template: Any, path: str) -> str:
    """The property for which Cluster Autoscaler leaves a pod, and its node, where it is; empty
    where it doesn't (its FAQ, "What types of pods can prevent CA from removing a node?")."""
    dot = f"{path}." if path else ""
    annotated = at(template, "metadata", "annotations", _SAFE_TO_EVICT)
    if isinstance(annotated, Hidden):
        return f"{dot}metadata.annotations"  # It may say that.
    safe = switch(annotated)
    if safe is not None:
        return "" if safe else f'{dot}metadata.annotations["{_SAFE_TO_EVICT}"]'
    local = f"{_SAFE_TO_EVICT}-local-volumes"
    if at(template, "metadata", "annotations", local) is not None:
        return ""
    volumes = items(at(template, "spec", "volumes"))
    if isinstance(volumes, Hidden):
        return f"{dot}spec.volumes"
    for index, volume in enumerate(volumes):
        where = f"{dot}spec.volumes[{index}]"
        if isinstance(volume, Hidden):
            return where
        for kind in ("emptyDir", "hostPath"):
            if at(volume, kind) is not None and at(volume, kind, "medium") != "Memory":
                return f"{where}.{kind}"
    return ""


def _resources(found: _Found, resources: Any, where: str) -> dict[str, Decimal]:
    """What one container asks for: limits stand in for missing requests, as the API server does
    it."""
    if isinstance(resources, Hidden):
        found.open(where, resources, "the container may ask for GPUs")
        return {}
    limits, requests = at(resources, "limits"), at(resources, "requests")
    for value, path in (
        (resources, where),
        (limits, f"{where}.limits"),
        (requests, f"{where}.requests"),
    ):
        if _misshapen(value):
            found.misshapen(path)
            return {}
    for value, name in ((limits, "limits"), (requests, "requests")):
        if isinstance(value, Hidden):
            found.open(f"{where}.{name}", value, "the container may ask for GPUs")
    # Hidden maps are undecided by now; what the other one says still counts.
    limited, requested = known_mapping(limits), known_mapping(requests)
    asked: dict[str, Decimal] = {}
    for name in sorted({*limited, *requested}):
        if may_be_accelerator(name):
            number = _devices_asked(found, name, limits, requested, where)
            asked |= {} if number is None else {name: number}
            continue
        request, limit = quantity(requested.get(name)), quantity(limited.get(name))
        amount = request if request is not None else limit
        if isinstance(amount, Decimal):
            asked[name] = amount
        found.open_size = found.open_size or isinstance(amount, Hidden)
    return asked


def _devices_asked(
    found: _Found, name: str, limits: Any, requested: Mapping[str, Any], where: str
) -> Decimal | None:
    """How many of an extended resource a container asks for; None where that can't be told."""
    urn, path = found.obj.urn, f'{where}.limits["{name}"]'
    value = at(limits, name)
    if value is None:
        why = "the API server refuses a request for an extended resource without a limit"
        asked = f'{where}.requests["{name}"]'
        found.refused = found.refused or Evidence(urn, asked, requested.get(name), why)
        return None
    if isinstance(limits, Hidden):
        return None
    amount = quantity(value)
    if isinstance(amount, Decimal) and amount > MOST:
        amount = Impossible(f"{amount:f} is beyond any real count")
    if not is_accelerator(name):
        if amount != 0:
            why = f"{name} is not a device that zerofloor knows: it may be a GPU"
            found.undecided.append(Undecided(urn, path, why, SETTLE))
        return None
    if isinstance(amount, Hidden):
        found.open(path, amount, "the number of GPUs is not known")
        return None
    if isinstance(amount, Impossible):
        why = f"{path} is invalid: {amount.why}"
        found.undecided.append(Undecided(urn, path, why, "Correct the value"))
        return None
    if amount:
        why = f"each pod asks for {amount:f} {name}"
        found.evidence.append(Evidence(urn, path, value, why))
    return amount


def _add_claims(found: _Found, estate: Estate, spec: Any, prefix: str) -> None:
    """GPUs asked for by dynamic resource allocation (resource.k8s.io): the pod names claims or
    templates of claims."""
    claims = items(at(spec, "resourceClaims"))
    if isinstance(claims, Hidden):
        found.open(f"{prefix}.resourceClaims", claims, "the claims may be for GPUs")
        return
    for index, claim in enumerate(claims):
        where = f"{prefix}.resourceClaims[{index}]"
        if isinstance(claim, Hidden):
            found.open(where, claim, "the claim may be for GPUs")
            continue
        template, own = at(claim, "resourceClaimTemplateName"), at(claim, "resourceClaimName")
        name = own if template is None else template
        if name is not None:
            add_claim(found, estate, name, where)


def read_claims(
    estate: Estate, obj: Object, reading: PodReading, claims: Any, path: str
) -> PodReading:
    """A pod with the claims that an operator gives it: named ones, or made from a list of
    devices (`claimCreationSpec`)."""
    found = _Found(obj, accelerators=dict(reading.demand.accelerators))
    for index, claim in enumerate([claims] if isinstance(claims, Hidden) else claims):
        where = f"{path}[{index}]"
        devices_wanted = items(at(claim, "claimCreationSpec", "devices"))
        if isinstance(devices_wanted, Hidden):
            found.open(where, devices_wanted, "the claim may be for GPUs")
            continue
        for number, device in enumerate(devices_wanted):
            unnamed = isinstance(device, Mapping) and device.get("deviceClassName") is None
            request = {**device, "deviceClassName": "gpu"} if unnamed else device
            place = f"{where}.claimCreationSpec.devices[{number}]"
            add_device_request(found, obj.urn, request, place)
        template, own = at(claim, "resourceClaimTemplateName"), at(claim, "resourceClaimName")
        name = own if template is None else template
        if name is not None:
            add_claim(found, estate, name, where)
    demand = replace(
        reading.demand,
        accelerators=found.accelerators,
        open_count=reading.demand.open_count or found.open_count,
    )
    return add_to(
        replace(reading, demand=demand),
        evidence=tuple(found.evidence),
        undecided=tuple(found.undecided),
    )


_SHARING: Final = frozenset({"kai-scheduler", "runai-scheduler"})
"""Schedulers that place pods by the annotations below (KAI Scheduler docs, "GPU Sharing"; Run:ai's
is built on it)."""
_SHARES: Final = ("gpu-fraction", "gpu-memory")


def _add_shares(found: _Found, template: Any, spec: Any, path: str) -> None:
    """A part of a GPU that annotations ask for, with no resource of a container."""
    scheduler = text(at(spec, "schedulerName"))  # Hidden, it may be one of them.
    if not isinstance(scheduler, Hidden) and scheduler not in _SHARING:
        return
    annotations = at(template, "metadata", "annotations")
    place = f"{path}.metadata.annotations" if path else "metadata.annotations"
    if isinstance(annotations, Hidden):
        found.open(place, annotations, "they may ask for a part of a GPU")
        return
    for key in _SHARES:
        value = at(annotations, key)
        if value is None:
            continue
        where = f'{place}["{key}"]'
        share = quantity(value)
        if isinstance(share, Hidden):
            found.open(where, share, "it asks for a part of a GPU")
            return
        each = count(at(annotations, "gpu-fraction-num-devices"))
        number = each if isinstance(each, int) and each else 1
        part = share if key == "gpu-fraction" and isinstance(share, Decimal) else Decimal(0)
        name = "nvidia.com/gpu"
        found.accelerators[name] = found.accelerators.get(name, Decimal(0)) + number * part
        found.open_count = True
        why = f"each pod asks for a part of {counted(number, 'GPU')}"
        found.evidence.append(Evidence(found.obj.urn, where, value, why))


_CLAIMS = (("resource.k8s.io", "ResourceClaimTemplate"), ("resource.k8s.io", "ResourceClaim"))


def add_claim(found: _Found, estate: Estate, name: Any, where: str) -> None:
    """The devices of the claim, or template of claims, of this name."""
    named = [one for one in objects(estate, *_CLAIMS) if one.name == name and meet(one, found.obj)]
    if not named and _is_channel(estate, found.obj, name):
        return
    if isinstance(name, Hidden) or not named:
        why = "The resource claim that it names isn't in the stack and may ask for GPUs"
        found.undecided.append(Undecided(found.obj.urn, where, why, SETTLE))
        return
    claim = named[0]
    of_template = claim.kind == "ResourceClaimTemplate"
    path = "spec.spec.devices.requests" if of_template else "spec.devices.requests"
    requests = items(get(claim.body, path))
    if isinstance(requests, Hidden):
        why = f"What it claims is {requests.value} at preview; it may be GPUs"
        found.undecided.append(Undecided(claim.urn, path, why, SETTLE))
        return
    for index, request in enumerate(requests):
        add_device_request(found, claim.urn, request, f"{path}[{index}]")


def _is_channel(estate: Estate, obj: Object, name: Any) -> bool:
    """Whether a template of claims is the one that NVIDIA's driver makes for a ComputeDomain: a
    channel between nodes, no GPU (NVIDIA DRA driver docs, "ComputeDomains")."""
    domains = objects(estate, ("resource.nvidia.com", "ComputeDomain"))
    made = (get(one.body, _CHANNEL) for one in domains if meet(one, obj))
    return not isinstance(name, Hidden) and name in made


_CHANNEL: Final = "spec.channel.resourceClaimTemplate.name"


def add_device_request(found: _Found, urn: str, request: Any, path: str) -> None:
    """The devices that one request of a claim asks for; of alternatives the first."""
    exact = at(request, "exactly")
    inner = request if exact is None else exact
    alternatives = items(at(request, "firstAvailable"))
    if isinstance(alternatives, Hidden):
        inner = alternatives
    elif alternatives:
        inner = alternatives[0]
    named = text(at(inner, "deviceClassName"))
    if isinstance(named, Hidden):
        why = f"Its device class is {named.value} at preview; it may be GPUs"
        found.undecided.append(Undecided(urn, f"{path}.deviceClassName", why, SETTLE))
        return
    device_class = named or ""
    if _OTHER_CLASS.search(device_class):
        return
    if not _GPU_CLASS.search(device_class):
        why = f"{device_class or 'its device class'} may stand for GPUs"
        found.undecided.append(Undecided(urn, f"{path}.deviceClassName", why, SETTLE))
        return
    mode, number = at(inner, "allocationMode"), count(at(inner, "count"))
    if mode == "All":
        found.open_count = True
        why = f"each pod takes all {device_class} devices of its node"
        found.evidence.append(Evidence(urn, f"{path}.allocationMode", "All", why))
    elif isinstance(mode, Hidden) or isinstance(number, Hidden | Impossible):
        why = "The number of GPUs that the claim asks for is not known"
        found.undecided.append(Undecided(urn, f"{path}.count", why, SETTLE))
    else:
        add_devices(
            found, urn, f"{path}.deviceClassName", device_class, 1 if number is None else number
        )


def add_devices(found: _Found, urn: str, path: str, device_class: str, number: int) -> None:
    """So many devices of a class that stands for GPUs."""
    key = _resource_of_class(device_class)
    found.accelerators[key] = found.accelerators.get(key, Decimal(0)) + number
    why = f"each pod claims {number} of {device_class}"
    found.evidence.append(Evidence(urn, path, device_class, why))


_GPU_CLASS = lazy(r"gpu|nvidia|mig|neuron|tpu|gaudi|npu|accel|cuda|amd", re.I)
_OTHER_CLASS = lazy(
    r"compute-domain|imex|net|nic\b|nics|rdma|sriov|roce|infiniband|cpu|memory|fpga|qat|storage|disk",
    re.I,
)
"""Device classes that are no GPUs: network devices, cores, channels between nodes."""


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


def _node_selector(
    found: _Found, spec: Any, prefix: str
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The labels that its node must have, and the keys of those whose value is hidden."""
    path = f"{prefix}.nodeSelector"
    selector = mapping(at(spec, "nodeSelector"))
    if isinstance(selector, Hidden):
        found.open(path, selector, "it may select nodes with GPUs")
        return {}, ()
    for key, value in selector.items():
        if isinstance(value, Hidden):
            part = _open(found.obj, f'{path}["{key}"]', value, "it may select nodes with GPUs")
            (found.undecided if is_gpu_label(key) else found.placing).append(part)
    known = {key: value for key, value in selector.items() if isinstance(value, str)}
    return known, tuple(key for key, value in selector.items() if isinstance(value, Hidden))


def _affinity(found: _Found, spec: Any, prefix: str) -> tuple[tuple[Requirement, ...], ...]:
    path = f"{prefix}.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    terms = items(at(spec, "affinity", "nodeAffinity", _REQUIRED, "nodeSelectorTerms"))
    if isinstance(terms, Hidden):
        found.open(path, terms, "it may select nodes with GPUs")
        return ()
    read: list[tuple[Requirement, ...]] = []
    for index, term in enumerate(terms):
        expressions = items(at(term, "matchExpressions"))
        where = f"{path}[{index}].matchExpressions"
        hidden_part: Any = expressions if isinstance(expressions, Hidden) else None
        requirements: list[Requirement] = []
        tells_gpus = hidden_part is not None
        for expression in [] if isinstance(expressions, Hidden) else expressions:
            one = requirement(expression)
            if isinstance(one, Hidden):
                hidden_part = one
                key = at(expression, "key")
                tells_gpus = tells_gpus or not isinstance(key, str) or is_gpu_label(key)
            elif one is not None:
                requirements.append(one)
        if hidden_part is not None:
            part = _open(found.obj, where, hidden_part, "it may select nodes with GPUs")
            (found.undecided if tells_gpus else found.placing).append(part)
        read.append(tuple(requirements))
    return tuple(read)


_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def requirement(value: Any) -> Requirement | Hidden | None:
    """A node selector requirement; hidden where a part of it is, None where it is none."""
    key, operator = text(at(value, "key")), text(at(value, "operator"))
    values = items(at(value, "values"))
    for part in (key, operator, values, *(values if isinstance(values, list) else ())):
        if isinstance(part, Hidden):
            return part
    if not isinstance(key, str) or not isinstance(operator, str) or isinstance(values, Hidden):
        return None
    return Requirement(key, operator, tuple(str(v) for v in values if isinstance(v, str | int)))


_TYPE_LABELS = frozenset({INSTANCE_TYPE, "beta.kubernetes.io/instance-type"})
_GPU_LABEL = lazy(
    r"(?:nvidia\.com|amd\.com|gpu\.[^/]*|habana\.ai)/(?!cuda).*"
    r"|[^/]*/(?:instance|sku)-(?:gpu|accelerator)-.*"
    r"|[^/]*/(?:.*[-.])?(?:gpu|accelerator|tpu)s?(?:[-.].*)?|accelerator|gpu|gpu-type|gpu_type"
    r"|feature\.node\.kubernetes\.io/pci-(?:\w+_)?10de\.present"
)
_FAMILY_LABEL = lazy(r"(?:karpenter\.k8s\.aws|eks\.amazonaws\.com)/instance-(?:family|category)")
_NO_GPU = frozenset({"0", "false", "none", "no", "cpu", "-1"})


def is_gpu_label(key: str) -> bool:
    """Whether a node label tells an accelerator or the type of machine."""
    return key in _TYPE_LABELS or bool(_GPU_LABEL.fullmatch(key) or _FAMILY_LABEL.fullmatch(key))


def pins_to_gpu(
    estate: Estate, selector: Mapping[str, str], terms: tuple[tuple[Requirement, ...], ...]
) -> bool:
    """Whether a node must have an accelerator to carry such a pod."""
    selected = [Requirement(key, "In", (value,)) for key, value in selector.items()]
    if any(_asks_for_gpu_node(estate, r) for r in selected):
        return True
    return bool(terms) and all(any(_asks_for_gpu_node(estate, r) for r in term) for term in terms)


def _asks_for_gpu_node(estate: Estate, r: Requirement) -> bool:
    if r.operator == "Exists":
        return _GPU_LABEL.fullmatch(r.key) is not None
    if r.operator in ("Gt", "Gte"):
        return _GPU_LABEL.fullmatch(r.key) is not None and r.values[:1] != ("-1",)
    if r.operator != "In" or not r.values:
        return False
    if r.key in _TYPE_LABELS:
        return all(is_gpu_type(estate, value) for value in r.values)
    if _FAMILY_LABEL.fullmatch(r.key):
        return all(_is_gpu_family(value) for value in r.values)
    return _GPU_LABEL.fullmatch(r.key) is not None and not _NO_GPU.intersection(
        value.lower() for value in r.values
    )


def is_gpu_type(estate: Estate, name: str) -> bool:
    """Whether some cloud has accelerators in a machine type of this name."""
    shapes = (estate.shape(cloud, name) for cloud in ("aws", "azure", "gcp"))
    return any(shape is not None and shape.gpus != 0 for shape in shapes)


def _is_gpu_family(name: str) -> bool:
    known = {shape.instance_type.partition(".")[0] for shape in accelerated_types("aws")}
    return name in known or name in _GPU_CATEGORIES


_GPU_CATEGORIES = frozenset({"g", "gr", "p", "inf", "trn", "dl"})
"""Instance categories of AWS of which every type has accelerators."""


def _tolerations(listed: Any) -> tuple[Toleration, ...]:
    """A toleration that can't be read is assumed to tolerate everything, so that the pod may land
    on nodes with GPUs; that it lands on others is doubted (`open_tolerations`)."""
    if isinstance(listed, Hidden):
        return (Toleration(None, "Exists"),)
    return tuple(
        _toleration(t) if isinstance(t, Mapping) else Toleration(None, "Exists")
        for t in known_items(listed)  # The hidden list is handled above.
    )


def _toleration(value: Mapping[str, Any]) -> Toleration:
    if has_hidden(value):
        return Toleration(None, "Exists")
    # Nothing is hidden any more.
    return Toleration(
        key=known_text(value.get("key")),
        operator=known_text(value.get("operator")) or "Equal",
        value=known_text(value.get("value")) or "",
        effect=known_text(value.get("effect")) or None,
    )


def _spreads_one_per_node(spec: Any, labels: Any) -> bool:
    """Whether each pod takes a node of its own; what is hidden may ask for it, which may raise a
    floor."""
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = items(at(spec, "affinity", "podAntiAffinity", required))
    spreads = items(at(spec, "topologySpreadConstraints"))
    if isinstance(terms, Hidden) or isinstance(spreads, Hidden):
        return True
    # A strict spread by host makes the autoscaler add a node per pod as well (seen: lab L43).
    strict = [
        spread
        for spread in spreads
        if _may_be(at(spread, "whenUnsatisfiable"), None, "DoNotSchedule")
        and _may_be(count(at(spread, "maxSkew")), 1)
    ]
    return any(
        _may_be(at(term, "topologyKey"), "kubernetes.io/hostname")
        and selects(at(term, "labelSelector"), labels)
        for term in (*terms, *strict)
    )


def _may_be(value: Any, *wanted: Any) -> bool:
    """Whether a value is one of these, or is hidden and may be."""
    return isinstance(value, Hidden) or value in wanted


def selects(selector: Any, labels: Any) -> bool:
    """Whether a label selector matches these labels, or may: hidden parts may be anything. An
    absent selector matches nothing."""
    if isinstance(selector, Hidden):
        return True
    if not isinstance(selector, Mapping):
        return False
    wanted, expressions = (
        mapping(selector.get("matchLabels")),
        items(selector.get("matchExpressions")),
    )
    given = mapping(labels)
    if isinstance(given, Hidden):
        return True
    if not isinstance(wanted, Hidden):
        for key, value in wanted.items():
            own = given.get(key)
            if own != value and not isinstance(own, Hidden) and not isinstance(value, Hidden):
                return False
    listed = [] if isinstance(expressions, Hidden) else expressions
    return all(_may_meet(expression, given) for expression in listed)


def _may_meet(expression: Any, labels: Mapping[str, Any]) -> bool:
    key, operator = at(expression, "key"), at(expression, "operator")
    values = items(at(expression, "values"))
    if any(isinstance(part, Hidden) for part in (key, operator, values)):
        return True
    present = isinstance(key, str) and key in labels
    own = labels[key] if present else None
    if isinstance(own, Hidden) and operator in ("In", "NotIn"):
        return True
    among = isinstance(values, list) and own in values
    return {
        "In": present and among,
        "NotIn": not present or not among,
        "Exists": present,
        "DoesNotExist": not present,
    }.get(str(operator), False)


def _misshapen(value: Any) -> bool:
    """Whether text, a number or a list stands where an object belongs."""
    plain = value is None or type(value) is dict  # An abstract class is slow to ask.
    return not plain and not isinstance(value, Mapping | Hidden)


def _no_object(obj: Object, path: str) -> Undecided:
    return Undecided(
        obj.urn,
        path,
        f"{path} has another type than the API takes: what its pods ask for isn't known",
        "Correct the value",
    )


def _open(obj: Object, path: str, value: Hidden, meaning: str) -> Undecided:
    return Undecided(obj.urn, path, f"{path} is {value.value} at preview: {meaning}", SETTLE)


def suspended(value: Any) -> bool | Hidden:
    """A `suspend` field: absent means false."""
    found = switch(value)
    return False if found is None else found
