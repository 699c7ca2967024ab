"""The verdict on an estate: what bills, by pool and workload, and why."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from zerofloor.capacity import Accounted, Assumption, Evidence, Hold, Market, Notice, Undecided
from zerofloor.hardware.instances import Shape
from zerofloor.structs import Value


class Verdict(StrEnum):
    """What remains while idle; its value is its name in reports."""

    ZERO = "zero"
    HELD = "held"
    """A GPU is certainly held."""
    UNDECIDED = "undecided"
    """No GPU is certainly held, and one may be."""


class EntryKind(StrEnum):
    """What an entry tells of."""

    POOL = "pool"
    WORKLOAD = "workload"


class Supply(Value, frozen=True):
    """What bills: nodes of a pool, or the nodes that pods need if no pool for them is declared."""

    cloud: str
    """aws, gcp, azure, …; empty where nothing says it."""
    shapes: tuple[Shape, ...]
    """What a node may be, cheapest by the us-east-1 list first; empty where not known."""
    market: Market
    region: str | None
    price_as: str | None
    """The service whose price applies (`sagemaker`, …); None: the cloud's plain machine."""
    nodes: int
    """Nodes held at one time, without a request."""
    node_hours_per_week: Decimal
    """Node-hours of a week without a request: a schedule's share counts for its hours."""
    desired: int
    """Nodes at creation."""
    ceiling: int | None
    """Nodes at most; None: unbounded."""
    idle_tail: Decimal = Decimal(0)
    """Seconds from the last request until the node is gone, by the scalers and reclaimers in the
    stack."""
    overlap: int = 0
    """Nodes that bill twice while a create-before-delete replacement runs."""
    os: str = "linux"
    """linux or windows: each has its own price."""
    falls_back: bool = False
    """True where spot nodes are bought on demand as soon as there are no spot ones."""
    model: str = ""
    """The model it serves, by its name in the token price table; empty where nothing says it."""
    open_start: bool = False
    """True where more nodes than `desired` may run at creation: their number isn't known."""
    open_demand: bool = False
    """True where pods that may run on it can't be counted, so that it may have more nodes."""


class Entry(Value, frozen=True):
    """One pool or workload with its verdict."""

    urn: str
    kind: EntryKind
    name: str
    platform: str
    """EKS managed node group, Deployment, …"""
    verdict: Verdict
    gpus: Decimal | None
    """GPUs that are certainly held at one time; None where undecided and nothing is held for
    certain."""
    nodes: int | None
    """Nodes that are certainly held; None for a workload that a pool of the estate carries, or
    where not known."""
    hours_per_week: Decimal
    """Hours of a week in which anything is held."""
    evidence: tuple[Evidence, ...]
    holds: tuple[Hold, ...] = ()
    """What holds it, the largest hold first."""
    undecided: tuple[Undecided, ...] = ()
    supply: Supply | None = None
    """What bills for this entry; None for a workload whose pods a pool of the estate carries (that
    pool bills)."""
    carried_by: tuple[str, ...] = ()
    """For a workload the pools (URNs) whose nodes its held pods need."""


class Floor(Value, frozen=True):
    """The verdict on an estate."""

    verdict: Verdict
    gpus: Decimal | None
    nodes: int | None
    entries: tuple[Entry, ...]
    """Sorted by URN; only what involves a GPU (a CPU group is not an entry)."""
    undecided: tuple[Undecided, ...] = ()
    """All of them, those of the entries included."""
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    accounted: tuple[Accounted, ...] = ()
    """What names a GPU and does not count, with the reason; sorted by URN."""
