"""Fireworks: on-demand deployments, by the type of zerofloor's own provider."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Accounted, Cause, Hold, Notice, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.clouds.read import account, counted_gpus, token_set
from zerofloor.platforms.declared import Declared, changes_of, declared, size
from zerofloor.platforms.machines import Machines, describe
from zerofloor.platforms.rows import COUNT, Row
from zerofloor.schedules import BadSchedule, hours_for
from zerofloor.stack import Hidden
from zerofloor.values import at, count, known_text, seconds, switch
from zerofloor.words import number as shown

CLOUD: Final = "fireworks"
_DOCS: Final = "Fireworks docs, “Autoscaling” (minReplicaCount 0 by default)"


def _replica(estate: Estate, source: Declared, prefix: str) -> Machines:
    """GPUs of one replica. A shape alone does not say how many: only the API knows."""
    shape_name = source.field("deploymentShape")
    kind = source.field("acceleratorType")
    if kind.is_absent and source.field("acceleratorCount").is_absent:
        where = shape_name if not shape_name.is_absent else source.field("baseModel")
        shape = Shape(CLOUD, "deployment shape", None, "accelerator of unknown kind")
        return Machines((shape,), evidence=(where.evidence(describe((shape,))),))
    return counted_gpus(CLOUD, source, ("acceleratorType",), ("acceleratorCount",), None)


_DEPLOYMENT: Final = Row(
    cloud=CLOUD,
    tokens=("fireworks:index:Deployment", "fireworks:index/deployment:Deployment"),
    platform="Fireworks deployment",
    machine=("acceleratorType", "deploymentShape", "baseModel"),
    machines=_replica,
    count=("minReplicaCount",),
    default=0,
    ceiling=("maxReplicaCount",),
    cause=Cause.SCALER_MINIMUM,
    because="each active replica bills by the GPU-second, with or without requests",
    fix="Set minReplicaCount to 0",
    change=((COUNT, 0),),
    source=_DOCS,
    also="`maxReplicaCount` 0 parks it; `autoscalingPolicy.scalingSchedules` hold for their hours",
    stopped="maxReplicaCount 0 parks it: free; minReplicaCount 0: free after scaleToZeroWindow",
)
ROWS: Final = (_DEPLOYMENT,)
_QUIET: Final = dict.fromkeys(
    ("fireworks:index:DeployedModel", "fireworks:index/deployedModel:DeployedModel"),
    "a LoRA add-on runs on its deployment",
)
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    for source in declared(estate, *_DEPLOYMENT.tokens):
        if source.resource.op == "read":
            continue  # Looked up, not declared.
        yield from _deployment(estate, source)
    yield from account(estate, _QUIET)


def _deployment(estate: Estate, source: Declared) -> Iterator[Part]:
    found = _replica(estate, source, "")
    if found.plain:
        return
    minimum = size(source, ["minReplicaCount"], 0, "omitted: 0")
    most = source.field("maxReplicaCount")
    parked = most.count() == 0
    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    if parked:
        why = "maxReplicaCount is 0: the deployment is parked"
        yield Accounted(urn=source.urn, path="", because=why)
    else:
        parts = [*_minimum(source, found), *_schedules(source, found)]
        holds = tuple(part for part in parts if isinstance(part, Hold))
        undecided = tuple(part for part in parts if isinstance(part, Undecided))
        if not holds and not undecided:
            why = (
                "minReplicaCount is 0: replicas stop after scaleToZeroWindow; Fireworks deletes "
                "the deployment after seven days without a request"
            )
            yield Accounted(urn=source.urn, path="", because=why)
        yield from _long_window(estate, source)
    least = minimum.known if not isinstance(minimum, Undecided) else None
    ceiling = _ceiling(source, least)
    evidence = found.evidence
    if parked:
        evidence = (*evidence, most.evidence("parked: no replica runs"))
    yield Pool(
        urn=source.urn,
        name=source.name,
        platform=_DEPLOYMENT.platform,
        cloud=CLOUD,
        shapes=found.shapes,
        holds=holds,
        desired=0 if parked else least,
        ceiling=ceiling,
        undecided=(*undecided, *(found.undecided if holds or undecided else ())),
        evidence=evidence,
        price_as="on-demand deployment",
        idle_tail=_window(source),
        model=_model(source),
    )


def _ceiling(source: Declared, least: int | None) -> int | None:
    """Replicas at most, revocable ones included; None where that isn't known."""
    most = source.field("maxReplicaCount").count()
    revocable = source.field("maxWithRevocableReplicaCount").count()
    if most is None and least is not None:
        most = max(least, 1)
    if not isinstance(most, int) or not (revocable is None or isinstance(revocable, int)):
        return None
    return max(most, revocable or 0)


def _model(source: Declared) -> str:
    """The base model as the serverless price list names it; one of the account's own has none.

    Hidden may count as absent here: without it, no comparison is printed.
    """
    account, _, name = (known_text(source.field("baseModel").value) or "").partition("/models/")
    return f"fireworks/{name}" if account == "accounts/fireworks" else ""


def _minimum(source: Declared, found: Machines) -> Iterator[Hold | Undecided]:
    number = size(source, ["minReplicaCount"], 0, "omitted: 0")
    if isinstance(number, Undecided):
        yield number
    elif number.is_hidden:
        why = f"{number.path} isn't known at preview, so any number of replicas could stay on"
        yield source.open(number.path, why)
    elif number.known:
        yield Hold(
            cause=_DEPLOYMENT.cause,
            urn=source.urn,
            units=number.known,
            evidence=(*found.evidence, number.evidence(_DEPLOYMENT.because)),
            fix=_DEPLOYMENT.fix,
            change=changes_of(source, (number.path, 0)),
        )


def _schedules(source: Declared, found: Machines) -> Iterator[Hold | Undecided]:
    """Schedules replace minReplicaCount while they are active; the highest of them counts."""
    listed = source.field("autoscalingPolicy.scalingSchedules")
    if listed.is_hidden:
        why = f"{listed.path} isn't known at preview: a schedule may keep replicas"
        yield listed.undecided(why)
        return
    named = listed.value.items() if isinstance(listed.value, Mapping) else ()
    for name, schedule in sorted(named):
        path = f"{listed.path}.{name}"
        if switch(at(schedule, "disabled")) is True:
            continue
        units = count(at(schedule, "minReplicaCount"))
        if units == 0:
            continue
        expression, length = at(schedule, "schedule"), seconds(at(schedule, "duration"))
        if not isinstance(units, int) or isinstance(length, Hidden):
            why = f"{path} isn't known at preview: it may keep replicas"
            yield source.open(path, why)
            continue
        try:
            if not isinstance(expression, str) or not isinstance(length, Decimal):
                raise BadSchedule("no text")
            hours = hours_for(expression, datetime.timedelta(seconds=int(length)))
        except BadSchedule:
            yield source.open(path, f"{path} can't be read as a schedule: it may keep replicas")
            continue
        step = source.evidence(path, f"it keeps {units} for {shown(hours)} h a week")
        yield Hold(
            cause=Cause.SCHEDULE,
            urn=source.urn,
            units=units,
            evidence=(*found.evidence, step),
            fix=f"Set {path}.minReplicaCount to 0, or shorten its duration",
            hours_per_week=hours,
            change=changes_of(source, (f"{path}.minReplicaCount", 0)),
        )


def _window(source: Declared) -> Decimal:
    """Seconds from the last request until the last replica goes; an hour by default."""
    length = seconds(source.field("autoscalingPolicy.scaleToZeroWindow").value)
    return length if isinstance(length, Decimal) else Decimal(3600)


def _long_window(estate: Estate, source: Declared) -> Iterator[Notice]:
    window = source.field("autoscalingPolicy.scaleToZeroWindow")
    length = seconds(window.value)
    cap = estate.settings.caps.idle_tail_seconds
    if isinstance(length, Decimal) and length > cap:
        yield Notice(
            cause=Cause.LONG_IDLE_TAIL,
            urn=source.urn,
            message=(
                f"Replicas of Fireworks deployment {source.name} bill {shown(length)} s after the "
                f"last request: {window.path}"
            ),
            fix=f"Set {window.path} to 300s",
            evidence=(window.evidence("a replica bills until it is over"),),
        )
