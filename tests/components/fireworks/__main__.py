"""FireworksDeployment at its default, and with each argument that raises its floor or changes what
it declares."""

from typing import Any

import pulumi

from zerofloor.components import FireworksDeployment

# An output that no preview knows.
unknown = pulumi.CustomResource("aws:ec2/vpc:Vpc", "network", {"arn": None}).__dict__["arn"]


def model(title: str, /, **more: Any) -> FireworksDeployment:
    args: Any = {
        "base_model": "accounts/fireworks/models/gpt-oss-120b",
        "accelerator_type": "NVIDIA_H100_80GB",
        "gpus": 2,
    }
    given = {key: value for key, value in (args | more).items() if value is not None}
    return FireworksDeployment(title, given)  # type: ignore[arg-type]


model("plain")
model("warm", min_replicas=2, max_replicas=3)
model(
    "shape",
    deployment_shape="accounts/fireworks/deploymentShapes/x",
    accelerator_type=None,
    gpus=None,
)
model(
    "shape-warm",
    deployment_shape="accounts/fireworks/deploymentShapes/x",
    accelerator_type=None,
    gpus=None,
    min_replicas=1,
)
model("slow", cooldown_seconds=7200, idle_cap_seconds=7200)
model(
    "all",
    name="renamed-1",
    base_model=unknown,
    precision="FP8",
    placement="EUROPE",
    enable_addons=True,
    annotations={"owner": unknown},
    max_replicas=4.0,
    target_per_replica=8,
)
