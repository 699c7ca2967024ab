"""Pulumi components for GPUs that cost nothing while idle."""

from zerofloor.components.aks_gpu_node_pool import AksGpuNodePool, AksGpuNodePoolArgs
from zerofloor.components.arguments import SpecError
from zerofloor.components.choices import (
    ColdStart,
    Engine,
    ModelType,
    Probe,
    Rollout,
    Run,
    ScaleBy,
)
from zerofloor.components.cloud_run_gpu_service import CloudRunGpuService, CloudRunGpuServiceArgs
from zerofloor.components.container_apps_gpu_service import (
    ContainerAppsGpuService,
    ContainerAppsGpuServiceArgs,
)
from zerofloor.components.ec2_gpu_group import Ec2GpuGroup, Ec2GpuGroupArgs
from zerofloor.components.eks_gpu_node_group import EksGpuNodeGroup, EksGpuNodeGroupArgs
from zerofloor.components.fireworks_deployment import (
    FireworksDeployment,
    FireworksDeploymentArgs,
)
from zerofloor.components.gce_gpu_group import GceGpuGroup, GceGpuGroupArgs
from zerofloor.components.gke_gpu_node_pool import GkeGpuNodePool, GkeGpuNodePoolArgs
from zerofloor.components.gpu_deployment import GpuDeployment, GpuDeploymentArgs
from zerofloor.components.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from zerofloor.components.gpu_platform import GpuPlatform, GpuPlatformArgs
from zerofloor.components.gpu_scaler import GpuScaler, GpuScalerArgs
from zerofloor.components.wake import WakeSignal

__all__ = [
    "AksGpuNodePool",
    "AksGpuNodePoolArgs",
    "CloudRunGpuService",
    "CloudRunGpuServiceArgs",
    "ColdStart",
    "ContainerAppsGpuService",
    "ContainerAppsGpuServiceArgs",
    "Ec2GpuGroup",
    "Ec2GpuGroupArgs",
    "EksGpuNodeGroup",
    "EksGpuNodeGroupArgs",
    "Engine",
    "FireworksDeployment",
    "FireworksDeploymentArgs",
    "GceGpuGroup",
    "GceGpuGroupArgs",
    "GkeGpuNodePool",
    "GkeGpuNodePoolArgs",
    "GpuDeployment",
    "GpuDeploymentArgs",
    "GpuNodePool",
    "GpuNodePoolArgs",
    "GpuPlatform",
    "GpuPlatformArgs",
    "GpuScaler",
    "GpuScalerArgs",
    "ModelType",
    "Probe",
    "Rollout",
    "Run",
    "ScaleBy",
    "SpecError",
    "WakeSignal",
]
