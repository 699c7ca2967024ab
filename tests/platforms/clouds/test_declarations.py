"""One resource each: 49 that hold a GPU and 30 that hold none, across the smaller clouds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hiding import floor_of
from zerofloor.stack import Resource, Stack

HELD: list[tuple[str, dict[str, Any], str]] = [
    (
        "databricks:index/cluster:Cluster",
        {"nodeTypeId": "g5.xlarge", "autoterminationMinutes": 0},
        "1",
    ),
    (
        "databricks:index/cluster:Cluster",
        {
            "nodeTypeId": "Standard_NC24ads_A100_v4",
            "autoterminationMinutes": 0,
            "numWorkers": 1,
        },
        "2",
    ),
    (
        "databricks:index/instancePool:InstancePool",
        {"nodeTypeId": "g5.xlarge", "minIdleInstances": 1},
        "1",
    ),
    (
        "databricks:index/modelServing:ModelServing",
        {
            "config": {
                "servedEntities": [{"workloadType": "MULTIGPU_MEDIUM", "scaleToZeroEnabled": False}]
            }
        },
        "4",
    ),
    (
        "databricks:index/modelServing:ModelServing",
        {
            "config": {
                "servedEntities": [{"workloadType": "GPU_SMALL", "scaleToZeroEnabled": False}]
            }
        },
        "1",
    ),
    (
        "databricks:index/modelServingProvisionedThroughput:ModelServingProvisionedThroughput",
        {"config": {"servedEntities": [{"entityName": "x", "provisionedModelUnits": 50}]}},
        "?",
    ),
    ("oci:Core/instance:Instance", {"shape": "BM.GPU4.8"}, "8"),
    ("oci:Core/instance:Instance", {"shape": "VM.GPU3.1"}, "1"),
    ("oci:Core/instance:Instance", {"shape": "VM.GPU.A10.2"}, "2"),
    ("oci:Core/instance:Instance", {"shape": "BM.GPU.H100.8", "state": "STOPPED"}, "8"),
    (
        "oci:ContainerEngine/nodePool:NodePool",
        {"nodeShape": "BM.GPU.A100-v2.8", "nodeConfigDetails": {"size": 1}},
        "8",
    ),
    (
        "oci:DataScience/modelDeployment:ModelDeployment",
        {
            "modelDeploymentConfigurationDetails": {
                "modelConfigurationDetails": {
                    "instanceConfiguration": {"instanceShapeName": "VM.GPU.A10.2"}
                }
            }
        },
        "2",
    ),
    (
        "oci:DataScience/notebookSession:NotebookSession",
        {"notebookSessionConfigDetails": {"shape": "VM.GPU3.1"}},
        "1",
    ),
    (
        "oci:GenerativeAi/dedicatedAiCluster:DedicatedAiCluster",
        {"type": "HOSTING", "unitCount": 1, "unitShape": "LARGE_COHERE"},
        "?",
    ),
    ("digitalocean:index/droplet:Droplet", {"size": "gpu-h100x8-640gb"}, "8"),
    (
        "digitalocean:index/kubernetesNodePool:KubernetesNodePool",
        {"size": "gpu-l40sx1-48gb", "nodeCount": 2},
        "2",
    ),
    (
        "digitalocean:index/dedicatedInference:DedicatedInference",
        {"modelDeployments": [{"accelerators": [{"acceleratorSlug": "gpu-mi300x1-192gb"}]}]},
        "1",
    ),
    (
        "snowflake:index/computePool:ComputePool",
        {"instanceFamily": "GPU_NV_S", "minNodes": 1, "autoSuspendSecs": 0},
        "1",
    ),
    ("linode:index/instance:Instance", {"type": "g2-gpu-rtx4000a1-s"}, "1"),
    (
        "linode:index/instance:Instance",
        {"type": "g2-gpu-rtx4000a1-s", "booted": False},
        "1",
    ),
    ("linode:index/lkeNodePool:LkeNodePool", {"type": "g1-gpu-rtx6000-2", "nodeCount": 1}, "2"),
    ("alicloud:ecs/instance:Instance", {"instanceType": "ecs.gn7i-c32g1.8xlarge"}, "1"),
    ("alicloud:ecs/instance:Instance", {"instanceType": "ecs.gn6v-c8g1.16xlarge"}, "8"),
    (
        "alicloud:cs/nodePool:NodePool",
        {"instanceTypes": ["ecs.ebmgn7e.32xlarge"], "desiredSize": "1"},
        "8",
    ),
    (
        "alicloud:pai/service:Service",
        {
            "serviceConfig": json.dumps(
                {
                    "metadata": {"instance": 2},
                    "cloud": {"computing": {"instance_type": "ecs.gn7i-c8g1.2xlarge"}},
                }
            )
        },
        "2",
    ),
    ("scaleway:instance/server:Server", {"type": "L4-1-24G"}, "1"),
    ("scaleway:index/instanceServer:InstanceServer", {"type": "H100-SXM-8-80G"}, "8"),
    ("scaleway:kubernetes/pool:Pool", {"nodeType": "L40S-2-48G", "size": 1}, "2"),
    ("scaleway:inference/deployment:Deployment", {"nodeType": "H100", "minSize": 1}, "1"),
    (
        "ovh:CloudProject/kubeNodePool:KubeNodePool",
        {"flavorName": "h100-380", "desiredNodes": 1},
        "1",
    ),
    ("vultr:index/instance:Instance", {"plan": "vcg-a100-12c-120g-80vram"}, "1"),
    (
        "vultr:index/bareMetalServer:BareMetalServer",
        {"plan": "vbm-256c-2048gb-8-mi300x-gpu"},
        "8",
    ),
    ("civo:index/instance:Instance", {"size": "an.g1.h100.x1"}, "1"),
    (
        "civo:index/kubernetesNodePool:KubernetesNodePool",
        {"size": "g4g.kube.small", "nodeCount": 2},
        "2",
    ),
    (
        "kubernetes:compute.coreweave.com/v1alpha1:NodePool",
        {"spec": {"instanceType": "gd-8xh200ib-i128", "targetNodes": 1}},
        "8",
    ),
    ("runpod:index:Pod", {"gpuTypeId": "NVIDIA A40", "gpuCount": 1}, "1"),
    ("runpod:index:Endpoint", {"gpuIds": "AMPERE_16", "workersMin": 1}, "1"),
    (
        "nebius:index/computeV1Instance:ComputeV1Instance",
        {"resources": {"platform": "gpu-h100-sxm", "preset": "8gpu-128vcpu-1600gb"}},
        "8",
    ),
    (
        "nebius:index/mk8sV1NodeGroup:Mk8sV1NodeGroup",
        {
            "fixedNodeCount": 1,
            "template": {"resources": {"platform": "gpu-l40s-a", "preset": "1gpu-8vcpu-32gb"}},
        },
        "1",
    ),
    ("exoscale:index/computeInstance:ComputeInstance", {"type": "gpua5000.small"}, "?"),
    (
        "exoscale:index/sksNodepool:SksNodepool",
        {"instanceType": "gpu2.small", "size": 1},
        "?",
    ),
    ("upcloud:index/server:Server", {"plan": "GPU-8xCPU-64GB-1xL40S"}, "1"),
    ("ionoscloud:index/gpuServer:GpuServer", {"templateUuid": "x"}, "?"),
    (
        "koyeb:index/service:Service",
        {"definition": {"instanceTypes": [{"type": "gpu-nvidia-a100"}], "scalings": [{"min": 1}]}},
        "1",
    ),
    (
        "genesiscloud:index/instance:Instance",
        {"type": "vcpu-4_memory-12g_disk-80g_nvidia3080-1"},
        "1",
    ),
    ("lambdalabs:index/instance:Instance", {"instanceTypeName": "gpu_1x_a10"}, "1"),
    ("crusoe:index/computeInstance:ComputeInstance", {"type": "a100-80gb.1x"}, "1"),
    (
        "replicate:index/deployment:Deployment",
        {"hardware": "gpu-a40-large", "minInstances": 1},
        "1",
    ),
    (
        "baseten:index/model:Model",
        {
            "config": json.dumps({"resources": {"accelerator": "H100:2"}}),
            "environments": {"production": {"autoscaling": {"minReplica": 1}}},
        },
        "2",
    ),
]
"""Type, inputs, GPUs (`?`: no page says how many)."""

QUIET: list[tuple[str, dict[str, Any]]] = [
    ("databricks:index/cluster:Cluster", {"nodeTypeId": "g5.xlarge", "numWorkers": 4}),
    (
        "databricks:index/cluster:Cluster",
        {"nodeTypeId": "m5.xlarge", "autoterminationMinutes": 0},
    ),
    (
        "databricks:index/instancePool:InstancePool",
        {"nodeTypeId": "g5.xlarge", "minIdleInstances": 0},
    ),
    (
        "databricks:index/modelServing:ModelServing",
        {"config": {"servedEntities": [{"workloadType": "CPU", "scaleToZeroEnabled": False}]}},
    ),
    ("oci:Core/instance:Instance", {"shape": "VM.Standard.E5.Flex"}),
    ("oci:Core/instance:Instance", {"shape": "VM.GPU.A10.1", "state": "STOPPED"}),
    (
        "oci:ContainerEngine/nodePool:NodePool",
        {"nodeShape": "VM.Standard3.Flex", "nodeConfigDetails": {"size": 3}},
    ),
    ("digitalocean:index/droplet:Droplet", {"size": "g-8vcpu-32gb"}),
    (
        "digitalocean:index/kubernetesNodePool:KubernetesNodePool",
        {"size": "gpu-l40sx1-48gb", "nodeCount": 0},
    ),
    (
        "snowflake:index/computePool:ComputePool",
        {"instanceFamily": "GPU_NV_S", "minNodes": 1, "autoSuspendSecs": 600},
    ),
    (
        "snowflake:index/computePool:ComputePool",
        {"instanceFamily": "CPU_X64_S", "minNodes": 1, "autoSuspendSecs": 0},
    ),
    ("linode:index/instance:Instance", {"type": "g6-standard-4"}),
    ("linode:index/instance:Instance", {"type": "g1-accelerated-netint-vpu-t1u1-s"}),
    ("alicloud:ecs/instance:Instance", {"instanceType": "ecs.g7.xlarge"}),
    (
        "alicloud:ecs/instance:Instance",
        {
            "instanceType": "ecs.gn7i-c8g1.2xlarge",
            "status": "Stopped",
            "stoppedMode": "StopCharging",
        },
    ),
    ("scaleway:instance/server:Server", {"type": "DEV1-S"}),
    ("scaleway:instance/server:Server", {"type": "L4-1-24G", "state": "stopped"}),
    (
        "ovh:CloudProject/kubeNodePool:KubeNodePool",
        {"flavorName": "h100-380", "desiredNodes": 0},
    ),
    ("ovh:CloudProject/kubeNodePool:KubeNodePool", {"flavorName": "b3-8", "desiredNodes": 3}),
    ("vultr:index/instance:Instance", {"plan": "vc2-1c-1gb"}),
    ("civo:index/instance:Instance", {"size": "g4s.kube.medium"}),
    ("coreweave:index/cksCluster:CksCluster", {"name": "x", "zone": "US-EAST-04A"}),
    ("runpod:index:Endpoint", {"gpuIds": "AMPERE_80", "gpuCount": 2}),
    ("runpod:index:Pod", {"computeType": "CPU", "instanceIds": ["cpu3c-2-4"]}),
    (
        "nebius:index/computeV1Instance:ComputeV1Instance",
        {
            "stopped": True,
            "resources": {"platform": "gpu-h100-sxm", "preset": "1gpu-16vcpu-200gb"},
        },
    ),
    ("hcloud:index/server:Server", {"serverType": "cpx31", "name": "gpu"}),
    ("crusoe:index/computeInstance:ComputeInstance", {"type": "c1a.8x"}),
    (
        "replicate:index/deployment:Deployment",
        {"hardware": "gpu-a40-large", "minInstances": 0},
    ),
    (
        "huggingface:index/endpoint:Endpoint",
        {"compute": {"accelerator": "cpu", "instanceType": "intel-icl", "instanceSize": "x1"}},
    ),
    (
        "koyeb:index/service:Service",
        {"definition": {"instanceTypes": [{"type": "gpu-nvidia-a100"}], "scalings": [{"min": 0}]}},
    ),
]


def _stack(kind: str, inputs: dict[str, Any]) -> Stack:
    return Stack("digest", (Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs),))


@pytest.mark.parametrize(("kind", "inputs", "gpus"), HELD)
def test_held(kind: str, inputs: dict[str, Any], gpus: str) -> None:
    floor = floor_of(_stack(kind, inputs))
    assert floor.verdict == "held", floor.undecided
    if gpus != "?":
        assert floor.gpus == int(gpus)


@pytest.mark.parametrize(("kind", "inputs"), QUIET)
def test_quiet(kind: str, inputs: dict[str, Any]) -> None:
    floor = floor_of(_stack(kind, inputs))
    assert (floor.verdict, floor.undecided) == ("zero", ())


def test_as_many_as_were_measured() -> None:
    assert len(HELD) == 49
    assert len(QUIET) == 30
