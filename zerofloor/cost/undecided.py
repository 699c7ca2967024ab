"""Which figures something undecided leaves open: their sums are lower bounds."""

from __future__ import annotations

from collections.abc import Mapping

from zerofloor.cost.estimate import Figure
from zerofloor.floor.result import Entry, Floor


def open_figures(floor: Floor) -> Mapping[str, frozenset[Figure]]:
    """By the URN of what is undecided, or of a pool whose pods are: the figures that it leaves
    open."""
    found: dict[str, frozenset[Figure]] = {}
    told = set()
    for entry in floor.entries:
        told |= set(entry.undecided)
        figures = _open_of(entry)
        if figures:
            found[entry.urn] = found.get(entry.urn, frozenset()) | figures
    for one in floor.undecided:
        if one not in told:  # A resource that no platform here reads.
            found[one.urn] = frozenset(Figure) - {Figure.RESIDUAL}
    return found


def _open_of(entry: Entry) -> frozenset[Figure]:
    supply = entry.supply
    if not entry.undecided and (supply is None or not supply.open_demand):
        return frozenset()
    found = {Figure.FLOOR, Figure.EXPECTED}
    if supply is None or supply.open_demand or supply.open_start:
        found.add(Figure.DESIRED)
    if supply is not None and (supply.ceiling is None or not supply.shapes):
        found |= {Figure.DESIRED, Figure.CEILING}
    return frozenset(found)
