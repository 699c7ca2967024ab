"""The declarations of docs/evidence/beside-infracost.md, priced as the page says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.supplies import TODAY, resource, stack
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.reports.phrases import rows
from zerofloor.settings import Settings
from zerofloor.stack import UNKNOWN, Resource

PAGE: Final = Path(__file__).parents[2] / "docs" / "evidence" / "beside-infracost.md"


def eks(kind: str | None, least: int, desired: int, most: int, **more: Any) -> Resource:
    inputs = {
        "clusterName": "ml",
        "scalingConfig": {"minSize": least, "desiredSize": desired, "maxSize": most},
        **({"instanceTypes": [kind]} if kind else {}),
        **more,
    }
    return resource("aws:eks/nodeGroup:NodeGroup", kind or "group", inputs)


AT_ZERO = resource(
    "aws:eks/nodeGroup:NodeGroup",
    "gpu",
    {
        "instanceTypes": ["g4dn.xlarge"],
        "scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 0},
    },
)


def template(kind: str) -> Resource:
    return resource("aws:ec2/launchTemplate:LaunchTemplate", "lt", {"instanceType": kind})


def asg(kind: str, **size: int) -> list[Resource]:
    made = template(kind)
    uses = {"launchTemplate": [made.urn]}
    inputs = {"launchTemplate": {"id": UNKNOWN}, **size}
    return [made, resource("aws:autoscaling/group:Group", "asg", inputs, uses)]


def by_template() -> list[Resource]:
    made = template("m5.xlarge")
    inputs = {
        "launchTemplate": {"id": UNKNOWN},
        "scalingConfig": {"minSize": 1, "desiredSize": 3, "maxSize": 4},
    }
    uses = {"launchTemplate": [made.urn]}
    return [made, resource("aws:eks/nodeGroup:NodeGroup", "cpu", inputs, uses), AT_ZERO]


def ec2(kind: str, **more: Any) -> Resource:
    return resource("aws:ec2/instance:Instance", "box", {"instanceType": kind, **more})


def endpoint() -> list[Resource]:
    variant = {
        "variantName": "a",
        "modelName": "m",
        "instanceType": "ml.g5.xlarge",
        "initialInstanceCount": 1,
    }
    config = resource(
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "config",
        {"productionVariants": [variant]},
    )
    uses = {"endpointConfigName": [config.urn]}
    made = resource("aws:sagemaker/endpoint:Endpoint", "e", {"endpointConfigName": UNKNOWN}, uses)
    return [config, made]


def karpenter() -> list[Resource]:
    types = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g6e.xlarge"]}
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}
    nodes = {"template": {"spec": {"requirements": [types], "nodeClassRef": reference}}}
    limits = {"limits": {"nvidia.com/gpu": 1}}
    container = {"name": "c", "image": "i", "resources": {"limits": {**limits["limits"]}}}
    pods = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]}},
    }
    return [
        resource(
            "kubernetes:karpenter.sh/v1:NodePool",
            "gpu",
            {"metadata": {"name": "gpu"}, "spec": nodes},
        ),
        resource("kubernetes:apps/v1:Deployment", "x", {"metadata": {"name": "x"}, "spec": pods}),
    ]


DECLARATIONS: Final[list[list[Resource]]] = [
    [eks("t3.medium", 1, 1, 1), AT_ZERO],
    [eks("t3.medium", 1, 3, 3), AT_ZERO],
    [eks("t2.medium", 1, 1, 1, diskSize=30), AT_ZERO],
    by_template(),
    [ec2("m5.large")],
    [eks("g4dn.xlarge", 0, 0, 4)],
    [eks("g4dn.xlarge", 0, 2, 4)],
    [eks("g5.xlarge", 1, 2, 2, diskSize=100)],
    [eks("p3.2xlarge", 1, 1, 1, capacityType="SPOT")],
    [eks("p4d.24xlarge", 2, 2, 2)],
    asg("g4dn.xlarge", minSize=0, maxSize=5),
    asg("g5.xlarge", minSize=1, maxSize=5),
    asg("p3.8xlarge", minSize=0, desiredCapacity=2, maxSize=5),
    [ec2("g4dn.xlarge")],
    [ec2("p4d.24xlarge", rootBlockDevice={"volumeSize": 200, "volumeType": "gp3"})],
    [ec2("g6e.xlarge", availabilityZone="eu-west-1a")],
    endpoint(),
    karpenter(),
]


def table() -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def judged(resources: list[Resource]) -> Report:
    return judge((stack(*resources),), open_book(), Settings(), TODAY)


def test_the_page_has_every_declaration() -> None:
    assert [row[0] for row in table()] == [str(at + 1) for at in range(len(DECLARATIONS))]
    assert all(row[2] and row[7] for row in table()), "each with Infracost's figure and the reason"


@pytest.mark.parametrize("number", range(len(DECLARATIONS)))
def test_a_declaration_costs_what_the_page_says(number: int) -> None:
    shown = {row.name: row.monthly for row in rows(judged(DECLARATIONS[number]))}
    found = [shown[name] for name in ("floor", "desired", "ceiling", "residual")]
    assert found == table()[number][3:7]
