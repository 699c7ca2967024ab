"""Terraform's names in Pulumi's spelling: types, properties, and one object where Terraform writes
a block as a list of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec

from zerofloor.stack import Hidden

Shape = Mapping[str, Any]
"""For each property in Pulumi's spelling: 0 for a plain value or a map, a shape for an object, a
list of one shape for a list of objects."""

_SNAKE: Final = re.compile(r"[a-z][a-z0-9_]*")
_PROVIDERS: Final = {"google": "gcp", "azurerm": "azure"}
_INDEXED: Final = frozenset(
    {
        "baseten",
        "civo",
        "crusoe",
        "databricks",
        "digitalocean",
        "exoscale",
        "fireworks",
        "genesiscloud",
        "huggingface",
        "ibm",
        "ionoscloud",
        "koyeb",
        "lambdalabs",
        "linode",
        "nebius",
        "replicate",
        "runpod",
        "snowflake",
        "together",
        "upcloud",
        "vultr",
    }
)
"""Providers of which the bridge puts every resource into the module `index`."""
_MODULES: Final = {
    "alicloud_cs_kubernetes_node_pool": "alicloud:cs/nodePool",
    "alicloud_ecs_instance_set": "alicloud:ecs/ecsInstanceSet",
    "alicloud_ecs_launch_template": "alicloud:ecs/ecsLaunchTemplate",
    "alicloud_fcv3_function": "alicloud:fc/v3Function",
    "alicloud_fcv3_provision_config": "alicloud:fc/v3ProvisionConfig",
    "alicloud_instance": "alicloud:ecs/instance",
    "alicloud_launch_template": "alicloud:ecs/launchTemplate",
    "oci_generative_ai_dedicated_ai_cluster": "oci:GenerativeAi/dedicatedAiCluster",
    "ovh_cloud_instance": "ovh:index/cloudInstance",
    "ovh_cloud_project_instance": "ovh:CloudProject/instance",
    "ovh_cloud_project_kube_nodepool": "ovh:CloudProject/kubeNodePool",
    "scaleway_k8s_pool": "scaleway:kubernetes/pool",
    "tencentcloud_as_scaling_config": "tencentcloud:As/scalingConfig",
    "tencentcloud_as_scaling_group": "tencentcloud:As/scalingGroup",
    "tencentcloud_instance": "tencentcloud:Instance/instance",
    "tencentcloud_kubernetes_node_pool": "tencentcloud:Kubernetes/nodePool",
    "tencentcloud_kubernetes_scale_worker": "tencentcloud:Kubernetes/scaleWorker",
}
"""Types of providers with modules that no rule derives (their Pulumi SDKs, 2026-10)."""
_ORACLE: Final = {
    "autoscaling": "Autoscaling",
    "containerengine": "ContainerEngine",
    "core": "Core",
    "datascience": "DataScience",
    "limits": "Limits",
}
_SMALL: Final = _INDEXED | {"alicloud", "oci", "ovh", "scaleway", "tencentcloud"}
"""Providers whose shapes the table does not have."""


class _Names(msgspec.Struct):
    types: dict[str, str]
    shapes: dict[str, dict[str, Any]]


@cache
def _names() -> _Names:
    file = resources.files("zerofloor.documents.terraform").joinpath("names.json")
    return msgspec.json.decode(file.read_bytes(), type=_Names)


def token_of(terraform_type: str) -> str:
    """The Pulumi type of a Terraform type.

    One that the table lacks gets a token of the same form (`aws_foo_bar` is `aws:foo/bar:Bar`), so
    that what describes or permits stays quiet and what names a GPU is seen.
    """
    types = _names().types
    found = types.get(terraform_type)
    if found is None and terraform_type.startswith("aws_"):
        found = types.get(f"aws_{terraform_type[4:].replace('_', '')}")
    if found is not None:
        return found
    provider, _, rest = terraform_type.partition("_")
    module, _, name = rest.partition("_")
    kind = _camel(name or module)
    place = f"{_PROVIDERS.get(provider, provider)}:{module}/{kind}"
    if provider in _INDEXED:
        place = f"{provider}:index/{_camel(rest)}"
    elif provider == "oci" and module in _ORACLE:
        place = f"oci:{_ORACLE[module]}/{kind}"
    place = _MODULES.get(terraform_type, place)
    kind = place.rpartition("/")[2]
    return f"{place}:{kind[:1].upper()}{kind[1:]}"


def inputs_of(token: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a resource as a Pulumi program would spell them; nulls are left out."""
    made = _object(values, _names().shapes.get(token))
    return _as_objects(made) if token.partition(":")[0] in _SMALL else made


def _as_objects(value: Any) -> Any:
    """A value of a provider whose shapes aren't known: a block that stands once is an object, which
    readers take for a list of one where they want a list; blocks that may stand several times have
    the plural as their name."""
    if isinstance(value, list):
        return [_as_objects(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    made: dict[str, Any] = {}
    for key, inner in value.items():
        blocks = isinstance(inner, list) and all(isinstance(item, Mapping) for item in inner)
        listed = _as_objects(inner)
        made[key] = listed[0] if blocks and len(inner) == 1 else listed
        if blocks and inner and not key.endswith("s"):
            plural = f"{key[:-1]}ies" if key.endswith("y") else f"{key}s"
            made.setdefault(plural, listed)
    return made


def property_of(token: str, attribute: str) -> str:
    """A top-level attribute as a Pulumi program spells it."""
    shape = _names().shapes.get(token)
    known = _by_terraform_name(shape) if shape is not None else {}
    return known.get(attribute, _camel(attribute))


def _object(values: Mapping[str, Any], shape: Shape | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    known = _by_terraform_name(shape) if shape is not None else {}
    for key, value in values.items():
        if value is None:
            continue
        name = known.get(key, _camel(key))
        converted = _value(value, shape.get(name, _Unknown) if shape is not None else _Unknown)
        if converted is not None:
            made[name] = converted
    return made


class _Unknown:
    """A property that the table does not have."""


def _value(value: Any, shape: Any) -> Any:
    """None where a block is not there."""
    if isinstance(value, Hidden) or shape == 0:
        return value
    if isinstance(shape, list):
        return _list(value, shape[0])
    if isinstance(shape, Mapping):
        return _one(value, shape)
    if isinstance(value, list):
        return [_value(item, _Unknown) for item in value]
    if isinstance(value, Mapping):
        return {_camel(key): _value(item, _Unknown) for key, item in value.items()}
    return value


def _list(value: Any, shape: Shape) -> Any:
    items = value if isinstance(value, list) else [value]
    return [_object(item, shape) if isinstance(item, Mapping) else item for item in items]


def _one(value: Any, shape: Shape) -> Any:
    """The object of a block; None where there is none."""
    if isinstance(value, list):
        if not value:
            return None
        value = value[0]
    return _object(value, shape) if isinstance(value, Mapping) else value


def _by_terraform_name(shape: Shape) -> dict[str, str]:
    """Pulumi's name by Terraform's: snake_case, and for lists the singular, as blocks are named."""
    names: dict[str, str] = {}
    for name in shape:
        snake = re.sub(r"(?<!^)([A-Z])", lambda letter: f"_{letter[1].lower()}", name)
        for spelling in (snake, *_singulars(snake)):
            names.setdefault(spelling, name)
    return names


def _singulars(snake: str) -> Iterator[str]:
    if snake.endswith("ies"):
        yield f"{snake[:-3]}y"
    if snake.endswith(("ses", "xes", "ches", "shes")):
        yield snake[:-2]
    if snake.endswith("s"):
        yield snake[:-1]


def _camel(key: str) -> str:
    """`min_size` is `minSize`; a key that is no name (`nvidia.com/gpu`) stays as it is."""
    if "_" not in key or not _SNAKE.fullmatch(key):
        return key
    head, *rest = key.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
