"""Workers that take jobs from a Pub/Sub subscription, without Kubernetes."""

from zerofloor.components import GceGpuGroup

GceGpuGroup(
    "workers-l4",
    {
        "zone": "us-central1-a",
        "machine_type": "g2-standard-8",
        "image": "projects/ml-images/global/images/family/common-cu129-ubuntu-2204-nvidia-580",
        "startup_script": "docker run --gpus all ghcr.io/acme/worker:1",
        "subscription": "jobs",
        "max_instances": 4,
    },
)
