"""What names a group from outside: scheduled actions, policies and warm pools, by the group that
they mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, Literal

from zerofloor.capacity import Undecided
from zerofloor.documents.template_text import Reference
from zerofloor.estate import Estate
from zerofloor.platforms.aws.groups import GROUPS, NODE_GROUPS, Action
from zerofloor.platforms.aws.read import declared
from zerofloor.platforms.aws.schedule import Move, readable
from zerofloor.platforms.declared import Declared, link_of, part_of, size
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, items, known_text

PLANS: Final = (
    "aws:autoscalingplans/scalingPlan:ScalingPlan",
    "aws-native:autoscalingplans:ScalingPlan",
)
SCHEDULES: Final = ("aws:autoscaling/schedule:Schedule", "aws-native:autoscaling:ScheduledAction")


def by_group(
    estate: Estate, types: tuple[str, ...]
) -> dict[str, tuple[tuple[Declared, bool], ...]]:
    """The resources that name a group, by its URN, each with whether the link is only a guess."""
    out: dict[str, list[tuple[Declared, bool]]] = defaultdict(list)
    for source in declared(estate, *types):
        for urn, guess in _targets(estate, source):
            out[urn].append((source, guess))
    return {urn: tuple(found) for urn, found in out.items()}


def _targets(estate: Estate, source: Declared) -> list[tuple[str, bool]]:
    """URNs of groups, each with whether it is only a guess."""
    path, value = source.pick("autoscalingGroupName", "autoScalingGroupName")
    if source.logical is not None:
        return [(part_of(source.urn, str(value)), False)] if isinstance(value, Reference) else []
    dependencies = (source.resource.property_dependencies or {}).get(path, ())
    node_groups = [
        urn
        for urn in dependencies
        if urn in estate.by_urn and estate.by_urn[urn].type in NODE_GROUPS
    ]
    if node_groups:
        return [(urn, False) for urn in node_groups]
    link = link_of(
        estate, source, path, *GROUPS, value=value, names=("name", "autoScalingGroupName")
    )
    return [(resource.urn, link.open or link.assumption is not None) for resource in link.found]


def actions_by_group(estate: Estate) -> dict[str, tuple[Action | Undecided, ...]]:
    """The scheduled actions by the URN of their group, in the order in which they take effect;
    undecided where unread."""
    out: dict[str, tuple[Action | Undecided, ...]] = {}
    for urn, sources in by_group(estate, SCHEDULES).items():
        ordered = sorted(
            sources,
            # A start that isn't known comes first: what the action sets is read all the same.
            key=lambda pair: (known_text(pair[0].inputs.get("startTime")) or "", pair[0].name),
        )
        out[urn] = tuple(_action(source, guess) for source, guess in ordered)
    for urn, action in _planned(estate):
        out[urn] = (*out.get(urn, ()), action)
    return out


def _planned(estate: Estate) -> Iterator[tuple[str, Action | Undecided]]:
    """The limits that a scaling plan puts in place of a group's own (AWS Auto Scaling user guide,
    "Scaling plans": minimum and maximum capacity of each resource)."""
    for source in declared(estate, *PLANS):
        instructions = items(source.inputs.get("scalingInstructions"))
        # A hidden list may name any group, with any minimum.
        listed = [instructions] if isinstance(instructions, Hidden) else instructions
        for index, one in enumerate(listed):
            path = f"scalingInstructions[{index}]"
            name = at(one, "resourceId")
            if isinstance(name, str):
                name = name.removeprefix("autoScalingGroup/")
            link = link_of(estate, source, "scalingInstructions", *GROUPS, value=name)
            low = size(source, [f"{path}.minCapacity"], 0)
            for group in link.found:
                if isinstance(low, Undecided) or low.is_hidden:
                    why = "The plan's minimum can't be read: it may keep GPU instances"
                    yield group.urn, source.open(f"{path}.minCapacity", why)
                else:
                    move = Move(None, low.known, None, None)
                    evidence = source.evidence(f"{path}.minCapacity", "")
                    yield group.urn, Action(move, evidence, guess=True)


def _action(source: Declared, guess: bool) -> Action | Undecided:
    # The Terraform provider takes an omitted size for 0 and -1 for "leave it"; the API leaves what
    # is omitted.
    bridged = source.resource.type.startswith("aws:") and source.logical is None
    sizes: dict[str, int | None] = {}
    for name in ("minSize", "maxSize", "desiredCapacity"):
        value = source.inputs.get(name)
        if bridged and value is None:
            value = 0
        number = None if bridged and value in (-1, "-1", -1.0) else count(value)
        if isinstance(number, Hidden):
            return source.open(
                name,
                (
                    f"A scheduled action sets {name}, and to what is {number.value}: it could "
                    "start GPU instances"
                ),
            )
        if isinstance(number, Impossible):
            return source.open(
                name,
                f"A scheduled action sets {name} to an invalid value: {number.why}",
                "Correct the value",
            )
        sizes[name] = number
    low, high, desired = sizes["minSize"], sizes["maxSize"], sizes["desiredCapacity"]
    if (
        bridged
        and low is not None
        and desired == 0
        and source.inputs.get("desiredCapacity") is None
    ):
        desired = low
    if low is not None and high is not None and low > high:
        why = f"minSize {low} is above maxSize {high}: AWS refuses the action"
        return source.open("minSize", why, "Correct the values: minimum ≤ desired ≤ maximum")
    recurrence = source.inputs.get("recurrence")
    if recurrence is not None and not readable(recurrence):
        return source.open(
            "recurrence",
            "When the scheduled action fires can't be read",
            "Use a five-field cron expression",
        )
    path: Literal["desiredCapacity", "minSize"] = (
        "desiredCapacity" if desired is not None else "minSize"
    )
    ends = recurrence is not None and source.inputs.get("endTime") is not None
    move = Move(known_text(recurrence), low, high, desired)  # A hidden one is open above.
    return Action(move, source.evidence(path, ""), guess or ends)
