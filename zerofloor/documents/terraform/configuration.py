"""The configuration inside a plan: what each resource sets itself, and from what its values were
computed.

A plan's values have everything that a provider computes, too. What the configuration doesn't set is
the provider's own, as an output is Pulumi's: it is no input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from zerofloor.stack import UNKNOWN

_INDEX: Final = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')
_UNTRACED: Final = ("local", "each", "self", "data", "ephemeral", "action")
"""Beginnings of references whose own references a plan doesn't tell: locals are not in it."""
_CONSTANT: Final = ("count", "path", "terraform")

Expressions = Mapping[str, Any]
Links = Mapping[str, tuple[str, ...]]
"""For each attribute the addresses that it was computed from, without indexes."""


class Configuration:
    """The configuration of a plan, by the addresses of its resources."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        root = document.get("root_module")
        self.providers: Mapping[str, Any] = _mapping(document.get("provider_config"))
        self._resources: dict[str, tuple[Mapping[str, Any], _Scope]] = {}
        self._add(_Scope("", _mapping(root), {}, None))

    def _add(self, scope: _Scope) -> None:
        for resource in _sequence(scope.module.get("resources")):
            address = str(_mapping(resource).get("address", ""))
            self._resources[f"{scope.prefix}{address}"] = (_mapping(resource), scope)
        for name, call in _mapping(scope.module.get("module_calls")).items():
            called = _mapping(call)
            inner = _Scope(
                f"{scope.prefix}module.{name}.",
                _mapping(called.get("module")),
                _mapping(called.get("expressions")),
                scope,
            )
            self._add(inner)

    def expressions(self, address: str) -> Expressions | None:
        """What the configuration sets of a resource; None where it does not have the resource."""
        found = self._resources.get(without_indexes(address))
        return None if found is None else _mapping(found[0].get("expressions"))

    def commands(self, address: str) -> list[str]:
        """The commands that run when the resource is created, as far as their text is told (one
        with a reference in it is not)."""
        found = self._resources.get(without_indexes(address))
        listed = _sequence(found[0].get("provisioners")) if found is not None else ()
        texts: list[str] = []
        for provisioner in listed:
            expressions = _mapping(_mapping(provisioner).get("expressions"))
            for name in ("command", "inline"):
                given = _mapping(expressions.get(name)).get("constant_value")
                lines = given if isinstance(given, list) else [given]
                texts += [line for line in lines if isinstance(line, str)]
        return texts

    def provider_key(self, address: str) -> str:
        """The key of the resource's provider in `providers`; empty where none is told."""
        found = self._resources.get(without_indexes(address))
        return "" if found is None else str(found[0].get("provider_config_key", ""))

    def links(self, address: str) -> Links | None:
        """What each attribute was computed from; None where that can't be told of one of them."""
        found = self._resources.get(without_indexes(address))
        if found is None:
            return None
        resource, scope = found
        links: dict[str, tuple[str, ...]] = {}
        for attribute, expression in _mapping(resource.get("expressions")).items():
            targets = set()
            for reference in _references(expression):
                resolved = scope.resolve(reference, 0)
                if resolved is None:
                    return None
                targets |= resolved
            links[attribute] = tuple(sorted(targets))
        return links


class _Scope:
    """One module as it is called."""

    def __init__(
        self,
        prefix: str,
        module: Mapping[str, Any],
        arguments: Mapping[str, Any],
        caller: _Scope | None,
    ) -> None:
        self.prefix = prefix
        self.module = module
        self._arguments = arguments
        self._caller = caller

    def resolve(self, reference: str, depth: int) -> set[str] | None:
        """The resources behind a reference; None where that can't be told."""
        head, _, rest = without_indexes(reference).partition(".")
        name = rest.partition(".")[0]
        if depth > 50 or head in _UNTRACED:
            return None
        if head in _CONSTANT:
            return set()
        if head == "var":
            return self._resolve_argument(name, depth)
        if head == "module":
            return self._resolve_output(name, rest.partition(".")[2].partition(".")[0], depth)
        return {f"{self.prefix}{head}.{name}"} if name else None

    def _resolve_argument(self, name: str, depth: int) -> set[str] | None:
        if self._caller is None or name not in self._arguments:
            return set()  # A variable of the root, or a default: a constant.
        return _union(self._caller, self._arguments[name], depth)

    def _resolve_output(self, called: str, output: str, depth: int) -> set[str] | None:
        call = _mapping(_mapping(self.module.get("module_calls")).get(called))
        module = _mapping(call.get("module"))
        if not output:
            return set()  # The whole module stands beside the one of its outputs that is used.
        found = _mapping(module.get("outputs")).get(output)
        inner = _Scope(
            f"{self.prefix}module.{called}.", module, _mapping(call.get("expressions")), self
        )
        return None if found is None else _union(inner, _mapping(found).get("expression"), depth)


def _union(scope: _Scope, expression: Any, depth: int) -> set[str] | None:
    targets: set[str] = set()
    for reference in _references(expression):
        resolved = scope.resolve(reference, depth + 1)
        if resolved is None:
            return None
        targets |= resolved
    return targets


def _references(expression: Any) -> Iterator[str]:
    """Every reference in an expression, at any depth of blocks."""
    if isinstance(expression, Mapping):
        listed = expression.get("references")
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            yield from listed
            return
        for inner in expression.values():
            yield from _references(inner)
    elif isinstance(expression, list):
        for inner in expression:
            yield from _references(inner)


def without_indexes(address: str) -> str:
    """`module.a["x"].aws_instance.b[0]` is `module.a.aws_instance.b` in the configuration."""
    return _INDEX.sub("", address)


def keep_what_is_set(value: Any, expression: Any) -> Any:
    """The value without what its expression doesn't set.

    A block that no expression has may be one of a `dynamic` block: it stays.
    """
    if not isinstance(value, Mapping) or not isinstance(expression, Mapping):
        return value
    if "references" in expression or "constant_value" in expression:
        return value
    kept = {}
    for name, inner in value.items():
        given = expression.get(name)
        if given is not None:
            kept[name] = _of_blocks(inner, given)
        elif _is_block(inner):
            kept[name] = inner
    return kept


def _of_blocks(value: Any, expression: Any) -> Any:
    if isinstance(expression, list) and isinstance(value, list) and len(value) == len(expression):
        return [keep_what_is_set(*pair) for pair in zip(value, expression, strict=True)]
    return keep_what_is_set(value, expression)


def _is_block(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def constant(expression: Any, variables: Mapping[str, Any]) -> Any:
    """What an expression of a provider comes to: its constant, a variable's value, else UNKNOWN.
    None where there is no expression."""
    if expression is None:
        return None
    found = _mapping(expression)
    if "constant_value" in found:
        return found["constant_value"]
    named = [one.removeprefix("var.") for one in _references(found) if one.startswith("var.")]
    if len(named) == 1 and len(list(_references(found))) == 1:
        value = _mapping(variables.get(named[0])).get("value")
        return UNKNOWN if value is None else value
    return UNKNOWN


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
