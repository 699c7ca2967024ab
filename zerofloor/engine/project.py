"""Reads a Pulumi project from its folder: Pulumi.yaml, Pulumi.STACK.yaml, and which stack is
meant."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zerofloor.documents.properties import DEEPEST
from zerofloor.errors import InputError

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a Pulumi.yaml or Pulumi.STACK.yaml: a larger one is no configuration."""


MOST_VALUES: Final = 100_000
"""Values within one configuration key."""


@dataclass(frozen=True, slots=True)
class Project:
    """What a Pulumi.yaml says."""

    directory: Path
    """The project's folder, absolute."""
    name: str
    runtime: str
    """`python`, `nodejs`, `yaml`, …"""
    program: Path
    """The Python file that the engine would run."""
    python: Path
    """The interpreter of the project's virtual environment where it names one that exists, else
    ours."""
    declared: Mapping[str, Any]
    """The `config` block: defaults and types by key, qualified with the namespace."""
    config_directory: Path
    """Where the Pulumi.STACK.yaml files are."""


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of one stack, as a program gets it: every value a string, structured ones
    as JSON."""

    values: Mapping[str, str]
    secret: frozenset[str] = frozenset()
    """Keys whose values are secret."""
    undecrypted: Mapping[str, str] | None = None
    """The placeholders that stand for values which can't be decrypted here, and their keys."""
    environments: tuple[str, ...] = ()
    """The ESC environments that the stack imports; nothing of them is known here."""

    @property
    def visible(self) -> dict[str, str]:
        """The values that are no secrets."""
        return {key: self.values[key] for key in sorted(self.values) if key not in self.secret}


def _instead_of(file: Path) -> str:
    if (file.parent / "Pulumi.yaml").is_file():
        return f"a file, not the program's folder: `zerofloor preview {file.parent}`"
    return f"a file, not the folder of a program: judge a document with `zerofloor check {file}`"


def read_project(directory: Path) -> Project:
    """Reads `directory`/Pulumi.yaml. InputError where it is missing or no project."""
    if directory.is_file():
        raise InputError(f"{directory}: {_instead_of(directory)}")
    if not directory.is_dir():
        raise InputError(f"{directory}: no such folder")
    path = next(
        (p for p in (directory / "Pulumi.yaml", directory / "Pulumi.yml") if p.is_file()), None
    )
    if path is None:
        raise InputError(
            f"{directory}: there is no Pulumi.yaml; name the folder of a Pulumi program"
        )
    content = load_yaml(path)
    runtime: Any = content.get("runtime") if isinstance(content, dict) else None
    options: Any = {}
    if isinstance(runtime, dict):
        runtime, options = runtime.get("name"), runtime.get("options") or {}
    if (
        not isinstance(content, dict)
        or not isinstance(runtime, str)
        or not isinstance(content.get("name"), str)
    ):
        raise InputError(f"{path}: needs a `name` and a `runtime`, as every Pulumi project")
    name, main, folder, declared = (
        content["name"],
        content.get("main"),
        content.get("stackConfigDir"),
        content.get("config"),
    )
    if declared is not None and not isinstance(declared, dict):
        raise InputError(f"{path}: `config` is not a mapping")
    root = directory.resolve()
    program = root / main if isinstance(main, str) else root
    return Project(
        directory=root,
        name=name,
        runtime=runtime,
        program=program / "__main__.py" if program.is_dir() else program,
        python=_python_in(root, options if isinstance(options, dict) else {}),
        declared={
            _qualified(str(key), name, path): value for key, value in (declared or {}).items()
        },
        config_directory=root / folder if isinstance(folder, str) else root,
    )


def _python_in(root: Path, options: Mapping[str, Any]) -> Path:
    """The project's own interpreter; a folder without pulumi in it is no environment for a
    program."""
    named = options.get("virtualenv")
    if not isinstance(named, str) and options.get("toolchain") in ("uv", "poetry"):
        named = ".venv"
    if isinstance(named, str):
        for python, packages in (
            ("bin/python", "lib/python3*/site-packages/pulumi"),
            ("Scripts/python.exe", "Lib/site-packages/pulumi"),
        ):
            folder = root / named
            if (folder / python).exists() and any(folder.glob(packages)):
                return folder / python
    return Path(sys.executable)


def choose_stack(directory: Path, asked: str | None, environ: Mapping[str, str]) -> str:
    """The stack to preview: the one asked for, PULUMI_STACK, the one selected in the workspace, or
    the only one configured.

    InputError, with the stacks that are configured, where none of these says.
    """
    project = read_project(directory)
    if chosen := asked or environ.get("PULUMI_STACK") or _selected(project, environ):
        return chosen
    configured = _configured(project)
    if len(configured) == 1:
        return configured[0]
    if not configured:
        raise InputError(
            f"{directory}: no stack: there is no Pulumi.STACK.yaml; name one with --stack, "
            "or create one with `pulumi stack init`"
        )
    raise InputError(
        f"{directory}: which stack? name one with --stack or PULUMI_STACK: {', '.join(configured)}"
    )


def _configured(project: Project) -> list[str]:
    names = (
        re.fullmatch(r"Pulumi\.(.+)\.ya?ml", path.name)
        for path in project.config_directory.glob("Pulumi.*.y*ml")
    )
    return sorted({match[1] for match in names if match})


def _selected(project: Project, environ: Mapping[str, str]) -> str | None:
    """What `pulumi stack select` stored:
    PULUMI_HOME/workspaces/PROJECT-SHA1_OF_PATH-workspace.json."""
    home = environ.get("PULUMI_HOME") or (
        f"{environ['HOME']}/.pulumi" if environ.get("HOME") else None
    )
    if home is None:
        return None
    for file in ("Pulumi.yaml", "Pulumi.yml"):
        digest = hashlib.sha1(
            str(project.directory / file).encode(), usedforsecurity=False
        ).hexdigest()
        try:
            stored = json.loads(
                (Path(home) / "workspaces" / f"{project.name}-{digest}-workspace.json").read_text()
            )
        except (OSError, ValueError):
            continue
        if isinstance(stored, dict) and isinstance(stored.get("stack"), str) and stored["stack"]:
            return str(stored["stack"])
    return None


def read_config(project: Project, stack: str) -> Config:
    """The configuration of a stack (`dev` or `ORG/PROJECT/dev`): its own file over the project's
    defaults.

    InputError where the stack has no file, or lacks a value that the project requires.
    """
    name = stack.rpartition("/")[2]
    path = _config_file(project, name)
    content = load_yaml(path) or {}
    own = content.get("config") or {} if isinstance(content, dict) else None
    if not isinstance(own, dict):
        raise InputError(f"{path}: not a stack's configuration: `config` must be a mapping")
    values: dict[str, str] = {}
    secret: set[str] = set()
    hidden: dict[str, str] = {}
    for raw, value in own.items():
        key = _qualified(str(raw), None, path)
        values[key], placeholders = _as_text(key, value)
        hidden |= dict.fromkeys(placeholders, key)
        if placeholders:
            secret.add(key)
    environments = _environments(content.get("environment"))
    missing: list[str] = []
    for key in [key for key in project.declared if key not in values]:
        said = project.declared[key]
        given = said if not isinstance(said, dict) else said.get("value", said.get("default"))
        if given is not None:
            values[key] = _as_text(key, given)[0]
            if isinstance(said, dict) and said.get("secret") is True:
                secret.add(key)
        elif key.startswith(f"{project.name}:"):
            missing.append(key)
    if missing and not environments:
        raise InputError(
            f"{path}: the stack {name!r} is missing the configuration "
            f"{', '.join(sorted(missing))} that Pulumi.yaml requires"
        )
    return Config(values, frozenset(secret), hidden, environments)


def _config_file(project: Project, name: str) -> Path:
    for ending in ("yaml", "yml"):
        path = project.config_directory / f"Pulumi.{name}.{ending}"
        if path.is_file():
            return path
    others = ", ".join(_configured(project)) or "none is configured"
    raise InputError(
        f"{project.directory}: the stack {name!r} has no Pulumi.{name}.yaml (stacks "
        f"with one: {others})"
    )


def _environments(said: Any) -> tuple[str, ...]:
    imports = said.get("imports", ["(inline)"]) if isinstance(said, dict) else said
    if isinstance(imports, list):
        return tuple(
            next(iter(item), "?") if isinstance(item, dict) else str(item) for item in imports
        )
    return (str(imports),) if imports else ()


def _qualified(key: str, namespace: str | None, path: Path) -> str:
    """`NAMESPACE:NAME`; the old form `NAMESPACE:config:NAME` means the same."""
    parts = key.split(":")
    if len(parts) == 3 and parts[1] == "config":
        del parts[1]
    if len(parts) == 1 and namespace is not None:
        parts.insert(0, namespace)
    if len(parts) != 2 or not all(parts):
        raise InputError(f"{path}: {key!r} is not a configuration key: write NAMESPACE:NAME")
    return ":".join(parts)


def _as_text(key: str, value: Any) -> tuple[str, list[str]]:
    """The value as the engine hands it over, and the placeholders in it for what is encrypted."""
    placeholders: list[str] = []

    count = 0

    def plain(part: Any) -> Any:
        nonlocal count
        count += 1
        if count > MOST_VALUES:  # Aliases multiply.
            raise InputError(f"the configuration {key} has more than {MOST_VALUES} values")
        if isinstance(part, dict) and set(part) == {"secure"}:
            placeholders.append(placeholder(f"{key}#{len(placeholders)}"))
            return placeholders[-1]
        if isinstance(part, dict):
            return {str(k): plain(v) for k, v in part.items()}
        return [plain(v) for v in part] if isinstance(part, list) else part

    try:
        shown = plain(value)
    except RecursionError:
        raise InputError(f"the configuration {key} contains itself") from None
    return (
        shown
        if isinstance(shown, str)
        else json.dumps(shown, separators=(",", ":"), sort_keys=True)
    ), placeholders


def placeholder(of: str) -> str:
    """Stands for a value that can't be decrypted; nothing else looks like it, so that it is found
    again in a resource's inputs."""
    return f"undecrypted-{hashlib.sha256(of.encode()).hexdigest()[:24]}"


def load_yaml(path: Path) -> Any:
    """The one document of a configuration file. InputError where it can't be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST // 1024 // 1024} MiB, so no configuration")
    import yaml

    try:
        depth = 0
        for event in yaml.parse(data, Loader=yaml_loader()):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
                event, yaml.CollectionEndEvent
            )
            if depth > DEEPEST:
                raise InputError(f"{path}: nested more than {DEEPEST} levels deep")
        return next(yaml.load_all(data, Loader=yaml_loader()), None)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise InputError(
            f"{path}: not YAML: {problem}" + (f" in line {mark.line + 1}" if mark else "")
        ) from None


def yaml_loader() -> Any:
    """PyYAML's safe loader with the engine's idea of scalars: `yes` and `on` are words, dates and
    `1:30` are strings."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    kinds = ("bool", "int", "float", "timestamp")
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in kinds]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for kind, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)", "-+0123456789"),
        (
            "float",
            r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?",
            "-+.0123456789",
        ),
    ):
        Loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{kind}", re.compile(f"^(?:{pattern})$"), list(first)
        )
    return Loader
