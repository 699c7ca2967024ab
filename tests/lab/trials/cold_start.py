"""What the first caller gets while no replica is ready: straight at the interceptor, and behind a
reverse proxy with a time-out of 60 s."""

from __future__ import annotations

import json
import time

from tests.lab.harness.ingress import Ingress, ingress
from tests.lab.harness.lab import Answer
from tests.lab.harness.stand_ins import FALLBACK_PORT
from tests.lab.trials.stage import Stage

PROXY, BOOT = 60, 75
"""Seconds: what the proxy waits, and what a machine takes to register."""
OUTLASTS = 90
"""A cool-down that outlasts the start."""


def hold_behind_a_raised_time_out(stage: Stage) -> None:
    """hold, the time-out on the way raised as the page says: the first request waits and is
    answered."""
    stage.pool(boot=BOOT)
    stage.deployment(cooldown_seconds=OUTLASTS)
    stage.asleep()
    with ingress(stage.lab, 1500) as proxy:
        answer, seconds = _asked(stage, proxy)
    stage.check(
        answer.status == 200 and seconds > BOOT, f"the first request: 200 after {seconds:.0f} s"
    )
    stage.ends("no request any more")


def hold_behind_60_seconds(stage: Stage) -> None:
    """hold behind a 60 s time-out: the proxy's 504; the start goes on for the cool-down, and then
    it answers."""
    stage.pool(boot=BOOT)
    stage.deployment(cooldown_seconds=OUTLASTS)
    stage.asleep()
    with ingress(stage.lab, PROXY) as proxy:
        answer, seconds = _asked(stage, proxy)
        stage.check(
            answer.status == 504 and b"proxy" in answer.body and PROXY <= seconds < PROXY + 5,
            f"the first request: the proxy's own 504 after {seconds:.0f} s",
        )
        stage.runs(1, "the start goes on without a caller")
        answer, seconds = _asked(stage, proxy)
        stage.check(
            answer.status == 200 and seconds < 5, f"the next request: 200 after {seconds:.0f} s"
        )
    stage.ends("no request any more")


def hold_behind_60_seconds_and_a_short_cool_down(stage: Stage) -> None:
    """hold behind a 60 s time-out with a cool-down that ends before the start does: the start is
    lost."""
    stage.pool(boot=BOOT)
    stage.deployment(cooldown_seconds=5)
    stage.asleep()
    with ingress(stage.lab, PROXY) as proxy:
        answer, seconds = _asked(stage, proxy)
        stage.check(answer.status == 504, f"the proxy's own 504 after {seconds:.0f} s")
    stage.wait(lambda: not stage.pods(), "the pod is gone before it ran", BOOT)
    stage.ends("no request")


def hold_gives_up(stage: Stage) -> None:
    """hold: 504 by the interceptor after readinessSeconds."""
    stage.pool(boot=BOOT)
    stage.deployment(readiness_seconds=20)
    stage.asleep()
    started = time.monotonic()
    answer = stage.ask()
    seconds = time.monotonic() - started
    stage.check(
        answer.status == 504 and 19 < seconds < 25,
        f"the interceptor's 504 after {seconds:.0f} s: {answer.body.decode()[:40].strip()}",
    )
    stage.ends("no request any more")


def retry_after(stage: Stage) -> None:
    """retry_after: 503 at once with Retry-After in OpenAI's form; who comes back is answered."""
    stage.pool(boot=BOOT)
    stage.deployment(cold_start="retry_after", retry_after_seconds=10, cooldown_seconds=30)
    stage.asleep()
    with ingress(stage.lab, PROXY) as proxy:
        answer, seconds = _asked(stage, proxy)
        error = json.loads(answer.body)["error"]
        stage.check(
            answer.status == 503
            and seconds < 2
            and answer.headers["Retry-After"] == "10"
            and answer.headers["Content-Type"] == "application/json"
            and {"message", "type", "code"} <= error.keys(),
            f"503 after {seconds:.1f} s, Retry-After 10, error.message {error['message']!r}",
        )
        stage.wait(lambda: len(stage.pods()) == 1, "a pod: the request counts", 30)
        answer, tries = _as_openai(stage, proxy, max_retries=2)
        stage.check(answer.status == 503, f"a client with 2 retries gives up after {tries} tries")
        answer, tries = _as_openai(stage, proxy, max_retries=20)
        stage.check(
            answer.status == 200, f"a client with 20 retries is answered at try {tries}: 200"
        )
    stage.ends("no request any more")


def retry_after_given_up(stage: Stage) -> None:
    """retry_after: a caller that gives up lets the start go, and nothing is left."""
    stage.pool(boot=BOOT)
    stage.deployment(cold_start="retry_after", cooldown_seconds=8)
    stage.asleep()
    stage.check(stage.ask().status == 503, "one request: 503")
    stage.wait(lambda: len(stage.pods()) == 1, "a pod", 30)
    stage.ends("the caller does not come back")


def retry_after_load(stage: Stage) -> None:
    """retry_after: once a replica runs, load makes more by concurrency, not by the rate."""
    stage.pool()
    stage.deployment(cold_start="retry_after", max_replicas=3)
    stage.asleep()
    stage.wait(lambda: stage.ask().status == 200, "asked until it is answered: 200")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        stage.ask()
        time.sleep(0.05)
    stage.check(len(stage.pods()) == 1, "about 15 short requests a second for 10 s: one replica")
    load = [stage.calling("/?seconds=25") for _ in range(30)]
    stage.runs(3, "30 requests at a time")
    stage.check({one.result().status for one in load} == {200}, "all are answered")
    stage.ends("no request any more", 300)


def fallback(stage: Stage) -> None:
    """fallback: after readinessSeconds (30 s) the other Service answers, later the model itself."""
    stage.pool(boot=BOOT)
    stage.deployment(
        cold_start="fallback",
        fallback_service="small",
        fallback_port=FALLBACK_PORT,
        cooldown_seconds=OUTLASTS,
    )
    ports = [{"name": "http", "port": FALLBACK_PORT, "targetPort": FALLBACK_PORT}]
    stage.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "small"},
            "spec": {"selector": {"app": "small"}, "ports": ports},
        }
    )
    stage.asleep()
    with ingress(stage.lab, PROXY) as proxy:
        answer, seconds = _asked(stage, proxy)
        stage.check(
            answer.status == 200 and _model(answer) == "small" and 29 < seconds < 35,
            f"the first request: 200 after {seconds:.0f} s, by the fallback",
        )
        stage.runs(1, "the start goes on")
        answer, seconds = _asked(stage, proxy)
        stage.check(
            answer.status == 200 and _model(answer) == "large" and seconds < 5,
            f"the next request: 200 after {seconds:.0f} s, by the model itself",
        )
    stage.ends("no request any more")


def response_seconds(stage: Stage) -> None:
    """responseSeconds: 504 for an answer that does not begin in time; the request is lost."""
    stage.pool()
    stage.deployment(response_seconds=10)
    stage.asleep()
    stage.check(stage.ask("/?seconds=5").status == 200, "an answer after 5 s: 200")
    started = time.monotonic()
    answer = stage.ask("/?seconds=20")
    seconds = time.monotonic() - started
    stage.check(
        answer.status == 504 and 9 < seconds < 15, f"one after 20 s: 504 after {seconds:.0f} s"
    )
    stage.ends("no request any more")


def response_by_default(stage: Stage) -> None:
    """Without responseSeconds an answer must begin within 300 s."""
    stage.pool()
    stage.deployment()
    stage.asleep()
    stage.check(stage.ask("/?seconds=200").status == 200, "an answer after 200 s: 200")
    started = time.monotonic()
    answer = stage.ask("/?seconds=320")
    seconds = time.monotonic() - started
    stage.check(
        answer.status == 504 and 299 < seconds < 310, f"one after 320 s: 504 after {seconds:.0f} s"
    )
    stage.ends("no request any more")


def hosts(stage: Stage) -> None:
    """hosts: a name from outside reaches the server; one that is not listed gets 404 and wakes
    nothing."""
    stage.pool()
    stage.deployment(hosts=["llm.example.com"], interceptor_namespace="keda")
    stage.asleep()
    stage.check(stage.ask(host="other.example.com").status == 404, "other.example.com: 404")
    stage.asleep()
    stage.check(stage.ask(host="llm.example.com").status == 200, "llm.example.com: 200")
    stage.ends("no request any more")


def _asked(stage: Stage, proxy: Ingress) -> tuple[Answer, float]:
    started = time.monotonic()
    answer = proxy.ask(f"{stage.name}-proxy.{stage.name}")
    return answer, time.monotonic() - started


def _as_openai(stage: Stage, proxy: Ingress, *, max_retries: int) -> tuple[Answer, int]:
    """As OpenAI's clients ask: again after Retry-After (60 s at most) for so many times."""
    for number in range(max_retries + 1):
        answer, _ = _asked(stage, proxy)
        if answer.status < 500:
            break
        if number < max_retries:
            time.sleep(min(60, int(answer.headers["Retry-After"])))
    return answer, number + 1


def _model(answer: Answer) -> str:
    model: str = json.loads(answer.body)["model"]
    return model
