"""Findings that were there before: what is new, worse, existing or fixed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import HELD, TODAY, refused, zerofloor

INSTANCE = """\
{{"config": {{"aws:region": "us-east-1"}}, "changeSummary": {{"create": {count}}}, "steps": [{steps}]}}
"""
STACK = "urn:pulumi:dev::shop::"


def digest(*instances: tuple[str, str], aliases: dict[str, list[str]] | None = None) -> str:
    """A preview of EC2 instances: name and type each."""
    steps = []
    for name, kind in instances:
        urn = f"{STACK}aws:ec2/instance:Instance::{name}"
        state = {
            "urn": urn,
            "type": "aws:ec2/instance:Instance",
            "custom": True,
            "inputs": {"instanceType": kind, "ami": "ami-1"},
            "aliases": (aliases or {}).get(name, []),
        }
        steps.append(json.dumps({"op": "create", "urn": urn, "newState": state}))
    return INSTANCE.format(count=len(steps), steps=", ".join(steps))


def baseline_of(folder: Path, text: str) -> Path:
    (folder / "before.json").write_text(text)
    done = zerofloor("baseline", "before.json", "-o", "known.json", *TODAY, cwd=folder)
    assert (done.code, done.out, done.err) == (0, "", "")
    return folder / "known.json"


def judged(folder: Path, text: str, *more: str) -> tuple[int, dict[str, str | None], list[str]]:
    (folder / "now.json").write_text(text)
    done = zerofloor(
        "check",
        "now.json",
        "--baseline-findings",
        "known.json",
        "--format",
        "json",
        *more,
        *TODAY,
        cwd=folder,
    )
    out = json.loads(done.out)
    statuses = {one["urn"].rpartition("::")[2]: one["status"] for one in out["findings"]}
    return done.code, statuses, [one["urn"].rpartition("::")[2] for one in out["fixed"]]


def test_what_was_there_passes_and_is_listed(tmp_path: Path) -> None:
    before = digest(("a", "g5.xlarge"))
    baseline_of(tmp_path, before)
    assert judged(tmp_path, before) == (0, {"a": "existing"}, [])
    assert judged(tmp_path, before, "--fail-on", "all")[0] == 1


def test_a_new_one_fails(tmp_path: Path) -> None:
    baseline_of(tmp_path, digest(("a", "g5.xlarge")))
    now = digest(("a", "g5.xlarge"), ("b", "g5.xlarge"))
    assert judged(tmp_path, now) == (1, {"a": "existing", "b": "new"}, [])
    assert judged(tmp_path, now, "--fail-on", "new")[0] == 1


def test_one_that_grew_fails_with_the_difference_unless_only_new_ones_shall(tmp_path: Path) -> None:
    baseline_of(tmp_path, digest(("a", "g5.xlarge")))
    now = digest(("a", "p4d.24xlarge"))
    assert judged(tmp_path, now) == (1, {"a": "worse"}, [])
    assert judged(tmp_path, now, "--fail-on", "new")[0] == 0
    done = zerofloor("check", "now.json", "--baseline-findings", "known.json", *TODAY, cwd=tmp_path)
    assert "Worse: 1 GPU before, now 8 GPUs" in done.out
    dearer = digest(("a", "g6e.xlarge"))
    (tmp_path / "now.json").write_text(dearer)
    done = zerofloor("check", "now.json", "--baseline-findings", "known.json", *TODAY, cwd=tmp_path)
    # g5.xlarge $1.006 and g6e.xlarge $1.861 an hour, 730 hours (AWS list, us-east-1).
    assert "Worse: $734.38 a month before, now $1,358.53 (+$624.15)" in done.out


def test_what_is_gone_is_told(tmp_path: Path) -> None:
    baseline_of(tmp_path, digest(("a", "g5.xlarge"), ("b", "g5.xlarge")))
    assert judged(tmp_path, digest(("a", "g5.xlarge"))) == (0, {"a": "existing"}, ["b"])


def test_a_rename_with_an_alias_keeps_its_place_and_one_without_is_new(tmp_path: Path) -> None:
    baseline_of(tmp_path, digest(("a", "g5.xlarge")))
    alias = {"renamed": [f"{STACK}aws:ec2/instance:Instance::a"]}
    now = digest(("renamed", "g5.xlarge"), aliases=alias)
    assert judged(tmp_path, now) == (0, {"renamed": "existing"}, [])
    assert judged(tmp_path, digest(("renamed", "g5.xlarge"))) == (1, {"renamed": "new"}, ["a"])


def test_a_baseline_of_another_stack_says_nothing_of_this_one(tmp_path: Path) -> None:
    baseline_of(tmp_path, digest(("a", "g5.xlarge")).replace("pulumi:dev", "pulumi:prod"))
    assert judged(tmp_path, digest(("a", "g5.xlarge"))) == (1, {"a": "new"}, [])


def test_a_manifest_is_the_same_from_stdin_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    known = zerofloor("baseline", "held.yaml", *TODAY, cwd=tmp_path).out
    (tmp_path / "known.json").write_text(known)
    for source, stdin in (("-", HELD), (".", "")):
        done = (
            zerofloor(
                "check",
                source,
                "--baseline-findings",
                "known.json",
                *TODAY,
                cwd=tmp_path,
                stdin=stdin,
            )
            if source == "-"
            else zerofloor(
                "check",
                str(tmp_path / "held.yaml"),
                "--baseline-findings",
                "known.json",
                *TODAY,
                cwd=tmp_path,
            )
        )
        assert done.code == 0, done.out


def test_what_the_organisation_forbids_is_never_known_before(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / "zerofloor.yaml").write_text("rules: {GPU001: off}")
    (tmp_path / "policy.yml").write_text("undecided: error")
    policy = ("--policy", "policy.yml")
    known = zerofloor("baseline", "held.yaml", *policy, *TODAY, cwd=tmp_path).out
    assert "GPU207" not in known
    (tmp_path / "known.json").write_text(known)
    done = zerofloor(
        "check", "held.yaml", *policy, "--baseline-findings", "known.json", *TODAY, cwd=tmp_path
    )
    assert done.code == 1
    assert "GPU207" in done.out


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "zerofloor.baseline/1", "findings": [1]}']
)
def test_a_file_that_is_no_baseline_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / "known.json").write_text(text)
    refused(zerofloor("check", "held.yaml", "--baseline-findings", "known.json", cwd=tmp_path))


def test_advisory_reports_everything_and_exits_0(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    done = zerofloor("check", "held.yaml", "--advisory", *TODAY, cwd=tmp_path)
    assert done.code == 0
    assert done.out.startswith("FAIL")
    assert "advisory: the gate fails" in done.err
    assert zerofloor("check", "missing.yaml", "--advisory", cwd=tmp_path).code == 2


def test_several_reports_of_one_run(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    done = zerofloor(
        "check",
        "held.yaml",
        "--format",
        "table",
        "--format",
        "json=r.json",
        "-f",
        "sarif=r.sarif",
        *TODAY,
        cwd=tmp_path,
    )
    assert done.out.startswith("FAIL")
    assert json.loads((tmp_path / "r.json").read_text())["gate"] == "fail"
    assert json.loads((tmp_path / "r.sarif").read_text())["version"] == "2.1.0"
    line = refused(zerofloor("check", "held.yaml", "-f", "json", "-f", "table", cwd=tmp_path))
    assert "two reports for one place" in line


def test_a_waiver_by_a_tag_on_the_resource(tmp_path: Path) -> None:
    (tmp_path / "now.json").write_text(
        digest(("a", "g5.xlarge")).replace('"ami": "ami-1"', '"tags": {"zerofloor-waive": "demo"}')
    )
    waiver = (
        "waivers: [{rule: GPU014, id: demo, reason: a demo, owner: ml, expires: 2026-12-24, "
        "maxMonthlyUsd: 800}]"
    )
    (tmp_path / "zerofloor.yaml").write_text(waiver)
    assert zerofloor("check", "now.json", *TODAY, cwd=tmp_path).code == 0
    (tmp_path / "policy.yml").write_text(f"{waiver}\nallow: {{}}")
    done = zerofloor("check", "now.json", "--policy", "policy.yml", *TODAY, cwd=tmp_path)
    assert done.code == 1
    assert "zerofloor-waive is ignored" in done.out


POOL = """\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {{name: gpu}}
spec:
  replicas: 1
  template:
    spec:
      nodeClassRef: {{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}
      requirements:
        - {{key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}}
        - {{key: node.kubernetes.io/instance-type, operator: In, values: [{types}]}}
"""


@pytest.mark.parametrize("is_old", [False, True])
def test_a_choice_that_may_cost_more_is_worse(tmp_path: Path, is_old: bool) -> None:
    """The cheapest stays g5.xlarge; a file from before has no word of the most expensive."""
    settings = "trust: {karpenterStaticCapacity: true}\nregion: {aws: us-east-1}\n"
    (tmp_path / "zerofloor.yaml").write_text(settings)
    (tmp_path / "pool.yaml").write_text(POOL.format(types="g5.xlarge"))
    done = zerofloor("baseline", "pool.yaml", "-o", "known.json", *TODAY, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    if is_old:
        known = json.loads((tmp_path / "known.json").read_text())
        for one in known["findings"]:
            del one["most"]
        (tmp_path / "known.json").write_text(json.dumps(known))
    (tmp_path / "pool.yaml").write_text(POOL.format(types="g5.xlarge, g5.2xlarge"))
    form = ("--baseline-findings", "known.json", "--format", "json")
    done = zerofloor("check", "pool.yaml", *form, *TODAY, cwd=tmp_path)
    held = [one for one in json.loads(done.out)["findings"] if one["monthly"]]
    assert [one["status"] for one in held] == ["existing" if is_old else "worse"]
    assert done.code == (0 if is_old else 1)
