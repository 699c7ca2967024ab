"""Property values as the engine serialises them -> values as `Stack` has them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from zerofloor.patterns import lazy
from zerofloor.stack import SECRET, UNKNOWN

SENTINELS: Final = (
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and any type where the engine writes JSON
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
    "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
    "e48ece36-62e2-4504-bad9-02848725956a",  # archive
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
)
"""What stands for an unknown value of each type (pulumi/pulumi,
sdk/go/common/resource/plugin/rpc.go)."""

SECRET_TEXT: Final = "[secret]"
"""What the engine prints in place of a secret."""

DEEPEST: Final = 200
"""Levels of nesting beyond which a value is refused: no API takes that, and it would exhaust the
stack of whoever walks it."""

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_BYTES: Final = "803fd3297a5875dc03ca845dda5d2a98"
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
# sdk/go/common/resource/sig/sig.go

_OWN: Final = frozenset({"__defaults", "__internal", "__provider"})
"""Keys by which the engine and the SDKs talk to themselves."""

_SHORTEST: Final = len(SENTINELS[0])


def inputs_of(type_token: str, raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """The inputs of one resource; the content of a Kubernetes Secret is secret whether it is marked
    or not.

    Raises RecursionError where they are nested more than `DEEPEST` levels.
    """
    inputs = value_of(raw, 0) if raw else {}
    if not isinstance(
        inputs, dict
    ):  # a resource whose inputs are one marked value: nothing is known of it
        return {"__inputs": inputs}
    if type_token.startswith("kubernetes:"):
        return _concealed(inputs, type_token)
    return inputs


LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl's copy of the whole object, in which a Secret's content would stand a second time."""

_OF_OBJECTS: Final = lazy(r"kubernetes:(?:core/v1:\w*List|(?:yaml|helm|kustomize)\b.*)")


def _concealed(inputs: dict[str, Any], type_token: str) -> dict[str, Any]:
    """The inputs without the content of Secrets, in whatever kind of object it stands."""
    metadata = inputs.get("metadata")
    if isinstance(metadata, dict):
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict) and LAST_APPLIED in annotations:
            others = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
            inputs = {**inputs, "metadata": {**metadata, "annotations": others}}
    if type_token in ("kubernetes:core/v1:Secret", "kubernetes:core/v1:SecretPatch"):
        return _sealed(inputs)
    if _holds_objects(type_token):
        of_secrets = type_token == "kubernetes:core/v1:SecretList"
        for key in ("items", "objs"):
            listed = inputs.get(key)
            if isinstance(listed, list):
                sealed = [
                    _sealed(item)
                    if isinstance(item, dict) and (of_secrets or item.get("kind") == "Secret")
                    else item
                    for item in listed
                ]
                inputs = {**inputs, key: sealed}
    return inputs


@lru_cache(maxsize=1024)
def _holds_objects(type_token: str) -> bool:
    return _OF_OBJECTS.fullmatch(type_token) is not None


def _sealed(secret: dict[str, Any]) -> dict[str, Any]:
    return {
        key: SECRET if key in ("data", "stringData") else value for key, value in secret.items()
    }


def value_of(value: Any, depth: int = 0) -> Any:  # noqa: C901, PLR0912 - one call a value: each more costs time
    """The value with unknown and secret parts marked, whole numbers as ints, and without nulls in
    objects.

    Objects and lists come back as they are where nothing in them changes: this is where the time of
    reading goes.
    """
    kind = type(value)
    if kind is str:
        if len(value) < _SHORTEST:
            return SECRET if value == SECRET_TEXT else value
        for sentinel in SENTINELS:
            if sentinel in value:
                return UNKNOWN
        return value
    if kind is dict:
        if _SIGNATURE in value:
            return _marked(value, depth)
        if depth > DEEPEST:
            raise RecursionError
        changed: dict[str, Any] | None = None
        for key, item in value.items():
            # Most values are short texts: a call less for each.
            if type(item) is str and len(item) < _SHORTEST and item != SECRET_TEXT:
                new = item
            else:
                new = value_of(item, depth + 1)
            if new is not item or new is None or key in _OWN:
                if changed is None:
                    changed = dict(value)
                if new is None or key in _OWN:
                    del changed[key]
                else:
                    changed[key] = new
        return value if changed is None else changed
    if kind is list:
        if depth > DEEPEST:
            raise RecursionError
        for index, item in enumerate(value):
            new = value_of(item, depth + 1)
            if new is not item:
                return [
                    *value[:index],
                    new,
                    *(value_of(rest, depth + 1) for rest in value[index + 1 :]),
                ]
        return value
    if kind is float and value.is_integer():
        return int(value)
    return value


def _marked(value: dict[str, Any], depth: int) -> Any:
    match value[_SIGNATURE]:
        case str(signature) if signature == _SECRET:
            return SECRET
        case str(signature) if signature == _OUTPUT:
            if value.get("secret"):
                return SECRET
            return value_of(value["value"], depth + 1) if "value" in value else UNKNOWN
        case str(signature) if signature == _BYTES:
            return value_of(value.get("value"), depth + 1)
        case str(signature) if signature == _REFERENCE:
            plain = {key: item for key, item in value.items() if key != _SIGNATURE}
            # The engine writes an empty id for a resource that does not exist yet.
            return value_of(
                plain if plain.get("id") != "" else {**plain, "id": SENTINELS[0]}, depth + 1
            )
        case str(signature) if signature in (_ASSET, _ARCHIVE):
            # The hash is the engine's own note of the content.
            return value_of(
                {key: item for key, item in value.items() if key not in (_SIGNATURE, "hash")},
                depth + 1,
            )
    return UNKNOWN  # a mark that a later engine may have: its meaning is unknown
