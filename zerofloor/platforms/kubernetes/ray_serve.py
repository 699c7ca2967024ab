"""Ray Serve configs (`serveConfigV2`): how many GPUs the deployments of an application keep without
a request.

Sources: Ray docs, "Serve Config Files", "Ray Serve Autoscaling" (num_replicas and min_replicas are
1 where they are absent) and "Serving LLMs" (LLMConfig).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.hardware.accelerators import NEURON_CORES
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, count, items, quantity, switch, text


class Pinned(Value, frozen=True, kw_only=True):
    """What an application keeps on its workers."""

    gpus: Decimal = Decimal(0)
    """GPUs that are certain."""
    open: str | None = None
    """Why more may be kept; None: all is known."""


_HIDDEN: Final = "Its deployments aren't known at preview and may keep workers"
_UNREADABLE: Final = "It can't be read, and its deployments may keep workers"
_IN_CODE: Final = (
    "The GPUs of its deployments are set in the program's code, and each keeps one replica by "
    "default"
)
_LEAST: Final = Decimal("0.01")
"""A part of a worker: what asks for a custom resource keeps the worker that has it."""


def pinned_by(serve: Any) -> Pinned | None:
    """What a Serve config keeps; None where there is none."""
    config = text(serve)
    if config is None:
        return None
    if isinstance(config, Hidden):
        return Pinned(open=_HIDDEN)
    import yaml

    try:
        parsed = yaml.safe_load(config)
    except (yaml.YAMLError, ValueError, RecursionError):
        return Pinned(open=_UNREADABLE)
    applications = items(at(parsed, "applications"))
    if isinstance(applications, Hidden) or not applications:
        return Pinned(open=_UNREADABLE)
    each = [one for application in applications for one in _of_application(application)]
    reasons = [one for one in each if isinstance(one, str)]
    gpus = sum((one for one in each if isinstance(one, Decimal)), Decimal(0))
    return Pinned(gpus=gpus, open=reasons[0] if reasons else None)


def _of_application(application: Any) -> Iterator[Decimal | str]:
    """GPUs kept by each of its parts, or why that can't be told."""
    configs = list(_llm_configs(at(application, "args")))
    for config in configs:
        yield _of_llm(config)
    deployments = items(at(application, "deployments"))
    listed = [] if isinstance(deployments, Hidden) else deployments
    for deployment in listed:
        yield _of_deployment(deployment)
    if not configs and not listed:
        yield _IN_CODE


def _llm_configs(args: Any) -> Iterator[Any]:
    """The LLM configs of an application of ray.serve.llm."""
    configs = items(at(args, "llm_configs"))
    yield from [] if isinstance(configs, Hidden) else configs
    for role in ("prefill_config", "decode_config"):
        config = at(args, role)
        if config is not None:
            yield config


def _of_llm(config: Any) -> Decimal | str:
    if not isinstance(config, Mapping):
        return "an LLM config stands in a file: it keeps one replica by default"
    if switch(config.get("use_cpu")) is True:
        return Decimal(0)
    replicas = _replicas(at(config, "deployment_config"))
    if replicas == 0:
        return Decimal(0)
    bundles = _bundles(at(config, "placement_group_config", "bundles"))
    if bundles:
        return bundles * replicas
    kwargs = at(config, "engine_kwargs")
    sizes = [count(at(kwargs, key)) for key in ("tensor_parallel_size", "pipeline_parallel_size")]
    gpus = 1
    for size in sizes:
        gpus *= size if isinstance(size, int) and size else 1
    return Decimal(gpus * replicas)


def _of_deployment(deployment: Any) -> Decimal | str:
    replicas = _replicas(deployment)
    if replicas == 0:
        return Decimal(0)
    options = at(deployment, "ray_actor_options")
    bundles = _bundles(at(deployment, "placement_group_bundles"))
    gpus = quantity(at(options, "num_gpus"))
    asked = bundles or _custom(at(options, "resources"))
    if isinstance(gpus, Decimal):
        return max(gpus, asked) * replicas
    return asked * replicas if asked else _IN_CODE


def _replicas(config: Any) -> int:
    """Replicas that are kept: the minimum of an autoscaling config, else the number; 1 where
    neither says."""
    scaling = at(config, "autoscaling_config")
    minimum = at(scaling, "min_replicas") if scaling is not None else at(config, "num_replicas")
    number = count(minimum)
    return number if isinstance(number, int) else 1


def _bundles(bundles: Any) -> Decimal:
    listed = items(bundles)
    total = Decimal(0)
    for bundle in [] if isinstance(listed, Hidden) else listed:
        gpus = quantity(at(bundle, "GPU"))
        total += gpus if isinstance(gpus, Decimal) else _custom(bundle)
    return total


def _custom(resources: Any) -> Decimal:
    """Custom resources in devices: two NeuronCores are one; any other keeps a worker."""
    if not isinstance(resources, Mapping):
        return Decimal(0)
    cores = quantity(resources.get("neuron_cores"))
    if isinstance(cores, Decimal) and cores:
        return cores / NEURON_CORES
    names = [name for name in resources if name not in ("CPU", "GPU", "memory")]
    return _LEAST if names else Decimal(0)
