"""A finding's change in a Pulumi program: in its YAML, in the stack's configuration, or in its
source."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePath
from typing import Any, Final

import yaml

from zerofloor.capacity import Change
from zerofloor.fixing.apply import Edit, Judged, Texts
from zerofloor.fixing.literals import CODE, names_of, replace_literal
from zerofloor.fixing.paths import Steps, steps_of
from zerofloor.fixing.yaml_text import NotEditable, documents, set_value, value_at
from zerofloor.report import Finding
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at

PROGRAMS: Final = ("Pulumi.yaml", "Pulumi.yml", "Main.yaml")
NO_CONFIG: Final = "config: {}\n"
"""A stack's file that isn't there yet."""
MOST_TRIES: Final = 16
"""Previews for one finding at most."""
_INTERPOLATED: Final = re.compile(r"\$\{([\w.:-]+)\}")


def edit_program(
    finding: Finding, texts: Texts, judged: Judged, config_file: str
) -> Iterator[Edit]:
    """The ways to make the finding's changes: where a YAML program has the value; else each where
    the source has it as a literal or the stack's configuration has it."""
    yield from _in_yaml_program(finding, texts, config_file)
    ways = [
        [
            *_in_source(finding, change, texts, judged),
            *_in_configuration(change, texts, judged, config_file),
        ]
        for change in finding.change
    ]
    for chosen in itertools.islice(itertools.product(*ways), MOST_TRIES):
        edited, told = dict(texts), []
        try:
            for way in chosen:
                edited[way.file] = way.edit(edited.get(way.file, NO_CONFIG))
                told.append(way.what)
        except NotEditable:
            continue
        yield Edit(_differing(edited, texts), ", ".join(dict.fromkeys(told)))


def _differing(edited: Texts, texts: Texts) -> Texts:
    return {name: text for name, text in edited.items() if text != texts.get(name)}


def _in_yaml_program(finding: Finding, texts: Texts, config_file: str) -> Iterator[Edit]:
    for name in PROGRAMS:
        text = texts.get(name)
        if text is None or not _has_resources(text):
            continue
        edited, told = {name: text}, []
        try:
            for change in finding.change:
                resource = change.urn.rpartition("::")[2]
                steps = ("resources", resource, "properties", *steps_of(change.path))
                written = value_at(edited[name], 0, steps)
                key = _config_key(written)
                if key is not None:
                    edited |= _set_config({**texts, **edited}, config_file, key, change.to)
                    told.append(f"{config_file}: {key}")
                else:
                    edited[name] = set_value(edited[name], 0, steps, change.to)
                    told.append(f"{name}: {resource}.{change.path}")
        except NotEditable:
            continue
        yield Edit(edited, ", ".join(told))


def _has_resources(text: str) -> bool:
    """Whether it is a YAML program, and not only a project file."""
    found = documents(text)
    return bool(found) and any(key.value == "resources" for key, _ in found[0].value)


def _config_key(written: Any) -> str | None:
    whole = _INTERPOLATED.fullmatch(written) if isinstance(written, str) else None
    return whole[1] if whole and "." not in whole[1] else None


def _set_config(texts: Texts, config_file: str, key: str, to: Any) -> dict[str, str]:
    text = texts.get(config_file, NO_CONFIG)
    full = key if ":" in key else f"{_project(texts)}:{key}"
    for name in (full, key):
        if value_at(text, 0, ("config", name)) is not None:
            return {config_file: set_value(text, 0, ("config", name), to)}
    return {config_file: set_value(text, 0, ("config", full), to)}


def _project(texts: Texts) -> str:
    for name in PROGRAMS:
        if name in texts:
            return str(value_at(texts[name], 0, ("name",)) or "")
    return ""


class _Way(Value, frozen=True):
    """One place where one change can be made."""

    file: str
    edit: Callable[[str], str]
    """The file's text with the change. Raises NotEditable where it isn't there."""
    what: str


def _in_source(finding: Finding, change: Change, texts: Texts, judged: Judged) -> Iterator[_Way]:
    """The literal where the program declares the resource."""
    file, _, line = (finding.source or "").rpartition(":")
    suffix = PurePath(file).suffix
    if suffix not in CODE or file not in texts or not line.isdigit():
        return
    now = at(judged.inputs.get(change.urn), *steps_of(change.path))
    names = names_of(change.path, finding.argument)

    def edit(text: str) -> str:
        edited = replace_literal(text, suffix, int(line), names, now, change.to)
        if edited is None:
            raise NotEditable("the value isn't a literal where the resource is declared")
        return edited

    yield _Way(file, edit, f"{file}:{line}")


def _in_configuration(
    change: Change, texts: Texts, judged: Judged, config_file: str
) -> Iterator[_Way]:
    """Each configuration value that is what the property is now: whether it is where the property's
    value comes from, the judgement afterwards tells. A default of the project is overridden in the
    stack's file."""
    now = at(judged.inputs.get(change.urn), *steps_of(change.path))
    if now is None or isinstance(now, Hidden):
        return
    values = {**dict(_defaults(texts)), **dict(_leaves(_config(texts.get(config_file)), ()))}
    for steps, value in values.items():
        if str(value) == str(now):
            edit = partial(_set_at, steps=("config", *steps), to=change.to)
            yield _Way(config_file, edit, f"{config_file}: {'.'.join(map(str, steps))}")


def _set_at(text: str, *, steps: Steps, to: Any) -> str:
    return set_value(text, 0, steps, to)


def _config(text: str | None) -> Any:
    """The `config` node of a file; None where it has none."""
    found = documents(text) if text is not None else []
    entries = found[0].value if found and isinstance(found[0], yaml.MappingNode) else ()
    return next((node for key, node in entries if key.value == "config"), None)


def _leaves(node: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    """The plain values below a node by their paths; encrypted ones are left out."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value != "secure":
                yield from _leaves(value, (*steps, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _leaves(value, (*steps, index))
    elif node is not None:
        yield steps, node.value


def _defaults(texts: Texts) -> Iterator[tuple[Steps, Any]]:
    """The values that the project's own file gives its configuration, by the stack's keys."""
    text = next((texts[name] for name in PROGRAMS if name in texts), None)
    for (key, *rest), value in _leaves(_config(text), ()):
        if rest in ([], ["default"], ["value"]):
            name = str(key)
            yield (name if ":" in name else f"{_project(texts)}:{name}",), value
