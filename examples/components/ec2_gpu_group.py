"""Workers that take jobs from a queue, without Kubernetes."""

from zerofloor.components import Ec2GpuGroup

Ec2GpuGroup(
    "workers",
    {
        "subnet_ids": ["subnet-0a", "subnet-0b"],
        "instance_types": ["g6e.xlarge"],
        "instance_profile": "worker",
        "user_data": "#!/bin/sh\ndocker run --gpus all --env QUEUE=jobs ghcr.io/acme/worker:1\n",
        "wake_signal": "sqs",
        "queue_name": "jobs",
        "max_instances": 4,
    },
)
