"""A mistake in the settings is one line: the file, the line, what is wrong, the nearest right
word."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.command import HELD, TODAY, refused, zerofloor
from zerofloor.errors import InputError
from zerofloor.gate.names import check_names
from zerofloor.rules import known_rules
from zerofloor.settings import parse
from zerofloor.settings.nodes import node_of

WAIVER = "rule: GPU001, urn: '*', reason: a demo, owner: me, expires: 2027-01-01"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\nlimit: {maxFloorHourly: 1}", ":2: unknown key limit; did you mean limits?"),
        ("limits: 5", ":1: limits must be a mapping, such as limits: {maxFloorHourly: 1}"),
        (
            "limits:\n  max_floor_hourly: 5",
            ":2: limits: unknown key max_floor_hourly; did you mean maxFloorHourly?",
        ),
        ("limits: {maxFloorHourly: much}", ":1: limits.maxFloorHourly must be a number"),
        ("limits: {maxFloorHourly: -1}", ":1: limits.maxFloorHourly must be at least 0"),
        ("limits: {maxFloorHourly: .nan}", ":1: limits.maxFloorHourly must be a number"),
        ("limits: {maxCeilingHourly: 1}\nlimits: {}", ":2: limits is set twice (first in line 1)"),
        ("waivers:\n- {rule: GPU001}", ":2: waivers item 1: reason is missing"),
        (
            f"waivers: [{{{WAIVER}, maxMonthlyUsd: 1, until: 1}}]",
            ":1: waivers item 1: unknown key until",
        ),
        (
            f"waivers: [{{{WAIVER.replace('2027-01-01', 'soon')}, maxMonthlyUsd: 1}}]",
            "waivers item 1.expires must be a date (YYYY-MM-DD)",
        ),
        (
            "waivers: [{rule: GPU001, urn: '*', reason: a demo, owner: me, expires: 2026-13-45, maxMonthlyUsd: 1}]",
            ":1: no such date or number",
        ),
        (
            f"waivers: [{{{WAIVER.replace('a demo', 'x')}, maxMonthlyUsd: 1}}]",
            "waivers item 1.reason must have at least 3 characters",
        ),
        (
            "waivers: [{rule: GPU001, reason: a demo, owner: me, expires: 2027-01-01, maxMonthlyUsd: 1}]",
            "a waiver needs urn, or an id",
        ),
        (
            f"\nwaivers:\n- {{{WAIVER.replace('GPU001', 'GPU0002')}, maxMonthlyUsd: 1}}",
            ":3: waivers: there is no rule GPU0002; did you mean GPU002?",
        ),
        (
            "rules: {fixed-replicas-hold: off}",
            ":1: rules: there is no rule fixed-replicas-hold; did you mean fixed-replicas-hold-gpu?",
        ),
        # The same number, never the next one: GPU201 is another rule.
        ("rules: {GPU01: off}", "there is no rule GPU01; did you mean GPU001?"),
        ("rules: {gpu-14: off}", "there is no rule gpu-14; did you mean GPU014?"),
        ("rules: {GPU301: off}", "there is no rule GPU301; `zerofloor rules` lists them"),
        ("rules: {gpu001: off}", "there is no rule gpu001; did you mean GPU001?"),
        (
            "\nregion: {aws: us-eats-1}",
            ":2: region.aws: us-eats-1 is not an AWS region; did you mean us-east-1?",
        ),
        (
            "region: {gcp: us-central-1}",
            ":1: region.gcp: us-central-1 is not a Google Cloud region; did you mean us-central1?",
        ),
        (
            "region: {azure: east-us}",
            ":1: region.azure: east-us is not an Azure region; did you mean eastus?",
        ),
        ("\ntraffic: {replicas: 99999999999}", ":2: traffic.replicas must be at most "),
        (
            "\nserverless: {model: qwen3-8}",
            ":2: serverless.model: no token price for qwen3-8; did you mean qwen3-8b?",
        ),
        ("region: {google: us-central1}", ":1: region: unknown cloud google; did you mean gcp?"),
        ("region: {AWS: us-east-1}", ":1: region: unknown cloud AWS; did you mean aws?"),
        (
            "rules: {GPU001: eror}",
            ":1: rules.GPU001 must be error or warning or off; did you mean error?",
        ),
        ("region: {aws: REPLACE}", ":1: region.aws is a placeholder; write the value"),
        (
            "\nhints: {instances: [{instanceType: ' ... ', reason: seen, gpus: 1}]}",
            ":2: hints.instances.instanceType is a placeholder",
        ),
        ("trust: {keda: perhaps}", ":1: trust.keda must be true or false"),
        ("trust: {kubernetesVersion: 1.35}", ":1: trust.kubernetesVersion must be text (quote it)"),
        ("noticedAfterDays: 2.5", ":1: noticedAfterDays must be a whole number"),
        ("region: us-east-1", ":1: region must be a mapping, such as region: {aws: us-east-1}"),
        (
            "hints: {instances: {a: 1}}",
            ":1: hints.instances must be a list, such as hints: {instances: [{instanceType: TYPE, ",
        ),
        ("waivers: [a]", ":1: waivers item 1 must be a mapping, such as {rule: GPU001, urn: "),
        ("[a, b]", ":1: the document must be a mapping, such as {trust: "),
        ("a: [", ":1: not YAML"),
        ("hints: !!python/object:os.system {}", ":1: a YAML tag has no meaning here"),
        ("extends: zerofloor.yaml", "extends itself"),
        ("extends: absent.yaml", "absent.yaml: can't be read"),
        ("extends: https://example.com/z.yaml", "extends must name a file"),
        ("limits: &a\n  scoped: [*a]", "zerofloor.yaml"),
    ],
)
def test_one_line_with_the_place(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / "zerofloor.yaml").write_text(text)
    assert told in refused(zerofloor("check", "held.yaml", *TODAY, cwd=tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [
        "answers: 1",
        "hints: {instances: 1}",
        "hints: {workloads: 1}",
        "limits: 1",
        "limits: {scoped: 1}",
        "region: 1",
        "rules: 1",
        "trust: 1",
        "waivers: 1",
    ],
)
def test_an_example_in_a_message_is_right_as_it_stands(wrong: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(yaml.safe_load(wrong), "zerofloor.yaml")
    example = yaml.safe_load(str(raised.value).partition(", such as ")[2])
    assert example.keys() == yaml.safe_load(wrong).keys()
    parse(example, "zerofloor.yaml")
    check_names(node_of(example, "zerofloor.yaml"), known_rules().ids)


@pytest.mark.parametrize(
    "name",
    ["zerofloor.yml", "Zerofloor.yaml", ".zerofloor.yaml", "zero-floor.yaml", "zerofloo.yaml"],
)
def test_a_name_that_is_nearly_right_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / name).write_text("limits: {maxFloorHourly: 1}")
    line = refused(zerofloor("check", "held.yaml", cwd=tmp_path))
    assert f"{name}: settings must be named zerofloor.yaml" in line


def test_a_folder_and_a_link_to_nothing_are_no_settings(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / "zerofloor.yaml").mkdir()
    assert "can't be a folder" in refused(zerofloor("check", "held.yaml", cwd=tmp_path))
    (tmp_path / "zerofloor.yaml").rmdir()
    (tmp_path / "zerofloor.yaml").symlink_to("nowhere")
    assert "a link to nothing" in refused(zerofloor("check", "held.yaml", cwd=tmp_path))


def test_settings_in_pyproject_hold_and_name_their_line(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(
        '[project]\nname = "x"\n[tool.zerofloor.rules]\nGPU001 = "off"\nGPU202 = "off"\n'
    )
    done = zerofloor("check", "held.yaml", *TODAY, cwd=tmp_path)
    assert done.code == 0
    assert "settings pyproject.toml (repository)" in done.out
    pyproject.write_text('[tool.zerofloor]\nundecided = "no"\n')
    assert "pyproject.toml:2: undecided must be" in refused(
        zerofloor("check", "held.yaml", cwd=tmp_path)
    )
    (tmp_path / "zerofloor.yaml").write_text("{}")
    assert "both in" in refused(zerofloor("check", "held.yaml", cwd=tmp_path))


def test_off_needs_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / "zerofloor.yaml").write_text("rules: {GPU001: off, GPU202: off}")
    assert zerofloor("check", "held.yaml", *TODAY, cwd=tmp_path).code == 0


def test_a_file_adds_to_the_one_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("rules: {GPU001: off}\nundecided: warning\n")
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / "zerofloor.yaml").write_text("extends: base.yaml\nrules: {GPU202: off}\n")
    assert zerofloor("check", "held.yaml", *TODAY, cwd=tmp_path).code == 0


def test_a_file_that_is_no_settings_is_not_quoted(tmp_path: Path) -> None:
    """A pull request may name any file of the CI machine."""
    (tmp_path / "secret.txt").write_text("admin:PLANTED@db.example.com: 1\nPLANTED=1: x\n")
    (tmp_path / "held.yaml").write_text(HELD)
    for key in ("extends", "prices"):
        (tmp_path / "zerofloor.yaml").write_text(f"{key}: secret.txt")
        line = refused(zerofloor("check", "held.yaml", *TODAY, cwd=tmp_path))
        assert "PLANTED" not in line
