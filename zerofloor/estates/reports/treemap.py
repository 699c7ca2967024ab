"""A treemap as SVG: a rectangle for each part of a sum, its area the part's share; squarified
(Bruls, Huizing, van Wijk: Squarified Treemaps, 2000). Without scripts."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Final

from zerofloor.reports.visible import visible
from zerofloor.structs import Value

WIDTH: Final = 1000.0
HEIGHT: Final = 520.0

COLOURS: Final = 8
"""How many there are: `.c0` to `.c7` of the page's style."""

CHARACTER: Final = 7.2
"""Width of a character at 13 px."""


class Part(Value, frozen=True):
    """One rectangle."""

    label: str
    value: float
    shown: str
    """The value in words."""
    colour: int
    faded: bool = False


class _Box(Value, frozen=True):
    x: float
    y: float
    width: float
    height: float


def treemap(parts: Sequence[Part]) -> str:
    """The drawing; empty where nothing has a value."""
    shown = sorted((one for one in parts if one.value > 0), key=lambda one: -one.value)
    if not shown:
        return ""
    boxes = _laid_out([one.value for one in shown], _Box(0, 0, WIDTH, HEIGHT))
    drawn = "".join(
        line for part, box in zip(shown, boxes, strict=True) for line in _drawn(part, box)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" class="treemap" '
        f'aria-label="Idle cost by resource">{drawn}</svg>'
    )


def _laid_out(values: Sequence[float], space: _Box) -> list[_Box]:
    """A box for each value (they fall), the areas in proportion."""
    scale = space.width * space.height / sum(values)
    areas = [value * scale for value in values]
    found: list[_Box] = []
    while len(found) < len(areas):
        row = _row(areas[len(found) :], min(space.width, space.height))
        placed, space = _placed(row, space)
        found += placed
    return found


def _row(areas: Sequence[float], side: float) -> Sequence[float]:
    """As many of the areas as make their worst rectangle the least stretched."""
    count, best = 1, _stretched(areas[:1], side)
    while count < len(areas):
        following = _stretched(areas[: count + 1], side)
        if following > best:
            break
        count, best = count + 1, following
    return areas[:count]


def _stretched(row: Sequence[float], side: float) -> float:
    """Long side over short side of the worst rectangle of a row."""
    thickness = max(sum(row) / side, 1e-9)
    return max(max(thickness**2 / area, area / thickness**2) for area in row)


def _placed(row: Sequence[float], space: _Box) -> tuple[list[_Box], _Box]:
    """The boxes of a row along the short side of the space, and the space that is left."""
    placed, at = [], 0.0
    if space.width >= space.height:
        thickness = sum(row) / space.height
        for area in row:
            placed.append(_Box(space.x, space.y + at, thickness, area / thickness))
            at += area / thickness
        left = max(space.width - thickness, 1e-9)
        return placed, _Box(space.x + thickness, space.y, left, space.height)
    thickness = sum(row) / space.width
    for area in row:
        placed.append(_Box(space.x + at, space.y, area / thickness, thickness))
        at += area / thickness
    left = max(space.height - thickness, 1e-9)
    return placed, _Box(space.x, space.y + thickness, space.width, left)


def _drawn(part: Part, box: _Box) -> Iterator[str]:
    faded = " faded" if part.faded else ""
    yield (
        f"<g><title>{_text(f'{part.label}: {part.shown}')}</title>"
        f'<rect class="c{part.colour % COLOURS}{faded}" x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{max(box.width - 1, 0.5):.1f}" height="{max(box.height - 1, 0.5):.1f}"/>'
    )
    room = int((box.width - 10) / CHARACTER)
    if room >= 5 and box.height >= 20:
        yield _label(_cut(part.label, room), box, 15)
        if box.height >= 38:
            yield _label(_cut(part.shown, room), box, 32)
    yield "</g>"


def _label(text: str, box: _Box, down: float) -> str:
    return f'<text x="{box.x + 5:.1f}" y="{box.y + down:.1f}">{_text(text)}</text>'


def _cut(text: str, room: int) -> str:
    shown = visible(text)
    return shown if len(shown) <= room else f"…{shown[1 - room :]}"  # Names differ at their ends.


def _text(text: str) -> str:
    return html.escape(visible(text), quote=True)
