"""`zerofloor reap STATE…`: idle and orphaned machines and workloads put to zero, told twice."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from zerofloor.cli.live import (
    ContextsOption,
    Everything,
    HoursOption,
    KubeconfigOption,
    NamespacesOption,
    NowOption,
    PrometheusOption,
    QueriesOption,
    RegionsOption,
    StackKubeconfigOption,
    StatesArgument,
    moment,
    read,
    wanted_clusters,
    waste,
)
from zerofloor.cli.parsing import Option
from zerofloor.errors import InputError
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.live.journal import Outcome, Step
    from zerofloor.live.kubernetes.api import Api
    from zerofloor.live.kubernetes.reap import Place
    from zerofloor.live.kubernetes.reap import Plan as ClusterPlan
    from zerofloor.live.kubernetes.reap import Target as ClusterTarget
    from zerofloor.live.kubernetes.values import Seen
    from zerofloor.live.reap import Plan, Target
    from zerofloor.live.values import Found


def reap(
    states: StatesArgument = (),
    regions: RegionsOption = (),
    kubeconfig: KubeconfigOption = None,
    contexts: ContextsOption = (),
    stack_kubeconfig: StackKubeconfigOption = False,
    namespaces: NamespacesOption = (),
    prometheus: PrometheusOption = None,
    queries: QueriesOption = None,
    idle_hours: HoursOption = 24,
    owned: Annotated[
        bool, Option("--owned", help="Also what a stack declares and allows to be at zero.")
    ] = False,
    notice: Annotated[
        bool,
        Option("--notice", help="Tag or annotate what would be put to zero with the time when."),
    ] = False,
    grace_hours: Annotated[
        int,
        Option("--grace-hours", metavar="HOURS", least=0, help="Time between notice and --apply."),
    ] = 24,
    apply: Annotated[
        int | None,
        Option("--apply", metavar="COUNT", help="Do it; COUNT is how many the dry run listed."),
    ] = None,
    undo_file: Annotated[
        Path, Option("--undo-file", metavar="FILE", help="Where --apply writes how to undo it.")
    ] = Path("zerofloor-undo.json"),
    undo: Annotated[
        Path | None, Option("--undo", metavar="FILE", help="Undo what an undo file says.")
    ] = None,
    now: NowOption = None,
) -> int:
    """Put idle and orphaned GPU machines and workloads to zero, told twice.

    Instances are stopped, groups and Deployments scaled to 0, Jobs suspended; nothing is deleted,
    and no node is touched. A dry run unless told otherwise. First --notice, which tags or annotates
    them; after the grace time --apply with the number that the dry run listed. What is busy, or
    what no metric knows, is left. Exit 0 if all was done, 2 if something could not be read or done.
    """
    from zerofloor.cli.output import emit, say

    if undo is not None:
        return _restore(undo, kubeconfig)
    if not states:
        raise InputError("reap: name the states of the stacks, so that what they own is known")
    if notice and apply is not None:
        raise InputError("reap: --notice comes first, and --apply after the grace time: give one")
    time = moment(now)
    wanted = wanted_clusters(
        kubeconfig, contexts, stack_kubeconfig, namespaces, prometheus, queries, idle_hours
    )
    found = read(states, regions, wanted, time)
    for fault in found.faults:
        say(f"{fault.what}: {fault.why}")
    if found.faults and (apply is not None or notice):
        raise InputError("reap: something could not be read, so nothing is changed")
    plans = _make_plans(found, owned)
    emit("".join(_shown(plans, time)))
    if notice:
        return _give_notice(found, plans, time + datetime.timedelta(hours=grace_hours))
    if apply is None:
        return 2 if found.faults else 0
    count = len(plans.ready(time))
    if apply != count:
        raise InputError(
            f"reap: --apply {apply}, but {count} can be put to zero now: nothing is changed"
        )
    return _apply(found, plans, time, undo_file) if count else 0


class _Plans(Value, frozen=True):
    """What would be done."""

    account: Plan
    clusters: ClusterPlan

    @property
    def targets(self) -> tuple[Target | ClusterTarget, ...]:
        return (*self.account.targets, *self.clusters.targets)

    def ready(self, now: datetime.datetime) -> list[Target | ClusterTarget]:
        """What may be done now."""
        return [target for target in self.targets if _is_ready(target, now)]


def _make_plans(found: Everything, owned: bool) -> _Plans:
    from zerofloor.live.kubernetes.reap import make_plan as make_cluster_plan
    from zerofloor.live.reap import make_plan

    units = () if found.account is None else found.account.found
    seen = [one for cluster in found.clusters for one in cluster.seen]
    return _Plans(make_plan(units, owned=owned), make_cluster_plan(seen, owned=owned))


def _is_ready(target: Target | ClusterTarget, now: datetime.datetime) -> bool:
    return target.notice is not None and target.notice <= now


def _shown(plans: _Plans, now: datetime.datetime) -> Iterator[str]:
    from zerofloor.live.kubernetes.reap import name_of
    from zerofloor.reports.visible import visible
    from zerofloor.words import counted

    rows: list[Found | Seen] = [
        *(target.found for target in plans.account.targets),
        *(target.seen for target in plans.clusters.targets),
    ]
    unpriced = sum(1 for one in rows if one.monthly is None)
    saved = f"${waste(rows):,.2f} a month" + (f" and {unpriced} unpriced" if unpriced else "")
    yield f"{counted(len(rows), 'target')}, {saved}; {len(plans.ready(now))} ready.\n"
    for target in plans.account.targets:
        unit = target.found.unit
        told = f"Would {target.act}: {unit.kind} {unit.id} in {unit.region} ({_when(target)})"
        yield visible(f"{told}: {target.found.why}") + "\n"
    for aim in plans.clusters.targets:
        told = f"Would {aim.action.told}: {name_of(aim.seen)} ({_when(aim)})"
        yield visible(f"{told}: {aim.seen.why}") + "\n"
    for refused in plans.account.refused:
        unit = refused.found.unit
        yield visible(f"Left: {unit.kind} {unit.id} in {unit.region}: {refused.why}") + "\n"
    for left in plans.clusters.refused:
        yield visible(f"Left: {name_of(left.seen)}: {left.why}") + "\n"


def _when(target: Target | ClusterTarget) -> str:
    return "no notice yet" if target.notice is None else f"notice until {target.notice}"


@contextlib.contextmanager
def _opened(found: Everything) -> Iterator[Mapping[Place, Api]]:
    """The clusters."""
    from zerofloor.live.kubernetes.api import Api

    with contextlib.ExitStack() as stack:
        apis: dict[Place, Api] = {}
        for cluster in found.clusters:
            api = Api(cluster.access)
            stack.callback(api.close)
            apis[cluster.access.server, cluster.access.context] = api
        yield apis


def _give_notice(found: Everything, plans: _Plans, until: datetime.datetime) -> int:
    from zerofloor.cli.output import emit
    from zerofloor.live.journal import Outcome
    from zerofloor.live.kubernetes.reap import give_notice as annotate
    from zerofloor.live.reap import give_notice

    outcomes = [Outcome(0, ())]
    if plans.account.targets:
        outcomes.append(give_notice(_clients(), plans.account, until))
    if plans.clusters.targets:
        with _opened(found) as apis:
            outcomes.append(annotate(apis, plans.clusters.targets, until))
    done = sum(one.done for one in outcomes)
    emit(f"Notice given to {done}; --apply from {until.isoformat(timespec='minutes')}.\n")
    return _told(outcomes)


def _apply(found: Everything, plans: _Plans, now: datetime.datetime, undo_file: Path) -> int:
    from zerofloor.cli.output import emit
    from zerofloor.live.journal import carry_out
    from zerofloor.live.kubernetes.reap import steps_to_zero as cluster_steps
    from zerofloor.live.reap import steps_to_zero

    steps: list[Step] = []
    machines = [target for target in plans.account.targets if _is_ready(target, now)]
    if machines:
        steps += steps_to_zero(_clients(), machines)
    with _opened(found) as apis:
        steps += cluster_steps(apis, [one for one in plans.clusters.targets if _is_ready(one, now)])
        done = carry_out(undo_file, steps)
    emit(f"Put {done.done} to zero. Undo: zerofloor reap --undo {undo_file}\n")
    return _told([done])


def _clients() -> Any:
    from zerofloor.live.aws import open_clients

    return open_clients()


def _told(outcomes: Sequence[Outcome]) -> int:
    from zerofloor.cli.output import say

    faults = [fault for outcome in outcomes for fault in outcome.faults]
    for fault in faults:
        say(f"{fault.what}: {fault.why}")
    return 2 if faults else 0


def _restore(path: Path, kubeconfig: Path | None) -> int:
    from zerofloor.cli.output import emit
    from zerofloor.live.journal import to_undo, undo
    from zerofloor.live.kubernetes.reap import restore as restore_workload
    from zerofloor.live.reap import restore

    planned = to_undo(path)
    apis: dict[Place, Api] = {}

    def act(record: Mapping[str, Any]) -> None:
        if record.get("cloud") == "kubernetes":
            restore_workload(apis, kubeconfig, record)
        else:
            restore(_clients(), record)

    try:
        done = undo(path, act)
    finally:
        for api in apis.values():
            api.close()
    emit(f"Restored {done.done} of {planned}.\n")
    return _told([done])
