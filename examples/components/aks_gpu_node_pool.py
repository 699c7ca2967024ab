"""Nodes with one A100 each."""

from zerofloor.components import AksGpuNodePool

AksGpuNodePool(
    "a100",
    {
        "resource_group": "models",
        "cluster": "serving",
        "location": "eastus",
        "vm_size": "Standard_NC24ads_A100_v4",
        "max_nodes": 4,
    },
)
