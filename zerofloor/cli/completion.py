"""`zerofloor completion SHELL`: a script that completes commands, options and their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from zerofloor.cli.parsing import Argument


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Argument(help="The shell.")],
) -> None:
    """Print a completion script for bash, zsh or fish.

    bash: eval "$(zerofloor completion bash)"; zsh the same after compinit; fish: zerofloor
    completion fish | source.
    """
    from zerofloor.cli.output import emit

    match shell:
        case "bash":
            emit(_bash())
        case "zsh":
            emit(f"autoload -U +X bashcompinit && bashcompinit\n{_bash()}")
        case "fish":
            emit("".join(f"{line}\n" for line in _fish()))


def _words() -> dict[str, tuple[str, ...]]:
    """What may follow, by what stands before: commands, options, and the values of an option."""
    from zerofloor.cli.app import FORMATS
    from zerofloor.cli.main import COMMANDS, functions_of
    from zerofloor.cli.parsing import parser_of
    from zerofloor.reports.formats import Format

    found: dict[str, tuple[str, ...]] = {"": tuple(COMMANDS)}
    for name in COMMANDS:
        functions = functions_of(name)
        if "" not in functions:
            found[name] = tuple(functions)
        for sub, function in functions.items():
            path = f"{name} {sub}".strip()
            options = []
            for action in parser_of(function, path)._actions:
                options += [one for one in action.option_strings if one.startswith("--")]
                values = tuple(Format) if action.metavar == FORMATS else action.choices or ()
                for spelling in action.option_strings if values else ():
                    found[f"{path} {spelling}"] = tuple(map(str, values))
                if not action.option_strings and action.choices:
                    options += map(str, action.choices)
            found[path] = found.get(path, ()) + tuple(options)
    return found


def _bash() -> str:
    words = sorted(_words().items())
    values = "".join(_case(path, some) for path, some in words if " -" in path)
    cases = "".join(_case(path, some) for path, some in words if " -" not in path)
    return f"""_zerofloor() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path= word words=
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in -*) break ;; *[!a-z-]*) break ;; *) path="${{path:+$path }}$word" ;; esac
  done
  case "${{path%% *}} $previous" in
{values}  esac
  if [ -z "$words" ]; then
    case "$path" in
{cases}    *) case "${{path%% *}}" in
{cases}    esac ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _zerofloor zerofloor
"""


def _case(path: str, words: tuple[str, ...]) -> str:
    return f"    '{path}') words='{' '.join(words)}' ;;\n"


def _fish() -> Iterator[str]:
    from zerofloor.cli.main import COMMANDS

    for name, text in COMMANDS.items():
        shown = text.replace("'", "'")
        yield f"complete -c zerofloor -n __fish_use_subcommand -a {name} -d '{shown}'"
    for path, words in sorted(_words().items()):
        command, _, rest = path.partition(" ")
        seen = f"__fish_seen_subcommand_from {command}"
        if not command:
            continue
        if rest.startswith("--"):
            values = " ".join(words)
            yield f"complete -c zerofloor -n '{seen}' -l {rest[2:]} -x -a '{values}'"
        elif not rest:
            for word in words:
                option = f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"
                yield f"complete -c zerofloor -n '{seen}' {option}"
