"""What a GpuDeployment and a GpuScaler accept alike: bounds, signals, hours, cold start, lease."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import (
    Name,
    PlainText,
    PlainTexts,
    Problem,
    Spec,
    Text,
    TextItems,
    Whole,
    plain,
)
from zerofloor.components.choices import ColdStart
from zerofloor.components.lease import now
from zerofloor.components.office_hours import Window, known_zone, overlaps, window
from zerofloor.components.spec import HOUR, Seconds, above_idle_cap
from zerofloor.components.wake import OPTIONAL, REQUIRED, WakeSignal, metric_of_the_pods
from zerofloor.leases import moment

NODE_SECONDS = 600
"""How long a node may take from nothing to a running container: a GPU node is ready in about 2
minutes, a 10 GB image pulls in 7 to 10 (tensorfuse/fastpull, README), one of 15 to 20 GB in 4 to 6
on a fast disk (AWS Machine Learning Blog, "Reducing container cold start times using SOCI index on
DLAMI and DLC")."""


TEN_YEARS = 87_600
"""In hours."""


def _amount(value: Any) -> float:
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1e9:
        raise ValueError("must be a number above zero")
    return float(number)


def _moment(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    if not isinstance(plain(value), str):
        raise ValueError("must be text")
    return moment(value)


def _window(value: Any) -> Window:
    if isinstance(value, Window):
        return value
    if not isinstance(plain(value), str):
        raise ValueError("must be text")
    return window(value)


def _zone(value: Any) -> str:
    if not isinstance(plain(value), str) or not known_zone(value):
        raise ValueError("must be a time zone such as Europe/Berlin or Etc/UTC")
    return str(value)


Amount = Annotated[float, BeforeValidator(_amount)]
Moment = Annotated[datetime.datetime, BeforeValidator(_moment)]
Windows = tuple[Annotated[Window, BeforeValidator(_window)], ...]


class ScalingSpec(Spec):
    """Bounds and signals of what is scaled."""

    name: Name
    namespace: Text = "default"
    labels: TextItems = Field(default_factory=dict)

    min_replicas: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_replicas: Annotated[Whole, Field(ge=1, le=1000)] = 1
    cooldown_seconds: Seconds = 300
    idle_cap_seconds: Seconds = HOUR
    polling_seconds: Annotated[Whole, Field(ge=1, le=600)] = 15
    scale_up_seconds: Annotated[Whole, Field(ge=0, le=HOUR)] = 0
    scale_down_seconds: Annotated[Whole, Field(ge=0, le=HOUR)] | None = None
    target_per_replica: Annotated[Whole, Field(ge=1, le=1_000_000)] = 10

    wake_signal: WakeSignal = WakeSignal.HTTP
    more_signals: tuple[WakeSignal, ...] = ()
    trigger_authentication: Text = None
    hosts: PlainTexts | None = None
    interceptor_namespace: PlainText | None = None
    prometheus_address: Text = None
    prometheus_query: PlainText | None = None
    queue_url: Text = None
    queue_region: Text = None
    redis_address: Text = None
    redis_list: Text = None
    kafka_servers: Text = None
    kafka_topic: Text = None
    kafka_consumer_group: Text = None

    scale_query: PlainText | None = None
    scale_target: Amount | None = None
    office_hours: Windows = ()
    office_replicas: Annotated[Whole, Field(ge=1, le=1000)] = 1
    time_zone: Annotated[str, BeforeValidator(_zone)] = "Etc/UTC"

    cold_start: ColdStart = ColdStart.HOLD
    readiness_seconds: Annotated[Whole, Field(ge=1, le=6 * HOUR)] | None = None
    response_seconds: Annotated[Whole, Field(ge=1, le=24 * HOUR)] | None = None
    retry_after_seconds: Annotated[Whole, Field(ge=1, le=HOUR)] | None = None
    fallback_service: PlainText | None = None
    fallback_port: Annotated[Whole, Field(ge=1, le=65535)] | None = None

    expires_at: Moment | None = None
    starts_at: Moment | None = None
    ttl_hours: Annotated[Amount, Field(le=TEN_YEARS)] | None = None
    lease_image: Text = "registry.k8s.io/kubectl:v1.34.2"

    @property
    def signals(self) -> tuple[WakeSignal, ...]:
        """All that wakes a replica."""
        return (self.wake_signal, *self.more_signals)

    @property
    def http(self) -> bool:
        """Whether requests come through the HTTP add-on."""
        return WakeSignal.HTTP in self.signals

    @property
    def interceptors(self) -> str:
        """The namespace of the HTTP add-on."""
        return self.interceptor_namespace or "keda"

    @property
    def ends(self) -> datetime.datetime | None:
        """When the lease runs out; None: there is none."""
        if self.expires_at is not None or self.starts_at is None or self.ttl_hours is None:
            return self.expires_at
        try:
            return self.starts_at + datetime.timedelta(hours=self.ttl_hours)
        except OverflowError:
            return datetime.datetime.max.replace(tzinfo=datetime.UTC)

    @property
    def start_seconds(self) -> int:
        """How long a replica may take from nothing to its first answer."""
        return NODE_SECONDS + HOUR

    @property
    def reads_engine(self) -> bool:
        """Whether Prometheus is asked for more than what wakes the first replica."""
        return self.scale_query is not None

    @property
    def each(self) -> int:
        """Requests, messages or items that one replica should have."""
        return self.target_per_replica

    @property
    def scale_at(self) -> float:
        """The value of the engine's metric that one replica should have."""
        return self.scale_target or 1

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, each signal against its arguments."""
        if self.min_replicas > self.max_replicas:
            yield Problem(
                "min_replicas",
                f"{self.min_replicas} is above `max_replicas`, which is {self.max_replicas}",
            )
        yield from above_idle_cap("cooldown_seconds", self.cooldown_seconds, self.idle_cap_seconds)
        yield from self._signal_problems()
        yield from self._query_problems()
        yield from self._hour_problems()
        yield from self._cold_start_problems()
        yield from self._lease_problems()

    def _signal_problems(self) -> Iterator[Problem]:
        if len(set(self.signals)) < len(self.signals):
            yield Problem("more_signals", "names a signal twice; `wake_signal` is one of them")
        for signal in self.signals:
            for name in REQUIRED[signal]:
                if getattr(self, name) is None:
                    yield Problem(name, f'is required with `wake_signal` "{signal}"')
        for signal in WakeSignal:
            for name in (*REQUIRED[signal], *OPTIONAL.get(signal, ())):
                needed = name == "prometheus_address" and self.reads_engine
                if signal not in self.signals and getattr(self, name) is not None and not needed:
                    yield Problem(
                        name,
                        f'belongs to `wake_signal` "{signal}", and this one is '
                        f'"{self.wake_signal}"',
                    )

    def _query_problems(self) -> Iterator[Problem]:
        metric = metric_of_the_pods(self.prometheus_query or "")
        if metric and self.min_replicas == 0 and len(self.signals) == 1:
            yield Problem(
                "prometheus_query",
                f"{metric} is exported by the replicas themselves: at zero there is none, "
                "so nothing would ever wake the first one. "
                'Ask for what waits in front of them (a gateway, `wake_signal` "http", a queue), '
                "or set `min_replicas` to 1 and pay for it",
            )
        if self.reads_engine and self.prometheus_address is None:
            yield Problem("prometheus_address", "is required to read the engine's own metrics")
        if self.scale_query is not None and self.scale_target is None:
            yield Problem("scale_target", "is required with `scale_query`")
        if self.scale_target is not None and not self.reads_engine:
            yield Problem("scale_target", "belongs to `scale_query`, which is not set")

    def _hour_problems(self) -> Iterator[Problem]:
        if self.office_hours and self.office_replicas > self.max_replicas:
            yield Problem(
                "office_replicas",
                f"{self.office_replicas} is above `max_replicas`, which is {self.max_replicas}",
            )
        for first, second in overlaps(self.office_hours):
            yield Problem(
                f"office_hours[{second}]",
                f"overlaps with office_hours[{first}]: write them as one",
            )

    def _cold_start_problems(self) -> Iterator[Problem]:
        chosen = self.cold_start
        if not self.http:
            for name in ("readiness_seconds", "response_seconds"):
                if getattr(self, name) is not None:
                    yield Problem(name, 'belongs to `wake_signal` "http"')
            if chosen is not ColdStart.HOLD:
                yield Problem("cold_start", f'{chosen} needs `wake_signal` "http"')
        for name in ("fallback_service", "fallback_port"):
            given = getattr(self, name) is not None
            if given != (chosen is ColdStart.FALLBACK):
                why = "belongs to" if given else "is required with"
                ending = f', and this one is "{chosen}"' if given else ""
                yield Problem(name, f'{why} `cold_start` "fallback"{ending}')
        yield from self._retry_problems()

    def _retry_problems(self) -> Iterator[Problem]:
        if self.retry_after_seconds is None:
            return
        if self.cold_start is not ColdStart.RETRY_AFTER:
            yield Problem(
                "retry_after_seconds",
                f'belongs to `cold_start` "retry_after", and this one is "{self.cold_start}"',
            )
        elif self.retry_after_seconds > self.cooldown_seconds:
            yield Problem(
                "retry_after_seconds",
                f"{self.retry_after_seconds} is above `cooldown_seconds`, which is "
                f"{self.cooldown_seconds}: the replica would be gone before the caller returns",
            )

    def _lease_problems(self) -> Iterator[Problem]:
        if (self.starts_at is None) != (self.ttl_hours is None):
            lacks = "starts_at" if self.starts_at is None else "ttl_hours"
            has = "ttl_hours" if self.starts_at is None else "starts_at"
            yield Problem(lacks, f"is required with `{has}`: the date comes from configuration")
        if self.expires_at is not None and self.ttl_hours is not None:
            yield Problem("ttl_hours", "excludes `expires_at`: give one of the two")
        if self.ends is not None and self.ends <= now():
            name = "expires_at" if self.expires_at is not None else "ttl_hours"
            yield Problem(
                name,
                f"the lease ran out at {self.ends:%Y-%m-%d %H:%M} UTC: extend it, or remove the "
                "component from the program",
            )
