"""Azure Monitor autoscale settings: what a scale set or an online deployment keeps under one
(Azure Monitor, "Understand autoscale settings")."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import WEEK, Assumption, Cause, Evidence, Hold, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.declared import Declared, Field, Size, size
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, count, hidden, known_items, known_text, quantity
from zerofloor.words import counted

NATIVE: Final = "azure-native:monitor:AutoscaleSetting"
CLASSIC: Final = "azure:monitoring/autoscaleSetting:AutoscaleSetting"
READS: Final = frozenset({NATIVE, CLASSIC})

_MINUTES: Final = 7 * 24 * 60
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_HOST_METRIC: Final = re.compile(
    r"percentage cpu|network (?:in|out).*|disk .*|os disk.*|data disk.*|available memory.*"
    r"|inbound flows.*|outbound flows.*|cpu credits.*|vm .*|cpuutilizationpercentage"
    r"|gpu.*|memoryutilizationpercentage|diskutilization",
    re.I,
)
"""Metrics of the machines themselves: at 0 machines there is none to read."""
_SPARE: Final = re.compile(r".*(?:available|free|idle).*", re.I)


class Setting(Value, frozen=True):
    """One autoscale setting with what ties it to its target."""

    source: Declared
    assumption: Assumption | None = None
    """Set where the target is a guess: then it may raise a floor and never lower it."""
    open: bool = False
    """True where several targets may be meant."""


class Settled(Value, frozen=True, kw_only=True):
    """What stays of a target's machines without any request."""

    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    ceiling: int | None = None


class _Profile(Value, frozen=True, kw_only=True):
    source: Declared
    path: str
    minimum: Size
    maximum: Size
    lowers: bool
    """Whether a rule removes machines while nothing is asked for."""
    lowest: int
    """What such a rule goes down to at most (an exact count); the minimum counts beside it."""
    raises: bool
    starts: tuple[int, ...] | None
    """Minutes of the week at which it starts; None: always, until another starts."""

    @property
    def level(self) -> int:
        """The lowest number under it, once its rules have run."""
        return max(self.minimum.known or 0, self.lowest)

    def after(self, now: int) -> int:
        low = self.minimum.known or 0
        high = self.maximum.known
        if self.lowers:
            return self.level if now > self.level else max(now, low)
        return max(low, now if high is None else min(now, high))


def settings_by_target(estate: Estate, targets: tuple[str, ...]) -> Mapping[str, list[Setting]]:
    """The autoscale settings of each resource of these types, by its key."""
    found: dict[str, list[Setting]] = defaultdict(list)
    for source in azure.declared(estate, NATIVE, CLASSIC):
        path = "targetResourceUri" if azure.native(source) else "targetResourceId"
        if azure.native(source) and source.field(path).is_absent:
            continue
        link = azure.linked(estate, source, path, targets)
        for target in link.found:
            found[target.key].append(Setting(source, link.assumption, link.open))
    return found


def settle(settings: Sequence[Setting], start: Size | Undecided) -> Settled | None:
    """What stays under the settings of one target that starts with so many machines; None where
    none is in force."""
    in_force: list[Setting] = []
    undecided: list[Undecided] = []
    for setting in settings:
        enabled = _enabled(setting.source)
        if isinstance(enabled, Field):
            undecided.append(enabled.undecided("It isn't known at preview whether autoscale is on"))
        elif setting.open:
            why = "The target isn't known at preview: its minimum may keep GPU machines"
            if _may_hold(setting.source):
                undecided.append(setting.source.open(_target_path(setting.source), why))
        elif enabled:
            in_force.append(setting)
    if len(in_force) > 1:
        why = "A second autoscale setting has the same target: which one counts isn't documented"
        undecided.append(in_force[1].source.open("", why, "Keep one setting a target"))
    if undecided:
        return Settled(undecided=tuple(undecided))
    if not in_force:
        return None
    return _settled(in_force[0], start)


def _enabled(source: Declared) -> bool | Field:
    """Whether it is on; the property where that is hidden. Omitted it is on in the classic
    provider (azurerm) and off in `azure-native` (its schema)."""
    field = source.field("enabled")
    switch = field.switch()
    if isinstance(switch, Hidden):
        return field
    return (not azure.native(source)) if switch is None else switch


def _target_path(source: Declared) -> str:
    return source.field("targetResourceUri", "targetResourceId").path


def _may_hold(source: Declared) -> bool:
    profiles = source.field("profiles").items()
    if isinstance(profiles, Hidden):
        return True
    return any(count(at(profile, "capacity", "minimum")) != 0 for profile in profiles)


def _settled(setting: Setting, start: Size | Undecided) -> Settled:
    read = _profiles(setting.source)
    if isinstance(read, Undecided):
        return Settled(undecided=(read,))
    profiles, open_ = read
    plain = [profile for profile in profiles if profile.starts is None]
    recurring = [profile for profile in profiles if profile.starts is not None]
    known = start.known if isinstance(start, Size) else None
    settles = all(p.lowers and p.lowest <= (p.minimum.known or 0) for p in profiles)
    if known is None and not (settles and setting.assumption is None):
        first = start if isinstance(start, Undecided) else _unknown_start(start)
        return Settled(undecided=(first, *open_))
    levels = _levels(plain, recurring, known or 0)
    holds = tuple(_hold(setting, profile, level, hours) for profile, level, hours in levels)
    if setting.assumption is not None and isinstance(start, Size):
        own = start.known or 0
        if own > max((hold.least for hold in holds), default=0):
            holds = (*holds, _kept(start, own))
    peak = next((p for p in profiles if p.raises), None)
    if peak is not None and not any(profile.lowers for profile in profiles):
        holds = (*holds, _peak(setting, peak))
    ceilings = [profile.maximum.known for profile in profiles]
    return Settled(
        holds=holds,
        undecided=open_,
        evidence=tuple(p.minimum.evidence("autoscale removes the others") for p in profiles[:1]),
        assumptions=() if setting.assumption is None else (setting.assumption,),
        ceiling=None if None in ceilings else max((c for c in ceilings if c), default=0),
    )


def _unknown_start(start: Size) -> Undecided:
    return start.source.open(
        start.path,
        f"{start.path} isn't known, and no autoscale rule lowers the number of GPU machines",
    )


def _kept(start: Size, units: int) -> Hold:
    because = "it is not certain that the autoscale setting targets it"
    return Hold(
        cause=Cause.DESIRED_NOT_LOWERED,
        urn=start.source.urn,
        units=units,
        evidence=(start.evidence(because),),
        fix=f"Set {start.path} to 0",
        change=azure.change(start.source, start.path, 0),
    )


def _peak(setting: Setting, profile: _Profile) -> Hold:
    evidence = setting.source.evidence(
        f"{profile.path}.rules", "a rule adds machines and none removes them when idle"
    )
    return Hold(
        cause=Cause.KEPT_PEAK,
        urn=setting.source.urn,
        units=None,
        evidence=(evidence,),
        fix="Add a rule with direction Decrease that fires while idle",
    )


def _hold(setting: Setting, profile: _Profile, level: int, hours: Decimal) -> Hold:
    minimum, cause = profile.minimum, Cause.SCALER_MINIMUM
    if level == minimum.known:
        because = f"autoscale keeps at least {counted(level, 'instance')}"
        fix = f"Set {minimum.path} to 0"
        changed = azure.change(minimum.source, minimum.path, _as_written(minimum, 0))
    elif profile.lowers:
        because = f"its rule goes down to {counted(level, 'instance')}"
        fix, changed = "Let the Decrease rule go down to 0", ()
    else:
        cause = Cause.DESIRED_NOT_LOWERED
        because = f"{counted(level, 'instance')} run, and no rule that fires while idle removes any"
        fix, changed = "Add a rule with direction Decrease that fires while idle", ()
    return Hold(
        cause=cause if hours == WEEK else Cause.SCHEDULE,
        urn=setting.source.urn,
        units=level,
        evidence=(minimum.evidence(because),),
        fix=fix,
        hours_per_week=hours,
        change=changed,
    )


def _as_written(minimum: Size, value: int) -> Any:
    """The number as that provider writes it: text in `azure-native`."""
    given = minimum.source.field(minimum.path).value
    return str(value) if isinstance(given, str) else value


def _levels(
    plain: Sequence[_Profile], recurring: Sequence[_Profile], start: int
) -> Iterator[tuple[_Profile, int, Decimal]]:
    """For each level above zero the profile that keeps it and for how many hours of a week."""
    if not recurring:
        if plain and (level := plain[0].after(start)):
            yield plain[0], level, WEEK
        return
    now = plain[0].after(start) if plain else start
    # A recurring profile has a start only: it ends where the next one starts.
    events = sorted(
        ((minute, index) for index, p in enumerate(recurring) for minute in p.starts or ()),
    )
    held: dict[int, tuple[_Profile, int]] = {}
    for measured in (False, True):
        for position, (minute, index) in enumerate(events):
            profile = recurring[index]
            now = profile.after(now)
            following = events[(position + 1) % len(events)][0]
            lasts = (following - minute) % _MINUTES
            if len(events) == 1:
                lasts = _MINUTES
            if measured and lasts:
                before = held.get(now, (profile, 0))
                held[now] = (before[0], before[1] + lasts)
    total = 0
    for level in sorted(held, reverse=True):
        profile, minutes = held[level]
        total += minutes
        if level:
            share = Decimal(total) / Decimal(_MINUTES) * WEEK
            yield profile, level, share.quantize(Decimal("0.01")).normalize()


def _profiles(source: Declared) -> tuple[list[_Profile], tuple[Undecided, ...]] | Undecided:
    listed = source.field("profiles", "profile").items()
    if isinstance(listed, Hidden):
        return source.open("profiles", "Autoscale profiles aren't known at preview")
    found: list[_Profile] = []
    open_: list[Undecided] = []
    for index, item in enumerate(listed):
        path = f"profiles[{index}]"
        if hidden(item) or hidden(at(item, "capacity")) or hidden(at(item, "recurrence")):
            return source.open(path, "The autoscale profile isn't known at preview")
        if at(item, "fixedDate") is not None:
            continue  # One window in time: no floor of a usual week.
        minimum = size(source, [f"{path}.capacity.minimum"], 0)
        maximum = size(source, [f"{path}.capacity.maximum"])
        if isinstance(minimum, Undecided) or isinstance(maximum, Undecided):
            return minimum if isinstance(minimum, Undecided) else _asserted(maximum)
        if minimum.is_hidden:
            return source.open(minimum.path, f"{minimum.path} isn't known at preview")
        starts = _starts(source, path, item)
        if isinstance(starts, Undecided):
            return starts
        profile, doubts = _with_rules(source, path, item, minimum, maximum, starts)
        found.append(profile)
        open_ += doubts
    if not found:
        return source.open("profiles", "The autoscale setting has no profile that is always valid")
    return found, tuple(open_)


def _asserted(part: Size | Undecided) -> Undecided:
    assert isinstance(part, Undecided)
    return part


def _with_rules(
    source: Declared,
    path: str,
    item: Any,
    minimum: Size,
    maximum: Size,
    starts: tuple[int, ...] | None,
) -> tuple[_Profile, list[Undecided]]:
    lowers, lowest, raises, host = False, 0, False, False
    open_: list[Undecided] = []
    may_fire: list[Undecided] = []
    rules = at(item, "rules")
    if hidden(rules):
        open_.append(source.open(f"{path}.rules", "The scale rules aren't known at preview"))
    for index, rule in enumerate(known_items(rules)):
        where = f"{path}.rules[{index}]"
        direction = at(rule, "scaleAction", "direction")
        if hidden(rule) or hidden(direction):
            open_.append(source.open(where, "The scale rule isn't known at preview"))
            continue
        host = host or _is_host_metric(at(rule, "metricTrigger", "metricName"))
        if azure.is_text(direction, "Increase"):
            raises = True
            continue
        fires = _fires_idle(rule)
        if fires is None:
            why = "It isn't certain that the rule removes machines while nothing is asked for"
            may_fire.append(source.open(where, why, "Compare the metric with LessThan"))
        elif fires:
            lowest = _goes_to(rule) if not lowers else min(lowest, _goes_to(rule))
            lowers = True
    default = size(source, [f"{path}.capacity.default"], 0)
    unread = not isinstance(default, Size) or default.is_hidden or (default.known or 0) > 0
    if lowers and host and not minimum.known and unread:
        why = (
            "A metric of the machines themselves can't be read at 0 machines, and autoscale then "
            "goes to capacity.default"
        )
        settle = "Set capacity.default to 0, or scale on a queue's metric"
        open_.append(source.open(f"{path}.capacity.default", why, settle))
    if not lowers:
        # Where another rule fires, one that may fire decides nothing.
        open_ += may_fire
    return (
        _Profile(
            source=source,
            path=path,
            minimum=minimum,
            maximum=maximum,
            lowers=lowers,
            lowest=lowest,
            raises=raises,
            starts=starts,
        ),
        open_,
    )


def _is_host_metric(name: Any) -> bool:
    return hidden(name) or (isinstance(name, str) and bool(_HOST_METRIC.fullmatch(name.strip())))


def _fires_idle(rule: Any) -> bool | None:
    """Whether a Decrease rule fires while nothing is asked for; None where that isn't certain."""
    operator = at(rule, "metricTrigger", "operator")
    threshold = quantity(at(rule, "metricTrigger", "threshold"))
    action = at(rule, "scaleAction", "type")
    if hidden(operator) or hidden(action) or isinstance(threshold, Hidden):
        return None
    if azure.is_text(action, "PercentChangeCount"):
        share = count(at(rule, "scaleAction", "value"))
        if not isinstance(share, int) or share < 100:
            return None  # Whether a share of one machine is a machine isn't documented.
    value = threshold if isinstance(threshold, Decimal) else Decimal(-1)
    if azure.is_text(operator, "LessThan"):
        return value > 0
    if azure.is_text(operator, "LessThanOrEqual", "Equals"):
        return value >= 0 if azure.is_text(operator, "LessThanOrEqual") else value == 0
    name = known_text(at(rule, "metricTrigger", "metricName")) or ""
    if _SPARE.fullmatch(name):
        return True  # It counts what is free.
    return None


def _goes_to(rule: Any) -> int:
    if not azure.is_text(at(rule, "scaleAction", "type"), "ExactCount"):
        return 0
    value = count(at(rule, "scaleAction", "value"))
    return value if isinstance(value, int) else 1


def _starts(source: Declared, path: str, item: Any) -> tuple[int, ...] | Undecided | None:
    """The minutes of a week at which a recurring profile starts; None for one without."""
    recurrence = at(item, "recurrence")
    if recurrence is None:
        return None
    nested = at(recurrence, "schedule")
    schedule = recurrence if nested is None else nested
    days, hours, minutes = (_listed(at(schedule, key)) for key in ("days", "hours", "minutes"))
    numbers = [_day(day) for day in days]
    clock = [count(value) for value in (*hours, *minutes)]
    if None in numbers or not all(isinstance(value, int) for value in clock) or not days:
        return source.open(f"{path}.recurrence", "When the profile starts can't be read")
    found = {
        day * 24 * 60 + int(hour) * 60 + int(minute)
        for day in numbers
        if day is not None
        for hour in hours or [0]
        for minute in minutes or [0]
    }
    return tuple(sorted(found))


def _listed(value: Any) -> list[Any]:
    """The elements; the classic provider writes one hour as a number."""
    return [value] if isinstance(value, int | Hidden) else known_items(value)


def _day(value: Any) -> int | None:
    name = value.strip().lower() if isinstance(value, str) else ""
    return _DAYS.index(name) if name in _DAYS else None
