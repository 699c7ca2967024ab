"""EC2 Auto Scaling groups: templates, overrides, schedules, policies, warm pools, protected
instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from zerofloor.capacity import (
    Evidence,
    Market,
    Part,
    Placement,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms import trust
from zerofloor.platforms.aws import ecs, eks
from zerofloor.platforms.aws.actions import PLANS, SCHEDULES, actions_by_group, by_group
from zerofloor.platforms.aws.groups import GROUPS, Action, Group, Lowered, Warm, pool_of
from zerofloor.platforms.aws.launch import (
    CONFIGURATIONS,
    TEMPLATES,
    in_units,
    lone,
    misshapen,
    of_configuration,
    of_template,
    overridden,
    required,
    spot_template,
)
from zerofloor.platforms.aws.policies import GROUP, Effect, effect_of
from zerofloor.platforms.aws.read import CLOUD, declared, strings
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.trust import Cluster
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, count, get, hidden, items, switch

_POLICIES: Final = ("aws:autoscaling/policy:Policy", "aws-native:autoscaling:ScalingPolicy")
_WARM_POOLS: Final = ("aws-native:autoscaling:WarmPool",)
READS: Final = frozenset(
    {*GROUPS, *SCHEDULES, *PLANS, *_POLICIES, *_WARM_POOLS, *TEMPLATES, *CONFIGURATIONS}
)


class _Beside(Value, frozen=True):
    """What names a group from outside."""

    actions: tuple[Action | Undecided, ...]
    policies: tuple[tuple[Declared, bool], ...]
    """Each with whether the link is only a guess."""
    warm: tuple[tuple[Declared, bool], ...]
    task: ecs.Managed | None
    """The capacity provider that scales it for the tasks of a service."""


class _Sizes(Value, frozen=True):
    minimum: Size
    desired: Size
    maximum: Size


class _Lowering(Value, frozen=True):
    """The sizes of a group, and what lowers it to them."""

    sizes: _Sizes
    lowered: Lowered | None
    placed: Placement | None = None
    """Set for a node group of a cluster."""
    missed: Evidence | None = None
    """Why a cluster autoscaler of the stack does not look after it."""


def read(estate: Estate) -> Iterator[Part]:
    """Every Auto Scaling group of the estate."""
    actions = actions_by_group(estate)
    policies = by_group(estate, _POLICIES)
    warm = by_group(estate, _WARM_POOLS)
    managed = ecs.managed_groups(estate)
    for source in declared(estate, *GROUPS):
        beside = _Beside(
            actions=actions.get(source.key, ()),
            policies=policies.get(source.key, ()),
            warm=warm.get(source.key, ()),
            task=managed.get(source.urn),
        )
        pool = _read(estate, source, beside)
        if pool is not None:
            yield pool


def _read(estate: Estate, source: Declared, beside: _Beside) -> Pool | None:
    found = _machines(estate, source)
    cluster = eks.group_cluster(estate, source)
    if cluster is None and trust.named(estate, source) is not None:
        cluster = Cluster()
    platform = "EC2 Auto Scaling group" if cluster is None else "EKS self-managed node group"
    sizes = _sizes(source)
    if isinstance(sizes, _Sizes):
        return _sized(estate, source, beside, platform, found, sizes, cluster)
    if found.plain:
        return None
    return Pool(
        urn=source.urn,
        part=source.part(),
        name=source.name,
        platform=platform,
        cloud=CLOUD,
        shapes=found.shapes,
        region=estate.region(source.resource, CLOUD),
        undecided=sizes,
        evidence=found.evidence,
    )


def _sizes(source: Declared) -> _Sizes | tuple[Undecided, ...]:
    """The sizes, omitted ones filled in; undecided where AWS would refuse one."""
    if source.inputs.get("minSize") is None and source.inputs.get("maxSize") is None:
        why = "Neither minSize nor maxSize is in this document, and AWS requires both"
        return (source.open("minSize", why, "Give both sizes"),)
    minimum, maximum = size(source, ["minSize"]), size(source, ["maxSize"])
    desired = size(source, ["desiredCapacity"])
    if not (isinstance(minimum, Size) and isinstance(desired, Size) and isinstance(maximum, Size)):
        return tuple(part for part in (minimum, desired, maximum) if isinstance(part, Undecided))
    if minimum.value is None:
        minimum = replace(minimum, value=0, default="omitted")
    if desired.value is None:
        omitted = "omitted: the minimum"
        desired = replace(desired, value=minimum.value, default=omitted, is_derived=True)
    return _Sizes(minimum, desired, maximum)


def _sized(
    estate: Estate,
    source: Declared,
    beside: _Beside,
    platform: str,
    found: Machines,
    sizes: _Sizes,
    cluster: Cluster | None,
) -> Pool | None:
    suspended = _suspended(source)
    task = beside.task
    pinned, unpin = _pinned(source, suspended, task)
    effect = Effect()
    if "AlarmNotification" not in suspended:
        effect = _effect(estate, source, beside.policies)
    lowered = _lowered(effect)
    if (lowered is None or lowered.doubts) and task is not None and task.lowered is not None:
        lowered = task.lowered
    lowering = _Lowering(sizes, lowered)
    if cluster is not None:
        lowering = _in_cluster(estate, source, found, lowering, cluster)
    actions = () if "ScheduledActions" in suspended else beside.actions
    group = Group(
        source=source,
        platform=platform,
        machines=found,
        minimum=lowering.sizes.minimum,
        desired=lowering.sizes.desired,
        maximum=sizes.maximum,
        market=_market(estate, source),
        placement=lowering.placed,
        lowered=lowering.lowered,
        missed=lowering.missed,
        raised=effect.raised,
        silent=effect.silent,
        pinned=pinned,
        unpin=unpin,
        actions=tuple(action for action in actions if isinstance(action, Action)),
        warm=_warm(source, beside.warm),
        holds=task.holds(found) if task is not None else (),
        undecided=(
            *trust.may_name(estate, source),
            *(action for action in actions if isinstance(action, Undecided)),
            *(task.undecided if task is not None else ()),
        ),
        notices=effect.notices,
        assumptions=task.assumptions if task is not None else (),
    )
    return pool_of(estate, group)


def _in_cluster(
    estate: Estate, source: Declared, found: Machines, lowering: _Lowering, cluster: Cluster
) -> _Lowering:
    """The group as nodes of a cluster: where pods may land, and what its autoscaler does."""
    parent = estate.by_urn.get(source.resource.parent or "")
    of_parent = parent.inputs if parent is not None and parent.type in eks.COMPONENTS else {}
    lowering = _autoscaled(estate, source, lowering, cluster, bool(of_parent))
    sizes = lowering.sizes
    placed = eks.placement(
        estate, source, found, {}, of_parent.get("labels"), of_parent.get("taints")
    )
    placed = replace(
        eks.sized(estate, placed, sizes.minimum, sizes.maximum),
        # Without the component that made it, labels stand in user data.
        open_labels=not of_parent or hidden(of_parent.get("labels")),
    )
    return replace(lowering, placed=placed)


def _autoscaled(
    estate: Estate, source: Declared, lowering: _Lowering, cluster: Cluster, by_component: bool
) -> _Lowering:
    # A component's group stands without tags only where the document was written by hand.
    untagged = by_component and source.inputs.get("tags") is None
    if not trust.reaches(estate, source) and not untagged:
        if trust.cluster_autoscaler(estate, cluster) is None:
            return lowering
        why = f"without {trust.DISCOVERED} the cluster autoscaler of the stack does not find it"
        return replace(lowering, missed=source.evidence("tags", why))
    sizes, lowered = lowering.sizes, lowering.lowered
    named = trust.named(estate, source)
    if named is not None and lowered is None and _raises(named, sizes.minimum):
        desired = named if _raises(named, sizes.desired) else sizes.desired
        sizes = _Sizes(named, desired, sizes.maximum)
    if lowered is None or lowered.doubts:
        lowered = eks.autoscaler(estate, source, sizes.minimum, cluster) or lowered
    return replace(lowering, sizes=sizes, lowered=lowered)


def _raises(named: Size, own: Size) -> bool:
    """Whether the minimum that an autoscaler is given is above the group's own, or may be."""
    return named.is_hidden or (named.known or 0) > (own.known or 0)


def _machines(estate: Estate, source: Declared) -> Machines:
    mixed = lone(source.inputs.get("mixedInstancesPolicy"))
    if mixed is not None and not isinstance(mixed, Mapping | Hidden):
        return misshapen(source, "mixedInstancesPolicy")
    if mixed is not None:
        path = "mixedInstancesPolicy.launchTemplate"
        spec = get(mixed, "launchTemplate.launchTemplateSpecification")
        base = of_template(estate, source, f"{path}.launchTemplateSpecification", spec)
        overrides = get(mixed, "launchTemplate.overrides")
        found = (
            overridden(estate, source, f"{path}.overrides", overrides, base)
            if overrides is not None
            else base
        )
        return in_units(
            found,
            source.field("desiredCapacityType").text(),
            source,
            "desiredCapacityType",
        )
    requirements = source.inputs.get("instanceRequirements")
    if requirements is not None:
        return required(estate, source, "instanceRequirements", requirements)
    template = source.inputs.get("launchTemplate")
    path, configuration = source.pick("launchConfiguration", "launchConfigurationName")
    dependencies = (source.resource.property_dependencies or {}).get("launchTemplate") or ()
    by_component = eks.component_type(estate, source)
    if by_component is not None and not dependencies:
        return by_component
    if template is not None:
        found = of_template(estate, source, "launchTemplate", template)
    elif configuration is not None:
        found = of_configuration(estate, source, path, configuration)
    else:
        found = Machines()
    if found.shapes or found.undecided:
        return in_units(
            found,
            source.field("desiredCapacityType").text(),
            source,
            "desiredCapacityType",
        )
    why = "Nothing says which instance type the group launches: it could be a GPU type"
    return Machines(
        undecided=(
            source.open(
                "launchTemplate",
                why,
                "Name the instance type in the launch template or an override",
            ),
        )
    )


def _market(estate: Estate, source: Declared) -> Market:
    """Spot where no instance is on-demand: a base of 0 and 0 % above it (the default is 100 %
    on-demand)."""
    spread = get(source.inputs, "mixedInstancesPolicy.instancesDistribution")
    if spread is not None:
        above, base = (
            at(spread, "onDemandPercentageAboveBaseCapacity"),
            at(spread, "onDemandBaseCapacity"),
        )
        all_spot = count(above) == 0 and count(base) in (0, None)
        return Market.SPOT if all_spot else Market.ON_DEMAND
    if get(source.inputs, "mixedInstancesPolicy") is not None:
        return Market.ON_DEMAND
    return spot_template(estate, source, "launchTemplate", source.inputs.get("launchTemplate"))


def _suspended(source: Declared) -> frozenset[str]:
    value = source.inputs.get("suspendedProcesses")
    listed = items(value)
    if isinstance(listed, Hidden) or any(hidden(item) for item in listed):
        return frozenset({"Terminate", "AlarmNotification"})  # the worst that it could be
    return frozenset(strings(value))


def _pinned(
    source: Declared, suspended: frozenset[str], task: ecs.Managed | None
) -> tuple[Evidence | None, str]:
    if "Terminate" in suspended:
        because = "the Terminate process is suspended: no instance is ever removed"
        return source.evidence(
            "suspendedProcesses", because
        ), "Remove Terminate from suspendedProcesses"
    path, protected = source.pick("protectFromScaleIn", "newInstancesProtectedFromScaleIn")
    if protected is None or switch(protected) is False or (task is not None and task.unprotects):
        return None, ""
    because = (
        "new instances are protected from scale-in: neither policies nor schedules remove them"
    )
    return source.evidence(path, because), f"Set {path} to false"


def _effect(
    estate: Estate, source: Declared, policies: tuple[tuple[Declared, bool], ...]
) -> Effect:
    """What the policies do to the group; of one that only may mean it, what it adds."""
    because = "the scaling policy goes down to the minimum when idle"
    certain = [policy for policy, guess in policies if not guess]
    sure = effect_of(estate, certain, GROUP, source.name, because)
    guessed = [policy for policy, guess in policies if guess]
    if sure.raised is not None or not guessed:
        return sure
    return replace(sure, raised=effect_of(estate, guessed, GROUP, source.name, because).raised)


def _lowered(effect: Effect) -> Lowered | None:
    """What scales the group in, for certain or perhaps."""
    if effect.lowered is not None:
        return Lowered(effect.lowered, effect.assumptions[0] if effect.assumptions else None)
    if effect.doubts:
        doubt = effect.doubts[0]
        evidence = Evidence(doubt.urn, doubt.path, None, "it may scale in when idle")
        return Lowered(evidence, doubts=effect.doubts)
    return None


def _warm(source: Declared, separate: tuple[tuple[Declared, bool], ...]) -> Warm | Undecided | None:
    own = eks.warm_pool(source, "warmPool")
    if own is not None or not separate:
        return own
    pool = separate[0][0]
    return eks.warm_pool(replace(pool, inputs={"warmPool": pool.inputs}), "warmPool")
