"""`zerofloor live STATE…`: what an AWS account or Kubernetes clusters run, beside the stacks."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from zerofloor.cli.app import OutputOption
from zerofloor.cli.parsing import Argument, Option
from zerofloor.errors import InputError
from zerofloor.stack import Stack
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.live.kubernetes.reading import Wanted
    from zerofloor.live.kubernetes.values import ClusterLive, Node, Seen
    from zerofloor.live.values import Fault, Found, Live, Unit
    from zerofloor.prices.book import PriceBook

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
    Option(
        "--region",
        metavar="REGION",
        help="AWS region; repeat it. [default: AWS_REGION, if no cluster is named]",
    ),
]
KubeconfigOption = Annotated[
    Path | None,
    Option(
        "--kubeconfig",
        metavar="FILE",
        help="Kubeconfig of the clusters to read. [default with --context: KUBECONFIG, else "
        "~/.kube/config]",
    ),
]
ContextsOption = Annotated[
    Sequence[str],
    Option(
        "--context",
        metavar="NAME",
        help="Context of the kubeconfig; repeat it. [default with --kubeconfig: its current one]",
    ),
]
StackKubeconfigOption = Annotated[
    bool,
    Option(
        "--stack-kubeconfig",
        help="Read the clusters of the stacks' own Kubernetes providers, unless they are secret.",
    ),
]
NamespacesOption = Annotated[
    Sequence[str],
    Option(
        "--namespace", metavar="NAME", help="Namespace to read; repeat it. [default: all of them]"
    ),
]
PrometheusOption = Annotated[
    str | None,
    Option(
        "--prometheus",
        metavar="URL",
        help="Prometheus with request and GPU metrics; without it, use of pods is unknown.",
    ),
]
QueriesOption = Annotated[
    Path | None,
    Option(
        "--queries",
        metavar="FILE",
        help="Queries that replace the default ones (see docs/live.md).",
    ),
]
HoursOption = Annotated[
    int,
    Option("--idle-hours", metavar="HOURS", least=1, help="Time without use that counts as idle."),
]
FormOption = Annotated[
    Literal["table", "json"], Option("--format", "-f", help="Format of the result.")
]
NowOption = Annotated[
    str | None,
    Option(
        "--now", metavar="TIME", help="End of the period that metrics cover (default: now, UTC)."
    ),
]


class Everything(Value, frozen=True):
    """What runs, of all that was asked about."""

    account: Live | None
    """None where no account was."""
    clusters: tuple[ClusterLive, ...]
    faults: tuple[Fault, ...]

    @property
    def rows(self) -> tuple[Found | Seen, ...]:
        """Every unit."""
        seen = (one for cluster in self.clusters for one in cluster.seen)
        return (*(self.account.found if self.account is not None else ()), *seen)


def live(
    states: StatesArgument,
    regions: RegionsOption = (),
    kubeconfig: KubeconfigOption = None,
    contexts: ContextsOption = (),
    stack_kubeconfig: StackKubeconfigOption = False,
    namespaces: NamespacesOption = (),
    prometheus: PrometheusOption = None,
    queries: QueriesOption = None,
    idle_hours: HoursOption = 24,
    form: FormOption = "table",
    now: NowOption = None,
    output: OutputOption = None,
) -> int:
    """Compare the GPU machines and pods that run now with what the stacks declare.

    Of an AWS account (--region), of Kubernetes clusters (--kubeconfig, --context,
    --stack-kubeconfig), or of both. Only describes and lists (docs/live.md has the policy and the
    role that allow just these calls). A machine or workload is idle if a GPU or request metric was
    0 for --idle-hours. Exit 0 if nothing is orphaned, drifted or idle, 1 if something is, 2 if
    something could not be read (the rest is reported).
    """
    from zerofloor.cli.output import emit, say

    wanted = wanted_clusters(
        kubeconfig, contexts, stack_kubeconfig, namespaces, prometheus, queries, idle_hours
    )
    found = read(states, regions, wanted, moment(now))
    for fault in found.faults:
        say(f"{fault.what}: {fault.why}")
    emit(document(found) if form == "json" else "".join(table(found)), output)
    if found.faults:
        return 2
    return 1 if any(map(_is_waste, found.rows)) else 0


def _is_waste(found: Found | Seen) -> bool:
    from zerofloor.live.values import State

    return found.state in (State.ORPHANED, State.DRIFTED, State.IDLE)


def wanted_clusters(
    kubeconfig: Path | None,
    contexts: Sequence[str],
    of_stacks: bool,
    namespaces: Sequence[str],
    prometheus: str | None,
    queries: Path | None,
    hours: int,
) -> Wanted:
    """What the options ask for. Raises InputError where they don't fit together."""
    from zerofloor.live.kubernetes.prometheus import read_queries
    from zerofloor.live.kubernetes.reading import Wanted

    wanted = Wanted(
        kubeconfig=kubeconfig,
        contexts=tuple(contexts),
        of_stacks=of_stacks,
        namespaces=tuple(namespaces),
        prometheus=prometheus,
        queries=read_queries(queries),
        hours=hours,
    )
    if not wanted.any and (namespaces or prometheus is not None):
        raise InputError("--namespace and --prometheus are of clusters: name one with --context")
    return wanted


def read(
    states: Sequence[str], regions: Sequence[str], wanted: Wanted, now: datetime.datetime
) -> Everything:
    """The account and the clusters beside the stacks. Raises InputError where a state can't be
    read, or neither a region nor a cluster is named."""
    default = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    named = list(dict.fromkeys(regions)) or ([default] if default and not wanted.any else [])
    if not named and not wanted.any:
        told = "name a region (--region us-east-1) or a cluster (--context NAME)"
        raise InputError(f"live: {told}")
    stacks = [stack for state in states for stack in _stacks(state)]
    return read_both(stacks, named, wanted, now)


def read_both(
    stacks: Sequence[Stack], regions: Sequence[str], wanted: Wanted, now: datetime.datetime
) -> Everything:
    """The account of the regions and the clusters, as far as any are named."""
    from zerofloor.prices.book import open_book

    book = open_book()
    account = None
    faults: list[Fault] = []
    clusters: list[ClusterLive] = []
    if wanted.any:
        from zerofloor.live.kubernetes.reading import read_clusters

        price = partial(_price_of_node, book)
        clusters, faults = read_clusters(wanted, stacks, now=now, price=price)
        faults += [fault for cluster in clusters for fault in cluster.faults]
    if regions:
        from zerofloor.live.aws import open_clients
        from zerofloor.live.reading import read_account

        price_of_unit = partial(_price_of_unit, book)
        account = read_account(
            open_clients(), regions, stacks, now=now, hours=wanted.hours, price=price_of_unit
        )
        faults += account.faults
    return Everything(account, tuple(clusters), tuple(dict.fromkeys(faults)))


def _stacks(state: str) -> Iterator[Stack]:
    from zerofloor.cli.inputs import Reading, read_documents

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


def _price_of_unit(book: PriceBook, unit: Unit) -> Decimal | None:
    """USD an hour of an AWS unit."""
    from zerofloor.capacity import Market
    from zerofloor.live.reading import is_priced_by_machine
    from zerofloor.prices.book import Key, Missing

    if not is_priced_by_machine(unit):
        return None
    market = Market.SPOT if unit.spot else Market.ON_DEMAND
    found = book.find(Key("aws", unit.instance_type, unit.region, market))
    return None if isinstance(found, Missing) else found.money.amount * unit.machines


def _price_of_node(book: PriceBook, node: Node) -> Decimal | None:
    """USD an hour of a node with the cards that were added to it; reserved capacity at its list
    price."""
    if not node.cloud or not node.instance_type or not node.region or (node.bare and not node.card):
        return None
    machine = _price(book, node, node.instance_type)
    if not node.card:
        return machine
    card = _price(book, node, node.card)
    return None if machine is None or card is None else machine + card * node.gpus


def _price(book: PriceBook, node: Node, item: str) -> Decimal | None:
    from zerofloor.capacity import Market
    from zerofloor.prices.book import Key, Missing

    market = Market.SPOT if node.market is Market.SPOT else Market.ON_DEMAND
    found = book.find(Key(node.cloud, item, node.region, market))
    return None if isinstance(found, Missing) else found.money.amount


def moment(text: str | None) -> datetime.datetime:
    """The time that an option names, UTC. Raises InputError where it is none."""
    if text is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        told = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--now: not a time: {text!r} (2026-11-27T08:00:00+00:00)") from None
    return told if told.tzinfo else told.replace(tzinfo=datetime.UTC)


def document(found: Everything) -> str:
    """The JSON report."""
    from zerofloor.live.values import SCHEMA

    body = {
        "schema": SCHEMA,
        "account": "" if found.account is None else found.account.account,
        "clusters": [
            {"context": one.access.context, "server": one.access.server} for one in found.clusters
        ],
        "found": [row(one) for one in found.rows],
        "faults": [{"what": fault.what, "why": fault.why} for fault in found.faults],
    }
    return json.dumps(body, indent=2) + "\n"


def row(found: Found | Seen) -> dict[str, Any]:
    """One unit for JSON."""
    from zerofloor.live.kubernetes.values import Seen

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
        **(_in_cluster(found) if isinstance(found, Seen) else {}),
    }


def _in_cluster(seen: Seen) -> dict[str, Any]:
    """What only a unit of a cluster has."""
    unit = seen.unit
    told: dict[str, Any] = {
        "cluster": unit.cluster,
        "pods": [f"{pod.namespace}/{pod.name}" for pod in unit.pods],
    }
    if unit.node is not None:
        told |= {
            "zone": unit.node.zone,
            "capacityType": unit.node.market,
            "capacity": float(unit.node.gpus),
        }
    if unit.owner is not None:
        last = None if seen.last_used is None else seen.last_used.isoformat(timespec="seconds")
        told |= {"apiVersion": unit.owner.ref.api_version, "lastUsed": last}
    return told


def table(found: Everything) -> Iterator[str]:
    """The report for people."""
    if found.account is not None:
        name = f"account {found.account.account or 'unknown'}"
        yield from _block(name, found.account.found, bool(found.account.faults))
    for index, cluster in enumerate(found.clusters):
        yield "\n" if index or found.account is not None else ""
        yield from _block(f"cluster {cluster.access.name}", cluster.seen, bool(cluster.faults))


def _block(name: str, rows: Sequence[Found | Seen], partly: bool) -> Iterator[str]:
    """`partly`: something of it could not be read."""
    from zerofloor.reports.visible import visible
    from zerofloor.words import counted

    if not rows:
        told = f"No GPU was found in {name}, but not all of it could be read."
        yield visible(told if partly else f"No GPU machine runs in {name}.") + "\n"
        return
    gpus = sum((one.unit.gpus for one in rows), Decimal(0))
    yield visible(f"{counted(gpus, 'GPU')} in {name}") + "\n\n"
    for one in rows:
        cost = "unpriced" if one.monthly is None else f"${one.monthly:,.2f}/month"
        since = "" if one.unit.since is None else f", since {one.unit.since:%Y-%m-%d}"
        yield visible(f"{one.state}: {shown(one)}{since}, {cost}") + "\n"
        yield visible(f"  {one.why}" + (f" ({one.stack})" if one.stack else "")) + "\n"


def shown(found: Found | Seen) -> str:
    """A unit, where it is, and how large it is."""
    from zerofloor.live.kubernetes.values import Seen
    from zerofloor.words import counted

    unit = found.unit
    if not isinstance(found, Seen):
        return f"{unit.kind} {unit.id} in {unit.region}, {unit.machines} × {unit.instance_type}"
    node = found.unit.node
    if node is not None:
        free = f"{counted(unit.gpus, 'GPU')} free of {node.gpus:f}"
        place = f"{node.zone or node.region or 'unknown zone'}, {node.market}"
        return f"Node {unit.id}, {unit.instance_type} in {place}, {free}"
    held = counted(unit.gpus, "GPU")
    if not unit.machines:
        return f"{unit.kind} {unit.id}, no node yet"
    where = f"{unit.machines} × {unit.instance_type}" if unit.instance_type else "an unread node"
    return f"{unit.kind} {unit.id}, {held} on {where}"
