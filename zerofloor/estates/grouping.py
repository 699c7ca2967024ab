"""The lines of an audit added up by stack, owner, cause, cloud or a tag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from zerofloor.estates.values import Audit, Line
from zerofloor.spelling import none_of
from zerofloor.structs import Value

BY: Final = ("stack", "owner", "cause", "cloud")
"""What lines are added up by, beside `tag:KEY`."""

WITHOUT: Final = "(none)"


class Row(Value, frozen=True, kw_only=True):
    """What has one key in common."""

    key: str
    monthly: Decimal
    waived: Decimal
    gpus: Decimal
    unpriced: int
    """Lines that idle without a price: not in the sum."""
    undecided: int
    new: int


def by_of(given: str) -> str:
    """What is asked for by `--by`. Raises ValueError where it can't be."""
    name, _, key = given.partition(":")
    if given in BY or (name == "tag" and key):
        return given
    raise ValueError(none_of(given, (*BY, "tag:NAME")))


def grouped(audit: Audit, by: str) -> tuple[Row, ...]:
    """A row for each key, the most expensive first."""
    key_of = _key(by)
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in audit.lines:
        lines[key_of(line) or WITHOUT].append(line)
    new = set(audit.fresh.new) if audit.fresh else set()
    rows = [
        Row(
            key=key,
            monthly=sum((one.monthly for one in some), Decimal(0)),
            waived=sum((one.monthly for one in some if one.waived_by), Decimal(0)),
            gpus=sum((one.gpus or Decimal(0) for one in some), Decimal(0)),
            unpriced=sum(one.state == "unpriced" for one in some),
            undecided=sum(one.state == "undecided" for one in some),
            new=sum(one.key in new for one in some),
        )
        for key, some in lines.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.monthly, -row.gpus, row.key)))


def _key(by: str) -> Callable[[Line], str]:
    if by.startswith("tag:"):
        tag = by.removeprefix("tag:")
        return lambda line: line.tags.get(tag, "")
    fields: dict[str, Callable[[Line], str]] = {
        "stack": lambda line: line.stack,
        "owner": lambda line: line.owner,
        "cause": lambda line: f"{line.rule} {line.cause}".strip(),
        "cloud": lambda line: line.cloud,
    }
    return fields[by]
