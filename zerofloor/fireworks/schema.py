"""The provider's schema, made from the fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from zerofloor.fireworks.fields import FIELDS, OUTPUTS, Field

TOKEN: Final = "fireworks:index:Deployment"
GET: Final = "fireworks:index:getDeployment"
LIST: Final = "fireworks:index:listDeployments"
ACCELERATORS: Final = "fireworks:index:getAccelerators"

_ANY: Final = {"$ref": "pulumi.json#/Any"}
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object", "additionalProperties": _ANY},
    "texts": {"type": "array", "items": {"type": "string"}},
}


def schema(version: str) -> str:
    """The schema as JSON."""
    inputs = {name: _property(field) for name, field in FIELDS.items()}
    outputs = {name: _property(field) for name, field in OUTPUTS.items()}
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
            "resources": {
                TOKEN: {
                    "description": "An on-demand deployment of a model on GPUs. It scales to zero "
                    "unless minReplicaCount is above 0.",
                    "inputProperties": inputs,
                    "requiredInputs": ["baseModel"],
                    "properties": {**inputs, **outputs},
                    "required": ["baseModel", *OUTPUTS],
                }
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


def _property(field: Field) -> dict[str, Any]:
    made = {**_TYPES[field.type], "description": field.meaning}
    if field.secret:
        made["secret"] = True
    if field.replaces:
        made["willReplaceOnChanges"] = True
    return made
