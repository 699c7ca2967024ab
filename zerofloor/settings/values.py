"""What people may set: who is trusted to run, hints, limits, waivers; every part has a default.

`zerofloor.settings.parsing` makes these from what a person wrote. They are Structs, since a run
without a settings file must not pay for a validator.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

FILE_NAME: Final = "zerofloor.yaml"

NOTICED_AFTER_DAYS: Final = 30
SCHEDULE_HOURS: Final = Decimal(60)


class Bounds(msgspec.Struct, frozen=True):
    """What a number or the length of a text or list must keep to; None: no bound."""

    least: Decimal | None = None
    most: Decimal | None = None
    length: int | None = None
    """Exactly so many entries."""
    shortest: int = 0
    """At least so many characters."""


NotNegative = Annotated[Decimal, Bounds(least=Decimal(0), most=Decimal(10) ** 15)]
Positive = Annotated[Decimal, Bounds(least=Decimal("0.000001"), most=Decimal(10) ** 15)]
Share = Annotated[Decimal, Bounds(least=Decimal(0), most=Decimal(1))]
HoursAWeek = Annotated[Decimal, Bounds(least=Decimal(0), most=Decimal(168))]
Count = Annotated[int, Bounds(least=Decimal(0))]
Days = Annotated[int, Bounds(least=Decimal(1), most=Decimal(36500))]
Reason = Annotated[str, Bounds(shortest=3)]
Name = Annotated[str, Bounds(shortest=1)]
Level = Literal["error", "warning", "off"]


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Which controllers run (DESIGN.md, choice 5). None: only where the stack deploys it, else
    undecided or not trusted."""

    cluster_autoscaler: bool | None = None
    """A cluster autoscaler over EKS groups and ASGs. None: trusted where the stack installs one."""
    keda: bool = True
    """KEDA reconciles ScaledObjects once they are declared."""
    keda_webhook: bool = True
    """KEDA's admission webhook refuses what it should; False: it may be down (failurePolicy
    Ignore)."""
    karpenter: bool = True
    """Karpenter reconciles NodePools once they are declared."""
    karpenter_static_capacity: bool | None = None
    """The StaticCapacity feature gate (on in EKS Auto Mode). None: not known, so `spec.replicas` on
    a NodePool is undecided."""
    karpenter_capacity_buffer: bool | None = None
    """The CapacityBuffer feature gate. None: not known."""
    hpa_scale_to_zero: bool | None = None
    """The HPAScaleToZero gate, on by default from Kubernetes 1.37. None: decided by
    `kubernetes_version`."""
    kubernetes_version: str | None = None
    """The clusters' version (`1.35`), where no stack says it."""
    knative: bool = True
    """Knative and KServe reconcile their objects once they are declared."""


class InstanceHint(msgspec.Struct, frozen=True, kw_only=True):
    """How many accelerators a node of this type has (0: none)."""

    reason: Reason
    """Why this is true, so that others can check it."""

    instance_type: str
    gpus: NotNegative
    place: str = ""
    """Not written by people: `FILE:LINE` where it stands; empty where it stands in no file."""


class WorkloadHint(msgspec.Struct, frozen=True, kw_only=True):
    """What the declaration of a resource leaves open."""

    reason: Reason
    """Why this is true, so that others can check it."""

    urn: str
    """A URN or a pattern with `*`."""
    runs: Literal["one-shot", "always", "never"]
    """one-shot: it ends by itself; always: it keeps its GPUs; never: it asks for none."""
    place: str = ""
    """Not written by people: `FILE:LINE` where it stands; empty where it stands in no file."""


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    instances: tuple[InstanceHint, ...] = ()
    workloads: tuple[WorkloadHint, ...] = ()

    @property
    def gpus_per_type(self) -> Mapping[str, Decimal]:
        return {hint.instance_type: hint.gpus for hint in self.instances}


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """From when on something counts as too long or too much."""

    idle_tail_seconds: NotNegative = Decimal(3600)
    """A cool-down or consolidateAfter above this is a warning."""
    schedule_hours_per_week: NotNegative = SCHEDULE_HOURS
    """A schedule that holds GPUs for at most this many hours a week warns; above it fails."""


class ScopedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on a part: the resources that match all three patterns (`*` stands for any text)."""

    stack: str = "*"
    """Stack names: an environment (`prod*`)."""
    project: str = "*"
    urn: str = "*"
    max_floor_hourly: NotNegative | None = None
    max_desired_hourly: NotNegative | None = None
    max_ceiling_hourly: NotNegative | None = None
    max_gpus: NotNegative | None = None
    max_idle_gpus: NotNegative | None = None
    max_idle_hours_per_week: HoursAWeek | None = None
    places: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Not written by people: by key, `FILE:LINE` where it stands."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a stack may cost an hour in USD, and may keep idle; None: no limit."""

    max_floor_hourly: NotNegative | None = None
    max_desired_hourly: NotNegative | None = None
    max_ceiling_hourly: NotNegative | None = None
    max_gpus: NotNegative | None = None
    """The GPU budget: the most GPUs at any load."""
    max_idle_gpus: NotNegative | None = None
    """The most GPUs that may be held at one time without a request."""
    max_idle_hours_per_week: HoursAWeek | None = None
    """For how many hours of a week any GPU may be held without a request."""
    scoped: tuple[ScopedLimits, ...] = ()
    """Further limits on a part: an environment, a project, some resources."""
    max_snapshot_age_days: Count | None = None
    """An older price snapshot fails the gate; None: it warns after 90 days."""
    max_price_age_days: Count | None = None
    """An older price that counts fails the gate, and so does one without a date: by its own date,
    not by the snapshot's. None: no limit."""
    places: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Not written by people: by key, `FILE:LINE` where it stands."""


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """A written permission for a finding."""

    rule: str
    """A rule's ID or name, or `*`."""
    urn: str | None = None
    """A URN or a pattern with `*`. None: it needs an `id`, and holds for the resources that carry
    it."""
    id: Name | None = None
    """What a resource may carry as the tag, label or annotation `zerofloor-waive`."""
    reason: Reason
    owner: Name
    expires: datetime.date
    """The last day on which it holds (UTC)."""
    max_monthly_usd: NotNegative
    """The most that the waived finding may cost a month; above it the finding blocks again."""
    max_gpus: NotNegative | None = None
    """The most GPUs that the waived finding may hold; None: as many as its cost allows."""
    place: str = ""
    """Not written by people: `FILE:LINE` where it stands; empty where it stands in no file."""


class AllowedWaivers(msgspec.Struct, frozen=True, kw_only=True):
    """Which waivers a repository may write for itself; None: any."""

    max_monthly_usd: NotNegative | None = None
    max_days: Count | None = None
    """How far in the future a waiver may expire."""
    max_gpus: NotNegative | None = None
    owners: tuple[str, ...] = ()
    """Patterns for the owner; none: anybody."""
    every_rule: bool = False
    """Whether `rule: "*"` may be written."""
    every_resource: bool = False
    """Whether a URN pattern may match any resource (`*`)."""


class Allow(msgspec.Struct, frozen=True, kw_only=True):
    """What the repository's own settings may do. By default nothing that lets more pass: they may
    raise severities, lower limits, and describe traffic."""

    hints: bool = False
    """Hints about instance types and workloads, and answers to look-ups."""
    waivers: AllowedWaivers | None = None
    """None: none."""
    inline_waivers: bool = False
    """Whether a resource may carry the ID of a waiver."""
    lower_severities: bool = False
    trust: bool = False
    """Whether controllers may be trusted that the organisation doesn't trust."""
    prices: bool = False
    """Whether the repository may add prices of its own."""


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What the expected cost assumes."""

    busy_hours_per_week: HoursAWeek | None = None
    """Hours a week with requests."""
    requests_per_second: Annotated[tuple[NotNegative, ...], Bounds(length=168)] | None = None
    """Requests per second for each hour of the week (168 values, Monday 00:00 UTC first)."""
    requests_per_second_per_replica: Positive | None = None
    """What one replica serves; needed with `requests_per_second`."""
    replicas: Annotated[int, Bounds(least=Decimal(1), most=Decimal(10**6))] | None = None
    """Replicas that `busy_hours_per_week` need. None: one."""
    bursts_per_week: Annotated[int, Bounds(least=Decimal(0), most=Decimal(604800))] | None = None
    """How many separate bursts the busy hours come in; each pays one cold start and one idle tail.
    None: one a busy day."""


class Serverless(msgspec.Struct, frozen=True, kw_only=True):
    """What the break-even with per-token prices assumes."""

    model: str | None = None
    """A row of the token price table, e.g. `llama-v3p1-8b-instruct`."""
    tokens_per_second: Positive | None = None
    """Throughput of one replica at full load, input and output together."""
    tokens_per_month: NotNegative | None = None
    output_share: Share = Decimal("0.25")


class ColdStart(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the first request at zero to its answer, in parts; None: the documented
    default."""

    node_seconds: NotNegative | None = None
    image_seconds: NotNegative | None = None
    load_seconds: NotNegative | None = None


class Source(msgspec.Struct, frozen=True):
    """A place that settings came from."""

    file: str
    owner: Literal["organisation", "repository"]


class Refused(msgspec.Struct, frozen=True):
    """What the repository's settings say and the organisation does not allow; it was ignored."""

    place: str
    """`FILE:LINE`."""
    what: str
    """The setting and its value, as a sentence fragment: `rules.GPU014: off`."""
    why: str
    """What the organisation allows instead."""


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """Where the settings of a run come from."""

    sources: tuple[Source, ...] = ()
    refused: tuple[Refused, ...] = ()
    inline_waivers: bool = True
    """Whether a resource may carry the ID of a waiver."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of `zerofloor.yaml`."""

    trust: Trust = Trust()
    hints: Hints = Hints()
    caps: Caps = Caps()
    limits: Limits = Limits()
    waivers: tuple[Waiver, ...] = ()
    traffic: Traffic = Traffic()
    serverless: Serverless = Serverless()
    cold_start: ColdStart = ColdStart()
    undecided: Literal["error", "warning"] = "error"
    """What an undecided GPU counts as."""
    region: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The region by cloud (`aws: us-west-2`) where neither resource, provider nor stack config says
    it."""
    answers: Mapping[str, Mapping[str, Any]] = msgspec.field(default_factory=dict)
    """What an in-process preview answers a provider's function with, by its token
    (`aws:ec2/getAmi:getAmi`)."""
    prices: str | None = None
    """A file with prices of your own (negotiated rates, private clouds)."""
    noticed_after_days: Days = NOTICED_AFTER_DAYS
    """How long a forgotten GPU bills until someone notices."""
    rules: Mapping[str, Level] = msgspec.field(default_factory=dict)
    """Severity by rule ID or name, where it should differ from the rule's own."""
    docs: str | None = None
    """Where docs/rules.md is published, for links in reports."""
    extends: str | None = None
    """A settings file, relative to this one, whose settings these are added to."""
    allow: Allow | None = None
    """What a repository's own settings may do; only in an organisation's."""
    in_force: InForce = InForce()
    """Not written by people: where all this comes from."""
