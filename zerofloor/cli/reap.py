"""`zerofloor reap STATE…`: idle and orphaned machines put to zero, told twice."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from zerofloor.cli.live import (
    HoursOption,
    NowOption,
    RegionsOption,
    StatesArgument,
    moment,
    read,
    wanted_clusters,
    waste,
)
from zerofloor.cli.parsing import Option

if TYPE_CHECKING:
    from zerofloor.live.journal import Outcome
    from zerofloor.live.reap import Plan, Target


def reap(
    states: StatesArgument = (),
    regions: RegionsOption = (),
    idle_hours: HoursOption = 24,
    owned: Annotated[
        bool, Option("--owned", help="Also what a stack declares and allows to be at zero.")
    ] = False,
    notice: Annotated[
        bool, Option("--notice", help="Tag what would be put to zero with the time when it may be.")
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
    """Put idle and orphaned GPU machines of an AWS account to zero, told twice.

    Instances are stopped, groups scaled to 0; nothing is deleted. A dry run unless told otherwise.
    First --notice, which tags them; after the grace time --apply with the number that the dry run
    listed. What is busy, or what no metric knows, is left. Exit 0
    if all was done, 2 if something could not be read or done.
    """
    from zerofloor.cli.output import emit, say
    from zerofloor.errors import InputError
    from zerofloor.live.aws import open_clients
    from zerofloor.live.journal import carry_out
    from zerofloor.live.reap import give_notice, make_plan, steps_to_zero

    if undo is not None:
        return _restore(undo)
    if not states:
        raise InputError("reap: name the states of the stacks, so that what they own is known")
    time = moment(now)
    found = read(
        states, regions, wanted_clusters(None, (), False, (), None, None, idle_hours), time
    )
    for fault in found.faults:
        say(f"{fault.what}: {fault.why}")
    if found.faults and (apply is not None or notice):
        raise InputError("reap: something could not be read, so nothing is changed")
    plan = make_plan(() if found.account is None else found.account.found, owned=owned)
    emit("".join(_shown(plan, time)))
    if notice:
        until = time + datetime.timedelta(hours=grace_hours)
        done = give_notice(open_clients(), plan, until)
        start = until.isoformat(timespec="minutes")
        emit(f"Notice given to {done.done}; --apply from {start}.\n")
        return _told(done)
    if apply is None:
        return 2 if found.faults else 0
    ready = [target for target in plan.targets if _is_ready(target, time)]
    if apply != len(ready):
        raise InputError(
            f"reap: --apply {apply}, but {len(ready)} can be put to zero now: nothing is changed"
        )
    if not ready:
        return 0
    done = carry_out(undo_file, steps_to_zero(open_clients(), ready))
    emit(f"Put {done.done} to zero. Undo: zerofloor reap --undo {undo_file}\n")
    return _told(done)


def _is_ready(target: Target, now: datetime.datetime) -> bool:
    return target.notice is not None and target.notice <= now


def _shown(plan: Plan, now: datetime.datetime) -> Iterator[str]:
    from zerofloor.reports.visible import visible
    from zerofloor.words import counted

    ready = sum(1 for target in plan.targets if _is_ready(target, now))
    saved = waste(target.found for target in plan.targets)
    yield f"{counted(len(plan.targets), 'target')}, ${saved:,.2f} a month; {ready} ready.\n"
    for target in plan.targets:
        unit = target.found.unit
        when = "no notice yet" if target.notice is None else f"notice until {target.notice}"
        told = f"Would {target.act}: {unit.kind} {unit.id} in {unit.region} ({when})"
        yield visible(f"{told}: {target.found.why}") + "\n"
    for refused in plan.refused:
        unit = refused.found.unit
        yield visible(f"Left: {unit.kind} {unit.id} in {unit.region}: {refused.why}") + "\n"


def _told(done: Outcome) -> int:
    from zerofloor.cli.output import say

    for fault in done.faults:
        say(f"{fault.what}: {fault.why}")
    return 2 if done.faults else 0


def _restore(path: Path) -> int:
    from zerofloor.cli.output import emit
    from zerofloor.live.aws import open_clients
    from zerofloor.live.journal import to_undo, undo
    from zerofloor.live.reap import restore

    planned = to_undo(path)
    done = undo(path, partial(restore, open_clients()))
    emit(f"Restored {done.done} of {planned}.\n")
    return _told(done)
