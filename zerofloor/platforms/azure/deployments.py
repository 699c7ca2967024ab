"""ARM deployments: what their templates hold beyond the kinds that the services' readers take from
them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Accounted, Assumption, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure import templates
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.unread import names_gpu
from zerofloor.platforms.unread.types import is_inert
from zerofloor.values import hidden

READS: Final = templates.DEPLOYMENTS | templates.CLASSIC

_BODIES: Final = ("properties.template", "templateContent", "templateBody")
_LINKS: Final = ("properties.templateLink", "templateLink", "templateSpecVersionId")
_SETTLE: Final = "Declare the resources in the program, add a hint, or waive it"
_ASKING: Final = re.compile(r"type|size|sku|machine|instance|node|vm", re.I)


def read(estate: Estate) -> Iterator[Part]:
    """What of the templates no reader can see: one elsewhere, a hidden one, or a resource that
    no reader reads and that names a GPU."""
    for source in azure.declared(estate, *sorted(READS)):
        if azure.is_looked_up(source):
            continue
        found = tuple(_open(source))
        yield from found
        if not found:
            because = "the resources of its template count by themselves"
            yield Accounted(urn=source.urn, path="", because=because)


def _open(source: Declared) -> Iterator[Part]:
    body = source.field(*_BODIES)
    if body.is_hidden or source.field("properties").is_hidden:
        why = "The template isn't known at preview: what it deploys may run GPU machines"
        yield body.undecided(why, _SETTLE)
        return
    if body.is_absent:
        yield from _elsewhere(source)
        return
    template = templates.template_of(source.resource)
    if not template:
        why = "The template can't be read: what it deploys may run GPU machines"
        yield body.undecided(why, _SETTLE)
        return
    listed = template.get("resources")
    if hidden(listed) or isinstance(listed, str):
        yield body.undecided("The template's resources aren't known at preview", _SETTLE)
    for inside in templates.resources(source.resource):
        if inside.logical and not inside.open:
            continue  # The reader of its kind judges it.
        if inside.unreadable and not is_inert(_token(inside.kind)):
            yield body.undecided(f"Of {inside.name} in the template {inside.open}", _SETTLE)
            continue
        named = next(names_gpu(inside.inputs, ""), None)
        if named is None or is_inert(_token(inside.kind)):
            continue
        because = inside.open or "no reader knows its kind"
        path = f"{body.path}: {inside.name}.{named.path}"
        why = f"{inside.kind} in the template names a GPU ({named.said}), and {because}"
        yield Undecided(source.urn, path, why, _SETTLE)


def _token(kind: str) -> str:
    """An `azure-native` token of the same module, for what holds nothing in a whole module."""
    module = kind.split("/")[0].removeprefix("Microsoft.").lower()
    return f"azure-native:{module}:Any"


def _elsewhere(source: Declared) -> Iterator[Part]:
    link = source.field(*_LINKS)
    given = templates.parameters_of(source.resource)
    asking = [
        name
        for name, value in given.items()
        if hidden(value) and (_ASKING.search(name) or name == "\0")
    ]
    named = next(names_gpu({"parameters": dict(given)}, ""), None)
    if asking or named is not None:
        why = "A template elsewhere is given a parameter that may name a GPU size"
        yield Undecided(source.urn, "properties.parameters", why, _SETTLE)
    elif not link.is_absent:
        yield Assumption(
            f"The ARM deployment {source.name} runs no GPU",
            "its template is elsewhere, and no parameter names a GPU size",
        )
