"""Azure Machine Learning: compute clusters, compute instances, online deployments."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import WEEK, Accounted, Cause, Change, Hold, Market, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.azure import autoscale
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure.pools import (
    LOW_PRIORITY,
    Supply,
    fixed,
    hold_of,
    market,
    pools,
    unknown_number,
)
from zerofloor.platforms.declared import Declared, Field, Size, size
from zerofloor.schedules import BadSchedule, hours_for, hours_per_week
from zerofloor.values import at, count, hidden, known_items, known_text
from zerofloor.words import counted

_MODULE: Final = "azure-native:machinelearningservices"
COMPUTE: Final = f"{_MODULE}:Compute"
ONLINE: Final = f"{_MODULE}:OnlineDeployment"
CLASSIC_CLUSTER: Final = "azure:machinelearning/computeCluster:ComputeCluster"
CLASSIC_INSTANCE: Final = "azure:machinelearning/computeInstance:ComputeInstance"
ATTACHED: Final = (
    "azure:machinelearning/inferenceCluster:InferenceCluster",
    "azure:machinelearning/synapseSpark:SynapseSpark",
)
HOLD_NOTHING: Final = {
    f"{_MODULE}:BatchDeployment": "it runs on a compute cluster, which counts by itself",
    f"{_MODULE}:BatchEndpoint": "an endpoint has no machines",
    f"{_MODULE}:OnlineEndpoint": "an endpoint has no machines: its deployments count",
    f"{_MODULE}:ServerlessEndpoint": "it bills by token",
    f"{_MODULE}:Job": "a job ends; its machines belong to a compute cluster",
}
"""What names machines and keeps none running, each with the reason."""
OPEN: Final = (
    f"{_MODULE}:CapacityReservationGroup",
    f"{_MODULE}:InferenceEndpoint",
    f"{_MODULE}:InferenceGroup",
    f"{_MODULE}:InferencePool",
)
"""Previews whose billing is not documented."""
READS: Final = frozenset(
    {COMPUTE, ONLINE, CLASSIC_CLUSTER, CLASSIC_INSTANCE, *ATTACHED, *HOLD_NOTHING}
)

_ATTACHING: Final = (
    "AKS",
    "DataFactory",
    "DataLakeAnalytics",
    "Databricks",
    "HDInsight",
    "Kubernetes",
    "SynapseSpark",
    "VirtualMachine",
)
"""Kinds of compute that attach machines which are declared elsewhere (`AKS` with a resourceId)."""
_INNER: Final = "properties.properties"


def read(estate: Estate) -> Iterator[Part]:
    """Every compute and every online deployment."""
    for source in azure.declared(estate, COMPUTE):
        if not azure.is_looked_up(source):
            yield from _compute(estate, source)
    for source in azure.declared(estate, CLASSIC_CLUSTER):
        yield from _cluster(estate, source, "")
    for source in azure.declared(estate, CLASSIC_INSTANCE):
        yield from _instance(estate, source, "")
    for source in azure.declared(estate, *ATTACHED):
        yield Accounted(
            urn=source.urn, path="", because="it attaches a cluster that counts by itself"
        )
    settings = autoscale.settings_by_target(estate, (ONLINE,))
    for source in azure.declared(estate, ONLINE):
        if not azure.is_looked_up(source):
            yield from _online(estate, source, settings.get(source.key, []))
    for token, because in HOLD_NOTHING.items():
        for source in azure.declared(estate, token):
            yield Accounted(urn=source.urn, path="", because=because)


def _compute(estate: Estate, source: Declared) -> Iterator[Part]:
    properties = source.field("properties")
    kind = source.field("properties.computeType")
    if properties.is_hidden or kind.is_hidden:
        yield kind.undecided("The compute's kind isn't known at preview: it may keep GPU machines")
    elif azure.is_text(kind.value, "AmlCompute"):
        yield from _cluster(estate, source, f"{_INNER}.")
    elif azure.is_text(kind.value, "ComputeInstance"):
        yield from _instance(estate, source, f"{_INNER}.")
    elif azure.is_text(kind.value, "AKS") and source.field("properties.resourceId").is_absent:
        yield from _inference_cluster(estate, source)
    elif azure.is_text(kind.value, *_ATTACHING):
        because = "an attached compute has no machines of its own"
        yield Accounted(urn=source.urn, path="properties", because=because)
    else:
        yield kind.undecided("A compute of this kind isn't known: it may keep GPU machines")


def _cluster(estate: Estate, source: Declared, prefix: str) -> Iterator[Part]:
    kind = source.field(f"{prefix}vmSize")
    scale = source.field(f"{prefix}scaleSettings")
    supply = Supply(
        source=source,
        platform="Machine Learning compute cluster",
        machines=azure.machines(estate, source, kind.path, kind.value),
        market=market(source, f"{prefix}vmPriority"),
    )
    if supply.market is Market.SPOT:
        supply = replace(supply, price_as=LOW_PRIORITY)
    most = scale.source.field(f"{prefix}scaleSettings.maxNodeCount").count()
    supply = replace(supply, ceiling=most if isinstance(most, int) else None)
    if scale.is_absent:
        why = "scaleSettings is missing: what the cluster then keeps isn't documented"
        yield from pools(estate, replace(supply, undecided=(scale.undecided(why),)))
        return
    minimum = size(source, [f"{prefix}scaleSettings.minNodeCount"], 0, "omitted: 0")
    wait = source.field(
        f"{prefix}scaleSettings.nodeIdleTimeBeforeScaleDown",
        f"{prefix}scaleSettings.scaleDownNodesAfterIdleDuration",
    )
    yield from pools(estate, _waiting(_minimum(supply, minimum), wait))


def _waiting(supply: Supply, wait: Field) -> Supply:
    """The supply whose idle nodes wait so long that they outlast a week."""
    if supply.holds or supply.undecided or wait.is_absent or supply.ceiling == 0:
        return supply
    seconds = azure.iso_seconds(wait.value)
    if seconds is None:
        why = f"{wait.path} can't be read: it decides how long idle nodes stay"
        return replace(supply, undecided=(wait.undecided(why),))
    if seconds <= azure.WEEK_SECONDS:
        return supply
    return hold_of(
        supply,
        cause=Cause.NEVER_EMPTIED,
        units=None,
        fix=f"Set {wait.path} to PT15M",
        evidence=(wait.evidence("nodes of the busiest hour stay for more than a week"),),
        changes=azure.change(supply.source, wait.path, "PT15M"),
    )


def _minimum(supply: Supply, minimum: Size | Undecided) -> Supply:
    if isinstance(minimum, Undecided):
        return replace(supply, undecided=(minimum,))
    if minimum.is_hidden:
        return replace(supply, undecided=(unknown_number(minimum),))
    supply = replace(supply, desired=minimum.known)
    if not minimum.known:
        return replace(
            supply, evidence=(minimum.evidence("idle nodes are removed after the idle time"),)
        )
    return hold_of(
        supply,
        cause=Cause.POOL_MINIMUM,
        units=minimum.known,
        fix=f"Set {minimum.path} to 0",
        evidence=(minimum.evidence("the cluster keeps this many nodes without a job"),),
        changes=azure.change(minimum.source, minimum.path, 0),
    )


def _instance(estate: Estate, source: Declared, prefix: str) -> Iterator[Part]:
    kind = source.field(f"{prefix}vmSize", "virtualMachineSize")
    supply = Supply(
        source=source,
        platform="Machine Learning compute instance",
        machines=azure.machines(estate, source, kind.path, kind.value),
        desired=1,
        ceiling=1,
    )
    idle = source.field(f"{prefix}idleTimeBeforeShutdown")
    custom = source.field(f"{prefix}customServices")
    if isinstance(idle.value, str) and prefix:
        yield from pools(
            estate, _woken(_idle_shutdown(supply, idle, custom), idle, f"{prefix}schedules")
        )
        return
    schedules = source.field(f"{prefix}schedules")
    if prefix and not schedules.is_absent:
        yield from pools(estate, _scheduled(supply, schedules))
        return
    yield from pools(estate, _always(supply, kind))


def _always(supply: Supply, kind: Field) -> Supply:
    native = bool(supply.source.field("properties").value)
    fix = "Set idleTimeBeforeShutdown (PT15M to P3D)" if native else "Delete it when not in use"
    changes: tuple[Change, ...] = ()
    if native:
        path = f"{_INNER}.idleTimeBeforeShutdown"
        changes = azure.change(supply.source, path, "PT30M")
    return hold_of(
        supply,
        cause=Cause.INTERACTIVE,
        units=1,
        fix=fix,
        evidence=(kind.evidence("a compute instance runs until it is stopped"),),
        changes=changes,
    )


def _idle_shutdown(supply: Supply, idle: Field, custom: Field) -> Supply:
    if custom.is_hidden or known_items(custom.value):
        # "Compute instance won't be considered idle if any custom application is running"
        # (Create a compute instance, "Configure idle shutdown").
        why = "A custom application keeps the instance from being idle, so it may never shut down"
        settle = "Remove customServices, or add a stop schedule"
        return replace(supply, undecided=(custom.undecided(why, settle),))
    seconds = azure.iso_seconds(idle.value)
    if seconds is None or not 900 <= seconds <= 259200:
        why = "The idle time isn't between 15 minutes and 3 days, which the service refuses"
        return replace(supply, undecided=(idle.undecided(why, "Set PT15M to P3D"),))
    return replace(supply, evidence=(idle.evidence("it stops after this long without activity"),))


def _woken(supply: Supply, idle: Field, path: str) -> Supply:
    """An instance that stops when idle and that a schedule starts again: it runs for the idle time
    after each start."""
    if supply.undecided:
        return supply
    whole = supply.source.field(path)
    listed = supply.source.field(f"{path}.computeStartStop")
    if whole.is_hidden or listed.is_hidden:
        return replace(supply, undecided=(listed.undecided("When it starts isn't known"),))
    starts = [
        item
        for item in known_items(listed.value)
        if hidden(item)
        or hidden(at(item, "action"))
        or (
            azure.is_text(at(item, "action"), "Start")
            and not azure.is_text(at(item, "status"), "Disabled")
        )
    ]
    if not starts:
        return supply
    cron = None if len(starts) > 1 or hidden(starts[0]) else _cron(starts[0])
    seconds = azure.iso_seconds(idle.value)
    try:
        lasts = datetime.timedelta(seconds=int(seconds or 0))
        hours = None if cron is None else hours_for(cron, lasts)
    except BadSchedule:
        hours = None
    if hours is None:
        why = "How often a schedule starts the idle instance can't be worked out"
        return replace(supply, undecided=(listed.undecided(why),))
    return _window(supply, listed, hours)


def _scheduled(supply: Supply, schedules: Field) -> Supply:
    """A compute instance with start and stop schedules."""
    listed = supply.source.field(f"{schedules.path}.computeStartStop")
    if schedules.is_hidden or listed.is_hidden:
        return replace(
            supply, undecided=(listed.undecided("When it starts and stops isn't known"),)
        )
    read = _starts_and_stops(known_items(listed.value))
    if isinstance(read, str):
        return replace(supply, undecided=(listed.undecided(read),))
    starts, stops = read
    if not stops:
        return _always(supply, listed)
    if not starts:
        return replace(supply, evidence=(listed.evidence("it is stopped on a schedule"),))
    hours = _hours_between(starts, stops)
    if hours is None:
        why = "The hours between its starts and stops can't be worked out"
        return replace(supply, undecided=(listed.undecided(why),))
    return _window(supply, listed, hours)


def _starts_and_stops(listed: Iterable[Any]) -> tuple[list[str], list[str]] | str:
    """The cron expressions that start it and those that stop it, or why they can't be read."""
    starts: list[str] = []
    stops: list[str] = []
    for item in listed:
        parts = [at(item, key) for key in ("action", "status", "cron", "recurrence")]
        if any(hidden(part) for part in (item, *parts)):
            return "A schedule isn't known at preview"
        if azure.is_text(at(item, "status"), "Disabled"):
            continue
        cron = _cron(item)
        if cron is None:
            return "A schedule can't be read as a time of the week"
        (starts if azure.is_text(at(item, "action"), "Start") else stops).append(cron)
    return starts, stops


def _hours_between(starts: Sequence[str], stops: Sequence[str]) -> Decimal | None:
    """Of one start and one stop the hours of a week between them; None for several."""
    if len(starts) > 1 or len(stops) > 1:
        return None
    try:
        return hours_per_week(starts[0], stops[0])
    except BadSchedule:
        return None


def _window(supply: Supply, listed: Field, hours: Decimal) -> Supply:
    because = f"it runs for {counted(hours, 'hour')} of a week by schedule"
    hold = Hold(
        cause=Cause.SCHEDULE if hours < WEEK else Cause.INTERACTIVE,
        urn=supply.source.urn,
        units=1,
        evidence=(*supply.machines.evidence, listed.evidence(because)),
        fix="Remove the start schedule, and set idleTimeBeforeShutdown",
        hours_per_week=hours,
    )
    return replace(supply, holds=(hold,))


def _cron(item: Any) -> str | None:
    """A schedule as a cron expression; None where it can't be read."""
    expression = known_text(at(item, "cron", "expression"))
    if expression is not None:
        return expression
    recurrence = at(item, "recurrence")
    if not azure.is_text(at(recurrence, "frequency"), "Day", "Week"):
        return None
    if count(at(recurrence, "interval")) not in (None, 1):
        return None
    hours, minutes = (
        [count(value) for value in known_items(at(recurrence, "schedule", key))]
        for key in ("hours", "minutes")
    )
    days = [known_text(day) or "" for day in known_items(at(recurrence, "schedule", "weekDays"))]
    numbers = [_WEEKDAYS.get(day.lower()) for day in days]
    if len(hours) != 1 or len(minutes) > 1 or None in (*numbers, *hours, *minutes):
        return None
    weekdays = ",".join(str(number) for number in numbers) or "*"
    return f"{minutes[0] if minutes else 0} {hours[0]} * * {weekdays}"


_WEEKDAYS: Final = {
    "sunday": 0,
    "monday": 1,
    "tuesday": 2,
    "wednesday": 3,
    "thursday": 4,
    "friday": 5,
    "saturday": 6,
}


def _inference_cluster(estate: Estate, source: Declared) -> Iterator[Part]:
    kind = source.field(f"{_INNER}.agentVmSize")
    supply = Supply(
        source=source,
        platform="Machine Learning inference cluster",
        machines=azure.machines(estate, source, kind.path, kind.value),
    )
    number = size(source, [f"{_INNER}.agentCount"], 1, "omitted: at least 1")
    held = fixed(
        supply,
        number,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="an inference cluster keeps its agents",
        fix="Attach a cluster whose GPU pool scales to zero",
    )
    yield from pools(estate, replace(held, holds=tuple(replace(h, change=()) for h in held.holds)))


def _online(estate: Estate, source: Declared, settings: list[autoscale.Setting]) -> Iterator[Part]:
    prefixes = ("properties", "onlineDeploymentProperties", "onlineDeploymentDetails")
    prefix = next((p for p in prefixes if source.inputs.get(p) is not None), prefixes[0])
    whole = source.field(prefix)
    kind = source.field(f"{prefix}.instanceType")
    place = source.field(f"{prefix}.endpointComputeType")
    if whole.is_hidden:
        yield whole.undecided("The deployment isn't known at preview: it may keep GPU machines")
        return
    if azure.is_text(place.value, "Kubernetes"):
        yield from _on_kubernetes(source, prefix, kind)
        return
    if azure.is_text(place.value, "AzureMLCompute"):
        because = "it runs on a compute cluster, which counts by itself"
        yield Accounted(urn=source.urn, path="", because=because)
        return
    supply = Supply(
        source=source,
        platform="Machine Learning online deployment",
        machines=azure.machines(estate, source, kind.path, kind.value),
    )
    number = size(source, ["sku.capacity", f"{prefix}.instanceCount"], 1, "omitted: at least 1")
    settled = autoscale.settle(settings, number)
    if settled is None:
        yield from pools(estate, _deployed(supply, number))
        return
    if not settled.holds and not settled.undecided:
        path = "sku.capacity"
        why = "Whether an online deployment may scale in to 0 instances isn't documented"
        settled = replace(settled, undecided=(source.open(path, why, "Delete it when unused"),))
    yield from pools(
        estate,
        replace(
            supply,
            holds=tuple(
                replace(h, evidence=(*supply.machines.evidence, *h.evidence)) for h in settled.holds
            ),
            undecided=settled.undecided,
            assumptions=settled.assumptions,
            ceiling=settled.ceiling,
            desired=number.known if isinstance(number, Size) else None,
        ),
    )


def _deployed(supply: Supply, number: Size | Undecided) -> Supply:
    if isinstance(number, Size) and number.known == 0:
        why = "Whether an online deployment may have 0 instances isn't documented"
        return replace(supply, undecided=(number.source.open(number.path, why),))
    held = fixed(
        supply,
        number,
        cause=Cause.ENDPOINT,
        because="an online deployment keeps its instances, even at 0 % traffic",
        fix="Delete the deployment when it isn't used, or use a batch endpoint",
    )
    return replace(held, holds=tuple(replace(hold, change=()) for hold in held.holds))


def _on_kubernetes(source: Declared, prefix: str, kind: Field) -> Iterator[Part]:
    gpu = source.field(f"{prefix}.containerResourceRequirements.containerResourceLimits.gpu")
    if gpu.is_absent or count(gpu.value) == 0:
        because = "it asks an attached cluster for no GPU"
        yield Accounted(urn=source.urn, path="", because=because)
        return
    why = "It asks for GPUs of an attached cluster that isn't declared here"
    yield gpu.undecided(why, "Check it together with the cluster's stack (--join), or waive it")
