"""AWS services that are only "this token, these property paths, this default": a table and the few
lines that read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Cause, Evidence, Hold, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.aws import scaling
from zerofloor.platforms.aws.launch import overridden
from zerofloor.platforms.aws.read import CLOUD, declared, machines, market
from zerofloor.platforms.declared import Declared, Size, part_of, size
from zerofloor.platforms.machines import Machines
from zerofloor.values import get, known_items

_PRESENT: Final = object()


@dataclass(frozen=True, slots=True)
class Release:
    """A property with which the service itself lets go of the instances."""

    path: str
    values: tuple[Any, ...]
    """Any of these (None: omitted); `_PRESENT` stands for whatever is given."""
    because: str


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of resource whose floor is a number that stands in it."""

    tokens: tuple[str, ...]
    platform: str
    kind: tuple[str, ...]
    """Where the instance type stands; `[].` after a list's name takes each of its elements as an
    alternative."""
    count: tuple[str, ...]
    """Where the number stands; empty: one."""
    default: int
    """The number where it is omitted."""
    cause: Cause
    because: str
    """What follows from the number."""
    fix: str
    source: str
    """Where AWS says so."""
    releases: tuple[Release, ...] = ()
    each: str = ""
    """A list whose elements are pools of their own; then the paths start in an element."""
    translate: Callable[[str], Shape | None] | None = None
    """Types that are no EC2 names."""
    scaled: tuple[str, str] | None = None
    """The dimension and the resource ID's prefix of an application autoscaling target."""
    part: str = ""
    """Which of several pools of one resource this is."""
    market: str = ""
    price_as: str | None = None


def _appstream(name: str) -> Shape | None:
    # stream.graphics.g4dn.xlarge is a g4dn.xlarge; graphics-design and graphics-pro are older
    # single-GPU types.
    match = re.fullmatch(r"stream\.graphics\.(g\w+\.\w+)", name)
    if match:
        from zerofloor.hardware.instances import lookup

        return lookup(CLOUD, match[1])
    if name.startswith("stream.graphics"):
        return Shape(CLOUD, name, Decimal(1), "GPU of an AppStream graphics instance")
    return Shape(CLOUD, name, Decimal(0)) if name.startswith("stream.") else None


def _workspace(name: str) -> Shape | None:
    graphics = name.upper().startswith("GRAPHICS")
    return Shape(
        CLOUD,
        name,
        Decimal(1 if graphics else 0),
        "GPU of a graphics WorkSpace" if graphics else "",
    )


def _codebuild(name: str) -> Shape | None:
    gpu = "GPU" in name.upper()
    return Shape(
        CLOUD, name, None if gpu else Decimal(0), "GPU of a CodeBuild fleet" if gpu else ""
    )


def _lightsail(name: str) -> Shape | None:
    gpu = name.startswith("gpu_")
    return Shape(CLOUD, name, Decimal(1 if gpu else 0), "GPU of a Lightsail bundle" if gpu else "")


def _deadline(name: str) -> Shape | None:
    return Shape(CLOUD, name, Decimal(1), "GPU or more of a Deadline Cloud worker")


ROWS: Final = (
    Row(
        ("aws:appstream/fleet:Fleet", "aws-native:appstream:Fleet"),
        "AppStream fleet",
        ("instanceType",),
        ("computeCapacity.desiredInstances",),
        1,
        Cause.INSTANCE,
        "instances of an always-on fleet run with users or without",
        "Set fleetType to ON_DEMAND, or computeCapacity.desiredInstances to 0",
        (
            "AppStream administration guide, “Fleet types”: on-demand instances run only while "
            "a user streams"
        ),
        (
            Release(
                "fleetType",
                (None, "ON_DEMAND", "ELASTIC"),
                "its instances run only while somebody streams",
            ),
        ),
        translate=_appstream,
        scaled=("appstream:fleet:DesiredCapacity", "fleet/"),
        price_as="appstream",
    ),
    Row(
        ("aws:appstream/imageBuilder:ImageBuilder", "aws-native:appstream:ImageBuilder"),
        "AppStream image builder",
        ("instanceType",),
        (),
        1,
        Cause.INTERACTIVE,
        "an image builder runs until somebody stops it",
        "Delete the image builder once its image is made",
        "AppStream administration guide, “Image builders”",
        translate=_appstream,
        price_as="appstream",
    ),
    Row(
        ("aws:workspaces/workspace:Workspace", "aws-native:workspaces:Workspace"),
        "WorkSpace",
        ("workspaceProperties.computeTypeName",),
        (),
        1,
        Cause.INTERACTIVE,
        "an always-on WorkSpace runs with its user or without",
        "Set workspaceProperties.runningMode to AUTO_STOP",
        "WorkSpaces administration guide, “Manage the running mode”",
        (
            Release(
                "workspaceProperties.runningMode",
                ("AUTO_STOP", "MANUAL"),
                "it stops when its user is gone",
            ),
        ),
        translate=_workspace,
        price_as="workspaces",
    ),
    Row(
        ("aws:gamelift/fleet:Fleet", "aws-native:gamelift:Fleet"),
        "GameLift fleet",
        ("ec2InstanceType",),
        ("desiredEc2Instances",),
        1,
        Cause.INSTANCE,
        "instances of a fleet run with game sessions or without",
        "Set the desired capacity to 0",
        "GameLift developer guide, “Scale fleet capacity”: a new fleet starts with one instance",
        market="fleetType",
        price_as="gamelift",
    ),
    Row(
        ("aws:gamelift/gameServerGroup:GameServerGroup", "aws-native:gamelift:GameServerGroup"),
        "GameLift game server group",
        ("instanceDefinitions[].instanceType",),
        ("minSize",),
        1,
        Cause.POOL_MINIMUM,
        "the group never goes below it",
        "Set minSize to 0",
        "GameLift FleetIQ guide, “Game server groups”",
    ),
    Row(
        ("aws-native:pcs:ComputeNodeGroup",),
        "PCS compute node group",
        ("instanceConfigs[].instanceType",),
        ("scalingConfiguration.minInstanceCount",),
        0,
        Cause.POOL_MINIMUM,
        "Slurm keeps this many nodes running",
        "Set scalingConfiguration.minInstanceCount to 0",
        "PCS user guide, “Compute node groups”",
        market="purchaseOption",
    ),
    Row(
        ("aws-native:deadline:Fleet",),
        "Deadline Cloud fleet",
        (
            ""
            "configuration.serviceManagedEc2.instanceCapabilities.acceleratorCapabilities.selections[0].name",
        ),
        ("minWorkerCount",),
        0,
        Cause.POOL_MINIMUM,
        "this many workers run without any job",
        "Set minWorkerCount to 0",
        (
            "Deadline Cloud user guide, “Service-managed fleets”: the minimum of workers runs "
            "when there is no work"
        ),
        translate=_deadline,
        price_as="deadline",
    ),
    Row(
        ("aws:cloud9/environmentEC2:EnvironmentEC2", "aws-native:cloud9:EnvironmentEC2"),
        "Cloud9 environment",
        ("instanceType",),
        (),
        1,
        Cause.INTERACTIVE,
        "the environment's instance never stops by itself",
        "Set automaticStopTimeMinutes",
        "Cloud9 user guide, “Creating an EC2 environment”",
        (
            Release(
                "automaticStopTimeMinutes",
                (_PRESENT,),
                "the instance stops when nobody is connected",
            ),
        ),
    ),
    Row(
        ("aws:codebuild/fleet:Fleet", "aws-native:codebuild:Fleet"),
        "CodeBuild fleet",
        ("environmentType",),
        ("baseCapacity",),
        1,
        Cause.RESERVATION,
        "reserved machines bill with builds or without",
        "Use on-demand compute for GPU builds",
        "CodeBuild user guide, “Reserved capacity fleets”",
        translate=_codebuild,
        price_as="codebuild",
    ),
    Row(
        ("aws:lightsail/instance:Instance", "aws-native:lightsail:Instance"),
        "Lightsail instance",
        ("bundleId",),
        (),
        1,
        Cause.INSTANCE,
        "a Lightsail instance bills until it is deleted",
        "Delete the instance when it is not used",
        "Lightsail for Research user guide, “Virtual computers”",
        translate=_lightsail,
        price_as="lightsail",
    ),
    Row(
        ("aws-native:sagemaker:InferenceExperiment",),
        "SageMaker inference experiment",
        ("infrastructureConfig.realTimeInferenceConfig.instanceType",),
        ("infrastructureConfig.realTimeInferenceConfig.instanceCount",),
        1,
        Cause.ENDPOINT,
        "a variant's instances run for the whole experiment",
        "Stop the experiment (desiredState Completed)",
        "SageMaker developer guide, “Shadow tests”",
        (Release("desiredState", ("Completed", "Cancelled"), "the experiment is over"),),
        each="modelVariants",
        price_as="sagemaker",
    ),
)

NOTHING_BY_ITSELF: Final[Mapping[str, str]] = {
    "aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration": "its "
    "instance runs while an image is built",
    "aws-native:imagebuilder:InfrastructureConfiguration": "its instance runs while an "
    "image is built",
    "aws:batch/jobDefinition:JobDefinition": "jobs end; their instances belong to a "
    "compute environment",
    "aws-native:batch:JobDefinition": "jobs end; their instances belong to a compute environment",
    "aws:batch/jobQueue:JobQueue": "a queue has no instances",
    "aws:codebuild/project:Project": "a build ends",
    "aws:sagemaker/hyperParameterTuningJob:HyperParameterTuningJob": "its training jobs end",
    "aws:sagemaker/model:Model": "a model runs on an endpoint",
    "aws-native:sagemaker:Model": "a model runs on an endpoint",
    "aws:eks/fargateProfile:FargateProfile": "Fargate has no GPUs",
    "aws-native:eks:FargateProfile": "Fargate has no GPUs",
    "aws:lambda/function:Function": "Lambda has no GPUs",
    "aws-native:lambda:Function": "Lambda has no GPUs",
    "aws:sfn/stateMachine:StateMachine": "what it starts ends with its run",
    "aws-native:stepfunctions:StateMachine": "what it starts ends with its run",
    "aws:glue/job:Job": "Glue has no GPUs",
    "aws:apprunner/service:Service": "App Runner has no GPUs",
    "aws:organizations/policy:Policy": "a policy forbids or allows",
    "aws-native:organizations:Policy": "a policy forbids or allows",
    "aws:emr/managedScalingPolicy:ManagedScalingPolicy": "the groups that it scales count",
}
"""Types that name GPU machines and keep none running, each with the reason."""

READS: Final = frozenset(token for row in ROWS for token in row.tokens) | NOTHING_BY_ITSELF.keys()


def read(estate: Estate) -> Iterator[Part]:
    """Every resource of the table."""
    for row in ROWS:
        for source in declared(estate, *row.tokens):
            if not row.each:
                yield from _read(estate, row, source, "", source.name)
                continue
            for index, _ in enumerate(known_items(source.inputs.get(row.each))):
                yield from _read(
                    estate, row, source, f"{row.each}[{index}].", f"{source.name}[{index}]"
                )


def _read(estate: Estate, row: Row, source: Declared, prefix: str, name: str) -> Iterator[Part]:
    found = _machines(estate, row, source, prefix)
    if found.plain or (not found.shapes and not found.undecided):
        return
    paths = [prefix + path for path in row.count]
    initial = (
        size(source, paths, row.default, f"omitted: {row.default}")
        if paths
        else Size(source, prefix + row.kind[0], row.default)
    )
    dimension, id_prefix = row.scaled or ("", "")
    ids = [f"{id_prefix}{known}" for known in scaling.identifiers(source, "name")]
    target = scaling.target_of(estate, source.resource, dimension, ids) if dimension else None
    kept = scaling.kept(initial, target, row.cause)
    holds = tuple(
        Hold(
            level.cause,
            level.urn,
            level.units,
            (*found.evidence, *_said(level.evidence, row, target)),
            row.fix if target is None else level.fix,
            level.hours,
        )
        for level in kept.levels
    )
    undecided = kept.undecided
    release = _released(source, row)
    if isinstance(release, Undecided):
        holds, undecided = (), (*undecided, release)
    elif release is not None:
        holds, undecided = (), ()
    if holds or undecided:
        undecided = (*undecided, *found.undecided)
    known = initial.known if not isinstance(initial, Undecided) else None
    part = row.part or prefix.rstrip(".")
    yield Pool(
        part_of(source.urn, part) if part else source.urn,
        name,
        row.platform,
        CLOUD,
        found.shapes,
        holds,
        desired=known if found.shapes else None,
        ceiling=kept.ceiling,
        market="spot" if row.market and market(source, row.market) == "spot" else "on-demand",
        region=estate.region(source.resource, CLOUD),
        undecided=undecided,
        notices=kept.notices,
        assumptions=(*found.assumptions, *kept.assumptions),
        price_as=row.price_as,
        overlap=(known or 0) if source.resource.replaced_before_delete else 0,
        evidence=(*found.evidence, *([release] if isinstance(release, Evidence) else [])),
    )


def _said(
    evidence: tuple[Evidence, ...], row: Row, target: scaling.Target | None
) -> tuple[Evidence, ...]:
    if target is not None:
        return evidence
    return tuple(Evidence(item.urn, item.path, item.value, row.because) for item in evidence)


def _released(source: Declared, row: Row) -> Evidence | Undecided | None:
    for release in row.releases:
        value = get(source.inputs, release.path)
        if value is not None and not isinstance(value, bool | int | float | str | dict | list):
            if None not in release.values:
                continue  # hidden: it may not be set
            return source.open(
                release.path, f"{release.path} is hidden: it decides whether idle instances run"
            )
        if value in [wanted for wanted in release.values if wanted is not _PRESENT] or (
            _PRESENT in release.values and bool(value)
        ):
            return source.evidence(release.path, release.because)
    return None


def _machines(estate: Estate, row: Row, source: Declared, prefix: str) -> Machines:
    for path in row.kind:
        if "[]." in path:
            listed, _, inner = path.partition("[].")
            overrides = get(source.inputs, prefix + listed)
            if inner == "instanceType" and overrides is not None:
                return overridden(estate, source, prefix + listed, overrides, Machines())
            continue
        value = get(source.inputs, prefix + path)
        if value is None:
            continue
        if row.translate is None or not isinstance(value, str):
            return machines(estate, source, prefix + path, value)
        shape = row.translate(value)
        if shape is None:
            return machines(estate, source, prefix + path, value)
        return Machines((shape,), evidence=(source.evidence(prefix + path, _says(shape)),))
    return Machines()


def _says(shape: Shape) -> str:
    if shape.gpus is None:
        return f"{shape.instance_type} has accelerators, how many no table says"
    return f"{shape.instance_type} has {shape.gpus.normalize():f} {shape.accelerator or 'GPUs'}"
