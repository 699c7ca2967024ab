"""`zerofloor prices …`: the price book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from zerofloor.cli.app import OutputOption, SettingsOption, TodayOption
from zerofloor.cli.parsing import Argument, Option, day


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
        raise InputError(f"{item}: no price{f' in {region}' if region else ''}")
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


def update(
    regions: Annotated[
        list[str], Option("--region", help="An AWS region; may be given several times.")
    ],
    types: Annotated[
        Sequence[str], Option("--type", help="An instance type; default: every accelerated one.")
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
    """Fetch current AWS prices into the user-side book (needs boto3 and credentials); the file is
    replaced as a whole or not at all."""
    import datetime
    import os

    from zerofloor.cli.output import emit
    from zerofloor.prices.live import boto_clients
    from zerofloor.prices.update import default_path, keys_of_types
    from zerofloor.prices.update import update as fetch_into

    target = path or default_path(os.environ)
    table = fetch_into(
        target, keys_of_types(regions, types), boto_clients(), datetime.datetime.now(datetime.UTC)
    )
    emit(
        f"{target}: {len(table)} prices\nToday's --live runs use them; `prices: {target}` "
        "in zerofloor.yaml makes every run use them.\n"
    )


def verify(today: TodayOption = None) -> int:
    """Check the embedded snapshot: whole, with sources and dates, without duplicates and outliers;
    exit 1 where an error is found."""
    from zerofloor.cli.output import emit
    from zerofloor.prices.book import open_book
    from zerofloor.prices.verify import verify
    from zerofloor.reports.visible import visible
    from zerofloor.words import counted

    book = open_book()
    problems = verify(book, day(today))
    emit("".join(f"{visible(f'{one.severity}: {one.where}: {one.text}')}\n" for one in problems))
    emit(
        f"snapshot {book.snapshot[:12]} of {book.snapshot_as_of}: "
        f"{counted(len(problems), 'problem')}\n"
    )
    return 1 if any(one.severity == "error" for one in problems) else 0


COMMANDS: Final[Mapping[str, Callable[..., int | None]]] = {
    "show": show,
    "update": update,
    "verify": verify,
}
