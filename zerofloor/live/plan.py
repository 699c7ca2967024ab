"""What would be put to zero, whatever it is: listed first, then given notice, then done."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from decimal import Decimal

from zerofloor.live.journal import NotDone, Outcome, Step
from zerofloor.live.values import Fault
from zerofloor.structs import Value


class Target(Value, frozen=True, kw_only=True):
    """What would be put to zero."""

    would: str
    """`scale to 0`."""
    why: str
    """As a clause."""
    monthly: Decimal | None
    """USD that it bills in a month; None where its price isn't known."""
    notice: datetime.datetime | None
    """From when its notice allows it; None where it has none yet."""
    announce: Callable[[str], None]
    """Puts a notice with this time on it; raises NotDone."""
    step: Step

    def is_ready(self, now: datetime.datetime) -> bool:
        return self.notice is not None and self.notice <= now


class Left(Value, frozen=True):
    """What is left as it is, and why."""

    what: str
    why: str


class Plan(Value, frozen=True):
    """What would be done."""

    targets: tuple[Target, ...]
    left: tuple[Left, ...]


def plan_of(judged: Iterable[Target | Left]) -> Plan:
    """Each unit as a target or as left."""
    listed = list(judged)
    targets = tuple(one for one in listed if isinstance(one, Target))
    return Plan(targets, tuple(one for one in listed if isinstance(one, Left)))


def notice_of(text: object) -> datetime.datetime | None:
    """The time that a notice has; None where it is none."""
    try:
        told = datetime.datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=datetime.UTC)


def give_notice(targets: Iterable[Target], until: datetime.datetime) -> Outcome:
    """Puts a notice on every target that has none yet."""
    done = 0
    faults = []
    for target in targets:
        if target.notice is not None:
            continue
        try:
            target.announce(until.isoformat(timespec="seconds"))
            done += 1
        except NotDone as error:
            faults.append(Fault(target.step.what, str(error)))
    return Outcome(done, tuple(faults))
