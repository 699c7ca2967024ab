"""Drives the `pulumi` command: previews a program with the real engine and reads the digest that it
prints.

The user's project is only read. Where the stack exists in the user's own backend, that is asked;
otherwise a throw-away file backend in a
temporary folder is, with a copy of the stack's configuration, since `pulumi stack init` writes into
it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zerofloor.engine.isolation import ending_signals
from zerofloor.engine.project import Project, load_yaml, read_config, read_project
from zerofloor.engine.rendering import with_value_files
from zerofloor.errors import InputError
from zerofloor.stack import Stack

LOOKUP_SECONDS = 20.0
"""For a question to the backend (who am I, is there such a stack): a backend that is slower counts
as absent."""


class EngineUnavailable(Exception):
    """The engine can't preview this program here: why, in one line. The program may well be
    fine."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Backend:
    """Where the preview's stack is, and with which environment and configuration."""

    environ: Mapping[str, str]
    stack: str
    options: tuple[str, ...] = ()


def find_pulumi(environ: Mapping[str, str]) -> Path | None:
    """The `pulumi` command on the PATH of `environ`."""
    found = shutil.which("pulumi", path=environ.get("PATH", ""))
    return Path(found) if found else None


def preview_with_engine(
    directory: Path, stack: str, *, time_limit: float, environ: Mapping[str, str] | None = None
) -> Stack:
    """The stack that the program in `directory` declares, as the real engine previews it.

    `time_limit` is in seconds. Raises EngineUnavailable where the engine can't run the program
    here, InputError where the program itself
    fails, does not end in time, or has no such stack.
    """
    from zerofloor.documents import read

    environ = dict(os.environ if environ is None else environ)
    pulumi = find_pulumi(environ)
    if pulumi is None:
        raise EngineUnavailable("there is no `pulumi` command on PATH")
    environ.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    environ.setdefault(
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true"
    )  # A preview that starts downloads is not what was asked for.
    environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    project = read_project(directory)
    with ending_signals(), tempfile.TemporaryDirectory(prefix="zerofloor-") as scratch:
        report = Path(scratch) / "report.json"
        backend = _own_backend(pulumi, project, stack, environ) or _throw_away_backend(
            pulumi, project, stack, environ, Path(scratch)
        )
        command = [
            str(pulumi),
            "preview",
            "--json",
            "--show-sames",
            "--non-interactive",
            "--color",
            "never",
            "--cwd",
            str(project.directory),
        ]
        with _language_host(project, pulumi, environ, report) as client:
            try:
                done = _run(
                    [*command, "--stack", backend.stack, *backend.options, *client],
                    backend.environ,
                    time_limit,
                )
            except subprocess.TimeoutExpired:
                raise InputError(
                    f"{directory}: the program did not end within {time_limit:g} s: raise "
                    "--time-limit, or find out what it waits for"
                ) from None
        if done.returncode != 0 or report.exists():
            raise _failure(directory, report, done)
    digest = read(str(directory), done.stdout, input_format="digest")
    digest = with_value_files(digest, project.program.parent)
    return replace(
        digest,
        kind="program",
        previewed_by="engine",
        project=project.name,
        name=stack.rpartition("/")[2],
    )


def _own_backend(
    pulumi: Path, project: Project, stack: str, environ: Mapping[str, str]
) -> _Backend | None:
    """The user's own backend, if logged in and if the stack is in it."""
    for question in (["whoami"], ["stack", "--stack", stack, "--show-name"]):
        try:
            done = _run(
                [
                    str(pulumi),
                    *question,
                    "--non-interactive",
                    "--color",
                    "never",
                    "--cwd",
                    str(project.directory),
                ],
                environ,
                LOOKUP_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0:
            return None
    return _Backend(environ, stack)


def _throw_away_backend(
    pulumi: Path, project: Project, stack: str, environ: Mapping[str, str], scratch: Path
) -> _Backend:
    """A file backend in `scratch` with an empty stack of this name, configured by a copy of the
    project's own configuration."""
    name = stack.rpartition("/")[2]
    config = read_config(project, stack)
    own = next(
        path
        for path in (project.config_directory / f"Pulumi.{name}.{end}" for end in ("yaml", "yml"))
        if path.is_file()
    )
    content = load_yaml(own) or {}
    if config.environments:
        raise EngineUnavailable(
            f"{own.name} imports an environment, which only its own backend can open: log in"
        )
    passphrase = "encryptionsalt" in content and (
        "PULUMI_CONFIG_PASSPHRASE" in environ or "PULUMI_CONFIG_PASSPHRASE_FILE" in environ
    )
    if config.undecrypted and not passphrase:
        raise EngineUnavailable(
            f"{own.name} has encrypted values that can't be decrypted here: log in, or set "
            "PULUMI_CONFIG_PASSPHRASE"
        )
    kept = ("config", "encryptionsalt") if passphrase else ("config",)
    folder = scratch / "project"
    folder.mkdir()
    (scratch / "state").mkdir()
    # JSON is YAML, and needs no second opinion on what `on` or `1:30` is.
    (folder / "Pulumi.yaml").write_text(
        json.dumps({"name": project.name, "runtime": project.runtime})
    )
    copy = folder / f"Pulumi.{name}.yaml"
    copy.write_text(json.dumps({key: content[key] for key in kept if key in content}))
    inner = {
        **environ,
        "PULUMI_BACKEND_URL": (scratch / "state").as_uri(),
        "PULUMI_CREDENTIALS_PATH": str(scratch),
    }
    if not passphrase:
        inner.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        inner["PULUMI_CONFIG_PASSPHRASE"] = ""
    command = [
        str(pulumi),
        "stack",
        "init",
        name,
        "--no-select",
        "--non-interactive",
        "--color",
        "never",
        "--cwd",
        str(folder),
    ]
    try:
        done = _run(command, inner, LOOKUP_SECONDS)
    except subprocess.TimeoutExpired:
        raise EngineUnavailable(
            f"`pulumi stack init` took longer than {LOOKUP_SECONDS:g} s"
        ) from None
    if done.returncode != 0:
        raise EngineUnavailable(
            f"no throw-away stack: {_first_line(done.stderr.decode(errors='replace'))}"
        )
    return _Backend(inner, name, ("--config-file", str(copy)))


@contextmanager
def _language_host(
    project: Project, pulumi: Path, environ: Mapping[str, str], report: Path
) -> Iterator[tuple[str, ...]]:
    """The options that make the engine use a language host of ours; none where it has its own."""
    search = os.pathsep.join((str(pulumi.resolve().parent), environ.get("PATH", "")))
    if project.runtime != "python" or shutil.which("pulumi-language-python", path=search):
        yield ()
        return
    if not project.program.is_file():
        raise InputError(
            f"{project.directory}: there is no program {project.program.name} where "
            "Pulumi.yaml says"
        )
    command = [
        str(project.python),
        str(Path(__file__).with_name("language_host.py")),
        str(project.program.resolve()),
        str(report),
    ]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=project.program.parent,
            env=dict(environ),
        ) as process,
    ):
        try:
            assert process.stdout is not None
            port = process.stdout.readline().decode().strip()
            if not port.isdecimal():
                process.wait()
                said.seek(0)
                raise EngineUnavailable(
                    f"{project.python} can't serve the program: "
                    f"{_last_line(said.read().decode(errors='replace'))}"
                )
            yield ("--client", f"127.0.0.1:{port}")
        finally:
            process.kill()


def _run(
    command: list[str], environ: Mapping[str, str], time_limit: float
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command without a terminal. After `time_limit` seconds, or on Ctrl-C, interrupts it,
    then kills all that it started."""
    process = subprocess.Popen(
        command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=time_limit)
    except BaseException:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=3)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


_PROGRAM_ERROR = ("Program failed with an unhandled exception", "Running program")
"""How the engine's own language hosts begin when the program is at fault."""

_CLOUD_ERROR = ("invoke of ", "error: invoking ")
"""What a program raises because of where it runs: a look-up without credentials. It is not wrong
for that."""


def _failure(directory: Path, report: Path, done: subprocess.CompletedProcess[bytes]) -> Exception:
    """Whether the program is wrong or the engine can't run it here: our host's report tells, or
    else the digest's diagnostics."""
    errors = _errors(done)
    said = _parsed(report.read_bytes()) if report.exists() else None
    raised = _raised(said) if said else None
    if any(sign in text for text in (raised or "", *errors) for sign in _CLOUD_ERROR):
        return EngineUnavailable(
            f"the program asks a cloud and gets no answer: it {raised}"
            if raised
            else _first_line(errors[0])
        )
    if raised is not None:
        return InputError(f"{directory}: the program {raised}")
    for text in errors:
        if any(sign in text for sign in _PROGRAM_ERROR):
            return InputError(f"{directory}: the program raises {_last_line(text)}")
    return EngineUnavailable(
        "`pulumi preview` failed: "
        f"{_first_line(errors[0]) if errors else f'exit code {done.returncode} without a word'}"
    )


def _raised(said: Mapping[str, Any]) -> str:
    """How the program failed, by our host's report."""
    at = f" ({said['at']})" if said["at"] else ""
    lines = [line.rstrip()[:300] for line in said["failed"].splitlines()]
    if said["whole"] and len(lines) > 1:
        kind, _, first = lines[0].partition(": ")
        return "\n".join((f"{kind}{at}:", first, *lines[1:40]))
    return _first_line(said["failed"]) + at


def _errors(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    from zerofloor.documents.digest import Diagnostic, failure_in

    digest = _parsed(done.stdout)
    said = digest.get("diagnostics") if isinstance(digest, dict) else None
    diagnostics = [
        Diagnostic(message=d["message"], severity=str(d.get("severity")))
        for d in said or ()
        if isinstance(d, dict) and isinstance(d.get("message"), str)
    ]
    errors = [d.message for d in diagnostics if d.severity == "error"]
    if not errors and (printed := failure_in(diagnostics, nothing_made=True)):
        errors = [f"{_PROGRAM_ERROR[0]}\n{printed}"]
    return errors or [
        text
        for text in (done.stderr.decode(errors="replace"), done.stdout.decode(errors="replace"))
        if text.strip()
    ]


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _first_line(text: str) -> str:
    return _shortened(
        next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    )


def _last_line(text: str) -> str:
    return _shortened(
        next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")
    )


def _shortened(line: str) -> str:
    line = line.removeprefix("error: ")
    return line if len(line) <= 300 else line[:299] + "…"
