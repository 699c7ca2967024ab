"""The result of a run: what every door prints and every report format reads."""

from __future__ import annotations

import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from zerofloor.capacity import Assumption, Change, Evidence
from zerofloor.cost.estimate import Estimate
from zerofloor.floor.result import Floor
from zerofloor.money import Money
from zerofloor.settings import SCHEDULE_HOURS, Source
from zerofloor.structs import Value


class Severity(StrEnum):
    """How grave a finding is, the gravest first; its value is its name in reports."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return tuple(Severity).index(self)


Gate = Literal["pass", "fail"]
Status = Literal["new", "worse", "existing"]


class Fixed(Value, frozen=True):
    """What a baseline has and the stack has no more: its line can leave the file."""

    fingerprint: str
    rule: str
    urn: str
    message: str


class Finding(Value, frozen=True):
    """A rule's report on a resource."""

    rule: str
    """The rule's frozen ID, e.g. GPU001."""
    name: str
    """The rule's name: the bad pattern."""
    severity: Severity
    urn: str
    """The resource to change; empty for the stack as a whole."""
    message: str
    fix: str
    """The change to make; of what a component of ours made, with the argument that sets it."""
    source: str | None = None
    """`FILE:LINE` of the declaration where the document says it."""
    evidence: tuple[Evidence, ...] = ()
    monthly: Money | None = None
    """What it holds a month; None where nothing is held or no price is known."""
    up_to: Money | None = None
    """The same at the most expensive of several types; None where the type is settled."""
    at_most: bool = False
    """True where a part of it is an upper bound (spot nodes without a spot price)."""
    cost_unknown: bool = False
    """True where it may cost something and no price is known; then no waiver's cap can be shown to
    hold."""
    waived_by: str | None = None
    """`OWNER: REASON (until DATE, up to CAP)` where a waiver permits it."""
    change: tuple[Change, ...] = ()
    """The same as `fix`, as data; empty where a person must decide."""
    gpus: Decimal | None = None
    """GPUs that it holds at one time; None where it holds none, or the number is not known."""
    place: str = ""
    """What tells it from other findings of its rule on its resource: a property path."""
    fingerprint: str = ""
    """The same from run to run, whatever else changes in the program."""
    former: tuple[str, ...] = ()
    """Its fingerprints under the names that its resource had before (Pulumi's aliases)."""
    status: Status | None = None
    """Against a baseline of findings; None where there is none."""
    tolerated: bool = False
    """True where the baseline knows it and the run asks for new or worse ones only."""
    carries: str = ""
    """The waiver ID that its resource carries (`zerofloor-waive`)."""
    declared_fix: str = ""
    """The change in the words of the declaration, as its holds say it."""
    grew: str = ""
    """By what it is worse than in the baseline."""
    argument: str = ""
    """The argument of zerofloor's component that sets the property, in Python's spelling; empty
    where no component of ours made the resource."""


class DocumentInfo(Value, frozen=True):
    kind: str
    project: str
    stack: str
    previewed_by: str
    name: str
    """The file as the user named it."""


class Report(Value, frozen=True):
    documents: tuple[DocumentInfo, ...]
    gate: Gate
    floor: Floor
    estimate: Estimate
    findings: tuple[Finding, ...]
    """Sorted: errors first, the most expensive first, then by rule and URN."""
    assumptions: tuple[Assumption, ...]
    today: datetime.date
    """The day of the run (UTC), as it was passed in: waivers expire and prices age by it."""
    settings: tuple[Source, ...] = ()
    """The files whose settings were in force, the organisation's first."""
    docs: str | None = None
    """Where the rules' pages are published, for links; None: nowhere."""
    baseline: str | None = None
    """The file of known findings that this was compared with."""
    fixed: tuple[Fixed, ...] = ()
    """Findings of that file that are gone."""
    schedule_cap: Decimal = SCHEDULE_HOURS
    """Hours a week for which a schedule may hold GPUs."""
