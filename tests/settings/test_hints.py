"""Hints: what rests on one is printed, and one that nothing takes is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cases import digest_of
from tests.cli.command import TODAY, zerofloor

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": "x"}

NEVER = '{urn: "*::box", runs: never, reason: no GPU in it}'


def judged(folder: Path, instance_type: Any, hints: str) -> dict[str, Any]:
    """The report on one EC2 instance, with these hints from line 2 on."""
    props = {"instanceType": instance_type, "ami": "ami-1", "availabilityZone": "us-east-1a"}
    case = {"resources": [{"type": "aws:ec2/instance:Instance", "name": "box", "props": props}]}
    (folder / "stack.json").write_bytes(digest_of(case))
    (folder / "zerofloor.yaml").write_text(f"hints:\n{hints}\n", encoding="utf-8")
    done = zerofloor("check", "stack.json", "-f", "json", "-f", "table=page", *TODAY, cwd=folder)
    assert done.code in (0, 1), done.err
    report: dict[str, Any] = json.loads(done.out)
    report["page"] = " ".join((folder / "page").read_text().split())
    return report


@pytest.mark.parametrize(
    ("instance_type", "hints", "shown"),
    [
        (
            SECRET,
            f"  workloads:\n    - {NEVER}",
            "- aws:ec2/instance:Instance::box keeps no GPU: no GPU in it (hint, zerofloor.yaml:3)",
        ),
        (
            "q9.fast",
            "  instances:\n    - {instanceType: q9.fast, gpus: 0, reason: our own machine}",
            "- q9.fast has 0 GPUs a node: our own machine (hint, zerofloor.yaml:3)",
        ),
    ],
)
def test_a_hint_that_lets_a_stack_pass_is_an_assumption(
    tmp_path: Path, instance_type: Any, hints: str, shown: str
) -> None:
    assert judged(tmp_path, instance_type, "  workloads: []")["gate"] == "fail"
    report = judged(tmp_path, instance_type, hints)
    assert report["gate"] == "pass"
    assert shown in report["page"]
    assert [(one["from"], one["place"]) for one in report["assumptions"]] == [
        ("hint", "zerofloor.yaml:3")
    ]


def test_a_hint_on_which_nothing_rests_is_no_assumption(tmp_path: Path) -> None:
    report = judged(tmp_path, "t3.large", f"  workloads:\n    - {NEVER}")
    assert (report["gate"], report["assumptions"], report["findings"]) == ("pass", [], [])


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        (
            '  workloads:\n    - {urn: "*::bix", runs: never, reason: no GPU in it}',
            "The hint for *::bix matches no resource.",
        ),
        (
            "  instances:\n    - {instanceType: q9.slow, gpus: 0, reason: our own machine}",
            "The hint for q9.slow names an instance type that no resource uses.",
        ),
    ],
)
def test_a_hint_that_nothing_takes_is_named_with_its_line(
    tmp_path: Path, hints: str, message: str
) -> None:
    report = judged(tmp_path, "t3.large", hints)
    (found,) = report["findings"]
    assert (found["rule"], found["severity"], report["gate"]) == ("GPU210", "info", "pass")
    assert (found["message"], found["source"]) == (message, "zerofloor.yaml:3")


def test_a_hint_of_the_organisation_may_be_meant_for_others(tmp_path: Path) -> None:
    elsewhere = '  workloads:\n    - {urn: "*::bix", runs: never, reason: no GPU in it}'
    judged(tmp_path, "t3.large", elsewhere)
    (tmp_path / "policy.yaml").write_text(f"hints:\n{elsewhere}\nallow: {{hints: true}}\n")

    def rules() -> list[tuple[str, str]]:
        form = ("-f", "json", "--policy", "policy.yaml")
        done = zerofloor("check", "stack.json", *form, *TODAY, cwd=tmp_path)
        return [(one["rule"], one["source"]) for one in json.loads(done.out)["findings"]]

    assert rules() == [("GPU210", "zerofloor.yaml:3")]
    (tmp_path / "zerofloor.yaml").unlink()
    assert rules() == []
