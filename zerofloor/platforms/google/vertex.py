"""Vertex AI: endpoints from Model Garden, deployment resource pools, persistent resources. None of
them scales to zero in the providers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Accounted, Assumption, Cause, Hold, Market, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware import google
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.declared import Declared, size
from zerofloor.platforms.google.read import CLOUD, declared, machines, pool_of
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.rows import Row, Scaling, read_rows
from zerofloor.words import counted

PRICE: Final = "vertex-ai"
_GARDEN: Final = (
    "gcp:vertex/aiEndpointWithModelGardenDeployment:AiEndpointWithModelGardenDeployment"
)
_ENDPOINTS: Final = (
    "gcp:vertex/aiEndpoint:AiEndpoint",
    "google-native:aiplatform/v1:Endpoint",
    "google-native:aiplatform/v1beta1:Endpoint",
)
_ONE_SHOT_KINDS: Final = (
    "CustomJob",
    "HyperparameterTuningJob",
    "BatchPredictionJob",
    "NasJob",
    "TrainingPipeline",
    "PipelineJob",
    "NotebookRuntimeTemplate",
    "Schedule",
)
_ONE_SHOT: Final = (
    "gcp:vertex/aiSchedule:AiSchedule",
    *(
        f"google-native:aiplatform/{v}:{kind}"
        for v in ("v1", "v1beta1")
        for kind in _ONE_SHOT_KINDS
    ),
    "google-native:ml/v1:Job",
)
_DEFAULT_TYPE: Final = "n1-standard-2"
"""The machine of a deployment without a type (aiplatform v1, DedicatedResources)."""


def vertex_machines(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The machine of a `machineSpec`; a TPU's topology decides over the chips of one VM."""
    spec = source.field(f"{prefix}machineSpec")
    if spec.is_hidden:
        why = f"{spec.path} isn't known at preview: it could name GPUs"
        return Machines(undecided=(spec.undecided(why),))
    found = machines(
        estate, source, [f"{spec.path}.machineType"], [spec.path], default=_DEFAULT_TYPE
    )
    topology = source.field(f"{spec.path}.tpuTopology")
    if topology.is_hidden:
        why = "The TPU topology isn't known, and with it the number of chips"
        return Machines((), (topology.undecided(why),), found.evidence)
    chips = google.topology_chips(topology.value) if isinstance(topology.value, str) else None
    if chips is None:
        return found
    shapes = tuple(replace(shape, gpus=Decimal(chips)) for shape in found.shapes)
    said = topology.evidence(counted(chips, "chip"))
    return replace(found, shapes=shapes, evidence=(*found.evidence, said))


def _dedicated(estate: Estate, source: Declared, prefix: str) -> Machines:
    whole = source.field(f"{prefix}dedicatedResources")
    if whole.is_absent:
        return Machines()
    return vertex_machines(estate, source, f"{prefix}dedicatedResources.")


_POOL_FIX: Final = "Delete it while nothing uses it: its smallest size is 1"
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=(
            "gcp:vertex/aiDeploymentResourcePool:AiDeploymentResourcePool",
            "google-native:aiplatform/v1:DeploymentResourcePool",
            "google-native:aiplatform/v1beta1:DeploymentResourcePool",
        ),
        platform="Vertex AI deployment resource pool",
        machine=("dedicatedResources.machineSpec.machineType",),
        machines=_dedicated,
        count=("dedicatedResources.minReplicaCount",),
        ceiling=("dedicatedResources.maxReplicaCount",),
        cause=Cause.ENDPOINT,
        because="its machines run with or without a model on them, never fewer",
        fix=_POOL_FIX,
        source="aiplatform v1, DeploymentResourcePool; SDK: minReplicaCount is at least 1",
        price_as=PRICE,
    ),
    Row(
        cloud=CLOUD,
        tokens=(
            "gcp:vertex/aiPersistentResource:AiPersistentResource",
            "google-native:aiplatform/v1beta1:PersistentResource",
        ),
        platform="Vertex AI persistent resource",
        machine=("machineSpec.machineType",),
        machines=vertex_machines,
        each="resourcePools",
        count=("replicaCount",),
        scaling=Scaling(
            minimum=("autoscalingSpec.minReplicaCount",),
            maximum=("autoscalingSpec.maxReplicaCount",),
            smallest=1,
            cause=Cause.ENDPOINT,
            because="it never has fewer machines",
            fix=_POOL_FIX,
        ),
        cause=Cause.ENDPOINT,
        because="it bills while it exists, with or without jobs",
        fix=_POOL_FIX,
        source="Vertex AI docs, persistent resource overview",
        price_as=PRICE,
    ),
    Row(
        cloud=CLOUD,
        tokens=("gcp:vertex/aiIndexEndpointDeployedIndex:AiIndexEndpointDeployedIndex",),
        platform="Vertex AI deployed index",
        machine=("dedicatedResources.machineSpec.machineType",),
        machines=_dedicated,
        count=("dedicatedResources.minReplicaCount",),
        default=2,
        ceiling=("dedicatedResources.maxReplicaCount",),
        cause=Cause.ENDPOINT,
        because="it never has fewer machines",
        fix="Undeploy the index while nothing asks it",
        source="SDK docstring of dedicatedResources: minReplicaCount defaults to 2",
        price_as=PRICE,
    ),
)
READS: Final = frozenset(
    {_GARDEN, *_ENDPOINTS, *_ONE_SHOT, *(token for row in ROWS for token in row.tokens)}
)


def read(estate: Estate) -> Iterator[Part]:
    """Everything of Vertex AI that runs machines."""
    yield from read_rows(estate, ROWS, declared)
    for source in declared(estate, _GARDEN):
        yield from _garden(estate, source)
    for source in declared(estate, *_ENDPOINTS):
        what = f"No model is deployed on endpoint {source.name}"
        yield Assumption(what, "models that are deployed outside the stack aren't seen")
    for source in declared(estate, *_ONE_SHOT):
        because = "runs once and ends, or describes what does"
        yield Accounted(urn=source.urn, path="", because=because)


def _garden(estate: Estate, source: Declared) -> Iterator[Part]:
    """A model with the machines that serve it; without a choice Model Garden picks them, with
    GPUs."""
    base = "deployConfig.dedicatedResources"
    whole = source.field(base)
    if whole.is_hidden:
        yield whole.undecided("The machines that serve the model aren't known at preview")
        return
    is_spot = source.field(f"{base}.spot").value is True
    market = Market.SPOT if is_spot else Market.ON_DEMAND
    if whole.is_absent:
        found = Machines((Shape(CLOUD, "Model Garden's choice", None, "GPU of unknown type"),))
        said = whole.evidence("omitted: Model Garden picks the machines for the model")
        found = replace(found, evidence=(said,))
    else:
        found = vertex_machines(estate, source, f"{base}.")
    minimum = size(source, [f"{base}.minReplicaCount"], 1, "omitted: 1")
    hosts = size(source, [f"{base}.machineSpec.multihostGpuNodeCount"], 1)
    undecided = tuple(one for one in (minimum, hosts) if isinstance(one, Undecided))
    holds: tuple[Hold, ...] = ()
    most = source.field(f"{base}.maxReplicaCount").count()
    each = 1
    if not isinstance(minimum, Undecided) and not isinstance(hosts, Undecided):
        hidden = [one for one in (minimum, hosts) if one.is_hidden]
        # Dedicated replicas don't go below 1, whatever is declared.
        each = max(1, hosts.known or 1)
        units = max(1, minimum.known or 1) * each
        step = minimum.evidence("a deployed model bills without predictions, and keeps replicas")
        holds = (
            Hold(
                cause=Cause.ENDPOINT,
                urn=source.urn,
                units=units,
                evidence=(*found.evidence, step),
                fix="Undeploy the model while nothing asks it, or serve it on GKE or Cloud Run",
            ),
        )
        undecided = tuple(
            source.open(one.path, "It isn't known: more machines may stay on") for one in hidden
        )
    pool = pool_of(
        estate,
        source,
        found,
        platform="Vertex AI endpoint",
        holds=holds,
        undecided=undecided,
        desired=max((hold.least for hold in holds), default=None),
        ceiling=most * each if isinstance(most, int) else None,
        sold=market,
        price_as=PRICE,
    )
    if pool is not None:
        yield pool
