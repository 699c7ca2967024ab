"""Nodes with two L4 each, in a cluster that has another pool for system pods."""

from zerofloor.components import GkeGpuNodePool

GkeGpuNodePool(
    "l4",
    {
        "cluster": "serving",
        "location": "us-central1",
        "machine_type": "g2-standard-24",
        "max_nodes": 4,
    },
)
