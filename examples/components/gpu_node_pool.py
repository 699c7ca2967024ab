"""Nodes of EKS Auto Mode, spot first and on-demand where there is none."""

from zerofloor.components import GpuDeployment, GpuNodePool

pool = GpuNodePool(
    "auto",
    {
        "cluster_name": "serving",
        "role": "AmazonEKSAutoNodeRole",
        "auto_mode": True,
        "instance_types": ["g6.xlarge", "g5.xlarge"],
        "capacity_types": ["spot", "on-demand"],
        "max_gpus": 4,
    },
)
GpuDeployment(
    "small",
    {"image": "ghcr.io/acme/server:1", "node_pool": pool.name, "max_replicas": 4},
)
