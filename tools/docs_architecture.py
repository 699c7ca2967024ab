"""Writes the picture in docs/architecture.md from the imports of the code; with --check it only
says whether the page is stale."""

from __future__ import annotations

import sys
from pathlib import Path

import grimp

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
BEGIN = "<!-- made by tools/docs_architecture.py from the imports: change the code, not this -->"
END = "<!-- end of the picture -->"
FACTS = frozenset(
    {"capacity", "errors", "estate", "money", "schedules", "settings", "stack", "values", "words"}
)
"""Single files that nearly every room imports: drawn as one box."""


def picture() -> str:
    """The rooms and who imports whom, as a Mermaid flow chart without the arrows that follow from others."""
    arrows = _reduced(_imports())
    rooms = sorted({room for arrow in arrows for room in arrow})
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"    {room}[{_label(room)}]" for room in rooms]
    lines += [f"    {user} --> {used}" for user, used in sorted(arrows)]
    return "\n".join([*lines, "```"])


def _imports() -> set[tuple[str, str]]:
    graph = grimp.build_graph("zerofloor")
    arrows: set[tuple[str, str]] = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            user, used = _room(module), _room(imported)
            if user and used and user != used:
                arrows.add((user, used))
    return arrows


def _room(module: str) -> str | None:
    parts = module.split(".")
    if len(parts) == 1:
        return None
    return "facts" if parts[1] in FACTS else parts[1]


def _reduced(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without each arrow that a longer way already implies."""
    return {
        (user, used) for user, used in arrows if not _leads(arrows - {(user, used)}, user, used)
    }


def _leads(arrows: set[tuple[str, str]], start: str, goal: str) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        here = waiting.pop()
        for user, used in arrows:
            if user == here and used not in seen:
                if used == goal:
                    return True
                seen.add(used)
                waiting.append(used)
    return False


def _label(room: str) -> str:
    return '"facts: stack, values, capacity, estate, settings, …"' if room == "facts" else room


def main() -> int:
    """0, or 1 where the page is stale and --check forbids to write it."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    fresh = f"{before}{BEGIN}\n{picture()}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if fresh != page:
            sys.stderr.write(
                "docs/architecture.md is stale: run python -m tools.docs_architecture\n"
            )
        return int(fresh != page)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
