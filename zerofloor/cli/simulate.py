"""`zerofloor simulate FILE --trace TRACE`: requests played against the declared scalers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from zerofloor.cli.app import (
    MIB,
    BaselineOption,
    EngineOption,
    InputFormatOption,
    MaxSizeOption,
    OutputOption,
    PolicyOption,
    SettingsOption,
    StackOption,
    StackOutputsOption,
    TimeLimitOption,
    TodayOption,
)
from zerofloor.cli.parsing import Argument, Option, day
from zerofloor.errors import InputError
from zerofloor.extras import lacking


def simulate(
    files: Annotated[
        list[str],
        Argument(
            metavar="FILE|DIR", help="Documents or folders, taken as one estate; - for stdin."
        ),
    ],
    trace: Annotated[
        Path,
        Option(
            "--trace",
            metavar="TRACE",
            help="Requests: a CSV with TIMESTAMP, ContextTokens and GeneratedTokens (the Azure LLM "
            "inference traces' columns), or a week's profile in YAML or JSON (requestsPerHour by "
            "weekday).",
        ),
    ],
    sets: Annotated[
        Sequence[str],
        Option(
            "--set",
            metavar="NAME=A,B",
            help="Compare these values of a property (minReplicaCount=0,1, cooldownPeriod=60,300, "
            "consolidateAfter=30s,5m, instanceType=…, spec.….…) or of an assumption "
            "(concurrency=4,8); repeat it for every combination.",
        ),
    ] = (),
    max_wait: Annotated[
        float | None,
        Option(
            "--max-wait",
            metavar="SECONDS",
            least=0,
            help="Name the cheapest setting for which no request waits longer; exit 1 if there is "
            "none.",
        ),
    ] = None,
    max_wait_at: Annotated[
        Literal["p50", "p95", "p99", "max"],
        Option("--max-wait-at", help="Which of the waits --max-wait limits."),
    ] = "max",
    target: Annotated[
        str | None,
        Option(
            "--target",
            metavar="NAME",
            help="Workload or endpoint that serves the requests, if several could.",
        ),
    ] = None,
    metric: Annotated[
        Literal["concurrency", "waiting", "rate"] | None,
        Option(
            "--metric",
            help="What the scaler's metric counts if its name doesn't say: requests waiting or "
            "being answered, requests waiting, or requests a second.",
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        Option(
            "--concurrency",
            metavar="N",
            least=1,
            help="Requests that a replica answers at a time (default: 8).",
        ),
    ] = None,
    tokens_per_second: Annotated[
        float | None,
        Option(
            "--tokens-per-second",
            metavar="N",
            least=0.001,
            help="Tokens generated per second for each request (default: 62).",
        ),
    ] = None,
    prompt_tokens_per_second: Annotated[
        float | None,
        Option(
            "--prompt-tokens-per-second",
            metavar="N",
            least=0.001,
            help="Prompt tokens processed per second (default: prompts take no time).",
        ),
    ] = None,
    node_seconds: Annotated[
        float | None,
        Option(
            "--node-seconds",
            metavar="SECONDS",
            least=0,
            help=(
                "Seconds until a new node is ready (default: coldStart in zerofloor.yaml, else "
                "120)."
            ),
        ),
    ] = None,
    image_seconds: Annotated[
        float | None,
        Option(
            "--image-seconds",
            metavar="SECONDS",
            least=0,
            help="Seconds until a new node has the image (default: coldStart, else 600).",
        ),
    ] = None,
    load_seconds: Annotated[
        float | None,
        Option(
            "--load-seconds",
            metavar="SECONDS",
            least=0,
            help="Seconds until a new pod has loaded the model (default: coldStart, else 120).",
        ),
    ] = None,
    hpa_sync: Annotated[
        float | None,
        Option(
            "--hpa-sync",
            metavar="SECONDS",
            least=1,
            help="The controller manager's --horizontal-pod-autoscaler-sync-period (default: 15).",
        ),
    ] = None,
    hpa_downscale_stabilization: Annotated[
        float | None,
        Option(
            "--hpa-downscale-stabilization",
            metavar="SECONDS",
            least=0,
            help="The controller manager's flag of this name (default: 300).",
        ),
    ] = None,
    arrivals: Annotated[
        Literal["poisson", "even"],
        Option(
            "--arrivals",
            help="How a profile's requests are spread over an hour: at random, the same each time, "
            "or evenly.",
        ),
    ] = "poisson",
    max_trace: Annotated[
        int, Option("--max-trace", metavar="MIB", least=1, help="Largest trace to read, in MiB.")
    ] = 1024,
    form: Annotated[
        Literal["table", "json"], Option("--format", "-f", help="Format of the report.")
    ] = "table",
    output: OutputOption = None,
    input_format: InputFormatOption = None,
    baseline: BaselineOption = None,
    settings: SettingsOption = None,
    policy: PolicyOption = None,
    max_size: MaxSizeOption = 64,
    stack: StackOption = None,
    engine: EngineOption = "auto",
    time_limit: TimeLimitOption = 120,
    stack_outputs: StackOutputsOption = None,
    today: TodayOption = None,
) -> int:
    """Play a trace of requests against the scalers: GPU-hours, cost, waiting.

    KEDA, HPA, Karpenter and the services act as they do in a cluster: polling, cool-down,
    stabilisation, consolidation, a cold start in parts. What can't be played (a hidden bound, a
    trigger whose metric the trace lacks) is named, and the exit code is 2.
    """
    try:
        import numpy  # noqa: F401
    except ImportError:
        raise lacking("simulate", "numpy", "simulate") from None
    from zerofloor.cli.inputs import (
        Chosen,
        Previewing,
        Reading,
        open_prices,
        read_any,
        settings_for,
    )
    from zerofloor.cli.output import colour_wanted, emit, terminal_width
    from zerofloor.platforms.loops import Measure
    from zerofloor.reports import simulation as report
    from zerofloor.simulation.simulate import Asked, Serving
    from zerofloor.simulation.simulate import simulate as run
    from zerofloor.simulation.trace import read_trace
    from zerofloor.simulation.variants import parse_choice

    choices = []
    for given in sets:
        try:
            choices.append(parse_choice(given))
        except ValueError:
            raise InputError(f"--set {given}: write NAME=A,B (different values)") from None
    asked = Asked(
        choices=tuple(choices),
        target=target,
        metric=None if metric is None else Measure(metric),
        serving=Serving(
            tokens_per_second=tokens_per_second,
            prompt_tokens_per_second=prompt_tokens_per_second,
            concurrency=concurrency,
            node_seconds=node_seconds,
            image_seconds=image_seconds,
            load_seconds=load_seconds,
        ),
        max_wait=max_wait,
        share=max_wait_at,
        hpa_sync=hpa_sync,
        hpa_downscale=hpa_downscale_stabilization,
    )
    on = day(today)
    in_force, folder = settings_for(Chosen(settings, policy, on), files)
    reading = Reading(input_format, baseline, max_size * MIB)
    previewing = Previewing(stack, engine, time_limit, stack_outputs)
    stacks = tuple(one for name in files for one in read_any(name, reading, previewing, in_force))
    requests = read_trace(trace, most=max_trace * MIB, arrival=arrivals)
    found = run(stacks, in_force, open_prices(in_force, folder), on, requests, asked)
    if form == "json":
        emit(report.render_json(found), output)
    else:
        colour = colour_wanted() and output is None
        emit(report.render(found, width=terminal_width(), colour=colour), output)
    return 1 if max_wait is not None and found.cheapest is None else 0
