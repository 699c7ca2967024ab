"""Serves the components to programs in other languages, as a Pulumi provider plugin."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.component import ComponentProvider

from zerofloor import __version__
from zerofloor.components import (
    AksGpuNodePool,
    CloudRunGpuService,
    ContainerAppsGpuService,
    Ec2GpuGroup,
    EksGpuNodeGroup,
    FireworksDeployment,
    GceGpuGroup,
    GkeGpuNodePool,
    GpuDeployment,
    GpuNodePool,
    GpuPlatform,
    GpuScaler,
    SpecError,
)
from zerofloor.components.aks_node_pool_spec import AksNodePoolSpec
from zerofloor.components.arguments import Problem, Spec, camel, read, unknown_argument
from zerofloor.components.cloud_run_spec import CloudRunSpec
from zerofloor.components.container_apps_spec import ContainerAppsSpec
from zerofloor.components.deployment_spec import DeploymentSpec
from zerofloor.components.ec2_group_spec import Ec2GroupSpec
from zerofloor.components.eks_node_group_spec import EksNodeGroupSpec
from zerofloor.components.fireworks_deployment_spec import FireworksDeploymentSpec
from zerofloor.components.gce_group_spec import GceGroupSpec
from zerofloor.components.gke_node_pool_spec import GkeNodePoolSpec
from zerofloor.components.node_pool_spec import NodePoolSpec
from zerofloor.components.platform_spec import PlatformSpec
from zerofloor.components.scaler_spec import ScalerSpec
from zerofloor.components.scaling_args import ScalingArgs

COMPONENTS: Mapping[type[pulumi.ComponentResource], type[Spec]] = {
    GpuDeployment: DeploymentSpec,
    GpuNodePool: NodePoolSpec,
    GpuScaler: ScalerSpec,
    EksGpuNodeGroup: EksNodeGroupSpec,
    Ec2GpuGroup: Ec2GroupSpec,
    FireworksDeployment: FireworksDeploymentSpec,
    GkeGpuNodePool: GkeNodePoolSpec,
    GceGpuGroup: GceGroupSpec,
    CloudRunGpuService: CloudRunSpec,
    AksGpuNodePool: AksNodePoolSpec,
    ContainerAppsGpuService: ContainerAppsSpec,
    GpuPlatform: PlatformSpec,
}
"""Each component that is served, with the spec that reads its arguments."""


class Components(ComponentProvider):
    """The SDK's component provider, which would drop unknown arguments without a word and answer a
    refused spec with a stack trace."""

    def __init__(self) -> None:
        super().__init__(list(COMPONENTS), "zerofloor", version=__version__)
        schema = _described(json.loads(self.schema or "{}"), self.analyzer)
        self.schema = json.dumps(_cleaned(schema))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Makes one component.

        Raises:
            InputPropertiesError: its arguments are refused, each with a line of its own.
        """
        component = resource_type.rsplit(":", 1)[-1]
        for made, spec in COMPONENTS.items():
            if made.__name__ == component:
                _check(spec, component, name, dict(inputs))
        return super().construct(name, resource_type, inputs, options)


def _cleaned(schema: Any) -> Any:
    """The schema with its descriptions as Python cleans docstrings: without the indentation of the
    source, which other languages' documentation would show."""
    if isinstance(schema, list):
        return [_cleaned(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: inspect.cleandoc(value)
        if key == "description" and isinstance(value, str)
        else _cleaned(value)
        for key, value in schema.items()
    }


def _described(made: Any, analyzer: Analyzer) -> Any:
    """The schema with the descriptions of inherited arguments, which the SDK does not look up: at
    run time a TypedDict no longer knows what it was made from."""
    shared = {
        camel(name): analyzer.get_docstring(ScalingArgs, name)
        for name in inspect.get_annotations(ScalingArgs)
    }
    for component in made["resources"].values():
        for name, one in component["inputProperties"].items():
            if "description" not in one and name in shared:
                one["description"] = shared[name]
    return made


def _check(kind: type[Spec], component: str, name: str, inputs: Mapping[str, Any]) -> None:
    """Reads the arguments before the SDK does, which stops at the first that is missing."""
    known = {camel(field): field for field in kind.model_fields}
    problems = [
        Problem(key, unknown_argument(key, list(known)))
        for key in sorted(inputs)
        if key not in known
    ]
    given = {known[key]: value for key, value in inputs.items() if key in known}
    try:
        read(kind, component, name, given)
    except SpecError as error:
        problems += [problem.elsewhere() for problem in error.problems]
    if problems:
        # Given property paths, the engine prints each property's value beside its message, secrets
        # included [seen with 3.259]. So none.
        lines = (f"{problem.path}: {problem.why}" for problem in problems)
        raise InputPropertiesError("\n".join(("the arguments are refused", *lines)), [])


def serve() -> None:
    """Serves until the engine ends it; the engine's address is the first argument."""
    main(Components(), sys.argv[1:])
