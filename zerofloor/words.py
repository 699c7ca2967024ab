"""How counts, hours, values and chains read in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from zerofloor.capacity import WEEK, Evidence, Undecided
from zerofloor.money import Money
from zerofloor.stack import UNKNOWN, Hidden, Resource

T = TypeVar("T")

LONGEST = 80
"""A value is cut after this many characters in a message; the JSON report has all of it."""


def number(value: Decimal | int) -> str:
    """`8`, `0.5`, `1,024`: without an exponent or zeros at the end, in at most three places."""
    exact = Decimal(value)
    rounded = (
        exact.quantize(Decimal("0.001"))
        if exact != exact.to_integral_value()
        else exact.to_integral_value()
    )
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def counted(value: Decimal | int, noun: str) -> str:
    """`1 GPU`, `8 GPUs`, `0.5 GPUs`."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def verb(value: Decimal | int, singular: str, plural: str) -> str:
    """The form of a verb that goes with a count: `verb(1, "runs", "run")`."""
    return singular if value == 1 else plural


def hours(weekly: Decimal) -> str:
    """Hours of a week in words."""
    return "24/7" if weekly >= WEEK else f"{number(weekly)} h a week"


def dollars(money: Money) -> str:
    """`$32.77`, `EUR 12.00`: rounded to cents."""
    amount = f"{money.cents().amount:,f}"
    return f"${amount}" if money.currency == "USD" else f"{money.currency} {amount}"


def tokens(count: Decimal) -> str:
    """`1,920 M`, `12,000`."""
    return f"{count / 1_000_000:,.0f} M" if count >= 1_000_000 else f"{count:,.0f}"


def shown(value: Any) -> str:
    """A property value as a few characters; hidden ones by what hides them."""
    if isinstance(value, Hidden):
        return "not known yet" if value is UNKNOWN else "secret"
    if value is None:
        return "not set"
    if isinstance(value, str):
        text = (
            json.dumps(value, ensure_ascii=False)
            if value == "" or value != value.strip()
            else value
        )
    elif isinstance(value, Decimal):
        text = number(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=lambda part: shown(part))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def link(evidence: Evidence) -> str:
    """One link of a chain: `spec.replicas is 1 (keeps 1 pod without a request)`."""
    if not evidence.path:
        return evidence.because
    return f"{evidence.path} is {shown(evidence.value)} ({evidence.because})"


def open_point(undecided: Undecided) -> str:
    """What is undecided and where, the path once."""
    if not undecided.path or undecided.path in undecided.why:
        return undecided.why
    return f"{undecided.why} ({undecided.path})"


def sentence(text: str) -> str:
    """With a full stop at its end."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def chain(evidence: Iterable[Evidence], urn: str, resources: Mapping[str, Resource]) -> str:
    """The links as one sentence; those of another resource than `urn` say which."""
    parts = []
    for one in evidence:
        other = resources.get(one.urn)
        parts.append(
            link(one)
            if one.urn == urn or other is None
            else f"{other.type.rsplit(':', 1)[-1]} {other.name}: {link(one)}"
        )
    return "; ".join(dict.fromkeys(parts))


def unique(values: Iterable[T]) -> list[T]:
    """Each value once, in order; by equality, since evidence may carry objects that can't be
    hashed."""
    found: list[T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def short(urn: str) -> str:
    """The end of a URN, `TYPE::NAME`: what tells it from others in one stack, mostly."""
    parts = urn.split("::", 3)
    return f"{parts[2].rsplit('$', 1)[-1]}::{parts[3]}" if len(parts) == 4 else urn
