"""CloudFormation templates as documents."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.outcomes import report_on
from zerofloor.documents import read
from zerofloor.errors import InputError

YAML = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Minimum: {Type: Number, Default: 1}
Resources:
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData: {InstanceType: p4d.24xlarge}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: !Ref Minimum
      MaxSize: "2"
      LaunchTemplate:
        LaunchTemplateId: !Ref Template
        Version: !GetAtt Template.LatestVersionNumber
"""


def instance(kind: str) -> bytes:
    body = {"Type": "AWS::EC2::Instance", "Properties": {"InstanceType": kind}}
    return json.dumps({"Resources": {"Trainer": body}}).encode()


@pytest.mark.parametrize(
    ("data", "verdict", "gpus"),
    [
        # One machine of eight A100, by the parameter's default.
        (YAML.encode(), "held", 8),
        (YAML.replace("Default: 1", "Default: 0").encode(), "zero", 0),
        (YAML.partition("\n")[2].encode(), "held", 8),
        (instance("g6e.xlarge"), "held", 1),
        (instance("m7i.large"), "zero", 0),
    ],
)
def test_a_template_has_the_floor_of_its_stack(data: bytes, verdict: str, gpus: int) -> None:
    floor = report_on(read("template", data)).floor
    assert (floor.verdict, floor.gpus) == (verdict, Decimal(gpus))


def test_a_parameter_without_a_default_is_undecided() -> None:
    data = YAML.replace(", Default: 1", "").encode()
    assert report_on(read("template", data)).floor.verdict == "undecided"


def test_a_broken_template_is_undecided_and_never_a_pass() -> None:
    data = YAML.replace("Resources:", "Resources: [").encode()
    assert report_on(read("template", data)).gate == "fail"


def test_a_baseline_makes_no_sense() -> None:
    with pytest.raises(InputError, match="takes no --baseline"):
        read("template", YAML.encode(), baseline=read("template", YAML.encode()))
