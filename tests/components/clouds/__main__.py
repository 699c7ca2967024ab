"""Pools and groups on the clouds' instances: each at its default, and with each argument that
raises its floor or changes what it declares."""

from typing import Any

import pulumi

from zerofloor.components import (
    AksGpuNodePool,
    CloudRunGpuService,
    ContainerAppsGpuService,
    Ec2GpuGroup,
    EksGpuNodeGroup,
    GceGpuGroup,
    GkeGpuNodePool,
    GpuPlatform,
)

# An output that no preview knows.
unknown = pulumi.CustomResource("aws:ec2/vpc:Vpc", "network", {"arn": None}).__dict__["arn"]


def eks(title: str, /, **more: Any) -> EksGpuNodeGroup:
    args: Any = {
        "cluster_name": "serving",
        "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
        "subnet_ids": ["subnet-1"],
        "instance_types": ["g6e.xlarge"],
        "max_nodes": 4,
    }
    return EksGpuNodeGroup(title, args | more)


eks("eks")
eks("eks-min", instance_types=["g6e.12xlarge"], min_nodes=2)
eks(
    "eks-all",
    name="Renamed_1",
    cluster_name=unknown,
    node_role_arn=unknown,
    subnet_ids=[unknown],
    region="eu-west-1",
    instance_types=["g5.xlarge", "g5.12xlarge"],
    capacity_type="spot",
    max_nodes=2.0,
    ami_type="BOTTLEROCKET_x86_64_NVIDIA",
    disk_gib=500,
    disk_throughput=125,
    labels={"tier": "gpu", "zone": unknown},
    tags={"team": "ml"},
)
eks("eks-neuron", instance_types=["inf2.xlarge"], local_disk=False)
eks("eks-arm", instance_types=["g5g.xlarge"])
eks("eks-soci", parallel_pull=True)
eks(
    "eks-soci-rocket",
    ami_type="BOTTLEROCKET_x86_64_NVIDIA",
    parallel_pull=True,
    disk_throughput=700,
)
eks("eks-baked", ami_type="BOTTLEROCKET_x86_64_NVIDIA", image_snapshot=unknown, snapshot_rate=100)


def ec2(title: str, /, **more: Any) -> Ec2GpuGroup:
    args: Any = {
        "subnet_ids": ["subnet-1"],
        "instance_types": ["g6e.xlarge"],
        "max_instances": 4,
        "wake_signal": "sqs",
        "queue_name": "jobs",
    }
    return Ec2GpuGroup(title, args | more)


BALANCER = (
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/llm/50dc6c495c0c9188"
)
TARGETS = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/llm/73e2d6bc24d8a067"

ec2("ec2")
ec2("ec2-min", min_instances=2, instance_types=["g6e.12xlarge"])
ec2("ec2-warm", warm_pool="running", warm_pool_size=3, instance_types=["p4d.24xlarge"])
ec2("ec2-stopped", warm_pool="stopped", instance_types=["p4d.24xlarge"])
ec2("ec2-spot", instance_types=["g6.xlarge", "g5.xlarge"], capacity_type="spot", max_instances=50)
ec2("ec2-types", instance_types=["g6.xlarge", "g5.xlarge"])
ec2(
    "ec2-web",
    name="web",
    wake_signal="load_balancer",
    queue_name=None,
    load_balancer_arn=BALANCER,
    target_group_arn=TARGETS,
    target_per_instance=60,
    idle_seconds=1800,
    startup_seconds=300,
    user_data="#!/bin/sh\ndocker run server",
    tags={"team": "ml"},
    region="eu-central-1",
    disk_gib=500,
)
ec2(
    "ec2-hidden",
    instance_types=["inf2.xlarge"],
    image_id=unknown,
    instance_profile=unknown,
    security_group_ids=[unknown],
    subnet_ids=unknown.apply(lambda one: [one]),
    user_data=pulumi.Output.secret("#!/bin/sh\ntoken=planted"),
    queue_name=unknown,
    root_device="/dev/xvda",
)
ec2(
    "ec2-web-hidden",
    wake_signal="load_balancer",
    queue_name=None,
    load_balancer_arn=unknown,
    target_group_arn=unknown,
)


def gke(title: str, /, **more: Any) -> GkeGpuNodePool:
    args: Any = {
        "cluster": "serving",
        "location": "us-central1",
        "machine_type": "g2-standard-8",
        "max_nodes": 4,
    }
    return GkeGpuNodePool(title, args | more)


gke("gke")
gke("gke-baked", image_disk="global/images/models")
gke("gke-min", machine_type="g2-standard-24", min_nodes=2)
gke(
    "gke-all",
    name="renamed",
    cluster=unknown,
    location="europe-west4",
    zones=["europe-west4-a", "europe-west4-b"],
    machine_type="a3-highgpu-8g",
    capacity_type="spot",
    driver="latest",
    disk_gib=500,
    disk_type="pd-ssd",
    local_ssds=16,
    image_streaming=False,
    service_account=unknown,
    labels={"tier": "gpu"},
    resource_labels={"team": "ml"},
)
gke(
    "gke-t4",
    location="us-central1-a",
    machine_type="n1-standard-8",
    accelerator="nvidia-tesla-t4",
    accelerators=2,
)
gke("gke-tpu", location="us-central1", machine_type="ct5lp-hightpu-4t")
gke(
    "gke-reserved",
    machine_type="a4-highgpu-8g",
    location="us-central1",
    reservation=unknown,
    any_region=True,
)


def gce(title: str, /, **more: Any) -> GceGpuGroup:
    args: Any = {
        "zone": "us-central1-a",
        "machine_type": "g2-standard-8",
        "image": "projects/ml-images/global/images/family/common-cu129-ubuntu-2204-nvidia-580",
        "subscription": "jobs",
        "max_instances": 4,
    }
    return GceGpuGroup(title, args | more)


gce("gce")
gce(
    "gce-min",
    machine_type="n1-standard-8",
    accelerator="nvidia-tesla-t4",
    accelerators=4,
    min_instances=2,
)
gce(
    "gce-all",
    name="renamed",
    subnetwork=unknown,
    external_ip=True,
    image=unknown,
    capacity_type="spot",
    disk_type="pd-ssd",
    startup_script=pulumi.Output.secret("token=planted"),
    service_account=unknown,
    scopes=[unknown],
    subscription=unknown,
    messages_per_instance=2,
    startup_seconds=900,
    labels={"team": "ml"},
)


def run(title: str, /, **more: Any) -> CloudRunGpuService:
    args: Any = {"location": "us-central1", "image": "server:1", "max_instances": 3}
    return CloudRunGpuService(title, args | more)


run("run")
run("run-min", min_instances=2)
run(
    "run-all",
    name="renamed",
    location="europe-west4",
    args=["--model", unknown],
    env={"B": "2", "TOKEN": pulumi.Output.secret("planted"), "A": unknown},
    port=8000,
    health_path="/health",
    startup_seconds=1800,
    service_account=unknown,
    gpu="nvidia-rtx-pro-6000",
    cpu="24",
    memory="96Gi",
    zonal_redundancy=True,
    concurrency=32,
    timeout_seconds=600,
    ingress="internal-and-load-balancing",
    labels={"team": "ml"},
)
run("run-public", ingress="all", env=pulumi.Output.secret({"TOKEN": "planted"}))


def aks(title: str, /, **more: Any) -> AksGpuNodePool:
    args: Any = {
        "resource_group": "models",
        "cluster": "serving",
        "vm_size": "Standard_NC24ads_A100_v4",
        "max_nodes": 4,
    }
    return AksGpuNodePool(title, args | more)


aks("aks")
aks("aksmin", vm_size="Standard_NC64as_T4_v3", min_nodes=2)
aks(
    "aks-all",
    name="renamed",
    resource_group=unknown,
    cluster=unknown,
    location="westeurope",
    zones=["1", "2"],
    subnet_id=unknown,
    vm_size="Standard_ND96is_MI300X_v5",
    any_region=True,
    capacity_type="spot",
    driver="none",
    disk_gib=1024,
    disk="ephemeral",
    labels={"tier": "gpu"},
    tags={"team": "ml"},
)
aks("aksreserved", capacity_reservation_group_id=unknown)


def app(title: str, /, **more: Any) -> ContainerAppsGpuService:
    args: Any = {
        "resource_group": "models",
        "location": "westus3",
        "image": "server:1",
        "max_replicas": 3,
    }
    return ContainerAppsGpuService(title, args | more)


app("app")
app("app-min", min_replicas=2)
app(
    "app-all",
    name="renamed",
    resource_group=unknown,
    location="swedencentral",
    args=["--model", unknown],
    env={"B": "2", "A": unknown},
    secret_env={"HF_TOKEN": pulumi.Output.secret("planted")},
    port=9000,
    health_path="/v2/health",
    startup_seconds=1205,
    external=True,
    gpu="A100",
    cpu="12",
    memory="100Gi",
    concurrency=4,
    cooldown_seconds=60,
    tags={"team": "ml"},
)
shared = pulumi.CustomResource(
    "azure-native:app:ManagedEnvironment",
    "shared",
    {
        "resourceGroupName": "models",
        "workloadProfiles": [{"name": "cards", "workloadProfileType": "Consumption-GPU-NC8as-T4"}],
    },
)
app("app-given", environment_id=shared.id, workload_profile_name="cards")
app("app-given-min", environment_id=shared.id, workload_profile_name="cards", min_replicas=1)
app("app-elsewhere", environment_id="/subscriptions/s/e", workload_profile_name="cards")


def platform(title: str, /, **more: Any) -> GpuPlatform:
    args: Any = {"cluster_name": "serving", "max_nodes": 2, "image": "server:1"}
    return GpuPlatform(title, args | more)


platform("on-eks", cloud="eks", role="nodes", machine_types=["g6e.xlarge", "g6.xlarge"])
platform(
    "on-eks-held",
    cloud="eks",
    role="nodes",
    machine_types=["g6e.12xlarge"],
    capacity_type="spot",
    gpus=4,
    min_replicas=1,
)
platform(
    "on-gke",
    cloud="gke",
    location="us-central1",
    machine_types=["g2-standard-8"],
    max_replicas=2,
    installed=["keda"],
)
platform(
    "on-aks",
    cloud="aks",
    resource_group="models",
    machine_types=["Standard_NC24ads_A100_v4"],
    capacity_type="spot",
    namespace=unknown,
    args=["--model", unknown],
    env={"A": unknown},
)
