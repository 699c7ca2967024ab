"""`zerofloor prices …`: the price book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from zerofloor.cli.app import OutputOption, SettingsOption, TodayOption
from zerofloor.cli.parsing import Argument, Option, day

if TYPE_CHECKING:
    from zerofloor.prices.book import PriceBook
    from zerofloor.prices.catalogue import Listed


def show(
    item: Annotated[
        str,
        Argument(
            metavar="ITEM",
            help="An instance type (ml.… for SageMaker), or a residual such as 'NAT gateway'.",
        ),
    ],
    region: Annotated[str | None, Option("--region", help="Only this region or zone.")] = None,
    settings: SettingsOption = None,
    output: OutputOption = None,
    today: TodayOption = None,
) -> None:
    """Print what an item costs: each region and market with its source and date."""
    import textwrap

    from zerofloor.cli.inputs import Chosen, open_prices, settings_for
    from zerofloor.cli.output import emit
    from zerofloor.errors import InputError
    from zerofloor.prices.show import show
    from zerofloor.reports.phrases import age, price
    from zerofloor.reports.visible import visible

    date = day(today)
    book = open_prices(*settings_for(Chosen(settings, None, date), []))
    found = show(book, item, region)
    if not found:
        where = f" in {region}" if region else ""
        elsewhere = show(book, item) if region else ()
        hint = _instead(book, item, [one.key.region for one in elsewhere])
        raise InputError(f"{item}: no price{where}{hint}")
    lines = []
    for one in found:
        key = one.key
        sold = " ".join(
            part for part in (key.cloud, key.service, "" if key.os == "linux" else key.os) if part
        )
        lines.append(
            f"{sold}  {'all regions' if key.region == '*' else key.region}  {key.market}  "
            f"{price(one.money)} per {one.unit}"
        )
        lines.extend(
            textwrap.wrap(
                f"{one.origin}: {one.source}, {age(one.as_of, date)}",
                76,
                initial_indent="    ",
                subsequent_indent="    ",
            )
        )
    lines.append(f"snapshot {book.snapshot[:12]}, gathered {age(book.snapshot_as_of, date)}")
    emit("".join(f"{visible(line)}\n" for line in lines), output)


def _instead(book: PriceBook, item: str, regions: Sequence[str]) -> str:
    """What may have been meant, as the end of a message."""
    import shlex

    from zerofloor.prices.catalogue import find, near

    if regions:
        return f"; there is one in {', '.join(sorted(set(regions))[:8])}"
    containing = find(book, item)
    if len(containing) > 3:
        return f"; `zerofloor prices find {shlex.quote(item)}` lists {len(containing)}"
    names = near(book, item)
    return f"; did you mean {', '.join(names)}?" if names else ""


def listing(
    cloud: Annotated[
        str | None, Option("--cloud", help="Only this cloud or managed service (aws, runpod).")
    ] = None,
    settings: SettingsOption = None,
    output: OutputOption = None,
    today: TodayOption = None,
) -> None:
    """List the items that have a price: cheapest to most expensive, regions, oldest date."""
    from zerofloor.cli.inputs import Chosen, open_prices, settings_for
    from zerofloor.errors import InputError
    from zerofloor.prices.catalogue import listed

    book = open_prices(*settings_for(Chosen(settings, None, day(today)), []))
    items = listed(book, cloud)
    if not items:
        names = sorted({one.cloud for one in listed(book)})
        raise InputError(f"--cloud {cloud}: there are {', '.join(names)}")
    _emit_items(items, output)


def find(
    text: Annotated[str, Argument(metavar="TEXT", help="A part of a name: g6e, H100, EBS.")],
    settings: SettingsOption = None,
    output: OutputOption = None,
    today: TodayOption = None,
) -> None:
    """Find the items whose name contains a text; exit 2 if there is none."""
    from zerofloor.cli.inputs import Chosen, open_prices, settings_for
    from zerofloor.errors import InputError
    from zerofloor.prices.catalogue import find

    book = open_prices(*settings_for(Chosen(settings, None, day(today)), []))
    items = find(book, text)
    if not items:
        raise InputError(f"{text}: no item of that name{_instead(book, text, ())}")
    _emit_items(items, output)


def _emit_items(items: Sequence[Listed], output: Path | None) -> None:
    from zerofloor.cli.output import emit
    from zerofloor.money import Money
    from zerofloor.reports.layout import columns
    from zerofloor.reports.phrases import price
    from zerofloor.reports.visible import visible

    rows = []
    for one in items:
        amount = price(Money(one.cheapest, one.currency))
        if one.most_expensive != one.cheapest:
            amount += f" to {price(Money(one.most_expensive, one.currency))}"
        rows.append((one.cloud, one.item, f"{amount} per {one.unit}", str(one.places), one.oldest))
    head = ("cloud", "item", "price", "regions", "oldest")
    emit("".join(f"{visible(line)}\n" for line in columns([head, *rows], frozenset({3}))), output)


def update(
    regions: Annotated[
        list[str], Option("--region", help="An AWS region; may be given several times.")
    ],
    types: Annotated[
        Sequence[str],
        Option("--type", help="An instance type (ml.… for SageMaker); default: accelerated ones."),
    ] = (),
    path: Annotated[
        Path | None,
        Option(
            "--book",
            metavar="FILE",
            help="Price file to write (default: in the user's cache folder).",
        ),
    ] = None,
) -> None:
    """Fetch current AWS prices into the user-side book (needs boto3 and credentials).

    Of instances, and of the regions' disks, NAT gateways, load balancers, addresses and EKS
    clusters. The file is replaced as a whole or not at all.
    """
    import datetime
    import os

    from zerofloor.cli.output import emit
    from zerofloor.prices.live import boto_clients
    from zerofloor.prices.update import default_path, keys_of_residuals, keys_of_types
    from zerofloor.prices.update import update as fetch_into

    target = path or default_path(os.environ)
    keys = (*keys_of_types(regions, types), *keys_of_residuals(regions))
    table = fetch_into(target, keys, boto_clients(), datetime.datetime.now(datetime.UTC))
    emit(
        f"{target}: {len(table)} prices\nToday's --live runs use them; `prices: {target}` "
        "in zerofloor.yaml makes every run use them.\n"
    )


def verify(
    against: Annotated[
        Path | None,
        Option(
            "--against",
            metavar="FILE",
            help="A second catalogue (a price file, or CSV as the snapshot's): print what differs "
            "by more than 1%.",
        ),
    ] = None,
    today: TodayOption = None,
) -> int:
    """Check the embedded snapshot for gaps, sources, dates, duplicates and outliers; exit 1 if an
    error is found."""
    from zerofloor.cli.output import emit
    from zerofloor.prices.book import open_book
    from zerofloor.prices.verify import verify
    from zerofloor.reports.visible import visible
    from zerofloor.words import counted

    book = open_book()
    if against is not None:
        emit(_compared(book, against))
    problems = verify(book, day(today))
    emit("".join(f"{visible(f'{one.severity}: {one.where}: {one.text}')}\n" for one in problems))
    emit(
        f"snapshot {book.snapshot[:12]} of {book.snapshot_as_of}: "
        f"{counted(len(problems), 'problem')}\n"
    )
    return 1 if any(one.severity == "error" for one in problems) else 0


def _compared(book: PriceBook, path: Path) -> str:
    """What differs from a second catalogue, a line each."""
    from zerofloor.prices.comparing import compare
    from zerofloor.reports.phrases import price
    from zerofloor.reports.visible import visible

    found = compare(book, path)
    lines = []
    for one in found.differ:
        key = one.key
        sold = " ".join(filter(None, (key.cloud, key.service, key.item, key.region, key.market)))
        lines.append(
            f"differs: {sold}: {price(one.ours.money)} here ({one.ours.as_of}), "
            f"{price(one.theirs.money)} there ({one.theirs.as_of}), {one.share * 100:+.1f}%"
        )
    lines.append(
        f"{path}: {found.agree} agree, {len(found.differ)} differ by more than 1%, "
        f"{found.only_theirs} have no price here"
    )
    return "".join(f"{visible(line)}\n" for line in lines)


COMMANDS: Final[Mapping[str, Callable[..., int | None]]] = {
    "list": listing,
    "find": find,
    "show": show,
    "update": update,
    "verify": verify,
}
