"""What no platform reads: undecided where it names a GPU, quiet where it only looks so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hiding import floor_of
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

NAMES_A_GPU: list[tuple[str, dict[str, Any]]] = [
    ("digitalocean:index/droplet:Droplet", {"size": "gpu-h100x1-80gb"}),
    ("linode:index/instance:Instance", {"type": "g2-gpu-rtx4000a1-s"}),
    ("vultr:index/instance:Instance", {"plan": "vcg-a100-1c-6g-4vram"}),
    ("scaleway:index/instanceServer:InstanceServer", {"type": "L4-1-24G"}),
    ("oci:Core/instance:Instance", {"shape": "BM.GPU.H100.8"}),
    ("ovh:CloudProject/kubeNodePool:KubeNodePool", {"flavorName": "a100-180", "desiredNodes": 1}),
    (
        "example:big/data:Cluster",
        {"coreInstanceGroup": {"instanceType": "p3.2xlarge", "instanceCount": 2}},
    ),
    ("example:ml/job:Job", {"accelerators": [{"type": "h100", "count": 8}]}),
    ("example:ml/job:Job", {"resources": {"limits": {"nvidia.com/gpu": "1"}}}),
    ("example:ml/job:Job", {"gpuCount": UNKNOWN}),
    ("example:ml/job:Job", {"gpuType": SECRET}),
    ("example:ml/job:Job", {"instanceType": UNKNOWN}),
]

LOOKS_LIKE_ONE: list[tuple[str, dict[str, Any]]] = [
    (
        "digitalocean:index/droplet:Droplet",
        {"size": "g-8vcpu-32gb", "image": "nvidia-ai", "name": "gpu-1"},
    ),
    (
        "example:big/data:Cluster",
        {"coreInstanceGroup": {"instanceType": "m5.xlarge"}, "name": "gpu"},
    ),
    ("example:disk/volume:Volume", {"type": "gp3", "size": 100}),
    (
        "example:compute/box:Box",
        {"instanceType": "t4g.micro", "tags": {"gpu": "nvidia"}, "description": "no H100 here"},
    ),
    ("example:ml/job:Job", {"gpuCount": 0, "gpuType": "h100"}),
    ("example:ml/job:Job", {"accelerators": [{"type": "h100", "count": 0}]}),
    ("example:ml/job:Job", {"gpu": {"enabled": False}}),
    ("example:ml/job:Job", {"password": SECRET, "endpoint": UNKNOWN}),
    ("aws:iam/policy:Policy", {"policy": '{"Condition": {"ec2:InstanceType": "p5.48xlarge"}}'}),
    ("kubernetes:core/v1:ConfigMap", {"data": {"gpu": "p5.48xlarge"}}),
    ("kubernetes:core/v1:ResourceQuota", {"spec": {"hard": {"requests.nvidia.com/gpu": "8"}}}),
    ("kubernetes:scheduling.k8s.io/v1:PriorityClass", {"metadata": {"name": "gpu"}, "value": 1}),
    ("kubernetes:nvidia.com/v1:ClusterPolicy", {"spec": {"devicePlugin": {"enabled": True}}}),
]


@pytest.mark.parametrize(("kind", "inputs"), NAMES_A_GPU)
def test_undecided(kind: str, inputs: dict[str, Any]) -> None:
    floor = floor_of(
        Stack("digest", (Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs),))
    )
    assert floor.verdict == "undecided"
    assert "GPU" in floor.undecided[0].why
    assert floor.undecided[0].path


@pytest.mark.parametrize(("kind", "inputs"), LOOKS_LIKE_ONE)
def test_quiet(kind: str, inputs: dict[str, Any]) -> None:
    floor = floor_of(
        Stack("digest", (Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs),))
    )
    assert (floor.verdict, floor.undecided) == ("zero", ())
