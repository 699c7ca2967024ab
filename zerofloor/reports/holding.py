"""What holds what, as a drawing: the declaration at fault, the workload or pool that it keeps, the
pool whose nodes that needs."""

from __future__ import annotations

import html
from typing import Final

from zerofloor.floor.result import Entry, EntryKind, Verdict
from zerofloor.report import Report
from zerofloor.reports.phrases import label
from zerofloor.reports.visible import visible
from zerofloor.structs import Value
from zerofloor.words import counted, unique

ROWS_AT_MOST: Final = 14
WIDTH: Final = 860
BOX: Final = 250
ROW: Final = 64
GAP: Final = 55


class _Box(Value, frozen=True):
    key: str
    title: str
    text: str
    column: int


def holding_graph(report: Report) -> str:
    """The drawing; empty where nothing is held."""
    held = [one for one in report.floor.entries if one.verdict is Verdict.HELD]
    boxes: list[_Box] = []
    edges: list[tuple[str, str]] = []
    for entry in held:
        carried = bool(entry.carried_by)
        box = _entry(entry, 1 if entry.kind is EntryKind.WORKLOAD or carried else 2)
        boxes.append(box)
        for hold in entry.holds:
            # A pool repeats the hold of the workload that it carries: one arrow tells it.
            if entry.kind is EntryKind.POOL and any(
                hold in other.holds for other in held if other != entry
            ):
                continue
            cause = _Box(f"{hold.cause.value} {hold.urn}", hold.cause.value, label(hold.urn), 0)
            boxes.append(cause)
            edges.append((cause.key, box.key))
        edges += [(box.key, urn) for urn in entry.carried_by]
    boxes = unique(boxes)
    drawn = {box.key: box for column in range(3) for box in _column(boxes, column)}
    return _draw(drawn, unique(edge for edge in edges if drawn.keys() >= set(edge)))


def _column(boxes: list[_Box], column: int) -> list[_Box]:
    return [box for box in boxes if box.column == column][:ROWS_AT_MOST]


def _entry(entry: Entry, column: int) -> _Box:
    gpus = counted(entry.gpus, "GPU") if entry.gpus else "a GPU"
    nodes = f" on {counted(entry.nodes, 'node')}" if entry.nodes else ""
    return _Box(entry.urn, f"{entry.platform} {entry.name}", gpus + nodes, column)


def _draw(boxes: dict[str, _Box], edges: list[tuple[str, str]]) -> str:
    if not boxes:
        return ""
    rows = [0, 0, 0]
    places: dict[str, tuple[int, int]] = {}
    for box in boxes.values():
        places[box.key] = (box.column * (BOX + GAP), rows[box.column] * ROW + 8)
        rows[box.column] += 1
    parts = []
    for source, target in edges:
        (x1, y1), (x2, y2) = places[source], places[target]
        left, right, top, bottom = x1 + BOX, x2, y1 + 24, y2 + 24
        middle = (left + right) // 2
        parts.append(
            f'<path d="M{left} {top} C{middle} {top} {middle} {bottom} {right} {bottom}" '
            'fill="none" stroke="var(--bad)" stroke-width="2"/>'
        )
    for box in boxes.values():
        x, y = places[box.key]
        parts.append(
            f'<rect x="{x}" y="{y}" width="{BOX}" height="48" rx="6" fill="var(--card)" '
            'stroke="var(--line)">'
            f"<title>{_text(f'{box.title}: {box.text}', 300)}</title></rect>"
            f'<text x="{x + 10}" y="{y + 20}" fill="var(--fg)">{_text(box.title, 34)}</text>'
            f'<text x="{x + 10}" y="{y + 38}" fill="var(--dim)">{_text(box.text, 34)}</text>'
        )
    height = max(rows) * ROW + 8
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="What keeps GPUs on" '
        f'font-family="system-ui, sans-serif" font-size="13">{"".join(parts)}</svg>'
    )


def _text(value: str, most: int) -> str:
    shown = visible(value)
    return html.escape(shown if len(shown) <= most else f"{shown[: most - 1]}…")
