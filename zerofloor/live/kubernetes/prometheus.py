"""Whether a workload was used, by what Prometheus has of its requests and its GPUs.

Each query is asked over the whole time, in steps. A counter that changed, or a gauge above zero, is
use; unused is only what a metric covers from the beginning to the end.
"""

from __future__ import annotations

import datetime
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

from zerofloor.errors import InputError
from zerofloor.live.values import Fault, Use
from zerofloor.structs import Value

STEPS: Final = 288
"""Points of each series: every 5 minutes of a day, which is how far Prometheus looks back."""

TOKEN_VARIABLE: Final = "PROMETHEUS_TOKEN"
"""A bearer token, where the server wants one."""

TIMEOUT: Final = 60.0

SKEW: Final = 300
"""Seconds that the clocks of this machine and of Prometheus may be apart."""

GAPS: Final = 0.9
"""The share of a gauge's points that must be there: between two of them it may have been used."""

Form = Literal["counter", "gauge"]


class Query(Value, frozen=True):
    """What is asked, for series with the labels `namespace` and `pod` (`exported_…` first), or
    `namespace` and `workload`, or `route_namespace` and `route_name`."""

    form: Form
    promql: str
    """`$STEP` stands for the time between two points."""
    alone: bool = True
    """Whether it shows a workload to be unused by itself: what is running at the moment of a scrape
    misses what is short."""


_BY_POD: Final = "by (namespace, pod, exported_namespace, exported_pod)"


def _counter(name: str, *, alone: bool = True) -> Query:
    return Query("counter", f'sum {_BY_POD} ({{__name__="{name}"}})', alone)


def _gauge(name: str, *, alone: bool) -> Query:
    return Query("gauge", f'max {_BY_POD} (max_over_time({{__name__="{name}"}}[$STEP]))', alone)


QUERIES: Final[Mapping[str, Query]] = {
    "vllm": _counter("vllm:request_success_total"),
    "vllm-tokens": _counter("vllm:prompt_tokens_total"),  # also of requests that were aborted
    "vllm-running": _gauge("vllm:num_requests_running", alone=False),
    "vllm-waiting": _gauge("vllm:num_requests_waiting", alone=False),
    "sglang": _counter("sglang:num_requests_total"),
    "sglang-running": _gauge("sglang:num_running_reqs", alone=False),
    "sglang-queued": _gauge("sglang:num_queue_reqs", alone=False),
    "tgi": _counter("tgi_request_count"),
    "triton": _counter("nv_inference_request_success"),
    "triton-failed": _counter("nv_inference_request_failure", alone=False),
    "keda-http": Query(
        "counter", "sum by (route_namespace, route_name) (interceptor_request_count_total)"
    ),
    "dcgm": _gauge("DCGM_FI_DEV_GPU_UTIL", alone=True),
    "dcgm-engine": _gauge("DCGM_FI_PROF_GR_ENGINE_ACTIVE", alone=True),
}
"""vLLM, SGLang, Text Generation Inference and Triton as their documentation names them; KEDA's
HTTP add-on from 0.13 on (keda.sh/http-add-on, reference, metrics); DCGM exporter."""

Subject = tuple[Literal["pod", "workload", "route"], str, str]
"""What a series is about: its kind, namespace and name."""


class Series(Value, frozen=True):
    """What one metric says of one subject in the whole time."""

    last: float | None
    """When it was last used (seconds since 1970, to a step); None: not at all."""
    covered: bool
    """Whether it covers the time from the beginning to the end."""


class Metrics(Value, frozen=True):
    """What Prometheus has."""

    hours: int
    by_query: Mapping[str, Mapping[Subject, Series]]
    alone: frozenset[str]
    """The queries that show a workload to be unused by themselves."""
    faults: tuple[Fault, ...] = ()


def read_queries(path: Path | None) -> Mapping[str, Query]:
    """The queries: those here, with those of a file over them (`name: {counter: PROMQL}`, `name:
    {gauge: PROMQL}`; `name: null` leaves one out). Raises InputError."""
    if path is None:
        return QUERIES
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InputError(f"{path}: not YAML") from None
    try:
        changes = msgspec.convert(given, dict[str, dict[Form, str] | None])
    except msgspec.ValidationError:
        changes = {}
    if not changes or any(one is not None and len(one) != 1 for one in changes.values()):
        raise InputError(f"{path}: not queries: expected `NAME: {{counter: PROMQL}}` or gauge")
    queries = dict(QUERIES)
    for name, change in changes.items():
        queries.pop(name, None)
        for form, promql in (change or {}).items():
            queries[name] = Query(form, promql)
    return queries


def read_metrics(
    url: str, queries: Mapping[str, Query], now: datetime.datetime, hours: int
) -> Metrics:
    """What each query says of the last hours. What Prometheus refuses is a fault."""
    import httpx2

    name = re.sub(r"//[^/@]*@", "//", url.partition("?")[0])  # without user and password
    try:
        base = httpx2.URL(url.rstrip("/") + "/")
    except httpx2.InvalidURL:
        base = httpx2.URL("")
    if base.scheme not in ("http", "https") or not base.host:
        raise InputError(f"--prometheus {name}: not an address: expected http://HOST:PORT")
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    end = now.timestamp()
    span = _Span(end - hours * 3600, end, max(60, hours * 3600 // STEPS))
    by_query: dict[str, Mapping[Subject, Series]] = {}
    faults: list[Fault] = []
    with httpx2.Client(base_url=base, headers=headers, timeout=TIMEOUT) as client:
        server = _Server(client)
        try:
            _check_clock(server, end)
            for called, query in queries.items():
                try:
                    by_query[called] = _ask(server, query, span)
                except _Refused as refused:
                    faults.append(Fault(f"query {called} of {name}", str(refused)))
        except (_Refused, httpx2.HTTPError) as error:
            faults.append(Fault(f"Prometheus {name}", str(error)[:200] or type(error).__name__))
            by_query = {}
    alone = frozenset(called for called, query in queries.items() if query.alone)
    return Metrics(hours, by_query, alone, tuple(faults))


class _Span(Value, frozen=True):
    """The time that is asked about, in seconds since 1970."""

    start: float
    end: float
    step: int


class _Refused(Exception):
    """Prometheus did not answer as it should."""


class _Answer(msgspec.Struct):
    """An answer of the HTTP API (prometheus.io/docs, HTTP API)."""

    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


class _Result(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Matrix(msgspec.Struct):
    result: list[_Result]


class _Scalar(msgspec.Struct):
    result: tuple[float, str]


class _Server:
    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self, path: str, wanted: type[Any], **parameters: Any) -> Any:
        """What an endpoint answers. Raises _Refused, and httpx2's errors."""
        answer = self._client.get(path, params=parameters)
        if answer.status_code in (401, 403):
            told = f"set {TOKEN_VARIABLE} to a token that it accepts"
            raise _Refused(f"{answer.status_code} {answer.reason_phrase}: {told}")
        try:
            body = msgspec.json.decode(answer.content, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            told = f"{answer.status_code} {answer.reason_phrase}"
            raise _Refused(f"{told}: not an answer of Prometheus") from None
        if body.status != "success":
            raise _Refused(f"{answer.status_code}: {body.error[:160]}")
        try:
            return msgspec.json.decode(body.data, type=wanted)
        except msgspec.MsgspecError:
            raise _Refused("not an answer of Prometheus") from None


def _check_clock(server: _Server, now: float) -> None:
    theirs = server.get("api/v1/query", _Scalar, query="time()").result[0]
    if abs(theirs - now) > SKEW:
        apart = f"{abs(theirs - now) / 60:,.0f} minutes"
        side = "behind" if now < theirs else "ahead of"
        raise _Refused(f"this machine's clock is {apart} {side} its own: use is unknown")


def _ask(server: _Server, query: Query, span: _Span) -> dict[Subject, Series]:
    answer = server.get(
        "api/v1/query_range",
        _Matrix,
        query=query.promql.replace("$STEP", f"{span.step}s"),
        start=f"{span.start:.3f}",
        end=f"{span.end:.3f}",
        step=span.step,
    )
    points: dict[Subject, list[list[tuple[float, float]]]] = {}
    for one in answer.result:
        subject = _subject_of(one.metric)
        if subject is not None:
            listed = [(when, value) for when, text in one.values if (value := _number(text)) >= 0]
            points.setdefault(subject, []).append(listed)
    return {
        subject: _together([_series(query.form, one, span) for one in listed])
        for subject, listed in points.items()
    }


def _subject_of(labels: Mapping[str, str]) -> Subject | None:
    space = labels.get("exported_namespace") or labels.get("namespace")
    pod = labels.get("exported_pod") or labels.get("pod")
    if labels.get("route_name"):
        return "route", labels.get("route_namespace", ""), labels["route_name"]
    if space and labels.get("workload"):
        return "workload", space, labels["workload"]
    return ("pod", space, pod) if space and pod else None


def _number(text: str) -> float:
    """A value; -1 where it is none (NaN)."""
    try:
        value = float(text)
    except ValueError:
        return -1
    return -1 if math.isnan(value) else value


def _series(form: Form, points: Sequence[tuple[float, float]], span: _Span) -> Series:
    if not points:
        return Series(None, False)
    edge = 2 * span.step
    whole = points[0][0] <= span.start + edge and points[-1][0] >= span.end - edge
    if form == "gauge":
        expected = (span.end - span.start) / span.step
        dense = len(points) >= GAPS * expected
        used = [when for when, value in points if value > 0]
        return Series(max(used, default=None), whole and dense)
    used = [
        when
        for (_, before), (when, value) in pairwise(points)
        if value > before or (value < before and value > 0)
    ]
    if points[0][0] > span.start + edge and points[0][1] > 0:
        used.append(points[0][0])  # it began to count at its first request
    return Series(max(used, default=None), whole)


def _together(listed: Sequence[Series]) -> Series:
    """Several series of one subject: used if one is, covered if all are."""
    used = [one.last for one in listed if one.last is not None]
    return Series(max(used, default=None), all(one.covered for one in listed))


class Used(Value, frozen=True):
    """Whether a workload was used."""

    use: Use
    why: str
    """What tells it, as a clause."""
    last: datetime.datetime | None = None


def use_of(metrics: Metrics | None, subjects: Iterable[Sequence[Subject]]) -> Used:
    """Whether a workload was used, and what tells it. `subjects` are alternatives: its pods
    together, itself, its routes."""
    nothing = Used(Use.UNKNOWN, "no GPU or request metric tells whether it was used")
    if metrics is None:
        return nothing
    alternatives = [list(one) for one in subjects]
    last: tuple[float, str] | None = None
    unused = partly = ""
    for name, by_subject in metrics.by_query.items():
        for wanted in alternatives:
            found = [by_subject[one] for one in wanted if one in by_subject]
            used = [one.last for one in found if one.last is not None]
            if used and (last is None or max(used) > last[0]):
                last = max(used), name
            if not found or name not in metrics.alone:
                continue
            if len(found) == len(wanted) and all(one.covered for one in found):
                unused = unused or name
            else:
                partly = partly or name
    if last is not None:
        when = datetime.datetime.fromtimestamp(last[0], datetime.UTC)
        return Used(Use.BUSY, f"{last[1]}: last used {when:%Y-%m-%d %H:%M} UTC", when)
    if unused:
        return Used(Use.IDLE, f"{unused}: unused for {metrics.hours} h")
    if partly:
        return Used(Use.UNKNOWN, f"{partly} doesn't cover all its pods for {metrics.hours} h")
    return nothing
