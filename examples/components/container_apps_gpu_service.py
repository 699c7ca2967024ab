"""A model server on Container Apps, with its environment."""

from zerofloor.components import ContainerAppsGpuService

ContainerAppsGpuService(
    "app",
    {
        "resource_group": "models",
        "location": "eastus",
        "image": "ghcr.io/acme/server:1",
        "max_replicas": 3,
    },
)
