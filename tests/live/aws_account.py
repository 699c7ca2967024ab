"""An AWS account of moto's for tests: what runs, and which calls were made."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import boto3

REGION = "us-east-1"
NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def run_instance(kind: str = "g5.xlarge", **tags: str) -> str:
    """A running instance's ID."""
    made = client("ec2").run_instances(
        ImageId="ami-12c6146b",
        InstanceType=kind,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ]
        if tags
        else [],
    )
    return str(made["Instances"][0]["InstanceId"])


def make_group(name: str, least: int, most: int, kind: str = "g5.12xlarge") -> None:
    """An Auto Scaling group with `least` machines."""
    ec2 = client("ec2")
    template = ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": kind},
    )["LaunchTemplate"]["LaunchTemplateId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=least,
        MaxSize=most,
        DesiredCapacity=least,
        LaunchTemplate={"LaunchTemplateId": template},
        VPCZoneIdentifier=subnet,
    )


def gpu_use(instance: str, *values: float) -> None:
    """Utilisation as the CloudWatch agent reports it, one value an hour before NOW."""
    for hours, value in enumerate(values, 1):
        client("cloudwatch").put_metric_data(
            Namespace="CWAgent",
            MetricData=[
                {
                    "MetricName": "nvidia_smi_utilization_gpu",
                    "Dimensions": [{"Name": "InstanceId", "Value": instance}],
                    "Timestamp": NOW - datetime.timedelta(hours=hours),
                    "Value": value,
                }
            ],
        )


def export(folder: Path, *resources: dict[str, Any], name: str = "export.json") -> str:
    """The path of a stack export with these resources."""
    listed = [
        {
            "urn": f"urn:pulumi:dev::shop::{one['type']}::{index}",
            "custom": True,
            "id": one.get("id", ""),
            **one,
        }
        for index, one in enumerate(resources)
    ]
    path = folder / name
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": listed}}))
    return str(path)


def instances_of(group: str) -> list[str]:
    answer = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    return [one["InstanceId"] for one in answer["AutoScalingGroups"][0]["Instances"]]


def size_of(group: str) -> tuple[int, int, int]:
    answer = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    found = answer["AutoScalingGroups"][0]
    return found["MinSize"], found["DesiredCapacity"], found["MaxSize"]


def state_of(instance: str) -> str:
    answer = client("ec2").describe_instances(InstanceIds=[instance])
    return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])
