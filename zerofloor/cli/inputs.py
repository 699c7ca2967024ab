"""What the commands read: documents, folders, programs, settings, prices."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zerofloor.cli.output import say
from zerofloor.errors import InputError
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.prices.book import PriceBook, Table
    from zerofloor.settings import Settings
    from zerofloor.settings.nodes import Node
    from zerofloor.stack import Stack

STDIN = "-"
MANIFEST_SUFFIXES = (".json", ".yaml", ".yml")
"""What `kubectl apply -R -f FOLDER` reads."""


class Reading(Value, frozen=True):
    """How documents are to be read."""

    input_format: str | None = None
    baseline: Path | None = None
    max_bytes: int = 64 * 2**20


class Previewing(Value, frozen=True):
    """How a program is to be previewed."""

    stack: str | None = None
    engine: str = "auto"
    time_limit: float = 120
    stack_outputs: Path | None = None
    """What StackReferences are answered with, in process."""


def read_documents(name: str, reading: Reading) -> tuple[Stack, ...]:
    """The stacks of a file, of stdin (`-`), or of a folder of manifests; a folder with a program is
    refused with a hint."""
    from zerofloor.documents import read, read_file
    from zerofloor.documents.refusal import refusal

    baseline = (
        read_file(reading.baseline, input_format="export", max_bytes=reading.max_bytes)
        if reading.baseline
        else None
    )
    if name == STDIN:
        if sys.stdin is None:
            raise InputError("stdin is closed: name a file")
        data = sys.stdin.buffer.read(reading.max_bytes + 1)
        return (
            read(
                "stdin",
                data,
                input_format=reading.input_format,
                baseline=baseline,
                max_bytes=reading.max_bytes,
            ),
        )
    if not name:
        raise InputError("an empty file name: is a variable not set?")
    try:
        files = manifests_in(Path(name)) if Path(name).is_dir() else [Path(name)]
    except OSError as error:
        raise refusal(name, f"can't be read: {error.strerror}") from None
    return tuple(
        read_file(
            path, input_format=reading.input_format, baseline=baseline, max_bytes=reading.max_bytes
        )
        for path in files
    )


def read_any(
    name: str, reading: Reading, previewing: Previewing, settings: Settings
) -> tuple[Stack, ...]:
    """As `read_documents`, with a folder that has a Pulumi program previewed."""
    if is_program(Path(name)):
        return (preview(Path(name), previewing, settings),)
    return read_documents(name, reading)


def is_program(path: Path) -> bool:
    """Whether this folder has a Pulumi project."""
    return any((path / file).is_file() for file in ("Pulumi.yaml", "Pulumi.yml"))


def preview(directory: Path, how: Previewing, settings: Settings) -> Stack:
    """The stack that a program declares: by the real engine where it can, else in this process,
    with the reason on stderr."""
    from zerofloor.cli.progress import progress

    with progress(f"previewing {directory}"):
        return _previewed(directory, how, settings)


def _previewed(directory: Path, how: Previewing, settings: Settings) -> Stack:
    from zerofloor.engine.program import preview_in_process
    from zerofloor.engine.project import choose_stack, read_project
    from zerofloor.engine.pulumi import EngineUnavailable, find_pulumi, preview_with_engine

    stack = choose_stack(directory, how.stack, os.environ)
    runtime = read_project(directory).runtime
    if how.engine == "pulumi" or (how.engine == "auto" and find_pulumi(os.environ) is not None):
        try:
            return preview_with_engine(directory, stack, time_limit=how.time_limit)
        except EngineUnavailable as error:
            if how.engine == "pulumi" or runtime != "python":
                raise InputError(
                    f"{directory}: the Pulumi engine can't preview it here: {error.reason}"
                ) from None
            say(
                f"the Pulumi engine can't preview it here ({error.reason}); previewing it "
                "in this process"
            )
    if how.engine == "auto" and runtime == "python" and find_pulumi(os.environ) is None:
        say("there is no `pulumi` command on PATH; previewing the program in this process")
    return preview_in_process(
        directory,
        stack,
        time_limit=how.time_limit,
        exports=how.stack_outputs,
        answers=settings.answers,
    )


class Chosen(Value, frozen=True):
    """Which settings the options name."""

    settings: Path | None
    """The repository's; None: those beside the input."""
    policy: Path | None
    """The organisation's; None: the file that ZEROFLOOR_POLICY names, if it is set."""
    today: datetime.date


def settings_for(chosen: Chosen, inputs: Sequence[str]) -> tuple[Settings, Path]:
    """The settings in force and the folder of the repository's: `--settings`, else what stands
    beside the first input or in it, else in the current folder; under the organisation's."""
    from zerofloor.settings.finding import POLICY_VARIABLE, find_settings, read_settings

    policy = chosen.policy or Path(os.environ.get(POLICY_VARIABLE, ""))
    found: tuple[Node, Path] | None
    if chosen.settings is not None:
        found = read_settings(chosen.settings), chosen.settings.parent
    else:
        first = Path(inputs[0]) if inputs and inputs[0] != STDIN else Path()
        beside = first if first.is_dir() else first.parent
        found = find_settings(dict.fromkeys((beside, Path())))
    if found is None and policy == Path():
        from zerofloor.settings import Settings

        return Settings(), Path()
    from zerofloor.gate.organisation import Written, combined
    from zerofloor.rules import known_rules

    organisation = []
    if policy != Path():
        organisation.append(Written(node=read_settings(policy), folder=policy.parent))
    own = None if found is None else Written(node=found[0], folder=found[1])
    settings = combined(organisation, own, known_rules(), chosen.today)
    return settings, Path() if found is None else found[1]


def open_prices(
    settings: Settings, folder: Path, live: Table | None = None, live_as_of: str = ""
) -> PriceBook:
    """The price book: the user's own prices over live ones over the snapshot."""
    from zerofloor.prices.opening import open_for

    return open_for(settings, folder, live, live_as_of)


def manifests_in(folder: Path) -> list[Path]:
    """The manifests in a folder and those below it, not hidden ones; what must be previewed or
    rendered first is refused."""
    from zerofloor.settings import FILE_NAME

    everything = sorted(
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    for directory in (folder, *(path for path in everything if path.is_dir())):
        _refuse_unrendered(directory)
    found = [
        path
        for path in everything
        if path.suffix in MANIFEST_SUFFIXES and path.name != FILE_NAME and not path.is_dir()
    ]
    if not found:
        raise InputError(
            f"{folder}: neither a Pulumi program (no Pulumi.yaml) nor Kubernetes manifests "
            "(no *.yaml, *.yml, *.json)"
        )
    for path in found:
        if not path.is_file():
            raise InputError(f"{path}: can't be read: a link to nothing, or no ordinary file")
    return found


def _refuse_unrendered(folder: Path) -> None:
    if is_program(folder):
        raise InputError(f"{folder}: a Pulumi program: judge it with `zerofloor preview {folder}`")
    if (folder / "Chart.yaml").is_file():
        raise InputError(
            f"{folder}: a Helm chart: judge what it renders, `helm template {folder} | "
            "zerofloor check -`"
        )
    if any(
        (folder / name).is_file()
        for name in ("kustomization.yaml", "kustomization.yml", "Kustomization")
    ):
        raise InputError(
            f"{folder}: a kustomization: judge what it builds, `kustomize build {folder} | "
            "zerofloor check -`"
        )
