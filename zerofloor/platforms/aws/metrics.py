"""What a CloudWatch metric reports when nothing is asked for: a value, a range, or no data."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, known_items, quantity, switch, text


class Idle(Value, frozen=True):
    """The range of a metric's values when idle; no data where `low` is None."""

    low: Decimal | None
    high: Decimal | None = None

    @property
    def is_silent(self) -> bool:
        """Whether the metric has no data points then."""
        return self.low is None


class Unclear(Value, frozen=True):
    """Why it isn't known what the metric reports when idle."""

    why: str
    is_custom: bool = False
    """Whether it is a metric of the user's own: only its publisher knows."""


ZERO: Final = Idle(Decimal(0), Decimal(0))
SILENT: Final = Idle(None)
_SOME: Final = Idle(Decimal(0), Decimal(1))
"""Percent of CPU that an idle system uses on average."""
_TRAFFIC: Final = Idle(Decimal(0), Decimal(1_000_000))
"""Bytes or packets in a period that agents and probes move on an idle instance."""
_CAPACITY: Final = Idle(Decimal(1), Decimal(1))
"""Of a count of instances: some run, else nothing would have to be lowered."""

_NAMED: Final[Mapping[tuple[str, str], Idle]] = {
    ("AWS/EC2", "CPUUtilization"): _SOME,
    ("AWS/ECS", "CPUUtilization"): _SOME,
    ("AWS/EC2", "NetworkIn"): _TRAFFIC,
    ("AWS/EC2", "NetworkOut"): _TRAFFIC,
    ("AWS/EC2", "NetworkPacketsIn"): _TRAFFIC,
    ("AWS/EC2", "NetworkPacketsOut"): _TRAFFIC,
    ("AWS/AutoScaling", "GroupInServiceInstances"): _CAPACITY,
    ("AWS/AutoScaling", "GroupDesiredCapacity"): _CAPACITY,
    ("AWS/AutoScaling", "GroupTotalInstances"): _CAPACITY,
    ("AWS/ApplicationELB", "HealthyHostCount"): _CAPACITY,
    ("AWS/NetworkELB", "HealthyHostCount"): _CAPACITY,
    ("AWS/NetworkELB", "ActiveFlowCount"): ZERO,
    ("AWS/NetworkELB", "NewFlowCount"): ZERO,
    ("AWS/NetworkELB", "ProcessedBytes"): ZERO,
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ZERO,
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"): ZERO,
    ("AWS/SQS", "ApproximateNumberOfMessagesDelayed"): ZERO,
    ("AWS/SQS", "NumberOfMessagesSent"): ZERO,
    ("AWS/SQS", "NumberOfMessagesReceived"): ZERO,
    ("AWS/SQS", "NumberOfMessagesDeleted"): ZERO,
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): SILENT,
    ("AWS/SageMaker", "ApproximateBacklogSize"): ZERO,
    ("AWS/SageMaker", "ApproximateBacklogSizePerInstance"): ZERO,
    ("AWS/SageMaker", "HasBacklogWithoutCapacity"): ZERO,
    ("AWS/SageMaker", "ConcurrentRequestsPerCopy"): ZERO,
    ("AWS/SageMaker", "ConcurrentRequestsPerModel"): ZERO,
    ("AWS/SageMaker", "Invocations"): SILENT,
    ("AWS/SageMaker", "InvocationsPerInstance"): SILENT,
    ("AWS/SageMaker", "InvocationsPerCopy"): SILENT,
    ("AWS/SageMaker", "ModelLatency"): SILENT,
    ("/aws/sagemaker/Endpoints", "GPUUtilization"): ZERO,
    ("/aws/sagemaker/Endpoints", "CPUUtilization"): _SOME,
    ("AWS/AmazonMQ", "MessageCount"): ZERO,
    ("AWS/AmazonMQ", "MessageReadyCount"): ZERO,
    ("AWS/AmazonMQ", "QueueSize"): ZERO,
    ("AWS/AppStream", "CapacityUtilization"): ZERO,
    ("AWS/AppStream", "InUseCapacity"): ZERO,
    ("CWAgent", "nvidia_smi_utilization_gpu"): ZERO,
    ("AWS/Lambda", "Invocations"): SILENT,
    ("AWS/ApiGateway", "Count"): SILENT,
    ("AWS/States", "ExecutionsStarted"): SILENT,
    ("AWS/Bedrock", "Invocations"): SILENT,
}
"""By namespace and name. A queue reports zero for hours after its last message (SQS developer
guide, "Available CloudWatch metrics": while it is active); SageMaker emits no invocations of zero
(its developer guide, "Edit a scaling policy"); NLB flows are "always reported"."""
_SILENT_NAMESPACES: Final = frozenset({"AWS/ApplicationELB", "AWS/ELB", "AWS/NetworkELB"})
"""Load balancers report only while requests flow ("CloudWatch metrics for your Application Load
Balancer")."""
DIMENSIONS: Final = {
    "AWS/SageMaker": "EndpointName",
    "AWS/ECS": "ServiceName",
    "AWS/SQS": "QueueName",
}
"""The dimension without which the service reports nothing (CloudWatch metrics of each service)."""


def idle_of(metric: Any) -> Idle | Unclear:
    """What one metric (`{namespace, metricName, dimensions}`) reports when nothing is asked for."""
    namespace, name = text(at(metric, "namespace")), text(at(metric, "metricName"))
    if isinstance(namespace, Hidden) or isinstance(name, Hidden):
        return Unclear("which metric it watches isn't known at preview")
    found = _NAMED.get((namespace or "", name or ""))
    if lacks_dimension(metric) is not None:
        return SILENT
    if found is not None:
        return found
    if namespace in _SILENT_NAMESPACES:
        return SILENT
    shown = f"{namespace or 'no namespace'}/{name or 'no name'}"
    custom = not (namespace or "").startswith("AWS/")
    why = f"what the metric {shown} reports when idle isn't known"
    return Unclear(why, is_custom=custom and namespace is not None)


def lacks_dimension(metric: Any) -> str | None:
    """The dimension that a service's metric needs and that is not given."""
    namespace = text(at(metric, "namespace"))
    if not isinstance(namespace, str) or namespace not in DIMENSIONS:
        return None
    for prop in ("dimensions", "metricDimensions"):
        given = at(metric, prop)
        if isinstance(given, Hidden) or given:
            return None
    return DIMENSIONS[namespace]


def idle_of_queries(queries: Any) -> Idle | Unclear:
    """What the result of metric math (`metricQueries` of an alarm, `metrics` of a policy) is when
    nothing is asked for."""
    values: dict[str, Idle | Unclear] = {}
    expressions: dict[str, str] = {}
    returned: str | None = None
    explicit = False
    if isinstance(queries, Hidden):
        return Unclear("the metric math isn't known at preview")
    for query in known_items(queries):  # Not hidden here; a hidden element has no name and no use.
        name = text(at(query, "id"))
        if isinstance(query, Hidden) or isinstance(name, Hidden):
            return Unclear("a part of the metric math isn't known at preview")
        metric = at(query, "metric")
        if metric is None:
            metric = at(query, "metricStat", "metric")
        if metric is not None:
            values[name or ""] = idle_of(metric)
        else:
            expression = text(at(query, "expression"))
            if isinstance(expression, Hidden):
                return Unclear("a part of the metric math isn't known at preview")
            expressions[name or ""] = expression or ""
        given = switch(at(query, "returnData"))
        if given is True or (given is None and not explicit):
            returned, explicit = name, given is True
    if returned is None:
        return Unclear("no part of the metric math is returned")
    return _evaluated(returned, values, expressions, 0)


def _evaluated(
    name: str, values: Mapping[str, Idle | Unclear], expressions: Mapping[str, str], depth: int
) -> Idle | Unclear:
    if name in values:
        return values[name]
    if name not in expressions or depth > 10:
        return Unclear(f"the metric math names {name}, which is not a part of it")
    try:
        tree = ast.parse(expressions[name], mode="eval").body
        known = {
            other: _evaluated(other, values, expressions, depth + 1)
            for other in {*values, *expressions} - {name}
        }
        return _math(tree, known)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError):
        return Unclear("the metric math can't be read")


def _math(node: ast.AST, known: Mapping[str, Idle | Unclear]) -> Idle | Unclear:
    """An expression over idle values; only exact values are worked out."""
    match node:
        case ast.Constant(value=int() | float() as value):
            number = quantity(value)
            return Idle(number, number) if isinstance(number, Decimal) else Unclear("odd number")
        case ast.Name(id=name):
            return known.get(
                name, Unclear(f"the metric math names {name}, which is not a part of it")
            )
        case ast.BinOp(left=left, op=operator, right=right):
            return _combined(_math(left, known), operator, _math(right, known))
        case ast.Call(func=ast.Name(id="FILL"), args=[inner, filling]):
            filled = _math(inner, known)
            silent = isinstance(filled, Idle) and filled.is_silent
            return _math(filling, known) if silent else filled
        case ast.Call(func=ast.Name(id="MAX" | "AVG" | "SUM" | "MIN"), args=[ast.Name() as inner]):
            return _math(inner, known)
        case _:
            return Unclear("the metric math uses a function that isn't worked out here")


def _combined(
    left: Idle | Unclear, operator: ast.operator, right: Idle | Unclear
) -> Idle | Unclear:
    for side in (left, right):
        if isinstance(side, Unclear) or side.is_silent:
            return side
    assert isinstance(left, Idle)
    assert isinstance(right, Idle)
    if left.low is None or left.low != left.high or right.low is None or right.low != right.high:
        return Unclear("the metric math works on values that are only roughly known")
    match operator:
        case ast.Add():
            value = left.low + right.low
        case ast.Sub():
            value = left.low - right.low
        case ast.Mult():
            value = left.low * right.low
        case ast.Div():
            value = left.low / right.low
        case _:
            return Unclear("the metric math uses an operator that isn't worked out here")
    return Idle(value, value)
