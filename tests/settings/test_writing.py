"""Settings that are written as a person would are read as the same settings."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import yaml

from zerofloor.settings import Settings, parse
from zerofloor.settings.parsing import OURS, camel
from zerofloor.settings.writing import NOT_WRITTEN, written

EVERY = """
trust: {clusterAutoscaler: true, keda: false, kubernetesVersion: "1.35"}
hints:
  instances:
  - {reason: seen, instanceType: x9.huge, gpus: "0.5"}
  workloads:
  - {reason: it ends, urn: "*::job", runs: one-shot}
caps: {idleTailSeconds: 60}
limits:
  maxFloorHourly: "1.50"
  scoped:
  - {stack: prod*, maxGpus: 8}
waivers:
- {rule: GPU001, urn: "*::a", reason: a demo, owner: me, expires: 2027-01-31, maxMonthlyUsd: 10}
traffic: {busyHoursPerWeek: 40, replicas: 2}
serverless: {model: m, outputShare: "0.5"}
coldStart: {nodeSeconds: 1}
undecided: warning
region: {aws: us-west-2}
answers: {"aws:ec2/getAmi:getAmi": {id: ami-1, tags: [a, b]}}
prices: prices.yaml
noticedAfterDays: 7
rules: {GPU101: "off"}
docs: https://example.com/rules.md
"""


def test_every_part_is_read_back_as_it_was() -> None:
    data = yaml.safe_load(EVERY)
    fields = {camel(field.name) for field in msgspec.structs.fields(Settings)}
    assert data.keys() == fields - {camel(name) for name in OURS} - NOT_WRITTEN
    settings = parse(data, "zerofloor.yaml")
    again = parse(json.loads(json.dumps(written(settings))), "zerofloor.yaml")
    assert written(again) == written(settings)
    assert again.limits == settings.limits
    assert again.answers == settings.answers
    assert again.waivers[0].expires == settings.waivers[0].expires


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({}, {}),
        # What is as by default isn't written; money keeps its digits, a date is text.
        ({"undecided": "error", "region": {}, "noticedAfterDays": 30}, {}),
        ({"limits": {"maxFloorHourly": "1.50"}}, {"limits": {"maxFloorHourly": "1.50"}}),
        ({"rules": {"GPU101": "off"}}, {"rules": {"GPU101": "off"}}),
    ],
)
def test_only_what_differs_from_the_defaults_is_written(
    data: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert written(parse(data, "zerofloor.yaml")) == shown


def test_lists_of_waivers_are_plain_data_without_the_place_they_stood_at() -> None:
    waivers = written(parse(yaml.safe_load(EVERY), "zerofloor.yaml"))["waivers"]
    assert waivers == [
        {
            "rule": "GPU001",
            "urn": "*::a",
            "reason": "a demo",
            "owner": "me",
            "expires": "2027-01-31",
            "maxMonthlyUsd": "10",
        }
    ]
