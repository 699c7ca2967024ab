"""GPU machines of an AWS account, read through boto3. Every call only describes; docs/live.md has
the policy that allows just these calls."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.extras import lacking
from zerofloor.hardware.instances import lookup
from zerofloor.live.values import Fault, Kind, Size, Unit, Use
from zerofloor.structs import Value

Client = Callable[[str, str], Any]
"""The client of a service in a region."""

_RUNS: Final = ("pending", "running")
_GROUP_TAG: Final = "aws:autoscaling:groupName"
_CLUSTER_TAGS: Final = ("karpenter.sh/nodepool", "eks:eks-cluster-name")
_GPU_METRICS: Final = (
    ("CWAgent", "nvidia_smi_utilization_gpu"),
    ("ContainerInsights", "node_gpu_utilization"),
)
"""CloudWatch agent (docs “Collect NVIDIA GPU metrics”) and Container Insights for EKS (docs
“Amazon EKS and Kubernetes Container Insights with enhanced observability metrics”)."""


SILENT: Final = datetime.timedelta(hours=3)
"""After so long without a point a GPU metric tells nothing any more: points are hourly, and the
last hour may not be complete."""


def open_clients() -> Client:
    """Clients with the user's own credentials and standard retries. Raises InputError where boto3
    is not installed."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise lacking("live", "boto3", "aws") from None
    config = Config(retries={"mode": "standard", "max_attempts": 8}, read_timeout=30)
    return lambda service, region: boto3.client(service, region_name=region, config=config)


class Read(Value, frozen=True):
    """The units of a region, and what could not be read."""

    units: tuple[Unit, ...]
    faults: tuple[Fault, ...]


class _Reader:
    """Reads one region; what one service refuses is a fault, and the others are read."""

    def __init__(self, client: Client, region: str) -> None:
        self.region = region
        self.faults: list[Fault] = []
        self._client = client

    def pages(self, service: str, operation: str, member: str, **given: Any) -> list[Any]:
        """Everything that a call lists; what was read of it before a fault."""
        found: list[Any] = []
        try:
            paginator = self._client(service, self.region).get_paginator(operation)
            for page in paginator.paginate(**given):
                found += page.get(member, [])
        except Exception as error:
            self._fail(service, operation, error)
        return found

    def call(self, service: str, operation: str, **given: Any) -> Mapping[str, Any]:
        try:
            client = self._client(service, self.region)
            answer: Mapping[str, Any] = getattr(client, operation)(**given)
        except Exception as error:
            self._fail(service, operation, error)
            return {}
        return answer

    def _fail(self, service: str, operation: str, error: Exception) -> None:
        what = f"{service}:{_action(operation)} in {self.region}"
        self.faults.append(Fault(what, reason_of(error)))


def reason_of(error: Exception) -> str:
    """Why AWS refused, without request IDs; Raises the error again where it isn't one of AWS'."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        return f"{told.get('Code', 'error')}: {told.get('Message', '')}".strip()
    if isinstance(error, BotoCoreError):
        return str(error)
    raise error


def _action(operation: str) -> str:
    return "".join(part.title() for part in operation.split("_"))


def read_region(client: Client, region: str) -> Read:
    """The GPU machines of a region: node groups, Auto Scaling groups, instances of neither, and
    SageMaker endpoints. An instance stands in one of them."""
    reader = _Reader(client, region)
    instances = {one["InstanceId"]: one for one in _gpu_instances(reader)}
    node_groups = list(_node_groups(reader, instances))
    owned = {name for _, names in node_groups for name in names}
    groups = [unit for unit in _groups(reader, instances) if unit.id not in owned]
    in_groups = {one for unit in (*groups, *(u for u, _ in node_groups)) for one in unit.instances}
    alone = [_instance(one, region) for key, one in instances.items() if key not in in_groups]
    endpoints = list(_endpoints(reader))
    units = (*(unit for unit, _ in node_groups), *groups, *alone, *endpoints)
    return Read(tuple(sorted(units, key=lambda one: (one.kind, one.id))), tuple(reader.faults))


def _gpu_instances(reader: _Reader) -> Iterator[Mapping[str, Any]]:
    wanted = [{"Name": "instance-state-name", "Values": list(_RUNS)}]
    for page in reader.pages("ec2", "describe_instances", "Reservations", Filters=wanted):
        for instance in page.get("Instances", ()):
            if _gpus(str(instance.get("InstanceType", ""))):
                yield instance


def _gpus(instance_type: str) -> Decimal:
    shape = lookup("aws", instance_type)
    return Decimal(0) if shape is None or shape.gpus is None else shape.gpus


def _tags(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in listed}


def _instance(instance: Mapping[str, Any], region: str) -> Unit:
    tags = _tags(instance.get("Tags", ()))
    kind = str(instance["InstanceType"])
    return Unit(
        kind=Kind.INSTANCE,
        id=str(instance["InstanceId"]),
        region=region,
        instance_type=kind,
        machines=1,
        gpus=_gpus(kind),
        instances=(str(instance["InstanceId"]),),
        since=instance.get("LaunchTime"),
        tags=tags,
        spot=instance.get("InstanceLifecycle") == "spot",
        cluster=next((tags[tag] for tag in _CLUSTER_TAGS if tag in tags), ""),
    )


def _groups(reader: _Reader, instances: Mapping[str, Mapping[str, Any]]) -> Iterator[Unit]:
    for group in reader.pages("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"):
        mine = _of_group(str(group["AutoScalingGroupName"]), instances)
        if mine:
            size = Size(group["MinSize"], group["DesiredCapacity"], group["MaxSize"])
            name = str(group["AutoScalingGroupName"])
            yield _group(Kind.GROUP, name, reader.region, size, mine, _tags(group.get("Tags", ())))


def _of_group(name: str, instances: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in instances.values() if _tags(one.get("Tags", ())).get(_GROUP_TAG) == name]


def _group(
    kind: Kind,
    name: str,
    region: str,
    size: Size,
    mine: list[Mapping[str, Any]],
    tags: Mapping[str, str],
) -> Unit:
    types = sorted({str(one["InstanceType"]) for one in mine})
    started = [one["LaunchTime"] for one in mine if "LaunchTime" in one]
    return Unit(
        kind=kind,
        id=name,
        region=region,
        instance_type=", ".join(types),
        machines=len(mine),
        gpus=sum((_gpus(str(one["InstanceType"])) for one in mine), Decimal(0)),
        size=size,
        instances=tuple(sorted(str(one["InstanceId"]) for one in mine)),
        since=min(started, default=None),
        tags=tags,
        spot=all(one.get("InstanceLifecycle") == "spot" for one in mine),
    )


def _node_groups(
    reader: _Reader, instances: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Unit, tuple[str, ...]]]:
    """EKS' managed node groups with GPU machines, and the Auto Scaling groups behind each."""
    for cluster in reader.pages("eks", "list_clusters", "clusters"):
        for name in reader.pages("eks", "list_nodegroups", "nodegroups", clusterName=cluster):
            answer = reader.call(
                "eks", "describe_nodegroup", clusterName=cluster, nodegroupName=name
            )
            group = answer.get("nodegroup", {})
            behind = group.get("resources", {}).get("autoScalingGroups", ())
            names = tuple(str(one.get("name")) for one in behind)
            mine = [one for behind_name in names for one in _of_group(behind_name, instances)]
            if mine:
                given = group.get("scalingConfig", {})
                size = Size(given["minSize"], given["desiredSize"], given["maxSize"])
                called, tags = f"{cluster}/{name}", group.get("tags", {})
                unit = _group(Kind.NODE_GROUP, called, reader.region, size, mine, tags)
                yield unit, names


def _endpoints(reader: _Reader) -> Iterator[Unit]:
    for listed in reader.pages("sagemaker", "list_endpoints", "Endpoints"):
        name = str(listed["EndpointName"])
        endpoint = reader.call("sagemaker", "describe_endpoint", EndpointName=name)
        config = reader.call(
            "sagemaker",
            "describe_endpoint_config",
            EndpointConfigName=endpoint.get("EndpointConfigName", ""),
        )
        types = {
            str(one["VariantName"]): str(one.get("InstanceType", "")).removeprefix("ml.")
            for one in config.get("ProductionVariants", ())
        }
        counts = {
            str(one["VariantName"]): int(one.get("CurrentInstanceCount") or 0)
            for one in endpoint.get("ProductionVariants", ())
        }
        gpus = sum((_gpus(types.get(name, "")) * n for name, n in counts.items()), Decimal(0))
        if gpus:
            with_gpus = {types[name] for name in counts if _gpus(types.get(name, ""))}
            yield Unit(
                kind=Kind.ENDPOINT,
                id=name,
                region=reader.region,
                instance_type=", ".join(f"ml.{one}" for one in sorted(with_gpus)),
                machines=sum(counts.values()),
                gpus=gpus,
                since=endpoint.get("CreationTime"),
            )


def read_use(
    client: Client, unit: Unit, now: datetime.datetime, hours: int
) -> tuple[Use, str, tuple[Fault, ...]]:
    """Whether a unit was used in the last hours, and what tells it.

    Only a metric of the GPU or of requests counts: a CPU that rests says nothing about a GPU.
    """
    reader = _Reader(client, unit.region)
    if unit.kind is Kind.ENDPOINT:
        dimension = [{"Name": "EndpointName", "Value": unit.id}]
        name, listed = "Invocations", _series(reader, "AWS/SageMaker", "Invocations", dimension)
    else:
        name, listed = _gpu_series(reader, unit)
    peak = _peak(reader, listed, now, hours)
    if reader.faults or peak is None:
        return Use.UNKNOWN, "no GPU or request metric tells whether it was used", (*reader.faults,)
    if peak > 0:
        return Use.BUSY, f"{name} was up to {peak:g} in the last {hours} h", ()
    return Use.IDLE, f"{name} was 0 in the last {hours} h", ()


def _gpu_series(reader: _Reader, unit: Unit) -> tuple[str, list[Any]]:
    for namespace, metric in _GPU_METRICS:
        found = []
        for instance in unit.instances:
            dimension = [{"Name": "InstanceId", "Value": instance}]
            mine = _series(reader, namespace, metric, dimension)
            if not mine:
                break
            found += mine
        else:
            if found:
                return metric, found
    return "", []


def _series(reader: _Reader, namespace: str, metric: str, dimensions: list[Any]) -> list[Any]:
    return reader.pages(
        "cloudwatch",
        "list_metrics",
        "Metrics",
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions,
    )


def _peak(reader: _Reader, listed: list[Any], now: datetime.datetime, hours: int) -> float | None:
    """The highest value of any of the series; None where there is no value."""
    peaks = []
    for series in listed:
        statistic = "Sum" if series["MetricName"] == "Invocations" else "Maximum"
        answer = reader.call(
            "cloudwatch",
            "get_metric_statistics",
            Namespace=series["Namespace"],
            MetricName=series["MetricName"],
            Dimensions=series["Dimensions"],
            StartTime=now - datetime.timedelta(hours=hours),
            EndTime=now,
            Period=3600,
            Statistics=[statistic],
        )
        told = answer.get("Datapoints", ())
        points = [float(point[statistic]) for point in told]
        if not points and statistic == "Sum":
            points = [0.0]  # CloudWatch writes no point for an hour without an invocation.
        elif not points or (not any(points) and statistic == "Maximum" and _stopped(told, now)):
            return None
        peaks.append(max(points))
    return max(peaks, default=None)


def _stopped(points: Iterable[Mapping[str, Any]], now: datetime.datetime) -> bool:
    """Whether a metric's agent has stopped, so that it may have been used since."""
    return all(point["Timestamp"] < now - SILENT for point in points)
