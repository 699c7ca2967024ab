"""What the components declare: every object as the API server wants it, and each argument where it
belongs."""

from __future__ import annotations

import json

import pytest

from tests.components.conftest import Manifests
from tests.components.schemas import CORE, core_errors, crd_errors
from zerofloor.stack import SECRET, UNKNOWN, Stack

QUEUE = "urn:pulumi:dev::everything::aws:sqs/queue:Queue::jobs"


def test_every_custom_resource_passes_the_schema_of_its_crd(everything: Stack) -> None:
    custom = [
        one
        for one in everything.resources
        if one.type.startswith("kubernetes:")
        and one.inputs["kind"] not in CORE
        and one.inputs["kind"] != "NodeClass"  # Of Auto Mode, whose CRD stands in no repository.
    ]
    assert {one.inputs["kind"] for one in custom} == {
        "ScaledObject",
        "InterceptorRoute",
        "NodePool",
        "EC2NodeClass",
    }
    assert {one.urn: crd_errors(one.inputs) for one in custom if crd_errors(one.inputs)} == {}


def test_every_core_object_has_only_fields_of_its_type(everything: Stack) -> None:
    core = [
        one
        for one in everything.resources
        if one.type.startswith("kubernetes:") and one.inputs["kind"] in CORE
    ]
    assert {one.inputs["kind"] for one in core} == {"Deployment", "Service"}
    assert {one.urn: core_errors(one.inputs) for one in core if core_errors(one.inputs)} == {}


def test_the_checks_see_a_wrong_field() -> None:
    scaler = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {}}
    wrong = {
        **scaler,
        "spec": {
            "scaleTargetRef": {"name": "x"},
            "triggers": [],
            "minReplicas": 0,
            "cooldownPeriod": "300",
        },
    }
    assert len(crd_errors(wrong)) == 3
    assert core_errors({"kind": "Service", "spec": {"ports": [{"port": "80", "number": 1}]}}) == [
        "spec.ports[0].port: '80' is not int",
        "spec.ports[0].number: ServicePortArgs has no such field",
    ]


def test_everything_has_the_component_as_its_parent(everything: Stack) -> None:
    components = {one.urn for one in everything.resources if one.type.startswith("zerofloor:")}
    assert len(components) == 13
    assert all(
        one.parent in components
        for one in everything.resources
        if one.type.startswith("kubernetes:")
    )
    assert all(not one.custom for one in everything.resources if one.urn in components)


def test_a_few_lines_are_a_server_that_scales_to_zero(manifests: Manifests) -> None:
    assert manifests.spec("ScaledObject", "few-scaler") == {
        "scaleTargetRef": {"name": "few"},
        "minReplicaCount": 0,
        "maxReplicaCount": 1,
        "cooldownPeriod": 300,
        "initialCooldownPeriod": 300,
        "pollingInterval": 15,
        "advanced": {
            "horizontalPodAutoscalerConfig": {
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}}
            }
        },
        "triggers": [
            {
                "type": "external-push",
                "metadata": {
                    "scalerAddress": "keda-add-ons-http-external-scaler.keda:9090",
                    "interceptorRoute": "few",
                },
            }
        ],
    }
    assert manifests.pod("few")["containers"][0]["resources"] == {"limits": {"nvidia.com/gpu": "1"}}
    assert manifests.pod("few")["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert manifests.pod("few")["volumes"] == [{"name": "cache", "emptyDir": {}}]


def test_the_scaler_owns_the_count_after_creation(manifests: Manifests) -> None:
    few, many = manifests.resources["Deployment", "few"], manifests.resources["Deployment", "many"]
    assert (few.inputs["spec"]["replicas"], few.ignore_changes) == (0, ("spec.replicas",))
    assert (many.inputs["spec"]["replicas"], many.ignore_changes) == (1, ("spec.replicas",))


def test_the_scaler_names_its_target_as_the_deployment_is_named(manifests: Manifests) -> None:
    deployment, scaler = (
        manifests.resources["Deployment", "many"],
        manifests.resources["ScaledObject", "many-scaler"],
    )
    assert (
        deployment.inputs["metadata"]["name"]
        == scaler.inputs["spec"]["scaleTargetRef"]["name"]
        == "renamed"
    )
    assert (
        deployment.inputs["metadata"]["namespace"]
        == scaler.inputs["metadata"]["namespace"]
        == "models"
    )


def test_requests_wait_at_the_interceptor_for_as_long_as_a_start_takes(
    manifests: Manifests,
) -> None:
    assert manifests.spec("InterceptorRoute", "many-route") == {
        "target": {"service": "renamed", "port": 9000},
        "rules": [
            {
                "hosts": [
                    "renamed-proxy",
                    "renamed-proxy.models",
                    "renamed-proxy.models.svc.cluster.local",
                    "llm.example.com",
                ]
            }
        ],
        "scalingMetric": {"concurrency": {"targetValue": 20}},
        "timeouts": {"readiness": "725s"},
    }
    assert manifests.spec("Service", "many-proxy") == {
        "type": "ExternalName",
        "externalName": "keda-add-ons-http-interceptor-proxy.addons.svc.cluster.local",
    }
    assert manifests.trigger("many")["metadata"] == {
        "scalerAddress": "keda-add-ons-http-external-scaler.addons:9090",
        "interceptorRoute": "renamed",
    }


@pytest.mark.parametrize(
    ("name", "kind", "metadata"),
    [
        (
            "gateway",
            "prometheus",
            {
                "serverAddress": "http://prometheus:9090",
                "query": "sum(gateway_requests_waiting)",
                "threshold": "10",
            },
        ),
        (
            "sqs",
            "aws-sqs-queue",
            {
                "queueURL": UNKNOWN,
                "awsRegion": "us-east-1",
                "queueLength": "10",
                "identityOwner": "operator",
            },
        ),
        ("redis", "redis", {"address": "redis:6379", "listName": "jobs", "listLength": "10"}),
        (
            "kafka",
            "kafka",
            {
                "bootstrapServers": "kafka:9092",
                "topic": "jobs",
                "consumerGroup": "llm",
                "lagThreshold": "10",
                "offsetResetPolicy": "earliest",
            },
        ),
    ],
)
def test_a_signal_is_a_trigger_of_keda(
    manifests: Manifests, name: str, kind: str, metadata: dict[str, object]
) -> None:
    assert (manifests.trigger(name)["type"], manifests.trigger(name)["metadata"]) == (
        kind,
        metadata,
    )
    assert ("InterceptorRoute", f"{name}-route") not in manifests.resources
    assert ("Service", f"{name}-proxy") not in manifests.resources


def test_an_authentication_is_referred_to(manifests: Manifests) -> None:
    assert manifests.trigger("gateway")["authenticationRef"] == {"name": "prometheus"}


def test_the_scaler_depends_on_the_queue_that_wakes_it(manifests: Manifests) -> None:
    links = manifests.resources["ScaledObject", "sqs-scaler"].property_dependencies
    assert links is not None
    assert links["spec"] == (QUEUE,)


def test_the_model_has_time_to_load(manifests: Manifests) -> None:
    container = manifests.pod("many")["containers"][0]
    probe = container["startupProbe"]
    assert probe == {
        "httpGet": {"path": "/v2/health/ready", "port": "http"},
        "periodSeconds": 10,
        "failureThreshold": 13,
    }
    assert (
        container["readinessProbe"]["httpGet"]
        == container["livenessProbe"]["httpGet"]
        == probe["httpGet"]
    )
    assert container["ports"] == [{"name": "http", "containerPort": 9000}]
    # 600 s for the node and the image, 125 s for the model.
    assert manifests.spec("Deployment", "many")["progressDeadlineSeconds"] == 725
    assert manifests.pod("many")["terminationGracePeriodSeconds"] == 300


def test_a_rollout_buys_no_second_gpu_unless_told(manifests: Manifests) -> None:
    assert manifests.spec("Deployment", "few")["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
    }
    assert manifests.spec("Deployment", "many")["strategy"]["rollingUpdate"] == {
        "maxSurge": 1,
        "maxUnavailable": 0,
    }


def test_what_the_pod_asks_for(manifests: Manifests) -> None:
    pod = manifests.pod("many")
    (container,) = pod["containers"]
    assert container["resources"] == {
        "limits": {"nvidia.com/gpu": "4", "memory": "300Gi"},
        "requests": {"cpu": "40", "memory": "300Gi", "ephemeral-storage": "200Gi"},
    }
    assert (container["command"], container["args"], container["image"]) == (
        ["serve"],
        ["--model", "m"],
        "server:1",
    )
    assert container["envFrom"] == [{"secretRef": {"name": "hub"}}]
    assert (pod["serviceAccountName"], pod["priorityClassName"]) == ("reader", "batch")
    assert pod["nodeSelector"] == {"zone": "a", "karpenter.sh/nodepool": "types"}
    assert pod["tolerations"][1:] == [
        {"key": "spot", "operator": "Exists"},
        {"key": "team", "operator": "Equal", "value": "ml", "effect": "NoExecute"},
        {"key": "slow", "operator": "Exists", "effect": "PreferNoSchedule"},
    ]
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term["matchExpressions"][0]["values"] == ["g6e.12xlarge", "g6e.24xlarge"]
    assert manifests.spec("Deployment", "many")["template"]["metadata"]["labels"] == {
        "team": "ml",
        "app.kubernetes.io/name": "renamed",
    }


def test_where_the_model_is_cached(manifests: Manifests) -> None:
    assert manifests.pod("many")["volumes"] == [
        {"name": "cache", "emptyDir": {"sizeLimit": "200Gi"}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}},
    ]
    assert manifests.pod("many")["containers"][0]["volumeMounts"] == [
        {"name": "cache", "mountPath": "/models"},
        {"name": "shared-memory", "mountPath": "/dev/shm"},
    ]
    assert manifests.pod("gateway")["volumes"] == [
        {"name": "cache", "persistentVolumeClaim": {"claimName": "models"}}
    ]
    assert manifests.pod("sqs")["volumes"] == [
        {"name": "cache", "hostPath": {"path": "/mnt/models", "type": "DirectoryOrCreate"}}
    ]


def test_another_makers_gpu_has_its_own_resource_and_taint(manifests: Manifests) -> None:
    assert manifests.pod("redis")["containers"][0]["resources"]["limits"] == {"amd.com/gpu": "1"}
    assert manifests.pod("redis")["tolerations"][0]["key"] == "amd.com/gpu"


def test_environment_goes_through_untouched_and_a_secret_stays_one(
    manifests: Manifests, everything: Stack
) -> None:
    assert manifests.pod("many")["containers"][0]["env"] == [
        {"name": "A", "value": "1"},
        {"name": "QUEUE", "value": UNKNOWN},
        {"name": "TOKEN", "value": SECRET},
    ]
    # A whole map that is one secret hides its list of variables, and nothing else of the
    # Deployment.
    assert manifests.pod("kafka")["containers"][0]["env"] is SECRET
    assert "hf_planted_secret" not in json.dumps([repr(one) for one in everything.resources])


def test_no_disruption_budget_keeps_a_node(everything: Stack) -> None:
    assert not [one for one in everything.resources if "PodDisruptionBudget" in one.type]


def test_the_pool_is_empty_when_no_pod_wants_it(manifests: Manifests) -> None:
    pool = manifests.spec("NodePool", "types")
    assert "replicas" not in pool
    assert pool["limits"] == {"nvidia.com/gpu": "8"}
    assert pool["disruption"] == {
        "consolidationPolicy": "WhenEmpty",
        "consolidateAfter": "60s",
        "budgets": [
            {"nodes": "100%", "reasons": ["Empty"]},
            {"nodes": "1", "reasons": ["Drifted", "Underutilized"]},
        ],
    }
    template = pool["template"]["spec"]
    assert template["taints"] == [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]
    assert template["nodeClassRef"] == {
        "group": "karpenter.k8s.aws",
        "kind": "EC2NodeClass",
        "name": "types",
    }
    assert (template["expireAfter"], template["terminationGracePeriod"]) == ("720h", "1800s")
    assert template["requirements"] == [
        {
            "key": "node.kubernetes.io/instance-type",
            "operator": "In",
            "values": ["g6e.xlarge", "g6e.48xlarge"],
        },
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
    ]


def test_the_pool_by_families(manifests: Manifests) -> None:
    pool = manifests.spec("NodePool", "families")
    assert manifests.resources["NodePool", "families"].inputs["metadata"]["name"] == "renamed"
    assert pool["template"]["spec"]["requirements"] == [
        {"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["g6", "g5"]},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]},
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["us-east-1a", UNKNOWN]},
    ]
    assert (pool["weight"], pool["disruption"]["consolidateAfter"], pool["limits"]) == (
        10,
        "7200s",
        {"nvidia.com/gpu": "4"},
    )
    assert pool["template"]["metadata"] == {"labels": {"tier": "gpu"}}
    assert (
        pool["template"]["spec"]["expireAfter"],
        pool["template"]["spec"]["terminationGracePeriod"],
    ) == ("24h", "60s")


def test_the_pools_nodes(manifests: Manifests) -> None:
    by_cluster = manifests.spec("EC2NodeClass", "types-class")
    assert by_cluster["role"] == "nodes"
    assert (
        by_cluster["subnetSelectorTerms"]
        == by_cluster["securityGroupSelectorTerms"]
        == [{"tags": {"karpenter.sh/discovery": "c"}}]
    )
    assert by_cluster["amiSelectorTerms"] == [{"alias": "al2023@latest"}]
    by_tags = manifests.spec("EC2NodeClass", "families-class")
    assert "role" not in by_tags
    assert by_tags["instanceProfile"] is UNKNOWN
    assert by_tags["subnetSelectorTerms"] == [{"tags": {"team": "ml"}}]
    assert by_tags["tags"] == {"cost": "ml"}
    (disk,) = by_tags["blockDeviceMappings"]
    assert disk == {
        "deviceName": "/dev/xvdb",
        "ebs": {
            "volumeSize": "500Gi",
            "volumeType": "gp3",
            "throughput": 250,
            "encrypted": True,
            "deleteOnTermination": True,
        },
    }
    assert by_cluster["blockDeviceMappings"][0]["deviceName"] == "/dev/xvda"


def test_local_disks_are_joined_unless_told_otherwise(manifests: Manifests) -> None:
    assert manifests.spec("EC2NodeClass", "types-class")["instanceStorePolicy"] == "RAID0"
    assert "instanceStorePolicy" not in manifests.spec("EC2NodeClass", "reserved-class")


def test_a_pool_of_reserved_capacity(manifests: Manifests) -> None:
    term = {"id": "cr-0123456789abcdef0"}
    reserved = manifests.spec("EC2NodeClass", "reserved-class")
    assert reserved["capacityReservationSelectorTerms"] == [term]
    markets = manifests.spec("NodePool", "reserved")["template"]["spec"]["requirements"][1]
    assert markets["values"] == ["reserved"]


def test_a_pool_of_auto_mode(manifests: Manifests) -> None:
    node_class = manifests.resources["NodeClass", "auto-class"].inputs
    assert node_class["apiVersion"] == "eks.amazonaws.com/v1"
    assert node_class["spec"] == {
        "role": "nodes",
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "c"}}],
        "securityGroupSelectorTerms": [{"tags": {"aws:eks:cluster-name": "c"}}],
        "ephemeralStorage": {"size": "200Gi", "iops": 3000, "throughput": 500},
        "capacityReservationSelectorTerms": [{"id": "cr-0123456789abcdef0"}, {"id": UNKNOWN}],
        "tags": {"cost": "ml"},
    }
    template = manifests.spec("NodePool", "auto")["template"]["spec"]
    assert template["nodeClassRef"] == {
        "group": "eks.amazonaws.com",
        "kind": "NodeClass",
        "name": "auto",
    }
    assert template["expireAfter"] == "504h"
    assert template["requirements"][0]["key"] == "eks.amazonaws.com/instance-family"
    assert template["requirements"][1]["values"] == ["reserved", "spot", "on-demand"]


def test_the_pool_of_another_maker(manifests: Manifests) -> None:
    pool = manifests.spec("NodePool", "neuron")
    assert pool["limits"] == {"aws.amazon.com/neuron": "1"}
    assert pool["template"]["spec"]["taints"] == [
        {"key": "aws.amazon.com/neuron", "effect": "NoSchedule"}
    ]


def test_a_deployment_depends_on_the_pool_whose_name_it_takes(manifests: Manifests) -> None:
    links = manifests.resources["Deployment", "many"].property_dependencies
    assert links is not None
    assert manifests.resources["NodePool", "types"].urn in links["spec"]
