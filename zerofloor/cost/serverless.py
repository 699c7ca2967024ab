"""From how many tokens a month a dedicated deployment is cheaper than a serverless service's
per-token prices."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Final

from zerofloor.cost.estimate import BreakEven
from zerofloor.errors import InputError
from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.prices.embedded import TokenRow, token_rows
from zerofloor.settings import Serverless
from zerofloor.words import counted, dollars, tokens

MILLION: Final = Decimal(1_000_000)
SECONDS_PER_MONTH: Final = HOURS_PER_MONTH * 3600
UTILISATIONS: Final = (Decimal("0.1"), Decimal("0.25"), Decimal("0.5"), Decimal(1))

DEFAULT_THROUGHPUT: Final = {
    model: (
        Decimal(4455),
        "default: Llama-3.1-8B-Instruct in BF16 on one A100 40 GB with vLLM, 8 requests at "
        "a time, 1,024 tokens in and 128 out "
        "(75 tokens/s out for one request, 6.6 times that for eight; johnmusgrave.com, "
        "vLLM throughput-latency sweep)",
    )
    for model in ("llama-v3p1-8b-instruct", "qwen3-8b")
}
"""Tokens a second, input and output together, of one replica, for the models of a size that someone
measured openly."""


def break_even(node: Money, expected: Money | None, given: Serverless) -> BreakEven | None:
    """One dedicated replica at `node` an hour against `serverless.model`; None where no model is
    set.

    `expected` is the hourly cost under the declared traffic, None without one. InputError for a
    model that the token price
    table lacks, or prices in another currency than USD.
    """
    if given.model is None:
        return None
    row = _row(given.model)
    if node.currency != "USD":
        raise InputError(
            f"serverless.model: token prices are in USD, this run counts in {node.currency}"
        )
    blended = row.input * (1 - given.output_share) + row.output * given.output_share
    monthly = node * HOURS_PER_MONTH
    rate, throughput = _throughput(given, row.model)
    even = monthly.amount / blended * MILLION
    capacity = None if rate is None else rate * SECONDS_PER_MONTH
    by_use = (
        ()
        if capacity is None
        else tuple((use, monthly * (MILLION / (capacity * use))) for use in UTILISATIONS)
    )
    return BreakEven(
        model=row.model,
        provider=row.provider,
        per_million=Money(blended),
        output_share=given.output_share,
        dedicated_monthly=monthly,
        tokens_per_month=even,
        capacity_per_month=capacity,
        per_million_at=by_use,
        throughput=throughput,
        verdict=_verdict(given, blended, monthly, expected, even, capacity),
        source=row.source,
        as_of=row.as_of,
    )


def has_token_price(model: str) -> bool:
    """Whether the token price table has a model of this name."""
    return any(model in _names(row) for row in token_rows())


def priced_models() -> list[str]:
    """The models with a token price."""
    return [row.model for row in token_rows()]


def _names(row: TokenRow) -> tuple[str, str]:
    return row.model, f"{row.provider}/{row.model}"


def _row(model: str) -> TokenRow:
    for row in token_rows():
        if model in _names(row):
            return row
    known = ", ".join(priced_models())
    raise InputError(f"serverless.model: no token price for {model!r}; known: {known}")


def _throughput(given: Serverless, model: str) -> tuple[Decimal | None, str]:
    if given.tokens_per_second is not None:
        return given.tokens_per_second, "serverless.tokensPerSecond in zerofloor.yaml"
    return DEFAULT_THROUGHPUT.get(model, (None, ""))


def _verdict(
    given: Serverless,
    blended: Decimal,
    monthly: Money,
    expected: Money | None,
    even: Decimal,
    capacity: Decimal | None,
) -> str:
    if given.tokens_per_month is not None:
        return _at(given.tokens_per_month, blended, monthly, expected, capacity)
    if capacity is not None and capacity < even:
        at_best = monthly * (MILLION / capacity)
        return (
            "Serverless is cheaper at any use that one replica can serve: even fully used "
            f"all month it costs {dollars(at_best)} a "
            f"million tokens, serverless {dollars(Money(blended))}."
        )
    start = (
        f"Below {tokens(even)} tokens a month serverless is cheaper than one replica that is "
        "always on"
    )
    return (
        f"{start}; above it the dedicated one."
        if capacity is None
        else f"{start} ({even / capacity * 100:.0f}% of what it can serve)."
    )


def _at(
    wanted: Decimal,
    blended: Decimal,
    monthly: Money,
    expected: Money | None,
    capacity: Decimal | None,
) -> str:
    """Which is cheaper for so many tokens a month: with as many replicas as they need, or at the
    declared traffic's cost."""
    serverless = Money(wanted / MILLION * blended)
    start = f"At {tokens(wanted)} tokens a month serverless costs {dollars(serverless)}"
    if expected is None:
        replicas = (
            1
            if capacity is None
            else max(1, int((wanted / capacity).to_integral_value(ROUND_CEILING)))
        )
        dedicated, how = (
            monthly * replicas,
            "always on" if replicas == 1 else f"{counted(replicas, 'replica')} that are always on",
        )
    else:
        dedicated, how = expected * HOURS_PER_MONTH, "at the declared traffic"
        serves = None if capacity is None else capacity * dedicated.amount / monthly.amount
        if serves is not None and serves < wanted:
            hours = (
                f"in the hours of the declared traffic, for {dollars(dedicated)}, the "
                f"dedicated one serves {tokens(serves)} at most"
            )
            return f"{start}; {hours}: the two are not comparable."
    cheaper, dearer = sorted(
        (("serverless", serverless), ("the dedicated deployment", dedicated)),
        key=lambda pair: pair[1].amount,
    )
    saved = Money(dearer[1].amount - cheaper[1].amount)
    if saved.amount == 0:
        return f"{start} and the dedicated one, {how}, as much."
    return (
        f"{start} and the dedicated one, {how}, {dollars(dedicated)}: {cheaper[0]} is cheaper "
        f"by {dollars(saved)} a month."
    )
