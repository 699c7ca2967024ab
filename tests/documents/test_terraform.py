"""Terraform plans and states: judged as the same stack in Pulumi is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.documents.terraform_plans import configured_resource, plan
from tests.outcomes import report_on
from zerofloor.documents import read
from zerofloor.errors import InputError
from zerofloor.report import Report

EKS = {
    "cluster_name": "${aws_eks_cluster.main.name}",
    "node_group_name": "gpu",
    "node_role_arn": "${aws_iam_role.nodes.arn}",
    "subnet_ids": ["subnet-1"],
    "instance_types": ["g5.12xlarge"],
    "scaling_config": [{"min_size": 0, "desired_size": 0, "max_size": 2}],
}
TEMPLATE = {"name_prefix": "gpu-", "instance_type": "p4d.24xlarge"}
GROUP = {
    "min_size": 1,
    "max_size": 2,
    "vpc_zone_identifier": ["subnet-1"],
    "launch_template": [{"id": "${aws_launch_template.gpu.id}", "version": "$Latest"}],
}
GKE = {
    "cluster": "${google_container_cluster.main.name}",
    "location": "us-central1-a",
    "node_config": [
        {
            "machine_type": "g2-standard-24",
            "guest_accelerator": [{"type": "nvidia-l4", "count": 2}],
        }
    ],
    "autoscaling": [{"min_node_count": 0, "max_node_count": 3}],
}
AKS = {
    "name": "gpu",
    "kubernetes_cluster_id": "${azurerm_kubernetes_cluster.main.id}",
    "vm_size": "Standard_NC24ads_A100_v4",
    "auto_scaling_enabled": True,
    "min_count": 0,
    "max_count": 3,
}
AZUREML = {
    "name": "train",
    "location": "eastus",
    "machine_learning_workspace_id": "${azurerm_machine_learning_workspace.main.id}",
    "vm_priority": "Dedicated",
    "vm_size": "Standard_NC24ads_A100_v4",
    "scale_settings": [
        {
            "min_node_count": 4,
            "max_node_count": 8,
            "scale_down_nodes_after_idle_duration": "PT30S",
        }
    ],
}
DEPLOYMENT = {
    "metadata": [{"name": "llm", "namespace": "models"}],
    "spec": [
        {
            "replicas": "2",
            "selector": [{"match_labels": {"app": "llm"}}],
            "template": [
                {
                    "metadata": [{"labels": {"app": "llm"}}],
                    "spec": [
                        {
                            "container": [
                                {
                                    "name": "server",
                                    "image": "vllm/vllm-openai:v0.11.0",
                                    "resources": [{"limits": {"nvidia.com/gpu": "1"}}],
                                }
                            ]
                        }
                    ],
                }
            ],
        }
    ],
}
MANIFEST = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "llm"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "llm"}},
        "template": {
            "metadata": {"labels": {"app": "llm"}},
            "spec": {
                "containers": [
                    {"name": "c", "image": "x", "resources": {"limits": {"nvidia.com/gpu": 2}}}
                ]
            },
        },
    },
}
RUN = {
    "name": "llm",
    "location": "us-central1",
    "template": [
        {
            "scaling": [{"min_instance_count": 1, "max_instance_count": 2}],
            "node_selector": [{"accelerator": "nvidia-l4"}],
            "containers": [
                {"image": "x", "resources": [{"limits": {"nvidia.com/gpu": "1", "cpu": "8"}}]}
            ],
        }
    ],
}


def judged(data: bytes) -> Report:
    return report_on(read("plan.json", data))


def change(arguments: dict[str, Any], block: str, **fields: Any) -> dict[str, Any]:
    """The arguments with fields of a block replaced."""
    return {**arguments, block: [{**arguments[block][0], **fields}]}


@pytest.mark.parametrize(
    ("resources", "verdict", "gpus"),
    [
        ({"aws_eks_node_group.gpu": EKS}, "zero", 0),
        # One node of four A10G.
        (
            {"aws_eks_node_group.gpu": change(EKS, "scaling_config", min_size=1, desired_size=1)},
            "held",
            4,
        ),
        # The group's template is a reference, its id unknown: eight A100.
        ({"aws_launch_template.gpu": TEMPLATE, "aws_autoscaling_group.gpu": GROUP}, "held", 8),
        (
            {
                "aws_launch_template.gpu": TEMPLATE,
                "aws_launch_template.cpu": {"instance_type": "m7i.large"},
                "aws_autoscaling_group.gpu": GROUP,
            },
            "held",
            8,
        ),
        ({"aws_instance.trainer": {"ami": "ami-1", "instance_type": "g6e.xlarge"}}, "held", 1),
        ({"aws_instance.web": {"ami": "ami-1", "instance_type": "m7i.large"}}, "zero", 0),
        ({"google_container_node_pool.gpu": GKE}, "zero", 0),
        (
            {"google_container_node_pool.gpu": change(GKE, "autoscaling", min_node_count=1)},
            "held",
            2,
        ),
        ({"google_cloud_run_v2_service.llm": RUN}, "held", 1),
        ({"azurerm_kubernetes_cluster_node_pool.gpu": AKS}, "zero", 0),
        ({"azurerm_kubernetes_cluster_node_pool.gpu": {**AKS, "min_count": 2}}, "held", 2),
        ({"azurerm_machine_learning_compute_cluster.train": AZUREML}, "held", 4),
        ({"kubernetes_deployment_v1.llm": DEPLOYMENT}, "held", 2),
        ({"kubernetes_deployment.llm": change(DEPLOYMENT, "spec", replicas="0")}, "zero", 0),
        ({"kubernetes_manifest.llm": {"manifest": MANIFEST}}, "held", 2),
        ({"kubectl_manifest.llm": {"yaml_body": json.dumps(MANIFEST)}}, "held", 2),
    ],
)
def test_a_plan_has_the_floor_of_its_stack(
    resources: dict[str, Any], verdict: str, gpus: int
) -> None:
    floor = judged(plan(resources)).floor
    assert (floor.verdict, floor.gpus) == (verdict, Decimal(gpus))


def test_what_the_provider_computes_is_no_input() -> None:
    """An omitted node_config is one block that is unknown, an omitted size the present one."""
    pool: dict[str, Any] = {"cluster": "main", "location": "us-central1-a", "node_count": 3}
    data = plan(
        {"google_container_node_pool.cpu": pool},
        unknown={"google_container_node_pool.cpu": {"node_config": True, "version": True}},
    )
    report = judged(data)
    assert (report.floor.verdict, report.findings) == ("zero", ())


def test_a_size_that_a_scaler_moved_is_not_declared() -> None:
    group = {**GROUP, "min_size": 0}
    data = plan(
        {"aws_launch_template.gpu": TEMPLATE, "aws_autoscaling_group.gpu": group},
        actions={"aws_autoscaling_group.gpu": ["no-op"]},
        computed={"aws_autoscaling_group.gpu": {"desired_capacity": 2}},
    )
    assert judged(data).floor.verdict == "zero"


@pytest.mark.parametrize("mask", ["unknown", "sensitive"])
@pytest.mark.parametrize(
    ("address", "arguments", "hidden"),
    [
        ("aws_eks_node_group.gpu", EKS, {"scaling_config": [{"min_size": True}]}),
        ("aws_eks_node_group.gpu", EKS, {"scaling_config": True}),
        (
            "aws_eks_node_group.gpu",
            change(EKS, "scaling_config", min_size=1),
            {"instance_types": True},
        ),
        ("google_container_node_pool.gpu", GKE, {"autoscaling": [{"min_node_count": True}]}),
        ("azurerm_kubernetes_cluster_node_pool.gpu", AKS, {"min_count": True}),
        ("kubernetes_deployment.llm", DEPLOYMENT, {"spec": [{"replicas": True}]}),
        (
            "kubernetes_manifest.llm",
            {"manifest": MANIFEST},
            {"manifest": {"spec": {"replicas": True}}},
        ),
        ("kubernetes_manifest.llm", {"manifest": MANIFEST}, {"manifest": True}),
        ("kubectl_manifest.llm", {"yaml_body": json.dumps(MANIFEST)}, {"yaml_body": True}),
    ],
)
def test_hidden_never_passes(
    mask: str, address: str, arguments: dict[str, Any], hidden: dict[str, Any]
) -> None:
    masks: dict[str, Any] = {mask: {address: hidden}}
    assert judged(plan({address: arguments}, **masks)).gate == "fail"


def test_a_resource_that_goes_is_not_counted() -> None:
    address = "aws_instance.trainer"
    trainer: dict[str, Any] = {address: {"instance_type": "g6e.xlarge"}}
    assert judged(plan(trainer, actions={address: ["delete"]})).floor.verdict == "zero"
    assert judged(plan(trainer, actions={address: ["forget"]})).floor.verdict == "zero"
    assert judged(plan(trainer, actions={address: ["create", "delete"]})).floor.gpus == 1


def test_links_go_through_modules_and_keys() -> None:
    """Two instances of a module, each with its template and its group."""
    inside = {
        "resources": [
            configured_resource("aws_launch_template.this", {"instance_type": "${var.type}"}),
            configured_resource(
                "aws_autoscaling_group.this",
                GROUP | {"launch_template": [{"id": "${aws_launch_template.this.id}"}]},
            ),
        ]
    }
    modules = {"nodes": {"expressions": {"type": {"references": ["each.value"]}}, "module": inside}}
    group = {**GROUP, "launch_template": [{"id": "${aws_launch_template.this.id}"}]}
    resources: dict[str, dict[str, Any]] = {
        'module.nodes["cpu"].aws_launch_template.this': {"instance_type": "m7i.large"},
        'module.nodes["cpu"].aws_autoscaling_group.this': group,
        'module.nodes["gpu"].aws_launch_template.this': {"instance_type": "g5.xlarge"},
        'module.nodes["gpu"].aws_autoscaling_group.this': {**group, "min_size": 2},
    }
    floor = judged(plan(resources, modules=modules)).floor
    assert (floor.verdict, floor.gpus) == ("held", Decimal(2))


CPU_TEMPLATE = {"instance_type": "m7i.large"}


@pytest.mark.parametrize(("given", "gpus"), [("gpu", 8), ("cpu", 0)])
def test_a_template_that_a_module_is_given_by_a_variable(given: str, gpus: int) -> None:
    """The group in the module launches what its caller hands in: p4d.24xlarge has eight A100."""
    group = {**GROUP, "launch_template": [{"id": "${var.template}"}]}
    inside = {"resources": [configured_resource("aws_autoscaling_group.this", group)]}
    reference = [f"aws_launch_template.{given}.id", f"aws_launch_template.{given}"]
    call = {"expressions": {"template": {"references": reference}}, "module": inside}
    resources: dict[str, dict[str, Any]] = {
        "aws_launch_template.gpu": TEMPLATE,
        "aws_launch_template.cpu": CPU_TEMPLATE,
        "module.nodes.aws_autoscaling_group.this": group,
    }
    found = judged(plan(resources, modules={"nodes": call})).floor
    assert (found.gpus, found.undecided) == (Decimal(gpus), ())


@pytest.mark.parametrize(("given", "gpus"), [("gpu", 8), ("cpu", 0)])
def test_a_template_that_a_module_gives_as_an_output(given: str, gpus: int) -> None:
    inside = {
        "resources": [
            configured_resource("aws_launch_template.gpu", TEMPLATE),
            configured_resource("aws_launch_template.cpu", CPU_TEMPLATE),
        ],
        "outputs": {
            name: {"expression": {"references": [f"aws_launch_template.{name}.id"]}}
            for name in ("gpu", "cpu")
        },
    }
    group = {**GROUP, "launch_template": [{"id": f"${{module.templates.{given}}}"}]}
    resources: dict[str, dict[str, Any]] = {
        "module.templates.aws_launch_template.gpu": TEMPLATE,
        "module.templates.aws_launch_template.cpu": CPU_TEMPLATE,
        "aws_autoscaling_group.nodes": group,
    }
    found = judged(plan(resources, modules={"templates": {"module": inside}})).floor
    assert (found.gpus, found.undecided) == (Decimal(gpus), ())


@pytest.mark.parametrize(
    ("reference", "verdict", "gpus"),
    [
        ("aws_launch_template.gpu.id", "held", 8),
        # What stands beside it is the same for every resource.
        (
            "aws_launch_template.gpu.id} ${path.module} ${terraform.workspace} ${count.index",
            "held",
            8,
        ),
        # The plan doesn't tell what a local was computed from: either template may be meant.
        ("local.template", "undecided", 0),
        ("data.aws_launch_template.of_another_stack.id", "undecided", 0),
    ],
)
def test_what_a_reference_can_tell(reference: str, verdict: str, gpus: int) -> None:
    resources: dict[str, dict[str, Any]] = {
        "aws_launch_template.gpu": TEMPLATE,
        "aws_launch_template.cpu": CPU_TEMPLATE,
        "aws_autoscaling_group.nodes": change(GROUP, "launch_template", id=f"${{{reference}}}"),
    }
    found = judged(plan(resources)).floor
    assert (found.verdict, found.gpus or 0) == (verdict, gpus)


def test_a_module_that_is_given_its_own_output_ends() -> None:
    """Terraform refuses the cycle; a document may have it."""
    output = {"x": {"expression": {"references": ["var.x"]}}}
    call = {"expressions": {"x": {"references": ["module.a.x"]}}, "module": {"outputs": output}}
    resources = {
        "aws_autoscaling_group.nodes": change(GROUP, "launch_template", id="${module.a.x}")
    }
    assert judged(plan(resources, modules={"a": call})).floor.verdict == "undecided"


def test_the_region_comes_from_the_provider() -> None:
    """By a variable of the plan; one that is not in it leaves the GPU unpriced."""
    trainer = {"aws_instance.trainer": {"instance_type": "g6e.xlarge"}}
    providers = {"aws": {"name": "aws", "expressions": {"region": {"references": ["var.region"]}}}}
    known = plan(trainer, providers=providers, variables={"region": {"value": "us-west-2"}})
    report = judged(known)
    assert report.estimate.unpriced == ()
    assert any("us-west-2" in item.what for item in report.estimate.items)
    assert judged(plan(trainer, providers=providers)).estimate.unpriced != ()


def test_a_state_is_what_runs() -> None:
    values = {"ami": "ami-1", "instance_type": "g6e.xlarge", "id": "i-1", "password_data": "x"}
    child = {
        "address": "module.a",
        "resources": [
            {
                "address": "module.a.aws_instance.x",
                "mode": "managed",
                "type": "aws_instance",
                "values": values,
                "sensitive_values": {"password_data": True},
            }
        ],
    }
    document = {
        "format_version": "1.0",
        "terraform_version": "1.9.8",
        "values": {"root_module": {"resources": [], "child_modules": [child]}},
    }
    stack = read("state.json", json.dumps(document).encode())
    assert report_on(stack).floor.gpus == 1
    assert '"x"' not in repr(stack)


def test_a_stack_without_a_gpu_is_quiet() -> None:
    resources: dict[str, dict[str, Any]] = {
        "aws_iam_role.gpu_nodes": {"name": "gpu-nodes", "description": "for p4d.24xlarge"},
        "aws_security_group.gpu": {"name": "gpu", "description": "GPU nodes"},
        "aws_s3_bucket.models": {"bucket": "nvidia-models"},
        "aws_lb.web": {"name": "web", "load_balancer_type": "application"},
        "google_storage_bucket.models": {"name": "gpu-models", "location": "US"},
        "azurerm_resource_group.gpu": {"name": "gpu", "location": "eastus"},
        "random_id.gpu": {"byte_length": 4},
    }
    report = judged(plan(resources))
    assert (report.floor.verdict, report.findings) == ("zero", ())


def test_a_type_that_is_not_read_and_names_a_gpu_is_undecided() -> None:
    data = plan({"aws_new_service_thing.x": {"instance_type": "p5.48xlarge", "nodes": 2}})
    assert judged(data).floor.verdict == "undecided"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (plan({}, errored=True), "the plan failed"),
        (plan({}, deferred_changes=[{}]), "defers 1 of its changes"),
        (plan({}).replace(b'"1.2"', b'"2.0"'), "format 2.0"),
        (
            plan({"aws_instance.x": {}}, actions={"aws_instance.x": ["open"]}),
            "action open is not known",
        ),
        (b'{"version": 4, "terraform_version": "1.9.8", "lineage": "x"}', "a backend keeps it"),
        (b"PK\x03\x04\x14\x00", "terraform show -json"),
        (b'{"format_version": "1.2"}', "neither a plan nor a state"),
        (plan({})[:-40], "ends too early"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read("plan.json", data)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


H100: dict[str, Any] = {"name": "gpu", "size": "gpu-h100x1-80gb"}
SMALLER_CLOUDS: list[tuple[str, dict[str, Any], str, int]] = [
    # Type, arguments, verdict and GPUs by the providers' documentation; pairs of both outcomes.
    ("digitalocean_droplet", {"size": "gpu-h100x8-640gb", "image": "x"}, "held", 8),
    ("digitalocean_droplet", {"size": "s-2vcpu-4gb", "image": "x"}, "zero", 0),
    ("digitalocean_kubernetes_cluster", {"node_pool": [{**H100, "node_count": 2}]}, "held", 2),
    (
        "digitalocean_kubernetes_node_pool",
        {**H100, "auto_scale": True, "min_nodes": 0, "max_nodes": 2},
        "zero",
        0,
    ),
    ("linode_lke_cluster", {"pool": [{"type": "g2-gpu-rtx4000a1-s", "count": 2}]}, "held", 2),
    (
        "linode_lke_cluster",
        {"pool": [{"type": "g2-gpu-rtx4000a1-s", "count": 2}, {"type": "g6-nanode-1", "count": 1}]},
        "held",
        2,
    ),
    ("linode_lke_cluster", {"pool": [{"type": "g6-nanode-1", "count": 2}]}, "zero", 0),
    ("oci_core_instance", {"shape": "VM.GPU.A10.1"}, "held", 1),
    ("oci_core_instance", {"shape": "VM.GPU.A10.1", "state": "STOPPED"}, "zero", 0),
    (
        "oci_containerengine_node_pool",
        {"node_shape": "BM.GPU.H100.8", "node_config_details": [{"size": 2}]},
        "held",
        16,
    ),
    ("alicloud_instance", {"instance_type": "ecs.gn7i-c8g1.2xlarge"}, "held", 1),
    (
        "alicloud_cs_kubernetes_node_pool",
        {
            "instance_types": ["ecs.gn7i-c8g1.2xlarge"],
            "scaling_config": [{"enable": True, "min_size": 0, "max_size": 3}],
        },
        "zero",
        0,
    ),
    ("scaleway_k8s_pool", {"node_type": "L4-1-24G", "size": 1}, "held", 1),
    (
        "scaleway_k8s_pool",
        {"node_type": "L4-1-24G", "size": 1, "autoscaling": True, "min_size": 0, "max_size": 2},
        "zero",
        0,
    ),
    (
        "databricks_cluster",
        {
            "node_type_id": "g5.xlarge",
            "driver_node_type_id": "m5.large",
            "autotermination_minutes": 0,
            "autoscale": [{"min_workers": 2, "max_workers": 5}],
        },
        "held",
        2,
    ),
    ("databricks_cluster", {"node_type_id": "g5.xlarge", "num_workers": 2}, "zero", 0),
    (
        "snowflake_compute_pool",
        {"instance_family": "GPU_NV_S", "min_nodes": 1, "max_nodes": 1, "auto_suspend_secs": 0},
        "held",
        1,
    ),
    (
        "snowflake_compute_pool",
        {"instance_family": "GPU_NV_S", "min_nodes": 1, "max_nodes": 1, "auto_suspend_secs": 600},
        "zero",
        0,
    ),
    ("runpod_endpoint", {"workers_min": 1, "workers_max": 3, "gpu_ids": "AMPERE_80"}, "held", 1),
    ("runpod_endpoint", {"workers_min": 0, "workers_max": 3, "gpu_ids": "AMPERE_80"}, "zero", 0),
    ("vultr_instance", {"plan": "vcg-a40-24c-120g-48vram"}, "held", 1),
    ("ibm_is_instance", {"profile": "gx3-16x80x1l4"}, "held", 1),
    ("ovh_cloud_project_kube_nodepool", {"flavor_name": "l4-90", "desired_nodes": 1}, "held", 1),
    (
        "tencentcloud_kubernetes_node_pool",
        {
            "max_size": 2,
            "min_size": 1,
            "enable_auto_scale": True,
            "auto_scaling_config": [{"instance_type": "GN7.2XLARGE32"}],
        },
        "held",
        1,
    ),
]


@pytest.mark.parametrize(("kind", "arguments", "verdict", "gpus"), SMALLER_CLOUDS)
def test_the_smaller_clouds_are_read(
    kind: str, arguments: dict[str, Any], verdict: str, gpus: int
) -> None:
    floor = report_on(read("plan", plan({f"{kind}.gpu": arguments}))).floor
    assert (floor.verdict, floor.gpus) == (verdict, Decimal(gpus))


def test_a_smaller_cloud_s_database_is_none() -> None:
    databases = {
        "digitalocean_database_cluster.d": {"engine": "pg", "size": "db-s-1vcpu-1gb"},
        "scaleway_rdb_instance.r": {"node_type": "DB-DEV-S"},
        "snowflake_warehouse.w": {"warehouse_size": "XSMALL"},
        "exoscale_compute_instance.e": {"type": "standard.medium"},
        "linode_instance.l": {"type": "g6-nanode-1"},
    }
    assert report_on(read("plan", plan(databases))).floor.verdict == "zero"


@pytest.mark.parametrize(
    ("command", "verdict"),
    [
        ("aws ec2 run-instances --instance-type p4d.24xlarge", "undecided"),
        ("aws ec2 run-instances --instance-type t3.micro", "zero"),
        ("echo g5.xlarge", "zero"),
    ],
)
def test_a_provisioner_that_starts_a_gpu_machine_is_seen(command: str, verdict: str) -> None:
    document = json.loads(plan({"null_resource.start": {}}))
    (resource,) = document["configuration"]["root_module"]["resources"]
    expressions = {"command": {"constant_value": command}}
    resource["provisioners"] = [{"type": "local-exec", "expressions": expressions}]
    floor = report_on(read("plan", json.dumps(document).encode())).floor
    assert floor.verdict == verdict
