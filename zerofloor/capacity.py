"""What platforms translate their resources into: pools that supply GPUs, workloads that ask for
them, scalers that move counts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Final, Literal, TypeAlias

import msgspec

from zerofloor.hardware.instances import Shape
from zerofloor.hardware.node_labels import Requirement
from zerofloor.structs import Value

WEEK: Final = Decimal(168)
"""Hours in a week."""


class Cause(Enum):
    """How a GPU is held, or might be. Each cause has exactly one rule; the value is the rule's
    name."""

    FIXED_REPLICAS = "fixed-replicas-hold-gpu"
    SCALER_MINIMUM = "scaler-minimum-holds-gpu"
    BARE_POD = "bare-pod-holds-gpu"
    ENDLESS_JOB = "endless-job-holds-gpu"
    SCALER_NOT_IN_EFFECT = "scaler-not-in-effect"
    PAUSED_SCALER = "paused-scaler-holds-gpu"
    ALWAYS_ON_TRIGGER = "always-on-trigger-holds-gpu"
    KEPT_PEAK = "peak-never-scaled-down"
    SCHEDULE = "schedule-holds-gpu"
    PAUSE_PODS = "placeholder-pods-hold-gpu"
    INTERACTIVE = "interactive-session-holds-gpu"
    POOL_MINIMUM = "pool-minimum-holds-gpu"
    DESIRED_NOT_LOWERED = "desired-nodes-nobody-lowers"
    INSTANCE = "always-on-instance-holds-gpu"
    WARM_POOL = "warm-pool-holds-gpu"
    STATIC_POOL = "static-node-pool-holds-gpu"
    NEVER_EMPTIED = "empty-nodes-never-removed"
    PROTECTED = "protected-nodes-hold-gpu"
    STRAY_POD = "stray-pod-holds-gpu-node"
    CAPACITY_BUFFER = "capacity-buffer-holds-gpu"
    RESERVATION = "reservation-bills-unused"
    ENDPOINT = "provisioned-endpoint-holds-gpu"
    # What might hold: warnings.
    LONG_IDLE_TAIL = "long-idle-tail"
    NO_DEADLINE = "job-without-deadline"
    FALLBACK = "fallback-keeps-replicas"
    SELF_METRIC = "trigger-reads-scaled-pods"
    NO_LIMIT = "unbounded-gpu-ceiling"
    REPLICAS_BESIDE_SCALER = "replicas-declared-beside-scaler"
    UNTAINTED_POOL = "untainted-gpu-pool"
    NO_SCALE_IN_SIGNAL = "scale-in-without-signal"
    # What can never start: a caller waits for it in vain.
    UNFIT_REPLICA = "replica-fits-no-node"
    UNKNOWN_POOL = "pods-name-undeclared-pool"
    NEVER_GROWS = "pool-stays-at-zero"


class Evidence(Value, frozen=True):
    """One link in the chain from a declaration to a verdict."""

    urn: str
    path: str
    """The property path in the resource's inputs (`spec.replicas`); empty where the resource as a
    whole is meant."""
    value: Any
    """The value found there (None: absent). Hidden values stay hidden."""
    because: str
    """What follows from it: a clause, without a capital or a full stop."""
    is_hardware: bool = False
    """True where it tells what a node is made of, not why it keeps running; a message leaves it
    out where it has a reason."""


class Change(Value, frozen=True, kw_only=True):
    """One change to a declaration, as data: `zerofloor fix` applies it, tests apply it and judge
    again."""

    urn: str
    path: str
    """The property path in the resource's inputs."""
    to: Any
    """The new value; None: remove the property."""


class Hold(Value, frozen=True, kw_only=True):
    """A declaration that keeps nodes (of a pool) or pods (of a workload) running while idle."""

    cause: Cause
    urn: str
    """The resource to change."""
    units: int | None
    """Nodes or pods kept; None: at least one, and a peak decides how many."""
    evidence: tuple[Evidence, ...]
    fix: str
    """The one change that would release them, as an imperative sentence."""
    hours_per_week: Decimal = WEEK
    """Hours of a week for which it holds: 168, or a schedule's share."""
    change: tuple[Change, ...] = ()
    """The same as `fix`, as data; empty where a person must decide."""

    @property
    def least(self) -> int:
        """The units that are certain."""
        return 1 if self.units is None else self.units


class Notice(Value, frozen=True, kw_only=True):
    """What might hold a GPU, or raise its cost: a warning that doesn't change the verdict."""

    cause: Cause
    urn: str
    message: str
    fix: str
    evidence: tuple[Evidence, ...] = ()
    change: tuple[Change, ...] = ()
    """The same as `fix`, as data; empty where a person must decide."""


class Subject(Enum):
    """What an undecided point is about, if another part may settle it."""

    ANYTHING = "anything"
    REPLICAS = "replicas"
    """The number of replicas: if a scaler controls them, its numbers count instead."""
    LIMIT = "limit"
    """The maximum of a supply: irrelevant if it has no GPU."""


class Undecided(Value, frozen=True):
    """Something that could hold GPUs and can't be decided. It blocks unless the settings say
    otherwise."""

    urn: str
    path: str
    """The property that can't be read or settled; empty for the resource as a whole."""
    why: str
    """What is unknown and what it could mean, as a sentence without a full stop."""
    settle: str
    """How to resolve it (a config value, a hint, a waiver), as a sentence without a full stop."""
    about: Subject = Subject.ANYTHING


class Assumption(Value, frozen=True):
    """What the verdict assumes beyond the document."""

    what: str
    because: str
    source: Literal["default", "config", "hint"] = "default"
    place: str = ""
    """`FILE:LINE` of the setting that says it; empty where none does."""


class Market(StrEnum):
    """How capacity is bought, which decides its price; its value is its name in reports."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    RESERVED = "reserved"


class Taint(Value, frozen=True):
    key: str
    value: str | None = ""
    """None where it is hidden: a toleration of any value may fit."""
    effect: str = "NoSchedule"


class Toleration(Value, frozen=True):
    key: str | None
    """None: every key."""
    operator: str = "Equal"
    value: str = ""
    effect: str | None = None
    """None: every effect."""


class Cluster(Value, frozen=True, kw_only=True):
    """The Kubernetes cluster an object is sent to, as far as its provider identifies it."""

    document: int
    """Which of several stacks its provider stands in."""
    provider: str
    """Identifies the provider's cluster within that stack; empty for a pool's."""
    address: str | None = None
    """Its kubeconfig and context as text; None where they can't be read."""
    made_from: frozenset[str] = frozenset()
    """The URNs of the estate's clusters that it refers to; empty if it can't be linked to one."""

    def may_be(self, other: Cluster | None) -> bool:
        """Whether both may be one cluster; without a provider it may be any."""
        if other is None:
            return True
        if self.made_from and other.made_from:
            return bool(self.made_from & other.made_from)
        if not self.provider or not other.provider:
            return True  # A pool of a cluster, and a provider that nothing ties to one.
        if self.document != other.document:
            return None in (self.address, other.address) or self.address == other.address
        return self.provider == other.provider


class Placement(Value, frozen=True):
    """How pods are scheduled on a pool's nodes. A pool without one takes no pods."""

    labels: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    """The labels of its nodes; None for a label whose value is not known."""
    requirements: tuple[Requirement, ...] = ()
    """What Karpenter may choose among; labels not named here are open (well-known ones) or
    absent."""
    taints: tuple[Taint, ...] = ()
    grows: bool = True
    """Whether nodes are provisioned for pending pods: by an autoscaler that is there, or that can't
    be ruled out."""
    open_growth: bool = False
    """True where nothing tells whether, or up to how many, nodes are provisioned."""
    weight: int = 0
    """Karpenter tries heavier pools first, equal ones by name from z to a (seen: tests/data/truth,
    N65 and N66)."""
    limits: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    """Its maximum supply by resource (`nvidia.com/gpu`, `cpu`, `nodes`)."""
    retained: Hold | None = None
    """Set if a provisioned node is never removed (consolidateAfter: Never, a budget of 0)."""
    karpenter: bool = False
    """Provisioned by Karpenter, which picks the pool and the cheapest type that fits."""
    expires: bool = False
    """Whether nodes are removed within a week even if pods keep them (expireAfter)."""
    reclaim: Decimal = Decimal(0)
    """Seconds from a node's last pod until the node is removed."""
    tolerates_by_request: bool = False
    """True if pods that request a device implicitly tolerate a taint of that name (GKE runs
    ExtendedResourceToleration)."""
    evicts_local: bool = False
    """Whether its cluster autoscaler also evicts pods with local storage."""
    open_labels: bool = False
    """True where its labels can't be read: any label may be among them."""
    hidden_labels: frozenset[str] = frozenset()
    """Of its labels those whose value is hidden (other values that are None only the cloud
    knows)."""
    open_taints: bool = False
    """True where a part of a taint can't be read. Without a known key and effect it is left out of
    `taints` and keeps no pod off; but a pod that runs here for that alone may belong elsewhere."""
    open_limits: bool = False
    """True where a limit can't be read, so that nodes for pods may not be provisioned."""
    name_hidden: bool = False
    """True where its name can't be read, so that its turn among Karpenter's pools is not known."""
    cluster: Cluster | None = None
    """None: the pods of any cluster may land on it."""


class Pool(Value, frozen=True, kw_only=True):
    """A supply of GPU capacity: a node group, NodePool, VM or managed endpoint."""

    urn: str
    name: str
    platform: str
    """What users call it: "EKS managed node group", "EC2 instance", …"""
    cloud: str
    """aws, gcp, azure, … : with `Shape.instance_type`, region and market the key of its price."""
    shapes: tuple[Shape, ...]
    """The possible node types. Several: the platform chooses. Empty: not known, and `undecided`
    says why. CPU pools are included if pods can be scheduled on them (Kubernetes), since those pods
    then don't need GPU nodes."""
    holds: tuple[Hold, ...] = ()
    """What its own declaration keeps, in nodes; only the largest counts, since they keep the same
    nodes."""
    extra: tuple[Hold, ...] = ()
    """Nodes kept on top of those (a warm pool)."""
    desired: int | None = None
    """Nodes at creation."""
    ceiling: int | None = None
    """Nodes at most; None: unbounded."""
    market: Market = Market.ON_DEMAND
    region: str | None = None
    placement: Placement | None = None
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    price_as: str | None = None
    """The service whose price applies where it is not the cloud's plain machine (`sagemaker`,
    `bedrock`); None: the machine's."""
    prioritized: bool = False
    """True if the first shape is used while available (EKS and Auto Scaling on demand); otherwise
    the cheapest."""
    os: str = "linux"
    """The operating system, where its price depends on it: linux or windows."""
    idle_tail: Decimal = Decimal(0)
    """Seconds from the last request until the service removes a machine; for pools that take pods,
    see the placement."""
    falls_back: bool = False
    """True where spot nodes are bought on demand as soon as there are no spot ones."""
    overlap: int = 0
    """Nodes that bill twice while a create-before-delete replacement runs."""
    evidence: tuple[Evidence, ...] = ()
    """What was read to know it (type, size, scaler) even where nothing is held; printed by
    `explain`."""
    model: str = ""
    """The model it serves, as the token price table of its own serverless service names it
    (`fireworks/qwen3-8b`); empty where there is no such service or nothing says it."""
    part: str = ""
    """Which of several pools of one resource (a variant of an endpoint); empty where it has one."""

    @property
    def key(self) -> str:
        """Identifies it among all pools."""
        return f"{self.urn}#{self.part}" if self.part else self.urn


class PodDemand(Value, frozen=True):
    """What one pod (or one gang of pods that run together) requests and where it may be
    scheduled."""

    accelerators: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    """Extended resource → count for each accelerator asked for; fractions for slices of one."""
    open_count: bool = False
    """True where it asks for accelerators whose number only the node decides (DRA `All`, a MIG
    slice)."""
    cpu: Decimal = Decimal(0)
    """Cores requested."""
    memory: Decimal = Decimal(0)
    """Bytes requested."""
    node_selector: Mapping[str, str] = msgspec.field(default_factory=dict)
    affinity: tuple[tuple[Requirement, ...], ...] = ()
    """Required node affinity: any of these terms, each an and of its requirements; empty: no
    condition."""
    tolerations: tuple[Toleration, ...] = ()
    open_tolerations: bool = False
    """True where a toleration can't be read; one that tolerates everything is in its place."""
    open_selector: bool = False
    """True where a part of its node selector or affinity can't be read."""
    open_size: bool = False
    """True where its cores or bytes can't be read: it may not fit on the smaller nodes."""
    one_per_node: bool = False
    """Required anti-affinity among themselves by hostname, or a host port."""
    do_not_disrupt: bool | None = False
    """`karpenter.sh/do-not-disrupt` on the pod permanently; None where that can't be read."""
    unevictable: str = ""
    """The property for which Cluster Autoscaler doesn't evict the pod, so that its node stays;
    empty where it does."""
    cluster: Cluster | None = None
    """Where it runs; None: not known."""
    pinned: bool = False
    """Whether its node selector or affinity lets it run on nodes with accelerators only."""

    @property
    def gpus(self) -> Decimal:
        """GPUs asked for by one pod."""
        return sum(self.accelerators.values(), Decimal(0))

    @property
    def wants_gpu(self) -> bool:
        return self.open_count or (bool(self.accelerators) and self.gpus > 0)


class Workload(Value, frozen=True):
    """What requests GPUs or can be scheduled on a GPU pool."""

    urn: str
    name: str
    """metadata.name, else the resource's name."""
    namespace: str
    kind: str
    """Deployment, StatefulSet, Job, RayService, …"""
    pod: PodDemand
    holds: tuple[Hold, ...] = ()
    """Pods kept when no scaler is in the way; the largest counts."""
    replicas: int | None = None
    """The declared (or default) replicas that a scaler may move; None where nothing scales it by a
    scale subresource."""
    desired: int = 0
    """Pods at creation."""
    ceiling: int | None = 0
    """Pods at most, without a scaler; None: unbounded."""
    pod_unread: bool = False
    """True where a part of the pod can't be read that may ask for GPUs."""
    has_scale: bool = True
    """Whether its kind has a scale subresource; without one no scaler moves it."""
    daemon: bool = False
    """One pod on each node that matches: makes no node and keeps none (unless do-not-disrupt)."""
    name_hidden: bool = False
    """True where its name can't be read: a scaler of another name may still mean it."""
    autonamed: bool = False
    """True where the provider makes up its name: no known name can mean it."""
    opaque: bool = False
    """True for a chart whose contents aren't known: a scaler without another target may belong to
    it."""
    part: str = ""
    """Which of several kinds of pods of one resource (a worker group); empty where it has one."""
    schedule: str | None = None
    """The cron expression on which it runs repeatedly; None if it doesn't."""
    schedule_hidden: bool = False
    """True if it runs repeatedly on a schedule that isn't known."""
    follows: str = ""
    """The workload (URN) of which it keeps a share (a capacity buffer in percent); empty where its
    number is its own."""
    share: Decimal = Decimal(1)
    """How much of it, rounded up to whole pods."""
    pods_per_replica: int = 1
    """Pods that one unit stands for (LeaderWorkerSet size); `pod` is one of them."""
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    node_shape: Shape | None = None
    """The instance type that its pods select, where they do."""
    region: str | None = None
    """Where that type is priced."""

    @property
    def key(self) -> str:
        """Identifies it among all workloads."""
        return f"{self.urn}#{self.part}" if self.part else self.urn


class NotKnown(Enum):
    """A number that isn't known at preview, where None would mean "no limit"."""

    NOT_KNOWN = "not known"


NOT_KNOWN: Final = NotKnown.NOT_KNOWN


class Scaler(Value, frozen=True):
    """An object that moves the replicas of another one: HPA, ScaledObject, HTTPScaledObject."""

    urn: str
    kind: str
    namespace: str | None
    """None where it is hidden: then any namespace may be meant."""
    target_kind: str
    target_name: str | None
    """None where it is hidden; then `target_urns` are the candidates."""
    target_urns: tuple[str, ...] = ()
    """Workloads that the engine's property dependencies tie it to."""
    not_in_effect: Evidence | None = None
    """Set where the API refuses it or it never becomes Ready: its target keeps its own replicas."""
    suspended: Evidence | None = None
    """Set where it is paused: the target keeps the replicas that it has."""
    correction: tuple[Change, ...] = ()
    """The change that would make it effective, if it can be derived."""
    wakes_from_zero: bool = True
    """False where it keeps its target above zero: an HPA with a minimum of 1 or more."""
    holds: tuple[Hold, ...] = ()
    """Pods that it keeps while idle; none: it scales to zero."""
    keeps_peak: Hold | None = None
    """Set where it never scales in: the replicas of the busiest hour stay."""
    maximum: int | NotKnown = NOT_KNOWN
    """Pods at most."""
    takes_charge: bool = False
    """True for a ScaledObject: it takes the target over from an HPA, and KEDA's next poll lowers
    replicas that an update of the target put back."""
    off_at_zero: bool = False
    """True for an HPA: replicas 0 of its target switch it off for as long as they are 0."""
    yields_to_hpa: bool = False
    """True for a ScaledObject that KEDA's webhook refuses where another HPA has the target."""
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    idle_tail: Decimal = Decimal(0)
    """Seconds from the last request until it scales in."""
    cluster: Cluster | None = None
    """Where it runs; None: not known."""


class Accounted(Value, frozen=True, kw_only=True):
    """A reader's statement to the net: this property names a GPU, and this is why it doesn't
    count."""

    urn: str
    path: str
    """The property that names a GPU, with all below it; empty for the resource as a whole."""
    because: str
    """Why it does not count: a count of zero, a template that nothing uses, a quota."""


Part: TypeAlias = Pool | Workload | Scaler | Undecided | Assumption | Notice | Accounted
"""What a platform's reader yields."""


class Capacity(Value, frozen=True):
    """Everything the platforms found in an estate, each list sorted by URN."""

    pools: tuple[Pool, ...] = ()
    workloads: tuple[Workload, ...] = ()
    scalers: tuple[Scaler, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    accounted: tuple[Accounted, ...] = ()
