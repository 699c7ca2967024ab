"""What the components on cloud instances declare: as the providers and the clouds want it, and
what the analysis says of each."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.components.providers import SDKS, api_errors, capitalised, sdk_errors
from zerofloor.engine.program import preview_in_process
from zerofloor.floor.result import Entry
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings import Settings
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

ROOT = Path(__file__).parents[2]


class Declared:
    """The preview of clouds/, by type and Pulumi name."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.by_name: Mapping[tuple[str, str], Resource] = {
            (resource.type, resource.name): resource for resource in stack.resources
        }
        self.report = judge((stack,), open_book(), Settings(), datetime.date(2026, 11, 27))

    def inputs(self, token: str, name: str) -> Mapping[str, Any]:
        return self.by_name[token, name].inputs

    def made(self, component: str) -> list[Resource]:
        """What one component declares."""
        urns = {r.urn for r in self.stack.resources if r.name == component and not r.custom}
        return [resource for resource in self.stack.resources if resource.parent in urns]

    def entries(self, component: str) -> list[Entry]:
        urns = {resource.urn for resource in self.made(component)}
        return [entry for entry in self.report.floor.entries if entry.urn in urns]


@pytest.fixture(scope="session")
def declared() -> Declared:
    folder = Path(__file__).parent / "clouds"
    return Declared(preview_in_process(folder, "dev", time_limit=60))


def of_providers(declared: Declared) -> list[Resource]:
    return [
        resource
        for resource in declared.stack.resources
        if resource.type.split(":")[0] in SDKS and resource.name not in ("network", "shared")
    ]


def test_every_resource_is_as_the_providers_sdk_types_it(declared: Declared) -> None:
    found = {one.urn: sdk_errors(one.type, one.inputs) for one in of_providers(declared)}
    assert {urn: errors for urn, errors in found.items() if errors} == {}
    assert len(found) > 20


def test_the_check_sees_wrong_properties() -> None:
    wrong = {
        "clusterName": "c",
        "nodeRoleArn": "r",
        "subnetIds": "s",
        "scalingConfig": {"minSize": "0", "maxSize": 1},
        "taint": [],
    }
    assert sdk_errors("aws:eks/nodeGroup:NodeGroup", wrong) == [
        "NodeGroup.subnetIds: 's' is not typing.Sequence[typing.Union[str, "
        "collections.abc.Awaitable[str], pulumi.output.Output[NoneType]]]",
        "NodeGroup.scalingConfig.minSize: '0' is not <class 'int'>",
        "NodeGroup.scalingConfig.desiredSize: is required",
        "NodeGroup.taint: NodeGroupArgs has no such property",
    ]
    pool = {"resourceGroupName": "g", "resourceName": "c", "mode": "Users"}
    assert sdk_errors("azure-native:containerservice:AgentPool", pool) == [
        "AgentPool.mode: 'Users' is none of ['Gateway', 'System', 'User']"
    ]


@pytest.mark.parametrize(
    ("component", "verdict", "gpus", "nodes"),
    [
        ("eks", "zero", 0, 0),
        ("eks-all", "zero", 0, 0),
        ("eks-neuron", "zero", 0, 0),
        ("eks-arm", "zero", 0, 0),
        ("eks-soci", "zero", 0, 0),
        ("eks-baked", "zero", 0, 0),
        ("gke-baked", "zero", 0, 0),
        # Two nodes of four L40S each (EC2, "G6e instances").
        ("eks-min", "held", 8, 2),
        ("ec2", "zero", 0, 0),
        ("ec2-web", "zero", 0, 0),
        ("ec2-spot", "zero", 0, 0),
        ("ec2-types", "zero", 0, 0),
        ("ec2-hidden", "zero", 0, 0),
        ("ec2-web-hidden", "zero", 0, 0),
        ("ec2-min", "held", 8, 2),
        # Three instances of eight A100 each in the warm pool; stopped ones bill no GPU.
        ("ec2-warm", "held", 24, 3),
        ("ec2-stopped", "zero", 0, 0),
        ("gke", "zero", 0, 0),
        ("gke-all", "zero", 0, 0),
        ("gke-t4", "zero", 0, 0),
        ("gke-tpu", "zero", 0, 0),
        ("gke-reserved", "zero", 0, 0),
        # A total of two nodes, not two in each zone, of two L4 each.
        ("gke-min", "held", 4, 2),
        ("gce", "zero", 0, 0),
        ("gce-all", "zero", 0, 0),
        ("gce-min", "held", 8, 2),
        ("run", "zero", 0, 0),
        ("run-all", "zero", 0, 0),
        ("run-public", "zero", 0, 0),
        ("run-min", "held", 2, 2),
        ("aks", "zero", 0, 0),
        ("aks-all", "zero", 0, 0),
        ("aksreserved", "zero", 0, 0),
        ("aksmin", "held", 8, 2),
        ("app", "zero", 0, 0),
        ("app-all", "zero", 0, 0),
        ("app-given", "zero", 0, 0),
        ("app-min", "held", 2, 2),
        ("app-given-min", "held", 1, 1),
    ],
)
def test_the_floor_of_each(
    declared: Declared, component: str, verdict: str, gpus: int, nodes: int
) -> None:
    (entry,) = declared.entries(component)
    assert (entry.verdict, entry.gpus, entry.nodes) == (verdict, Decimal(gpus), nodes)
    assert entry.undecided == ()


@pytest.mark.parametrize(
    ("component", "ceiling"),
    [
        ("eks", 4),
        ("eks-min", 4),
        ("eks-all", 2),
        ("ec2", 4),
        ("ec2-spot", 50),
        ("gke", 4),
        ("gce", 4),
        ("run", 3),
    ],
)
def test_the_ceiling_is_the_argument(declared: Declared, component: str, ceiling: int) -> None:
    (entry,) = declared.entries(component)
    assert entry.supply is not None
    assert entry.supply.ceiling == ceiling


@pytest.mark.parametrize(
    ("component", "argument"),
    [
        ("eks-min", "min_nodes of EksGpuNodeGroup eks-min"),
        ("ec2-min", "min_instances of Ec2GpuGroup ec2-min"),
        ("ec2-warm", "warm_pool of Ec2GpuGroup ec2-warm"),
        ("gke-min", "min_nodes of GkeGpuNodePool gke-min"),
        ("gce-min", "min_instances of GceGpuGroup gce-min"),
        ("run-min", "min_instances of CloudRunGpuService run-min"),
        ("aksmin", "min_nodes of AksGpuNodePool aksmin"),
        ("app-min", "min_replicas of ContainerAppsGpuService app-min"),
    ],
)
def test_a_finding_names_the_argument_to_change(
    declared: Declared, component: str, argument: str
) -> None:
    urns = {resource.urn for resource in declared.made(component)}
    fixes = [f.fix for f in declared.report.findings if f.urn in urns and f.rule != "GPU202"]
    assert [f"({argument})" in fix for fix in fixes] == [True], fixes


def test_children_have_their_component_as_parent(declared: Declared) -> None:
    assert all(
        resource.parent is not None and "zerofloor:index:" in resource.parent
        for resource in of_providers(declared)
    )


# EKS

GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def test_a_node_group_is_empty_until_the_autoscaler_fills_it(declared: Declared) -> None:
    group = declared.by_name[GROUP, "eks"]
    assert group.inputs["scalingConfig"] == {"minSize": 0, "desiredSize": 0, "maxSize": 4}
    assert group.ignore_changes == ("scalingConfig.desiredSize",)
    assert group.inputs["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
    ]
    assert group.inputs["capacityType"] == "ON_DEMAND"
    assert declared.inputs(GROUP, "eks-all")["capacityType"] == "SPOT"
    assert declared.inputs(GROUP, "eks-all")["nodeGroupName"] == "Renamed_1"


def test_the_image_has_the_drivers_of_its_types(declared: Declared) -> None:
    images = {name: declared.inputs(GROUP, name)["amiType"] for name in ("eks", "eks-arm")}
    assert images == {"eks": "AL2023_x86_64_NVIDIA", "eks-arm": "AL2023_ARM_64_NVIDIA"}
    assert declared.inputs(GROUP, "eks-neuron")["amiType"] == "AL2023_x86_64_NEURON"
    assert declared.inputs(GROUP, "eks-neuron")["taints"][0]["key"] == "aws.amazon.com/neuron"


def test_eks_accepts_the_groups(declared: Declared) -> None:
    for resource in declared.stack.resources:
        if resource.type == GROUP:
            inputs = dict(resource.inputs)
            inputs.pop("region", None)
            names = {
                "nodeGroupName": "nodegroupName",
                "nodeRoleArn": "nodeRole",
                "subnetIds": "subnets",
            }
            request = {names.get(key, key): value for key, value in inputs.items()}
            assert api_errors("eks", "CreateNodegroupRequest", request) == []


def tags_of(declared: Declared, component: str) -> dict[str, Any]:
    found = {}
    for resource in declared.made(component):
        if resource.type == "aws:autoscaling/tag:Tag":
            assert resource.inputs["autoscalingGroupName"] is UNKNOWN
            tag = resource.inputs["tag"]
            assert tag["propagateAtLaunch"] is False
            prefix = "k8s.io/cluster-autoscaler/node-template/"
            assert tag["key"].startswith(prefix)
            found[tag["key"].removeprefix(prefix)] = tag["value"]
    return found


def test_an_autoscaler_knows_the_nodes_of_an_empty_group(declared: Declared) -> None:
    assert tags_of(declared, "eks-min") == {
        "label/eks.amazonaws.com/nodegroup": "eks-min",
        "resources/nvidia.com/gpu": "4",
        "taint/nvidia.com/gpu": "present:NoSchedule",
    }
    # A g5.xlarge has one GPU and a g5.12xlarge four, so no number is right.
    assert tags_of(declared, "eks-all") == {
        "label/eks.amazonaws.com/nodegroup": "Renamed_1",
        "label/tier": "gpu",
        "label/zone": UNKNOWN,
        "taint/nvidia.com/gpu": "present:NoSchedule",
    }


def test_the_nodes_disks(declared: Declared) -> None:
    plain, own = (declared.inputs(TEMPLATE, f"{name}-template") for name in ("eks", "eks-all"))
    assert plain["blockDeviceMappings"][0]["deviceName"] == "/dev/xvda"
    assert plain["blockDeviceMappings"][0]["ebs"]["throughput"] == 250
    assert own["blockDeviceMappings"] == [
        {
            "deviceName": "/dev/xvdb",
            "ebs": {
                "volumeSize": 500,
                "volumeType": "gp3",
                "throughput": 125,
                "encrypted": "true",
                "deleteOnTermination": "true",
            },
        }
    ]
    assert "userData" in plain
    assert "userData" not in own
    assert "userData" not in declared.inputs(TEMPLATE, "eks-neuron-template")


def test_how_images_get_onto_the_nodes_disks(declared: Declared) -> None:
    """nodeadm docs, "Enabling fast image pull"; Bottlerocket docs, "container-runtime-plugins"."""
    data = {
        name: base64.b64decode(declared.inputs(TEMPLATE, f"{name}-template")["userData"]).decode()
        for name in ("eks", "eks-soci", "eks-soci-rocket")
    }
    assert "FastImagePull" not in data["eks"]
    assert "localStorage:\n      strategy: RAID0" in data["eks-soci"]
    assert "featureGates:\n    FastImagePull: true" in data["eks-soci"]
    assert data["eks-soci-rocket"].startswith('[settings.container-runtime]\nsnapshotter = "soci"')
    baked = declared.inputs(TEMPLATE, "eks-baked-template")
    assert "userData" not in baked
    [mapping] = baked["blockDeviceMappings"]
    assert mapping["deviceName"] == "/dev/xvdb"
    assert mapping["ebs"]["snapshotId"] is UNKNOWN
    assert mapping["ebs"]["volumeInitializationRate"] == 100
    # A disk from a snapshot is encrypted as that is (EC2 API, EbsBlockDevice).
    assert "encrypted" not in mapping["ebs"]


# EC2

ASG = "aws:autoscaling/group:Group"
POLICY = "aws:autoscaling/policy:Policy"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_ec2_accepts_the_templates(declared: Declared) -> None:
    for resource in declared.stack.resources:
        if resource.type == TEMPLATE:
            renamed = {"vpcSecurityGroupIds": "SecurityGroupIds", "region": "", "tags": ""}
            data = capitalised(resource.inputs, renamed)
            disk = data["BlockDeviceMappings"][0]["Ebs"]
            # The provider takes these two as text; a disk from a snapshot has no Encrypted.
            assert disk["DeleteOnTermination"] == "true"
            assert disk.get("Encrypted", "true") == "true"
            disk.update(Encrypted=True, DeleteOnTermination=True)
            request = {"LaunchTemplateName": "t", "LaunchTemplateData": data}
            assert api_errors("ec2", "CreateLaunchTemplateRequest", request) == []


def test_auto_scaling_accepts_the_groups(declared: Declared) -> None:
    for resource in declared.stack.resources:
        if resource.type != ASG:
            continue
        renamed = {
            "name": "AutoScalingGroupName",
            "id": "LaunchTemplateId",
            "vpcZoneIdentifiers": "VPCZoneIdentifier",
            "targetGroupArns": "TargetGroupARNs",
            # Of other calls, or of the provider alone.
            "region": "",
            "waitForCapacityTimeout": "",
            "enabledMetrics": "",
            "metricsGranularity": "",
            "warmPool": "",
        }
        request = capitalised(resource.inputs, renamed)
        request["VPCZoneIdentifier"] = "subnet-1"
        assert api_errors("autoscaling", "CreateAutoScalingGroupType", request) == []
        metrics = {
            "AutoScalingGroupName": "g",
            "Metrics": list(resource.inputs["enabledMetrics"]),
            "Granularity": resource.inputs["metricsGranularity"],
        }
        assert api_errors("autoscaling", "EnableMetricsCollectionQuery", metrics) == []
        if "warmPool" in resource.inputs:
            warm = {"AutoScalingGroupName": "g", **capitalised(resource.inputs["warmPool"])}
            assert api_errors("autoscaling", "PutWarmPoolType", warm) == []


def test_auto_scaling_accepts_the_policies(declared: Declared) -> None:
    for resource in declared.stack.resources:
        if resource.type != POLICY:
            continue
        renamed = {
            "name": "PolicyName",
            "autoscalingGroupName": "AutoScalingGroupName",
            "region": "",
        }
        request = capitalised(resource.inputs, renamed)
        for step in request.get("StepAdjustments", []):
            for bound in ("MetricIntervalLowerBound", "MetricIntervalUpperBound"):
                if bound in step:
                    step[bound] = float(step[bound])
        assert api_errors("autoscaling", "PutScalingPolicyType", request) == []


def test_cloudwatch_accepts_the_alarms(declared: Declared) -> None:
    for resource in declared.stack.resources:
        if resource.type != ALARM:
            continue
        queries = []
        for query in resource.inputs["metricQueries"]:
            made = {key: value for key, value in query.items() if key != "metric"}
            metric = query.get("metric")
            if metric is not None:
                named = [{"name": k, "value": v} for k, v in metric["dimensions"].items()]
                inner = {
                    "namespace": metric["namespace"],
                    "metricName": metric["metricName"],
                    "dimensions": named,
                }
                made["metricStat"] = {
                    "metric": inner,
                    "period": metric["period"],
                    "stat": metric["stat"],
                }
            queries.append(made)
        inputs = {**resource.inputs, "metricQueries": queries}
        renamed = {"name": "AlarmName", "metricQueries": "Metrics", "region": ""}
        request = capitalised(inputs, renamed)
        # "name" of a dimension is not that of the alarm.
        for query in request["Metrics"]:
            for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", []):
                dimension["Name"] = dimension.pop("AlarmName")
        assert api_errors("cloudwatch", "PutMetricAlarmInput", request) == []


def test_a_message_wakes_an_instance_and_the_empty_queue_ends_all(declared: Declared) -> None:
    out, idle = declared.inputs(ALARM, "ec2-backlog"), declared.inputs(ALARM, "ec2-idle")
    waiting, running, beyond = out["metricQueries"]
    assert (waiting["metric"]["namespace"], waiting["metric"]["metricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert waiting["metric"]["dimensions"] == {"QueueName": "jobs"}
    assert running["metric"]["dimensions"] == {"AutoScalingGroupName": "ec2"}
    # At zero instances a single message is above 0; ten more are for the first instance.
    assert beyond["expression"] == "waiting - 10 * FILL(running, 0)"
    assert (out["comparisonOperator"], out["threshold"]) == ("GreaterThanThreshold", 0)
    assert out["treatMissingData"] == "notBreaching"
    assert idle["metricQueries"][2]["expression"] == "FILL(waiting, 0) + FILL(flying, 0)"
    assert idle["metricQueries"][1]["metric"]["metricName"] == (
        "ApproximateNumberOfMessagesNotVisible"
    )
    assert (idle["comparisonOperator"], idle["threshold"]) == ("LessThanThreshold", 1)
    assert (idle["treatMissingData"], idle["evaluationPeriods"]) == ("breaching", 15)
    assert declared.inputs(POLICY, "ec2-in")["stepAdjustments"] == [
        {"scalingAdjustment": 0, "metricIntervalUpperBound": "0"}
    ]


def test_alarms_call_the_policy_of_their_own_group(declared: Declared) -> None:
    for alarm, policy in (("ec2-backlog", "ec2-out"), ("ec2-idle", "ec2-in")):
        links = declared.by_name[ALARM, alarm].property_dependencies
        assert links is not None
        assert links["alarmActions"] == (declared.by_name[POLICY, policy].urn,)
        group = declared.by_name[POLICY, policy].property_dependencies
        assert group is not None
        assert group["autoscalingGroupName"] == (declared.by_name[ASG, "ec2"].urn,)


def test_a_backlog_starts_an_instance_for_each_part_of_it(declared: Declared) -> None:
    steps = declared.inputs(POLICY, "ec2-out")["stepAdjustments"]
    assert [step["scalingAdjustment"] for step in steps] == [1, 2, 3, 4]
    assert [step["metricIntervalLowerBound"] for step in steps] == ["0", "10", "20", "30"]
    assert [step.get("metricIntervalUpperBound") for step in steps] == ["10", "20", "30", None]
    # A policy has at most 20 steps; the last one fills a larger group.
    many = declared.inputs(POLICY, "ec2-spot-out")["stepAdjustments"]
    assert (len(many), many[-1]["scalingAdjustment"]) == (20, 50)


def test_a_refused_request_wakes_an_instance_and_silence_ends_all(declared: Declared) -> None:
    (refused,) = declared.inputs(ALARM, "ec2-web-refused")["metricQueries"]
    assert refused["metric"]["metricName"] == "HTTPCode_ELB_503_Count"
    assert refused["metric"]["dimensions"] == {"LoadBalancer": "app/llm/50dc6c495c0c9188"}
    idle = declared.inputs(ALARM, "ec2-web-idle")
    assert idle["metricQueries"][0]["metric"]["dimensions"] == {
        "LoadBalancer": "app/llm/50dc6c495c0c9188",
        "TargetGroup": "targetgroup/llm/73e2d6bc24d8a067",
    }
    assert idle["evaluationPeriods"] == 30
    load = declared.inputs(POLICY, "ec2-web-load")["targetTrackingConfiguration"]
    assert load["disableScaleIn"] is True
    assert load["predefinedMetricSpecification"]["resourceLabel"] == (
        "app/llm/50dc6c495c0c9188/targetgroup/llm/73e2d6bc24d8a067"
    )
    group = declared.inputs(ASG, "ec2-web")
    assert (group["healthCheckType"], group["healthCheckGracePeriod"]) == ("ELB", 300)
    assert "desiredCapacity" not in group


def test_the_types_and_markets_of_a_group(declared: Declared) -> None:
    assert declared.inputs(TEMPLATE, "ec2-template")["instanceType"] == "g6e.xlarge"
    spot = declared.inputs(ASG, "ec2-spot")["mixedInstancesPolicy"]
    assert spot["instancesDistribution"] == {
        "onDemandBaseCapacity": 0,
        "onDemandPercentageAboveBaseCapacity": 0,
        "spotAllocationStrategy": "price-capacity-optimized",
    }
    types = declared.inputs(ASG, "ec2-types")["mixedInstancesPolicy"]
    assert types["instancesDistribution"] == {"onDemandPercentageAboveBaseCapacity": 100}
    assert types["launchTemplate"]["overrides"] == [
        {"instanceType": "g6.xlarge"},
        {"instanceType": "g5.xlarge"},
    ]


def test_a_script_is_encoded_and_a_secret_one_stays_secret(declared: Declared) -> None:
    script = declared.inputs(TEMPLATE, "ec2-web-template")["userData"]
    assert base64.b64decode(script) == b"#!/bin/sh\ndocker run server"
    assert declared.inputs(TEMPLATE, "ec2-hidden-template")["userData"] is SECRET
    assert "planted" not in repr(declared.stack)


# Google

POOL = "gcp:container/nodePool:NodePool"
MACHINES = "gcp:compute/instanceTemplate:InstanceTemplate"
MANAGER = "gcp:compute/instanceGroupManager:InstanceGroupManager"
SCALER = "gcp:compute/autoscaler:Autoscaler"
SERVICE = "gcp:cloudrunv2/service:Service"


def test_a_pool_of_gke_begins_and_ends_empty(declared: Declared) -> None:
    pool = declared.by_name[POOL, "gke"]
    assert pool.inputs["initialNodeCount"] == 0
    assert "nodeCount" not in pool.inputs
    assert pool.inputs["autoscaling"] == {
        "totalMinNodeCount": 0,
        "totalMaxNodeCount": 4,
        "locationPolicy": "ANY",
    }
    assert pool.ignore_changes == ("nodeCount", "initialNodeCount")
    assert pool.inputs["nodeConfig"]["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
    ]
    tpu = declared.inputs(POOL, "gke-tpu")["nodeConfig"]
    assert tpu["taints"][0]["key"] == "google.com/tpu"
    assert "guestAccelerators" not in tpu


@pytest.mark.parametrize(
    ("pool", "card", "count", "driver"),
    [
        ("gke", "nvidia-l4", 1, "DEFAULT"),
        ("gke-min", "nvidia-l4", 2, "DEFAULT"),
        ("gke-all", "nvidia-h100-80gb", 8, "LATEST"),
        ("gke-t4", "nvidia-tesla-t4", 2, "DEFAULT"),
        ("gke-reserved", "nvidia-b200", 8, "DEFAULT"),
    ],
)
def test_gke_installs_the_driver_of_the_machines_cards(
    declared: Declared, pool: str, card: str, count: int, driver: str
) -> None:
    node = declared.inputs(POOL, pool)["nodeConfig"]
    assert node["guestAccelerators"] == [
        {
            "type": card,
            "count": count,
            "gpuDriverInstallationConfig": {"gpuDriverVersion": driver},
        }
    ]


def test_the_nodes_of_a_pool_of_gke(declared: Declared) -> None:
    pool = declared.inputs(POOL, "gke-all")
    assert (pool["name"], pool["nodeLocations"]) == (
        "renamed",
        ["europe-west4-a", "europe-west4-b"],
    )
    node = pool["nodeConfig"]
    assert (node["spot"], node["diskType"], node["diskSizeGb"]) == (True, "pd-ssd", 500)
    assert node["ephemeralStorageLocalSsdConfig"] == {"localSsdCount": 16}
    assert "gcfsConfig" not in node
    assert (node["labels"], node["resourceLabels"]) == ({"tier": "gpu"}, {"team": "ml"})
    plain = declared.inputs(POOL, "gke")["nodeConfig"]
    assert "spot" not in plain
    assert plain["gcfsConfig"] == {"enabled": True}
    # GKE docs, "Use secondary boot disks to preload data or container images".
    baked = declared.inputs(POOL, "gke-baked")["nodeConfig"]
    assert baked["gcfsConfig"] == {"enabled": True}
    assert baked["secondaryBootDisks"] == [
        {"diskImage": "global/images/models", "mode": "CONTAINER_IMAGE_CACHE"}
    ]
    reserved = declared.inputs(POOL, "gke-reserved")["nodeConfig"]
    assert reserved["reservationAffinity"] == {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": [UNKNOWN],
    }
    # A4 machines boot from Hyperdisk only.
    assert reserved["diskType"] == "hyperdisk-balanced"


def test_messages_wake_machines_and_acknowledged_ones_end_them(declared: Declared) -> None:
    policy = declared.inputs(SCALER, "gce-autoscaler")["autoscalingPolicy"]
    assert (policy["mode"], policy["minReplicas"], policy["maxReplicas"]) == ("ON", 0, 4)
    assert policy["metrics"] == [
        {
            "name": "pubsub.googleapis.com/subscription/num_undelivered_messages",
            "filter": 'resource.type = "pubsub_subscription" AND '
            'resource.labels.subscription_id = "jobs"',
            "singleInstanceAssignment": 10,
        }
    ]
    group = declared.by_name[MANAGER, "gce"]
    assert "targetSize" not in group.inputs
    assert group.ignore_changes == ("targetSize",)
    for resource, prop, target in (
        (declared.by_name[SCALER, "gce-autoscaler"], "target", group),
        (group, "versions", declared.by_name[MACHINES, "gce-template"]),
    ):
        links = resource.property_dependencies
        assert links is not None
        assert links[prop] == (target.urn,)


def test_the_machines_of_a_group_on_compute_engine(declared: Declared) -> None:
    plain, own = (declared.inputs(MACHINES, f"{name}-template") for name in ("gce", "gce-all"))
    assert plain["scheduling"] == {"onHostMaintenance": "TERMINATE", "automaticRestart": True}
    assert "guestAccelerators" not in plain
    assert plain["networkInterfaces"] == [{"network": "default"}]
    assert "serviceAccount" not in plain
    assert own["scheduling"]["provisioningModel"] == "SPOT"
    assert own["networkInterfaces"] == [
        {"subnetwork": UNKNOWN, "accessConfigs": [{"networkTier": "PREMIUM"}]}
    ]
    assert own["serviceAccount"] == {"email": UNKNOWN, "scopes": [UNKNOWN]}
    assert own["metadataStartupScript"] is SECRET
    cards = declared.inputs(MACHINES, "gce-min-template")["guestAccelerators"]
    assert cards == [{"type": "nvidia-tesla-t4", "count": 4}]


def test_a_service_of_cloud_run(declared: Declared) -> None:
    service = declared.inputs(SERVICE, "run")
    template = service["template"]
    (container,) = template["containers"]
    assert template["scaling"] == {"minInstanceCount": 0, "maxInstanceCount": 3}
    assert template["nodeSelector"] == {"accelerator": "nvidia-l4"}
    assert template["gpuZonalRedundancyDisabled"] is True
    assert container["resources"] == {
        "limits": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"},
        "cpuIdle": False,
        "startupCpuBoost": True,
    }
    assert container["startupProbe"]["tcpSocket"] == {"port": 8080}
    assert container["startupProbe"]["failureThreshold"] == 60
    assert service["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"


def test_each_argument_of_a_service_of_cloud_run(declared: Declared) -> None:
    service = declared.inputs(SERVICE, "run-all")
    template = service["template"]
    (container,) = template["containers"]
    assert (service["name"], service["location"]) == ("renamed", "europe-west4")
    assert container["envs"] == [
        {"name": "A", "value": UNKNOWN},
        {"name": "B", "value": "2"},
        {"name": "TOKEN", "value": SECRET},
    ]
    assert container["args"] == ["--model", UNKNOWN]
    assert container["startupProbe"]["httpGet"] == {"path": "/health", "port": 8000}
    assert template["gpuZonalRedundancyDisabled"] is False
    assert (template["timeout"], template["maxInstanceRequestConcurrency"]) == ("600s", 32)
    assert service["ingress"] == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    public = declared.inputs(SERVICE, "run-public")
    assert public["ingress"] == "INGRESS_TRAFFIC_ALL"
    assert public["template"]["containers"][0]["envs"] is SECRET


# Azure

AGENTS = "azure-native:containerservice:AgentPool"
APP = "azure-native:app:ContainerApp"
ENVIRONMENT = "azure-native:app:ManagedEnvironment"


def test_a_pool_of_aks_begins_and_ends_empty(declared: Declared) -> None:
    pool = declared.by_name[AGENTS, "aks"]
    expected = {"enableAutoScaling": True, "minCount": 0, "maxCount": 4, "count": 0, "mode": "User"}
    assert {key: pool.inputs[key] for key in expected} == expected
    assert pool.ignore_changes == ("count",)
    assert pool.inputs["nodeTaints"] == ["nvidia.com/gpu=present:NoSchedule"]
    assert "scaleSetPriority" not in pool.inputs
    assert declared.inputs(AGENTS, "aksmin")["count"] == 2


def test_each_argument_of_a_pool_of_aks(declared: Declared) -> None:
    pool = declared.inputs(AGENTS, "aks-all")
    expected = {
        "agentPoolName": "renamed",
        "scaleSetPriority": "Spot",
        "scaleSetEvictionPolicy": "Delete",
        "spotMaxPrice": -1,
        "gpuProfile": {"driver": "None"},
        "osDiskType": "Ephemeral",
        "osDiskSizeGB": 1024,
        "availabilityZones": ["1", "2"],
        "nodeTaints": ["amd.com/gpu=present:NoSchedule"],
        "nodeLabels": {"tier": "gpu"},
        "tags": {"team": "ml"},
    }
    assert {key: pool[key] for key in expected} == expected
    assert declared.inputs(AGENTS, "aksreserved")["capacityReservationGroupID"] is UNKNOWN


def test_an_app_makes_its_environment_with_the_gpus_profile(declared: Declared) -> None:
    environment = declared.inputs(ENVIRONMENT, "app-environment")
    assert environment["workloadProfiles"] == [
        {"name": "Consumption", "workloadProfileType": "Consumption"},
        {"name": "gpu", "workloadProfileType": "Consumption-GPU-NC8as-T4"},
    ]
    app = declared.by_name[APP, "app"]
    assert app.inputs["workloadProfileName"] == "gpu"
    links = app.property_dependencies
    assert links is not None
    assert links["environmentId"] == (declared.by_name[ENVIRONMENT, "app-environment"].urn,)
    # One that is given is used as it is.
    assert (ENVIRONMENT, "app-given-environment") not in declared.by_name
    assert declared.inputs(APP, "app-given")["workloadProfileName"] == "cards"


def test_an_app_has_no_replica_without_a_request(declared: Declared) -> None:
    app = declared.inputs(APP, "app")
    assert app["template"]["scale"] == {
        "minReplicas": 0,
        "maxReplicas": 3,
        "cooldownPeriod": 300,
        "rules": [{"name": "http", "http": {"metadata": {"concurrentRequests": "10"}}}],
    }
    assert app["configuration"] == {
        "activeRevisionsMode": "Single",
        "ingress": {"external": False, "targetPort": 8000, "transport": "auto"},
    }
    (container,) = app["template"]["containers"]
    assert container["resources"] == {"cpu": 8, "memory": "56Gi"}


def test_each_argument_of_an_app(declared: Declared) -> None:
    app = declared.inputs(APP, "app-all")
    (container,) = app["template"]["containers"]
    assert app["configuration"]["secrets"] == [{"name": "hf-token", "value": SECRET}]
    assert container["env"] == [
        {"name": "A", "value": UNKNOWN},
        {"name": "B", "value": "2"},
        {"name": "HF_TOKEN", "secretRef": "hf-token"},
    ]
    assert container["resources"] == {"cpu": 12, "memory": "100Gi"}
    startup, readiness = container["probes"]
    assert startup["httpGet"] == readiness["httpGet"] == {"path": "/v2/health", "port": 9000}
    # Ten tries at most: 1,205 seconds are ten of 121.
    assert (startup["periodSeconds"], startup["failureThreshold"]) == (121, 10)
    assert app["template"]["scale"]["cooldownPeriod"] == 60
    assert app["configuration"]["ingress"]["external"] is True
    profiles = declared.inputs(ENVIRONMENT, "app-all-environment")["workloadProfiles"]
    assert profiles[1]["workloadProfileType"] == "Consumption-GPU-NC24-A100"


def test_an_environment_elsewhere_is_taken_at_its_word_at_zero(declared: Declared) -> None:
    assert declared.entries("app-elsewhere") == []
    assert declared.report.floor.undecided == ()


# A whole platform


def below(declared: Declared, platform: str) -> list[Resource]:
    """All that one platform declares."""
    parts = {resource.urn: resource for resource in declared.made(platform)}
    more = [one for one in declared.stack.resources if one.parent in parts]
    return [*parts.values(), *more]


@pytest.mark.parametrize(
    ("platform", "verdicts", "gpus"),
    [
        ("on-eks", {"zero"}, 0),
        ("on-gke", {"zero"}, 0),
        ("on-aks", {"zero"}, 0),
        # One replica of four GPUs on one node.
        ("on-eks-held", {"held"}, 4),
    ],
)
def test_the_floor_of_a_platform(
    declared: Declared, platform: str, verdicts: set[str], gpus: int
) -> None:
    urns = {resource.urn for resource in below(declared, platform)}
    entries = [entry for entry in declared.report.floor.entries if entry.urn in urns]
    assert len(entries) == 2
    assert {entry.verdict for entry in entries} == verdicts
    assert {entry.gpus for entry in entries} == {Decimal(gpus)}
    # The server's pods are carried by the nodes of the platform itself.
    assert sum(entry.nodes or 0 for entry in entries) == (1 if gpus else 0)


@pytest.mark.parametrize(
    ("platform", "charts"),
    [
        ("on-eks", {"keda": "2.20.2", "keda-add-ons-http": "0.15.0"}),
        ("on-gke", {"keda-add-ons-http": "0.15.0"}),
        (
            "on-aks",
            {
                "keda": "2.20.2",
                "keda-add-ons-http": "0.15.0",
                "nvidia-device-plugin": "0.18.2",
                "dcgm-exporter": "4.8.2",
            },
        ),
    ],
)
def test_a_platform_installs_what_its_cluster_has_not(
    declared: Declared, platform: str, charts: dict[str, str]
) -> None:
    releases = [one for one in below(declared, platform) if one.type.endswith(":Release")]
    assert {one.inputs["chart"]: one.inputs["version"] for one in releases} == charts
    assert all(one.inputs["repositoryOpts"]["repo"].startswith("https://") for one in releases)


@pytest.mark.parametrize(("chart", "folder"), [("keda/v2", "keda"), ("http-add-on", "http-add-on")])
def test_the_charts_are_of_the_versions_that_the_lab_runs(
    declared: Declared, chart: str, folder: str
) -> None:
    module = (ROOT / "tools" / "lab" / folder / "go.mod").read_text()
    name = {"keda": "keda", "http-add-on": "keda-add-ons-http"}[folder]
    version = next(
        one.inputs["version"]
        for one in below(declared, "on-eks")
        if one.inputs.get("chart") == name
    )
    assert f"require github.com/kedacore/{chart} v{version}\n" in module


def test_the_daemons_of_a_platform_run_on_its_tainted_nodes(declared: Declared) -> None:
    pool = declared.inputs(AGENTS, "on-aks-nodes")
    assert pool["nodeLabels"] == {"nvidia.com/gpu.present": "true"}
    for chart in ("device-plugin", "metrics"):
        release = declared.inputs("kubernetes:helm.sh/v3:Release", f"on-aks-{chart}")
        assert release["values"]["nodeSelector"] == pool["nodeLabels"]
        (toleration,) = release["values"]["tolerations"]
        assert (toleration["key"], toleration["operator"]) == ("nvidia.com/gpu", "Exists")
        # At zero nodes none of its pods ever gets ready.
        assert release["skipAwait"] is True


def test_a_platforms_server_runs_on_its_nodes(declared: Declared) -> None:
    deployment = "kubernetes:apps/v1:Deployment"
    for name, selector in (
        ("on-eks", {"karpenter.sh/nodepool": "on-eks"}),
        ("on-gke", {"cloud.google.com/gke-nodepool": "on-gke"}),
        ("on-aks", {"kubernetes.azure.com/agentpool": "onaks"}),
    ):
        pod = declared.inputs(deployment, f"{name}-server")["spec"]["template"]["spec"]
        assert pod["nodeSelector"] == selector
    # AKS taints spot nodes on top of the component's own taint.
    pod = declared.inputs(deployment, "on-aks-server")["spec"]["template"]["spec"]
    assert {"kubernetes.azure.com/scalesetpriority", "nvidia.com/gpu"} <= {
        toleration["key"] for toleration in pod["tolerations"]
    }
