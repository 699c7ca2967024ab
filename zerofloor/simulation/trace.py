"""Requests over time: a CSV in the columns of the Azure LLM inference traces, or a week's profile.

A CSV of millions of lines is read in blocks by arrays; a block that is not as expected is read line
by line, which finds the line that is wrong.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from zerofloor.errors import InputError
from zerofloor.settings.nodes import Node
from zerofloor.simulation.queue import Floats
from zerofloor.values import MOST as LARGEST_COUNT
from zerofloor.words import counted

WEEK: Final = 604_800.0
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_REQUESTS: Final = 20_000_000
"""Of a profile: more than the largest public traces have."""
MOST_TOKENS: Final = 10_000_000
"""Of one request."""
BLOCK: Final = 2**20
"""Bytes of a CSV that are read at once: few enough to stay in a processor's cache."""

_NAMES: Final[Mapping[str, str]] = {
    "timestamp": "at",
    "contexttokens": "context",
    "requesttokens": "context",
    "generatedtokens": "generated",
    "responsetokens": "generated",
}
"""Columns by their names without spaces and case: the Azure traces' (TIMESTAMP, ContextTokens,
GeneratedTokens), and BurstGPT's (Timestamp, Request tokens, Response tokens)."""

_DATED: Final = 946_684_800.0
"""The year 2000, in seconds since 1970: a smaller number counts from the trace's beginning."""

Arrival = Literal["poisson", "even"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The requests of a trace."""

    arrivals: Floats
    """Seconds from the beginning, in order."""
    context: Floats
    """Tokens of each request."""
    generated: Floats
    """Tokens that each is answered with."""
    span: float | None
    """Seconds that it stands for (a profile's week); None: from its first request to when all is
    idle again."""
    begin: datetime.datetime | None = None
    """When it begins, in UTC; None: it doesn't say. A profile's week begins on any Monday."""
    timezone: str = "UTC"
    """Whose Monday that is: an IANA name."""
    notes: tuple[str, ...] = ()
    """What it rests on, each a sentence without a full stop."""


def read_trace(path: Path, *, most: int, arrival: Arrival = "poisson") -> Trace:
    """The requests in a file of at most `most` bytes.

    InputError with the line where it is truncated, mistyped, out of order, empty or too large.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError(f"{path}: a folder, no trace")
        if size > most:
            raise InputError(
                f"{path}: {size // 2**20:,} MiB, larger than --max-trace ({most // 2**20:,} MiB)"
            )
        if path.suffix.lower() in (".yaml", ".yml", ".json"):
            return _profile(path, arrival)
        with path.open("rb") as file:
            return _csv(path, file)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None


# A CSV of requests


@dataclass(frozen=True, slots=True)
class _Columns:
    at: int
    context: int
    generated: int
    count: int

    @property
    def are_azures(self) -> bool:
        return (self.at, self.context, self.generated, self.count) == (0, 1, 2, 3)


_Rows = tuple[Floats, Floats, Floats]


def _csv(path: Path, file: Any) -> Trace:
    header = file.readline(4096).removeprefix(b"\xef\xbb\xbf")
    if not header.strip():
        raise InputError(f"{path}: empty: a trace begins with TIMESTAMP,ContextTokens,…")
    columns = _columns(path, header)
    parts = list(_blocks(path, file, columns))
    at, context, generated = (
        np.concatenate([part[index] for part in parts]) if parts else np.zeros(0)
        for index in range(3)
    )
    if not len(at):
        raise InputError(
            f"{path}: no request after the header (a week without a request is a profile of zeros)"
        )
    backwards = np.flatnonzero(np.diff(at) < 0)
    if len(backwards):
        raise InputError(
            f"{path}:{int(backwards[0]) + 3}: TIMESTAMP is earlier than in the line before: "
            "sort the requests by time"
        )
    begin = None
    if at[0] >= _DATED:
        begin = datetime.datetime.fromtimestamp(float(at[0]), datetime.UTC)
    return Trace(arrivals=at - at[0], context=context, generated=generated, span=None, begin=begin)


def _columns(path: Path, header: bytes) -> _Columns:
    try:
        names = header.decode().strip().split(",")
    except UnicodeDecodeError:
        raise InputError(f"{path}:1: no text: a trace is a CSV, or a profile in YAML") from None
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        plain = "".join(name.strip().strip('"').split()).lower()
        if plain in _NAMES:
            found.setdefault(_NAMES[plain], index)
    missing = [
        name
        for name, key in (
            ("TIMESTAMP", "at"),
            ("ContextTokens", "context"),
            ("GeneratedTokens", "generated"),
        )
        if key not in found
    ]
    if missing:
        raise InputError(
            f"{path}:1: no column {' and '.join(missing)}: a trace has TIMESTAMP,ContextTokens,"
            "GeneratedTokens"
        )
    return _Columns(found["at"], found["context"], found["generated"], len(names))


def _blocks(path: Path, file: Any, columns: _Columns) -> Iterator[_Rows]:
    """The rows, block by block; each block ends with a whole line."""
    rest = b""
    line = 2
    while True:
        data = file.read(BLOCK)
        block = rest + data
        if not data:
            if block.strip():
                yield _rows(path, block, columns, line)
            return
        end = block.rfind(b"\n") + 1
        rest = block[end:]
        if len(rest) > BLOCK:
            raise InputError(f"{path}:{line}: a line without an end: no CSV")
        if end:
            yield _rows(path, block[:end], columns, line)
            line += block.count(b"\n", 0, end)


def _rows(path: Path, block: bytes, columns: _Columns, line: int) -> _Rows:
    found = _fast_rows(block) if columns.are_azures else None
    return _slow_rows(path, block, columns, line) if found is None else found


_LAYOUT: Final = "0000-00-00 00:00:00."
_DIGITS: Final = [index for index, sign in enumerate(_LAYOUT) if sign == "0"]
_SIGNS: Final = [index for index, sign in enumerate(_LAYOUT) if sign != "0"]
_TOKEN_DIGITS: Final = 7


def _fast_rows(block: bytes) -> _Rows | None:
    """The rows of a block in which every line is like the first one: `2023-11-16 18:15:46.6805900,
    374,44`; None where that is not so."""
    data = np.frombuffer(block, dtype=np.uint8)
    if data[-1] != 10:
        data = np.append(data, np.uint8(10))
    ends = np.flatnonzero(data == 10)
    commas = np.flatnonzero(data == 44)
    if len(commas) != 2 * len(ends) or not len(ends):
        return None
    begins = np.empty_like(ends)
    begins[0], begins[1:] = 0, ends[:-1] + 1
    first, second = commas[0::2], commas[1::2]
    width = int(first[0] - begins[0])
    if not len(_LAYOUT) < width <= len(_LAYOUT) + 9:
        return None
    closes = ends - (data[ends - 1] == 13)
    if (first - begins != width).any() or (second >= closes).any() or (second <= first).any():
        return None
    times = _fast_times(data, begins, width)
    context = _fast_numbers(data, first + 1, second)
    generated = _fast_numbers(data, second + 1, closes)
    if times is None or context is None or generated is None:
        return None
    return times, context, generated


def _fast_times(data: NDArray[np.uint8], begins: NDArray[np.int64], width: int) -> Floats | None:
    """Seconds since 1970."""
    rows = np.lib.stride_tricks.sliding_window_view(data, width)[begins]
    fraction = list(range(len(_LAYOUT), width))
    digits = rows[:, [*_DIGITS, *fraction]] - 48
    signs = np.frombuffer("".join(_LAYOUT[index] for index in _SIGNS).encode(), dtype=np.uint8)
    if (digits > 9).any() or (rows[:, _SIGNS] != signs).any():
        return None
    days = rows[:, :10]
    changes = np.flatnonzero((days[1:] != days[:-1]).any(axis=1)) + 1
    ordinals = np.zeros(len(begins))
    for begin in (0, *changes.tolist()):
        try:
            day = datetime.date.fromisoformat(days[begin].tobytes().decode())
        except ValueError:
            return None
        ordinals[begin:] = day.toordinal() - _EPOCH
    weights = np.array(
        [36_000, 3_600, 600, 60, 10, 1] + [10.0**-n for n in range(1, len(fraction) + 1)]
    )
    parts = digits[:, 8:].astype(np.float64)
    clock = digits[:, 8:14]
    hours, minutes, seconds = (clock[:, n] * 10 + clock[:, n + 1] for n in (0, 2, 4))
    if (hours > 23).any() or (minutes > 59).any() or (seconds > 60).any():
        return None
    # Whole seconds and fractions apart: 1.7e9 seconds leave seven digits exact.
    found: Floats = ordinals * 86_400.0 + parts[:, :6] @ weights[:6] + parts[:, 6:] @ weights[6:]
    return found


_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()


def _fast_numbers(
    data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> Floats | None:
    """Whole numbers of a few digits."""
    lengths = ends - begins
    if (lengths < 1).any() or (lengths > _TOKEN_DIGITS).any():
        return None
    found = np.zeros(len(begins))
    for index in range(int(lengths.max())):
        there = lengths > index
        digit = data[np.where(there, begins + index, 0)] - 48
        if (digit[there] > 9).any():
            return None
        found = np.where(there, found * 10 + digit, found)
    return found


def _slow_rows(path: Path, block: bytes, columns: _Columns, line: int) -> _Rows:
    rows: list[tuple[float, float, float]] = []
    for number, raw in enumerate(block.splitlines(), line):
        if not raw.strip():
            raise InputError(f"{path}:{number}: an empty line: is the file complete?")
        cells = raw.split(b",")
        if len(cells) != columns.count:
            raise InputError(
                f"{path}:{number}: {len(cells)} columns, not {columns.count}: is the file complete?"
            )
        place = f"{path}:{number}"
        rows.append(
            (
                _time(place, cells[columns.at]),
                _tokens(place, "ContextTokens", cells[columns.context]),
                _tokens(place, "GeneratedTokens", cells[columns.generated]),
            )
        )
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()


def _time(place: str, raw: bytes) -> float:
    text = raw.decode("utf-8", "replace").strip().strip('"')
    try:
        seconds = float(text)
    except ValueError:
        return _moment(place, text)
    if not 0 <= seconds < 1e11:
        raise InputError(f"{place}: TIMESTAMP is not a time (a date and time, or seconds)")
    return seconds


def _moment(place: str, text: str) -> float:
    whole, _, fraction = text.partition(".")
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    zone = fraction[digits:] if fraction else ""
    try:
        moment = datetime.datetime.fromisoformat(whole + zone)
    except ValueError:
        raise InputError(
            f"{place}: TIMESTAMP is not a time (2023-11-16 18:15:46.6805900, or seconds)"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp() + (float(f"0.{fraction[:digits]}") if digits else 0.0)


def _tokens(place: str, name: str, raw: bytes) -> float:
    text = raw.decode("utf-8", "replace").strip().strip('"')
    try:
        number = float(text)
    except ValueError:
        raise InputError(f"{place}: {name} is not a number") from None
    if not 0 <= number <= MOST_TOKENS or number != int(number):
        raise InputError(f"{place}: {name} is not a number of tokens (0 to {MOST_TOKENS:,})")
    return number


# A week's profile


USUAL_CONTEXT: Final = 1024.0
USUAL_GENERATED: Final = 128.0
"""Tokens of a request where a profile doesn't say: those of the default throughput's
measurement."""

_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "daily": DAYS,
    "weekdays": DAYS[:5],
    "weekend": DAYS[5:],
}


def _profile(path: Path, arrival: Arrival) -> Trace:
    from zerofloor.settings.nodes import read_file

    root = read_file(path)
    if not isinstance(root.value, dict):
        raise InputError(f"{root.place}: a profile is an object with requestsPerHour")
    known = {"requestsPerHour", "contextTokens", "generatedTokens", "timezone"}
    for name, node in root.value.items():
        if name not in known:
            raise InputError(
                f"{node.place}: {name} is not a part of a profile ({', '.join(sorted(known))})"
            )
    if "requestsPerHour" not in root.value:
        raise InputError(f"{root.place}: a profile needs requestsPerHour, by weekday and hour")
    rates = _rates(root.value["requestsPerHour"])
    notes = []
    tokens = []
    for name, usual in (("contextTokens", USUAL_CONTEXT), ("generatedTokens", USUAL_GENERATED)):
        node = root.value.get(name)
        tokens.append(usual if node is None else _amount(node, name, MOST_TOKENS))
        if node is None:
            notes.append(f"Each request has {usual:,.0f} {name} (the profile doesn't say)")
    arrivals = _spread(rates, arrival)
    how = "at random (the same each time)" if arrival == "poisson" else "evenly"
    notes.append(f"Requests are spread {how} over each hour")
    return Trace(
        arrivals=arrivals,
        context=np.full(len(arrivals), tokens[0]),
        generated=np.full(len(arrivals), tokens[1]),
        span=WEEK,
        timezone=_timezone(root.value.get("timezone")),
        notes=tuple(notes),
    )


def _timezone(node: Node | None) -> str:
    if node is None:
        return "UTC"
    try:
        return ZoneInfo(str(node.value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"{node.place}: timezone is no IANA name (Europe/Berlin, America/New_York)"
        ) from None


def _rates(node: Node) -> list[float]:
    """Requests an hour, for each hour of the week."""
    if not isinstance(node.value, dict):
        raise InputError(f"{node.place}: requestsPerHour is an object by weekday (monday: …)")
    found = [0.0] * 168
    days: dict[str, Node] = {}
    for name, value in node.value.items():
        plain = name.strip().lower()
        chosen = _GROUPS.get(plain) or tuple(day for day in DAYS if plain in (day, day[:3]))
        if not chosen:
            names = ", ".join((*DAYS, *_GROUPS))
            raise InputError(f"{value.place}: {name} is not a day of the week ({names})")
        for day in chosen:
            if day in days:
                raise InputError(f"{value.place}: {day} is given twice")
            days[day] = value
    for index, day in enumerate(DAYS):
        if day in days:
            found[index * 24 : index * 24 + 24] = _hours(days[day], day)
    if sum(found) > MOST_REQUESTS:
        raise InputError(f"{node.place}: more than {MOST_REQUESTS:,} requests a week")
    return found


def _hours(node: Node, day: str) -> list[float]:
    """Requests in each hour of a day: one number for all, 24, or by hour (`9`, `9-17`)."""
    if isinstance(node.value, list):
        if len(node.value) != 24:
            raise InputError(f"{node.place}: {day} has {counted(len(node.value), 'hour')}, not 24")
        return [_amount(one, day, LARGEST_COUNT * 1000) for one in node.value]
    if isinstance(node.value, dict):
        hours = [0.0] * 24
        for name, value in node.value.items():
            first, _, last = name.partition("-")
            try:
                begin, end = int(first), int(last or first)
            except ValueError:
                begin, end = -1, -1
            if not 0 <= begin <= end <= 23:
                raise InputError(f"{value.place}: {name} is not a hour (9, or 9-17 for 9 to 17:59)")
            amount = _amount(value, f"{day} {name}", LARGEST_COUNT * 1000)
            hours[begin : end + 1] = [amount] * (end + 1 - begin)
        return hours
    return [_amount(node, day, LARGEST_COUNT * 1000)] * 24


def _amount(node: Node, name: str, most: float) -> float:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{node.place}: {name} is not a number")
    if not 0 <= value <= most:
        raise InputError(f"{node.place}: {name} is out of range (0 to {most:,.0f})")
    return float(value)


def _spread(rates: list[float], arrival: Arrival) -> Floats:
    """When the requests of a week arrive: the whole numbers whose sums follow the rates' sums."""
    sums = np.floor(np.cumsum([0.0, *rates]) + 1e-9).astype(np.int64)
    counts = np.diff(sums)
    hour = np.repeat(np.arange(168), counts)
    if arrival == "even":
        place = np.arange(len(hour)) - np.repeat(sums[:-1], counts)
        return (hour + (place + 0.5) / np.maximum(counts, 1)[hour]) * 3600.0
    return np.sort((hour + _uniform(len(hour))) * 3600.0)


def _uniform(count: int) -> Floats:
    """Numbers from 0 to 1 that look random and are the same on every machine (splitmix64)."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53
