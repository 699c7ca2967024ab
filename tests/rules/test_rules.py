"""The rules as a set: frozen IDs, one for each cause, examples that do what they say."""

from __future__ import annotations

import pkgutil

import pytest

from tests.rules.examples import report_on
from zerofloor import rules
from zerofloor.capacity import Cause
from zerofloor.rules.rule import Rule

FROZEN = {
    "GPU001": "fixed-replicas-hold-gpu",
    "GPU002": "scaler-minimum-holds-gpu",
    "GPU003": "bare-pod-holds-gpu",
    "GPU004": "endless-job-holds-gpu",
    "GPU005": "scaler-not-in-effect",
    "GPU006": "paused-scaler-holds-gpu",
    "GPU007": "always-on-trigger-holds-gpu",
    "GPU008": "peak-never-scaled-down",
    "GPU009": "schedule-holds-gpu",
    "GPU010": "placeholder-pods-hold-gpu",
    "GPU011": "interactive-session-holds-gpu",
    "GPU012": "pool-minimum-holds-gpu",
    "GPU013": "desired-nodes-nobody-lowers",
    "GPU014": "always-on-instance-holds-gpu",
    "GPU015": "warm-pool-holds-gpu",
    "GPU016": "static-node-pool-holds-gpu",
    "GPU017": "empty-nodes-never-removed",
    "GPU018": "protected-nodes-hold-gpu",
    "GPU019": "stray-pod-holds-gpu-node",
    "GPU020": "capacity-buffer-holds-gpu",
    "GPU021": "reservation-bills-unused",
    "GPU022": "provisioned-endpoint-holds-gpu",
    "GPU101": "long-idle-tail",
    "GPU102": "job-without-deadline",
    "GPU103": "fallback-keeps-replicas",
    "GPU104": "trigger-reads-scaled-pods",
    "GPU105": "unbounded-gpu-ceiling",
    "GPU106": "replicas-declared-beside-scaler",
    "GPU107": "untainted-gpu-pool",
    "GPU108": "scale-in-without-signal",
    "GPU109": "replica-fits-no-node",
    "GPU110": "pods-name-undeclared-pool",
    "GPU111": "pool-stays-at-zero",
    "GPU201": "undecided-gpu",
    "GPU202": "unpriced-gpu",
    "GPU203": "cost-above-limit",
    "GPU204": "stale-price-snapshot",
    "GPU205": "waiver-not-in-force",
    "GPU206": "unused-waiver",
    "GPU207": "setting-not-allowed",
    "GPU208": "lease-expired",
    "GPU209": "lease-ends-soon",
    "GPU210": "unused-hint",
}
"""Published: people's waivers and settings name them. Never change a line, only add one."""

ALL = rules.all_rules()

SEVERITY_DEPENDS = {"schedule-holds-gpu", "stale-price-snapshot"}
"""Rules whose findings are errors or warnings by how long and by what is set."""

LATER: frozenset[str] = frozenset()
"""Rules whose platforms are not read yet: their examples are not run."""


def test_ids_and_names_are_frozen() -> None:
    assert {rule.id: rule.name for rule in ALL} == FROZEN


def test_a_file_is_named_as_its_rule() -> None:
    modules = {
        module.name
        for module in pkgutil.iter_modules(rules.__path__)
        if module.name.startswith("gpu")
    }
    assert modules == {f"{rule.id.lower()}_{rule.name.replace('-', '_')}" for rule in ALL}


def test_each_cause_has_exactly_one_rule() -> None:
    names = [rule.name for rule in ALL]
    assert [cause.name for cause in Cause if names.count(cause.value) != 1] == []


def test_ids_tell_the_severity() -> None:
    for rule in ALL:
        if rule.id < "GPU100":
            assert rule.severity == "error"
        elif rule.id < "GPU200":
            assert rule.severity == "warning"


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_a_rule_can_be_read(rule: Rule) -> None:
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")


@pytest.mark.parametrize(
    "rule", [rule for rule in ALL if rule.name not in LATER], ids=lambda rule: rule.name
)
def test_the_bad_example_is_found(rule: Rule) -> None:
    report = report_on(rule.bad)
    found = [finding for finding in report.findings if finding.rule == rule.id]
    assert found, [f"{finding.name}: {finding.message}" for finding in report.findings]
    if rule.name not in SEVERITY_DEPENDS:
        assert found[0].severity == rule.severity
    assert found[0].message
    assert found[0].fix


@pytest.mark.parametrize(
    "rule", [rule for rule in ALL if rule.name not in LATER], ids=lambda rule: rule.name
)
def test_the_good_example_is_quiet_and_keeps_the_gpu(rule: Rule) -> None:
    bad, good = report_on(rule.bad), report_on(rule.good)
    assert [f"{one.name}: {one.message}" for one in good.findings if one.waived_by is None] == []
    assert good.gate == "pass"
    # Another machine without a GPU would be no example of what to do.
    assert bool(good.floor.entries) == bool(bad.floor.entries)


def test_severity_by_settings() -> None:
    bad = next(rule for rule in ALL if rule.id == "GPU012").bad

    def findings(chosen: str) -> list[str]:
        return [
            one.severity
            for one in report_on(bad + f"settings: {{rules: {chosen}}}\n").findings
            if one.rule == "GPU012"
        ]

    assert findings("{}") == ["error"]
    assert findings("{GPU012: warning}") == ["warning"]
    assert findings("{pool-minimum-holds-gpu: warning}") == ["warning"]
    assert findings('{GPU012: "off"}') == []


def test_undecided_may_be_a_warning() -> None:
    bad = next(rule for rule in ALL if rule.name == "undecided-gpu").bad
    assert report_on(bad).gate == "fail"
    report = report_on(bad + "settings: {undecided: warning}\n")
    assert [one.severity for one in report.findings if one.name == "undecided-gpu"] == ["warning"]
    assert report.gate == "pass"


@pytest.mark.parametrize(
    ("urn", "expires", "rule", "message"),
    [
        (
            "*::inference",
            "2026-11-01",
            "GPU205",
            (
                "The waiver of ml-team for always-on-instance-holds-gpu on "
                "aws:ec2/instance:Instance::inference expired on 2026-11-01, 23 days ago."
            ),
        ),
        (
            "*::other",
            "2026-11-01",
            "GPU206",
            (
                "The waiver of ml-team for GPU014 on *::other matches no finding and expired on "
                "2026-11-01, 23 days ago."
            ),
        ),
        (
            "*::other",
            "2026-11-24",
            "GPU206",
            "The waiver of ml-team for GPU014 on *::other matches no finding.",
        ),
    ],
)
def test_a_waiver_that_permits_nothing_says_why(
    urn: str, expires: str, rule: str, message: str
) -> None:
    waiver = f'{{rule: GPU014, urn: "{urn}", reason: a demo, owner: ml-team, expires: {expires}, '
    report = report_on(f"""\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {{instanceType: g5.xlarge, ami: ami-0123456789abcdef0, availabilityZone: us-east-1a}}
settings:
  waivers: [{waiver}maxMonthlyUsd: 1000}}]
""")
    found = [one for one in report.findings if one.rule == rule]
    assert [one.message for one in found] == [message]
    assert found[0].source == "example"


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that it doesn't know yet."""


@pytest.mark.parametrize(("most", "many"), [(4, "up to 4 instances"), (1, "up to 1 instance")])
def test_an_unknown_number_is_bounded_by_the_maximum(most: int, many: str) -> None:
    report = report_on(f"""\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {{minSize: 0, desiredSize: {UNKNOWN}, maxSize: {most}}}
""")
    (found,) = (one for one in report.findings if one.rule == "GPU201")
    assert found.message.startswith("scalingConfig.desiredSize isn't known at preview")
    assert found.message.endswith(f"so {many} with GPUs could stay on.")
