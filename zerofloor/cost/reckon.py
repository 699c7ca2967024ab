"""Floor and price book → estimate: what the stack costs without a request, at creation, under
traffic, and at worst."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from zerofloor.capacity import WEEK, Market
from zerofloor.cost import google
from zerofloor.cost.baseline import Baseline, change, resource_changes
from zerofloor.cost.billing import meter
from zerofloor.cost.caveats import caveats
from zerofloor.cost.choice import Choice, Option, Unpriced, choose
from zerofloor.cost.cold_start import Wait, cold_start
from zerofloor.cost.estimate import (
    Amount,
    BreakEven,
    Change,
    Estimate,
    Figure,
    Gap,
    Item,
    Meaning,
    ResourceCost,
)
from zerofloor.cost.meaning import meaning
from zerofloor.cost.needs import (
    FIGURES,
    Nodes,
    added,
    divided,
    elsewhere,
    price_need,
    price_with_nodes,
    some,
)
from zerofloor.cost.owners import owners_of
from zerofloor.cost.residuals import NODE, Need, residuals, uncounted
from zerofloor.cost.serverless import break_even, has_token_price
from zerofloor.cost.traffic import (
    BUSY_HOURS_A_DAY,
    Profile,
    most_replicas,
    node_hours,
    profile,
)
from zerofloor.estate import Estate
from zerofloor.floor.result import Entry, Floor, Supply
from zerofloor.hardware.instances import Shape
from zerofloor.money import Money
from zerofloor.prices.book import (
    OLD_AFTER_DAYS,
    Key,
    PriceBook,
    day_of,
    oldest_of,
    snapshot_age,
)
from zerofloor.settings import Limits, ScopedLimits, Settings, Traffic
from zerofloor.structs import Value
from zerofloor.words import counted, dollars, number, short


def estimate(
    floor: Floor,
    estate: Estate,
    book: PriceBook,
    today: datetime.date,
    baseline: Baseline | None = None,
) -> Estimate:
    """What the judged estate costs, with the traffic, limits and cold start of `estate.settings`.

    `floor` says what bills and for how long, `estate` has the residuals (disks, control planes, …);
    `today` ages the snapshot
    and decides on extended support; with a `baseline` (`baseline.of_report`,
    `baseline.of_estimate`) the change is told.
    Raises InputError where the traffic profile or the serverless model in the settings can't be
    reckoned with.
    """
    settings = estate.settings
    bursts = profile(settings.traffic)
    wait = cold_start(settings.cold_start)
    choices = _choices((entry.supply for entry in floor.entries if entry.supply is not None), book)
    lines = [
        _line(entry, entry.supply, choices[_node_of(entry.supply)], book, settings, bursts, wait)
        for entry in floor.entries
        if entry.supply is not None
    ]
    looked_at = bool(floor.entries or floor.undecided)
    rest = list(_rest(residuals(estate, floor, today), lines, book)) if looked_at else []
    gaps = [found for found in (*(line.gap for line in lines), *rest) if isinstance(found, Gap)]
    items = [item for line in lines for item in line.items]
    items += [found for found in rest if isinstance(found, Item)]
    gaps.sort(key=lambda gap: (not gap.blocks, gap.urn, gap.what))
    items.sort(key=_what_hurts)
    amounts = {figure: _total(items, figure, book.currency) for figure in Figure}
    ceiling = replace(amounts[Figure.CEILING], unbounded=any(line.unbounded for line in lines))
    once = _once(items)
    ordered = sorted(
        _with_disks([line.cost for line in lines], rest),
        key=lambda cost: (-cost.floor.hourly.amount, -cost.ceiling.hourly.amount, cost.urn),
    )
    return Estimate(
        floor=amounts[Figure.FLOOR],
        desired=amounts[Figure.DESIRED],
        expected=None if bursts is None else amounts[Figure.EXPECTED],
        ceiling=ceiling,
        residual=amounts[Figure.RESIDUAL] if looked_at else None,
        items=tuple(items),
        unpriced=tuple(sorted({gap.urn for gap in gaps if gap.blocks})),
        snapshot=book.snapshot,
        snapshot_as_of=book.snapshot_as_of,
        sources=tuple(sorted({item.source for item in items})),
        oldest=oldest_of(item.as_of for item in items),
        undated=sum(1 for item in items if not day_of(item.as_of)),
        remarks=tuple(
            dict.fromkeys(
                (
                    *_remarks(lines, floor, book, bursts, settings, today),
                    *(_uncounted(estate, floor, rest) if looked_at else ()),
                )
            )
        ),
        resources=tuple(ordered),
        gaps=tuple(gaps),
        once=Money(once, book.currency) if once else None,
        owners=owners_of(
            [one.urn for group in (items, ordered, gaps) for one in group], estate, floor
        ),
        meaning=_meaning(floor, amounts[Figure.FLOOR].hourly, settings, wait),
        change=None
        if baseline is None
        else _change(baseline, amounts, ceiling, book, floor, gaps, ordered),
        expected_replicas=None if bursts is None else most_replicas(bursts),
        break_even=_break_even(lines, settings),
    )


def _rest(needs: Iterable[Need], lines: list[_Line], book: PriceBook) -> Iterator[Item | Gap]:
    """What bills beside the GPU nodes: residuals, and the nodes' own disks."""
    by_urn: dict[str, list[_Line]] = {}
    for line in lines:
        by_urn.setdefault(line.cost.urn, []).append(line)
    for need in needs:
        if not need.follows:
            yield price_need(need, book)
            continue
        of_resource = by_urn.get(need.urn, [])
        own = [line for line in of_resource if need.part in ("", line.cost.name)]
        if own:
            yield from price_with_nodes(need, added(line.nodes for line in own), book)
        elif need.follows == "machine" and need.urn not in by_urn:
            yield price_need(need, book)


def _with_disks(costs: list[ResourceCost], rest: Iterable[Item | Gap]) -> list[ResourceCost]:
    """The resources' figures with the disks of their nodes (of a resource with several pools, on
    the first)."""
    disks: dict[str, list[Item]] = {}
    for found in rest:
        if isinstance(found, Item) and found.counts_in != (Figure.RESIDUAL,):
            disks.setdefault(found.urn, []).append(found)
    return [_with_items(cost, disks.pop(cost.urn, ())) for cost in costs]


def _with_items(cost: ResourceCost, items: Sequence[Item]) -> ResourceCost:
    if not items:
        return cost

    def with_items(amount: Amount, figure: Figure) -> Amount:
        more = _total(items, figure, amount.hourly.currency).hourly
        most = None if amount.up_to is None else amount.up_to + more
        return replace(amount, hourly=amount.hourly + more, up_to=most)

    expected = cost.expected
    return replace(
        cost,
        floor=with_items(cost.floor, Figure.FLOOR),
        desired=with_items(cost.desired, Figure.DESIRED),
        expected=None if expected is None else with_items(expected, Figure.EXPECTED),
        ceiling=with_items(cost.ceiling, Figure.CEILING),
    )


def _meaning(floor: Floor, hourly: Money, settings: Settings, wait: Wait) -> Meaning | None:
    """None where the stack has no GPU."""
    if not floor.entries:
        return None
    held = (entry.supply for entry in floor.entries if entry.supply is not None)
    all_week = all(supply.node_hours_per_week == supply.nodes * WEEK for supply in held)
    return meaning(hourly, settings.noticed_after_days, wait, all_week=all_week)


def _change(
    baseline: Baseline,
    amounts: Mapping[Figure, Amount],
    ceiling: Amount,
    book: PriceBook,
    floor: Floor,
    gaps: list[Gap],
    costs: list[ResourceCost],
) -> Change:
    missing = sum(1 for gap in gaps if gap.is_of_gpus)
    found = change(
        baseline,
        amounts[Figure.FLOOR],
        amounts[Figure.DESIRED],
        ceiling,
        book,
        missing + len(floor.undecided),
    )
    return replace(found, resources=resource_changes(baseline, costs, book.currency))


class _Line(Value, frozen=True):
    """What one entry contributes."""

    cost: ResourceCost
    items: tuple[Item, ...]
    gap: Gap | None
    unbounded: bool
    notes: tuple[str, ...]
    node: Money | None
    """A node's price an hour; None where it is unpriced."""
    nodes: Nodes
    """On an average hour, by figure."""
    model: str = ""
    """The model that the node serves; empty where nothing says it."""


_Node = tuple[str, tuple[Shape, ...], Market, str | None, str | None, str, bool]


def _node_of(supply: Supply) -> _Node:
    """What decides on the price of a node."""
    return (
        supply.cloud,
        supply.shapes,
        supply.market,
        supply.region,
        supply.price_as,
        supply.os,
        supply.falls_back,
    )


def _choices(supplies: Iterable[Supply], book: PriceBook) -> Mapping[_Node, Choice | Unpriced]:
    """What each kind of node costs, looked up once: large stacks have few kinds."""
    found: dict[_Node, Choice | Unpriced] = {}
    for supply in supplies:
        node = _node_of(supply)
        if node not in found:
            found[node] = choose(supply, book)
    return found


def _line(
    entry: Entry,
    supply: Supply,
    choice: Choice | Unpriced,
    book: PriceBook,
    settings: Settings,
    bursts: Profile | None,
    wait: Wait,
) -> _Line:
    quantities = _quantities(supply, bursts, wait)
    unbounded = supply.ceiling is None
    if isinstance(choice, Unpriced):
        return _unpriced(entry, supply, choice, quantities, book.currency, settings.limits)
    what = _what(choice, supply)
    price = choice.cheapest.price
    dearest = choice.dearest.price.money if choice.open else None
    listed = _list_price(choice.cheapest, supply, book)

    def item(quantity: Decimal, unit: str, counts_in: tuple[Figure, ...], text: str) -> Item:
        return Item(
            entry.urn,
            text,
            quantity,
            unit,
            price.money,
            price.source,
            price.as_of,
            counts_in,
            dearest,
            listed=listed,
            at_most=choice.bounded,
        )

    by_quantity: dict[Decimal, list[Figure]] = {}
    for figure, nodes in quantities.items():
        by_quantity.setdefault(nodes, []).append(figure)
    parts = () if choice.open else choice.cheapest.parts
    items: list[Item] = []
    for nodes, figures in by_quantity.items():
        if nodes and parts:
            items += _parts(entry, supply, parts, nodes, tuple(figures))
        elif nodes:
            items.append(item(nodes, "node", tuple(figures), what))
    if supply.overlap:
        hours = Decimal(supply.overlap) * meter(supply.cloud).billed(wait.most) / 3600
        items.append(
            item(hours, "node-hour", (), f"{what}, for the second one while a replacement starts")
        )
    amounts = {
        figure: _amount(nodes, price.money, dearest, at_most=choice.bounded)
        for figure, nodes in quantities.items()
    }
    per_gpu = (
        divided(price.money, choice.cheapest.shape.gpus) if choice.cheapest.shape.gpus else None
    )
    cost = ResourceCost(
        entry.urn,
        entry.name,
        what,
        amounts[Figure.FLOOR],
        amounts[Figure.DESIRED],
        amounts.get(Figure.EXPECTED),
        replace(amounts[Figure.CEILING], unbounded=unbounded),
        per_gpu,
    )
    return _Line(
        cost=cost,
        items=tuple(items),
        gap=None,
        unbounded=unbounded,
        notes=tuple(_notes(entry, supply, choice)),
        node=price.money,
        nodes=quantities,
        model=supply.model,
    )


def _list_price(option: Option, supply: Supply, book: PriceBook) -> Money | None:
    """What the list says where the user's own price counts."""
    key = Key(
        supply.cloud,
        option.shape.instance_type,
        supply.region or "*",
        supply.market,
        supply.price_as or "",
        supply.os,
    )
    found = book.list_price(key, option.price)
    return None if found is None else found.money


def _parts(
    entry: Entry,
    supply: Supply,
    parts: Iterable[google.Part],
    nodes: Decimal,
    figures: tuple[Figure, ...],
) -> Iterator[Item]:
    """What a node is billed for, each with its own price and source."""
    where = f" {supply.market} in {supply.region}" if supply.region else f" {supply.market}"
    for part in parts:
        price = part.price
        yield Item(
            entry.urn,
            f"{part.what}{where}",
            nodes,
            "node",
            price.money,
            price.source,
            price.as_of,
            figures,
        )


def _amount(nodes: Decimal, price: Money, dearest: Money | None, *, at_most: bool) -> Amount:
    most = dearest * nodes if dearest is not None and nodes else None
    return Amount(price * nodes, most, at_most=at_most and nodes > 0)


def _quantities(supply: Supply, bursts: Profile | None, wait: Wait) -> Mapping[Figure, Decimal]:
    """Nodes on an average hour of the week, by figure."""
    desired = Decimal(supply.desired)
    floor = supply.node_hours_per_week / WEEK
    least = max(desired, floor, Decimal(supply.nodes))
    quantities: dict[Figure, Decimal] = {Figure.FLOOR: floor, Figure.DESIRED: desired}
    if bursts is not None:
        # The longer wait: an estimate should rather be too high than too low.
        quantities[Figure.EXPECTED] = (
            node_hours(supply, bursts, meter(supply.cloud), wait.most) / WEEK
        )
    quantities[Figure.CEILING] = least if supply.ceiling is None else Decimal(supply.ceiling)
    return quantities


def _unpriced(
    entry: Entry,
    supply: Supply,
    missing: Unpriced,
    nodes: Mapping[Figure, Decimal],
    currency: str,
    limits: Limits,
) -> _Line:
    limited: tuple[Limits | ScopedLimits, ...] = (limits, *limits.scoped)
    ceiling_limited = any(one.max_ceiling_hourly is not None for one in limited)
    desired_limited = any(one.max_desired_hourly is not None for one in limited)
    counted = {
        Figure.FLOOR: supply.nodes > 0 or nodes[Figure.FLOOR] > 0,
        Figure.DESIRED: desired_limited and nodes[Figure.DESIRED] > 0,
        Figure.CEILING: ceiling_limited and (supply.ceiling is None or supply.ceiling > 0),
    }
    accelerated = not supply.shapes or any(shape.gpus != 0 for shape in supply.shapes)
    names = some([shape.instance_type for shape in supply.shapes]) or "a node of unknown type"
    system = "" if supply.os == "linux" else "with Linux "
    beside = "" if missing.elsewhere is None else system + elsewhere(missing.elsewhere)
    lacks = tuple(
        figure
        for figure in FIGURES
        if nodes.get(figure) or (figure is Figure.CEILING and supply.ceiling is None)
    )
    gap = Gap(
        urn=entry.urn,
        what=names,
        why=missing.why,
        settle=missing.settle,
        blocks=accelerated and any(counted.values()),
        lacks=lacks,
        elsewhere=beside,
    )
    nothing = Amount(Money(Decimal(0), currency))
    cost = ResourceCost(
        entry.urn,
        entry.name,
        "",
        nothing,
        nothing,
        nothing if Figure.EXPECTED in nodes else None,
        nothing,
        None,
    )
    # 0 nodes of a type without a price cost 0: no word about them.
    return _Line(
        cost=cost,
        items=(),
        gap=gap if lacks or supply.nodes else None,
        unbounded=supply.ceiling is None,
        notes=(),
        node=None,
        nodes=nodes,
    )


def _what(choice: Choice, supply: Supply) -> str:
    """`g6e.xlarge on-demand in us-east-1 (1 NVIDIA L40S); cheapest of 3 that fit, most expensive
    g5.48xlarge`."""
    named = _named(choice.cheapest, supply)
    types = {option.shape.instance_type for option in choice.options}
    if not choice.open or len(types) < 2:
        return named if not choice.open else f"{named}; most expensive {choice.dearest.note}"
    most = ", ".join(filter(None, (choice.dearest.shape.instance_type, choice.dearest.note)))
    return f"{named}; cheapest of {len(types)} that fit, most expensive {most}"


def _named(option: Option, supply: Supply) -> str:
    shape = option.shape
    where = f" in {supply.region}" if supply.region else ""
    service = f" of {supply.price_as}" if supply.price_as and not option.note else ""
    system = "" if supply.os == "linux" else f" with {supply.os}"
    note = f", {option.note}" if option.note else ""
    size = (
        ""
        if shape.gpus is None or not shape.accelerator
        else f" ({number(shape.gpus)} {shape.accelerator})"
    )
    return f"{shape.instance_type} {supply.market}{service}{system}{where}{note}{size}"


def _notes(entry: Entry, supply: Supply, choice: Choice) -> Iterator[str]:
    name = short(entry.urn)
    if choice.without_price:
        yield (
            f"{name}: no price for {some(choice.without_price)} in {supply.region} (probably not "
            "offered there); ignored."
        )
    if choice.bounded:
        yield (
            f"{name}: no spot price is known in {supply.region}; the on-demand price counts, which "
            "spot does not exceed."
        )
    if choice.cheapest.product and choice.open:
        yield f"{name}: the product is ambiguous; shown from the cheapest to the most expensive."
    for caveat in caveats(choice.cheapest.shape):
        yield f"{name}: {caveat}"


def _total(items: Iterable[Item], figure: Figure, currency: str) -> Amount:
    counted = [item for item in items if figure in item.counts_in]
    total = sum((item.price.amount * item.quantity for item in counted), Decimal(0))
    most = sum(
        ((item.dearest or item.price).amount * item.quantity for item in counted), Decimal(0)
    )
    return Amount(
        Money(total, currency),
        Money(most, currency) if most != total else None,
        at_most=any(item.at_most for item in counted),
    )


def _once(items: Iterable[Item]) -> Decimal:
    return sum(
        (item.price.amount * item.quantity for item in items if not item.counts_in), Decimal(0)
    )


def _what_hurts(item: Item) -> tuple[int, Decimal, str, str]:
    rank = (
        0
        if Figure.FLOOR in item.counts_in
        else 1
        if Figure.RESIDUAL not in item.counts_in and item.counts_in
        else 2
    )
    return rank, -item.price.amount * item.quantity, item.urn, item.what


def _remarks(
    lines: list[_Line],
    floor: Floor,
    book: PriceBook,
    bursts: Profile | None,
    settings: Settings,
    today: datetime.date,
) -> Iterator[str]:
    undecided = {entry.urn for entry in floor.entries if entry.undecided}
    for line in lines:
        yield from line.notes
        if line.unbounded and line.cost.urn not in undecided:
            yield f"{short(line.cost.urn)}: no upper limit: the maximum shown is a lower bound."
    by_urn: dict[str, list[ResourceCost]] = {}
    for line in lines:
        by_urn.setdefault(line.cost.urn, []).append(line.cost)
    for urn, costs in by_urn.items():
        yield from _disorder(urn, costs)
    age = snapshot_age(book.snapshot_as_of, today)
    if age > OLD_AFTER_DAYS:
        yield (
            f"The prices were gathered on {book.snapshot_as_of}, {counted(age, 'day')} ago: "
            "`zerofloor prices update` fetches newer ones."
        )
    if book.live_as_of:
        yield f"Live AWS prices of {book.live_as_of}."
    if bursts is not None and lines:
        yield from _expected(bursts, lines, settings.traffic)
    once = _once(item for line in lines for item in line.items)
    if once:
        both = (
            "A replacement that is created before its predecessor is deleted bills beside it "
            "for as long as a cold start takes"
        )
        yield f"{both}: {dollars(Money(once, book.currency))}, once."


def _uncounted(estate: Estate, floor: Floor, rest: Iterable[Item | Gap]) -> Iterator[str]:
    """The machines without a GPU that are in no figure."""
    nodes = {
        one.urn
        for one in rest
        if (isinstance(one, Item) and one.unit == NODE) or (isinstance(one, Gap) and one.is_node)
    }
    names = uncounted(estate, floor, nodes)
    if names:
        yield f"Machines without a GPU that aren't counted: {some(names)}."


def _expected(bursts: Profile, lines: list[_Line], traffic: Traffic) -> Iterator[str]:
    """What the expected figure took the traffic for."""
    replicas = most_replicas(bursts)
    needed = counted(replicas, "replica")
    if traffic.requests_per_second is None:
        busy = number(traffic.busy_hours_per_week or Decimal(0))
        given = "" if traffic.replicas is not None else " (`traffic.replicas` sets another number)"
        yield f"Expected: {needed} in {busy} busy hours a week, one on a node{given}."
    elif traffic.requests_per_second_per_replica is None:
        yield (
            f"Expected: {needed} whatever the rate, since `traffic.requestsPerSecondPerReplica` "
            "isn't set."
        )
    else:
        yield f"Expected: {needed} in the busiest hour, one on a node."
    yield "Expected: each pool that can grow is assumed to serve all of the declared traffic."
    if traffic.requests_per_second is None and traffic.bursts_per_week is None:
        yield (
            f"Expected: a burst of one node for each {number(BUSY_HOURS_A_DAY)} busy hours "
            "(`traffic.burstsPerWeek` says otherwise)."
        )
    for line in lines:
        most = line.nodes[Figure.CEILING]
        if 0 < most < replicas and not line.unbounded:
            yield (
                f"{short(line.cost.urn)}: the traffic needs {needed}, and its ceiling is "
                f"{counted(most, 'node')}: requests wait."
            )


def _disorder(urn: str, costs: list[ResourceCost]) -> Iterator[str]:
    """Why the floor is not below the desired cost, or that not below the ceiling. One resource may
    have several costs."""
    floor, desired, ceiling = (
        sum((amount.hourly.amount for amount in amounts), Decimal(0))
        for amounts in zip(
            *((cost.floor, cost.desired, cost.ceiling) for cost in costs), strict=True
        )
    )
    if floor > desired:
        yield (
            f"{short(urn)}: its floor is above its cost at creation, since a scaler or a "
            "schedule raises it afterwards."
        )
    if ceiling < max(floor, desired):
        yield (
            f"{short(urn)}: its ceiling is below what is declared at creation, since the "
            "scaler's maximum lowers it afterwards."
        )


def _break_even(lines: list[_Line], settings: Settings) -> BreakEven | None:
    """One dedicated replica against the serverless model of the settings, at the cheapest node of
    the stack; where they name none, a deployment against its own base model."""
    given = settings.serverless
    priced = [(line.node, line) for line in lines if line.node is not None]
    if given.model is None:
        priced = [(node, line) for node, line in priced if has_token_price(line.model)]
    if not priced:
        return None
    node, line = min(priced, key=lambda one: (one[0].amount, one[1].cost.urn))
    if given.model is None:
        given = msgspec.structs.replace(given, model=line.model)
    expected = line.cost.expected
    return break_even(node, expected.hourly if expected else None, given)
