"""The inputs of each resource, spelled as the API spells them: type, meaning, and what a change
does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from zerofloor.structs import Value

Type = Literal[
    "text",
    "integer",
    "boolean",
    "texts",
    "texts by name",
    "numbers by name",
    "record",
    "records by name",
]


class Record(Value, frozen=True):
    """A value of several fields."""

    name: str
    """Its name in the schema and in generated SDKs."""
    fields: Mapping[str, Field]


class Field(Value, frozen=True, kw_only=True):
    """One input."""

    type: Type
    meaning: str
    record: Record | None = None
    """The fields inside, for a record and for records by name."""
    replaces: bool = False
    """Whether a change replaces the deployment."""
    sent: bool = True
    """Whether it is part of the API's deployment; False for what only the provider reads."""
    secret: bool = False


SCHEDULE: Final = Record(
    "ScalingSchedule",
    {
        "minReplicaCount": Field(type="integer", meaning="Replicas while it is active."),
        "schedule": Field(type="text", meaning="Start as a cron expression of five fields."),
        "duration": Field(type="text", meaning="Whole seconds from 300s to 604800s."),
        "timezone": Field(type="text", meaning="IANA name, e.g. Europe/Zurich."),
        "description": Field(type="text", meaning="Description for people."),
        "disabled": Field(type="boolean", meaning="Whether it is ignored."),
    },
)
POLICY: Final = Record(
    "AutoscalingPolicy",
    {
        "scaleUpWindow": Field(type="text", meaning="Default 30s, at most 3600s."),
        "scaleDownWindow": Field(type="text", meaning="Default 600s, at most 3600s."),
        "scaleToZeroWindow": Field(
            type="text",
            meaning="Time without a request after which the last replica goes, at "
            "minReplicaCount 0. Default 3600s, at least 300s.",
        ),
        "loadTargets": Field(
            type="numbers by name",
            meaning="Load that a replica should have: default (0.8), "
            "tokens_generated_per_second, prompt_tokens_per_second, requests_per_second, "
            "concurrent_requests. The one that asks for most replicas decides.",
        ),
        "scalingSchedules": Field(
            type="records by name",
            meaning="At most 5; the highest active minimum replaces minReplicaCount.",
            record=SCHEDULE,
        ),
    },
)
PLACEMENT: Final = Record(
    "Placement",
    {
        "region": Field(type="text", meaning="One region."),
        "regions": Field(type="texts", meaning="Any of these regions."),
        "multiRegion": Field(type="text", meaning="GLOBAL, US, EUROPE or APAC."),
    },
)
AUTO_TUNE: Final = Record(
    "AutoTune", {"longPrompt": Field(type="boolean", meaning="Whether prompts are long.")}
)

DEPLOYMENT: Final[Mapping[str, Field]] = {
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
        type="texts by name", meaning="Annotations; team, project and environment group the usage."
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
        type="record",
        meaning="Exactly one of region, regions and multiRegion. Default GLOBAL.",
        record=PLACEMENT,
    ),
    "autoscalingPolicy": Field(
        type="record", meaning="When replicas are added and removed.", record=POLICY
    ),
    "maxWithRevocableReplicaCount": Field(
        type="integer",
        meaning="Replicas at most with revocable ones, which may be taken away at any time.",
    ),
    "enableAddons": Field(type="boolean", meaning="Whether LoRA add-ons can be deployed on it."),
    "numPeftDeviceCached": Field(type="integer", meaning="LoRA add-ons kept in GPU memory."),
    "enableHotReloadLatestAddon": Field(
        type="boolean", meaning="Whether a new add-on is merged in place of the one before."
    ),
    "enableHotLoad": Field(type="boolean", meaning="Whether weights are swapped while serving."),
    "hotLoadBucketType": Field(type="text", meaning="MINIO, S3, NEBIUS or FW_HOSTED."),
    "hotLoadBucketUrl": Field(type="text", meaning="Where the weights are."),
    "hotLoadTransitionType": Field(type="text", meaning="ASYNC (default) or SYNC."),
    "autoTune": Field(type="record", meaning="Performance hints.", record=AUTO_TUNE),
    "deploymentTemplate": Field(type="text", meaning="A template of an enterprise account."),
    "disableDeploymentSizeValidation": Field(
        type="boolean", meaning="Whether too few GPUs for the model are accepted."
    ),
    "pricingPlanId": Field(type="text", meaning="A pricing plan of the account."),
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

DEPLOYMENT_OUTPUTS: Final[Mapping[str, Field]] = {
    "name": Field(type="text", meaning="`accounts/ACCOUNT/deployments/ID`."),
    "state": Field(type="text", meaning="CREATING, READY, UPDATING, FAILED, …"),
    "replicaCount": Field(type="integer", meaning="Replicas that run now."),
    "desiredReplicaCount": Field(type="integer", meaning="Replicas that it is scaling to."),
    "region": Field(type="text", meaning="Where it runs now."),
    "model": Field(type="text", meaning="The model string of inference calls."),
}

DEPLOYED_MODEL: Final[Mapping[str, Field]] = {
    "model": Field(
        type="text", meaning="The LoRA add-on: `accounts/ACCOUNT/models/NAME`.", replaces=True
    ),
    "deployment": Field(
        type="text",
        meaning="The deployment that it is loaded on: `accounts/ACCOUNT/deployments/ID`, which "
        "has enableAddons.",
        replaces=True,
    ),
    "displayName": Field(type="text", meaning="Name for people, under 64 characters."),
    "description": Field(type="text", meaning="Description for people."),
    "default": Field(
        type="boolean",
        meaning="Whether calls of the model without `#DEPLOYMENT` reach this one. The first one "
        "of a model does.",
    ),
    "public": Field(type="boolean", meaning="Whether others may call it."),
    "replaceMergedAddon": Field(
        type="boolean",
        meaning="Whether it takes the place of the add-on that is merged; required on a "
        "deployment with enableHotReloadLatestAddon.",
        sent=False,
    ),
}
"""Source: docs.fireworks.ai/api-reference/create-deployed-model."""

DEPLOYED_MODEL_OUTPUTS: Final[Mapping[str, Field]] = {
    "name": Field(type="text", meaning="`accounts/ACCOUNT/deployedModels/ID`."),
    "state": Field(type="text", meaning="DEPLOYING, DEPLOYED, UPDATING or UNDEPLOYING."),
    "call": Field(type="text", meaning="The model string of inference calls."),
}
