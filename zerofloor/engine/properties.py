"""Property values on the wire: protobuf structs with signatures for secrets, outputs, resources and assets, and sentinels for unknowns.

The signatures and sentinels are those of the SDK (`pulumi/runtime/rpc.py`) and the engine (`sdk/go/common/resource/plugin/rpc.go`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from zerofloor.stack import SECRET, UNKNOWN

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SENTINELS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        UNKNOWN_STRING,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands for an unknown bool, number, string, array, asset, archive and object."""


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


def revealed(value: Any, hides: Callable[[str], bool]) -> Any:
    """Wire data as property values: unknown and secret parts as `UNKNOWN` and `SECRET`, resources as their IDs, output values unwrapped.

    `hides` tells strings that must not be shown although they carry no mark.
    """
    if isinstance(value, str):
        return UNKNOWN if value in SENTINELS else SECRET if hides(value) else value
    if isinstance(value, list):
        return [revealed(part, hides) for part in value]
    if not isinstance(value, dict):
        return value
    match value.get(SIGNATURE):
        case None:
            return SECRET if any(hides(key) for key in value) else {key: revealed(part, hides) for key, part in value.items()}
        case _ if is_secret(value):
            return SECRET
        case sign if sign == OUTPUT_SIGNATURE:
            return revealed(value["value"], hides) if "value" in value else UNKNOWN
        case sign if sign == RESOURCE_SIGNATURE:
            return revealed(value.get("id", value.get("urn")), hides)
    return {key: revealed(part, hides) for key, part in value.items() if key != SIGNATURE}  # An asset or an archive.


def is_secret(value: Any) -> bool:
    """Whether this is a secret or a secret output value."""
    if not isinstance(value, dict):
        return False
    sign = value.get(SIGNATURE)
    return sign == SECRET_SIGNATURE or (sign == OUTPUT_SIGNATURE and value.get("secret") is True and "value" in value)


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
    """Unknowns and secrets as output values: what a transform gets, since its SDK would lose a bare sentinel."""
    if isinstance(value, str) and value in SENTINELS:
        return {SIGNATURE: OUTPUT_SIGNATURE}
    if isinstance(value, list):
        return [as_outputs(part) for part in value]
    if not isinstance(value, dict) or value.get(SIGNATURE) in (OUTPUT_SIGNATURE, RESOURCE_SIGNATURE):
        return value
    if is_secret(value):
        return {SIGNATURE: OUTPUT_SIGNATURE, "value": value.get("value"), "secret": True}
    return {key: as_outputs(part) for key, part in value.items()}


def with_dependencies(value: Any, urns: Iterable[str]) -> Any:
    """The value as an output value that depends on `urns`; the value itself where there are none."""
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
    return own.union(*(dependencies(part) for key, part in value.items() if key != "dependencies" or SIGNATURE not in value))


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
