"""GPU instances without Kubernetes: an Auto Scaling group that a queue or a load balancer wakes
from zero, and that measured idleness empties."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, Required, TypedDict

import pulumi

from zerofloor.components.arguments import camel, read
from zerofloor.components.declare import CloudResource, given
from zerofloor.components.ec2_group_spec import DRIVERS, Ec2GroupSpec
from zerofloor.components.launch import as_version, disk, tagging

_MOST_STEPS: Final = 20
"""Step adjustments that a policy may have (EC2 Auto Scaling quotas)."""


class Ec2GpuGroupArgs(TypedDict, total=False):
    """What an Ec2GpuGroup is made from. Bounds, types and names are checked, so they must be plain
    values; the rest may be Outputs."""

    name: str
    """Name of the Auto Scaling group. Default: the component's own name. Changing it replaces the
    group."""
    subnet_ids: Required[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Subnets of the instances."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Security groups of the instances. Without them, the VPC's default one."""
    instance_profile: pulumi.Input[str]
    """IAM instance profile, by name: what the instances may do, such as read the queue."""
    region: str
    """AWS region, checked against the regions in which instanceTypes have a price; needs the aws
    provider 7. Without it, the provider's region, unchecked. Changing it replaces the group."""
    any_region: bool
    """Accept a region in which the types have no known price. Default false."""

    instance_types: Required[Sequence[str]]
    """EC2 instance types, such as g6e.xlarge, of one maker and one processor: on-demand takes the
    first that is available, spot the one least likely to be interrupted."""
    capacity_type: str
    """Market: on-demand or spot. Default on-demand."""
    image_id: pulumi.Input[str]
    """AMI with the GPUs' drivers, or resolve:ssm:PARAMETER. Without it, the newest Deep Learning
    Base AMI (Ubuntu 24.04, NVIDIA drivers, Docker) at each launch."""
    root_device: str
    """Name of the image's root disk: /dev/xvda in Amazon Linux. Default /dev/sda1."""
    disk_gib: float
    """Size of the encrypted gp3 root disk in GiB. Default 200."""
    disk_throughput: float
    """Throughput of that disk in MiB/s, from 125 to 750; above 125 it has a price of its own while
    an instance exists. Default 250."""
    user_data: pulumi.Input[str]
    """What an instance runs when it starts, as plain text: a script or cloud-init. Running
    instances keep the one that they started with."""

    min_instances: float
    """Instances kept while idle: each holds its GPUs. Default 0."""
    max_instances: Required[float]
    """The most instances at any load: the ceiling of what the group can cost."""
    startup_seconds: float
    """Time from launch until an instance works, model included: meanwhile the same backlog starts
    no second one and nothing is scaled in. Default 600."""
    idle_seconds: float
    """Time without work after which all instances are terminated, in whole minutes. It must be
    longer than the longest request. Default 900."""
    idle_cap_seconds: float
    """The longest idleSeconds that is accepted. Default 3600."""

    wake_signal: Required[str]
    """What exists at zero and wakes the first instance: sqs (a message in queueName; after 6 quiet
    hours CloudWatch may see it up to 15 minutes late) or load_balancer (a request that an ALB
    answers with 503 because no target runs; the caller must retry)."""
    queue_name: pulumi.Input[str]
    """wakeSignal sqs: name of the queue. Idle means no message waiting and none in flight, so a
    worker must delete a message after its work, not before."""
    load_balancer_arn: pulumi.Input[str]
    """wakeSignal load_balancer: ARN of the Application Load Balancer. A 503 of another of its
    targets wakes the group, too."""
    target_group_arn: pulumi.Input[str]
    """wakeSignal load_balancer: ARN of the target group that the instances join."""
    target_per_instance: float
    """Messages waiting, or requests a minute, that one instance should have; more of them start
    more instances. Default 10."""

    warm_pool: str
    """none, stopped (prepared instances that bill for their disks only and start faster) or running
    (they bill in full, so they hold their GPUs while idle). Default none."""
    warm_pool_size: float
    """Instances in the warm pool. Default 1."""
    tags: Mapping[str, pulumi.Input[str]]
    """AWS tags for the group, its instances and their disks."""


class Ec2GpuGroup(pulumi.ComponentResource):
    """GPU instances on EC2 that need no Kubernetes: a launch template, an Auto Scaling group with
    bounds from 0, and CloudWatch alarms with the policies that they call.

    A queue or a load balancer wakes the first instance, a backlog above targetPerInstance adds
    more, and once nothing has been asked for during idleSeconds all of them are terminated. Between
    these two the group doesn't shrink, since Auto Scaling can't tell a busy instance from an idle
    one.
    """

    name: pulumi.Output[str]
    """Name of the Auto Scaling group."""

    def __init__(
        self, name: str, args: Ec2GpuGroupArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(Ec2GroupSpec, "Ec2GpuGroup", name, args)
        super().__init__(
            "zerofloor:index:Ec2GpuGroup",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        template = CloudResource(
            "aws:ec2/launchTemplate:LaunchTemplate",
            f"{name}-template",
            _template(spec),
            pulumi.ResourceOptions(parent=self),
            outputs=("latestVersion",),
        )
        group = CloudResource(
            "aws:autoscaling/group:Group",
            name,
            _group(spec, template),
            pulumi.ResourceOptions(
                parent=self,
                # The policies own the size: an `up` that wrote it again would undo their work.
                ignore_changes=["desiredCapacity"],
                delete_before_replace=True,
            ),
        )
        self.name = group.urn.apply(lambda _: spec.name)
        policies = _Policies(self, name, spec)
        if spec.wake_signal == "sqs":
            policies.by_queue()
        else:
            policies.by_load_balancer()
        self.register_outputs({"name": self.name})


def _template(spec: Ec2GroupSpec) -> dict[str, Any]:
    profile = spec.instance_profile
    return {
        "region": spec.region,
        "imageId": spec.image_id or DRIVERS,
        "instanceType": spec.instance_types[0],
        "iamInstanceProfile": None if profile is None else {"name": profile},
        "vpcSecurityGroupIds": spec.security_group_ids,
        "blockDeviceMappings": [disk(spec.root_device, spec.disk_gib, spec.disk_throughput)],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
        "userData": _encoded(spec.user_data),
        **tagging(spec.tags),
    }


def _encoded(text: Any) -> Any:
    if isinstance(text, pulumi.Output):
        return text.apply(_encoded)
    return None if text is None else base64.b64encode(text.encode()).decode()


def _group(spec: Ec2GroupSpec, template: CloudResource) -> dict[str, Any]:
    version = template.output("latestVersion").apply(as_version)
    on_balancer = spec.wake_signal == "load_balancer"
    group = {
        "region": spec.region,
        "name": spec.name,
        "minSize": spec.min_instances,
        "maxSize": spec.max_instances,
        "vpcZoneIdentifiers": spec.subnet_ids,
        "targetGroupArns": [spec.target_group_arn] if on_balancer else None,
        "healthCheckType": "ELB" if on_balancer else "EC2",
        "healthCheckGracePeriod": spec.startup_seconds,
        "defaultInstanceWarmup": spec.startup_seconds,
        # A deployment waits for no instance: at zero none comes.
        "waitForCapacityTimeout": "0",
        "enabledMetrics": ["GroupInServiceInstances", "GroupDesiredCapacity"],
        "metricsGranularity": "1Minute",
        "warmPool": _warm_pool(spec),
        "tags": [
            {"key": key, "value": value, "propagateAtLaunch": False}
            for key, value in {"Name": spec.name, **spec.tags}.items()
        ],
    }
    if len(spec.instance_types) == 1 and spec.capacity_type == "on-demand":
        return given({**group, "launchTemplate": {"id": template.id, "version": version}})
    spot = {
        "onDemandBaseCapacity": 0,
        "onDemandPercentageAboveBaseCapacity": 0,
        "spotAllocationStrategy": "price-capacity-optimized",
    }
    policy = {
        "launchTemplate": {
            "launchTemplateSpecification": {"launchTemplateId": template.id, "version": version},
            "overrides": [{"instanceType": one} for one in spec.instance_types],
        },
        "instancesDistribution": spot
        if spec.capacity_type == "spot"
        else {"onDemandPercentageAboveBaseCapacity": 100},
    }
    return given({**group, "mixedInstancesPolicy": policy})


def _warm_pool(spec: Ec2GroupSpec) -> dict[str, Any] | None:
    if spec.warm_pool == "none":
        return None
    return {
        "poolState": "Stopped" if spec.warm_pool == "stopped" else "Running",
        "minSize": spec.warm_pool_size,
        # Unset, the pool would fill up to the group's maximum.
        "maxGroupPreparedCapacity": spec.warm_pool_size,
        # Without reuse each scale-in would be followed by a launch to refill the pool.
        "instanceReusePolicy": {"reuseOnScaleIn": True},
    }


class _Policies:
    """The alarms on a group's signal, each with the policy that it calls."""

    def __init__(self, parent: Ec2GpuGroup, name: str, spec: Ec2GroupSpec):
        self._parent, self._name, self._spec = parent, name, spec

    def by_queue(self) -> None:
        """Out by messages waiting beyond what the running instances should have; in once none
        waits and none is in flight."""
        spec = self._spec
        queue = {"QueueName": spec.queue_name}
        waiting = _metric("waiting", "AWS/SQS", "ApproximateNumberOfMessagesVisible", queue)
        flying = _metric("flying", "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", queue)
        running = _metric(
            "running",
            "AWS/AutoScaling",
            "GroupInServiceInstances",
            {"AutoScalingGroupName": self._parent.name},
        )
        beyond = f"waiting - {spec.target_per_instance} * FILL(running, 0)"
        self._out("backlog", [waiting, running, _expression(beyond)], _steps(spec))
        self._in([waiting, flying, _expression("FILL(waiting, 0) + FILL(flying, 0)")])

    def by_load_balancer(self) -> None:
        """The first instance by a request that found no target, more by requests a target; in once
        none has come."""
        spec = self._spec
        balancer = _suffix(spec.load_balancer_arn, ":loadbalancer/", "")
        targets = _suffix(spec.target_group_arn, ":targetgroup/", "targetgroup/")
        space = "AWS/ApplicationELB"
        of_both = {"LoadBalancer": balancer, "TargetGroup": targets}
        requests = _metric("requests", space, "RequestCount", of_both, "Sum")
        refused = _metric(
            "refused", space, "HTTPCode_ELB_503_Count", {"LoadBalancer": balancer}, "Sum"
        )
        self._out(
            "refused",
            [{**refused, "returnData": True}],
            [{"scalingAdjustment": 1, "metricIntervalLowerBound": "0"}],
        )
        self._policy(
            "load",
            {
                "policyType": "TargetTrackingScaling",
                "estimatedInstanceWarmup": spec.startup_seconds,
                "targetTrackingConfiguration": {
                    "targetValue": spec.target_per_instance,
                    # It doesn't scale in on missing data, which is what no traffic is.
                    "disableScaleIn": True,
                    "predefinedMetricSpecification": {
                        "predefinedMetricType": "ALBRequestCountPerTarget",
                        "resourceLabel": pulumi.Output.concat(balancer, "/", targets),
                    },
                },
            },
        )
        self._in([requests, refused, _expression("FILL(requests, 0) + FILL(refused, 0)")])

    def _out(self, what: str, queries: list[Any], steps: list[dict[str, Any]]) -> None:
        policy = self._policy(
            "out",
            {
                "policyType": "StepScaling",
                "adjustmentType": "ChangeInCapacity",
                "stepAdjustments": steps,
                "estimatedInstanceWarmup": self._spec.startup_seconds,
            },
        )
        self._alarm(
            what,
            policy,
            {
                "comparisonOperator": "GreaterThanThreshold",
                "threshold": 0,
                "evaluationPeriods": 1,
                "treatMissingData": "notBreaching",
                "metricQueries": queries,
            },
        )

    def _in(self, queries: list[Any]) -> None:
        policy = self._policy(
            "in",
            {
                "policyType": "StepScaling",
                "adjustmentType": "ExactCapacity",
                "stepAdjustments": [{"scalingAdjustment": 0, "metricIntervalUpperBound": "0"}],
            },
        )
        self._alarm(
            "idle",
            policy,
            {
                "comparisonOperator": "LessThanThreshold",
                "threshold": 1,
                "evaluationPeriods": self._spec.idle_seconds // 60,
                # A signal that has fallen silent is as idle as one that says zero.
                "treatMissingData": "breaching",
                "metricQueries": queries,
            },
        )

    def _policy(self, what: str, inputs: Mapping[str, Any]) -> CloudResource:
        return CloudResource(
            "aws:autoscaling/policy:Policy",
            f"{self._name}-{what}",
            {
                "region": self._spec.region,
                "name": f"{self._spec.name}-{what}",
                "autoscalingGroupName": self._parent.name,
                **inputs,
            },
            pulumi.ResourceOptions(parent=self._parent),
            outputs=("arn",),
        )

    def _alarm(self, what: str, policy: CloudResource, inputs: Mapping[str, Any]) -> None:
        CloudResource(
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            f"{self._name}-{what}",
            {
                "region": self._spec.region,
                "name": f"{self._spec.name}-{what}",
                "alarmActions": [policy.output("arn")],
                **inputs,
            },
            pulumi.ResourceOptions(parent=self._parent),
        )


def _metric(
    query: str, namespace: str, name: str, dimensions: Mapping[str, Any], stat: str = "Maximum"
) -> dict[str, Any]:
    metric = {
        "namespace": namespace,
        "metricName": name,
        "dimensions": dict(dimensions),
        "period": 60,
        "stat": stat,
    }
    return {"id": query, "metric": metric, "returnData": False}


def _expression(text: str) -> dict[str, Any]:
    return {"id": "signal", "label": "signal", "expression": text, "returnData": True}


def _steps(spec: Ec2GroupSpec) -> list[dict[str, Any]]:
    """One more instance for each targetPerInstance of messages beyond those that run, up to the
    group's maximum or the last step that a policy may have."""
    number = min(spec.max_instances, _MOST_STEPS)
    # The last step is for all that is beyond it, so that a large group is full after two.
    steps: list[dict[str, Any]] = [
        {
            "scalingAdjustment": index + 1,
            "metricIntervalLowerBound": str(index * spec.target_per_instance),
            "metricIntervalUpperBound": str((index + 1) * spec.target_per_instance),
        }
        for index in range(number)
    ]
    del steps[-1]["metricIntervalUpperBound"]
    steps[-1]["scalingAdjustment"] = spec.max_instances
    return steps


def _suffix(arn: Any, after: str, put_before: str) -> pulumi.Output[str]:
    """The part of an ARN by which CloudWatch names a load balancer (`app/NAME/ID`) or a target
    group (`targetgroup/NAME/ID`)."""
    found: pulumi.Output[str] = pulumi.Output.from_input(arn).apply(
        lambda text: put_before + str(text).partition(after)[2]
    )
    return found
