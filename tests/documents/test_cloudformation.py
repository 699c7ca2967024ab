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


ENDPOINT = """\
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      AsyncInferenceConfig: {OutputConfig: {S3OutputPath: s3://b/o}}
      ProductionVariants:
      - {VariantName: v, ModelName: m, InstanceType: ml.g5.xlarge, InitialInstanceCount: 1}
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: !GetAtt Config.EndpointConfigName}
"""
SCALED = (
    ENDPOINT
    + """\
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      MinCapacity: 0
      MaxCapacity: 2
      ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/v"
      ScalableDimension: sagemaker:variant:DesiredInstanceCount
      ServiceNamespace: sagemaker
  Policy:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: p
      PolicyType: TargetTrackingScaling
      ScalingTargetId: !Ref Target
      TargetTrackingScalingPolicyConfiguration:
        TargetValue: 5
        CustomizedMetricSpecification:
          MetricName: ApproximateBacklogSizePerInstance
          Namespace: AWS/SageMaker
          Statistic: Average
          Dimensions: [{Name: EndpointName, Value: !GetAtt Endpoint.EndpointName}]
"""
)


def test_an_endpoint_runs_the_configuration_that_it_refers_to() -> None:
    """SageMaker developer guide, "Autoscale an asynchronous endpoint": its minimum may be 0."""
    held = report_on(read("template", ENDPOINT.encode()))
    assert (held.floor.verdict, held.floor.gpus) == ("held", Decimal(1))
    assert report_on(read("template", SCALED.encode())).floor.verdict == "zero"
    kept = SCALED.replace("MinCapacity: 0", "MinCapacity: 2").encode()
    assert report_on(read("template", kept)).floor.gpus == Decimal(2)


def test_a_finding_names_the_resource_and_its_line() -> None:
    report = report_on(read("t.yaml", ENDPOINT.encode()))
    assert {one.source for one in report.findings} >= {"t.yaml:2"}
    assert any(one.urn.endswith("::Config") for one in report.findings)


@pytest.mark.parametrize("condition", ["Fn::Equals: [a, a]", "Fn::Equals: [a, b]"])
def test_a_resource_whose_condition_is_false_is_not_there(condition: str) -> None:
    head = f"Conditions: {{Wanted: {{{condition}}}}}\nResources:\n  Box:\n    Condition: Wanted\n"
    tail = "    Type: AWS::EC2::Instance\n    Properties: {InstanceType: g5.xlarge}\n"
    floor = report_on(read("template", (head + tail).encode())).floor
    assert floor.verdict == ("held" if condition.endswith("a]") else "zero")


def test_a_custom_resource_that_is_given_a_gpu_type_is_undecided() -> None:
    data = b"Resources:\n  C: {Type: 'Custom::Fleet', Properties: {ServiceToken: t, T: g5.xlarge}}"
    data += b"\n  B: {Type: AWS::S3::Bucket}\n"
    assert report_on(read("template", data)).floor.verdict == "undecided"


def cdk(manifest: object, kind: str = "KubernetesResource", **more: object) -> bytes:
    key = "Values" if kind == "HelmChart" else "Manifest"
    applied = {
        "Type": f"Custom::AWSCDK-EKS-{kind}",
        "Properties": {"ServiceToken": "t", key: manifest, **more},
    }
    return json.dumps(
        {"Resources": {"Applied": applied, "B": {"Type": "AWS::S3::Bucket"}}}
    ).encode()


def deployment(replicas: int) -> str:
    """A Deployment as CDK writes it (aws-eks, k8s-manifest.ts: `stack.toJsonString`)."""
    limits = {"limits": {"nvidia.com/gpu": 1}}
    pod = {"spec": {"containers": [{"name": "c", "image": "x", "resources": limits}]}}
    spec = {"replicas": replicas, "template": pod}
    found = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    return json.dumps([found])


@pytest.mark.parametrize(("replicas", "verdict"), [(2, "held"), (0, "zero")])
def test_what_cdk_applies_to_a_cluster_is_read(replicas: int, verdict: str) -> None:
    floor = report_on(read("template", cdk(deployment(replicas)))).floor
    assert (floor.verdict, floor.gpus) == (verdict, Decimal(replicas))


def test_a_manifest_with_a_reference_in_it_is_read_around_it() -> None:
    head, tail = deployment(2).split('"x"')
    joined = {"Fn::Join": ["", [f'{head}"', {"Ref": "Image"}, f'"{tail}']]}
    assert report_on(read("template", cdk(joined))).floor.gpus == Decimal(2)


def test_a_manifest_that_cannot_be_read_is_undecided() -> None:
    hidden = cdk({"Fn::ImportValue": "other"})
    assert report_on(read("template", hidden)).floor.verdict == "undecided"


def test_a_chart_that_cdk_installs_is_read_by_its_values() -> None:
    values = json.dumps({"ollama": {"gpu": {"enabled": True, "number": 2}}})
    data = cdk(values, "HelmChart", Chart="ollama", Release="llm", Namespace="ai")
    assert report_on(read("template", data)).floor.gpus == Decimal(2)
    plain = cdk("{}", "HelmChart", Chart="ingress-nginx", Release="web")
    assert report_on(read("template", plain)).floor.verdict == "zero"


def test_a_pseudo_parameter_within_a_text_leaves_the_rest_of_it() -> None:
    """EC2 user guide, "Create alarms that stop an instance": the action is
    arn:aws:automate:REGION:ec2:stop."""
    stopped = """\
Resources:
  Box: {Type: AWS::EC2::Instance, Properties: {InstanceType: g5.xlarge}}
  Idle:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/EC2
      MetricName: CPUUtilization
      Statistic: Average
      Period: 300
      EvaluationPeriods: 12
      Threshold: 5
      ComparisonOperator: LessThanThreshold
      Dimensions: [{Name: InstanceId, Value: !Ref Box}]
      AlarmActions: [!Sub "arn:${AWS::Partition}:automate:${AWS::Region}:ec2:stop"]
"""
    assert report_on(read("template", stopped.encode())).floor.verdict == "zero"
    joined = stopped.replace(
        '!Sub "arn:${AWS::Partition}:automate:${AWS::Region}:ec2:stop"',
        '!Join [":", ["arn:aws:automate", !Ref "AWS::Region", "ec2:stop"]]',
    )
    assert report_on(read("template", joined.encode())).floor.verdict == "zero"
    recovered = stopped.replace("ec2:stop", "ec2:recover").encode()
    assert report_on(read("template", recovered)).floor.verdict == "held"


def test_endpoints_are_named_alike_by_the_stack_s_name() -> None:
    named = SCALED.replace(
        "{EndpointConfigName: !GetAtt Config.EndpointConfigName}",
        '{EndpointName: !Sub "${AWS::StackName}-e", EndpointConfigName: !Ref Config}',
    ).replace("endpoint/${Endpoint.EndpointName}/", "endpoint/${AWS::StackName}-e/")
    assert report_on(read("template", named.encode())).floor.verdict == "zero"


def test_a_condition_on_a_pseudo_parameter_is_not_known() -> None:
    data = """\
Conditions: {There: {"Fn::Equals": [{"Fn::Sub": "${AWS::Region}"}, us-east-1]}}
Resources:
  Box: {Type: AWS::EC2::Instance, Condition: There, Properties: {InstanceType: g5.xlarge}}
"""
    assert report_on(read("template", data.encode())).floor.verdict != "zero"


@pytest.mark.parametrize(("wanted", "verdict"), [(2, "held"), (0, "zero")])
def test_acronyms_are_spelt_as_aws_native_spells_them(wanted: int, verdict: str) -> None:
    given = {"EC2InstanceType": "g4dn.xlarge", "DesiredEC2Instances": wanted, "Name": "f"}
    body = {"Resources": {"F": {"Type": "AWS::GameLift::Fleet", "Properties": given}}}
    floor = report_on(read("template", json.dumps(body).encode())).floor
    assert (floor.verdict, floor.gpus) == (verdict, Decimal(wanted))


GROUP = """\
Parameters:
  Types: {Type: CommaDelimitedList, Default: "g5.xlarge, g5.2xlarge"}
  Wanted: {Type: "AWS::SSM::Parameter::Value<String>", Default: "yes"}
Conditions: {There: !Equals [!Ref Wanted, "no"]}
Resources:
  Group:
    Type: AWS::EKS::Nodegroup
    Properties:
      InstanceTypes: !Ref Types
      ScalingConfig: {MinSize: 1, DesiredSize: 1, MaxSize: 4}
"""


def test_a_list_of_types_is_given_as_one_text() -> None:
    """CloudFormation user guide, "Parameters": CommaDelimitedList, List<…>."""
    assert report_on(read("template", GROUP.encode())).floor.gpus == Decimal(1)
    plain = GROUP.replace("g5.xlarge, g5.2xlarge", "m5.large,m5.xlarge").encode()
    assert report_on(read("template", plain)).floor.verdict == "zero"
    second = GROUP.replace("!Ref Types", "[!Select [1, !Ref Types]]").replace("g5.2", "g5.12")
    assert report_on(read("template", second.encode())).floor.gpus == Decimal(4)


def test_what_systems_manager_keeps_is_not_its_key() -> None:
    data = GROUP.replace("    Properties:", "    Condition: There\n    Properties:").encode()
    assert report_on(read("template", data)).floor.verdict == "held"
