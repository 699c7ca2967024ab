"""Azure's type tokens: four spellings of an `azure-native` type, and `azure`, as one logical type
each."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_NATIVE: Final = re.compile(
    r"azure-native(?:_[a-z0-9]+_v\d{8}(?:preview|privatepreview)?)?"
    r":([a-z0-9]+)(?:/v\d{8}(?:preview|privatepreview)?)?:(\w+)"
)
"""Unversioned, versioned (SDK v1 and v2, aliases in v3), and the local packages of v3
(pulumi-azure-native, provider_parameterize.go: the package is `azure-native_MODULE_VERSION`)."""

_RENAMED: Final = {"insights": "monitor"}
"""Modules that v3 renamed; it keeps the old names as aliases (pulumi_azure_native 3.29.0)."""


@lru_cache(maxsize=4096)
def logical(token: str) -> str:
    """`azure-native:containerservice/v20240501:AgentPool` → `azure-native:containerservice:
    AgentPool`; what is no `azure-native` token stays as it is."""
    match = _NATIVE.fullmatch(token)
    if match is None:
        return token
    return f"azure-native:{_RENAMED.get(match[1], match[1])}:{match[2]}"


def is_native(token: str) -> bool:
    """Whether the token is of `azure-native`, in any spelling; else it is of the classic
    provider."""
    return logical(token).startswith("azure-native:")


@lru_cache(maxsize=4096)
def of_arm(kind: str) -> str:
    """The logical type of an ARM resource type: `Microsoft.Compute/virtualMachines` →
    `azure-native:compute:VirtualMachine`; empty where it is not one that is read."""
    return _ARM.get(kind.lower(), "")


_ARM: Final = {
    "microsoft.app/containerapps": "azure-native:app:ContainerApp",
    "microsoft.app/jobs": "azure-native:app:Job",
    "microsoft.app/managedenvironments": "azure-native:app:ManagedEnvironment",
    "microsoft.azurefleet/fleets": "azure-native:azurefleet:Fleet",
    "microsoft.batch/batchaccounts/pools": "azure-native:batch:Pool",
    "microsoft.cognitiveservices/accounts/deployments": "azure-native:cognitiveservices:Deployment",
    "microsoft.compute/capacityreservationgroups": "azure-native:compute:CapacityReservationGroup",
    "microsoft.compute/capacityreservationgroups/capacityreservations": (
        "azure-native:compute:CapacityReservation"
    ),
    "microsoft.compute/hostgroups/hosts": "azure-native:compute:DedicatedHost",
    "microsoft.compute/virtualmachines": "azure-native:compute:VirtualMachine",
    "microsoft.compute/virtualmachinescalesets": "azure-native:compute:VirtualMachineScaleSet",
    "microsoft.containerinstance/containergroups": "azure-native:containerinstance:ContainerGroup",
    "microsoft.containerservice/managedclusters": "azure-native:containerservice:ManagedCluster",
    "microsoft.containerservice/managedclusters/agentpools": (
        "azure-native:containerservice:AgentPool"
    ),
    "microsoft.devtestlab/schedules": "azure-native:devtestlab:GlobalSchedule",
    "microsoft.insights/autoscalesettings": "azure-native:monitor:AutoscaleSetting",
    "microsoft.machinelearningservices/workspaces/computes": (
        "azure-native:machinelearningservices:Compute"
    ),
    "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments": (
        "azure-native:machinelearningservices:OnlineDeployment"
    ),
    "microsoft.redhatopenshift/openshiftclusters": "azure-native:redhatopenshift:OpenShiftCluster",
    "microsoft.standbypool/standbyvirtualmachinepools": (
        "azure-native:standbypool:StandbyVirtualMachinePool"
    ),
    "microsoft.synapse/workspaces/bigdatapools": "azure-native:synapse:BigDataPool",
}
"""ARM types are plural; Pulumi's are not (ARM template reference)."""
