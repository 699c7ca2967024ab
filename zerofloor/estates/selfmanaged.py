"""Pulumi's layout of a self-managed backend: which objects are the states of which stacks
(pulumi/pulumi, pkg/backend/diy)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from zerofloor.errors import InputError
from zerofloor.estates.stores import Object, Store
from zerofloor.estates.values import Listing, Problem, StackRef

ROOT: Final = ".pulumi/"
STACKS: Final = f"{ROOT}stacks/"
LOCKS: Final = f"{ROOT}locks/"
META: Final = f"{ROOT}meta.yaml"

NEWEST_LAYOUT: Final = 1
"""0: `stacks/STACK.json`; 1: `stacks/PROJECT/STACK.json`."""

_STATE: Final = re.compile(r"(?P<stack>[\w.-]+)\.json(?P<packed>\.gz|\.zst)?")
_NAME: Final = re.compile(r"[\w.-]+")
_SMALL: Final = 2**20
"""Bytes of a lock, of tags or of meta.yaml that are read."""


class Lock(msgspec.Struct):
    """Who holds a stack."""

    username: str = ""
    hostname: str = ""
    timestamp: str = ""


class Tags(msgspec.Struct):
    """The stack's own tags."""

    tags: dict[str, str] = msgspec.field(default_factory=dict)


class SelfManaged:
    """A backend in an object store or a folder."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name
        self.remote = store.remote

    def stacks(self) -> Listing:
        """All stacks, in both layouts. Raises InputError where there is no backend."""
        objects = list(self.store.objects(ROOT))
        if not objects and self.store.unread:
            raise InputError(f"{self.name}: {self.store.unread[0]}")
        if not objects:
            raise InputError(
                f"{self.name}: no Pulumi backend because it has no {ROOT}stacks: name what holds "
                "the folder .pulumi"
            )
        keys = {one.key for one in objects}
        problems = [*self._newer(keys), *(Problem("", why) for why in self.store.unread)]
        locks = _locks(objects)
        refs = [
            _ref(project, stack, variants, keys, locks)
            for (project, stack), variants in sorted(_states(objects).items())
        ]
        return Listing(tuple(sorted(refs, key=lambda ref: ref.name)), tuple(problems))

    def state(self, ref: StackRef, most: int) -> bytes:
        return self.store.read(ref.key, most)

    def backup(self, ref: StackRef, most: int) -> bytes | None:
        return self.store.read(ref.backup, most) if ref.backup else None

    def tags(self, ref: StackRef) -> Mapping[str, str]:
        if not ref.tags:
            return {}
        try:
            return msgspec.json.decode(self.store.read(ref.tags, _SMALL), type=Tags).tags
        except (InputError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}  # They only name an owner; the state is what is judged.

    def in_progress(self, ref: StackRef) -> str:
        """Who updates the stack now, by its locks; empty: its last update is done."""
        for key in ref.locks:
            try:
                lock = msgspec.json.decode(self.store.read(key, _SMALL), type=Lock)
            except (InputError, msgspec.MsgspecError, UnicodeDecodeError):
                return "a lock that can't be read"
            since = f" since {lock.timestamp[:19]}" if lock.timestamp else ""
            return f"locked by {lock.username}@{lock.hostname}{since}"
        return ""

    def close(self) -> None:
        self.store.close()

    def _newer(self, keys: set[str]) -> Iterable[Problem]:
        if META not in keys:
            return
        text = self.store.read(META, _SMALL)
        version = re.search(rb"(?m)^\s*[\"']?version[\"']?\s*:\s*(\d+)\s*$", text)
        if version is None:
            yield Problem("", f"{META} is damaged because it has no version")
        elif int(version[1]) > NEWEST_LAYOUT:
            yield Problem(
                "",
                f"{META} has the version {int(version[1])}, and layouts up to "
                f"{NEWEST_LAYOUT} are known: stacks may be missing here",
            )


def _states(objects: Iterable[Object]) -> Mapping[tuple[str, str], list[Object]]:
    """The objects that may be a stack's state, by project and stack."""
    found: dict[tuple[str, str], list[Object]] = defaultdict(list)
    for one in objects:
        if not one.key.startswith(STACKS):
            continue
        *folders, name = one.key.removeprefix(STACKS).split("/")
        match = _STATE.fullmatch(name)
        if match is None or len(folders) > 1 or not all(map(_NAME.fullmatch, folders)):
            continue
        found["".join(folders), match["stack"]].append(one)
    return found


def _ref(
    project: str,
    stack: str,
    variants: list[Object],
    keys: set[str],
    locks: Mapping[str, tuple[str, ...]],
) -> StackRef:
    # Of a plain and a packed one the engine takes the newer.
    newest = max(variants, key=lambda one: (one.modified, one.key))
    name = f"{project}/{stack}" if project else stack
    backup = f"{newest.key}.bak"
    tags = f"{STACKS}{name}.pulumi-tags"
    held = {*locks.get(name, ()), *locks.get(f"organization/{name}", ())}
    return StackRef(
        name=name,
        project=project,
        stack=stack,
        key=newest.key,
        backup=backup if backup in keys else "",
        tags=tags if tags in keys else "",
        locks=tuple(sorted(held)),
        older=tuple(sorted(one.key for one in variants if one.key != newest.key)),
    )


def _locks(objects: Iterable[Object]) -> Mapping[str, tuple[str, ...]]:
    """The locks by the stack's full name."""
    found: dict[str, tuple[str, ...]] = {}
    for one in objects:
        if one.key.startswith(LOCKS):
            stack = one.key.removeprefix(LOCKS).rpartition("/")[0]
            found[stack] = (*found.get(stack, ()), one.key)
    return found
