"""A finding's change in a Pulumi program: in its YAML, in the stack's configuration, or in its
source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any, Final

from zerofloor.fixing.apply import Edit, Texts
from zerofloor.fixing.literals import CODE, names_of, replace_literal
from zerofloor.fixing.paths import steps_of
from zerofloor.fixing.yaml_text import NotEditable, documents, set_value, value_at
from zerofloor.report import Finding
from zerofloor.values import at

PROGRAMS: Final = ("Pulumi.yaml", "Pulumi.yml", "Main.yaml")
_INTERPOLATED: Final = re.compile(r"\$\{([\w.:-]+)\}")

Inputs = Callable[[str], Any]
"""The present inputs of a resource, by its URN."""


def edit_program(
    finding: Finding, texts: Texts, config_file: str, inputs: Inputs
) -> Iterator[Edit]:
    """The ways to make the finding's changes: where a YAML program has the value, where the stack's
    configuration has it, where the source has it as a literal."""
    yield from _in_yaml_program(finding, texts, config_file)
    yield from _in_configuration(finding, texts, config_file, inputs)
    yield from _in_source(finding, texts, inputs)


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
    text = texts.get(config_file, "config: {}\n")
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


def _in_configuration(
    finding: Finding, texts: Texts, config_file: str, inputs: Inputs
) -> Iterator[Edit]:
    """Each configuration value that is what the property is now: whether it is where the property's
    value comes from, the judgement afterwards tells."""
    text = texts.get(config_file)
    if text is None or len(finding.change) != 1:
        return
    (change,) = finding.change
    now = at(inputs(change.urn), *steps_of(change.path))
    found = documents(text)
    entries = found[0].value if found else []
    config = next((node for key, node in entries if key.value == "config"), None)
    for key, _ in config.value if config is not None else ():
        value = value_at(text, 0, ("config", key.value))
        if now is not None and str(value) == str(now):
            edited = set_value(text, 0, ("config", key.value), change.to)
            yield Edit({config_file: edited}, f"{config_file}: {key.value}")


def _in_source(finding: Finding, texts: Texts, inputs: Inputs) -> Iterator[Edit]:
    file, _, line = (finding.source or "").rpartition(":")
    if PurePath(file).suffix not in CODE or file not in texts or not line.isdigit():
        return
    text = texts[file]
    for change in finding.change:
        now = at(inputs(change.urn), *steps_of(change.path))
        names = names_of(change.path, finding.argument)
        edited = replace_literal(text, PurePath(file).suffix, int(line), names, now, change.to)
        if edited is None:
            return
        text = edited
    yield Edit({file: text}, f"{file}:{line}")
