"""How many of the lab's manifests that hold a GPU the changes of findings alone bring to zero."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from pathlib import Path

import yaml

from zerofloor.documents import read
from zerofloor.fixing.apply import Judged, Texts, apply_changes
from zerofloor.fixing.manifests import edit_manifests
from zerofloor.fixing.yaml_text import documents
from zerofloor.floor.result import Verdict
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings.parsing import parse

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests" / "lab" / "scenarios"
PAGE = ROOT / "docs" / "getting-started.md"
TODAY = datetime.date(2026, 11, 27)


def _outcome_of(path: Path) -> str | None:
    """scaler, replicas or left; None where its manifests hold no GPU."""
    text = path.read_text(encoding="utf-8")
    first, second, *_ = documents(text)
    header = yaml.safe_load(text[: first.end_mark.index])
    expected = header.get("expect") or {}
    if expected.get("verdict") != "held":
        return None
    settings = parse({"trust": header.get("trust", {}), "region": {"aws": "us-east-1"}}, "test")
    book = open_book()

    def judge_texts(now: Texts) -> Judged:
        stacks = [read(name, body.encode()) for name, body in now.items()]
        report = judge(stacks, book, settings, TODAY)
        return Judged(report, {one.urn: one.inputs for stack in stacks for one in stack.resources})

    found = apply_changes({"m.yaml": text[second.start_mark.index :]}, judge_texts, edit_manifests)
    if found.after.floor.verdict is not Verdict.ZERO:
        return "left"
    rules = {one.finding.rule for one in found.applied}
    return "replicas" if rules == {"GPU001"} else "scaler"


def test_the_share_that_becomes_zero_is_what_the_page_says() -> None:
    outcomes = Counter(map(_outcome_of, sorted(SCENARIOS.glob("*.yaml"))))
    del outcomes[None]
    said = re.search(
        r"Of the (\d+) manifests that hold\s+a GPU in \[the lab\].*?, (\d+) become zero this way: "
        r"(\d+) by a bound, a schedule or a pool, (\d+) by `replicas: 0`",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert said is not None
    every, zero, scaler, replicas = map(int, said.groups())
    assert dict(outcomes) == {"left": every - zero, "scaler": scaler, "replicas": replicas}
    assert zero == scaler + replicas
