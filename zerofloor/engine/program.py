"""Previews a Python program without the engine: the program with the real SDK in a child process,
against a resource monitor of ours."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from zerofloor.engine.child import short_token
from zerofloor.engine.isolation import apart, ending_signals
from zerofloor.engine.project import Config, Project, read_config, read_project
from zerofloor.engine.rendering import with_value_files
from zerofloor.errors import InputError
from zerofloor.extras import lacking
from zerofloor.stack import UNKNOWN, Resource, Stack

if TYPE_CHECKING:
    from zerofloor.engine.monitor import Registered

SHOWN: Final = 64 * 1024
"""Bytes of a program's own output that are shown; the rest is counted."""

RECOGNIZABLE: Final = 6
"""A configured secret of fewer characters occurs by chance, so unmarked text is not searched for
it."""

_CREDENTIALS = re.compile(
    r"^(AWS|AZURE|ARM|GOOGLE|GCLOUD|GCP|CLOUDSDK|PULUMI|DIGITALOCEAN|HCLOUD|OCI|LINODE|VULTR|CLOUDFLARE|DATADOG|KUBE|VAULT|GITHUB|GITLAB|CI_JOB)(_|$)"
    r"|^KUBECONFIG$|_PROXY$|TOKEN|SECRET|PASSW|PASSPHRASE|KEY|CREDENTIAL|AUTH|COOKIE|SESSION|PRIVATE",
    re.IGNORECASE,
)
_LOGIN_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_NO_CREDENTIALS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_IMPOSED = {
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "GOOGLE_APPLICATION_CREDENTIALS": os.devnull,
    "CLOUDSDK_CONFIG": os.devnull,
    "AZURE_CONFIG_DIR": os.devnull,
    "KUBECONFIG": os.devnull,
    "GRPC_VERBOSITY": "NONE",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def preview_in_process(
    directory: Path,
    stack: str,
    *,
    time_limit: float = 120,
    exports: Path | None = None,
    answers: Mapping[str, Mapping[str, Any]] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Stack:
    """The stack that the program in `directory` declares on a first preview.

    `time_limit` is in seconds. `exports` is a JSON file with other stacks' outputs by the name that
    StackReferences use; `answers` are
    results of provider functions by token. What the program prints goes to stderr. Raises
    InputError where the program can't be run, fails
    or does not end in time.
    """
    project = read_project(directory)
    if project.runtime != "python":
        raise InputError(
            f"{directory}: the in-process preview runs Python only; install the pulumi "
            f"command for runtime {project.runtime}"
        )
    if not project.program.is_file():
        raise InputError(
            f"{directory}: there is no program {project.program.name} where Pulumi.yaml says"
        )
    config = read_config(project, stack)
    others = _read_exports(exports) if exports else {}
    os.environ.setdefault(
        "GRPC_VERBOSITY", "NONE"
    )  # Read once on import: else gRPC tells stderr that the program has hung up.
    try:
        from zerofloor.engine.monitor import Surroundings, serve
    except ImportError as error:
        raise lacking("the in-process preview", str(error.name), "pulumi") from None
    hidden = _hidden(config)
    own_answers = {short_token(function): result for function, result in (answers or {}).items()}
    surroundings = Surroundings(
        project=project.name,
        stack=stack.rpartition("/")[2],
        root=project.directory,
        config=config.visible,
        hides=lambda text: any(secret in text for secret in hidden),
        answers=own_answers,
        exports=others,
        program=project.program.parent,
    )
    token = secrets.token_hex(16)
    with ending_signals(), serve(surroundings, token) as (address, registered):
        run = _run(
            project,
            config,
            stack,
            {"address": address, "token": token, "answers": own_answers},
            time_limit,
            dict(os.environ if environ is None else environ),
        )
    marked = (run.report or {}).get("secrets", ())
    scrub = _Scrubber(
        {*hidden, *registered.secrets, *marked, *(config.values[key] for key in config.secret)}
    )
    _show(run, registered, scrub)
    if failure := _failure(project, config, run, registered, time_limit):
        raise InputError(scrub(f"{directory}: {failure}"))
    imported = [
        f"the environment {name} is not opened here: what it configures is missing"
        for name in config.environments
    ]
    encrypted = sorted(set((config.undecrypted or {}).values()))
    for resource in _unseen(project.name, surroundings.stack, run.report):
        registered.resources.setdefault(resource.urn, resource)
    previewed = Stack(
        kind="program",
        resources=tuple(registered.resources[urn] for urn in sorted(registered.resources)),
        project=project.name,
        name=surroundings.stack,
        config=config.visible,
        previewed_by="in-process",
        document=str(directory),
        notes=(
            *sorted(registered.notes),
            *_assumed(run.report),
            *_skipped(run.report),
            *imported,
            *(f"the configuration {key} is encrypted and not decrypted here" for key in encrypted),
        ),
    )
    return with_value_files(previewed, project.program.parent)


@dataclass(frozen=True, slots=True)
class _Run:
    """How the child ended."""

    report: Mapping[str, Any] | None
    """What it says itself; None where it did not get to it."""
    exit_code: int | None
    """None where it did not end in time; negative for a signal."""
    output: str
    cut: int
    """Bytes of output that were not kept."""


def _run(
    project: Project,
    config: Config,
    stack: str,
    monitor: Mapping[str, Any],
    time_limit: float,
    environ: Mapping[str, str],
) -> _Run:
    """Runs the program in a session of its own; whatever it started is killed with it."""
    with tempfile.TemporaryDirectory(prefix="zerofloor-") as scratch, apart() as end_orphans:
        report = Path(scratch) / "report.json"
        organization = stack.split("/")[0] if "/" in stack else "organization"
        order = {
            "program": str(project.program),
            "root": str(project.directory),
            "project": project.name,
            "stack": stack.rpartition("/")[2],
            "organization": organization,
            "config": dict(config.values),
            "secret_keys": sorted(config.secret),
            **monitor,
            "report": str(report),
        }
        process = subprocess.Popen(
            [str(project.python), str(Path(__file__).with_name("child.py"))],
            cwd=project.program.parent,
            env=_environment(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        output = _Output(process)
        try:
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps(order).encode())
                process.stdin.close()
            except BrokenPipeError:
                pass  # It died at once: its exit code and output say why.
            exit_code: int | None = process.wait(timeout=time_limit)
        except subprocess.TimeoutExpired:
            exit_code = None
        finally:
            _kill(process)
            end_orphans()
            output.finish()
        return _Run(_parsed(report), exit_code, output.text, output.cut)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and all that is still in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


class _Output:
    """Reads what the program prints, so that it never blocks on a full pipe, and keeps the
    beginning."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._kept = bytearray()
        self.cut = 0
        self._process = process
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while chunk := os.read(self._process.stdout.fileno(), 65536):
            room = SHOWN - len(self._kept)
            self._kept += chunk[:room]
            self.cut += max(0, len(chunk) - room)

    def finish(self) -> None:
        """Waits for the last output; not for a process that left the session and still holds the
        pipe."""
        self._thread.join(timeout=2)
        if not self._thread.is_alive() and self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def text(self) -> str:
        return bytes(self._kept).decode(errors="replace")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without anything that opens a cloud, a cluster or a backend: a preview
    needs none of it."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _NO_CREDENTIALS or not _CREDENTIALS.search(name)
    }
    return {
        **{name: value for name, value in kept.items() if not _LOGIN_IN_URL.search(value)},
        **_IMPOSED,
    }


def _read_exports(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON") from None
    if not isinstance(content, dict) or not all(
        isinstance(outputs, dict) for outputs in content.values()
    ):
        raise InputError(f'{path}: must be {{"STACK NAME": {{"OUTPUT": VALUE}}}}')
    return content


def _hidden(config: Config) -> frozenset[str]:
    """Texts that must not be shown wherever they turn up: placeholders, and plain values of secret
    keys if long enough to recognize."""
    plain = {config.values[key] for key in config.secret}
    return frozenset(
        {*(config.undecrypted or {}), *(text for text in plain if len(text) >= RECOGNIZABLE)}
    )


class _Scrubber:
    """Replaces secrets in text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        longest_first = sorted(
            {
                part
                for secret in secrets
                for part in (secret, *secret.splitlines())
                if len(part) >= 4
            },
            key=len,
            reverse=True,
        )
        self._pattern = (
            re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        )

    def __call__(self, text: str) -> str:
        return self._pattern.sub("[secret]", text) if self._pattern else text


def _show(run: _Run, registered: Registered, scrub: _Scrubber) -> None:
    """The program's output and log on stderr, without control characters."""
    for text in (run.output, *registered.log):
        shown = re.sub(
            r"[^\S\n\t]|[\x00-\x08\x0b-\x1f\x7f-\x9f]",
            lambda match: " " if match[0].isspace() else "",
            scrub(text),
        ).rstrip()
        if shown:
            sys.stderr.write(f"{shown}\n")
        if text is run.output and run.cut:
            sys.stderr.write(f"… and {run.cut} bytes more that the program printed\n")


def _parsed(path: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _failure(
    project: Project, config: Config, run: _Run, registered: Registered, time_limit: float
) -> str | None:
    """Why there is no preview, in one line; None where the program ended well."""
    report = run.report
    if run.exit_code is None:
        return (
            f"the program did not end within {time_limit:g} s: raise "
            "--time-limit, or find out what it waits for"
        )
    if report is None:
        how = f"signal {-run.exit_code}" if run.exit_code < 0 else f"exit code {run.exit_code}"
        last = (
            next(
                (line.strip()[:300] for line in reversed(run.output.splitlines()) if line.strip()),
                "",
            )
            if run.exit_code
            else ""
        )
        return f"the program ended itself ({how}) before it was done" + (
            f": {last}" if last else ""
        )
    if asked := report.get("unanswered"):
        return _ask(asked)
    if registered.failures:
        return f"{registered.failures[0]}{_at(report)}"
    if report.get("ended") == "well" and registered.ended:
        return None
    if report.get("ended") == "well":
        return "the program ended itself before it was done"
    return _told(config, report, project.python)


def _assumed(report: Mapping[str, Any] | None) -> list[str]:
    """What was answered with stand-ins."""
    asked = (report or {}).get("assumed", ())
    return sorted(
        {
            f"{item['function']}{_at(item)} is answered with stand-ins: what is computed from them "
            "counts as unknown"
            for item in asked
        }
    )


def _skipped(report: Mapping[str, Any] | None) -> list[str]:
    """What was outside the preview: resources made inside an `apply` of an unknown value."""
    return sorted(
        f"the apply at {item['at']} didn't run, since its value isn't known before deployment: "
        f"what it creates ({', '.join(item['types'])}) is outside what was seen"
        for item in (report or {}).get("skipped", ())
    )


def _unseen(project: str, stack: str, report: Mapping[str, Any] | None) -> Iterator[Resource]:
    """Stand-ins for resources made inside an `apply` that did not run, of types that may hold a
    GPU: nothing is known of them but the type."""
    from zerofloor.platforms import may_hold_gpu

    for item in (report or {}).get("skipped", ()):
        for kind in item["types"]:
            if may_hold_gpu(kind):
                name = f"apply at {item['at']}"
                yield Resource(
                    urn=f"urn:pulumi:{stack}::{project}::{kind}::{name}",
                    type=kind,
                    name=name,
                    inputs={"__inputs": UNKNOWN},
                    source_position=item["at"],
                )


def _ask(asked: Sequence[Mapping[str, Any]]) -> str:
    """What the user must answer, with the lines to paste."""
    names = ", ".join(f"{item['function']}{_at(item)}" for item in asked)
    region = (
        "set aws:region, "
        if any(item["function"].startswith("aws:index/") for item in asked)
        else ""
    )
    first = asked[0]
    sample = first.get("sample") or {"value": "REPLACE"}
    shown = ", ".join(f"{name}: {value}" for name, value in sample.items()).replace("'", "")
    to_paste = f'To paste: answers: {{"{first["function"]}": {{{shown}}}}}'
    if first.get("fault"):
        return f"answers: {first['function']}{_at(first)}: {first['fault']}. {to_paste}"
    return (
        f"the program needs the result of {names}, which only the cloud knows: "
        f"{region}give it under `answers` in zerofloor.yaml, or install the pulumi command and "
        f"log in. {to_paste}"
    )


def _at(report: Mapping[str, Any]) -> str:
    return f" at {report['at']}" if report.get("at") else ""


def _told(config: Config, report: Mapping[str, Any], python: Path) -> str:
    """The child's report on a program that failed, in words."""
    ended, message, key = report.get("ended"), str(report.get("message", "")), report.get("key")
    encrypted = next(
        (of for text, of in (config.undecrypted or {}).items() if text in message), None
    )
    if ended == "ConfigTypeError" and key in (config.undecrypted or {}).values():
        encrypted = key
    if encrypted is not None:
        needed = (
            f"the program needs the value of {encrypted}{_at(report)}, which is encrypted and "
            "can't be decrypted here"
        )
        return f"{needed}: install the pulumi command and log in"
    match ended:
        case "ConfigMissingError":
            lacking = (
                f"the program requires the configuration {key}{_at(report)}: set it with "
                f"`pulumi config set {key} VALUE`"
            )
            return lacking + (
                f" (the environments {', '.join(config.environments)} are not opened here)"
                if config.environments
                else ""
            )
        case "ConfigTypeError":
            return f"the configuration {key} is not a valid {report.get('wanted')}{_at(report)}"
        case "SystemExit":
            return f"the program calls sys.exit({message}){_at(report)}"
        case "ModuleNotFoundError" if report.get("name"):
            return (
                f"the program imports {report['name']}{_at(report)}, which is not installed in "
                f"{python}: install the program's requirements there, or name their environment in "
                "Pulumi.yaml (runtime.options.virtualenv)"
            )
        case "SyntaxError":
            return f"the program has a syntax error{_at(report)}: {message}"
    at = f" ({report['at']})" if report.get("at") else ""
    if "\n" in message:
        return f"the program raises {ended}{at}:\n{message}"
    return f"the program raises {ended}{': ' if message else ''}{message}{at}"
