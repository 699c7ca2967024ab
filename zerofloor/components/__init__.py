"""Pulumi components for GPUs that cost nothing while idle."""

from zerofloor.components.arguments import SpecError
from zerofloor.components.gpu_deployment import GpuDeployment, GpuDeploymentArgs
from zerofloor.components.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from zerofloor.components.wake import WakeSignal

__all__ = [
    "GpuDeployment",
    "GpuDeploymentArgs",
    "GpuNodePool",
    "GpuNodePoolArgs",
    "SpecError",
    "WakeSignal",
]
