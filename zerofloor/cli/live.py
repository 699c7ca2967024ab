"""`zerofloor live STATE…`: what an AWS account runs now beside what the stacks declare."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from zerofloor.cli.app import OutputOption
from zerofloor.cli.parsing import Argument, Option

if TYPE_CHECKING:
    from zerofloor.live.values import Found, Live, Unit

StatesArgument = Annotated[
    Sequence[str],
    Argument(
        metavar="STATE",
        help="Stack exports (`pulumi stack export > FILE`), or a state backend (file://, s3://, …) "
        "for all its stacks.",
    ),
]
RegionsOption = Annotated[
    Sequence[str],
    Option("--region", metavar="REGION", help="AWS region; repeat it. [default: AWS_REGION]"),
]
HoursOption = Annotated[
    int,
    Option("--idle-hours", metavar="HOURS", least=1, help="How long without use is idle."),
]
FormOption = Annotated[
    Literal["table", "json"], Option("--format", "-f", help="What the result is written as.")
]
NowOption = Annotated[
    str | None,
    Option("--now", metavar="TIME", help="Time up to which metrics are read (default: now, UTC)."),
]


def live(
    states: StatesArgument,
    regions: RegionsOption = (),
    idle_hours: HoursOption = 24,
    form: FormOption = "table",
    now: NowOption = None,
    output: OutputOption = None,
) -> int:
    """Compare the GPU machines that an AWS account runs now with what the stacks declare.

    Only describes (docs/live.md has the policy that allows just these calls). A machine is idle if
    a GPU or request metric was 0 for --idle-hours. Exit 0 if nothing is orphaned, drifted or idle,
    1 if something is, 2 if something could not be read (the rest is reported).
    """
    from zerofloor.cli.output import emit, say

    found = read(states, regions, idle_hours, moment(now))
    for fault in found.faults:
        say(f"{fault.what}: {fault.why}")
    emit(document(found) if form == "json" else "".join(table(found)), output)
    if found.faults:
        return 2
    return 1 if any(map(_is_waste, found.found)) else 0


def _is_waste(found: Found) -> bool:
    from zerofloor.live.values import State

    return found.state in (State.ORPHANED, State.DRIFTED, State.IDLE)


def read(states: Sequence[str], regions: Sequence[str], hours: int, now: datetime.datetime) -> Live:
    """The account beside the stacks. Raises InputError where a state can't be read, or no region is
    named."""
    import os

    from zerofloor.errors import InputError
    from zerofloor.live.aws import open_clients
    from zerofloor.live.reading import read_account

    default = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    wanted = list(regions) or ([default] if default else [])
    if not wanted:
        raise InputError("live: name a region: --region us-east-1, or AWS_REGION")
    stacks = [stack for state in states for stack in _stacks(state)]
    price = _price()
    return read_account(open_clients(), wanted, stacks, now=now, hours=hours, price=price)


def _stacks(state: str) -> Iterator[Any]:
    from zerofloor.cli.inputs import Reading, read_documents
    from zerofloor.errors import InputError

    if "://" not in state:
        for stack in read_documents(state, Reading()):
            if stack.kind != "export":
                raise InputError(f"{state}: not a state: give `pulumi stack export` of the stack")
            yield stack
        return
    from zerofloor.cli.app import MIB
    from zerofloor.estates.opening import open_backend
    from zerofloor.estates.state import read_state

    most = 256 * MIB
    backend = open_backend(state)
    try:
        for ref in backend.stacks().stacks:
            yield read_state(ref.name, backend.state(ref, most), most)
    finally:
        backend.close()


def _price() -> Callable[[Unit], Decimal | None]:
    from zerofloor.capacity import Market
    from zerofloor.live.reading import is_priced_by_machine
    from zerofloor.prices.book import Key, Missing, open_book

    book = open_book()

    def price(unit: Unit) -> Decimal | None:
        if not is_priced_by_machine(unit):
            return None
        market = Market.SPOT if unit.spot else Market.ON_DEMAND
        found = book.find(Key("aws", unit.instance_type, unit.region, market))
        return None if isinstance(found, Missing) else found.money.amount * unit.machines

    return price


def moment(text: str | None) -> datetime.datetime:
    """The time that an option names, UTC. Raises InputError where it is none."""
    from zerofloor.errors import InputError

    if text is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        told = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--now: not a time: {text!r} (2026-11-27T08:00:00+00:00)") from None
    return told if told.tzinfo else told.replace(tzinfo=datetime.UTC)


def document(found: Live) -> str:
    """The JSON report."""
    from zerofloor.live.values import SCHEMA

    body = {
        "schema": SCHEMA,
        "account": found.account,
        "found": [row(one) for one in found.found],
        "faults": [{"what": fault.what, "why": fault.why} for fault in found.faults],
    }
    return json.dumps(body, indent=2) + "\n"


def row(found: Found) -> dict[str, Any]:
    """One unit for JSON."""
    unit = found.unit
    monthly = None
    if found.monthly is not None:
        monthly = {"amount": f"{found.monthly:.2f}", "currency": "USD"}
    return {
        "kind": unit.kind,
        "id": unit.id,
        "region": unit.region,
        "instanceType": unit.instance_type,
        "machines": unit.machines,
        "gpus": float(unit.gpus),
        "state": found.state,
        "use": found.use,
        "why": found.why,
        "stack": found.stack,
        "urn": found.urn,
        "since": None if unit.since is None else unit.since.isoformat(),
        "monthly": monthly,
    }


def table(found: Live) -> Iterator[str]:
    """The report for people."""
    from zerofloor.reports.visible import visible
    from zerofloor.words import counted

    if not found.found:
        yield f"No GPU machine runs in account {found.account or 'unknown'}.\n"
        return
    gpus = sum((one.unit.gpus for one in found.found), Decimal(0))
    yield f"{counted(gpus, 'GPU')} in account {found.account or 'unknown'}\n\n"
    for one in found.found:
        cost = "unpriced" if one.monthly is None else f"${one.monthly:,.2f}/month"
        unit = one.unit
        head = f"{one.state}: {unit.kind} {unit.id} in {unit.region}"
        yield visible(f"{head}, {unit.machines} × {unit.instance_type}, {cost}") + "\n"
        yield visible(f"  {one.why}" + (f" ({one.stack})" if one.stack else "")) + "\n"


def waste(found: Iterable[Found]) -> Decimal:
    """USD a month of what is known to be priced."""
    return sum((one.monthly or Decimal(0) for one in found), Decimal(0))
