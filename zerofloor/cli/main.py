"""The `zerofloor` command: finds the command that is asked for, imports only that one, and turns
every outcome into an exit code."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import Final

from zerofloor import __version__
from zerofloor.errors import InputError

COMMANDS: Final[Mapping[str, str]] = {
    "preview": "Preview a Pulumi program and judge it.",
    "check": "Judge documents: preview digests, event logs, stack exports, Kubernetes manifests.",
    "show": "Print a stack as zerofloor reads it, as JSON.",
    "estimate": "Print the cost only: floor, desired, expected, ceiling, residual, idle total.",
    "audit": "Judge every stack of a state backend: what idles now, and what it costs.",
    "adopt": "Write what to merge so that from now on only new waste is blocked.",
    "simulate": "Play a trace of requests against the scalers: GPU-hours, cost, waiting.",
    "baseline": "Write today's findings as a baseline, so that later only new or worse ones fail.",
    "explain": "Explain what keeps a GPU running, link by link; or print a rule's page.",
    "fix": "Apply the changes of findings to manifests, programs and stack configuration.",
    "live": "Compare the GPU machines and pods that run now with what the stacks declare.",
    "reap": "Scale idle and orphaned GPU machines and workloads to zero, in two confirmed steps.",
    "rules": "List the rules.",
    "prices": "Look up prices.",
    "fireworks": "List, scale, park or delete Fireworks deployments.",
    "schema": "Print a JSON schema of what zerofloor reads or writes.",
    "completion": "Print a completion script for bash, zsh or fish.",
    "pack-path": "Print the path of the policy pack, for `pulumi preview --policy-pack`.",
}
"""Each is a module of this package, imported when it is called. The texts stand here so that
`--help` needs none of them."""

ABOUT: Final = "Fails a Pulumi preview that would leave a GPU billing while idle."

EXITS: Final = "Exit: 0 the gate passes, 1 it does not, 2 something could not be judged."

USAGE: Final = "Usage: zerofloor [OPTIONS] COMMAND [ARGS]..."


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits with its code."""
    # One short run: looking for cycles in a big stack takes a sixth of it and finds next to
    # nothing.
    gc.disable()
    code = run(sys.argv[1:] if arguments is None else list(arguments))
    gc.freeze()  # Or the interpreter looks for them once more as it ends.
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code: bad input and failures of our own are one line on
    stderr and 2."""
    try:
        return _dispatch(list(arguments))
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 2
    except InputError as error:
        _say(str(error))
        return 2
    except OSError as error:
        _say(f"{error.filename or 'input or output'}: {error.strerror or type(error).__name__}")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("ZEROFLOOR_DEBUG") == "1":
            raise
        # The error's text may quote a value: its kind and place are enough to find it.
        _say(
            f"internal error: {type(error).__name__} in {_place(error.__traceback__)}; "
            "nothing was judged, please report it"
        )
        return 2


def functions_of(name: str) -> Mapping[str, Callable[..., int | None]]:
    """The functions behind a command: one under the empty name, or one for each of its commands."""
    module: ModuleType = importlib.import_module(f"zerofloor.cli.{name.replace('-', '_')}")
    found: Mapping[str, Callable[..., int | None]] = getattr(module, "COMMANDS", {})
    return found or {"": getattr(module, name.replace("-", "_"))}


def help_text() -> str:
    """What `zerofloor --help` prints."""
    widest = max(map(len, COMMANDS))
    listed = "".join(f"  {name:<{widest}}  {text}\n" for name, text in COMMANDS.items())
    return (
        f"{USAGE}\n\n{ABOUT}\n\n{EXITS}\n\nOptions:\n"
        "  --version   Print the version.\n"
        "  -h, --help  Show this message and exit.\n\n"
        f"Commands:\n{listed}"
    )


def group_help_text(name: str) -> str:
    """What `--help` of a command with commands of its own prints."""
    functions = functions_of(name)
    widest = max(map(len, functions))
    listed = "".join(
        f"  {sub:<{widest}}  {_first_line(function)}\n" for sub, function in functions.items()
    )
    return f"Usage: zerofloor {name} COMMAND [ARGS]...\n\n{COMMANDS[name]}\n\nCommands:\n{listed}"


def _dispatch(arguments: list[str]) -> int:
    first = arguments[0] if arguments else ""
    if first in ("--help", "-h"):
        return _print(help_text())
    if first == "--version":
        return _print(f"{__version__}\n")
    if first not in COMMANDS:
        return _wrong_command(first, USAGE, tuple(COMMANDS), help_text)
    functions, rest, program = functions_of(first), arguments[1:], f"zerofloor {first}"
    if "" not in functions:
        second = rest[0] if rest else ""
        if second in ("--help", "-h"):
            return _print(group_help_text(first))
        if second not in functions:
            usage = f"Usage: {program} COMMAND [ARGS]..."
            return _wrong_command(second, usage, tuple(functions), lambda: group_help_text(first))
        return _call(functions[second], f"{program} {second}", rest[1:])
    return _call(functions[""], program, rest)


def _call(function: Callable[..., int | None], program: str, arguments: list[str]) -> int:
    from zerofloor.cli.parsing import call

    return call(function, program, arguments)


def _wrong_command(given: str, usage: str, commands: Sequence[str], page: Callable[[], str]) -> int:
    from zerofloor.cli.output import write

    if not given:
        write(sys.stderr, page())
        return 2
    from zerofloor.spelling import did_you_mean

    kind = "option" if given.startswith("-") else "command"
    write(sys.stderr, f"{usage}\n")
    _say(f"no such {kind} {given}{did_you_mean(given, commands)}")
    return 2


def _first_line(function: Callable[..., int | None]) -> str:
    return " ".join((function.__doc__ or "").partition("\n\n")[0].split())


def _print(text: str) -> int:
    from zerofloor.cli.output import write

    write(sys.stdout, text)
    return 0


def _say(message: str) -> None:
    from zerofloor.cli.output import say

    say(message)


def _place(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown place"
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119
