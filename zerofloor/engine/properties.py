"""Property values on the wire: protobuf structs with signatures for secrets, outputs, resources and
assets, and sentinels for unknowns.

The signatures and sentinels are those of the SDK (`pulumi/runtime/rpc.py`) and the engine
(`sdk/go/common/resource/plugin/rpc.go`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from zerofloor.documents.properties import SENTINELS

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWN_STRING: Final = SENTINELS[0]


def plain(message: Any) -> dict[str, Any]:
    """A protobuf Struct as JSON-like data with sorted keys; whole numbers are ints."""
    return {key: _plain(message.fields[key]) for key in sorted(message.fields)}


def _plain(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return plain(value.struct_value)
        case "list_value":
            return [_plain(part) for part in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value" | "bool_value" as kind:
            return getattr(value, kind)
    return None


def struct(value: Mapping[str, Any]) -> Any:
    """JSON-like data as a protobuf Struct."""
    from google.protobuf import struct_pb2

    made = struct_pb2.Struct()
    made.update(value)
    return made


UNKNOWN_NUMBER: Final = 1640531527
"""What child.py answers a look-up with where a number is asked for."""


def concealed(value: Any, hides: Callable[[str], bool]) -> Any:
    """The data with a secret in place of each string that `hides` tells not to show although it
    carries no mark."""
    if isinstance(value, str):
        return secret(None) if hides(value) else value
    if value == UNKNOWN_NUMBER and not isinstance(value, bool):
        return UNKNOWN_STRING
    if isinstance(value, list):
        return [concealed(part, hides) for part in value]
    if not isinstance(value, dict):
        return value
    if any(hides(key) for key in value):
        return secret(None)
    return {
        key: part if key == SIGNATURE else concealed(part, hides) for key, part in value.items()
    }


def is_secret(value: Any) -> bool:
    """Whether this is a secret or a secret output value."""
    if not isinstance(value, dict):
        return False
    sign = value.get(SIGNATURE)
    return sign == SECRET_SIGNATURE or (
        sign == OUTPUT_SIGNATURE and value.get("secret") is True and "value" in value
    )


def secret(value: Any) -> Any:
    """The value marked as secret; what is marked stays as it is."""
    return value if is_secret(value) else {SIGNATURE: SECRET_SIGNATURE, "value": value}


def secret_texts(value: Any, inside: bool = False) -> Iterable[str]:
    """All strings within marked parts."""
    if isinstance(value, str):
        if inside and value not in SENTINELS:
            yield value
    elif isinstance(value, list):
        for part in value:
            yield from secret_texts(part, inside)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key != SIGNATURE:
                yield from secret_texts(part, inside or is_secret(value))


def as_outputs(value: Any) -> Any:
    """Unknowns and secrets as output values: what a transform gets, since its SDK would lose a bare
    sentinel."""
    if isinstance(value, str) and value in SENTINELS:
        return {SIGNATURE: OUTPUT_SIGNATURE}
    if isinstance(value, list):
        return [as_outputs(part) for part in value]
    if not isinstance(value, dict) or value.get(SIGNATURE) in (
        OUTPUT_SIGNATURE,
        RESOURCE_SIGNATURE,
    ):
        return value
    if is_secret(value):
        return {SIGNATURE: OUTPUT_SIGNATURE, "value": value.get("value"), "secret": True}
    return {key: as_outputs(part) for key, part in value.items()}


def with_dependencies(value: Any, urns: Iterable[str]) -> Any:
    """The value as an output value that depends on `urns`; the value itself where there are
    none."""
    urns = sorted(urns)
    if not urns:
        return value
    if isinstance(value, dict) and value.get(SIGNATURE) == OUTPUT_SIGNATURE:
        return {**value, "dependencies": sorted({*value.get("dependencies", ()), *urns})}
    return {SIGNATURE: OUTPUT_SIGNATURE, "value": value, "dependencies": urns}


def dependencies(value: Any) -> set[str]:
    """The URNs that the output values within depend on."""
    if isinstance(value, list):
        return set().union(*(dependencies(part) for part in value))
    if not isinstance(value, dict):
        return set()
    own = set(value.get("dependencies", ())) if value.get(SIGNATURE) == OUTPUT_SIGNATURE else set()
    return own.union(
        *(
            dependencies(part)
            for key, part in value.items()
            if key != "dependencies" or SIGNATURE not in value
        )
    )


def as_inputs(value: Any) -> Any:
    """The reverse of `as_outputs`: output values as sentinels, secrets and plain values."""
    if isinstance(value, list):
        return [as_inputs(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == OUTPUT_SIGNATURE:
        if "value" not in value:
            return UNKNOWN_STRING
        inner = as_inputs(value["value"])
        return secret(inner) if value.get("secret") is True else inner
    return {key: as_inputs(part) for key, part in value.items()}
