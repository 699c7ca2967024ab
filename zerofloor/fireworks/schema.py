"""The provider's schema, made from the fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.fireworks.fields import (
    DEPLOYED_MODEL,
    DEPLOYED_MODEL_OUTPUTS,
    DEPLOYMENT,
    DEPLOYMENT_OUTPUTS,
    Field,
    Record,
)

TOKEN: Final = "fireworks:index:Deployment"
MODEL_TOKEN: Final = "fireworks:index:DeployedModel"
GET: Final = "fireworks:index:getDeployment"
LIST: Final = "fireworks:index:listDeployments"
ACCELERATORS: Final = "fireworks:index:getAccelerators"

_ANY: Final = {"$ref": "pulumi.json#/Any"}
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "texts by name": {"type": "object", "additionalProperties": {"type": "string"}},
    "numbers by name": {"type": "object", "additionalProperties": {"type": "number"}},
}


def schema(version: str) -> str:
    """The schema as JSON."""
    listed = {"type": "array", "items": {"type": "object", "additionalProperties": _ANY}}
    config = {
        "apiKey": {"type": "string", "secret": True, "description": "Default: FIREWORKS_API_KEY."},
        "accountId": {"type": "string", "description": "Default: FIREWORKS_ACCOUNT_ID."},
        "baseUrl": {"type": "string", "description": "Address of the API, for tests."},
    }
    return json.dumps(
        {
            "name": "fireworks",
            "version": version,
            "description": "Fireworks on-demand deployments, billed per GPU-second and replica.",
            "license": "Apache-2.0",
            "config": {"variables": config},
            "provider": {"inputProperties": config},
            "types": {
                f"fireworks:index:{record.name}": {
                    "type": "object",
                    "properties": _properties(record.fields),
                }
                for record in _records(DEPLOYMENT)
            },
            "resources": {
                TOKEN: _resource(
                    "An on-demand deployment of a model on GPUs. It scales to zero unless "
                    "minReplicaCount is above 0.",
                    DEPLOYMENT,
                    DEPLOYMENT_OUTPUTS,
                    ["baseModel"],
                ),
                MODEL_TOKEN: _resource(
                    "A LoRA add-on on a deployment that has enableAddons. It uses the "
                    "deployment's GPUs and none of its own.",
                    DEPLOYED_MODEL,
                    DEPLOYED_MODEL_OUTPUTS,
                    ["model", "deployment"],
                ),
            },
            "functions": {
                GET: {
                    "description": "A deployment by its ID.",
                    "inputs": {
                        "properties": {"deploymentId": {"type": "string"}},
                        "required": ["deploymentId"],
                    },
                    "outputs": {"properties": {"deployment": listed["items"]}},
                },
                LIST: {
                    "description": "The deployments of the account.",
                    "outputs": {"properties": {"deployments": listed}},
                },
                ACCELERATORS: {
                    "description": "The accelerator types that the API names.",
                    "outputs": {
                        "properties": {
                            "accelerators": {"type": "array", "items": {"type": "string"}}
                        }
                    },
                },
            },
            "language": {"nodejs": {"respectSchemaVersion": True}, "python": {}},
        },
        indent=2,
    )


def _resource(
    description: str,
    inputs: Mapping[str, Field],
    outputs: Mapping[str, Field],
    required: list[str],
) -> dict[str, Any]:
    accepted = _properties(inputs)
    return {
        "description": description,
        "inputProperties": accepted,
        "requiredInputs": required,
        "properties": {**accepted, **_properties(outputs)},
        "required": [*required, *outputs],
    }


def _records(fields: Mapping[str, Field]) -> Iterator[Record]:
    """The records of these fields, at every depth."""
    for field in fields.values():
        if field.record is not None:
            yield field.record
            yield from _records(field.record.fields)


def _properties(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: _property(field) for name, field in fields.items()}


def _property(field: Field) -> dict[str, Any]:
    made = {**_type(field), "description": field.meaning}
    if field.secret:
        made["secret"] = True
    if field.replaces:
        made["willReplaceOnChanges"] = True
    return made


def _type(field: Field) -> Mapping[str, Any]:
    if field.record is None:
        return _TYPES[field.type]
    reference = {"$ref": f"#/types/fireworks:index:{field.record.name}"}
    if field.type == "record":
        return reference
    return {"type": "object", "additionalProperties": reference}
