"""One change of each argument of a component on cloud instances. Run as a program it prints what
each declares before and after, as JSON: a process of its own, because a Pulumi program's state is
global."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from tests.components.test_refused_clouds import GIVEN

Args = Mapping[str, Any]

_BALANCER: Final[Args] = {
    "wake_signal": "load_balancer",
    "queue_name": None,
    "load_balancer_arn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/a/1",
    "target_group_arn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1",
}
_N1: Final[Args] = {"machine_type": "n1-standard-8", "accelerator": "nvidia-tesla-t4"}
_BAKED: Final[Args] = {"ami_type": "BOTTLEROCKET_x86_64_NVIDIA", "image_snapshot": "snap-1"}
_GIVEN: Final[Args] = {"environment_id": "e", "workload_profile_name": "a"}
_WARM: Final[Args] = {"warm_pool": "stopped"}

CHANGES: Final[Mapping[str, Mapping[str, tuple[Args, Args]]]] = {
    "EksGpuNodeGroup": {
        "name": ({}, {"name": "another"}),
        "cluster_name": ({}, {"cluster_name": "other"}),
        "node_role_arn": ({}, {"node_role_arn": "arn:aws:iam::123456789012:role/other"}),
        "subnet_ids": ({}, {"subnet_ids": ["subnet-2"]}),
        "region": ({"region": "us-east-1"}, {"region": "us-west-2"}),
        "any_region": ({}, {"any_region": True}),
        "instance_types": ({}, {"instance_types": ["g6.xlarge"]}),
        "capacity_type": ({}, {"capacity_type": "spot"}),
        "min_nodes": ({}, {"min_nodes": 1}),
        "max_nodes": ({}, {"max_nodes": 5}),
        "ami_type": ({}, {"ami_type": "BOTTLEROCKET_x86_64_NVIDIA"}),
        "disk_gib": ({}, {"disk_gib": 300}),
        "disk_throughput": ({}, {"disk_throughput": 500}),
        "local_disk": ({}, {"local_disk": False}),
        "parallel_pull": ({}, {"parallel_pull": True}),
        "image_snapshot": (_BAKED, {**_BAKED, "image_snapshot": "snap-2"}),
        "snapshot_rate": (_BAKED, {**_BAKED, "snapshot_rate": 200}),
        "labels": ({}, {"labels": {"team": "a"}}),
        "tags": ({}, {"tags": {"team": "a"}}),
    },
    "Ec2GpuGroup": {
        "name": ({}, {"name": "another"}),
        "subnet_ids": ({}, {"subnet_ids": ["subnet-2"]}),
        "security_group_ids": ({}, {"security_group_ids": ["sg-1"]}),
        "instance_profile": ({}, {"instance_profile": "p"}),
        "region": ({"region": "us-east-1"}, {"region": "us-west-2"}),
        "any_region": ({}, {"any_region": True}),
        "instance_types": ({}, {"instance_types": ["g6.xlarge"]}),
        "capacity_type": ({}, {"capacity_type": "spot"}),
        "image_id": ({}, {"image_id": "ami-1"}),
        "root_device": ({}, {"root_device": "/dev/xvda"}),
        "disk_gib": ({}, {"disk_gib": 300}),
        "disk_throughput": ({}, {"disk_throughput": 500}),
        "user_data": ({}, {"user_data": "#!/bin/sh"}),
        "min_instances": ({}, {"min_instances": 1}),
        "max_instances": ({}, {"max_instances": 5}),
        "startup_seconds": ({}, {"startup_seconds": 300}),
        "idle_seconds": ({}, {"idle_seconds": 1200}),
        "idle_cap_seconds": ({}, {"idle_cap_seconds": 7200}),
        "wake_signal": ({}, _BALANCER),
        "queue_name": ({}, {"queue_name": "more"}),
        "load_balancer_arn": (
            _BALANCER,
            {**_BALANCER, "load_balancer_arn": f"{_BALANCER['load_balancer_arn']}2"},
        ),
        "target_group_arn": (
            _BALANCER,
            {**_BALANCER, "target_group_arn": f"{_BALANCER['target_group_arn']}2"},
        ),
        "target_per_instance": ({}, {"target_per_instance": 20}),
        "warm_pool": ({}, _WARM),
        "warm_pool_size": (_WARM, {**_WARM, "warm_pool_size": 2}),
        "tags": ({}, {"tags": {"team": "a"}}),
    },
    "GkeGpuNodePool": {
        "name": ({}, {"name": "another"}),
        "cluster": ({}, {"cluster": "other"}),
        "location": ({}, {"location": "us-east1"}),
        "zones": ({}, {"zones": ["us-central1-a"]}),
        "any_region": ({}, {"any_region": True}),
        "machine_type": ({}, {"machine_type": "g2-standard-24"}),
        "accelerator": (_N1, {**_N1, "accelerator": "nvidia-tesla-v100"}),
        "accelerators": (_N1, {**_N1, "accelerators": 2}),
        "capacity_type": ({}, {"capacity_type": "spot"}),
        "reservation": ({}, {"reservation": "r"}),
        "min_nodes": ({}, {"min_nodes": 1}),
        "max_nodes": ({}, {"max_nodes": 5}),
        "driver": ({}, {"driver": "latest"}),
        "disk_gib": ({}, {"disk_gib": 300}),
        "disk_type": ({}, {"disk_type": "pd-ssd"}),
        "local_ssds": ({}, {"local_ssds": 1}),
        "image_streaming": ({}, {"image_streaming": False}),
        "image_disk": ({}, {"image_disk": "global/images/m"}),
        "service_account": ({}, {"service_account": "a@b"}),
        "labels": ({}, {"labels": {"team": "a"}}),
        "resource_labels": ({}, {"resource_labels": {"team": "a"}}),
    },
    "GceGpuGroup": {
        "name": ({}, {"name": "another"}),
        "zone": ({}, {"zone": "us-central1-b"}),
        "any_region": ({}, {"any_region": True}),
        "network": ({}, {"network": "other"}),
        "subnetwork": ({}, {"subnetwork": "s"}),
        "external_ip": ({}, {"external_ip": True}),
        "image": ({}, {"image": "j"}),
        "machine_type": ({}, {"machine_type": "g2-standard-24"}),
        "accelerator": (_N1, {**_N1, "accelerator": "nvidia-tesla-v100"}),
        "accelerators": (_N1, {**_N1, "accelerators": 2}),
        "capacity_type": ({}, {"capacity_type": "spot"}),
        "disk_gib": ({}, {"disk_gib": 300}),
        "disk_type": ({}, {"disk_type": "pd-ssd"}),
        "startup_script": ({}, {"startup_script": "#!/bin/sh"}),
        "service_account": ({}, {"service_account": "a@b"}),
        "scopes": ({"service_account": "a@b"}, {"service_account": "a@b", "scopes": ["s"]}),
        "min_instances": ({}, {"min_instances": 1}),
        "max_instances": ({}, {"max_instances": 5}),
        "subscription": ({}, {"subscription": "more"}),
        "messages_per_instance": ({}, {"messages_per_instance": 20}),
        "startup_seconds": ({}, {"startup_seconds": 300}),
        "labels": ({}, {"labels": {"team": "a"}}),
    },
    "CloudRunGpuService": {
        "name": ({}, {"name": "another"}),
        "location": ({}, {"location": "us-east4"}),
        "any_region": ({}, {"any_region": True}),
        "image": ({}, {"image": "server:2"}),
        "args": ({}, {"args": ["a"]}),
        "env": ({}, {"env": {"A": "b"}}),
        "port": ({}, {"port": 9000}),
        "health_path": ({}, {"health_path": "/ready"}),
        "startup_seconds": ({}, {"startup_seconds": 300}),
        "service_account": ({}, {"service_account": "a@b"}),
        "gpu": ({}, {"gpu": "nvidia-rtx-pro-6000"}),
        "cpu": ({}, {"cpu": "8"}),
        "memory": ({}, {"memory": "24Gi"}),
        "zonal_redundancy": ({}, {"zonal_redundancy": True}),
        "min_instances": ({}, {"min_instances": 1}),
        "max_instances": ({}, {"max_instances": 5}),
        "concurrency": ({}, {"concurrency": 20}),
        "timeout_seconds": ({}, {"timeout_seconds": 600}),
        "ingress": ({}, {"ingress": "all"}),
        "labels": ({}, {"labels": {"team": "a"}}),
    },
    "AksGpuNodePool": {
        "name": ({}, {"name": "another"}),
        "resource_group": ({}, {"resource_group": "other"}),
        "cluster": ({}, {"cluster": "other"}),
        "location": ({}, {"location": "eastus"}),
        "any_region": ({}, {"any_region": True}),
        "zones": ({}, {"zones": ["1"]}),
        "subnet_id": ({}, {"subnet_id": "s"}),
        "vm_size": ({}, {"vm_size": "Standard_NC48ads_A100_v4"}),
        "capacity_type": ({}, {"capacity_type": "spot"}),
        "capacity_reservation_group_id": ({}, {"capacity_reservation_group_id": "r"}),
        "min_nodes": ({}, {"min_nodes": 1}),
        "max_nodes": ({}, {"max_nodes": 5}),
        "driver": ({}, {"driver": "none"}),
        "disk_gib": ({}, {"disk_gib": 300}),
        "disk": ({}, {"disk": "ephemeral"}),
        "labels": ({}, {"labels": {"team": "a"}}),
        "tags": ({}, {"tags": {"team": "a"}}),
    },
    "ContainerAppsGpuService": {
        "name": ({}, {"name": "another"}),
        "resource_group": ({}, {"resource_group": "other"}),
        "location": ({}, {"location": "swedencentral"}),
        "any_region": ({}, {"any_region": True}),
        "environment_id": (_GIVEN, {**_GIVEN, "environment_id": "f"}),
        "workload_profile_name": (_GIVEN, {**_GIVEN, "workload_profile_name": "b"}),
        "image": ({}, {"image": "server:2"}),
        "args": ({}, {"args": ["a"]}),
        "env": ({}, {"env": {"A": "b"}}),
        "secret_env": ({}, {"secret_env": {"A": "b"}}),
        "port": ({}, {"port": 9000}),
        "health_path": ({}, {"health_path": "/ready"}),
        "startup_seconds": ({}, {"startup_seconds": 300}),
        "external": ({}, {"external": True}),
        "gpu": ({}, {"gpu": "A100"}),
        "cpu": ({}, {"cpu": "4"}),
        "memory": ({}, {"memory": "28Gi"}),
        "min_replicas": ({}, {"min_replicas": 1}),
        "max_replicas": ({}, {"max_replicas": 5}),
        "concurrency": ({}, {"concurrency": 20}),
        "cooldown_seconds": ({}, {"cooldown_seconds": 600}),
        "idle_cap_seconds": ({}, {"idle_cap_seconds": 7200}),
        "tags": ({}, {"tags": {"team": "a"}}),
    },
}
"""For each argument what a component has before and after its change, beside what it needs."""


def key_of(component: str, args: Args) -> str:
    """By what a component with these arguments is known."""
    return f"{component}.{json.dumps(args, sort_keys=True)}".replace("--", "-")


def main() -> None:
    """Prints, by the key of a component and its arguments, the type, inputs and replaceOnChanges of
    each resource by its name."""
    import pulumi
    from pulumi.runtime import mocks

    import zerofloor.components
    from zerofloor.components import declare

    made: dict[str, dict[str, Any]] = {}
    real = declare.CloudResource.__init__

    def recorded(self: Any, token: str, name: str, inputs: Any, opts: Any, **more: Any) -> None:
        key, _, own = name.partition("--")
        made[key][own] = {"type": token, "inputs": {}, "on": list(opts.replace_on_changes or ())}
        real(self, token, name, inputs, opts, **more)

    class Recorder(mocks.Mocks):
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
            key, _, own = args.name.partition("--")
            if own in made.get(key, {}):
                made[key][own]["inputs"] = dict(args.inputs)
            return "id", {**args.inputs, "latestVersion": 1, "selfLinkUnique": "link"}

        def call(self, args: mocks.MockCallArgs) -> Any:
            return {}

    def program() -> None:
        for component, changes in CHANGES.items():
            for args in (args for both in changes.values() for args in both):
                key = key_of(component, args)
                if key not in made:
                    made[key] = {}
                    given = {"name": "gpu", **GIVEN[component], **args}
                    getattr(zerofloor.components, component)(f"{key}--", given)

    declare.CloudResource.__init__ = recorded  # type: ignore[method-assign]
    mocks.set_mocks(Recorder())
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    sys.stdout.write(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
