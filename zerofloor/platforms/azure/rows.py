"""Azure services that are only "this token, these property paths, this default": a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Accounted, Cause, Part
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.machines import Machines, describe
from zerofloor.platforms.rows import PRESENT, Release, Row, read_rows
from zerofloor.values import Impossible, at, count, hidden, known_items, known_text


def _of_containers(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The GPUs that the containers of a group ask for together."""
    field = source.field("containers")
    whole = [field.value] if field.is_hidden else known_items(field.value)
    gpus, kinds = Decimal(0), []
    for index, container in enumerate(whole):
        path = f"containers[{index}]"
        asked = (
            at(container, "resources", "requests", "gpu"),
            at(container, "resources", "limits", "gpu"),
            at(container, "gpu"),
            at(container, "gpuLimit"),
        )
        given = [value for value in asked if value is not None]
        if not given:
            continue
        number = count(at(given[0], "count"))
        if any(hidden(value) for value in (*given, number)) or isinstance(number, Impossible):
            why = "The container's GPUs aren't known at preview"
            return Machines(undecided=(source.open(path, why),))
        gpus += Decimal(number if isinstance(number, int) else 1)
        kinds.append(known_text(at(given[0], "sku")) or "GPU")
    if not gpus:
        return Machines()
    shape = Shape(azure.CLOUD, f"ACI {kinds[0]} x {gpus}", gpus, f"NVIDIA {kinds[0]}")
    return Machines((shape,), evidence=(source.evidence("containers", describe((shape,))),))


_SPARK_GPU: Final = Shape(azure.CLOUD, "Synapse GPU node", None, "GPU of a Synapse Spark pool")


def _spark(estate: Estate, source: Declared, prefix: str) -> Machines:
    family = source.field("nodeSizeFamily")
    if family.is_hidden:
        why = "The pool's size family isn't known at preview: it may be the GPU family"
        return Machines(undecided=(family.undecided(why),))
    if not azure.is_text(family.value, "HardwareAcceleratedGPU"):
        return Machines()
    return Machines((_SPARK_GPU,), evidence=(family.evidence("its nodes have GPUs"),))


def _lab(estate: Estate, source: Declared, prefix: str) -> Machines:
    """Lab Services names sizes in its own words: `Classic_NCv3_6_112_S_SSD`."""
    name = source.field("virtualMachineProfile.sku.name")
    if name.is_hidden or re.search(r"(?i)_N[CDGV]", known_text(name.value) or ""):
        why = "Lab VMs run on their users' demand, and its size may be one with GPUs"
        return Machines(undecided=(name.undecided(why, "Add a hint (runs: never), or waive it"),))
    return Machines()


ROWS: Final = (
    Row(
        cloud=azure.CLOUD,
        tokens=("azure-native:labservices:Lab",),
        platform="Lab Services lab",
        machine=("virtualMachineProfile.sku.name",),
        machines=_lab,
        cause=Cause.INTERACTIVE,
        because="lab VMs run on their users' demand",
        fix="Set autoShutdownProfile",
        source="Azure Lab Services, “Configure auto-shutdown”",
    ),
    Row(
        cloud=azure.CLOUD,
        tokens=("azure-native:servicefabric:NodeType",),
        platform="Service Fabric node type",
        machine=("vmSize",),
        count=("vmInstanceCount",),
        default=1,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="a node type keeps its instances",
        fix="Use a CPU size, and a scale set that goes to 0 for GPU work",
        source="Service Fabric managed clusters, “Scale a node type”",
    ),
    Row(
        cloud=azure.CLOUD,
        tokens=(
            "azure-native:containerinstance:ContainerGroup",
            "azure:containerservice/group:Group",
        ),
        platform="Container Instances group",
        machine=("containers",),
        machines=_of_containers,
        cause=Cause.INSTANCE,
        because="a group that restarts its containers bills until it is deleted",
        fix="Set restartPolicy to OnFailure or Never for a run that ends, or delete the group",
        source="Azure Container Instances, “Run containerized tasks with restart policies”",
        releases=(
            Release(
                path="restartPolicy",
                values=("Never", "OnFailure"),
                because="its containers run once",
            ),
        ),
        price_as="container-instances",
    ),
    Row(
        cloud=azure.CLOUD,
        tokens=("azure-native:redhatopenshift:OpenShiftCluster",),
        platform="OpenShift worker profile",
        machine=("vmSize",),
        count=("count",),
        default=3,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="workers of the cluster are fixed at creation",
        fix="Use CPU workers, and a GPU machine set with a MachineAutoscaler",
        source="Azure Red Hat OpenShift, “Create a cluster”: at least 3 workers",
        each="workerProfiles",
    ),
    Row(
        cloud=azure.CLOUD,
        tokens=("azure:redhatopenshift/cluster:Cluster",),
        platform="OpenShift worker profile",
        machine=("workerProfile.vmSize",),
        count=("workerProfile.nodeCount",),
        default=3,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="workers of the cluster are fixed at creation",
        fix="Use CPU workers, and a GPU machine set with a MachineAutoscaler",
        source="azurerm, redhat_openshift_cluster: node_count 3 to 60",
    ),
    *(
        Row(
            cloud=azure.CLOUD,
            tokens=(token,),
            platform="Synapse Spark pool",
            machine=("nodeSizeFamily",),
            machines=_spark,
            count=("nodeCount", "autoScale.minNodeCount"),
            default=3,
            cause=Cause.POOL_MINIMUM,
            because="a Spark pool without auto-pause keeps its nodes",
            fix="Enable autoPause",
            change=((("autoPause", {"enabled": True, "delayInMinutes": 15}),) if native else ()),
            source="Azure Synapse, “Apache Spark pool configurations”: automatic pause",
            releases=(Release(path=path, values=(value,), because="the pool is paused when idle"),),
            price_as="synapse",
        )
        for token, path, value, native in (
            ("azure-native:synapse:BigDataPool", "autoPause.enabled", True, True),
            ("azure:synapse/sparkPool:SparkPool", "autoPause.delayInMinutes", PRESENT, False),
        )
    ),
)

_IN_VM: Final = "it installs software in a VM, which counts by itself"
_JOBS: Final = "its jobs end; their machines belong to a compute cluster"

HOLDS_NOTHING: Final[Mapping[str, str]] = {
    "azure-native:compute:VirtualMachineExtension": _IN_VM,
    "azure-native:compute:VirtualMachineScaleSetExtension": _IN_VM,
    "azure-native:compute:VirtualMachineScaleSetVMExtension": _IN_VM,
    "azure:compute/extension:Extension": _IN_VM,
    "azure:compute/virtualMachineScaleSetExtension:VirtualMachineScaleSetExtension": _IN_VM,
    "azure-native:compute:GalleryImage": "an image has no machine",
    "azure:compute/sharedImage:SharedImage": "an image has no machine",
    "azure-native:compute:ProximityPlacementGroup": "it says where machines are put",
    "azure:proximity/placementGroup:PlacementGroup": "it says where machines are put",
    "azure-native:machinelearningservices:Schedule": _JOBS,
    "azure-native:virtualmachineimages:VirtualMachineImageTemplate": "its VM ends with the build",
    "azure-native:databricks:Workspace": "a workspace has no machines; its clusters count",
    "azure:databricks/workspace:Workspace": "a workspace has no machines; its clusters count",
    "azure-native:computeschedule:ScheduledAction": "it acts on VMs that are attached elsewhere",
    "azure-native:monitor:AutoscaleSetting": "it scales others, which count by themselves",
    "azure:monitoring/autoscaleSetting:AutoscaleSetting": "it scales others, which count",
}
"""Types that may name GPUs and keep none running, each with the reason."""

READS: Final = frozenset(token for row in ROWS for token in row.tokens) | HOLDS_NOTHING.keys()


def read(estate: Estate) -> Iterator[Part]:
    """Every resource of the table."""
    yield from read_rows(estate, ROWS, azure.declared)
    for token, because in HOLDS_NOTHING.items():
        for source in azure.declared(estate, token):
            yield Accounted(urn=source.urn, path="", because=because)
