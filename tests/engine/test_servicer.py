"""The pack's side of the Analyzer protocol, message by message, without an engine."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb

from zerofloor import __version__, rules
from zerofloor.engine.servicer import Pack

TODAY = datetime.date(2026, 11, 24)
STACK = "urn:pulumi:dev::p::"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    pack = Pack(tmp_path, TODAY)
    configure_stack(pack)
    return pack


def configure_stack(pack: Pack, secrets: dict[str, str] | None = None) -> None:
    config = {"aws:region": "us-east-1", **(secrets or {})}
    pack.ConfigureStack(
        pb.AnalyzerStackConfigureRequest(
            stack="dev", project="p", config=config, config_secret_keys=list(secrets or ())
        ),
        None,
    )


def instance(name: str, kind: Any = "g5.xlarge") -> Any:
    return resource("aws:ec2/instance:Instance", name, {"ami": "ami-1", "instanceType": kind})


def group(name: str, kind: Any, minimum: Any) -> Any:
    inputs = {
        "clusterName": "c",
        "instanceTypes": [kind],
        "scalingConfig": {"minSize": minimum, "maxSize": 4, "desiredSize": minimum},
    }
    return resource("aws:eks/nodeGroup:NodeGroup", name, inputs)


def resource(token: str, name: str, inputs: dict[str, Any]) -> Any:
    request = pb.AnalyzeRequest(type=token, name=name, urn=f"{STACK}{token}::{name}")
    request.properties.update(inputs)
    request.provider.urn = f"{STACK}pulumi:providers:aws::default"
    return request


def whole(*requests: Any) -> Any:
    """What `AnalyzeStack` gets: outputs, which a preview of a real provider has more of, and
    other."""
    found = pb.AnalyzeStackRequest()
    for request in requests:
        one = found.resources.add(type=request.type, name=request.name, urn=request.urn)
        one.properties.update({"arn": "arn:aws:…"})
    return found


def told(response: Any) -> list[tuple[str, str, str]]:
    return [
        (pb.EnforcementLevel.Name(d.enforcementLevel), d.policyName, d.urn.rpartition("::")[2])
        for d in response.diagnostics
    ]


def test_every_rule_is_a_policy_with_its_level_and_the_pack_has_a_schema(pack: Pack) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty(), None)
    assert (info.name, info.version, info.supportsConfig) == ("zerofloor", __version__, True)
    levels = {policy.name: policy.enforcementLevel for policy in info.policies}
    assert list(levels) == ["zerofloor", *(rule.id for rule in rules.all_rules())]
    assert (levels["GPU014"], levels["GPU101"]) == (pb.REMEDIATE, pb.ADVISORY)
    schema = dict(info.policies[0].configSchema.properties)
    assert sorted(schema) == [
        "maxCeilingHourly",
        "maxDesiredHourly",
        "maxFloorHourly",
        "settings",
        "undecided",
    ]


def test_inputs_are_judged_not_outputs_and_nothing_is_told_twice(pack: Pack) -> None:
    one, two, three = (
        instance("trainer"),
        group("held", "g5.xlarge", 1),
        group("unknown", UNKNOWN, 1),
    )
    found = [
        *told(pack.Analyze(one, None)),
        *told(pack.Analyze(two, None)),
        *told(pack.Analyze(three, None)),
    ]
    assert found == [("MANDATORY", "GPU014", "trainer"), ("MANDATORY", "GPU012", "held")]
    # The group's type is known later than any resource policy could ask for it: only the pass over
    # the stack says so.
    assert [
        name
        for _, rule, name in told(pack.AnalyzeStack(whole(one, two, three), None))
        if rule == "GPU201"
    ] == ["unknown"]
    assert told(pack.AnalyzeStack(whole(one, two, three), None)) == []


def test_the_component_around_a_resource_is_the_one_the_stack_tells(pack: Pack) -> None:
    component = resource("zerofloor:index:EksGpuNodeGroup", "inference", {})
    component.ClearField("provider")
    child = group("unknown", UNKNOWN, 1)  # Alone it has no parent: only the whole stack links.
    pack.Analyze(component, None)
    pack.Analyze(child, None)
    stack = whole(component, child)
    stack.resources[1].parent = component.urn
    fixes = [
        diagnostic.message.splitlines()[-1]
        for diagnostic in pack.AnalyzeStack(stack, None).diagnostics
        if diagnostic.policyName == "GPU201"
    ]
    assert len(fixes) == 1
    assert fixes[0].startswith("Fix: ")
    assert fixes[0].endswith(" (made by EksGpuNodeGroup inference).")


def test_an_unknown_or_secret_type_blocks(pack: Pack) -> None:
    unknown, secret = (
        group("unknown", UNKNOWN, 1),
        group("secret", {SIGNATURE: SECRET, "value": "t3.medium"}, 1),
    )
    pack.Analyze(unknown, None)
    pack.Analyze(secret, None)
    blocked = {
        name
        for level, _, name in told(pack.AnalyzeStack(whole(unknown, secret), None))
        if level == "MANDATORY"
    }
    assert blocked == {"unknown", "secret"}


def test_a_message_names_the_fix_and_the_monthly_cost(pack: Pack) -> None:
    [diagnostic] = pack.Analyze(instance("trainer"), None).diagnostics
    lines = diagnostic.message.splitlines()
    # g5.xlarge, on demand, us-east-1: $1.006 an hour; 730 hours a month.
    assert lines[1] == "Costs $734.38 a month."
    assert lines[2].startswith("Fix: ")


def test_configured_levels_limits_and_undecided_become_settings(pack: Pack) -> None:
    request = pb.ConfigureAnalyzerRequest()
    # The engine sends a level for every policy; GPU012 has its own here, so it is as if nobody had
    # said anything.
    request.policyConfig["GPU012"].enforcementLevel = pb.MANDATORY
    request.policyConfig["GPU014"].enforcementLevel = pb.DISABLED
    request.policyConfig["zerofloor"].enforcementLevel = pb.MANDATORY
    request.policyConfig["zerofloor"].properties.update(
        {"undecided": "advisory", "maxFloorHourly": 0.5}
    )
    pack.Configure(request, None)
    one, two, three = (
        instance("trainer"),
        group("unknown", UNKNOWN, 1),
        group("held", "g5.xlarge", 1),
    )
    assert told(pack.Analyze(one, None)) == []
    pack.Analyze(two, None)
    assert told(pack.Analyze(three, None)) == [("MANDATORY", "GPU012", "held")]
    found = {
        (level, rule) for level, rule, _ in told(pack.AnalyzeStack(whole(one, two, three), None))
    }
    assert ("ADVISORY", "GPU201") in found
    assert ("MANDATORY", "GPU203") in found
    assert not any(rule == "GPU014" for _, rule in found)


def test_a_secret_of_the_configuration_is_never_told(pack: Pack) -> None:
    configure_stack(pack, {"p:token": "hf_planted_secret", "p:keys": '{"inner": ["sk-planted"]}'})
    first = pack.Analyze(instance("trainer-hf_planted_secret"), None)
    second = pack.Analyze(instance("trainer-sk-planted"), None)
    assert [len(response.diagnostics) for response in (first, second)] == [1, 1]
    for response in (first, second):
        assert "planted" not in response.diagnostics[0].message
        assert "[secret]" in response.diagnostics[0].message


def test_a_failure_of_ours_is_one_blocking_diagnostic(pack: Pack) -> None:
    deep: Any = "leaf"
    for _ in range(210):
        deep = [deep]
    bad = resource("aws:ec2/instance:Instance", "deep", {"instanceType": deep})
    [diagnostic] = pack.Analyze(bad, None).diagnostics
    assert diagnostic.enforcementLevel == pb.MANDATORY
    assert diagnostic.message.startswith("zerofloor failed: RecursionError in properties.py:")
    assert "\n" not in diagnostic.message
    # Not told again for the next resource, and never turned into a pass.
    assert told(pack.Analyze(bad, None)) == []


def test_wrong_settings_beside_the_program_block(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: yaml\n")
    (tmp_path / "zerofloor.yaml").write_text("undecided: perhaps\n")
    (tmp_path / "src").mkdir()
    pack = Pack(tmp_path / "src", TODAY)
    configure_stack(pack)
    [diagnostic] = pack.Analyze(instance("trainer"), None).diagnostics
    assert "zerofloor.yaml:1: undecided must be error or warning" in diagnostic.message
    assert diagnostic.enforcementLevel == pb.MANDATORY


def test_settings_above_the_project_are_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "zerofloor.yaml").write_text("rules: {GPU014: 'off'}\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "Pulumi.yaml").write_text("name: p\nruntime: yaml\n")
    pack = Pack(tmp_path / "project", TODAY)
    configure_stack(pack)
    assert told(pack.Analyze(instance("trainer"), None)) == [("MANDATORY", "GPU014", "trainer")]


def test_a_second_operation_starts_anew(pack: Pack) -> None:
    first = told(pack.Analyze(instance("trainer"), None))
    configure_stack(pack)
    assert told(pack.Analyze(instance("trainer"), None)) == first
    assert told(pack.AnalyzeStack(whole(), None)) == []
