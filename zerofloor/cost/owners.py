"""Whose a cost is: stack, project, namespace, component, owner, tags and labels of a resource, and
the totals by any of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from zerofloor.cost.estimate import Amount, Estimate, Figure, Owner, together
from zerofloor.errors import InputError
from zerofloor.estate import Estate, tags
from zerofloor.floor.result import Floor
from zerofloor.money import Money
from zerofloor.spelling import did_you_mean
from zerofloor.stack import STACK_TYPE, Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import at, known_mapping, known_text
from zerofloor.words import shown

OWNER_KEYS: Final = ("owner", "team", "squad", "contact")
"""Tags and labels that name an owner, in any case and with any prefix (`example.com/owner`); the
first that is there counts."""

_TAGS: Final = (("tags",), ("tagsAll",), ("freeformTags",), ("definedTags",))
_LABELS: Final = (
    ("labels",),
    ("userLabels",),
    ("resourceLabels",),
    ("metadata", "labels"),
)
"""Where the platforms keep them."""


UNOWNED: Final = Owner()


def owners_of(urns: Iterable[str], estate: Estate, floor: Floor) -> Mapping[str, Owner]:
    """Whose each of these resources is."""
    guests: dict[str, list[str]] = {}
    for entry in floor.entries:
        for pool in entry.carried_by:
            guests.setdefault(pool, []).append(entry.urn)
    found: dict[str, Owner] = {}
    for urn in dict.fromkeys(urns):
        own = owner_of(urn, estate)
        found[urn] = _with_guests(own, [owner_of(guest, estate) for guest in guests.get(urn, ())])
    return found


def owner_of(urn: str, estate: Estate) -> Owner:
    """Whose a resource is by what it says itself."""
    stack, project = _stack_and_project(urn)
    resource = estate.by_urn.get(urn)
    if resource is None:
        return Owner(project=project, stack=stack)
    found = estate.stack_of.get(urn)
    of_provider = estate.by_urn.get((resource.provider or "").rsplit("::", 1)[0])
    defaults = {} if of_provider is None else _defaults(of_provider)
    own_tags = {**defaults, **_texts(resource, _TAGS)}
    labels = _texts(resource, _LABELS)
    return Owner(
        project=found.project if found and found.project else project,
        stack=found.name if found and found.name else stack,
        namespace=_namespace(resource),
        component=_component(resource, estate),
        owner=owner_named({**labels, **own_tags}),
        tags=own_tags,
        labels=labels,
    )


def _with_guests(own: Owner, guests: Sequence[Owner]) -> Owner:
    """A pool that says neither namespace nor owner has those of all the pods that hold it."""
    return Owner(
        project=own.project,
        stack=own.stack,
        namespace=own.namespace or _shared(guest.namespace for guest in guests),
        component=own.component,
        owner=own.owner or _shared(guest.owner for guest in guests),
        tags=own.tags,
        labels=own.labels,
    )


def _shared(texts: Iterable[str]) -> str:
    """The one text that all have; empty where they differ."""
    different = set(texts)
    return different.pop() if len(different) == 1 else ""


def _stack_and_project(urn: str) -> tuple[str, str]:
    parts = urn.split("::", 2)
    stack = parts[0].removeprefix("urn:pulumi:")
    is_manifest = stack == "manifests"
    return ("", "") if len(parts) < 3 or is_manifest else (stack, parts[1])


def _texts(resource: Resource, places: Iterable[tuple[str, ...]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in places:
        for key, value in tags(at(resource.inputs, *path)).items():
            if value is not None:
                found.setdefault(str(key), _text(value))
    return found


def _text(value: Any) -> str:
    """A tag's value; of a hidden one what hides it, which is no name of a team's name."""
    if isinstance(value, Hidden):
        return f"({shown(value)})"
    return value if isinstance(value, str) else shown(value)


def _defaults(provider: Resource) -> dict[str, str]:
    """The tags and labels that a provider puts on all it makes."""
    found: dict[str, str] = {}
    for prop in (("defaultTags", "tags"), ("defaultLabels",)):
        value = at(provider.inputs, *prop)
        found |= {str(key): _text(one) for key, one in known_mapping(value).items()}
    return found


def _namespace(resource: Resource) -> str:
    if not resource.type.startswith("kubernetes:"):
        return ""
    given = at(resource.inputs, "metadata", "namespace")
    if given is not None:
        return known_text(given) or _text(given)
    from zerofloor.documents.manifests import CLUSTER_SCOPED

    return "" if resource.type.rsplit(":", 1)[-1] in CLUSTER_SCOPED else "default"


def _component(resource: Resource, estate: Estate) -> str:
    seen = {resource.urn}
    parent = estate.by_urn.get(resource.parent or "")
    while parent is not None and parent.urn not in seen and parent.type != STACK_TYPE:
        if not parent.custom:
            return f"{parent.type}::{parent.name}"
        seen.add(parent.urn)
        parent = estate.by_urn.get(parent.parent or "")
    return ""


def owner_named(texts: Mapping[str, str], keys: Iterable[str] = OWNER_KEYS) -> str:
    """The owner that tags and labels name; empty where they don't."""
    by_name: dict[str, str] = {}
    for key, value in texts.items():
        by_name.setdefault(key.rsplit("/", 1)[-1].lower(), value)
    return next((by_name[key] for key in map(str.lower, keys) if by_name.get(key)), "")


# Totals


FIELDS: Final = ("stack", "project", "namespace", "component", "owner", "type")


class Total(Value, frozen=True, kw_only=True):
    """What one owner's resources cost."""

    value: str
    """Empty: those that say none."""
    amounts: Mapping[Figure, Amount]
    unpriced: frozenset[Figure]
    """The figures in which something of it has no price."""
    undecided: frozenset[Figure]
    """The figures that something undecided leaves open."""

    @property
    def idle(self) -> Amount | None:
        """Floor and residual together; None where no residual was counted."""
        rest = self.amounts.get(Figure.RESIDUAL)
        return None if rest is None else together(self.amounts[Figure.FLOOR], rest)


class Totals(Value, frozen=True, kw_only=True):
    """An estimate's sums by one key; together they are the estimate's."""

    by: str
    totals: tuple[Total, ...]
    """The most expensive ceiling first."""
    note: str = ""
    """Set where no line has the key."""


def check_key(by: str) -> None:
    """Raises InputError where this is no key of totals."""
    kind, _, name = by.partition(":")
    if by in FIELDS or (kind in ("tag", "label") and name):
        return
    known = f"; use {', '.join(FIELDS)}, tag:NAME or label:NAME"
    near = did_you_mean(by, (*FIELDS, "tag:team", "label:team"))
    raise InputError(f"--by {by}: no key of totals{near or known}")


def totals_by(estimate: Estimate, by: str, undecided: Mapping[str, frozenset[Figure]]) -> Totals:
    """The estimate's lines summed by a key that `check_key` accepts; `undecided` are the figures
    that are open, by URN."""
    figures = [figure for figure in Figure if estimate.amount(figure) is not None]
    currency = estimate.floor.hourly.currency
    sums: dict[str, dict[Figure, tuple[Decimal, Decimal]]] = {}
    unpriced: dict[str, set[Figure]] = {}
    open_ones: dict[str, set[Figure]] = {}
    for item in estimate.items:
        row = sums.setdefault(_value_of(item.urn, by, estimate), {})
        for figure in item.counts_in:
            low, high = row.get(figure, (Decimal(0), Decimal(0)))
            most = item.dearest or item.price
            row[figure] = (
                low + item.price.amount * item.quantity,
                high + most.amount * item.quantity,
            )
    for gap in estimate.gaps:
        value = _value_of(gap.urn, by, estimate)
        sums.setdefault(value, {})
        unpriced.setdefault(value, set()).update(gap.lacks)
    for urn, open_of_it in undecided.items():
        value = _value_of(urn, by, estimate)
        sums.setdefault(value, {})
        open_ones.setdefault(value, set()).update(open_of_it)
    bounded: set[tuple[str, Figure]] = set()
    for item in estimate.items:
        if item.at_most:
            value = _value_of(item.urn, by, estimate)
            bounded |= {(value, figure) for figure in item.counts_in}
    unbounded = {
        _value_of(cost.urn, by, estimate) for cost in estimate.resources if cost.ceiling.unbounded
    }

    def amounts(value: str) -> Iterator[tuple[Figure, Amount]]:
        for figure in figures:
            low, high = sums[value].get(figure, (Decimal(0), Decimal(0)))
            most = Money(high, currency) if high != low else None
            endless = figure is Figure.CEILING and value in unbounded
            at_most = (value, figure) in bounded
            yield figure, Amount(Money(low, currency), most, endless, at_most)

    totals = [
        Total(
            value=value,
            amounts=dict(amounts(value)),
            unpriced=frozenset(unpriced.get(value, ())),
            undecided=frozenset(open_ones.get(value, ())),
        )
        for value in sums
    ]
    totals.sort(key=lambda one: (-_rank(one), one.value))
    return Totals(by=by, totals=tuple(totals), note=_note(by, totals, estimate))


def _rank(total: Total) -> Decimal:
    return max(amount.hourly.amount for amount in total.amounts.values())


def _value_of(urn: str, by: str, estimate: Estimate) -> str:
    owner = estimate.owners.get(urn, UNOWNED)
    kind, _, name = by.partition(":")
    if kind == "tag":
        return owner.tags.get(name, "")
    if kind == "label":
        return owner.labels.get(name, "")
    if by == "type":
        return urn.split("::")[2].rsplit("$", 1)[-1] if urn.count("::") > 2 else ""
    return str(getattr(owner, by))


def _note(by: str, totals: Sequence[Total], estimate: Estimate) -> str:
    if any(one.value for one in totals) or not totals:
        return ""
    kind, _, name = by.partition(":")
    if kind not in ("tag", "label"):
        return f"No line has a {by}."
    every = [owner.tags if kind == "tag" else owner.labels for owner in estimate.owners.values()]
    names = sorted({key for one in every for key in one})
    near = did_you_mean(name, names)
    if near:
        return f"No line has the {kind} {name}{near}"
    listed = f"; there are {', '.join(names[:8])}" if names else f", nor any other {kind}"
    return f"No line has the {kind} {name}{listed}."
