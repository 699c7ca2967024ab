"""`zerofloor reap STATE…`: idle and orphaned resources scaled to zero, in two steps."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
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
)
from zerofloor.cli.parsing import Option
from zerofloor.errors import InputError

if TYPE_CHECKING:
    from zerofloor.live.journal import Outcome, Step
    from zerofloor.live.kubernetes.api import Api
    from zerofloor.live.kubernetes.reap import Place
    from zerofloor.live.plan import Plan


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
        bool, Option("--owned", help="Include resources that a stack declares and allows at zero.")
    ] = False,
    notice: Annotated[
        bool,
        Option("--notice", help="Tag or annotate the targets with the time of --apply."),
    ] = False,
    grace_hours: Annotated[
        int,
        Option(
            "--grace-hours", metavar="HOURS", least=0, help="Time between --notice and --apply."
        ),
    ] = 24,
    apply: Annotated[
        int | None,
        Option(
            "--apply", metavar="COUNT", help="Make the changes; COUNT is what the dry run listed."
        ),
    ] = None,
    undo_file: Annotated[
        Path, Option("--undo-file", metavar="FILE", help="File that --apply writes for --undo.")
    ] = Path("zerofloor-undo.json"),
    undo: Annotated[
        Path | None, Option("--undo", metavar="FILE", help="Undo the changes in an undo file.")
    ] = None,
    now: NowOption = None,
) -> int:
    """Scale idle and orphaned GPU machines and workloads to zero, in two confirmed steps.

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
    with contextlib.ExitStack() as stack:
        plan = _make_plan(found, owned, stack)
        emit("".join(_shown(plan, time)))
        if notice:
            return _notify(plan, time + datetime.timedelta(hours=grace_hours))
        if apply is None:
            return 2 if found.faults else 0
        steps = [target.step for target in plan.targets if target.is_ready(time)]
        if apply != len(steps):
            told = f"{len(steps)} can be put to zero now: nothing is changed"
            raise InputError(f"reap: --apply {apply}, but {told}")
        return _apply(steps, undo_file) if steps else 0


def _make_plan(found: Everything, owned: bool, stack: contextlib.ExitStack) -> Plan:
    """The plan for all that was read; what it opens is closed with the stack."""
    from zerofloor.live.plan import Left, Target, plan_of

    judged: list[Target | Left] = []
    if found.account is not None:
        from zerofloor.live.reap import judge

        client = _clients()
        judged += [judge(client, one, owned=owned) for one in found.account.found]
    for cluster in found.clusters:
        from zerofloor.live.kubernetes.api import Api
        from zerofloor.live.kubernetes.reap import judge as judge_seen

        api = Api(cluster.access)
        stack.callback(api.close)
        judged += [judge_seen(api, one, owned=owned) for one in cluster.seen]
    return plan_of(judged)


def _shown(plan: Plan, now: datetime.datetime) -> Iterator[str]:
    from zerofloor.reports.visible import visible
    from zerofloor.words import counted

    unpriced = sum(1 for target in plan.targets if target.monthly is None)
    saved = sum((target.monthly or Decimal(0) for target in plan.targets), Decimal(0))
    parts = [f"${saved:,.2f} a month"] if saved or not unpriced else []
    told = " and ".join([*parts, *([f"{unpriced} unpriced"] if unpriced else [])])
    ready = sum(1 for target in plan.targets if target.is_ready(now))
    yield f"{counted(len(plan.targets), 'target')}, {told}; {ready} ready.\n"
    for target in plan.targets:
        when = "no notice yet" if target.notice is None else f"notice until {target.notice}"
        told = f"Would {target.would}: {target.step.what} ({when}): {target.why}"
        yield visible(told) + "\n"
    for left in plan.left:
        yield visible(f"Left: {left.what}: {left.why}") + "\n"


def _notify(plan: Plan, until: datetime.datetime) -> int:
    from zerofloor.cli.output import emit
    from zerofloor.live.plan import give_notice

    done = give_notice(plan.targets, until)
    start = until.isoformat(timespec="minutes")
    emit(f"Notice given to {done.done}; --apply from {start}.\n")
    return _told(done)


def _apply(steps: Sequence[Step], undo_file: Path) -> int:
    from zerofloor.cli.output import emit
    from zerofloor.live.journal import carry_out

    done = carry_out(undo_file, steps)
    emit(f"Put {done.done} to zero. Undo: zerofloor reap --undo {undo_file}\n")
    return _told(done)


def _clients() -> Any:
    from zerofloor.live.aws import open_clients

    return open_clients()


def _told(outcome: Outcome) -> int:
    from zerofloor.cli.output import say

    for fault in outcome.faults:
        say(f"{fault.what}: {fault.why}")
    return 2 if outcome.faults else 0


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
    return _told(done)
