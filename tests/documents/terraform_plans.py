"""Makes plans as `terraform show -json` writes them, from what a person would write in HCL."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

COMPUTED = ("id", "arn", "tags_all")
"""What every resource of a plan has that its provider computes."""

_REFERENCE = re.compile(r"\$\{([^}]+)\}")


def plan(
    resources: Mapping[str, Mapping[str, Any]],
    *,
    unknown: Mapping[str, Any] | None = None,
    sensitive: Mapping[str, Any] | None = None,
    actions: Mapping[str, list[str]] | None = None,
    computed: Mapping[str, Mapping[str, Any]] | None = None,
    providers: Mapping[str, Any] | None = None,
    modules: Mapping[str, Any] | None = None,
    **more: Any,
) -> bytes:
    """A plan that creates these resources: by address, the arguments in Terraform's spelling.

    `${aws_x.y.id}` is a reference, so not known. `unknown` and `sensitive` have masks by address,
    as the document has them; `computed` what a provider adds by itself. `modules` is the
    configuration's module_calls.
    """
    changes = []
    configured: list[dict[str, Any]] = []
    for address, arguments in resources.items():
        mask = {**dict.fromkeys(COMPUTED, True), **_unknown(arguments)}
        changes.append(
            {
                "address": address,
                "mode": "managed",
                "type": address.split(".")[-2],
                "name": address.split(".")[-1],
                "change": {
                    "actions": (actions or {}).get(address, ["create"]),
                    "before": None,
                    "after": {**_known(arguments), **(computed or {}).get(address, {})},
                    "after_unknown": {**mask, **(unknown or {}).get(address, {})},
                    "after_sensitive": (sensitive or {}).get(address, {}),
                },
            }
        )
        if not address.startswith("module."):
            configured.append(configured_resource(address, arguments))
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.8",
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        "configuration": {
            "provider_config": providers or {},
            "root_module": {"resources": configured, "module_calls": modules or {}},
        },
        **more,
    }
    return json.dumps(document).encode()


def configured_resource(address: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A resource as the configuration has it."""
    bare = re.sub(r"\[[^\]]*\]", "", address)
    return {
        "address": bare,
        "mode": "managed",
        "type": bare.split(".")[-2],
        "provider_config_key": bare.split("_")[0].split(".")[-1],
        "expressions": {key: expression(value) for key, value in arguments.items()},
    }


def expression(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [{key: expression(inner) for key, inner in item.items()} for item in value]
    found = _REFERENCE.findall(value) if isinstance(value, str) else []
    if found:
        whole = [part for one in found for part in (one, one.rpartition(".")[0])]
        return {"references": whole}
    return {"constant_value": value}


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items() if not _is_reference(item)}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return value


def _unknown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unknown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unknown(item) for item in value]
    return _is_reference(value)


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and bool(_REFERENCE.search(value))
