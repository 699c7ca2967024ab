"""Nebius: instances and node groups (the third-party package generated from its Terraform
provider)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import account, token_set, tokens
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, machines_of
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import NUMBER, PRESENT, Release, Row, Scaling, read_rows

CLOUD: Final = "nebius"


def _machines(at: str) -> Callable[[Estate, Declared, str], Machines]:
    """A machine is named by a platform (`gpu-h100-sxm`) and a preset (`8gpu-128vcpu-1600gb`)."""

    def read(estate: Estate, source: Declared, prefix: str) -> Machines:
        platform = source.field(f"{at}.platform")
        preset = source.field(f"{at}.preset")
        named, size = platform.text(), preset.text()
        if isinstance(named, str) and named.startswith("cpu"):
            return machines_of(estate, CLOUD, source, platform.path, f"{named}_cpu")
        if platform.is_hidden:
            why = f"{platform.path} isn't known at preview: it may be a GPU platform"
            return Machines(undecided=(platform.undecided(why, SETTLE_TYPE),))
        if not isinstance(named, str):
            why = f"{platform.path} isn't given: it may be a GPU platform"
            return Machines(undecided=(platform.undecided(why, SETTLE_TYPE),))
        if preset.is_hidden:
            why = f"{preset.path} isn't known at preview: it says how many GPUs a machine has"
            return Machines(undecided=(preset.undecided(why, SETTLE_TYPE),))
        full = f"{named}_{size}" if isinstance(size, str) else named
        return machines_of(estate, CLOUD, source, platform.path, full)

    return read


_GROUP_TOKENS: Final = tokens(
    "nebius:index/mk8sV1NodeGroup:Mk8sV1NodeGroup",
    "nebius:index/mk8sV1alpha1NodeGroup:Mk8sV1alpha1NodeGroup",
    "nebius:index:NodeGroup",
)
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens(
            "nebius:index/computeV1Instance:ComputeV1Instance",
            "nebius:index/computeV1alpha1Instance:ComputeV1alpha1Instance",
            "nebius:index:Instance",
        ),
        platform="Nebius instance",
        machine=("resources.platform",),
        machines=_machines("resources"),
        cause=Cause.INSTANCE,
        because="a VM bills while it isn't stopped",
        fix="Set stopped to true when it isn't used, or use a node group with minNodeCount 0",
        change=(("stopped", True),),
        source=(
            "Nebius specific terms (Compute 2.3, 2.4: a stopped VM isn't charged, its disks are)"
        ),
        releases=(Release(path="stopped", values=(True,), because="stopped: only disks bill"),),
        spot=(("preemptible.onPreemption", "STOP"),),
        stopped="free but for its disks",
    ),
    Row(
        cloud=CLOUD,
        tokens=_GROUP_TOKENS,
        platform="Nebius node group",
        machine=("template.resources.platform",),
        machines=_machines("template.resources"),
        count=("fixedNodeCount",),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="a fixed-size group keeps this many nodes",
        fix="Replace fixedNodeCount by autoscaling with minNodeCount 0",
        change=(
            ("fixedNodeCount", None),
            ("autoscaling.minNodeCount", 0),
            ("autoscaling.maxNodeCount", NUMBER),
        ),
        source="pulumi_nebius 0.6.73 mk8sV1NodeGroup",
        scaling=Scaling(
            switch="autoscaling",
            on=(PRESENT,),
            minimum=("autoscaling.minNodeCount",),
            default=0,
            maximum=("autoscaling.maxNodeCount",),
            unproven="minNodeCount is 0; Nebius doesn't document that it accepts this",
            fix="Set autoscaling.minNodeCount to 0",
        ),
        nodes=Nodes(
            cloud_labels=("nebius.com/gpu", "nebius.com/node-group-id"),
            labels=("template.metadata.labels",),
            taints="template.taints",
        ),
    ),
)
_QUIET: Final = {
    "nebius:index/computeV1GpuCluster:ComputeV1GpuCluster": "a GPU cluster is a network",
    "nebius:index/capacityV1CapacityAllowance:CapacityV1CapacityAllowance": "a quota",
}
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
    yield from account(estate, _QUIET)
