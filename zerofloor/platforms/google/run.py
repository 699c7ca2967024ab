"""Cloud Run: services of both APIs, worker pools, jobs. An instance with a GPU has exactly one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Part,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.hardware import google
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.declared import SETTLE_VALUE, Declared, changes_of, size
from zerofloor.platforms.google.read import CLOUD, declared, pool_of, unknown_number
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, get, items, quantity
from zerofloor.words import counted

SERVICES: Final = ("gcp:cloudrunv2/service:Service", "google-native:run/v2:Service")
SERVICES_V1: Final = (
    "gcp:cloudrun/service:Service",
    "google-native:run/v1:Service",
    "google-native:run/v1alpha1:Service",
)
WORKERS: Final = ("gcp:cloudrunv2/workerPool:WorkerPool",)
JOBS: Final = ("gcp:cloudrunv2/job:Job", "google-native:run/v2:Job", "google-native:run/v1:Job")
READS: Final = frozenset({*SERVICES, *SERVICES_V1, *WORKERS, *JOBS})

GPU: Final = "nvidia.com/gpu"
REDUNDANT: Final = "cloud-run"
PLAIN: Final = "cloud-run-without-zonal-redundancy"
"""The services under which an instance's GPU is priced: zonal redundancy costs 56 % more."""


def read(estate: Estate) -> Iterator[Part]:
    """Every service, worker pool and job."""
    for source in declared(estate, *SERVICES):
        yield from _part(estate, source, _service(source), "template", platform="Cloud Run service")
    for source in declared(estate, *SERVICES_V1):
        base = "spec.template" if source.field("spec").value is not None else "template"
        yield from _part(
            estate, source, _service_v1(source, base), base, platform="Cloud Run service"
        )
    for source in declared(estate, *WORKERS):
        yield from _part(estate, source, _workers(source), "template", platform="Cloud Run workers")
    for source in declared(estate, *JOBS):
        because = "a job bills while an execution runs, and each ends by its timeout"
        yield Accounted(urn=source.urn, path="", because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a declaration keeps without a request, in instances."""

    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    ceiling: int | None = None


def _part(
    estate: Estate, source: Declared, kept: _Kept, template: str, *, platform: str
) -> Iterator[Part]:
    found = _machines(source, template)
    pool = pool_of(
        estate,
        source,
        found,
        platform=platform,
        holds=(_with(hold, found.evidence) for hold in kept.holds),
        undecided=kept.undecided,
        desired=max((hold.least for hold in kept.holds), default=0),
        ceiling=kept.ceiling,
        assumptions=kept.assumptions,
        evidence=kept.evidence,
        price_as=PLAIN if _without_redundancy(source, template) else REDUNDANT,
    )
    if pool is not None:
        yield pool


def _with(hold: Hold, chain: tuple[Evidence, ...]) -> Hold:
    return Hold(
        cause=hold.cause,
        urn=hold.urn,
        units=hold.units,
        evidence=(*chain, *hold.evidence),
        fix=hold.fix,
        change=hold.change,
    )


# The GPU


def _machines(source: Declared, template: str) -> Machines:
    """One GPU where a container asks for one or the instance selects an accelerator."""
    spec = template if template == "template" and _is_v2(source) else f"{template}.spec"
    whole = source.field(spec)
    if whole.is_hidden:
        return Machines(
            undecided=(whole.undecided("Its template isn't known, and may ask for a GPU"),)
        )
    selector = source.field(f"{spec}.nodeSelector")
    label = "accelerator" if _is_v2(source) else "run.googleapis.com/accelerator"
    chosen = selector.value if selector.is_hidden else at(selector.value, label)
    asked = _asked(source, f"{spec}.containers")
    if isinstance(asked, Undecided) and chosen is None:
        return Machines(undecided=(asked,))
    if isinstance(chosen, Hidden) and not isinstance(asked, Evidence):
        return Machines(undecided=(selector.undecided("It may select a GPU"),))
    if chosen is None and asked is None:
        return Machines(shapes=(Shape(CLOUD, "a Cloud Run instance", Decimal(0)),))
    name = chosen if isinstance(chosen, str) else "GPU"
    vcpus, memory = _sizes(source, f"{spec}.containers", name)
    said = f"{vcpus.normalize():f} vCPU and {memory.normalize():f} GiB"
    shape = Shape(
        CLOUD,
        f"Cloud Run {name} with {said}",
        Decimal(1),
        google.card_of(name) if isinstance(chosen, str) else "GPU of unknown type",
        vcpus,
        memory,
    )
    evidence = [asked] if isinstance(asked, Evidence) else []
    if isinstance(chosen, str):
        path = f"{selector.path}.{label}" if _is_v2(source) else f'{selector.path}["{label}"]'
        because = f"each instance has one {name}"
        evidence.append(Evidence(source.urn, path, chosen, because))
    return Machines((shape,), evidence=tuple(evidence))


_SMALLEST: Final = {"nvidia-rtx-pro-6000": (Decimal(20), Decimal(80))}
_SMALLEST_L4: Final = (Decimal(4), Decimal(16))
"""vCPUs and GiB of the smallest instance with a GPU (Cloud Run docs, GPU support)."""


def _sizes(source: Declared, path: str, accelerator: str) -> tuple[Decimal, Decimal]:
    """vCPUs and GiB of an instance over all its containers, by which it is priced."""
    listed = source.field(path).items()
    vcpus, memory = Decimal(0), Decimal(0)
    for container in [] if isinstance(listed, Hidden) else listed:
        limits = at(container, "resources", "limits")
        cpu, bytes_ = quantity(at(limits, "cpu")), quantity(at(limits, "memory"))
        vcpus += cpu if isinstance(cpu, Decimal) else 0
        memory += bytes_ / 2**30 if isinstance(bytes_, Decimal) else 0
    least = _SMALLEST.get(accelerator, _SMALLEST_L4)
    return max(vcpus, least[0]), max(memory, least[1]).quantize(Decimal("0.01"))


def _is_v2(source: Declared) -> bool:
    return source.resource.type not in SERVICES_V1


def _asked(source: Declared, path: str) -> Evidence | Undecided | None:
    """The GPU that a container asks for; Undecided where it can't be read."""
    listed = source.field(path).items()
    unread: Undecided | None = None
    for index, container in enumerate([listed] if isinstance(listed, Hidden) else listed):
        limits = at(container, "resources", "limits")
        amount = limits if isinstance(limits, Hidden) else at(limits, GPU)
        number = count(amount)
        where = f"{path}[{index}].resources.limits"
        if isinstance(number, int):
            if number:
                because = "an instance has one GPU"
                return Evidence(source.urn, f'{where}["{GPU}"]', amount, because)
        elif isinstance(number, Impossible):
            unread = source.open(f'{where}["{GPU}"]', f"Its number is invalid: {number.why}")
        elif isinstance(number, Hidden):
            unread = source.open(where, "What the container asks for isn't known: perhaps a GPU")
    return unread


def _without_redundancy(source: Declared, template: str) -> bool:
    if _is_v2(source):
        return source.field(f"{template}.gpuZonalRedundancyDisabled").switch() is True
    annotations = get(source.inputs, f"{template}.metadata.annotations")
    return at(annotations, "run.googleapis.com/gpu-zonal-redundancy-disabled") in ("true", True)


# Services of the second API


def _service(source: Declared) -> _Kept:
    mode = source.field("scaling.scalingMode")
    if mode.is_hidden:
        return _Kept(undecided=(mode.undecided("Whether it scales by itself isn't known"),))
    if str(mode.value or "").upper() == "MANUAL":
        return _manual(source, "scaling.manualInstanceCount")
    paths = ("scaling.minInstanceCount", "template.scaling.minInstanceCount")
    most = [
        source.field(path).count()
        for path in ("scaling.maxInstanceCount", "template.scaling.maxInstanceCount")
    ]
    ceilings = [number for number in most if isinstance(number, int)]
    kept = _minimums(source, paths)
    return _Kept(
        holds=kept.holds,
        undecided=kept.undecided,
        assumptions=tuple(_revisions(source)),
        evidence=kept.evidence,
        ceiling=min(ceilings) if ceilings else None,
    )


def _minimums(source: Declared, paths: tuple[str, ...]) -> _Kept:
    """The larger of the minimums counts: both apply to a service with one live revision."""
    holds: list[Hold] = []
    undecided: list[Undecided] = []
    evidence: list[Evidence] = []
    for path in paths:
        number = size(source, [path], 0, "omitted: 0")
        if isinstance(number, Undecided):
            undecided.append(number)
        elif number.is_hidden:
            undecided.append(source.open(path, "The minimum isn't known: instances may stay on"))
        elif number.known:
            raised = [
                (other, 0)
                for other in paths
                if other == path or source.field(other).count() not in (None, 0)
            ]
            holds.append(_held(source, number.known, number.evidence(_keeps(number.known)), raised))
        else:
            evidence.append(number.evidence("no instance stays without a request"))
    return _Kept(holds=tuple(holds), undecided=tuple(undecided), evidence=tuple(evidence))


def _keeps(number: int) -> str:
    return f"keeps {counted(number, 'instance')} without a request"


def _held(source: Declared, units: int, step: Evidence, changed: list[tuple[str, Any]]) -> Hold:
    names = " and ".join(path for path, _ in changed)
    return Hold(
        cause=Cause.SCALER_MINIMUM,
        urn=source.urn,
        units=units,
        evidence=(step,),
        fix=f"Set {names} to 0" if names else f"Set {step.path} to 0",
        change=changes_of(source, *changed),
    )


def _manual(source: Declared, path: str) -> _Kept:
    number = size(source, [path])
    if isinstance(number, Undecided):
        return _Kept(undecided=(number,))
    if number.known is None:
        said = "isn't known" if number.is_hidden else "isn't given (no documented default)"
        why = f"With scalingMode MANUAL {path} instances stay on, and it {said}"
        return _Kept(undecided=(source.open(path, why, SETTLE_VALUE),))
    if number.known == 0:
        what = f"{source.name} has no instance"
        because = f"{path} is 0; a provider that drops the zero leaves the number to Cloud Run"
        return _Kept(assumptions=(Assumption(what, because),), ceiling=0)
    step = number.evidence(f"MANUAL: {_keeps(number.known)}")
    hold = Hold(
        cause=Cause.FIXED_REPLICAS,
        urn=source.urn,
        units=number.known,
        evidence=(step,),
        fix="Set scaling.scalingMode to AUTOMATIC with minInstanceCount 0",
        change=changes_of(source, ("scaling", {"scalingMode": "AUTOMATIC", "minInstanceCount": 0})),
    )
    return _Kept(holds=(hold,), ceiling=number.known)


def _revisions(source: Declared) -> Iterator[Assumption]:
    traffic = items(source.inputs.get("traffics"))
    named = [] if isinstance(traffic, Hidden) else traffic
    if any(at(item, name) is not None for item in named for name in ("revision", "tag")):
        what = f"Older revisions of {source.name} keep no instance"
        yield Assumption(what, "traffics names revisions, which have minimums of their own")


# Services of the first API: everything stands in annotations


def _service_v1(source: Declared, base: str) -> _Kept:
    own = get(source.inputs, "metadata.annotations")
    revision = get(source.inputs, f"{base}.metadata.annotations")
    for path, value in (("metadata", own), (f"{base}.metadata", revision)):
        if isinstance(value, Hidden):
            why = "The annotations aren't known: they may keep instances"
            return _Kept(undecided=(source.open(f"{path}.annotations", why),))
    mode = at(own, "run.googleapis.com/scalingMode")
    if isinstance(mode, Hidden):
        where = 'metadata.annotations["run.googleapis.com/scalingMode"]'
        return _Kept(undecided=(source.open(where, "Whether it scales by itself isn't known"),))
    if str(mode or "").lower() == "manual":
        return _annotated(
            source,
            "metadata",
            own,
            "run.googleapis.com/manualInstanceCount",
            needed="With scalingMode manual its instances stay on",
        )
    parts = [
        _annotated(source, "metadata", own, "run.googleapis.com/minScale"),
        _annotated(source, f"{base}.metadata", revision, "autoscaling.knative.dev/minScale"),
    ]
    most = count(at(revision, "autoscaling.knative.dev/maxScale"))
    return _Kept(
        holds=tuple(hold for part in parts for hold in part.holds),
        undecided=tuple(one for part in parts for one in part.undecided),
        assumptions=tuple(_revisions(source)),
        evidence=tuple(one for part in parts for one in part.evidence),
        ceiling=most if isinstance(most, int) else None,
    )


def _annotated(
    source: Declared, holder: str, annotations: Any, key: str, needed: str = ""
) -> _Kept:
    value = at(annotations, key)
    path = f'{holder}.annotations["{key}"]'
    number = count(value)
    if number is None:
        why = f"{needed}, and their number isn't given"
        return _Kept(undecided=(source.open(path, why),) if needed else ())
    if not isinstance(number, int):
        said = number.why if isinstance(number, Impossible) else "it isn't known"
        return _Kept(undecided=(source.open(path, f"The minimum can't be read: {said}"),))
    step = Evidence(source.urn, path, value, _keeps(number))
    if not number:
        return _Kept(evidence=(step,))
    others = {**annotations, key: "0"}
    is_readable = not any(isinstance(one, Hidden) for one in others.values())
    hold = Hold(
        cause=Cause.FIXED_REPLICAS if needed else Cause.SCALER_MINIMUM,
        urn=source.urn,
        units=number,
        evidence=(step,),
        fix=f'Set the annotation {key} of {holder} to "0"',
        change=changes_of(source, (f"{holder}.annotations", others)) if is_readable else (),
    )
    return _Kept(holds=(hold,), ceiling=number if needed else None)


# Worker pools


def _workers(source: Declared) -> _Kept:
    scaling = source.field("scaling")
    mode = source.field("scaling.scalingMode")
    if scaling.is_hidden or mode.is_hidden:
        where = scaling if scaling.is_hidden else mode
        return _Kept(undecided=(where.undecided("How many instances stay on isn't known"),))
    if not scaling.value:
        step = scaling.evidence("omitted: one instance, always on")
        goal = {"scalingMode": "MANUAL", "manualInstanceCount": 0}
        hold = Hold(
            cause=Cause.FIXED_REPLICAS,
            urn=source.urn,
            units=1,
            evidence=(step,),
            fix="Set scaling.manualInstanceCount to 0 and raise it while there is work",
            change=changes_of(source, ("scaling", goal)),
        )
        return _Kept(holds=(hold,), ceiling=1)
    if str(mode.value or "MANUAL").upper() != "AUTOMATIC":
        return _fixed_workers(source)
    least = size(source, ["scaling.minInstanceCount"])
    most = source.field("scaling.maxInstanceCount").count()
    if isinstance(least, Undecided):
        return _Kept(undecided=(least,))
    if not least.known:
        why = "A worker pool that scales by CPU can't be shown to reach 0 instances"
        return _Kept(undecided=(source.open(least.path, why, "Set scalingMode MANUAL with 0"),))
    step = least.evidence(_keeps(least.known))
    hold = Hold(
        cause=Cause.SCALER_MINIMUM,
        urn=source.urn,
        units=least.known,
        evidence=(step,),
        fix="Set scaling.scalingMode to MANUAL and manualInstanceCount to 0 while there is no work",
    )
    return _Kept(holds=(hold,), ceiling=most if isinstance(most, int) else None)


def _fixed_workers(source: Declared) -> _Kept:
    path = "scaling.manualInstanceCount"
    number = size(source, [path], 0, "omitted: the provider sends 0")
    if isinstance(number, Undecided):
        return _Kept(undecided=(number,))
    if number.is_hidden:
        return _Kept(undecided=(unknown_number(number),))
    if not number.known:
        return _Kept(evidence=(number.evidence("no instance"),), ceiling=0)
    step = number.evidence(_keeps(number.known))
    hold = Hold(
        cause=Cause.FIXED_REPLICAS,
        urn=source.urn,
        units=number.known,
        evidence=(step,),
        fix=f"Set {path} to 0 and raise it while there is work",
        change=changes_of(source, (path, 0)),
    )
    return _Kept(holds=(hold,), ceiling=number.known)
