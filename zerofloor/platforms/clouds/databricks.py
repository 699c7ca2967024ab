"""Databricks: clusters, instance pools, model serving, jobs and pipelines that never end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Accounted, Assumption, Cause, Hold, Part, Pool
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.clouds.read import account, is_settled, token_set, tokens
from zerofloor.platforms.declared import Declared, Field, Size, declared, link_of
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, describe, machines_of, union
from zerofloor.platforms.rows import (
    COUNT,
    Idle,
    Kept,
    Release,
    Row,
    as_declared,
    change_of,
    read_rows,
)
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, keys

CLOUD: Final = "databricks"
_CLUSTERS: Final = tokens("databricks:index/cluster:Cluster")
_POOLS: Final = tokens("databricks:index/instancePool:InstancePool")
_SERVING: Final = tokens("databricks:index/modelServing:ModelServing")
_JOBS: Final = tokens("databricks:index/job:Job")
_PIPELINES: Final = tokens("databricks:index/pipeline:Pipeline")
_DBU: Final = Assumption(
    "Only the cloud's machines of Databricks clusters are priced",
    "the DBU charge comes on top, and no price list here has it",
)

_FLEET: Final = re.compile(r"[mrci][a-z]{0,3}-fleet\.\w+")
"""Fleet types choose among general, memory and compute instances of AWS (Databricks docs)."""

Read = Callable[[Estate, Declared, str], Machines]


def _node_type(estate: Estate, field: Field) -> Machines:
    """Node types are the names of the cloud's machines: of AWS, Azure or Google."""
    if isinstance(field.value, str):
        if _FLEET.fullmatch(field.value):
            return Machines((Shape("aws", field.value, Decimal(0)),))
        for cloud in ("aws", "azure", "gcp"):
            if estate.shape(cloud, field.value) is not None:
                return machines_of(estate, cloud, field.source, field.path, field.value)
    return machines_of(estate, "aws", field.source, field.path, field.value)


def _nodes(*types: str, pools: tuple[str, ...]) -> Read:
    """Reads a node's type at the first of `types`, else at the instance pool that `pools` name."""

    def read(estate: Estate, source: Declared, prefix: str) -> Machines:
        pool = source.field(*(prefix + path for path in pools))
        kind = source.field(*(prefix + path for path in types))
        if kind.is_absent and not pool.is_absent:
            return _of_pool(estate, source, pool)
        if not kind.is_absent:
            return _node_type(estate, kind)
        why = f"{kind.path} isn't given: a policy may choose a GPU type"
        return Machines(undecided=(kind.undecided(why, SETTLE_TYPE),))

    return read


def _of_pool(estate: Estate, source: Declared, pool: Field) -> Machines:
    link = link_of(estate, source, str(keys(pool.path)[0]), *_POOLS, value=pool.value)
    parts = [
        _node_type(estate, Declared(one, one.inputs, one.name).field("nodeTypeId"))
        for one in link.found
    ]
    if not is_settled(link) and (link.open or all(part.plain for part in parts)):
        why = f"The instance pool at {pool.path} isn't declared here: it may have GPU nodes"
        return Machines(undecided=(pool.undecided(why, SETTLE_TYPE),))
    return union(parts)


_driver: Final = _nodes(
    "driverNodeTypeId", "nodeTypeId", pools=("driverInstancePoolId", "instancePoolId")
)
_worker: Final = _nodes("nodeTypeId", pools=("instancePoolId",))


def _workers(estate: Estate, source: Declared, prefix: str) -> Machines:
    if source.field(f"{prefix}isSingleNode").switch() is True:
        return Machines()
    return _worker(estate, source, prefix)


_TERMINATION: Final = (
    "Databricks docs, “Automatic termination” (10 to 10000 minutes, default 60, 0 switches it off)"
)
_DRIVER: Final = Row(
    cloud=CLOUD,
    tokens=_CLUSTERS,
    platform="Databricks cluster driver",
    machine=("driverNodeTypeId", "nodeTypeId", "driverInstancePoolId", "instancePoolId"),
    machines=_driver,
    part="driver",
    cause=Cause.INSTANCE,
    because="the cluster never terminates, and its driver runs as long as it does",
    fix="Set autoterminationMinutes to 60: 0 switches automatic termination off",
    change=(("autoterminationMinutes", 60),),
    idle=Idle(path="autoterminationMinutes", unit=60, default=60),
    also="only with `autoterminationMinutes` 0 (omitted: 60 minutes)",
    source=_TERMINATION,
    stopped="terminated: free",
)
_WORKERS: Final = replace(
    _DRIVER,
    platform="Databricks cluster workers",
    machine=("nodeTypeId", "instancePoolId"),
    machines=_workers,
    part="workers",
    count=("autoscale.minWorkers", "numWorkers"),
    default=0,
    ceiling=("autoscale.maxWorkers", "numWorkers"),
    because="the cluster never terminates, and keeps these workers",
)
_POOL: Final = Row(
    cloud=CLOUD,
    tokens=_POOLS,
    platform="Databricks instance pool",
    machine=("nodeTypeId",),
    machines=_nodes("nodeTypeId", pools=("instancePoolFleetAttributes",)),
    count=("minIdleInstances",),
    default=0,
    ceiling=("maxCapacity",),
    cause=Cause.WARM_POOL,
    because="the pool keeps this many idle machines beside those in use",
    fix="Set minIdleInstances to 0",
    change=((COUNT, 0),),
    source="Databricks docs, “Pool configuration reference” (minimum idle instances)",
)
_ENTITY: Final = Row(
    cloud=CLOUD,
    tokens=_SERVING,
    platform="Databricks model serving",
    machine=("workloadType",),
    default_machine=Shape(CLOUD, "CPU", Decimal(0)),
    each="config.servedEntities",
    cause=Cause.ENDPOINT,
    because="at least one instance serves while scaleToZeroEnabled isn't true",
    fix="Set scaleToZeroEnabled to true",
    change=(("scaleToZeroEnabled", True),),
    source=(
        "Databricks docs, “Model Serving” (scale_to_zero_enabled:"
        " the lower bound of concurrency is 0)"
    ),
    also="omitted: undecided in `servedEntities`, true in `servedModels`",
    releases=(
        Release(
            path="scaleToZeroEnabled", values=(True,), because="the endpoint scales in to zero"
        ),
    ),
)
_THROUGHPUT: Final = Row(
    cloud=CLOUD,
    tokens=tokens(
        "databricks:index/modelServingProvisionedThroughput:ModelServingProvisionedThroughput"
    ),
    platform="Databricks provisioned throughput",
    machine=("provisionedModelUnits",),
    machines=lambda estate, source, prefix: _undisclosed(source, prefix),
    each="config.servedEntities",
    cause=Cause.ENDPOINT,
    because="provisioned throughput can't scale to zero: its capacity is reserved",
    fix="Use pay-per-token Foundation Model APIs, or model serving with scaleToZeroEnabled",
    source="Databricks docs, “Foundation Model APIs”",
)
ROWS: Final = (_DRIVER, _WORKERS, _POOL, _ENTITY, _THROUGHPUT)
_QUIET: Final = {
    **dict.fromkeys(
        tokens("databricks:index/vectorSearchEndpoint:VectorSearchEndpoint"),
        "a vector search endpoint is always on and shows no GPU",
    ),
    **dict.fromkeys(
        tokens("databricks:index/clusterPolicy:ClusterPolicy"), "a policy runs nothing by itself"
    ),
    **dict.fromkeys(tokens("databricks:index/app:App"), "an app runs on CPUs"),
}
READS: Final = token_set(ROWS) | {*_JOBS, *_PIPELINES} | _QUIET.keys()


def _undisclosed(source: Declared, prefix: str) -> Machines:
    shape = Shape(CLOUD, "provisioned throughput", None, "accelerator of unknown kind")
    field = source.field(f"{prefix}provisionedModelUnits", f"{prefix}minProvisionedThroughput")
    return Machines((shape,), evidence=(field.evidence(describe((shape,))),))


def read(estate: Estate) -> Iterator[Part]:
    for part in read_rows(estate, (_DRIVER, _WORKERS), keep=_until_idle):
        yield _in_its_cloud(estate, part)
    for part in read_rows(estate, (_POOL,)):
        yield _in_its_cloud(estate, part)
    for source in declared(estate, *_SERVING):
        yield from _serving(estate, source)
    yield from read_rows(estate, (_THROUGHPUT,))
    for source in declared(estate, *_JOBS):
        yield from _job(estate, source)
    for source in declared(estate, *_PIPELINES):
        yield from _pipeline(estate, source)
    yield from account(estate, _QUIET)


def _in_its_cloud(estate: Estate, part: Part) -> Part:
    """The pool under the cloud whose machines it has: that is where their price stands."""
    if not isinstance(part, Pool) or not part.shapes:
        return part
    cloud = part.shapes[0].cloud
    return replace(
        part,
        cloud=cloud,
        region=estate.region(estate.by_urn[part.urn], cloud),
        assumptions=(*part.assumptions, _DBU),
    )


def _until_idle(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """The nodes of a cluster, which terminates once it is idle unless that is switched off."""
    minutes = source.field("autoterminationMinutes")
    value = minutes.count()
    kept = as_declared(estate, source, row, number, found)
    if isinstance(value, Hidden | Impossible):
        why = f"{minutes.path} isn't known at preview: 0 would keep the cluster running"
        if number.known == 0:
            return kept
        return replace(kept, holds=(), undecided=(*kept.undecided, minutes.undecided(why)))
    if value != 0:
        return Kept(ceiling=kept.ceiling)
    link = minutes.evidence("0 switches automatic termination off")
    holds = tuple(replace(hold, evidence=(link, *hold.evidence)) for hold in kept.holds)
    return replace(kept, holds=holds)


def _serving(estate: Estate, source: Declared) -> Iterator[Part]:
    """A model serving endpoint. `servedModels` scale to zero where that is omitted; of
    `servedEntities` the default isn't documented (pulumi_databricks 1.118.0)."""
    models = replace(
        _ENTITY,
        each="config.servedModels",
        releases=(replace(_ENTITY.releases[0], values=(True, None)),),
    )
    for row in (_ENTITY, models):
        reading = replace(row, machines=_served)
        yield from read_rows(estate, (reading,), lambda *_: (source,), keep=_serve)


def _served(estate: Estate, source: Declared, prefix: str) -> Machines:
    """What one entity runs on; an external model runs elsewhere."""
    external = source.field(f"{prefix}externalModel")
    if not external.is_absent and not external.is_hidden:
        return Machines()
    throughput = source.field(
        f"{prefix}minProvisionedThroughput",
        f"{prefix}maxProvisionedThroughput",
        f"{prefix}provisionedModelUnits",
    )
    kind = source.field(f"{prefix}workloadType")
    if kind.is_absent and not throughput.is_absent:
        if source.field(f"{prefix}minProvisionedThroughput").count() == 0:
            return Machines()
        return _undisclosed(source, prefix)
    if kind.is_absent:
        return Machines((Shape(CLOUD, "CPU", Decimal(0)),))
    return machines_of(estate, CLOUD, source, kind.path, kind.value)


def _serve(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    kept = as_declared(estate, source, row, number, found)
    prefix = number.path.rpartition(".")[0]
    zero = source.field(f"{prefix}.scaleToZeroEnabled")
    if zero.switch() is True:
        return Kept(ceiling=kept.ceiling)
    if zero.is_hidden or (zero.is_absent and None not in row.releases[0].values):
        why = f"{zero.path} isn't known: without it GPU instances may stay on"
        if zero.is_absent:
            why = f"{zero.path} is omitted, and its default isn't documented for served entities"
        return replace(kept, holds=(), undecided=(zero.undecided(why, "Set it to true"),))
    link = zero.evidence("the endpoint keeps an instance")
    return replace(
        kept,
        holds=tuple(
            Hold(
                cause=hold.cause,
                urn=hold.urn,
                units=hold.units,
                evidence=(*found.evidence, link),
                fix=hold.fix,
                change=change_of(source, row, number),
            )
            for hold in kept.holds
        ),
    )


_CONTINUOUS: Final = "Databricks docs, “Run jobs continuously”"


def _job(estate: Estate, source: Declared) -> Iterator[Part]:
    """A job's clusters end with its run, unless a new run follows each (`continuous`)."""
    continuous = source.field("continuous")
    paused = source.field("continuous.pauseStatus")
    is_paused = paused.text()
    if continuous.is_absent or (isinstance(is_paused, str) and is_paused.upper() == "PAUSED"):
        yield Accounted(urn=source.urn, path="", because="a job's clusters end with its run")
        return
    for each in ("jobClusters", "tasks"):
        yield from _endless(
            estate,
            source,
            each,
            "newCluster.",
            "a continuous job starts its next run when one ends",
            "Set continuous.pauseStatus to PAUSED, or trigger the job instead",
            (("continuous.pauseStatus", "PAUSED"),),
        )


def _pipeline(estate: Estate, source: Declared) -> Iterator[Part]:
    """A pipeline's clusters end with its update, unless it is continuous."""
    continuous = source.field("continuous").switch()
    if continuous is None or continuous is False:
        yield Accounted(
            urn=source.urn, path="", because="a pipeline's clusters end with its update"
        )
        return
    yield from _endless(
        estate,
        source,
        "clusters",
        "",
        "a continuous pipeline never ends",
        "Set continuous to false",
        (("continuous", False),),
    )


def _endless(
    estate: Estate,
    source: Declared,
    each: str,
    inner: str,
    because: str,
    fix: str,
    change: tuple[tuple[str, object], ...],
) -> Iterator[Part]:
    driver = replace(
        _DRIVER,
        each=each,
        platform="Databricks job cluster driver",
        machine=(f"{inner}nodeTypeId",),
        machines=_within(_driver, inner),
        cause=Cause.ENDLESS_JOB,
        because=because,
        fix=fix,
        change=(),
        source=_CONTINUOUS,
        releases=(),
    )
    workers = replace(
        driver,
        platform="Databricks job cluster workers",
        machines=_within(_workers, inner),
        part="",
        count=(f"{inner}autoscale.minWorkers", f"{inner}numWorkers"),
        default=0,
        ceiling=(f"{inner}autoscale.maxWorkers", f"{inner}numWorkers"),
    )
    for part in read_rows(estate, (replace(driver, part=""), workers), lambda *_: (source,)):
        if isinstance(part, Pool):
            kind = "driver" if part.platform.endswith("driver") else "workers"
            part = replace(part, part=f"{part.part}#{kind}")
        yield _in_its_cloud(estate, part)


def _within(read: Read, inner: str) -> Read:
    """The reader for a cluster that stands in an element; none where the element has none."""

    def inside(estate: Estate, source: Declared, prefix: str) -> Machines:
        if inner and source.field(prefix + inner.rstrip(".")).is_absent:
            return Machines()
        return read(estate, source, prefix + inner)

    return inside
