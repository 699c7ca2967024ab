"""Writes docs/evidence/how-do-we-know.md from the lab's scenarios and their last recorded run, and
components-in-the-lab.md from the components' trials: `python -m tools.docs_lab [--check]`.

`python -m tests.lab.run --all --record` and `python -m tests.lab.trials --record` record one.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab import traces
from tests.lab.harness.vendors import VENDORS
from tests.lab.record import RECORDED
from tests.lab.scenario import Scenario, scenarios
from tools import docs_trials

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "docs" / "evidence"

HEAD = """# How do we know?
<!-- Made by tools/docs_lab.py from tests/lab; edit what it is made from. -->

A predicted floor is worth something if it is what happens. So the same manifests that `zerofloor check` judges are given to real
controllers: kube-apiserver, scheduler and controller-manager (1.35.4), KEDA (2.20.2: operator, metrics adapter, admission webhooks) and
Karpenter (1.14.1, with its kwok provider), as plain processes with fake nodes; and, each in a cluster of its own, the vendors' own
controllers that are named below. The prediction is made first; then the manifests are applied, traffic comes and goes, and when nothing
changes any more the GPUs that still have a node are counted.

- **agreed**: the prediction is what happened. Where the peak before the idle time decides the number, at least what was predicted is held.
- **undecided**: the manifests alone don't decide it, and zerofloor says so.
- **beyond the manifests**: something was done to the cluster, or came from outside, that no manifest shows (a trigger failed, a person
  paused a scaler at its peak, a controller was stopped); the prediction holds for the manifests, the observation for that day.
- **differed**: zerofloor was wrong. A run with one fails.

Node types, sizes and prices in the lab come from zerofloor's own tables. Clocks are fast (cool-downs of seconds), decisions are not
changed by that. Run it: `make lab`; one scenario is one file under `tests/lab/scenarios`. What the components promise is tried there as
well: [the components in the lab](components-in-the-lab.md).
"""
CONTROLLERS = """*Differed at first* counts the scenarios whose first prediction was not what happened: each taught a reader something, or showed that the
manifests alone don't decide it. Every manifest of these kinds in tests and docs is taken by the vendors' own definitions and webhooks, and
the fields that the readers look at are in those definitions (KServe, KAITO, AIBrix, NIM, Dynamo, vLLM's production stack, Spark and
Kubeflow's trainers included: `tests/data/schemas`).
Two things are played by stand-ins, since they are Python inside a container, and there is none here: the dashboard of a Ray head (jobs
run a while and end as the scenario says), and Ray's autoscaler (the one call that it makes: replicas and the workers that go).
Knative Serving is not run: its activator and its queue proxies work inside pods.
"""

OUTCOMES = ("agreed", "undecided", "beyond", "differed", "unexpected", "unsettled")


def page() -> str:
    """The page's text."""
    recorded: dict[str, dict[str, Any]] = {
        result["id"]: result for result in json.loads(RECORDED.read_text())
    }
    known = scenarios()
    counted: dict[str, Counter[str]] = {}
    for scenario in known:
        outcome = recorded.get(scenario.header.id, {}).get("outcome", "not run")
        counted.setdefault(scenario.header.way, Counter())[outcome] += 1
    columns = [
        outcome
        for outcome in (*OUTCOMES, "not run")
        if any(counts[outcome] for counts in counted.values())
    ]
    names = {"beyond": "beyond the manifests"}
    rows = [
        f"| way of holding | scenarios | {' | '.join(names.get(c, c) for c in columns)} |",
        f"|---|---:|{'---:|' * len(columns)}",
    ]
    for way, counts in sorted(counted.items()):
        rows.append(
            f"| {way} | {counts.total()} | "
            f"{' | '.join(str(counts[column] or '') for column in columns)} |"
        )
    total = sum(counted.values(), Counter[str]())
    rows.append(
        f"| **all** | **{total.total()}** | "
        f"{' | '.join(f'**{total[column]}**' for column in columns)} |"
    )
    parts = [HEAD, "## By controller\n", _by_controller(known, recorded), "", CONTROLLERS]
    parts += ["## By way of holding\n", "\n".join(rows), ""]
    for way in sorted(counted):
        parts += [
            f"## {way[:1].upper()}{way[1:]}\n",
            "| scenario | predicted | seen | | what decides |\n|---|---|---|---|---|",
        ]
        parts[-1] += "".join(
            "\n" + _row(scenario, recorded.get(scenario.header.id))
            for scenario in known
            if scenario.header.way == way
        )
        parts.append("")
    return "\n".join([*parts, *_simulated()])


SIMULATED = """## Simulated and seen

`zerofloor simulate` plays requests against the scalers as they are declared. The same traces were played on the real controllers
(`python -m tests.lab.traces`): pods that run answer so many requests at a time, KEDA reads how many wait or are being answered, and each
node is counted from its creation to its removal. A run whose node-seconds differ by more than 10 % fails.
One rule was corrected after this run, for the traces with three nodes: nodes that get empty within 5 s of each other go in one pass.

| trace | requests | node-seconds simulated | seen | difference | nodes simulated | seen |
|---|---:|---:|---:|---:|---:|---:|"""


def _simulated() -> list[str]:
    rows = [
        f"| {one['name']} | {one['requests']} | {one['simulated']} | {one['seen']} | "
        f"{(one['simulated'] - one['seen']) / one['seen']:+.1%} | {one['simulated_nodes']} | "
        f"{one['seen_nodes']} |"
        for one in traces.recorded()
    ]
    return [SIMULATED, *rows, ""]


def _by_controller(known: Sequence[Scenario], recorded: Mapping[str, dict[str, Any]]) -> str:
    columns = ("agreed", "undecided", "beyond", "differed", "not run")
    rows = [
        "| controller | scenarios | agreed | undecided | beyond the manifests | differed | not run "
        "| differed at first |",
        f"|---|{'---:|' * (len(columns) + 2)}",
    ]
    titles = {"": "Kubernetes, KEDA, Karpenter"} | {v.name: v.title for v in VENDORS.values()}
    for name, title in titles.items():
        here = [one for one in known if (one.header.needs or ("",))[0] == name]
        if not here:
            continue
        lines = [recorded.get(one.header.id, {}) for one in here]
        counts = Counter(line.get("outcome", "not run") for line in lines)
        first = sum("differed" in (line.get("first"), line.get("outcome")) for line in lines)
        shown = " | ".join(str(counts[column] or "") for column in columns)
        at_first = first or "" if name else "not counted"
        rows.append(f"| {title} | {len(here)} | {shown} | {at_first} |")
    return "\n".join(rows)


def _row(scenario: Scenario, result: dict[str, Any] | None) -> str:
    header = scenario.header
    because = " ".join(header.why.split()).replace("|", "\\|")
    if header.not_static_because:
        because += f" *({header.not_static_because})*"
    if result and result.get("first"):
        because += " **The first prediction was wrong.**"
    link = f"[{header.id}](../../tests/lab/scenarios/{header.id.lower()}.yaml)"
    if result is None:
        return f"| {link} | | | not run | {because} |"
    said = result["prediction"]["verdict"] + (
        "" if not result["prediction"]["gpus"] else f" {result['prediction']['gpus']:g}"
    )
    seen = result["observation"]
    gpus = (
        f"{seen['gpus']} on {seen['nodes']} node{'' if seen['nodes'] == 1 else 's'}"
        if seen["gpus"]
        else "0"
    )
    return f"| {link} | {said} | {gpus} | {result['outcome']} | {because} |"


def main() -> int:
    """Writes the pages; with --check says which are stale."""
    pages = {
        EVIDENCE / "how-do-we-know.md": page(),
        EVIDENCE / "components-in-the-lab.md": docs_trials.page(),
    }
    if "--check" not in sys.argv[1:]:
        for path, text in pages.items():
            path.write_text(text)
        return 0
    stale = [
        path.name for path, text in pages.items() if not path.exists() or path.read_text() != text
    ]
    if stale:
        sys.stderr.write(f"docs/evidence: {', '.join(stale)} stale: python -m tools.docs_lab\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
