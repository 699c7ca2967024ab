"""The `zerofloor` command: finds the command that is asked for, imports only that one, and turns
every outcome into an exit code."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from zerofloor import __version__
from zerofloor.errors import InputError

COMMANDS: Final[Mapping[str, str]] = {
    "preview": "Preview a Pulumi program and judge it.",
    "check": "Judge documents: preview digests, event logs, stack exports, Kubernetes manifests.",
    "show": "Print a stack as zerofloor understood it, as JSON.",
    "estimate": "Print the money alone: floor, desired, expected, ceiling, residuals.",
    "explain": "Say what keeps a GPU alive, link by link; or what a rule is about.",
    "rules": "List the rules.",
    "prices": "Look into the price book.",
    "schema": "Print a JSON schema: of the report, of a shown stack, of zerofloor.yaml.",
    "pack-path": "Print the path of the policy pack, for `pulumi preview --policy-pack`.",
}
"""Each is a module of this package, imported when it is called. The texts stand here so that
`--help` needs none of them."""

EXITS: Final = "Exit: 0 the gate passes, 1 it does not, 2 something could not be judged."


class Commands(TyperGroup):
    """The commands by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"zerofloor.cli.{cmd_name.replace('-', '_')}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(
                f"no such command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app: Final = typer.Typer(
    name="zerofloor",
    cls=Commands,
    help=(
        "A stack that would leave a GPU billing while nobody uses it does not get past "
        f"preview.\n\n{EXITS}"
    ),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits with its code."""
    # One short run: looking for cycles in a big stack takes a sixth of it and finds next to
    # nothing.
    gc.disable()
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code: bad input and failures of our own are one line on
    stderr and 2."""
    from zerofloor.cli.output import say

    try:
        typer.main.get_command(app).main(list(arguments), prog_name="zerofloor")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 2
    except InputError as error:
        say(str(error))
        return 2
    except OSError as error:
        say(f"{error.filename or 'input or output'}: {error.strerror or type(error).__name__}")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("ZEROFLOOR_DEBUG") == "1":
            raise
        # The error's text may quote a value: its kind and place are enough to find it.
        say(
            f"internal error: {type(error).__name__} in {_place(error.__traceback__)}; "
            "nothing was judged, please report it"
        )
        return 2
    return 0


def _place(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        if trace is not None
        else "unknown place"
    )
