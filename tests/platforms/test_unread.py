"""What no platform reads: undecided where it names a GPU, quiet where it only looks so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hiding import floor_of
from zerofloor import platforms
from zerofloor.estate import estate
from zerofloor.floor.find import find_floor
from zerofloor.settings import parse
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

GPU = {"limits": {"nvidia.com/gpu": "1"}}


def deployment(resources: dict[str, Any]) -> dict[str, Any]:
    """A Deployment of one container with these resources."""
    template = {"spec": {"containers": [{"name": "c", "image": "x", "resources": resources}]}}
    return {"metadata": {"name": "d"}, "spec": {"template": template}}


NAMES_A_GPU: list[tuple[str, dict[str, Any]]] = [
    ("example:index/droplet:Droplet", {"size": "gpu-h100x1-80gb"}),
    ("example:index/instance:Instance", {"type": "g2-gpu-rtx4000a1-s"}),
    ("example:index/instance:Instance", {"plan": "vcg-a100-1c-6g-4vram"}),
    ("example:index/instanceServer:InstanceServer", {"type": "L4-1-24G"}),
    ("example:Core/instance:Instance", {"shape": "BM.GPU.H100.8"}),
    (
        "example:CloudProject/kubeNodePool:KubeNodePool",
        {"flavorName": "a100-180", "desiredNodes": 1},
    ),
    (
        "example:big/data:Cluster",
        {"coreInstanceGroup": {"instanceType": "p3.2xlarge", "instanceCount": 2}},
    ),
    ("example:ml/job:Job", {"accelerators": [{"type": "h100", "count": 8}]}),
    ("example:ml/job:Job", {"resources": {"limits": {"nvidia.com/gpu": "1"}}}),
    ("example:ml/job:Job", {"gpuCount": UNKNOWN}),
    ("example:ml/job:Job", {"gpuType": SECRET}),
    ("example:ml/job:Job", {"instanceType": UNKNOWN}),
    # Each cloud's own words for it (its provider's schema).
    ("example:cluster/cluster:Cluster", {"nodeTypeId": "g5.xlarge", "autoterminationMinutes": 0}),
    ("example:pool/pool:Pool", {"nodeTypeId": "Standard_NC24ads_A100_v4", "minIdleInstances": 1}),
    ("example:ml/serving:Serving", {"config": {"entities": [{"workloadType": "MULTIGPU_MEDIUM"}]}}),
    ("example:pool/computePool:ComputePool", {"instanceFamily": "GPU_NV_S", "minNodes": 1}),
    ("example:core/instance:Instance", {"shape": "BM.GPU4.8"}),
    ("example:core/instance:Instance", {"shape": "VM.GPU3.1"}),
    ("example:ml/deployment:Deployment", {"a": {"b": {"instanceShapeName": "VM.GPU.A10.2"}}}),
    ("example:ecs/instance:Instance", {"instanceType": "ecs.gn7i-c8g1.2xlarge"}),
    ("example:ecs/instance:Instance", {"instanceType": "ecs.ebmgn7e.32xlarge"}),
    ("example:cvm/instance:Instance", {"instanceType": "GN10Xp.2XLARGE40"}),
    (
        "example:pai/service:Service",
        {
            "serviceConfig": '{"metadata": {"instance": 1}, "cloud": {"computing": '
            '{"instance_type": "ecs.gn6i-c4g1.xlarge"}}}'
        },
    ),
    ("example:v1/node:Node", {"resources": {"platform": "gpu-h100-sxm", "preset": "8gpu-128vcpu"}}),
    ("kubernetes:compute.example.com/v1:NodeSet", {"spec": {"instanceType": "gd-8xh200ib-i128"}}),
    ("example:index/computeInstance:ComputeInstance", {"type": "gpua5000.small"}),
    ("example:index/computeInstance:ComputeInstance", {"type": "gpu2.small"}),
    ("example:index/instance:Instance", {"instanceTypeName": "gpu_1x_a10"}),
    ("example:index/instance:Instance", {"instanceTypeName": "gpu_8x_h100_sxm5"}),
    ("example:index/instance:Instance", {"profile": "gx3-16x80x1l4"}),
    ("example:index/deployment:Deployment", {"hardware": "gpu-a40-large"}),
    ("example:index/model:Model", {"config": '{"resources": {"accelerator": "A10G"}}'}),
    ("example:index/vmss:Vmss", {"skuName": "Standard_NC24ads_A100_v4", "instances": 4}),
    ("example:index/vmss:Vmss", {"skuName": UNKNOWN}),
    ("example:index/pod:Pod", {"gpuTypeId": "NVIDIA A40"}),
    ("example:index/group:Group", {"instanceTypesOndemand": "g4dn.xlarge", "minSize": 1}),
    ("example:index/group:Group", {"instanceTypesPreferredSpots": ["g4dn.xlarge"]}),
    ("example:index/pod:Pod", {"gpu_type_id": "NVIDIA A100 80GB PCIe", "gpu_count": 1}),
    ("example:index/endpoint:Endpoint", {"gpuIds": "AMPERE_16"}),
    ("example:index/server:Server", {"plan": "GPU-8xCPU-64GB-1xL40S"}),
    ("example:index/instance:Instance", {"size": "an.g1.l40s.kube.x1"}),
    ("example:index/instance:Instance", {"size": "g4g.kube.small"}),
    (
        "example:compute/instance:Instance",
        {"machineType": "projects/p/zones/us-central1-a/machineTypes/a2-highgpu-1g"},
    ),
    # GPUs by nature: no property says so.
    ("vastai:index/instance:Instance", {"offerId": 1, "image": "x"}),
    (
        "kubernetes:ome.io/v1beta1:InferenceService",
        {"spec": {"model": {"name": "llama"}, "engine": {"minReplicas": 1}}},
    ),
    ("oci:GenerativeAi/dedicatedAiCluster:DedicatedAiCluster", {"unitShape": "LARGE_COHERE"}),
    ("ionoscloud:index/gpuServer:GpuServer", {"templateUuid": "6a2f"}),
    # Accelerators by other names.
    (
        "kubernetes:apps/v1:Deployment",
        deployment({"limits": {"vendor.example.com/warp-core": 1}}),
    ),
    # What is hidden may be one.
    ("example:compute/linuxVirtualMachine:LinuxVirtualMachine", {"size": UNKNOWN}),
    ("example:instance/server:Server", {"type": UNKNOWN}),
    ("kubernetes:example.org/v1:Server", {"spec": {"template": {"containers": SECRET}}}),
    ("kubernetes:example.org/v1:Server", {"spec": UNKNOWN}),
    # Text that holds the declaration.
    (
        "kubernetes:argoproj.io/v1alpha1:Application",
        {
            "spec": {
                "source": {"helm": {"values": "resources:\n  limits:\n    nvidia.com/gpu: 1\n"}}
            }
        },
    ),
    (
        "kubernetes:helm.cattle.io/v1:HelmChart",
        {"spec": {"valuesContent": "resources:\n  limits:\n    nvidia.com/gpu: 1\n"}},
    ),
    # A group whose name only contains an inert one's.
    (
        "kubernetes:policy.example.io/v1:ConfigurationPolicy",
        {"spec": {"objects": [{"spec": {"containers": [{"resources": GPU}]}}]}},
    ),
    ("kubernetes:gpu.storage.example.com/v1:GPUServer", {"spec": {}}),
    # Scripts that start machines.
    (
        "command:local:Command",
        {"create": "aws ec2 run-instances --instance-type p4d.24xlarge --image-id ami-1"},
    ),
    (
        "command:local:Command",
        {"create": "gcloud container node-pools create p --accelerator type=nvidia-l4,count=1"},
    ),
    *(
        ("command:local:Command", {"create": call})
        for call in (
            "terraform apply -auto-approve -var instance_type=g5.xlarge",
            "tofu -chdir=gpu apply -var vm_size=Standard_NC24ads_A100_v4",
            "gcloud run deploy s --image x --gpu 1 --gpu-type nvidia-l4 --min-instances 1",
            "fly machine run x --vm-gpu-kind a100-40gb",
            "vastai create instance 123 --image x --disk 32",
            "runpodctl create pod --gpuType 'NVIDIA A100 80GB PCIe' --imageName x",
            "firectl create deployment accounts/f/models/m --min-replica-count 1",
            "firectl deployment create accounts/f/models/m",
            "kubectl run v --image vllm --limits=nvidia.com/gpu=1",
            "helm install v vllm/vllm-stack --set servingEngineSpec.modelSpec[0].requestGPU=1",
            r"helm upgrade --install t ./c --set resources.limits.nvidia\.com/gpu=1",
        )
    ),
    (
        "command:local:Command",
        {
            "create": "terraform apply -auto-approve",
            "environment": {"TF_VAR_instance_type": "p4d.24xlarge"},
        },
    ),
]

HOLDS_ONE: list[tuple[str, dict[str, Any]]] = [
    # Accelerators by the names of their vendors.
    ("kubernetes:apps/v1:Deployment", deployment({"limits": {device: 1}}))
    for device in (
        "nvidia.com/pgpu",
        "nvidia.com/GA100_A100_PCIE",
        "huawei.com/Ascend910",
        "cambricon.com/mlu",
        "kunlunxin.com/xpu",
    )
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
    (
        "kubernetes:ome.io/v1beta1:ClusterServingRuntime",
        {"spec": {"engineConfig": {"runner": {"resources": {"limits": {"nvidia.com/gpu": 8}}}}}},
    ),
    ("kubernetes:nvidia.com/v1:ClusterPolicy", {"spec": {"devicePlugin": {"enabled": True}}}),
    # Classes that name no machine.
    ("example:index/claim:Claim", {"storageClassName": "p4d.24xlarge", "size": "10Gi"}),
    ("example:index/app:App", {"priorityClassName": "g5.xlarge", "storageClass": "p5.48xlarge"}),
    ("example:index/entry:Entry", {"id": "g5.xlarge", "value": "p5.48xlarge"}),
    # Words that mean something else elsewhere.
    ("example:index/group:Group", {"instanceTypesOndemand": "m5.large", "minSize": 1}),
    ("github:index/repository:Repository", {"type": "t4"}),
    ("example:index/repository:Repository", {"type": "t4"}),
    ("example:index/plan:Plan", {"plan": "p4", "tier": "L4", "size": "a10"}),
    ("example:index/database:Database", {"nodeType": "db.t4"}),
    ("example:index/cache:Cache", {"nodeType": "cache.t4g.micro"}),
    ("example:index/instance:Instance", {"size": "g4s.kube.medium"}),
    ("example:index/instance:Instance", {"type": "g1-accelerated-netint-vpu-t1u1-s"}),
    ("example:index/endpoint:Endpoint", {"accelerator": "cpu", "instanceSize": "x2"}),
    ("example:index/pool:Pool", {"size": "gpu-h100x1-80gb", "nodeCount": 0}),
    ("example:index/pool:Pool", {"flavorName": "l4-90", "desiredNodes": 0, "autoscale": False}),
    ("example:index/server:Server", {"serverType": "cx22", "image": "ubuntu"}),
    ("example:index/pod:Pod", {"computeType": "CPU", "gpuCount": 0, "instanceIds": ["cpu3c"]}),
    ("example:index/build:Build", {"platform": "linux/amd64", "args": {"GPU": "no"}}),
    (
        "kubernetes:kyverno.io/v1:ClusterPolicy",
        {"spec": {"rules": [{"validate": {"pattern": {"spec": {"containers": [GPU]}}}}]}},
    ),
    ("kubernetes:apps/v1:Deployment", deployment({"limits": {"nvidia.com/gpu": 0}})),
    ("kubernetes:apps/v1:Deployment", deployment({"limits": {"vpc.amazonaws.com/efa": 4}})),
    ("kubernetes:apps/v1:Deployment", deployment({"limits": {"rdma/hca_shared_devices_a": 1}})),
    ("kubernetes:apps/v1:Deployment", deployment({"limits": {"hugepages-2Mi": "1Gi"}})),
    ("kubernetes:apps/v1:Deployment", deployment({"limits": {"devices.kubevirt.io/kvm": 1}})),
    ("kubernetes:example.org/v1:Server", {"metadata": {"name": SECRET}, "spec": {"replicas": 1}}),
    ("example:compute/instance:Instance", {"userData": "#!/bin/bash\napt install nvidia-driver"}),
    *(
        ("command:local:Command", {"create": call})
        for call in (
            "kubectl rollout restart deployment/web",
            "kubectl apply -f gpu-quota.yaml",
            "kubectl taint nodes --all nvidia.com/gpu=present:NoSchedule",
            "helm install gpu-operator nvidia/gpu-operator --set tolerations[0].key=nvidia.com/gpu",
            "terraform apply -auto-approve -var instance_type=m5.large",
            "terraform plan -var instance_type=g5.xlarge",
            "aws ec2 describe-instance-types --instance-types p4d.24xlarge",
            "docker run -d --gpus all vllm/vllm-openai",
            "firectl list deployments",
        )
    ),
    (
        "command:local:Command",
        {
            "create": "terraform apply -auto-approve",
            "environment": {"TF_VAR_instance_type": "m5.large"},
        },
    ),
    (
        "example:index/instanceTemplate:InstanceTemplate",
        {"machineType": "a2-highgpu-1g", "name": "unused"},
    ),
]


@pytest.mark.parametrize(("kind", "inputs"), NAMES_A_GPU)
def test_undecided(kind: str, inputs: dict[str, Any]) -> None:
    floor = floor_of(
        Stack("digest", (Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs),))
    )
    assert floor.verdict != "zero"
    for undecided in floor.undecided:
        assert "GPU" in undecided.why
        assert undecided.path or "by nature" in undecided.why


def test_what_is_undecided_is_called_by_its_type_and_name() -> None:
    kind = "example:index/droplet:Droplet"
    one = Resource(f"urn:pulumi:dev::x::{kind}::web", kind, "web", {"size": "gpu-h100x1-80gb"})
    (undecided,) = floor_of(Stack("digest", (one,))).undecided
    assert undecided.why.startswith("Droplet web may keep a GPU: size says gpu-h100x1-80gb, and ")


@pytest.mark.parametrize(("kind", "inputs"), HOLDS_ONE)
def test_held(kind: str, inputs: dict[str, Any]) -> None:
    floor = floor_of(
        Stack("digest", (Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs),))
    )
    assert floor.verdict == "held"


@pytest.mark.parametrize(("kind", "inputs"), LOOKS_LIKE_ONE)
def test_quiet(kind: str, inputs: dict[str, Any]) -> None:
    floor = floor_of(
        Stack("digest", (Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs),))
    )
    assert (floor.verdict, floor.undecided) == ("zero", ())


def one(kind: str, inputs: dict[str, Any], **more: Any) -> Resource:
    return Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs, **more)


INSTANCE = "aws:ec2/instance:Instance"


def test_what_leaves_the_stack_and_stays_in_the_cloud_is_undecided() -> None:
    for kind, instance_type, verdict in (
        (INSTANCE, "p4d.24xlarge", "undecided"),
        (INSTANCE, "t3.micro", "zero"),
        ("aws:ec2/launchTemplate:LaunchTemplate", "p4d.24xlarge", "zero"),
    ):
        kept = one(kind, {"instanceType": instance_type}, op="delete")
        assert floor_of(Stack("export", (), leftovers=(kept,))).verdict == verdict


def test_what_the_state_says_in_its_outputs_counts() -> None:
    for instance_type, verdict in (("p4d.24xlarge", "undecided"), ("t3.micro", "zero")):
        inputs: dict[str, Any] = {"tags": {"a": "b"}}
        box = one("example:ec2/box:Box", inputs, outputs={"instanceType": instance_type})
        assert floor_of(Stack("export", (box,))).verdict == verdict


@pytest.mark.parametrize(("runs", "verdict"), [("never", "zero"), ("always", "undecided")])
def test_a_hint_works_on_a_type_that_is_not_read(runs: str, verdict: str) -> None:
    hint = {"urn": "*::r", "runs": runs, "reason": "tried by hand"}
    settings = parse({"hints": {"workloads": [hint]}}, "zerofloor.yaml")
    stack = Stack("digest", (one("example:ml/job:Job", {"gpuCount": 1}),))
    whole = estate((stack,), settings)
    floor = find_floor(platforms.read(whole), whole)
    assert floor.verdict == verdict
    assert [a.source for a in floor.assumptions] == (["hint"] if runs == "never" else [])


def test_a_template_counts_where_something_unread_uses_it() -> None:
    template = one("example:ml/instanceTemplate:InstanceTemplate", {"machineType": "a2-highgpu-1g"})
    group = Resource(
        "urn:pulumi:dev::x::example:ml/fleet:Fleet::f",
        "example:ml/fleet:Fleet",
        "f",
        {"template": UNKNOWN, "size": 2},
        property_dependencies={"template": (template.urn,)},
    )
    assert floor_of(Stack("digest", (template,))).verdict == "zero"
    assert floor_of(Stack("digest", (group, template))).verdict == "undecided"


def test_what_a_script_names_is_said() -> None:
    command = one("command:local:Command", {"create": "./bench.sh --on p4d.24xlarge"})
    floor = floor_of(Stack("digest", (command,)))
    assert floor.verdict == "zero"
    assert ["p4d.24xlarge" in a.because for a in floor.assumptions] == [True]
