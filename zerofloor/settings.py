"""What people may set: who is trusted to run, hints, limits, waivers. Read from `zerofloor.yaml`;
every part has a default."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zerofloor.errors import InputError

FILE_NAME = "zerofloor.yaml"


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: _camel(name),
        populate_by_name=True,
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class Trust(_Model):
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


NotNegative = Annotated[Decimal, Field(ge=0, le=10**15)]
Positive = Annotated[Decimal, Field(ge=Decimal("0.000001"), le=10**15)]


class Because(_Model):
    """A hint is worth its reason: who relies on it must be able to check it."""

    reason: Annotated[str, Field(min_length=3)]


class InstanceHint(Because):
    """How many accelerators a node of this type has (0: none)."""

    instance_type: str
    gpus: NotNegative


class WorkloadHint(Because):
    """What the declaration of a resource leaves open."""

    urn: str
    """A URN or a pattern with `*`."""
    runs: Literal["one-shot", "always", "never"]
    """one-shot: it ends by itself; always: it keeps its GPUs; never: it asks for none."""


class Hints(_Model):
    instances: tuple[InstanceHint, ...] = ()
    workloads: tuple[WorkloadHint, ...] = ()

    @property
    def gpus_per_type(self) -> Mapping[str, Decimal]:
        return {hint.instance_type: hint.gpus for hint in self.instances}


class Caps(_Model):
    """From when on something counts as too long or too much."""

    idle_tail_seconds: NotNegative = Decimal(3600)
    """A cool-down or consolidateAfter above this is a warning."""
    schedule_hours_per_week: NotNegative = Decimal(60)
    """A schedule that holds GPUs for at most this many hours a week warns; above it fails."""


class Limits(_Model):
    """What a stack may cost an hour in USD; None: no limit."""

    max_floor_hourly: NotNegative | None = None
    max_desired_hourly: NotNegative | None = None
    max_ceiling_hourly: NotNegative | None = None
    max_snapshot_age_days: Annotated[int, Field(ge=0)] | None = None
    """An older price snapshot fails the gate; None: it warns after 90 days."""


class Waiver(_Model):
    """A written permission for a finding."""

    rule: str
    """A rule's ID or name, or `*`."""
    urn: str
    """A URN or a pattern with `*`."""
    reason: Annotated[str, Field(min_length=3)]
    owner: Annotated[str, Field(min_length=1)]
    expires: datetime.date
    """The last day on which it holds (UTC)."""
    max_monthly_usd: NotNegative
    """The most that the waived finding may cost a month; above it the finding blocks again."""


class Traffic(_Model):
    """What the expected cost assumes."""

    busy_hours_per_week: Annotated[Decimal, Field(ge=0, le=168)] | None = None
    """Hours a week with requests."""
    requests_per_second: (
        Annotated[tuple[NotNegative, ...], Field(min_length=168, max_length=168)] | None
    ) = None
    """Requests per second for each hour of the week (168 values, Monday 00:00 UTC first)."""
    requests_per_second_per_replica: Positive | None = None
    """What one replica serves; needed with `requests_per_second`."""
    bursts_per_week: Annotated[int, Field(ge=0, le=604800)] | None = None
    """How many separate bursts the busy hours come in; each pays one cold start and one idle tail.
    None: one a busy day."""


class Serverless(_Model):
    """What the break-even with per-token prices assumes."""

    model: str | None = None
    """A row of the token price table, e.g. `llama-v3p1-8b-instruct`."""
    tokens_per_second: Positive | None = None
    """Throughput of one replica at full load, input and output together."""
    tokens_per_month: NotNegative | None = None
    output_share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.25")


class ColdStart(_Model):
    """Seconds from the first request at zero to its answer, in parts; None: the documented
    default."""

    node_seconds: NotNegative | None = None
    image_seconds: NotNegative | None = None
    load_seconds: NotNegative | None = None


class Settings(_Model):
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
    region: Mapping[str, str] = Field(default_factory=dict)
    """The region by cloud (`aws: us-west-2`) where neither resource, provider nor stack config says
    it."""
    answers: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """What an in-process preview answers a provider's function with, by its token
    (`aws:ec2/getAmi:getAmi`)."""
    prices: str | None = None
    """A file with prices of your own (negotiated rates, private clouds)."""
    noticed_after_days: Annotated[int, Field(ge=1, le=36500)] = 30
    """How long a forgotten GPU bills until someone notices."""
    rules: Mapping[str, Literal["error", "warning", "off"]] = Field(default_factory=dict)
    """Severity by rule ID or name, where it should differ from the rule's own."""


def load(path: Path) -> Settings:
    """The settings in a YAML file.

    Raises InputError where the file can't be read, is not YAML, or has a field that is not known or
    not valid (all named).
    """
    import yaml

    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: can't be read: it is not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return parse({} if data is None else data, str(path))


def parse(data: Any, name: str) -> Settings:
    """The settings in a decoded document; InputError names each wrong field, never its value."""
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}"
            for e in error.errors(include_input=False)
        )
        raise InputError(f"{name}: {problems}") from None
