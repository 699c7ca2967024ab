"""GPU machines on Compute Engine without Kubernetes: a managed instance group that a Pub/Sub
subscription fills from zero and empties again."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import pulumi

from zerofloor.components.arguments import camel, read
from zerofloor.components.declare import CloudResource, given
from zerofloor.components.gce_group_spec import GceGroupSpec


class GceGpuGroupArgs(TypedDict, total=False):
    """What a GceGpuGroup is made from. Bounds, types and places are checked, so they must be plain
    values; the rest may be Outputs."""

    name: str
    """Name of the instance group and its autoscaler. Default: the component's own name. Changing it
    replaces the group."""
    zone: Required[str]
    """Zone of the machines, checked against the regions in which the machine has a price. Changing
    it replaces the group."""
    any_region: bool
    """Accept a zone in whose region the machine has no known price. Default false."""
    network: pulumi.Input[str]
    """Network of the machines. Default default."""
    subnetwork: pulumi.Input[str]
    """Subnetwork of the machines. Without it, the network's own in the zone's region."""
    external_ip: bool
    """Give each machine an external address. Without one they need Private Google Access or NAT to
    load images and models. Default false."""

    machine_type: Required[str]
    """Machine type with GPUs, such as g2-standard-8, or an N1 type with accelerator. Running
    machines keep their type."""
    accelerator: str
    """On an N1 machine: the cards to add, such as nvidia-tesla-t4."""
    accelerators: float
    """On an N1 machine: their number, 1 where it isn't given."""
    image: Required[pulumi.Input[str]]
    """Boot image with the GPUs' drivers, such as a Deep Learning VM image."""
    capacity_type: str
    """Market: on-demand or spot. Default on-demand."""
    disk_gib: float
    """Size of the boot disk in GiB. Default 200."""
    disk_type: str
    """Type of the boot disk, such as pd-ssd or hyperdisk-balanced. Default pd-balanced."""
    startup_script: pulumi.Input[str]
    """What a machine runs when it starts, as plain text."""
    service_account: pulumi.Input[str]
    """Service account of the machines, by e-mail address. Without it, they have none."""
    scopes: pulumi.Input[Sequence[pulumi.Input[str]]]
    """OAuth scopes of the service account. Default
    https://www.googleapis.com/auth/cloud-platform."""

    min_instances: float
    """Machines kept while idle: each holds its GPUs. Default 0."""
    max_instances: Required[float]
    """The most machines at any load: the ceiling of what the group can cost."""
    subscription: Required[pulumi.Input[str]]
    """Name of the Pub/Sub subscription whose backlog wakes the group. A message counts until it is
    acknowledged, so a worker must acknowledge after its work, not before."""
    messages_per_instance: float
    """Messages that one machine should have; more of them start more machines. Default 10."""
    startup_seconds: float
    """Time from start until a machine works, model included. Default 600."""
    labels: Mapping[str, pulumi.Input[str]]
    """Google Cloud labels of the machines and their disks."""


class GceGpuGroup(pulumi.ComponentResource):
    """GPU machines on Compute Engine that need no Kubernetes: an instance template, a zonal managed
    instance group and its autoscaler, with bounds from 0.

    The autoscaler follows the messages of a Pub/Sub subscription, a signal that exists at zero;
    CPU or load-balancer traffic, which an empty group doesn't have, would never wake it. It
    scales in about 10 minutes after the last message was acknowledged, and may end a machine that
    still works when others are idle: such a worker's message is delivered again.
    """

    name: pulumi.Output[str]
    """Name of the instance group."""

    def __init__(
        self, name: str, args: GceGpuGroupArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(GceGroupSpec, "GceGpuGroup", name, args)
        super().__init__(
            "zerofloor:index:GceGpuGroup",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        child = pulumi.ResourceOptions(parent=self)
        template = CloudResource(
            "gcp:compute/instanceTemplate:InstanceTemplate",
            f"{name}-template",
            _template(spec),
            child,
            outputs=("selfLinkUnique",),
        )
        group = CloudResource(
            "gcp:compute/instanceGroupManager:InstanceGroupManager",
            name,
            {
                "name": spec.name,
                "zone": spec.zone,
                "baseInstanceName": spec.name,
                "versions": [{"instanceTemplate": template.output("selfLinkUnique")}],
                # A new template is for the machines that start after it.
                "updatePolicy": {"type": "OPPORTUNISTIC", "minimalAction": "REPLACE"},
                "waitForInstances": False,
            },
            # The autoscaler owns the size: no targetSize is declared, and none is put back.
            pulumi.ResourceOptions(
                parent=self, ignore_changes=["targetSize"], delete_before_replace=True
            ),
        )
        CloudResource(
            "gcp:compute/autoscaler:Autoscaler",
            f"{name}-autoscaler",
            {
                "name": spec.name,
                "zone": spec.zone,
                "target": group.id,
                "autoscalingPolicy": _policy(spec),
            },
            pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.name = group.urn.apply(lambda _: spec.name)
        self.register_outputs({"name": self.name})


def _template(spec: GceGroupSpec) -> dict[str, Any]:
    interface = given(
        {
            "network": spec.network if spec.subnetwork is None else None,
            "subnetwork": spec.subnetwork,
            "accessConfigs": [{"networkTier": "PREMIUM"}] if spec.external_ip else None,
        }
    )
    account = spec.service_account
    return given(
        {
            "machineType": spec.machine_type,
            "guestAccelerators": _cards(spec),
            "disks": [
                {
                    "boot": True,
                    "autoDelete": True,
                    "sourceImage": spec.image,
                    "diskSizeGb": spec.disk_gib,
                    "diskType": spec.disk_type,
                    "labels": dict(spec.labels),
                }
            ],
            "networkInterfaces": [interface],
            "scheduling": _scheduling(spec),
            "metadataStartupScript": spec.startup_script,
            "serviceAccount": None
            if account is None
            else {"email": account, "scopes": _listed(spec.scopes)},
            "labels": dict(spec.labels) or None,
        }
    )


def _listed(value: Any) -> Any:
    return value if isinstance(value, pulumi.Output) else list(value)


def _cards(spec: GceGroupSpec) -> list[dict[str, Any]] | None:
    """The cards that an N1 machine gets; other types have theirs without being told."""
    cards = spec.cards
    if cards is None or not spec.machine_type.startswith("n1-"):
        return None
    return [{"type": cards[0], "count": cards[1]}]


def _scheduling(spec: GceGroupSpec) -> dict[str, Any]:
    # A machine with GPUs can't be moved to another host (Compute Engine docs, "Host events").
    if spec.capacity_type == "spot":
        return {
            "onHostMaintenance": "TERMINATE",
            "automaticRestart": False,
            "preemptible": True,
            "provisioningModel": "SPOT",
            "instanceTerminationAction": "DELETE",
        }
    return {"onHostMaintenance": "TERMINATE", "automaticRestart": True}


def _policy(spec: GceGroupSpec) -> dict[str, Any]:
    name = pulumi.Output.from_input(spec.subscription).apply(
        lambda text: str(text).rsplit("/", 1)[-1]
    )
    backlog = {
        "name": "pubsub.googleapis.com/subscription/num_undelivered_messages",
        "filter": pulumi.Output.concat(
            'resource.type = "pubsub_subscription" AND resource.labels.subscription_id = "',
            name,
            '"',
        ),
        "singleInstanceAssignment": spec.messages_per_instance,
    }
    return {
        "mode": "ON",
        "minReplicas": spec.min_instances,
        "maxReplicas": spec.max_instances,
        "cooldownPeriod": spec.startup_seconds,
        "metrics": [backlog],
    }
