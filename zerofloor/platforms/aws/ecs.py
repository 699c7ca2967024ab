"""ECS: services whose tasks need GPUs, and the capacity providers that start and remove their
instances."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import WEEK, Assumption, Cause, Evidence, Hold, Part, Pool, Undecided
from zerofloor.documents.template_text import Reference
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.aws import scaling
from zerofloor.platforms.aws.groups import GROUPS, Lowered
from zerofloor.platforms.aws.launch import required
from zerofloor.platforms.aws.read import CLOUD, declared
from zerofloor.platforms.declared import SETTLE_VALUE, Declared, link_of, size
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import at, get, hidden, items, known_items, known_text, quantity
from zerofloor.words import counted

SERVICES: Final = ("aws:ecs/service:Service", "aws-native:ecs:Service")
PROVIDERS: Final = ("aws:ecs/capacityProvider:CapacityProvider", "aws-native:ecs:CapacityProvider")
_TASKS: Final = ("aws:ecs/taskDefinition:TaskDefinition", "aws-native:ecs:TaskDefinition")
_DEFAULTS: Final = (
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    "aws-native:ecs:ClusterCapacityProviderAssociations",
)

READS: Final = frozenset({*SERVICES, *PROVIDERS, *_TASKS, *_DEFAULTS})


class Service(Value, frozen=True):
    """A service with what one task asks for and how many tasks stay."""

    source: Declared
    gpus: Decimal
    """Per task."""
    unread: Undecided | None
    """Set where the task definition can't be read."""
    tasks: scaling.Kept
    evidence: tuple[Evidence, ...]


class Managed(Value, frozen=True):
    """A group that an ECS capacity provider scales."""

    provider: Declared
    services: tuple[Service, ...]
    unprotects: bool
    """ECS lifts the scale-in protection of instances without tasks
    (managedTerminationProtection)."""
    on: bool = True
    """False where managed scaling is hidden: then it may start instances for tasks, and it can't be
    rely on it to remove them."""

    @property
    def lowered(self) -> Lowered | None:
        """What scales the group in; None where it can't be relied on."""
        if not self.on:
            return None
        path = "autoScalingGroupProvider.managedScaling.status"
        because = "ECS removes instances without tasks"
        what = f"{self.provider.name} scales its group in when no task runs"
        return Lowered(
            self.provider.evidence(path, because),
            Assumption(what, "ECS managed scaling is ENABLED"),
        )

    def holds(self, found: Machines) -> tuple[Hold, ...]:
        """The instances of the group that running tasks need."""
        if found.plain or not self.on:
            return ()
        return tuple(hold for service in self.services for hold in task_holds(service, found))

    @property
    def undecided(self) -> tuple[Undecided, ...]:
        of_services = tuple(
            u
            for service in self.services
            for u in (*service.tasks.undecided, *([service.unread] if service.unread else []))
        )
        if self.on or not any(service.tasks.levels for service in self.services):
            return of_services
        why = "Whether ECS scales the group for its tasks isn't known at preview: they may keep it"
        return (
            *of_services,
            self.provider.open("autoScalingGroupProvider.managedScaling.status", why),
        )

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        return tuple(a for service in self.services for a in service.tasks.assumptions)


def task_holds(service: Service, found: Machines) -> list[Hold]:
    """Tasks as instances: as many as fit by GPUs; a task without one still keeps an instance."""
    per_node = min((shape.gpus for shape in found.shapes if shape.gpus), default=None)
    out: list[Hold] = []
    for level in service.tasks.levels:
        units = level.units
        if units is not None:
            units = _instances(units, service.gpus, per_node)
        asked = f"each task asks for {counted(service.gpus, 'GPU')}"
        step = replace(service.source.evidence("taskDefinition", asked), is_hardware=True)
        out.append(
            Hold(
                cause=Cause.FIXED_REPLICAS if level.cause is Cause.ENDPOINT else level.cause,
                urn=level.urn,
                units=units,
                evidence=(*service.evidence, step, *level.evidence),
                fix=level.fix,
                hours_per_week=level.hours,
                change=level.change,
            )
        )
    return out


def _instances(tasks: int, gpus: Decimal, per_node: Decimal | None) -> int:
    if not gpus or per_node is None:
        return 1
    fit = max(1, int(per_node // gpus))
    return -(-tasks // fit)


def managed_groups(estate: Estate) -> Mapping[str, Managed]:
    """The groups under managed scaling, by URN."""
    out: dict[str, Managed] = {}
    services: tuple[tuple[Service, tuple[str, ...]], ...] | None = None
    for provider in declared(estate, *PROVIDERS):
        settings = provider.inputs.get("autoScalingGroupProvider")
        status = get(settings, "managedScaling.status")
        if settings is None or (status != "ENABLED" and not hidden(status)):
            continue
        groups, is_sure = _groups(estate, provider, at(settings, "autoScalingGroupArn"))
        services = _services(estate) if services is None else services
        mine = tuple(service for service, providers in services if provider.urn in providers)
        on = is_sure and not hidden(status)
        unprotects = on and at(settings, "managedTerminationProtection") == "ENABLED"
        for group in groups:
            if is_sure or group.urn not in out:
                out[group.urn] = Managed(provider, mine, unprotects, on)
    return out


def _groups(estate: Estate, provider: Declared, arn: Any) -> tuple[tuple[Resource, ...], bool]:
    """The group that a provider scales, or all that it may be, and whether that is sure: a guess
    never lowers a group."""
    name = arn.rsplit("autoScalingGroupName/", 1)[-1] if isinstance(arn, str) else arn
    link = link_of(
        estate,
        provider,
        "autoScalingGroupProvider",
        *GROUPS,
        value=name,
        names=("name", "autoScalingGroupName"),
    )
    is_sure = bool(link.found) and not link.open and link.assumption is None
    return (link.found[:1] if is_sure else link.found), is_sure


def _services(estate: Estate) -> tuple[tuple[Service, tuple[str, ...]], ...]:
    """Every service, with the URNs of the capacity providers that it may use."""
    defaults = {urn for source in declared(estate, *_DEFAULTS) for urn in _strategy(estate, source)}
    out = []
    for source in declared(estate, *SERVICES):
        named = _strategy(estate, source)
        if not named and source.inputs.get("launchType") is None:
            named = tuple(sorted(defaults))
        out.append((_service(estate, source), named))
    return tuple(out)


def _strategy(estate: Estate, source: Declared) -> tuple[str, ...]:
    found: list[str] = []
    for prop in (
        "capacityProviderStrategies",
        "capacityProviderStrategy",
        "defaultCapacityProviderStrategies",
        "capacityProviders",
    ):
        value = source.inputs.get(prop)
        listed = items(value)
        for item in [listed] if isinstance(listed, Hidden) else listed:
            name = at(item, "capacityProvider") if isinstance(item, Mapping) else item
            link = link_of(estate, source, prop, *PROVIDERS, value=name)
            found += [resource.urn for resource in link.found]
    return tuple(dict.fromkeys(found))


def _service(estate: Estate, source: Declared) -> Service:
    gpus, unread, evidence = _per_task(estate, source)
    daemon = source.inputs.get("schedulingStrategy") == "DAEMON"
    # Terraform's provider starts none where desiredCount is omitted, the API one (ECS API,
    # CreateService).
    default = 0 if source.resource.type.startswith("aws:") and source.logical is None else 1
    initial = size(source, ["desiredCount"], 0 if daemon else default, "omitted")
    names = scaling.identifiers(source, "name", "serviceName")
    # Hidden, no target is found by its ID: then nothing lowers the service.
    cluster = (known_text(source.inputs.get("cluster")) or "").rsplit("/", 1)[-1]
    ids = [f"service/{cluster}/{name}" for name in names] if cluster else []
    target = scaling.target_of(estate, source.resource, "ecs:service:DesiredCount", ids)
    tasks = scaling.kept(initial, target, Cause.ENDPOINT)
    return Service(source, gpus, unread, tasks, evidence)


def _per_task(
    estate: Estate, source: Declared
) -> tuple[Decimal, Undecided | None, tuple[Evidence, ...]]:
    value = source.inputs.get("taskDefinition")
    name = value
    if isinstance(value, str) and not isinstance(value, Reference):
        name = value.rsplit("/", 1)[-1].split(":")[0]
    unread: Undecided | None = None
    most = Decimal(0)
    evidence: tuple[Evidence, ...] = ()
    for task in _tasks_of(estate, source, name):
        gpus = task_gpus(task)
        if gpus is None:
            unread = task.open(
                "containerDefinitions",
                "The containers are not known: their tasks could ask for GPUs",
                SETTLE_VALUE,
            )
        elif gpus > most:
            most = gpus
            evidence = (
                replace(
                    task.evidence(
                        "family", f"its containers ask for {counted(gpus, 'GPU')} a task"
                    ),
                    is_hardware=True,
                ),
            )
    return most, unread, evidence


def _tasks_of(estate: Estate, source: Declared, name: Any) -> list[Declared]:
    """The task definitions that a service may run; in a template those of the same template."""
    if isinstance(name, Reference):
        own = declared(estate, *_TASKS)
        return [d for d in own if d.urn == source.urn and d.logical == name]
    link = link_of(estate, source, "taskDefinition", *_TASKS, value=name, names=("family",))
    return [Declared(resource, resource.inputs, resource.name) for resource in link.found]


def task_gpus(task: Declared) -> Decimal | None:
    """GPUs of one task by its containers' resourceRequirements; None where they can't be read."""
    containers = task.inputs.get("containerDefinitions")
    if isinstance(containers, str):
        try:
            containers = json.loads(containers)
        except ValueError:
            return None
    if hidden(containers):
        return None
    total = Decimal(0)
    for container in known_items(containers):  # Not hidden: asked above.
        needs = at(container, "resourceRequirements")
        if hidden(needs):
            return None
        for need in known_items(needs):  # Not hidden: asked above.
            if hidden(at(need, "type")):
                return None
            if str(at(need, "type")).upper() == "GPU":
                number = quantity(at(need, "value"))
                if not isinstance(number, Decimal):
                    return None
                total += number
    return total


def read(estate: Estate) -> Iterator[Part]:
    """Managed-instance providers, and GPU tasks that no group of the estate could carry."""
    services = _services(estate)
    carried: set[str] = set()
    for provider in declared(estate, *PROVIDERS):
        mine = [service for service, providers in services if provider.urn in providers]
        settings = provider.inputs.get("autoScalingGroupProvider")
        if settings is not None:
            # A group that is only guessed to be the provider's does not count its tasks.
            _, is_sure = _groups(estate, provider, at(settings, "autoScalingGroupArn"))
            if is_sure:
                carried |= {service.source.urn for service in mine}
        elif provider.inputs.get("managedInstancesProvider") is not None:
            carried |= {service.source.urn for service in mine}
            yield from _managed_instances(estate, provider, mine)
    groups = any(True for _ in declared(estate, *GROUPS))
    for service, providers in services:
        on_instances = (
            service.source.inputs.get("launchType") in (None, "EC2", "EXTERNAL")
            and not providers
            and groups
        )
        if (
            service.source.urn not in carried
            and not on_instances
            and service.source.inputs.get("launchType") != "FARGATE"
        ):
            yield from _elsewhere(estate, service)


def _managed_instances(
    estate: Estate, provider: Declared, services: list[Service]
) -> Iterator[Part]:
    path = "managedInstancesProvider.instanceLaunchTemplate.instanceRequirements"
    requirements = get(provider.inputs, path)
    found = (
        required(estate, provider, path, requirements) if requirements is not None else Machines()
    )
    if found.plain or (not found.shapes and not found.undecided):
        return
    holds = tuple(hold for service in services for hold in task_holds(service, found))
    undecided = tuple(
        u for s in services for u in (*s.tasks.undecided, *([s.unread] if s.unread else []))
    )
    if holds or undecided:
        undecided += found.undecided
    what = f"{provider.name} removes instances without tasks"
    yield Pool(
        urn=provider.urn,
        name=provider.name,
        platform="ECS Managed Instances",
        cloud=CLOUD,
        shapes=found.shapes,
        holds=holds,
        region=estate.region(provider.resource, CLOUD),
        undecided=undecided,
        assumptions=(Assumption(what, "ECS Managed Instances scale in by themselves"),),
        evidence=found.evidence,
    )


def _elsewhere(estate: Estate, service: Service) -> Iterator[Part]:
    if not service.gpus:
        kind = service.source.inputs.get("launchType")
        # Without instances in this stack only a service that asks for EC2 can be one with GPUs.
        if (
            service.unread is not None
            and (kind == "EC2" or hidden(kind))
            and (service.tasks.levels or service.tasks.undecided)
        ):
            yield service.unread
        return
    shape = Shape(CLOUD, "", service.gpus, "GPU of an ECS task")
    holds = tuple(
        Hold(
            cause=Cause.FIXED_REPLICAS if level.cause is Cause.ENDPOINT else level.cause,
            urn=level.urn,
            units=level.units,
            evidence=(*service.evidence, *level.evidence),
            fix=level.fix,
            hours_per_week=level.hours,
            change=level.change,
        )
        for level in service.tasks.levels
    )
    what = f"The tasks of {service.source.name} run on instances outside this stack"
    yield Pool(
        urn=service.source.urn,
        name=service.source.name,
        platform="ECS service",
        cloud=CLOUD,
        shapes=(shape,),
        holds=holds,
        desired=max((hold.least for hold in holds if hold.hours_per_week == WEEK), default=0),
        ceiling=service.tasks.ceiling,
        region=estate.region(service.source.resource, CLOUD),
        undecided=service.tasks.undecided,
        assumptions=(
            *service.tasks.assumptions,
            Assumption(what, "no group of this stack belongs to its capacity provider"),
        ),
        notices=service.tasks.notices,
        evidence=service.evidence,
    )
