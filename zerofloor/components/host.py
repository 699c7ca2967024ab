"""Serves the components to programs in other languages, as a Pulumi provider plugin."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from zerofloor import __version__
from zerofloor.components import GpuDeployment, GpuNodePool, SpecError
from zerofloor.components.arguments import Problem, unknown_argument


class Components(ComponentProvider):
    """The SDK's component provider, which would drop unknown arguments without a word and answer a refused spec with a stack trace."""

    def __init__(self) -> None:
        super().__init__([GpuDeployment, GpuNodePool], "zerofloor", version=__version__)

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Makes one component.

        Raises:
            InputPropertiesError: its arguments are refused; the engine prints each with its path.
        """
        component = resource_type.rsplit(":", 1)[-1]
        known = self._component_defs[component].inputs if component in self._component_defs else {}
        if known:
            given: dict[str, Any] = dict(inputs)
            unknown = [Problem(key, unknown_argument(key, list(known))) for key in sorted(given) if key not in known]
            if unknown:
                raise _refused(SpecError(component, name, unknown))
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, SpecError):
                raise _refused(error.inner) from None
            raise


def _refused(error: SpecError) -> InputPropertiesError:
    details = [{"property_path": problem.path, "reason": problem.why} for problem in error.problems]
    return InputPropertiesError("the arguments are refused", details)  # type: ignore[arg-type]  # the SDK's TypedDict, spelled as a dict


def serve() -> None:
    """Serves until the engine ends it; the engine's address is the first argument."""
    main(Components(), sys.argv[1:])
