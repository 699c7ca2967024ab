"""Serves the components to programs in other languages, as a Pulumi provider plugin."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyError
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from zerofloor import __version__
from zerofloor.components import GpuDeployment, GpuNodePool, SpecError, WakeSignal
from zerofloor.components.arguments import Problem, unknown_argument


class Components(ComponentProvider):
    """The SDK's component provider, which would drop unknown arguments without a word and answer a
    refused spec with a stack trace."""

    def __init__(self) -> None:
        super().__init__([GpuDeployment, GpuNodePool], "zerofloor", version=__version__)

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
        known = (
            self._component_defs[component].inputs if component in self._component_defs else None
        )
        given: Mapping[str, Any] = dict(inputs)
        if known is not None:
            unknown = [
                Problem(key, unknown_argument(key, list(known)))
                for key in sorted(given)
                if key not in known
            ]
            if unknown:
                raise _refused(SpecError(component, name, unknown))
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, SpecError):
                raise _refused(error.inner) from None
            raise
        except InputPropertyError as error:
            # The SDK's own two refusals: a required argument that is missing, and a value that is
            # no member of an enumeration.
            why = (
                f"must be one of {', '.join(WakeSignal)}"
                if error.property_path in given
                else "is required"
            )
            raise _refused(
                SpecError(component, name, [Problem(error.property_path, why)])
            ) from None


def _refused(error: SpecError) -> InputPropertiesError:
    # Given property paths, the engine prints each property's value beside its message, secrets
    # included [seen with 3.259]. So none.
    return InputPropertiesError(
        "\n".join(
            (
                "the arguments are refused",
                *(f"{problem.path}: {problem.why}" for problem in error.problems),
            )
        ),
        [],
    )


def serve() -> None:
    """Serves until the engine ends it; the engine's address is the first argument."""
    main(Components(), sys.argv[1:])
