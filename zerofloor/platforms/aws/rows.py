"""AWS services that are only "this token, these property paths, this default": rows, and what a
scaling target of theirs keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Accounted, Cause, Part
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape, lookup
from zerofloor.patterns import lazy
from zerofloor.platforms.aws import codebuild, deadline, scaling
from zerofloor.platforms.aws.read import CLOUD, declared
from zerofloor.platforms.declared import Declared, Size
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.rows import (
    COUNT,
    PRESENT,
    Kept,
    Release,
    Row,
    as_declared,
    read_row,
    read_rows,
)


def _appstream(name: str) -> Shape | None:
    # stream.graphics.g4dn.xlarge is a g4dn.xlarge; graphics-design and graphics-pro are older,
    # graphics-pro with the GPUs of a g3 of its size (AppStream administration guide, "Instance
    # families").
    match = re.fullmatch(r"stream\.graphics\.(g\w+\.\w+)", name)
    if match:
        return lookup(CLOUD, match[1])
    if name.startswith("stream.graphics"):
        gpus = {"8xlarge": 2, "16xlarge": 4}.get(name.rsplit(".", 1)[-1], 1)
        return Shape(CLOUD, name, Decimal(gpus), "GPU of an AppStream graphics instance")
    return Shape(CLOUD, name, Decimal(0)) if name.startswith("stream.") else None


def _workspace(name: str) -> Shape | None:
    graphics = name.upper().startswith("GRAPHICS")
    return Shape(
        CLOUD,
        name,
        Decimal(1 if graphics else 0),
        "GPU of a graphics WorkSpace" if graphics else "",
    )


def _lightsail(name: str) -> Shape | None:
    gpu = name.startswith("gpu_")
    return Shape(CLOUD, name, Decimal(1 if gpu else 0), "GPU of a Lightsail bundle" if gpu else "")


ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=("aws:appstream/fleet:Fleet", "aws-native:appstream:Fleet"),
        platform="AppStream fleet",
        machine=("instanceType",),
        count=("computeCapacity.desiredInstances", "computeCapacity.desiredSessions"),
        shared=("computeCapacity.desiredSessions", "maxSessionsPerInstance"),
        cause=Cause.INSTANCE,
        because="instances of an always-on fleet run with or without users",
        fix="Set fleetType to ON_DEMAND, or computeCapacity.desiredInstances to 0",
        change=(("fleetType", "ON_DEMAND"),),
        source=(
            "AppStream administration guide, “Fleet types”: on-demand instances run only while "
            "a user streams"
        ),
        releases=(
            Release(
                path="fleetType",
                values=(None, "ON_DEMAND", "ELASTIC"),
                because="its instances run only while users stream",
            ),
        ),
        translate=_appstream,
        price_as="appstream",
    ),
    Row(
        cloud=CLOUD,
        tokens=("aws:appstream/imageBuilder:ImageBuilder", "aws-native:appstream:ImageBuilder"),
        platform="AppStream image builder",
        machine=("instanceType",),
        cause=Cause.INTERACTIVE,
        because="an image builder runs until it is stopped",
        fix="Delete the image builder once its image is made",
        source="AppStream administration guide, “Image builders”",
        translate=_appstream,
        price_as="appstream",
    ),
    Row(
        cloud=CLOUD,
        tokens=("aws:workspaces/workspace:Workspace", "aws-native:workspaces:Workspace"),
        platform="WorkSpace",
        machine=("workspaceProperties.computeTypeName",),
        cause=Cause.INTERACTIVE,
        because="an always-on WorkSpace runs with or without its user",
        fix="Set workspaceProperties.runningMode to AUTO_STOP",
        change=(("workspaceProperties.runningMode", "AUTO_STOP"),),
        source="WorkSpaces administration guide, “Manage the running mode”",
        releases=(
            Release(
                path="workspaceProperties.runningMode",
                values=("AUTO_STOP", "MANUAL"),
                because="it stops when its user is gone",
            ),
        ),
        translate=_workspace,
        price_as="workspaces",
    ),
    Row(
        cloud=CLOUD,
        tokens=("aws:gamelift/fleet:Fleet", "aws-native:gamelift:Fleet"),
        platform="GameLift fleet",
        machine=("ec2InstanceType",),
        count=("desiredEc2Instances",),
        cause=Cause.INSTANCE,
        because="instances of a fleet run with or without game sessions",
        fix="Set the desired capacity to 0",
        source="GameLift developer guide, “Scale fleet capacity”: a new fleet starts with one",
        spot=(("fleetType", "SPOT"),),
        price_as="gamelift",
    ),
    Row(
        cloud=CLOUD,
        tokens=(
            "aws:gamelift/gameServerGroup:GameServerGroup",
            "aws-native:gamelift:GameServerGroup",
        ),
        platform="GameLift game server group",
        machine=("instanceDefinitions[].instanceType",),
        count=("minSize",),
        ceiling=("maxSize",),
        cause=Cause.POOL_MINIMUM,
        because="the group never goes below it",
        fix="Set minSize to 0",
        change=((COUNT, 0),),
        source="GameLift FleetIQ guide, “Game server groups”",
    ),
    Row(
        cloud=CLOUD,
        tokens=("aws-native:pcs:ComputeNodeGroup",),
        platform="PCS compute node group",
        machine=("instanceConfigs[].instanceType",),
        count=("scalingConfiguration.minInstanceCount",),
        default=0,
        ceiling=("scalingConfiguration.maxInstanceCount",),
        cause=Cause.POOL_MINIMUM,
        because="Slurm keeps this many nodes running",
        fix="Set scalingConfiguration.minInstanceCount to 0",
        change=((COUNT, 0),),
        source="PCS user guide, “Compute node groups”",
        spot=(("purchaseOption", "SPOT"),),
    ),
    Row(
        cloud=CLOUD,
        tokens=("aws:cloud9/environmentEC2:EnvironmentEC2", "aws-native:cloud9:EnvironmentEC2"),
        platform="Cloud9 environment",
        machine=("instanceType",),
        cause=Cause.INTERACTIVE,
        because="the environment's instance never stops by itself",
        fix="Set automaticStopTimeMinutes to 30",
        change=(("automaticStopTimeMinutes", 30),),
        source="Cloud9 user guide, “Creating an EC2 environment”",
        releases=(
            Release(
                path="automaticStopTimeMinutes",
                values=(PRESENT,),
                because="the instance stops when no user is connected",
            ),
        ),
    ),
    Row(
        cloud=CLOUD,
        tokens=("aws:lightsail/instance:Instance", "aws-native:lightsail:Instance"),
        platform="Lightsail instance",
        machine=("bundleId",),
        cause=Cause.INSTANCE,
        because="a Lightsail instance bills until it is deleted",
        fix="Delete the instance when it is not used",
        source="Lightsail for Research user guide, “Virtual computers”",
        translate=_lightsail,
        price_as="lightsail",
    ),
    Row(
        cloud=CLOUD,
        tokens=("aws-native:sagemaker:InferenceExperiment",),
        platform="SageMaker inference experiment",
        machine=("infrastructureConfig.realTimeInferenceConfig.instanceType",),
        count=("infrastructureConfig.realTimeInferenceConfig.instanceCount",),
        cause=Cause.ENDPOINT,
        because="a variant's instances run for the whole experiment",
        fix="Stop the experiment (desiredState Completed)",
        source="SageMaker developer guide, “Shadow tests”",
        releases=(
            Release(
                path="desiredState",
                values=("Completed", "Cancelled"),
                because="the experiment is over",
            ),
        ),
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

_BY_RESOURCE: Final = (codebuild.ROW, deadline.ROW)
"""Rows whose machine several properties tell together."""

_STARTS: Final = lazy(
    r":ec2:(?:runInstances|startInstances|createFleet)|create(?:Endpoint|Nodegroup)\b"
)
"""Calls in a state machine whose machines stay when it has ended."""
READS: Final = (
    frozenset(t for row in (*ROWS, *_BY_RESOURCE) for t in row.tokens) | NOTHING_BY_ITSELF.keys()
)


def read(estate: Estate) -> Iterator[Part]:
    """Every resource of the table."""
    yield from read_rows(estate, ROWS, declared, _keep)
    for source in declared(estate, *codebuild.ROW.tokens):
        yield from read_row(estate, codebuild.row_of(source), source)
    for source in declared(estate, *deadline.ROW.tokens):
        yield from read_row(estate, deadline.row_of(source), source)
    for kind, because in NOTHING_BY_ITSELF.items():
        for resource in estate.of_type(kind):
            if not _STARTS.search(str(resource.inputs.get("definition", ""))):
                yield Accounted(urn=resource.urn, path="", because=because)


_SCALED: Final[Mapping[str, tuple[str, str]]] = {
    "AppStream fleet": ("appstream:fleet:DesiredCapacity", "fleet/"),
}
"""By platform the dimension and the prefix of the resource ID under which Application Auto Scaling
knows it (its user guide, "Services that you can use")."""


def _keep(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """What stays of a number under its scaling target, where there is one."""
    dimension, prefix = _SCALED.get(row.platform, ("", ""))
    ids = [f"{prefix}{known}" for known in scaling.identifiers(source, "name")]
    target = scaling.target_of(estate, source.resource, dimension, ids) if dimension else None
    if target is None:
        return as_declared(estate, source, row, number, found)
    kept = scaling.kept(number, target, row.cause)
    holds = tuple(scaling.hold_of(level, found) for level in kept.levels)
    return Kept(
        holds=holds,
        undecided=kept.undecided,
        assumptions=kept.assumptions,
        notices=kept.notices,
        ceiling=kept.ceiling,
    )
