"""Baseten: models, whose omitted minimum of replicas is 0 (early Terraform provider; derived)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Accounted, Cause, Hold, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.hardware.naming import accelerator_name
from zerofloor.platforms.clouds.read import token_set, tokens
from zerofloor.platforms.declared import Declared, Size, changes_of, declared, size
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, describe
from zerofloor.platforms.rows import COUNT, Row
from zerofloor.stack import Hidden
from zerofloor.values import get

CLOUD: Final = "baseten"
_CONFIGS: Final = ("config", "configJson", "trussConfig", "truss.config")


def _replica(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The accelerator of a replica (`H100:2`), in a configuration that is text."""
    direct = source.field("resources.accelerator", "accelerator", "instanceType")
    field = direct if not direct.is_absent else source.field(*_CONFIGS)
    if field.is_absent:
        return Machines()
    if not direct.is_absent:
        named = direct.value
    else:
        config = _parsed(field.value)
        if config is None:
            why = f"{field.path} can't be read at preview: it may ask for GPUs"
            return Machines(undecided=(field.undecided(why, SETTLE_TYPE),))
        named = get(config, "resources.accelerator")
        if named is None and get(config, "resources.use_gpu") is True:
            named = "gpu"
    if named is None:
        return Machines((Shape(CLOUD, "cpu", Decimal(0)),))
    if not isinstance(named, str) or isinstance(named, Hidden):
        why = f"{field.path} isn't known at preview: it may ask for GPUs"
        return Machines(undecided=(field.undecided(why, SETTLE_TYPE),))
    if re.match(r"cpu|\d+x\d+$", named, re.I):
        return Machines((Shape(CLOUD, named, Decimal(0)),))
    model, _, number = named.partition(":")
    gpus = Decimal(number) if number.isdigit() else Decimal(1)
    shape = Shape(CLOUD, model, gpus, accelerator_name(model))
    return Machines((shape,), evidence=(field.evidence(describe((shape,))),))


def _parsed(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None


_MODEL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("baseten:index/model:Model"),
    platform="Baseten model",
    machine=_CONFIGS,
    machines=_replica,
    count=("environments.*.autoscaling.minReplica",),
    default=0,
    cause=Cause.SCALER_MINIMUM,
    because="an environment never goes below it",
    fix="Set autoscaling.minReplica of the environment to 0",
    change=((COUNT, 0),),
    source="Baseten docs, “Autoscaling” (min_replica 0 by default)",
    derived=True,
)
ROWS: Final = (_MODEL,)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    for source in declared(estate, *_MODEL.tokens):
        if source.resource.op != "read":
            yield from _model(estate, source)


def _model(estate: Estate, source: Declared) -> Iterator[Part]:
    """A model's environments, each with bounds of its own."""
    found = _replica(estate, source, "")
    if found.plain or (not found.shapes and not found.undecided):
        return
    environments = source.field("environments")
    holds: list[Size] = []
    undecided: list[Undecided] = []
    if environments.is_hidden:
        why = "The environments aren't known at preview: replicas may stay"
        undecided.append(environments.undecided(why))
    total = 0
    for prefix in _bounds(environments.value):
        if source.field(prefix).is_absent:
            continue
        number = size(source, [f"{prefix}.minReplica", f"{prefix}.min_replica"], 0)
        if isinstance(number, Undecided):
            undecided.append(number)
        elif number.is_hidden:
            undecided.append(source.open(number.path, f"{number.path} isn't known at preview"))
        elif number.known:
            total += number.known
            holds.append(number)
    evidence = (*found.evidence, *(number.evidence(_MODEL.because) for number in holds))
    change = changes_of(source, *((number.path, 0) for number in holds))
    hold = Hold(
        cause=_MODEL.cause,
        urn=source.urn,
        units=total,
        evidence=evidence,
        fix=_MODEL.fix,
        change=change,
    )
    if not total and not undecided:
        because = "an environment's replicas go to 0"
        yield Accounted(urn=source.urn, path="", because=because)
    yield Pool(
        urn=source.urn,
        name=source.name,
        platform=_MODEL.platform,
        cloud=CLOUD,
        shapes=found.shapes,
        holds=(hold,) if total else (),
        desired=total,
        ceiling=None,
        undecided=(*undecided, *(found.undecided if total or undecided else ())),
        evidence=found.evidence,
    )


def _bounds(environments: Any) -> Iterator[str]:
    """Where the bounds of replicas may stand."""
    yield from ("autoscaling", "autoscalingSettings")
    if isinstance(environments, Mapping):
        yield from (f"environments.{name}.autoscaling" for name in sorted(environments))
    elif isinstance(environments, list | tuple):
        yield from (f"environments[{index}].autoscaling" for index in range(len(environments)))
