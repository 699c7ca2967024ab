"""What values are made of: frozen, compared by their fields, and cheap to declare.

A dataclass compiles its methods at import, half a millisecond each; with 150 of them that was the
largest part of a small check.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, ClassVar

import msgspec


class _Fields:
    """Lets `dataclasses.replace` and `fields` work on a Struct."""

    def __get__(
        self, instance: object, owner: type[msgspec.Struct]
    ) -> dict[str, dataclasses.Field[Any]]:
        return _fields(owner)


@cache
def _fields(owner: type[msgspec.Struct]) -> dict[str, dataclasses.Field[Any]]:
    made = dataclasses.make_dataclass(owner.__name__, owner.__struct_fields__)
    return {field.name: field for field in dataclasses.fields(made)}


class Value(msgspec.Struct, frozen=True):
    """A value of the domain."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]] = _Fields()  # type: ignore[assignment]
