"""What an audit is made of: plain values that travel between processes and machines."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from zerofloor.structs import Value

SCHEMA: Final = "zerofloor.audit/1"

LineState = Literal["held", "unpriced", "undecided"]


class StackRef(Value, frozen=True):
    """A stack of a backend, and where its state is."""

    name: str
    """As Pulumi names it: `ORGANISATION/PROJECT/STACK`, `PROJECT/STACK`; `STACK` alone in the
    older layout."""
    project: str
    """Empty in the older layout: only the state tells it."""
    stack: str
    key: str
    """The object with its state, or the path of its API."""
    organisation: str = ""
    """Empty in a backend without organisations."""
    backup: str = ""
    """The object that the engine kept from before its last write; empty: none."""
    tags: str = ""
    """The object with the stack's tags; empty: none."""
    locks: tuple[str, ...] = ()
    """The locks on it: an update is in progress, or one died."""
    older: tuple[str, ...] = ()
    """Further objects with a state of it, packed or not, which are older."""


class Problem(Value, frozen=True):
    """What could not be judged."""

    stack: str
    """Empty for the backend as a whole."""
    why: str
    """As a sentence without a full stop."""


class Notice(Value, frozen=True):
    """What a reader must know of a stack that was judged."""

    stack: str
    what: str


class Listing(Value, frozen=True):
    """The stacks of a backend."""

    stacks: tuple[StackRef, ...]
    """Sorted by name."""
    problems: tuple[Problem, ...] = ()


class Line(Value, frozen=True, kw_only=True):
    """What one declaration keeps of one billed resource."""

    stack: str
    """The stack of the billed resource."""
    urn: str
    """The billed resource; what is undecided, where nothing is certain."""
    name: str
    type: str
    platform: str
    """EKS managed node group, Deployment, …"""
    runs_on: str
    """The machine, as in the estimate; empty where it is unpriced."""
    cloud: str
    region: str
    gpus: Decimal | None
    """Its share of the GPUs that are held for certain; None where their number is not known."""
    hours_per_week: Decimal
    monthly: Decimal
    """Its share of the idle cost, in cents; 0 where nothing is certain or priced."""
    state: LineState
    rule: str
    """The rule's ID; empty where the settings turned the rule off."""
    cause: str
    """The rule's name."""
    held_by: str
    """The URN of the resource to change."""
    holder: str
    """The stack of that resource."""
    owner: str
    """Empty where no tag tells."""
    tags: Mapping[str, str]
    message: str
    fix: str
    waived_by: str
    """`OWNER: REASON (until DATE, …)`; empty where no waiver permits it."""
    fingerprint: str
    """Of its finding: the same from audit to audit."""

    @property
    def key(self) -> str:
        """Identifies the line in this and in other audits."""
        return f"{self.stack} {self.urn} {self.fingerprint}"


class Seen(Value, frozen=True, kw_only=True):
    """A finding, as a later gate will see it again."""

    stack: str
    identity: str
    """`PROJECT/STACK`; of stacks that are judged together all of them, with `+`."""
    rule: str
    name: str
    urn: str
    message: str
    fingerprint: str
    severity: str
    monthly: Decimal | None
    up_to: Decimal | None = None
    """`monthly` at the most expensive of several types; None where the type is settled."""
    gpus: Decimal | None
    cost_unknown: bool
    blocks: bool
    """Whether it fails the gate."""
    owner: str
    joined: bool
    """Whether it was seen with other stacks of its cluster; False: in its stack alone."""


class Assumed(Value, frozen=True):
    """What verdicts assume beyond the states."""

    what: str
    because: str
    stacks: int
    """How many stacks with GPUs rest on it."""


class Links(Value, frozen=True):
    """By what a stack's clusters and pods are known to other stacks."""

    offers: tuple[str, ...] = ()
    """Identities of the clusters that it declares or exports."""
    wants: tuple[str, ...] = ()
    """Identities of the clusters that its pods and nodes belong to."""


class StackResult(Value, frozen=True, kw_only=True):
    """One stack judged by itself. Plain values: what a task returns."""

    ref: StackRef
    identity: str = ""
    """`PROJECT/STACK` by its URNs; empty where nothing is deployed."""
    resources: int = 0
    gate: str = "pass"
    involved: bool = False
    """Whether anything in it has to do with a GPU."""
    lines: tuple[Line, ...] = ()
    findings: tuple[Seen, ...] = ()
    assumptions: tuple[tuple[str, str], ...] = ()
    """What is assumed and why; none where there is no GPU."""
    links: Links = Links()
    notices: tuple[Notice, ...] = ()
    problems: tuple[Problem, ...] = ()
    currency: str = "USD"
    snapshot: str = ""
    snapshot_as_of: str = ""


class GroupResult(Value, frozen=True, kw_only=True):
    """Stacks that share clusters, judged together."""

    stacks: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    findings: tuple[Seen, ...] = ()
    assumptions: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()


class StackSummary(Value, frozen=True, kw_only=True):
    """A stack in the audit."""

    name: str
    resources: int
    judged: bool
    gate: str
    monthly: Decimal
    """What of it idles, waived or not."""
    gpus: Decimal
    undecided: int
    joined: tuple[str, ...]
    """The stacks that it was judged with, since they share a cluster."""


class Gone(Value, frozen=True):
    """What idled then and doesn't now."""

    stack: str
    message: str
    monthly: Decimal


class Fresh(Value, frozen=True, kw_only=True):
    """What changed since an earlier audit."""

    file: str
    day: datetime.date
    before: Decimal
    """What idled a month then."""
    new: tuple[str, ...]
    """The keys of lines that it did not have."""
    worse: Mapping[str, Decimal]
    """By the key of a line that costs more now: what it cost then."""
    gone: tuple[Gone, ...]


class Audit(Value, frozen=True, kw_only=True):
    """All stacks of a backend."""

    backend: str
    today: datetime.date
    currency: str
    snapshot: str
    snapshot_as_of: str
    stacks: tuple[StackSummary, ...]
    """Sorted by name."""
    lines: tuple[Line, ...]
    """The most expensive first, then by stack and URN."""
    findings: tuple[Seen, ...]
    problems: tuple[Problem, ...]
    notices: tuple[Notice, ...]
    assumptions: tuple[Assumed, ...] = ()
    """Those of most stacks first."""
    settings: tuple[str, ...] = ()
    """The files whose settings were in force."""
    in_force: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Those settings, as one file would say them; empty: the defaults."""
    fresh: Fresh | None = None
    """None: not compared with an earlier audit."""

    @property
    def monthly(self) -> Decimal:
        """What idles a month, waived or not."""
        return sum((line.monthly for line in self.lines), Decimal(0))

    @property
    def waived(self) -> Decimal:
        """How much of that a waiver permits."""
        return sum((line.monthly for line in self.lines if line.waived_by), Decimal(0))

    @property
    def gpus(self) -> Decimal:
        """GPUs that are held for certain."""
        return sum((line.gpus or Decimal(0) for line in self.lines), Decimal(0))

    @property
    def fails(self) -> bool:
        """Whether any stack's gate fails."""
        return any(one.gate == "fail" for one in self.stacks)


def encoded(value: StackResult | GroupResult) -> bytes:
    """A result as JSON: what crosses a process or a machine."""
    return msgspec.json.encode(value)
