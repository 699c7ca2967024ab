"""Stacks written as pairs in YAML, one dialect for every platform: objects, and what one property
makes of them.

A file has `pairs`. A pair has `pair` (what differs), `source` (what settles it), `objects` and
`stacks`. An object is a Kubernetes
manifest, or `{type, name, props}` for what is none. A stack has:

- `name`, and `label`: `verdict`, `why`; of what is held its `cause`, of what is undecided what it
is `about` (part of the path of the property, or of the resource's name where it is meant as a
whole); and where they are settled `gpus`, `nodes`, `hours`, `notice` (null: none), `ceiling`;
- `patch`: by `Kind/name` or `name` a JSON merge patch (RFC 7386: null takes a field away, lists are
replaced whole);
- `add` and `drop`: objects more or less; `document` on an object: which stack of an estate it is
in;
- `depend`: by object and property the names of the objects that the property was computed from;
- `provider`: by object (of the pair too) the name of the provider that it is sent by;
- `op`: by object what the update does; `before`: by object a merge patch on its properties that
gives those from before the update; `settings`; `config` (of the pair too): the stack's
configuration.

`$unknown` and `$secret` stand for values that a preview does not know or show.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.cases import stack_of
from zerofloor.capacity import Cause, Undecided
from zerofloor.floor.result import Floor
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings import parse
from zerofloor.stack import Stack

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "ciphertext": "AAABAP",
}
TODAY = datetime.date(2026, 11, 24)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where it is built, takes a seventh of the time."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One stack of a pair with its label."""

    pair: Mapping[str, Any]
    name: str
    label: Mapping[str, Any]
    resources: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    cases: tuple[Mapping[str, Any], ...]
    """One document as `tests.cases.stack_of` reads it, or several that are judged together."""
    parts: tuple[Stack, ...]
    """The same as stacks."""


def every_stack() -> dict[str, Labelled]:
    """The tables of every platform, by `folder/file: pair: name`."""
    here = Path(__file__).parent
    return {
        f"{folder.name}/{name}": stack
        for folder in sorted(path for path in here.iterdir() if path.is_dir())
        for name, stack in labelled(folder).items()
    }


def labelled(folder: Path) -> dict[str, Labelled]:
    """Every stack of a folder's tables by `file: pair: name`."""
    found: dict[str, Labelled] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
        for pair in document["pairs"]:
            for stack in pair["stacks"]:
                name = f"{path.stem}: {pair['pair']}: {stack['name']}"
                assert name not in found, name
                found[name] = _labelled(pair, stack)
    return found


def floor_of(stack: Labelled) -> Floor:
    """The verdict on it, as every door gives it."""
    settings = parse(dict(stack.settings), "test")
    return judge(stack.parts, open_book(), settings, TODAY).floor


def check_label(stack: Labelled) -> None:
    """What is found is what the label says, in each of its fields."""
    label, floor = stack.label, floor_of(stack)
    told = _told(stack, floor)
    assert floor.verdict == label["verdict"], told
    assert label["verdict"] != "held" or "cause" in label, "a held label names its cause"
    assert label["verdict"] != "undecided" or "about" in label, "say what is undecided: about"
    if "gpus" in label:
        assert floor.gpus == Decimal(str(label["gpus"])), told
    if "nodes" in label:
        assert floor.nodes == label["nodes"], told
    holding = [entry for entry in floor.entries if entry.holds]
    if "hours" in label:
        assert max(entry.hours_per_week for entry in holding) == label["hours"], told
    if "cause" in label:
        causes = {hold.cause for entry in holding for hold in entry.holds}
        assert Cause[label["cause"]] in causes, told
    if label.get("notice", "") is None:
        assert not floor.notices, told
    elif "notice" in label:
        assert Cause[label["notice"]] in {notice.cause for notice in floor.notices}, told
    if "ceiling" in label:
        ceilings = [entry.supply.ceiling for entry in floor.entries if entry.supply]
        assert ceilings == [label["ceiling"]], told
    if "about" in label:
        assert any(label["about"] in _part(undecided) for undecided in floor.undecided), told


def _part(undecided: Undecided) -> str:
    """The property, or the name of a resource that is meant as a whole."""
    return undecided.path or undecided.urn.rsplit("::", 1)[-1]


def check_evidence(stack: Labelled) -> None:
    """Every hold has its chain and its change; whatever is undecided says how to settle it."""
    urns = {r["urn"] for r in stack.resources}
    floor = floor_of(stack)
    for entry in floor.entries:
        for hold in entry.holds:
            assert hold.fix
            assert hold.urn in urns
            assert hold.evidence
            assert all(link.urn in urns and link.because for link in hold.evidence)
    for undecided in floor.undecided:
        assert undecided.urn in urns
        assert undecided.why
        assert undecided.settle


def check_pairs(stacks: Mapping[str, Labelled]) -> None:
    """Every pair has two outcomes and a source, and says why of each."""
    for stack in stacks.values():
        labels = [one["label"] for one in stack.pair["stacks"]]
        assert stack.pair["source"], stack.pair["pair"]
        assert all(label["why"] for label in labels), stack.pair["pair"]
        outcomes = {(label["verdict"], label.get("gpus"), label.get("notice")) for label in labels}
        assert len(outcomes) > 1, stack.pair["pair"]


def _told(stack: Labelled, floor: Floor) -> str:
    """What a failing test prints: the label, and what was found as `explain` would say it."""
    lines = [
        f"want {dict(stack.label)}",
        f"got {floor.verdict} {floor.gpus} GPUs {floor.nodes} nodes",
    ]
    for entry in floor.entries:
        lines.append(f"- {entry.platform} {entry.name}: {entry.verdict} {entry.gpus} {entry.nodes}")
        lines += [f"    {e.path} = {e.value!r}: {e.because}" for e in entry.evidence]
        lines += [
            f"    holds {hold.units} by {hold.cause.name}: {hold.fix}" for hold in entry.holds
        ]
    lines += [f"? {u.urn.rsplit('::', 1)[-1]} {u.path}: {u.why}" for u in floor.undecided]
    return "\n".join(lines)


def _labelled(pair: Mapping[str, Any], stack: Mapping[str, Any]) -> Labelled:
    dropped = stack.get("drop", [])
    declared = [*pair["objects"], *stack.get("add", [])]
    objects = [copy.deepcopy(o) for o in declared if _key(o) not in dropped]
    keys = {_key(o) for o in objects}
    fields = ("patch", "depend", "op", "before")
    unused = {key for field in fields for key in stack.get(field, {})} - keys
    assert not unused, f"{pair['pair']}: no such object: {unused}"
    resources = tuple(_resource(o, stack.get("patch", {}).get(_key(o), {})) for o in objects)
    urns = {_key(o): r["urn"] for o, r in zip(objects, resources, strict=True)}
    for declaration, resource in zip(objects, resources, strict=True):
        links = {**pair.get("depend", {}), **stack.get("depend", {})}.get(_key(declaration), {})
        resource["propertyDependencies"] = {
            **resource.get("propertyDependencies", {}),
            **{prop: [urns[name] for name in names] for prop, names in links.items()},
        }
        provider = {**pair.get("provider", {}), **stack.get("provider", {})}.get(_key(declaration))
        if provider is not None:
            resource["provider"] = f"{urns[provider]}::id"
        earlier = stack.get("before", {}).get(_key(declaration))
        if earlier is not None:
            resource["before"] = _known(merged(resource["props"], earlier))
        resource["op"] = stack.get("op", {}).get(_key(declaration), resource.get("op", "create"))
    config = {**pair.get("config", {}), **stack.get("config", {})}
    parts = sorted({r["document"] for r in resources})
    cases = tuple(
        {"resources": [r for r in resources if r["document"] == part], "config": config}
        for part in parts
    )
    stacks = tuple(stack_of(case) for case in cases)
    return Labelled(
        pair=pair,
        name=stack["name"],
        label=stack["label"],
        resources=resources,
        settings=stack.get("settings", {}),
        cases=cases,
        parts=stacks,
    )


def _key(declared: Mapping[str, Any]) -> str:
    if "kind" in declared:
        return f"{declared['kind']}/{declared['metadata']['name']}"
    return str(declared["name"])


def _resource(declared: Mapping[str, Any], patch: Any) -> dict[str, Any]:
    document = str(declared.get("document", "dev"))
    body = declared["props"] if "type" in declared else declared
    props = {k: v for k, v in body.items() if k != "document"}
    token = declared.get("type")
    name = _key(declared).replace("/", "-")
    if token is None:
        version = declared["apiVersion"]
        group = version if "/" in version else f"core/{version}"
        token = f"kubernetes:{group}:{declared['kind']}"
        name += f"-{declared['metadata'].get('namespace', 'default')}"
    urn = f"urn:pulumi:{document}::case::{token}::{name}"
    return {
        "type": token,
        "name": name,
        "urn": urn,
        "document": document,
        "props": _known(merged(props, patch)),
        **_beside(declared),
    }


def _beside(declared: Mapping[str, Any]) -> dict[str, Any]:
    """What a case says of a resource beside its properties (component, derived_from_component, op)."""
    if "type" not in declared:
        return {}
    return {k: v for k, v in declared.items() if k not in ("type", "name", "props", "document")}


def merged(value: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386) applied."""
    if not isinstance(patch, dict):
        return patch
    out = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if inner is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), inner)
    return out


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    return (
        {"$unknown": UNKNOWN, "$secret": SECRET}.get(value, value)
        if isinstance(value, str)
        else value
    )
