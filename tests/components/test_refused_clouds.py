"""Arguments that the components on cloud instances refuse: before anything is declared, each named,
with what to do."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

import zerofloor.components as components
from zerofloor.components import SpecError

GIVEN: dict[str, dict[str, Any]] = {
    "EksGpuNodeGroup": {
        "cluster_name": "c",
        "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
        "subnet_ids": ["subnet-1"],
        "instance_types": ["g6e.xlarge"],
        "max_nodes": 4,
    },
    "Ec2GpuGroup": {
        "subnet_ids": ["subnet-1"],
        "instance_types": ["g6e.xlarge"],
        "max_instances": 4,
        "wake_signal": "sqs",
        "queue_name": "jobs",
    },
    "GkeGpuNodePool": {
        "cluster": "c",
        "location": "us-central1",
        "machine_type": "g2-standard-8",
        "max_nodes": 4,
    },
    "GceGpuGroup": {
        "zone": "us-central1-a",
        "machine_type": "g2-standard-8",
        "image": "i",
        "subscription": "jobs",
        "max_instances": 4,
    },
    "AksGpuNodePool": {
        "resource_group": "g",
        "cluster": "c",
        "vm_size": "Standard_NC24ads_A100_v4",
        "max_nodes": 4,
    },
    "ContainerAppsGpuService": {
        "resource_group": "g",
        "location": "westus3",
        "image": "server:1",
        "max_replicas": 4,
    },
    "GpuPlatform": {
        "cloud": "eks",
        "cluster_name": "c",
        "role": "nodes",
        "machine_types": ["g6e.xlarge"],
        "max_nodes": 2,
        "image": "server:1",
    },
    "CloudRunGpuService": {"location": "us-central1", "image": "server:1", "max_instances": 4},
}
"""What each needs."""


def refused(component: str, args: dict[str, Any]) -> list[str]:
    """What a component named "gpu" says of what it needs, with these arguments in its place."""
    with pytest.raises(SpecError) as error:
        getattr(components, component)("gpu", {**GIVEN[component], **args})
    head = f'{component} "gpu": '
    lines = str(error.value).splitlines()
    assert all(line.startswith(head) for line in lines)
    return [line.removeprefix(head) for line in lines]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_nodes": 5}, "min_nodes: 5 is above `max_nodes`, which is 4"),
        ({"max_nodes": 0}, "max_nodes: must be at least 1"),
        ({"max_nodes": None}, "max_nodes: is required"),
        ({"max_nodes": 1001}, "max_nodes: must be at most 1000"),
        ({"min_nodes": -1}, "min_nodes: must be at least 0"),
        ({"desired_nodes": 1}, "desired_nodes: is not an argument of this component; did you mean min_nodes?"),
        ({"instance_types": ["g6e.xlarg"]}, "instance_types[0]: g6e.xlarg is not among the instance types whose GPUs zerofloor knows; did you mean g6e.xlarge?"),
        ({"instance_types": ["m7i.large"]}, "instance_types[0]: m7i.large has no GPU"),
        ({"instance_types": []}, "instance_types: must name at least one"),
        ({"instance_types": ["g6e.xlarge"] * 21}, "instance_types: must name at most 20"),
        ({"instance_types": ["g6e.xlarge", "inf2.xlarge"]}, "instance_types: mixes aws.amazon.com/neuron and nvidia.com/gpu: make one group for each, as each has its own taint"),
        ({"instance_types": ["g5.xlarge", "g5g.xlarge"]}, "instance_types: mixes Arm and x86 processors: make one group for each"),
        ({"instance_types": ["g4ad.xlarge"]}, "instance_types[0]: EKS has no image with drivers for AMD Radeon Pro V520"),
        ({"capacity_type": "SPOT"}, "capacity_type: must be one of on-demand, spot; did you mean spot?"),
        ({"region": "us-east1"}, "region: us-east1 is not among the regions with GPUs that zerofloor knows; did you mean us-east-1? Where it is one, set `any_region`"),
        ({"region": "eu-west-1", "instance_types": ["p5.4xlarge"]}, (
            "region: p5.4xlarge has no price in eu-west-1, so it is probably not sold there; it has one in ap-northeast-1, ap-south-1, "
            "ap-southeast-2, ap-southeast-3, …. Where it is sold all the same, set `any_region`"
        )),
        ({"ami_type": "AL2023_x86_64_STANDARD"}, (
            "ami_type: AL2023_x86_64_STANDARD can't run `instance_types`; must be one of AL2023_x86_64_NVIDIA, "
            "BOTTLEROCKET_x86_64_NVIDIA, BOTTLEROCKET_x86_64_NVIDIA_FIPS; did you mean AL2023_x86_64_NVIDIA?"
        )),
        ({"ami_type": "BOTTLEROCKET_x86_64_NVIDIA", "local_disk": True}, "local_disk: needs an `ami_type` of AL2023: Bottlerocket has none"),
        ({"local_disk": "yes"}, "local_disk: must be true or false"),
        ({"parallel_pull": True, "local_disk": False}, "parallel_pull: needs `disk_throughput` 600 or more, or `local_disk`: a slower disk makes pulls take longer"),
        ({"image_snapshot": "snap-1"}, "image_snapshot: needs `ami_type` of Bottlerocket, which has images on their own disk"),
        ({"snapshot_rate": 100}, "snapshot_rate: belongs to `image_snapshot`, which is not set"),
        ({"disk_throughput": 1000}, "disk_throughput: must be at most 750"),
        ({"name": "a b"}, "name: must be letters, digits, dashes and underscores, at most 63, as EKS names are: set `name`"),
        ({"name": "a" * 64}, "name: must be letters, digits, dashes and underscores, at most 63, as EKS names are: set `name`"),
        ({"cluster_name": None}, "cluster_name: is required"),
        ({"subnet_ids": []}, "subnet_ids: must name at least one"),
        ({"subnet_ids": "subnet-1"}, "subnet_ids: must be a list"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_node_group(args: dict[str, Any], says: str) -> None:
    assert refused("EksGpuNodeGroup", args) == [says]


LB = {"wake_signal": "load_balancer", "queue_name": None, "load_balancer_arn": "a", "target_group_arn": "b"}  # fmt: skip


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_instances": 5}, "min_instances: 5 is above `max_instances`, which is 4"),
        ({"max_instances": 0}, "max_instances: must be at least 1"),
        ({"max_size": 4}, "max_size: is not an argument of this component"),
        ({"instance_types": ["g6e.xlarge", "g6e.48xlage"]}, "instance_types[1]: g6e.48xlage is not among the instance types whose GPUs zerofloor knows; did you mean g6e.48xlarge?"),
        ({"instance_types": ["g5g.xlarge"]}, "image_id: is required: the default image is for NVIDIA GPUs beside x86 only"),
        ({"instance_types": ["trn1.2xlarge"]}, "image_id: is required: the default image is for NVIDIA GPUs beside x86 only"),
        ({"wake_signal": "alb"}, "wake_signal: must be one of sqs, load_balancer"),
        ({"wake_signal": None}, "wake_signal: is required"),
        ({"queue_name": None}, "queue_name: is required with `wake_signal` sqs"),
        ({"target_group_arn": "b"}, "target_group_arn: belongs to `wake_signal` load_balancer, and this one is sqs"),
        ({**LB, "target_group_arn": None}, "target_group_arn: is required with `wake_signal` load_balancer"),
        ({**LB, "idle_seconds": 300}, (
            "idle_seconds: 300 is below `startup_seconds`, which is 600: a caller that was refused would find nothing at a retry"
        )),
        ({"idle_seconds": 90}, "idle_seconds: must be whole minutes: the alarm looks once a minute"),
        ({"idle_seconds": 7200}, (
            "idle_seconds: 7200 bills GPUs for longer after the last request than `idle_cap_seconds`, which is 3600; raise that to allow it"
        )),
        ({"warm_pool": "hibernated"}, "warm_pool: must be one of none, stopped, running"),
        ({"warm_pool": "stopped", "capacity_type": "spot"}, "warm_pool: excludes `capacity_type` spot: AWS has no warm spot pool"),
        ({"warm_pool": "stopped", "instance_types": ["g6.xlarge", "g5.xlarge"]}, "warm_pool: needs a single one of `instance_types`"),
        ({"warm_pool": "stopped", "warm_pool_size": 5}, "warm_pool_size: 5 is above `max_instances`, which is 4"),
        ({"subnet_ids": []}, "subnet_ids: must name at least one"),
        ({"warm_pool_size": 2}, "warm_pool_size: needs `warm_pool` stopped or running"),
        ({"capacity_type": "on_demand"}, "capacity_type: must be one of on-demand, spot; did you mean on-demand?"),
        ({"name": "a b"}, "name: must be letters, digits, dashes, dots and underscores, at most 100: set `name`"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_group_on_ec2(args: dict[str, Any], says: str) -> None:
    assert refused("Ec2GpuGroup", args) == [says]


T4 = {"machine_type": "n1-standard-8", "accelerator": "nvidia-tesla-t4"}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_nodes": 5}, "min_nodes: 5 is above `max_nodes`, which is 4"),
        ({"max_nodes": 0}, "max_nodes: must be at least 1"),
        ({"node_count": 1}, "node_count: is not an argument of this component"),
        ({"machine_type": "g2-standard-7"}, "machine_type: g2-standard-7 is not among the machine types whose GPUs zerofloor knows; did you mean g2-standard-8?"),
        ({"machine_type": "e2-standard-8"}, "machine_type: e2-standard-8 has no GPU"),
        ({"machine_type": "g4-standard-6"}, "machine_type: g4-standard-6 has 0.125 of a GPU, and a pod asks for whole ones"),
        ({"machine_type": "n1-standard-8"}, "accelerator: is required: n1-standard-8 has no GPU itself"),
        ({**T4, "accelerator": "nvidia-l4"}, "accelerator: must be one of nvidia-tesla-t4, nvidia-tesla-p4, nvidia-tesla-v100, nvidia-tesla-p100; did you mean nvidia-tesla-t4?"),
        ({**T4, "accelerators": 9}, "accelerators: must be at most 8"),
        ({"accelerator": "nvidia-l4"}, "accelerator: is for N1 machines; g2-standard-8 has its own"),
        ({"location": "us-centrl1"}, "location: us-centrl1 is not among the regions with GPUs that zerofloor knows; did you mean us-central1? Where it is one, set `any_region`"),
        ({"location": "us-west2"}, (
            "location: g2-standard-8 has no price in us-west2, so it is probably not sold there; it has one in asia-east1, asia-northeast1, "
            "asia-northeast3, asia-south1, …. Where it is sold all the same, set `any_region`"
        )),
        ({"zones": ["us-east1-b"]}, "zones[0]: us-east1-b is not a zone of us-central1"),
        ({"capacity_type": "spot", "reservation": "r"}, "reservation: excludes `capacity_type` spot: spot is never reserved"),
        ({"machine_type": "a4-highgpu-8g", "disk_type": "pd-ssd", "any_region": True}, "disk_type: must be hyperdisk-balanced on a4-highgpu-8g"),
        ({"disk_type": "ssd"}, "disk_type: must be one of pd-balanced, pd-ssd, pd-standard, hyperdisk-balanced; did you mean pd-ssd?"),
        ({"image_disk": "global/images/m", "image_streaming": False}, "image_disk: needs `image_streaming`, through which GKE reads it"),
        ({"driver": "LATEST"}, "driver: must be one of default, latest, none; did you mean latest?"),
        ({"name": "Gpu"}, "name: must be lower-case letters, digits and dashes, at most 40, and begin with a letter, as GKE names are: set `name`"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_pool_of_gke(args: dict[str, Any], says: str) -> None:
    assert refused("GkeGpuNodePool", args) == [says]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_instances": 5}, "min_instances: 5 is above `max_instances`, which is 4"),
        ({"target_size": 1}, "target_size: is not an argument of this component"),
        ({"zone": "us-central1"}, "zone: us-central1 is not a zone, such as us-central1-a"),
        ({"zone": "us-west2-a"}, (
            "zone: g2-standard-8 has no price in us-west2, so it is probably not sold there; it has one in asia-east1, asia-northeast1, "
            "asia-northeast3, asia-south1, …. Where it is sold all the same, set `any_region`"
        )),
        ({"machine_type": "ct5lp-hightpu-4t"}, "machine_type: ct5lp-hightpu-4t is a TPU node of GKE: use GkeGpuNodePool"),
        ({"subscription": None}, "subscription: is required"),
        ({"messages_per_instance": 0.5}, "messages_per_instance: must be a whole number"),
        ({"name": "a" * 59}, "name: must be lower-case letters, digits and dashes, at most 58, and begin with a letter, as names on Compute Engine are: set `name`"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_group_on_compute_engine(args: dict[str, Any], says: str) -> None:
    assert refused("GceGpuGroup", args) == [says]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_instances": 5}, "min_instances: 5 is above `max_instances`, which is 4"),
        ({"gpu": "nvidia-l40s"}, "gpu: must be one of nvidia-l4, nvidia-rtx-pro-6000; did you mean nvidia-l4?"),
        ({"gpus": 2}, "gpus: is not an argument of this component; did you mean gpu?"),
        ({"cpu": "2"}, "cpu: must be at least 4 with nvidia-l4"),
        ({"memory": "8Gi"}, "memory: must be at least 16Gi with nvidia-l4"),
        ({"gpu": "nvidia-rtx-pro-6000", "memory": "64Gi"}, "memory: must be at least 80Gi with nvidia-rtx-pro-6000"),
        ({"timeout_seconds": 3601}, "timeout_seconds: must be at most 3600"),
        ({"ingress": "public"}, "ingress: must be one of all, internal, internal-and-load-balancing"),
        ({"location": "us-centrl1"}, "location: us-centrl1 is not among the regions with GPUs that zerofloor knows; did you mean us-central1? Where it is one, set `any_region`"),
        ({"health_path": "health"}, "health_path: must be a path that starts with /"),
        ({"name": "my_service"}, "name: must be lower-case letters, digits and dashes, at most 49, and begin with a letter, as names on Cloud Run are: set `name`"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_service_of_cloud_run(args: dict[str, Any], says: str) -> None:
    assert refused("CloudRunGpuService", args) == [says]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_nodes": 5}, "min_nodes: 5 is above `max_nodes`, which is 4"),
        ({"max_nodes": 0}, "max_nodes: must be at least 1"),
        ({"vm_size": "Standard_NC24ads_A100_v5"}, "vm_size: Standard_NC24ads_A100_v5 is not among the VM sizes whose GPUs zerofloor knows; did you mean Standard_NC24ads_A100_v4?"),
        ({"vm_size": "Standard_D4s_v5"}, "vm_size: Standard_D4s_v5 has no GPU"),
        ({"vm_size": "Standard_NV6ads_A10_v5"}, "vm_size: Standard_NV6ads_A10_v5 has 0.167 of a GPU, and a pod asks for whole ones"),
        ({"vm_size": "Standard_NC128ds_xl_RTXPRO6000BSE_v6"}, "vm_size: Standard_NC128ds_xl_RTXPRO6000BSE_v6 is not a size that AKS runs yet"),
        ({"location": "westeurop"}, "location: westeurop is not among the locations with GPUs that zerofloor knows; did you mean westeurope? Where it is one, set `any_region`"),
        ({"location": "southindia"}, (
            "location: Standard_NC24ads_A100_v4 has no price in southindia, so it is probably not sold there; it has one in "
            "australiaeast, brazilsouth, canadacentral, centralindia, …. Where it is sold all the same, set `any_region`"
        )),
        ({"capacity_type": "spot", "capacity_reservation_group_id": "i"}, "capacity_reservation_group_id: excludes `capacity_type` spot: spot is never reserved"),
        ({"disk": "local"}, "disk: must be one of managed, ephemeral"),
        ({"enable_auto_scaling": False}, "enable_auto_scaling: is not an argument of this component"),
        ({"name": "gpu-pool"}, "name: must be lower-case letters and digits, at most 12, and begin with a letter, as AKS names are: set `name`"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_pool_of_aks(args: dict[str, Any], says: str) -> None:
    assert refused("AksGpuNodePool", args) == [says]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_replicas": 5}, "min_replicas: 5 is above `max_replicas`, which is 4"),
        ({"gpu": "a100"}, "gpu: must be one of T4, A100; did you mean A100?"),
        ({"cpu": "16"}, "cpu: must be at most 8, which is all that Consumption-GPU-NC8as-T4 has"),
        ({"memory": "64Gi"}, "memory: must be at most 56Gi, which is all that Consumption-GPU-NC8as-T4 has"),
        ({"environment_id": "i"}, "workload_profile_name: is required with `environment_id`: the name of its profile of type Consumption-GPU-NC8as-T4"),
        ({"workload_profile_name": "gpu"}, "workload_profile_name: needs `environment_id`"),
        ({"secret_env": {"HF TOKEN": "x"}}, "secret_env.HF TOKEN: is not a valid name for an environment variable"),
        ({"cooldown_seconds": 7200}, (
            "cooldown_seconds: 7200 bills GPUs for longer after the last request than `idle_cap_seconds`, which is 3600; raise that to allow it"
        )),
        ({"startup_seconds": 2401}, "startup_seconds: must be at most 2400"),
        ({"name": "a"}, (
            "name: must be 2 to 32 lower-case letters, digits and single dashes, and begin with a letter, as names of container apps are: set `name`"
        )),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_container_app(args: dict[str, Any], says: str) -> None:
    assert refused("ContainerAppsGpuService", args) == [says]


AKS = {"cloud": "aks", "role": None, "resource_group": "g", "machine_types": ["Standard_NC24ads_A100_v4"]}  # fmt: skip


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"cloud": "ecs"}, "cloud: must be one of eks, gke, aks; did you mean eks?"),
        ({"role": None}, "role: is required with `cloud` eks"),
        ({"location": "us-central1"}, "location: belongs to `cloud` gke, and this one is eks"),
        ({"machine_types": ["g6e.xlarg"]}, "machine_types[0]: g6e.xlarg is not among the instance types whose GPUs zerofloor knows; did you mean g6e.xlarge?"),
        ({**AKS, "machine_types": ["Standard_D4s_v5"]}, "machine_types: Standard_D4s_v5 has no GPU"),
        ({**AKS, "machine_types": ["Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4"]}, "machine_types: must name one with `cloud` aks"),
        ({**AKS, "gpus": 2}, "gpus: 2 do not fit on a node, which holds 1"),
        ({"min_replicas": 2}, "min_replicas: 2 is above `max_replicas`, which is 1"),
        ({"max_replicas": 3}, "max_nodes: 2 nodes hold 2 GPUs, and `max_replicas` 3 of `gpus` 1 need 3"),
        ({"installed": ["prometheus"]}, "installed[0]: must be one of keda, http-add-on, device-plugin, metrics"),
        ({"max_gpus": 4}, "max_gpus: is not an argument of this component; did you mean gpus?"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_platform(args: dict[str, Any], says: str) -> None:
    assert refused("GpuPlatform", args) == [says]


def test_every_problem_is_told_at_once() -> None:
    assert refused(
        "EksGpuNodeGroup",
        {"min_nodes": 5, "capacity_type": "cheap", "subnet_ids": None, "instance_types": ["g6.xl"]},
    ) == [
        "subnet_ids: is required",
        "capacity_type: must be one of on-demand, spot",
        "min_nodes: 5 is above `max_nodes`, which is 4",
        "instance_types[0]: g6.xl is not among the instance types whose GPUs zerofloor knows; did you mean "
        "g6.xlarge?",
    ]


@pytest.mark.parametrize(
    ("component", "argument"),
    [
        ("EksGpuNodeGroup", "min_nodes"),
        ("EksGpuNodeGroup", "max_nodes"),
        ("EksGpuNodeGroup", "instance_types"),
        ("EksGpuNodeGroup", "region"),
        ("Ec2GpuGroup", "max_instances"),
        ("Ec2GpuGroup", "idle_seconds"),
        ("Ec2GpuGroup", "warm_pool_size"),
        ("GkeGpuNodePool", "max_nodes"),
        ("GkeGpuNodePool", "machine_type"),
        ("GceGpuGroup", "max_instances"),
        ("CloudRunGpuService", "min_instances"),
        ("CloudRunGpuService", "location"),
        ("AksGpuNodePool", "max_nodes"),
        ("ContainerAppsGpuService", "max_replicas"),
    ],
)
def test_what_is_checked_may_be_no_output(component: str, argument: str) -> None:
    (says,) = refused(component, {argument: pulumi.Output.secret(1)})
    assert says == (
        f"{argument}: must be a plain value, not an Output: it is checked in the preview, where an "
        "Output may be unknown; use configuration"
    )
