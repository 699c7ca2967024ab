"""Commands from functions: the signature is the command line, the docstring its help.

On argparse, which costs nothing at the start; typer imports pydantic, which costs more than a small
check.
"""

from __future__ import annotations

import argparse
import datetime
import inspect
import os
import sys
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, TypeAlias

from zerofloor.cli.output import columns, say, write
from zerofloor.spelling import did_you_mean, none_of

Function: TypeAlias = Callable[..., int | None]
"""A command: its result is the exit code, None for 0."""

WIDEST: Final = 100


class Option:
    """An option of a command, by its spellings: `--format`, `-f`."""

    def __init__(
        self,
        *names: str,
        help: str,
        metavar: str | None = None,
        least: float | None = None,
        convert: Callable[[str], Any] | None = None,
    ) -> None:
        self.names = names
        self.help = help
        self.metavar = metavar
        self.least = least
        self.convert = convert
        """From what is given to the value; ValueError for what is wrong."""


class Argument:
    """What stands on the command line without a name."""

    def __init__(self, *, metavar: str | None = None, help: str) -> None:
        self.metavar = metavar
        self.help = help


class Parser(argparse.ArgumentParser):
    """argparse with one clear line for a mistake, and the nearest right spelling."""

    def error(self, message: str) -> NoReturn:
        write(sys.stderr, self.format_usage())
        say(message)
        raise SystemExit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, none_of(str(value), list(action.choices)))

    def print_help(self, file: Any = None) -> None:
        write(sys.stdout, self.format_help())


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        width = max(min(columns(), WIDEST), 40)
        super().__init__(prog, max_help_position=30, width=width)

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "Usage: ")


def parser_of(function: Function, program: str) -> Parser:
    """The parser of a command."""
    summary, _, rest = inspect.getdoc(function).partition("\n\n")  # type: ignore[union-attr]
    described = "\n\n".join(
        " ".join(paragraph.split()) for paragraph in (summary, *rest.split("\n\n")) if paragraph
    )
    parser = Parser(
        prog=program,
        description=described,
        formatter_class=_formatter(described),
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("--help", "-h", action="help", help="Show this message and exit.")
    parser._optionals.title = "Options"
    parser._positionals.title = "Arguments"
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        _add(parser, name, parameter, hints[name])
    parser.usage = _usage(parser)
    return parser


def call(function: Function, program: str, arguments: Sequence[str]) -> int:
    """Runs a command with what stands on the command line; its exit code."""
    parser = parser_of(function, program)
    asked, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        parser.error(_unknown(parser, unknown[0]))
    return function(**vars(asked)) or 0


def day(given: str | None) -> datetime.date:
    """The day of `--today`, else today (UTC): the only place where a clock is read."""
    if given is None:
        return datetime.datetime.now(datetime.UTC).date()
    return datetime.date.fromisoformat(given)


def _formatter(described: str) -> Any:
    class Paragraphs(_Help):
        def _fill_text(self, text: str, width: int, indent: str) -> str:
            return "\n\n".join(
                super(Paragraphs, self)._fill_text(part, width, indent)
                for part in described.split("\n\n")
            )

    return Paragraphs


_NARGS: Final = {
    (True, True): "+",
    (True, False): "*",
    (False, True): None,
    (False, False): "?",
}
"""argparse's word for many or one, and required or not."""


def _usage(parser: Parser) -> str:
    around = {"?": "[{}]", "+": "{}...", "*": "[{}...]"}
    words = [
        around.get(str(action.nargs), "{}").format(action.metavar)
        for action in parser._actions
        if not action.option_strings
    ]
    return " ".join([parser.prog, "[OPTIONS]", *words])


def _unknown(parser: Parser, word: str) -> str:
    if not word.startswith("-"):
        return f"{word}: one argument too many"
    name = word.partition("=")[0]
    known = [name for action in parser._actions for name in action.option_strings]
    return f"no such option {name}{did_you_mean(name, known)}"


def _add(parser: Parser, name: str, parameter: inspect.Parameter, hint: Any) -> None:
    if typing.get_origin(hint) is not Annotated:
        raise TypeError(f"{name}: a parameter of a command is Annotated")
    kind, told = typing.get_args(hint)[:2]
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        (kind,) = (part for part in typing.get_args(kind) if part is not types.NoneType)
    many = typing.get_origin(kind) in (list, Sequence)
    if many:
        kind = typing.get_args(kind)[0]
    required = parameter.default is inspect.Parameter.empty
    default = None if required else parameter.default
    more: dict[str, Any] = {"help": _help(told, default).replace("%", "%%")}
    if typing.get_origin(kind) is Literal:
        more["choices"] = list(typing.get_args(kind))
        more["metavar"] = told.metavar or "|".join(more["choices"])
    elif kind is not bool:
        more["type"] = _converter(kind, told)
        more["metavar"] = told.metavar or kind.__name__.upper()
    if isinstance(told, Argument):
        more["nargs"] = _NARGS[many, required]
        parser.add_argument(name, default=default, **more)
    elif kind is bool:
        parser.add_argument(
            *told.names, dest=name, action="store_true", default=default, help=more["help"]
        )
    else:
        parser.add_argument(
            *told.names,
            dest=name,
            action=_Append if many else "store",
            default=default,
            required=required,
            **more,
        )


class _Append(argparse.Action):
    """Collects what is given several times; the default counts only where nothing is given."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [*(before if before is not self.default else ()), values])


def _help(told: Option | Argument, default: Any) -> str:
    if default in (None, False, (), "", Path()) or "default" in told.help.lower():
        return told.help
    return f"{told.help} [default: {default}]"


def _converter(kind: type, told: Option | Argument) -> Callable[[str], Any]:
    least = getattr(told, "least", None)
    own = getattr(told, "convert", None)

    def convert(given: str) -> Any:
        if own is not None:
            try:
                return own(given)
            except ValueError as error:
                raise argparse.ArgumentTypeError(str(error)) from None
        if told.metavar == "YYYY-MM-DD":
            try:
                datetime.date.fromisoformat(given)
            except ValueError:
                raise argparse.ArgumentTypeError(
                    f"{given} is not a date; write YYYY-MM-DD"
                ) from None
        try:
            value = kind(given)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{given} is not a number") from None
        if least is not None and not value >= least:
            raise argparse.ArgumentTypeError(f"{given} is less than {least}")
        return value

    return convert


def help_of(function: Function, program: str) -> str:
    """What `--help` prints, 100 columns wide (for the docs)."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        return parser_of(function, program).format_help().strip()
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
