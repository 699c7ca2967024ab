"""Compute Engine instances, by themselves and made of a template or an image, and what ends their
running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import (
    WEEK,
    Accounted,
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Part,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, Field
from zerofloor.platforms.google.read import (
    SETTLE_TEMPLATE,
    End,
    declared,
    ends_at,
    last,
    lasts,
    link,
    machines,
    pool_of,
    resources,
)
from zerofloor.platforms.google.templates import (
    INSTANCES,
    MACHINE_IMAGES,
    Described,
    described,
    native,
    of_template,
)
from zerofloor.platforms.machines import Machines
from zerofloor.schedules import BadSchedule, hours_per_week
from zerofloor.stack import Hidden
from zerofloor.values import get, items
from zerofloor.words import counted

FROM_TEMPLATE: Final = "gcp:compute/instanceFromTemplate:InstanceFromTemplate"
FROM_IMAGE: Final = "gcp:compute/instanceFromMachineImage:InstanceFromMachineImage"
POLICIES: Final = ("gcp:compute/resourcePolicy:ResourcePolicy", *native("ResourcePolicy"))
ATTACHMENTS: Final = ("gcp:compute/resourcePolicyAttachment:ResourcePolicyAttachment",)
NODE_GROUPS: Final = ("gcp:compute/nodeGroup:NodeGroup", *native("NodeGroup"))
READS: Final = frozenset({*INSTANCES, FROM_TEMPLATE, FROM_IMAGE, *POLICIES, *ATTACHMENTS})

_WEEK_SECONDS: Final = int(WEEK) * 3600
_RESTORED: Final = "gcp:backupdisasterrecovery/restoreWorkload:RestoreWorkload"


def read(estate: Estate) -> Iterator[Part]:
    """Every instance of the estate."""
    for one in instances(estate):
        yield one.part


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance's pool with what reservations must know of it."""

    part: Part
    source: Declared
    what: Described


def instances(estate: Estate) -> tuple[Instance, ...]:
    """All instances, worked out once."""
    return estate.once("google instances", lambda: tuple(_instances(estate)))


def _instances(estate: Estate) -> Iterator[Instance]:
    attached = _attached(estate)
    for source in declared(estate, *INSTANCES, FROM_TEMPLATE, FROM_IMAGE):
        what = _described(estate, source)
        part = _instance(estate, source, what, attached.get(source.urn, ()))
        if part is not None:
            yield Instance(part=part, source=source, what=what)


def _described(estate: Estate, source: Declared) -> Described:
    """The machine by the instance's own properties, else by what it is made of."""
    is_made = source.resource.type in (FROM_TEMPLATE, FROM_IMAGE)
    if source.resource.type == FROM_TEMPLATE or (
        not is_made and source.inputs.get("sourceInstanceTemplate") is not None
    ):
        value = source.inputs.get("sourceInstanceTemplate")
        base = of_template(
            estate, source, "sourceInstanceTemplate", "sourceInstanceTemplate", value
        )
    elif source.resource.type == FROM_IMAGE or (
        not is_made and source.inputs.get("sourceMachineImage") is not None
    ):
        base = _of_image(estate, source)
    else:
        return described(estate, source)
    return _overridden(estate, source, base)


def _overridden(estate: Estate, source: Declared, base: Described) -> Described:
    own_type = source.field("machineType")
    own_cards = source.field("guestAccelerators")
    if own_type.is_absent and own_cards.is_absent:
        return base
    if own_type.is_absent:
        # Cards of its own take the place of the template's; the type stays.
        found = machines(estate, source, ["machineType"], ["guestAccelerators"])
        shapes = base.machines.shapes
        if any(shape.gpus for shape in shapes) or not shapes:
            return base if not found.shapes else replace(base, machines=found)
        return replace(base, machines=found if found.shapes or found.undecided else base.machines)
    return replace(described(estate, source), source=base.source, prefix=base.prefix)


def _of_image(estate: Estate, source: Declared) -> Described:
    path = "sourceMachineImage"
    found = link(estate, source, path, *MACHINE_IMAGES, value=source.inputs.get(path))
    for image in resources(estate, found)[:1] if not found.open else ():
        value = image.inputs.get("sourceInstance")
        of = link(estate, image, "sourceInstance", *INSTANCES, value=value)
        for instance in resources(estate, of)[:1] if not of.open else ():
            return described(estate, instance)
    why = "The machine image isn't in the stack: it could have GPUs"
    return Described(
        machines=Machines(undecided=(source.open(path, why, SETTLE_TEMPLATE),)), source=source
    )


def _instance(
    estate: Estate, source: Declared, what: Described, policies: tuple[Declared, ...]
) -> Part | None:
    found = what.machines
    if not found.plain and _on_own_node(estate, source):
        because = "runs on a sole-tenant node, which bills as a whole"
        return Accounted(urn=source.urn, path="", because=because)
    rest = _status(source)
    if isinstance(rest, _Rest):
        rest = _started(estate, source) or rest
    if rest is None:
        rest = _ends(estate, what.source, what.prefix) or _ends(estate, source, "")
    if rest is None:
        rest = _scheduled(estate, source, policies)
    if isinstance(rest, _Rest) and not rest.hours:
        return pool_of(
            estate,
            source,
            found,
            platform="Compute Engine instance",
            desired=1 if rest.starts else 0,
            ceiling=1,
            sold=what.market,
            assumptions=rest.assumptions,
            evidence=rest.evidence,
        )
    hold = _hold(source, found, rest if isinstance(rest, _Rest) else None)
    return pool_of(
        estate,
        source,
        found,
        platform="Compute Engine instance",
        holds=() if isinstance(rest, Undecided) else (hold,),
        undecided=(rest,) if isinstance(rest, Undecided) else (),
        desired=1,
        ceiling=1,
        sold=what.market,
        assumptions=what.assumptions,
    )


def _hold(source: Declared, found: Machines, rest: _Rest | None) -> Hold:
    if rest is not None:
        return Hold(
            cause=Cause.SCHEDULE,
            urn=rest.evidence[0].urn,
            units=1,
            evidence=(*found.evidence, *rest.evidence),
            fix="Shorten the window of the instance schedule, or start the instance on demand",
            hours_per_week=rest.hours,
        )
    step = source.evidence("desiredStatus", "it runs until it is stopped")
    is_native = source.resource.type.startswith("google-native:")
    stop = Change(urn=source.urn, path="desiredStatus", to="TERMINATED")
    return Hold(
        cause=Cause.INSTANCE,
        urn=source.urn,
        units=1,
        evidence=(*found.evidence, step),
        fix=(
            "Set desiredStatus to TERMINATED, or move it to a managed instance group that scales "
            "to zero"
        ),
        change=() if is_native else (stop,),
    )


# What ends its running


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """How an instance comes to rest."""

    evidence: tuple[Evidence, ...]
    hours: Decimal = Decimal(0)
    """For how many hours of a week it runs all the same."""
    starts: bool = True
    assumptions: tuple[Assumption, ...] = ()


def _status(source: Declared) -> _Rest | Undecided | None:
    field = source.field("desiredStatus")
    if field.is_hidden:
        return field.undecided("Whether the instance is stopped isn't known at preview")
    if field.value == "TERMINATED":
        return _Rest(evidence=(field.evidence("stopped: only its disks bill"),), starts=False)
    if field.value == "SUSPENDED":
        return field.undecided(
            "Compute Engine can't be shown to suspend an instance with GPUs: it may keep running",
            "Set desiredStatus to TERMINATED",
        )
    return None


def _started(estate: Estate, source: Declared) -> Undecided | None:
    """What may start a stopped instance: a job of Cloud Scheduler that calls its `start`."""
    name = source.inputs.get("name")
    known = name if isinstance(name, str) else source.name
    for job in declared(estate, *_SCHEDULER):
        uri = job.field("httpTarget.uri")
        starts = isinstance(uri.value, str) and uri.value.partition("?")[0].endswith(
            f"/instances/{known}/start"
        )
        links = (job.resource.property_dependencies or {}).get("httpTarget", ())
        if starts or (uri.is_hidden and (not links or source.urn in links)):
            why = f"Job {job.name} starts {source.name}, and how long it then runs isn't known"
            return uri.undecided(why, "Use an instance schedule with a stop, or waive it")
    return None


_SCHEDULER: Final = ("gcp:cloudscheduler/job:Job", "google-native:cloudscheduler/v1:Job")


def _ends(estate: Estate, source: Declared, prefix: str) -> _Rest | Undecided | None:
    """A run limit of a week at most, or a termination time."""
    limit = source.field(f"{prefix}scheduling.maxRunDuration")
    whole = source.field(f"{prefix}scheduling")
    if whole.is_hidden:
        return None  # A limit that isn't seen ends nothing: it stays held.
    seconds = source.field(f"{limit.path}.seconds").count()
    if isinstance(seconds, Hidden):
        return limit.undecided("For how long the instance may run isn't known at preview")
    if isinstance(seconds, int) and 0 < seconds <= _WEEK_SECONDS:
        hours = (Decimal(seconds) / 3600).quantize(Decimal("0.1"))
        ends = limit.evidence(f"it ends after {counted(hours, 'hour')}, requests or not")
        return _Rest(evidence=(ends,))
    end = ends_at(estate, source.field(f"{prefix}scheduling.terminationTime"))
    if isinstance(end, End):
        return _Rest(evidence=(end.evidence,), assumptions=end.assumptions)
    return end


def _attached(estate: Estate) -> Mapping[str, tuple[Declared, ...]]:
    """By instance (URN): the resource policies that are attached to it for certain."""
    found: dict[str, tuple[Declared, ...]] = {}
    for attachment in declared(estate, *ATTACHMENTS):
        value = attachment.inputs.get("instance")
        of = link(estate, attachment, "instance", *INSTANCES, value=value)
        name = attachment.inputs.get("name")
        policy = link(estate, attachment, "name", *POLICIES, value=name)
        if of.open or of.assumption or policy.open or policy.assumption:
            continue
        for instance in of.found:
            found[instance.urn] = (*found.get(instance.urn, ()), *resources(estate, policy))
    return found


def _scheduled(
    estate: Estate, source: Declared, attached: tuple[Declared, ...]
) -> _Rest | Undecided | None:
    """What instance schedules leave of its running. Only a certain link stops one."""
    policies = list(attached)
    unseen: Field | None = None
    given = items(source.inputs.get("resourcePolicies"))
    values = [given] if isinstance(given, Hidden) else given
    if isinstance(source.inputs.get("resourcePolicies"), str):
        values = [source.inputs["resourcePolicies"]]
    for value in values:
        found = link(estate, source, "resourcePolicies", *POLICIES, value=last(value))
        if not found.found and not isinstance(value, Hidden):
            unseen = source.field("resourcePolicies")
        if not found.open and found.assumption is None:
            policies += resources(estate, found)
    for policy in policies:
        rest = _schedule(estate, policy)
        if rest is not None:
            return rest
    if unseen is None:
        return None
    why = "A resource policy that isn't in the stack may stop the instance by a schedule, or not"
    return unseen.undecided(why, SETTLE_TEMPLATE)


def _schedule(estate: Estate, policy: Declared) -> _Rest | Undecided | None:
    path = "instanceSchedulePolicy"
    whole = policy.field(path)
    if whole.is_absent:
        return None
    start = policy.field(f"{path}.vmStartSchedule.schedule")
    stop = policy.field(f"{path}.vmStopSchedule.schedule")
    if whole.is_hidden or start.is_hidden or stop.is_hidden:
        return whole.undecided("When the instance schedule starts and stops it isn't known")
    if not isinstance(stop.value, str):
        return None  # A start alone stops nothing.
    expiry = policy.field(f"{path}.expirationTime")
    in_force = lasts(estate, expiry)
    if in_force is None:
        return expiry.undecided("The instance schedule expires, and nothing stops it afterwards")
    if not in_force:
        return None
    said = stop.evidence("the instance schedule stops it")
    try:
        if not isinstance(start.value, str):
            return _Rest(evidence=(said,)) if hours_per_week(stop.value, stop.value) else None
        hours = hours_per_week(start.value, stop.value)
    except BadSchedule:
        return whole.undecided("The instance schedule can't be read as cron expressions")
    begun = start.evidence("the instance schedule starts it, requests or not")
    return _Rest(evidence=(begun, said), hours=hours)


def _on_own_node(estate: Estate, source: Declared) -> bool:
    """Whether it is placed on a sole-tenant node group of the estate."""
    affinities = get(source.inputs, "scheduling.nodeAffinities")
    return (
        bool(estate.of_type(*NODE_GROUPS))
        and not isinstance(affinities, Hidden)
        and bool(affinities)
    )


def held(part: Part) -> int:
    """Machines that a pool certainly keeps all week."""
    if not isinstance(part, Pool):
        return 0
    kept = [hold.least for hold in part.holds if hold.hours_per_week >= WEEK]
    return max(kept, default=0) + sum(hold.least for hold in part.extra)
