"""What a rule is: a name for a bad pattern, a pure check, and an example of each side."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Literal, TypeAlias

from zerofloor.capacity import Capacity, Change, Evidence
from zerofloor.cost.estimate import Estimate
from zerofloor.estate import Estate
from zerofloor.floor.result import Floor
from zerofloor.money import Money
from zerofloor.report import Finding, Severity
from zerofloor.settings import Settings
from zerofloor.structs import Value


class Judged(Value, frozen=True):
    """All that a rule may look at."""

    estate: Estate
    capacity: Capacity
    floor: Floor
    estimate: Estimate
    settings: Settings
    today: datetime.date
    findings: tuple[Finding, ...] = ()
    """What the other rules found; only rules of the scope `gate` see it."""


class Problem(Value, frozen=True):
    """What a check saw; the rule's own name and severity are added to make it a finding."""

    urn: str
    """The resource to change; empty for the stack as a whole."""
    message: str
    fix: str
    evidence: tuple[Evidence, ...] = ()
    monthly: Money | None = None
    up_to: Money | None = None
    """`monthly` at the most expensive of several types; None where the type is settled."""
    at_most: bool = False
    """True where a part of the cost is an upper bound."""
    cost_unknown: bool = False
    """True where it may cost something and no price is known: no waiver's cap can be shown to hold
    then."""
    severity: Severity | None = None
    """Where this one differs from the rule's."""
    gpus: Decimal | None = None
    """GPUs that it holds at one time; None where it holds none, or the number is not known."""
    place: str = ""
    """What tells it from other problems of its rule on its resource: a property path."""
    source: str = ""
    """`FILE:LINE` of the setting at fault; empty where it is the declaration of the resource."""
    change: tuple[Change, ...] = ()
    """The same as `fix`, as data; empty where a person must decide."""


Check: TypeAlias = Callable[[Judged], Iterable[Problem]]

Scope = Literal["resource", "stack", "gate"]
"""resource: may be decided by one resource by itself, and then is, also where a preview was
skipped. stack: needs the whole.
gate: looks at what the other rules found."""


class Rule(Value, frozen=True):
    id: str
    """Frozen: never reused, never renamed."""
    name: str
    """Reads as the bad pattern."""
    title: str
    why: str
    fix: str
    severity: Severity
    since: str
    """The first version that has it."""
    scope: Scope
    check: Check
    bad: str
    """An example as YAML: Kubernetes manifests, or `resources` with `type`, `name` and `inputs`,
    and `settings` where they matter."""
    good: str
    leaves_off: bool = False
    """True where its change switches off what nothing in the stack starts again."""
    ways: tuple[int, ...] = ()
    """The numbers in the catalogue of ways to hold an idle GPU (docs/evidence/ways.md)."""
