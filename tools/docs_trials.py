"""The page docs/evidence/components-in-the-lab.md: what the components promise, as the lab's last
recorded run of the trials saw it (`python -m tests.lab.trials --record`)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from tests.lab.trials.run import MODULES, PROMISED, names_of, promise, recorded

HEAD = """# The components in the lab
<!-- Made by tools/docs_lab.py from tests/lab/trials; edit what it is made from. -->

What a component promises is worth something if real controllers do it. So each way of scaling, each cold start, lease and rollout was
tried on kube-apiserver, scheduler, controller-manager and kubectl (1.35.4), KEDA (2.20.2), KEDA's HTTP add-on (0.15.0: interceptor and
scaler), Karpenter (1.14.1) and LeaderWorkerSet (0.8.0), with manifests that the components themselves declare, applied under strict
validation; rollouts and the renewal of a lease by `pulumi up` of the real engine (3.259.0) with the real Kubernetes provider. Run it:
`python -m tests.lab.trials` (10 to 20 minutes); one trial is one function under `tests/lab/trials`.

Each trial adds `cooldown_seconds=8` and `polling_seconds=1` unless it says otherwise, runs on a pool of its own by `GpuNodePool`
(`g6e.xlarge`, `consolidate_after_seconds=5`), and ends with no pod and no machine, also none that has not registered.

Played by stand-ins, since nothing real can stand there: a fake node's kubelet (kwok: a pod runs as soon as it is scheduled, a Job's pod ends
after 8 s, and probes are not asked); the model server behind a pod's address; Prometheus, Redis and Amazon SQS (the calls that KEDA makes,
with values that the trial sets; a metric of pods is there while one runs); the container of a lease (its commands are run by the real
kubectl with the rights of the pod's own service account); the reverse proxy (60 s, a real clock); Kafka (a broker in memory, kfake). Not
tried: that a startup probe holds back the end of a warm-up.

## What it taught

| what was seen | what was changed |
|---|---|
| A `scaleQuery` with a value while no signal asked woke a replica and kept it. | Its trigger has an `activationThreshold` out of reach: the signals alone decide about the last replica. |
| A `GpuScaler` took a workload that ran to zero at once, before any request could reach the interceptor. | `initialCooldownPeriod` is the cool-down, too. |
| A `GpuScaler` took a RayCluster, which has no scale subresource: accepted, and nothing ever scaled. | Kinds without one are refused, with what to do instead. |
| A CronJob's schedule has no year, so that a lease of more than a year would have ended at its first anniversary. | It is suspended until the last year, with a warning. |
| A warm-up whose Job failed stops each further `pulumi up` too, and the Job is not run again. | Documented; the loss of its machine no longer counts as a failure. |
| Behind a 60 s time-out a cool-down that is shorter than the start loses the start. | Documented in [reaching it from outside](../reaching.md). |
| With `retry_after` the last replica stays a minute longer than the cool-down. | Documented there. |
"""


def page() -> str:
    """The page's text."""
    results = {line["name"]: line for line in recorded()}
    return "\n".join([HEAD, *_overview(results), *_details(results)])


def _overview(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "## All trials\n"
    yield "| trial | promise | seen | on |\n|---|---|---|---|"
    for module in MODULES:
        for name in names_of(module):
            result = results.get(name, {"outcome": "not run", "date": ""})
            link = f"[{name}](#{name})"
            yield f"| {link} | {promise(name)} | {_seen(result)} | {result['date']} |"
    yield ""


def _seen(result: Mapping[str, Any]) -> str:
    outcome = result["outcome"]
    return outcome if outcome in (PROMISED, "not run") else f"**not as promised**: {outcome}"


def _details(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for module in MODULES:
        yield f"## {_title(module)}\n"
        for name in names_of(module):
            if name in results:
                yield from _trial(name, results[name])


def _title(module: ModuleType) -> str:
    return " ".join((inspect.getdoc(module) or "").split()).partition(":")[0].rstrip(".")


def _trial(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{promise(name)}\n"
    yield "```python"
    for component, arguments in _unlike(result["arguments"]):
        yield f"{component}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    yield "```\n\n```text"
    for at, what in result["diary"]:
        yield f"{at:6.1f} s  {what}"
    yield "```\n"


def _unlike(declarations: Sequence[Sequence[Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    told: list[Any] = []
    for component, arguments in declarations:
        if [component, arguments] not in told:
            told.append([component, arguments])
            yield component, arguments
