"""Work that ends: Dataflow, Batch, Slurm clusters, and machines that other services
make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Accounted, Cause, Hold, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, size
from zerofloor.platforms.google.read import (
    CLOUD,
    declared,
    last,
    machines,
    pool_of,
)
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.rows import Row, read_rows
from zerofloor.stack import Hidden
from zerofloor.values import at, get, items

DATAFLOW: Final = (
    "gcp:dataflow/job:Job",
    "gcp:dataflow/flexTemplateJob:FlexTemplateJob",
    "gcp:dataflow/pipeline:Pipeline",
    "google-native:dataflow/v1b3:Job",
)
SLURM: Final = ("gcp:hypercomputecluster/cluster:Cluster",)
_ENDING: Final = ("google-native:batch/v1:Job",)
_NO_GPU: Final = (
    "gcp:datafusion/instance:Instance",
    "google-native:datafusion/v1:Instance",
    "google-native:datafusion/v1beta1:Instance",
    "gcp:cloudquotas/quotaPreference:QuotaPreference",
)
"""Data Fusion's `accelerators` are software packages (CDC, HEALTHCARE, CCAI_INSIGHTS); a quota
starts nothing."""


def _restored(estate: Estate, source: Declared, prefix: str) -> Machines:
    base = f"{prefix}computeInstanceRestoreProperties"
    return machines(estate, source, [f"{base}.machineType"], [f"{base}.guestAccelerators"])


ROWS: Final = (
    Row(
        cloud="aws",
        tokens=("gcp:container/awsNodePool:AwsNodePool",),
        platform="GKE on AWS node pool",
        machine=("config.instanceType",),
        count=("autoscaling.minNodeCount",),
        ceiling=("autoscaling.maxNodeCount",),
        cause=Cause.POOL_MINIMUM,
        because="its minimum, and no less than 1 is accepted",
        fix="Move the pool to a cluster whose minimum may be 0",
        source="SDK AwsNodePoolAutoscaling: minNodeCount is at least 1",
    ),
    Row(
        cloud="azure",
        tokens=("gcp:container/azureNodePool:AzureNodePool",),
        platform="GKE on Azure node pool",
        machine=("config.vmSize",),
        count=("autoscaling.minNodeCount",),
        ceiling=("autoscaling.maxNodeCount",),
        cause=Cause.POOL_MINIMUM,
        because="its minimum, and no less than 1 is accepted",
        fix="Move the pool to a cluster whose minimum may be 0",
        source="SDK AzureNodePoolAutoscaling: minNodeCount is at least 1",
    ),
    Row(
        cloud=CLOUD,
        tokens=("gcp:backupdisasterrecovery/restoreWorkload:RestoreWorkload",),
        platform="Restored instance",
        machine=("computeInstanceRestoreProperties.machineType",),
        machines=_restored,
        cause=Cause.INSTANCE,
        because="the restore makes an instance that runs",
        fix="Stop or delete the instance when the restore is checked",
        source="SDK RestoreWorkload.computeInstanceRestoreProperties",
    ),
)
READS: Final = frozenset(
    {*DATAFLOW, *SLURM, *_ENDING, *_NO_GPU, *(token for row in ROWS for token in row.tokens)}
)


def read(estate: Estate) -> Iterator[Part]:
    """Everything of these services that can keep a GPU."""
    yield from read_rows(estate, ROWS, declared)
    for source in declared(estate, *DATAFLOW):
        yield _dataflow(estate, source)
    for source in declared(estate, *SLURM):
        yield from _slurm(estate, source)
    for source in declared(estate, *_ENDING):
        because = "a batch job's machines go when it ends"
        yield Accounted(urn=source.urn, path="", because=because)
    for source in declared(estate, *_NO_GPU):
        yield Accounted(urn=source.urn, path="", because="it starts no machine with a GPU")


# Dataflow: the GPU stands in free text

_GPU: Final = re.compile(
    r"worker_accelerator|type:nvidia|accelerator=|nvidia[-_]|\b(?:a2|a3|a4|a4x|g2|g4)-[a-z]+-\d+",
    re.I,
)
_KEYS: Final = re.compile(
    r"machine_?type$|experiments|options|parameters|workload|sdkpipeline", re.I
)


def _dataflow(estate: Estate, source: Declared) -> Part:
    where = next(_asking(source.inputs, "", ""), None)
    if where is None:
        return Accounted(urn=source.urn, path="", because="asks for no accelerator")
    batch = source.inputs.get("type") in ("JOB_TYPE_BATCH", "PIPELINE_TYPE_BATCH")
    if batch:
        return Accounted(urn=source.urn, path="", because="a batch job's workers go with it")
    why = "A streaming job keeps at least one worker with a GPU, a batch job none once it is done"
    settle = "Add a hint (runs: one-shot for batch, always for streaming) to zerofloor.yaml"
    unread = Undecided(source.urn, where, why, settle)
    pool = pool_of(
        estate,
        source,
        Machines(undecided=(unread,)),
        platform="Dataflow workers",
        undecided=(unread,),
    )
    return unread if pool is None else pool


def _asking(value: Any, path: str, key: str) -> Iterator[str]:
    """The places that ask for an accelerator, or that hide whether they do."""
    if isinstance(value, Mapping):
        for name in sorted(value):
            yield from _asking(value[name], f"{path}.{name}" if path else str(name), str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _asking(item, f"{path}[{index}]", key)
    elif isinstance(value, Hidden):
        if re.search(r"experiments|options|machineType$", path, re.I):
            yield path
    elif isinstance(value, str) and _KEYS.search(path) and _GPU.search(value):
        yield path


# Slurm


def _slurm(estate: Estate, source: Declared) -> Iterator[Part]:
    """Static nodes of a Slurm cluster run always, dynamic ones when jobs wait."""
    path = "orchestrator.slurm.nodeSets"
    listed = source.field(path).items()
    if isinstance(listed, Hidden):
        yield source.open(path, "The node sets aren't known: perhaps static nodes with GPUs")
        return
    for index, item in enumerate(listed):
        base = f"{path}[{index}]"
        if isinstance(item, Hidden):
            yield source.open(base, "The node set isn't known: perhaps static nodes with GPUs")
        else:
            yield from _node_set(estate, source, base, at(item, "computeId"))
    login = "orchestrator.slurm.loginNodes"
    found = machines(estate, source, [f"{login}.machineType"])
    yield from _static(estate, source, found, login, f"{login}.count", default=1)


def _node_set(estate: Estate, source: Declared, base: str, compute: Any) -> Iterator[Part]:
    found = _compute(estate, source, base, compute)
    yield from _static(estate, source, found, base, f"{base}.staticNodeCount", default=0)


def _static(
    estate: Estate, source: Declared, found: Machines, base: str, path: str, *, default: int
) -> Iterator[Part]:
    number = size(source, [path], default, f"omitted: {default}")
    undecided: tuple[Undecided, ...] = ()
    units = 0
    if isinstance(number, Undecided):
        undecided = (number,)
    elif number.is_hidden:
        undecided = (
            source.open(
                path, f"{path} isn't known at preview, so any number of nodes could stay on"
            ),
        )
    else:
        units = number.known or 0
    step = source.evidence(path, "they run always, with or without jobs")
    hold = Hold(
        cause=Cause.STATIC_POOL,
        urn=source.urn,
        units=units,
        evidence=(*found.evidence, step),
        fix=f"Set {path} to 0 and maxDynamicNodeCount to the most that jobs may use",
    )
    pool = pool_of(
        estate,
        source,
        found,
        platform="Slurm nodes",
        holds=(hold,) if units else (),
        undecided=undecided,
        desired=units,
        part=base,
    )
    if pool is not None:
        yield pool


_BOUGHT: Final = ("newOnDemandInstances", "newSpotInstances", "newFlexStartInstances")


def _compute(estate: Estate, source: Declared, base: str, compute: Any) -> Machines:
    """The machine of the compute resource that a node set names."""
    listed = items(source.inputs.get("computeResources"))
    for index, item in enumerate([] if isinstance(listed, Hidden) else listed):
        if at(item, "id") != compute or isinstance(compute, Hidden):
            continue
        config = f"computeResources[{index}].config"
        for name in _BOUGHT:
            if get(source.inputs, f"{config}.{name}") is not None:
                return machines(estate, source, [f"{config}.{name}.machineType"])
    why = f"The machine of {last(compute) if isinstance(compute, str) else 'it'} isn't known"
    return Machines(undecided=(source.open(f"{base}.computeId", f"{why}: it could have GPUs"),))
