"""What components of the Kubernetes provider render: manifests from files and texts, kustomizations
and Helm charts.

The provider does this itself on the engine. Here files are read, and `helm` and `kubectl` (or
`kustomize`) are asked where they are installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import Any, Final

from zerofloor.documents import MAX_BYTES
from zerofloor.documents.manifests import read_manifests
from zerofloor.errors import InputError
from zerofloor.stack import Hidden, Resource, Stack
from zerofloor.values import at, items

SECONDS: Final = 30.0
"""For one call of `helm` or `kubectl`: a chart may have to be downloaded."""

MOST_FILES: Final = 2000


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects that a component renders, or why they are not known."""

    objects: tuple[Resource, ...] = ()
    why_not: str = ""
    """Why it can't be rendered here, as a clause; empty where it was."""
    text: str = ""
    """The manifests as a command printed them."""


def render(kind: str, inputs: Mapping[str, Any], name: str, folder: Path) -> Rendered | None:
    """What a component of this type renders; paths are relative to the program's `folder`.

    None for a type that renders nothing. Raises InputError where a file is no manifest.
    """
    match kind.removeprefix("kubernetes:"):
        case "yaml/v2:ConfigGroup" | "yaml/v2:ConfigFile":
            return _manifests(inputs, folder)
        case "kustomize/v2:Directory":
            return kustomized(inputs.get("directory"), folder)
        case "helm.sh/v4:Chart":
            return templated(inputs, name, folder)
    return None


def _manifests(inputs: Mapping[str, Any], folder: Path) -> Rendered:
    objects: list[Resource] = []
    for key in ("file", "files", "yaml", "objs"):
        given = inputs.get(key)
        if isinstance(given, Hidden):
            return Rendered(why_not=f"{key} is {given.value} at preview")
        listed = [given] if isinstance(given, str) else items(given)
        for index, part in enumerate(listed if not isinstance(listed, Hidden) else ()):
            if isinstance(part, Hidden):
                return Rendered(why_not=f"{key}[{index}] is {part.value} at preview")
            if key == "objs":
                objects += _of_object(f"{key}[{index}]", part)
            elif key == "yaml":
                objects += _read(f"{key}[{index}]", str(part).encode())
            elif "://" in str(part):
                return Rendered(why_not=f"{part} is not on this machine")
            else:
                for path in _paths(str(part), folder):
                    objects += _read(path.name, path.read_bytes())
    return Rendered(tuple(objects))


def _of_object(name: str, value: Any) -> list[Resource]:
    """An object that the program holds: hidden parts stay hidden."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: not a Kubernetes object")
    version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        raise InputError(f"{name}: not a Kubernetes object (apiVersion and kind are missing)")
    token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}"
    metadata = value.get("metadata")
    called = metadata.get("name") if isinstance(metadata, Mapping) else None
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    called = called if isinstance(called, str) else name
    called = f"{namespace if isinstance(namespace, str) else 'default'}/{called}"
    return [Resource(urn=called, type=token, name=called, inputs=value)]


def _paths(pattern: str, folder: Path) -> Iterator[Path]:
    """The files that a path or a pattern means, in the order of their names."""
    matched = glob(pattern, root_dir=folder)  # noqa: PTH207 – Path.glob takes no absolute pattern.
    for name in sorted(matched)[:MOST_FILES] or [pattern]:
        path = folder / name
        if not path.is_file():
            raise InputError(f"{name}: there is no such file")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{name}: too large for a manifest")
        yield path


def _read(name: str, data: bytes) -> list[Resource]:
    return list(read_manifests(name, data).resources) if data.strip() else []


def kustomized(directory: Any, folder: Path) -> Rendered:
    """What `kubectl kustomize` (or `kustomize build`) makes of a folder."""
    if not isinstance(directory, str):
        return Rendered(why_not="its directory isn't known at preview")
    if "://" in directory or not (folder / directory).is_dir():
        return Rendered(why_not=f"{directory} is not on this machine")
    for command in (("kubectl", "kustomize"), ("kustomize", "build")):
        if shutil.which(command[0]):
            return _said(directory, [*command, directory], folder)
    return Rendered(why_not="neither kubectl nor kustomize is installed")


def templated(inputs: Mapping[str, Any], name: str, folder: Path) -> Rendered:
    """What `helm template` makes of a chart; `inputs` as `kubernetes:helm.sh/v4:Chart` takes
    them."""
    given = {key: inputs.get(key) for key in ("chart", "values", "version", "namespace")}
    for key, value in given.items():
        if _is_hidden(value):
            return Rendered(why_not=f"{key} isn't known at preview")
    chart = given["chart"]
    if not isinstance(chart, str):
        return Rendered(why_not="it names no chart")
    if not shutil.which("helm"):
        return Rendered(why_not="helm is not installed")
    command = ["helm", "template", str(inputs.get("name") or name), chart]
    options = {
        "--namespace": given["namespace"],
        "--version": given["version"],
        "--repo": at(inputs.get("repositoryOpts"), "repo"),
    }
    for option, value in options.items():
        command += [option, value] if isinstance(value, str) else []
    with tempfile.TemporaryDirectory(prefix="zerofloor-") as scratch:
        for index, file in enumerate(items_of(inputs.get("valueYamlFiles"))):
            path = _values_file(file, Path(scratch) / f"values-{index}.yaml")
            if path is None:
                return Rendered(why_not=f"valueYamlFiles[{index}] isn't known at preview")
            command += ["--values", path]
        if given["values"]:
            values = Path(scratch) / "values.json"
            values.write_text(json.dumps(given["values"]))
            command += ["--values", str(values)]
        return _said(chart, command, folder)


def _values_file(given: Any, place: Path) -> str | None:
    """The path of a file of values; where its text is given, that is written to `place`."""
    if not isinstance(given, Mapping):
        return None
    if isinstance(given.get("text"), str):
        place.write_text(given["text"])
        return str(place)
    return given["path"] if isinstance(given.get("path"), str) else None


def items_of(value: Any) -> list[Any]:
    """The elements of a list; a hidden list is one hidden element."""
    found = items(value)
    return [found] if isinstance(found, Hidden) else found


def _is_hidden(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_hidden, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_hidden, value))
    return isinstance(value, Hidden)


def _said(name: str, command: list[str], folder: Path) -> Rendered:
    """The manifests that a command prints."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    environ = {key: os.environ[key] for key in kept if key in os.environ}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**environ, "KUBECONFIG": os.devnull},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Rendered(why_not=f"{command[0]} gives no answer within {SECONDS:g} s")
    if done.returncode != 0:
        return Rendered(why_not=f"{command[0]} can't render it (exit code {done.returncode})")
    try:
        objects = tuple(_read(name, done.stdout))
        return Rendered(objects, text=done.stdout.decode())
    except (InputError, UnicodeDecodeError):
        return Rendered(why_not=f"{command[0]} prints what is not a manifest")


def with_value_files(stack: Stack, folder: Path) -> Stack:
    """The stack with the text of the files that hold a chart's values; `folder` is the
    program's."""
    changed = [_with_texts(resource, folder) for resource in stack.resources]
    if all(new is old for new, old in zip(changed, stack.resources, strict=True)):
        return stack
    return replace(stack, resources=tuple(changed))


def _with_texts(resource: Resource, folder: Path) -> Resource:
    if not resource.type.startswith("kubernetes:helm.sh/"):
        return resource
    files = resource.inputs.get("valueYamlFiles")
    if not isinstance(files, list | tuple):
        return resource
    texts = [_with_text(file, folder) for file in files]
    return replace(resource, inputs={**resource.inputs, "valueYamlFiles": texts})


def _with_text(file: Any, folder: Path) -> Any:
    path = file.get("path") if isinstance(file, Mapping) and "text" not in file else None
    if not isinstance(path, str):
        return file
    try:
        data = (folder / path).read_bytes()
        return {**file, "text": data.decode()} if len(data) <= MAX_BYTES else file
    except (OSError, UnicodeDecodeError):
        return file
