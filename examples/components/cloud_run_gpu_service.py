"""A model server on Cloud Run."""

from zerofloor.components import CloudRunGpuService

CloudRunGpuService(
    "run",
    {
        "location": "us-central1",
        "image": "us-docker.pkg.dev/acme/models/server:1",
        "health_path": "/health",
        "max_instances": 3,
    },
)
