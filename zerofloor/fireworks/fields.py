"""The inputs of a deployment, spelled as the API spells them: type, meaning, and what a change
does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from zerofloor.structs import Value

Type = Literal["text", "integer", "number", "boolean", "object", "texts"]


class Field(Value, frozen=True, kw_only=True):
    """One input."""

    type: Type
    meaning: str
    replaces: bool = False
    """Whether a change replaces the deployment."""
    sent: bool = True
    """Whether it is part of the API's deployment; False for what only the provider reads."""
    secret: bool = False


FIELDS: Final[Mapping[str, Field]] = {
    "baseModel": Field(
        type="text",
        meaning="The model: `accounts/fireworks/models/NAME`, or one of your own.",
        replaces=True,
    ),
    "deploymentId": Field(
        type="text",
        meaning="ID of the deployment. Default: made from the resource's name.",
        replaces=True,
        sent=False,
    ),
    "displayName": Field(type="text", meaning="Name for people, under 64 characters."),
    "description": Field(type="text", meaning="Description for people."),
    "annotations": Field(
        type="object", meaning="Annotations; team, project and environment group the usage."
    ),
    "minReplicaCount": Field(
        type="integer", meaning="Replicas that run without a request. Default 0."
    ),
    "maxReplicaCount": Field(
        type="integer",
        meaning="Replicas at most. Default: the larger of minReplicaCount and 1. 0 parks the "
        "deployment at zero.",
    ),
    "acceleratorType": Field(
        type="text",
        meaning="GPU type, e.g. NVIDIA_H100_80GB. Not together with deploymentShape.",
        replaces=True,
    ),
    "acceleratorCount": Field(
        type="integer", meaning="GPUs of each replica. Default: what the model needs."
    ),
    "deploymentShape": Field(
        type="text", meaning="A shape or shape version, which decides GPUs and precision."
    ),
    "precision": Field(type="text", meaning="Precision, e.g. FP8 or BF16.", replaces=True),
    "placement": Field(
        type="object", meaning="Exactly one of region, regions and multiRegion. Default GLOBAL."
    ),
    "autoscalingPolicy": Field(
        type="object",
        meaning="scaleUpWindow (default 30s, at most 3600s), scaleDownWindow (600s, at most "
        "3600s), scaleToZeroWindow (3600s, at least 300s), loadTargets, scalingSchedules.",
    ),
    "enableAddons": Field(type="boolean", meaning="Whether LoRA add-ons can be deployed on it."),
    "draftModel": Field(type="text", meaning="Draft model of speculative decoding."),
    "draftTokenCount": Field(type="integer", meaning="Tokens that the draft model proposes."),
    "ngramSpeculationLength": Field(type="integer", meaning="Length of n-gram speculation."),
    "enableSessionAffinity": Field(type="boolean", meaning="Whether a user stays on a replica."),
    "maxContextLength": Field(type="integer", meaning="Context length; 0: the model's."),
    "maxConcurrencyPerReplica": Field(
        type="integer", meaning="Requests of a replica at one time; above it 429."
    ),
    "directRouteType": Field(
        type="text", meaning="INTERNET, GCP_PRIVATE_SERVICE_CONNECT or AWS_PRIVATELINK."
    ),
    "directRouteApiKeys": Field(type="texts", meaning="Keys of the direct route.", secret=True),
    "waitForReady": Field(
        type="boolean",
        meaning="Whether an update waits until the deployment is ready. Default: if "
        "minReplicaCount is above 0.",
        sent=False,
    ),
    "deleteInUse": Field(
        type="boolean",
        meaning="Whether it may be deleted though it served a request within the last hour. "
        "Default false.",
        sent=False,
    ),
}
"""Source: docs.fireworks.ai/api-reference/create-deployment, and the on-demand guide."""

OUTPUTS: Final[Mapping[str, Field]] = {
    "name": Field(type="text", meaning="`accounts/ACCOUNT/deployments/ID`."),
    "state": Field(type="text", meaning="CREATING, READY, UPDATING, FAILED, …"),
    "replicaCount": Field(type="integer", meaning="Replicas that run now."),
    "desiredReplicaCount": Field(type="integer", meaning="Replicas that it is scaling to."),
    "region": Field(type="text", meaning="Where it runs now."),
    "model": Field(type="text", meaning="The model string of inference calls."),
}
