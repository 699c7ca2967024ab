"""Container Apps: replicas on GPU workload profiles, and the instances of dedicated ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from math import ceil
from typing import Any, Final

from zerofloor.capacity import Accounted, Assumption, Cause, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure.pools import Supply, hold_of, pools, unknown_number
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.platforms.machines import Machines, describe
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, hidden, known_items, quantity
from zerofloor.words import counted

ENVIRONMENTS: Final = (
    "azure-native:app:ManagedEnvironment",
    "azure:containerapp/environment:Environment",
)
APPS: Final = ("azure-native:app:ContainerApp", "azure:containerapp/app:App")
JOBS: Final = ("azure-native:app:Job", "azure:containerapp/job:Job")
SESSIONS: Final = "azure-native:app:ContainerAppsSessionPool"
READS: Final = frozenset({*ENVIRONMENTS, *APPS, *JOBS, SESSIONS})

SERVICE: Final = "container-apps"
"""The price book's name for the service."""

_T4: Final = "NVIDIA T4"
_A100: Final = "NVIDIA A100 80GB"


def _shape(name: str, gpus: int, accelerator: str, vcpus: int, memory: int) -> Shape:
    return Shape(azure.CLOUD, name, Decimal(gpus), accelerator, Decimal(vcpus), Decimal(memory))


_SERVERLESS: Final[Mapping[str, Shape]] = {
    "consumption-gpu-nc24-a100": _shape("Consumption-GPU-NC24-A100", 1, _A100, 24, 220),
    "consumption-gpu-nc8as-t4": _shape("Consumption-GPU-NC8as-T4", 1, _T4, 8, 56),
}
"""Consumption GPU profiles: one GPU a replica (Container Apps, "Serverless GPUs")."""
_DEDICATED: Final[Mapping[str, Shape]] = {
    "nc24-a100": _shape("NC24-A100", 1, _A100, 24, 220),
    "nc48-a100": _shape("NC48-A100", 2, _A100, 48, 440),
    "nc96-a100": _shape("NC96-A100", 4, _A100, 96, 880),
}
"""Dedicated GPU profiles, by instance (Container Apps, "Workload profiles")."""
_PLAIN: Final = frozenset(
    {"consumption", "flex", "flexible"}
    | {f"{letter}{size}" for letter in "de" for size in (4, 8, 16, 32)}
)
"""Profile types without a GPU."""


class _Kind(Value, frozen=True):
    """What a workload profile's type stands for."""

    shape: Shape | None
    """None: no GPU, or not known."""
    dedicated: bool = False
    undecided: Undecided | None = None


class _Need(Value, frozen=True, kw_only=True):
    """The replicas that an app keeps on a profile."""

    source: Declared
    replicas: Size
    cpu: Decimal
    memory: Decimal
    """Of one replica, in cores and GiB; 0 where not given."""
    gpus: Decimal


def read(estate: Estate) -> Iterator[Part]:
    """Every app on a GPU profile, and every dedicated GPU profile."""
    needs: dict[tuple[str, str], list[_Need | Undecided]] = defaultdict(list)
    for source in azure.declared(estate, *APPS):
        if not azure.is_looked_up(source):
            yield from _app(estate, source, needs)
    for source in azure.declared(estate, *JOBS):
        yield from _job(estate, source)
    for source in azure.declared(estate, *ENVIRONMENTS):
        yield from _environment(estate, source, needs)
    for source in azure.declared(estate, SESSIONS):
        yield Accounted(urn=source.urn, path="", because="session pools run on CPU machines")


def _kind_of(source: Declared, path: str, value: Any) -> _Kind:
    if hidden(value):
        why = "The workload profile's type isn't known at preview: it may be a GPU profile"
        return _Kind(None, undecided=source.open(path, why))
    name = value.strip().lower() if isinstance(value, str) else ""
    if name in _SERVERLESS:
        return _Kind(_SERVERLESS[name])
    if name in _DEDICATED:
        return _Kind(_DEDICATED[name], dedicated=True)
    if name in _PLAIN or not name:
        return _Kind(None)
    if "gpu" in name or name.startswith("n"):
        why = f"Unknown workload profile type {value}: it may have GPUs"
        return _Kind(None, undecided=source.open(path, why))
    return _Kind(None)


def _app(
    estate: Estate,
    source: Declared,
    needs: dict[tuple[str, str], list[_Need | Undecided]],
) -> Iterator[Part]:
    field = source.field("workloadProfileName", "workloadProfileType")
    if field.is_absent or azure.is_text(field.value, "Consumption"):
        return
    kind, environment = _profile(estate, source, field.path, field.value)
    replicas = size(source, ["template.scale.minReplicas", "template.minReplicas"], 0, "omitted: 0")
    if isinstance(source.field("template").value, Hidden):
        replicas = source.open("template", "minReplicas isn't known at preview")
    if kind.undecided is not None:
        if not _is_none(replicas) or _never_to_zero(source) is not None:
            yield kind.undecided
        return
    if kind.shape is None:
        yield Accounted(urn=source.urn, path=field.path, because="the profile has no GPU")
        return
    if kind.dedicated:
        because = "the environment's profile has the instances"
        yield Accounted(urn=source.urn, path=field.path, because=because)
        name = str(field.value).lower()
        key = (environment.key if environment else "", name)
        stays = _never_to_zero(source) if _is_none(replicas) else None
        needs[key].append(_need(source, replicas) if stays is None else stays)
        return
    evidence = (field.evidence(describe((kind.shape,))),)
    found = Machines((_sized(kind.shape, source),), evidence=evidence)
    supply = Supply(source=source, platform="Container app", machines=found, price_as=SERVICE)
    mode = source.field("configuration.activeRevisionsMode", "revisionMode")
    if mode.is_hidden or azure.is_text(mode.value, "Multiple"):
        what = f"Older revisions of {source.name} keep no replica"
        because = "each active revision keeps its own minimum, and older ones stand in no program"
        supply = replace(supply, assumptions=(Assumption(what, because),))
    yield from pools(estate, _replicas(supply, source, replicas))


def _sized(shape: Shape, source: Declared) -> Shape:
    """The shape as one replica of the app bills: by GPU, and by its containers' vCPU and memory
    (Container Apps, "Billing")."""
    need = _need(source, Size(source, "", 0))
    if not isinstance(need, _Need) or not (need.cpu and need.memory):
        return shape
    sizes = f"{need.cpu.normalize():f} vCPU and {need.memory.normalize():f} GiB"
    return replace(shape, instance_type=f"{shape.instance_type} with {sizes}")


def _is_none(replicas: Size | Undecided) -> bool:
    return isinstance(replicas, Size) and replicas.known == 0


def _replicas(supply: Supply, source: Declared, replicas: Size | Undecided) -> Supply:
    most = source.field("template.scale.maxReplicas", "template.maxReplicas")
    number = most.count()
    supply = replace(supply, ceiling=number if isinstance(number, int) else 10)
    if most.is_hidden:
        supply = replace(supply, ceiling=None)
    if isinstance(replicas, Undecided):
        return replace(supply, undecided=(replicas,))
    if replicas.is_hidden:
        return replace(supply, undecided=(unknown_number(replicas),))
    supply = replace(supply, desired=replicas.known)
    if not replicas.known:
        open_ = _never_to_zero(source)
        if open_ is not None:
            return replace(supply, undecided=(open_,))
        return replace(
            supply, evidence=(replicas.evidence("replicas scale in to 0 without requests"),)
        )
    return hold_of(
        supply,
        cause=Cause.SCALER_MINIMUM,
        units=replicas.known,
        fix=f"Set {replicas.path} to 0",
        evidence=(replicas.evidence("replicas on a GPU profile bill in full, idle or not"),),
        changes=azure.change(source, replicas.path, 0),
    )


def _never_to_zero(source: Declared) -> Undecided | None:
    """Why an app with a minimum of 0 may keep a replica: a cool-down longer than a week, or only
    CPU and memory rules (KEDA needs another trigger to go to zero)."""
    wait = source.field("template.scale.cooldownPeriod", "template.cooldownPeriodInSeconds")
    seconds = azure.iso_seconds(wait.value)
    if wait.is_hidden or (seconds is not None and seconds > azure.WEEK_SECONDS):
        why = "The cool-down may keep the last replica through an idle week"
        return wait.undecided(why, "Set it to 300")
    field = source.field("template.scale.rules", "template.customScaleRules")
    if field.is_hidden:
        return field.undecided("Scale rules aren't known at preview")
    rules = known_items(field.value)
    others = [
        source.field(f"template.{name}")
        for name in ("httpScaleRules", "tcpScaleRules", "azureQueueScaleRules")
    ]
    if not rules or any(not other.is_absent for other in others):
        return None
    types = []
    for rule in rules:
        custom = at(rule, "custom", "type")
        kind = at(rule, "customRuleType") if custom is None else custom
        if hidden(rule) or hidden(kind):
            return field.undecided("Scale rules aren't known at preview")
        types.append(kind)
    if all(azure.is_text(kind, "cpu", "memory") for kind in types):
        why = "Rules on cpu or memory alone may never scale the app in to 0"
        return field.undecided(why, "Add an HTTP or a queue rule")
    return None


def _profile(
    estate: Estate, source: Declared, path: str, name: Any
) -> tuple[_Kind, Declared | None]:
    """What an app's profile stands for: its name, joined to its environment's types."""
    if hidden(name):
        why = "The workload profile isn't known at preview: it may be a GPU profile"
        return _Kind(None, undecided=source.open(path, why)), None
    to = source.field("environmentId", "managedEnvironmentId", "containerAppEnvironmentId")
    link = azure.linked(estate, source, to.path, ENVIRONMENTS)
    kinds: list[tuple[_Kind, Declared]] = []
    for environment in link.found:
        profiles = environment.field("workloadProfiles").items()
        if isinstance(profiles, Hidden):
            why = "The environment's workload profiles aren't known at preview"
            return _Kind(None, undecided=environment.open("workloadProfiles", why)), None
        for index, profile in enumerate(profiles):
            given = at(profile, "name")
            # 2022-10-01 has no name: the type is it.
            shown = at(profile, "workloadProfileType") if given is None else given
            where = f"workloadProfiles[{index}].workloadProfileType"
            if hidden(profile) or hidden(shown) or azure.is_text(shown, str(name)):
                value = profile if hidden(profile) else at(profile, "workloadProfileType")
                kinds.append((_kind_of(environment, where, value), environment))
    holding = [pair for pair in kinds if pair[0].shape is not None or pair[0].undecided]
    if len(kinds) == 1 and not link.open:
        return kinds[0]
    if kinds and not holding:
        return _Kind(None), None
    if not kinds and link.certain is not None and _standard(name):
        return _Kind(None), None
    why = "The environment of its workload profile isn't declared here: it may be a GPU profile"
    settle = "Check it together with the environment's stack (--join), or waive it"
    return _Kind(None, undecided=source.open(path, why, settle)), None


def _standard(name: Any) -> bool:
    return str(name).strip().lower() in _PLAIN


def _need(source: Declared, replicas: Size | Undecided) -> _Need | Undecided:
    if isinstance(replicas, Undecided):
        return replicas
    if replicas.is_hidden:
        return unknown_number(replicas)
    cpu = memory = gpus = Decimal(0)
    containers = source.field("template.containers").value
    for container in known_items(containers):
        resources = at(container, "resources")
        # What is hidden counts as little: the number of instances is a lower bound.
        cpu += _number(at(container, "cpu")) + _number(at(resources, "cpu"))
        memory += _gib(at(container, "memory")) + _gib(at(resources, "memory"))
        gpus += _number(at(resources, "gpu"))
    return _Need(source=source, replicas=replicas, cpu=cpu, memory=memory, gpus=gpus)


def _number(value: Any) -> Decimal:
    found = quantity(value)
    return found if isinstance(found, Decimal) else Decimal(0)


def _gib(value: Any) -> Decimal:
    return _number(value) / 2**30


def _environment(
    estate: Estate, source: Declared, needs: Mapping[tuple[str, str], list[_Need | Undecided]]
) -> Iterator[Part]:
    profiles = source.field("workloadProfiles").items()
    if isinstance(profiles, Hidden):
        yield source.open("workloadProfiles", "Workload profiles aren't known at preview")
        return
    for index, profile in enumerate(profiles):
        path = f"workloadProfiles[{index}]"
        where = f"{path}.workloadProfileType"
        value = profile if hidden(profile) else at(profile, "workloadProfileType")
        kind = _kind_of(source, where, value)
        if kind.undecided is not None:
            omitted = None if azure.native(source) else 0
            minimum = size(source, [f"{path}.minimumCount"], omitted)
            if not _is_none(minimum):
                yield kind.undecided
            continue
        if kind.shape is None:
            continue
        if not kind.dedicated:
            # The service refuses minimumCount for a consumption GPU profile
            # (hashicorp/terraform-provider-azurerm #31763).
            because = "a consumption GPU profile has no machine without a replica"
            yield Accounted(urn=source.urn, path=path, because=because)
            continue
        name = at(profile, "name")
        shown = at(profile, "workloadProfileType") if name is None else name
        asked = [
            need
            for (environment, wanted), of_profile in needs.items()
            if environment == source.key and (hidden(shown) or azure.is_text(shown, wanted))
            for need in of_profile
        ]
        yield from _dedicated(estate, source, path, kind.shape, asked)


def _dedicated(
    estate: Estate, source: Declared, path: str, shape: Shape, asked: list[_Need | Undecided]
) -> Iterator[Part]:
    field = source.field(f"{path}.workloadProfileType")
    supply = Supply(
        source=source,
        platform="Container Apps dedicated profile",
        machines=Machines((shape,), evidence=(field.evidence(describe((shape,))),)),
        part=path,
        price_as=SERVICE,
    )
    most = source.field(f"{path}.maximumCount").count()
    supply = replace(supply, ceiling=most if isinstance(most, int) else None)
    minimum = size(source, [f"{path}.minimumCount"], None)
    open_ = tuple(need for need in asked if isinstance(need, Undecided))
    if isinstance(minimum, Undecided) or minimum.is_hidden:
        wrong = minimum if isinstance(minimum, Undecided) else unknown_number(minimum)
        yield from pools(estate, replace(supply, undecided=(wrong, *open_)))
        return
    needed = _instances(shape, [need for need in asked if isinstance(need, _Need)])
    floor = max(minimum.known or 0, needed)
    if minimum.value is None and azure.native(source) and not floor:
        why = "minimumCount is missing: how many instances the profile then keeps isn't documented"
        open_ = (*open_, source.open(f"{path}.minimumCount", why, "Set minimumCount to 0"))
    because = "a dedicated profile keeps this many instances"
    fix = f"Set {minimum.path} to 0"
    changes = azure.change(source, minimum.path, 0)
    if needed > (minimum.known or 0):
        because = f"the replicas of its apps need {counted(needed, 'instance')}"
        fix, changes = "Set minReplicas of the apps on the profile to 0", ()
    yield from pools(
        estate,
        hold_of(
            replace(supply, undecided=open_, desired=floor),
            cause=Cause.POOL_MINIMUM,
            units=floor,
            fix=fix,
            evidence=(minimum.evidence(because),),
            changes=changes,
        ),
    )


def _instances(shape: Shape, needs: list[_Need]) -> int:
    """The fewest instances that carry the replicas which stay: as many as all ask for together,
    and as many as those of one app fill."""
    standing = [need for need in needs if need.replicas.known]
    if not standing:
        return 0
    fewest = 1
    for asked, size_ in (
        ([need.cpu for need in standing], shape.vcpus),
        ([need.memory for need in standing], shape.memory_gib),
        ([need.gpus for need in standing], shape.gpus),
    ):
        if not size_:
            continue
        replicas = [need.replicas.known or 0 for need in standing]
        together = sum((a * n for a, n in zip(asked, replicas, strict=True)), Decimal(0))
        fewest = max(fewest, ceil(together / size_))
        for each, number in zip(asked, replicas, strict=True):
            if each:
                fewest = max(fewest, ceil(Decimal(number) / max(1, int(size_ / each))))
    return fewest


def _job(estate: Estate, source: Declared) -> Iterator[Part]:
    """A job bills while it runs; event jobs keep `minExecutions` a polling interval."""
    field = source.field("workloadProfileName", "workloadProfileType")
    if field.is_absent or azure.is_text(field.value, "Consumption"):
        return
    kind, _ = _profile(estate, source, field.path, field.value)
    least = size(
        source,
        [
            "configuration.eventTriggerConfig.scale.minExecutions",
            "eventTriggerConfig.scale.minExecutions",
            "eventTriggerConfig.scales[0].minExecutions",
        ],
        0,
    )
    if kind.undecided is None and kind.shape is None:
        return
    if not _is_none(least):
        why = "A minimum of executions may run without an event on a GPU profile"
        path = least.path if isinstance(least, Size | Undecided) else ""
        yield source.open(path, why, "Set minExecutions to 0")
        return
    if kind.undecided is None:
        because = "an execution ends; without one nothing bills"
        yield Accounted(urn=source.urn, path="", because=because)
