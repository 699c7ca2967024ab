"""Declares resources of the clouds' providers by their type tokens, so that no provider's SDK
(pulumi_aws alone has 270 MB) must be installed to use a component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi


class CloudResource(pulumi.CustomResource):
    """A resource of any provider. Inputs are spelled as the engine spells them; those that are None
    are left out. Tests check them against the provider's own SDK."""

    def __init__(
        self,
        token: str,
        name: str,
        inputs: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        *,
        outputs: Sequence[str] = (),
    ):
        super().__init__(token, name, {**dict.fromkeys(outputs), **given(inputs)}, opts)

    def output(self, name: str) -> pulumi.Output[Any]:
        """An output of the provider; it must be named in `outputs`."""
        found: pulumi.Output[Any] = self.__dict__[name]
        return found


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without those that are None."""
    return {key: value for key, value in fields.items() if value is not None}


def through(value: Any, make: Callable[[Any], Any]) -> Any:
    """What `make` makes of a value, also where that is an Output as a whole."""
    return value.apply(make) if isinstance(value, pulumi.Output) else make(value)
