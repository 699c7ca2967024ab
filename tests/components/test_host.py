"""The components as other languages get them: the plugin process itself, and a YAML program under
the real engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from tests.components.conftest import PLUGIN
from tests.engine.real_engine import ROOT, Engine
from tools.docs_components import SPECS, pages, shown


@pytest.fixture(scope="module")
def schema() -> Iterator[Mapping[str, Any]]:
    """What the plugin answers to GetSchema."""
    import grpc
    from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

    process = subprocess.Popen(
        [sys.executable, str(PLUGIN), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            answer = provider_pb2_grpc.ResourceProviderStub(channel).GetSchema(
                provider_pb2.GetSchemaRequest(), timeout=20
            )
        yield json.loads(answer.schema)
    finally:
        process.kill()
        process.communicate()


def test_every_part_of_the_schema_is_described(schema: Mapping[str, Any]) -> None:
    assert set(schema["resources"]) == {f"zerofloor:index:{name}" for name in SPECS}
    for resource in schema["resources"].values():
        assert resource["isComponent"]
        assert resource["description"]
        for name, one in {**resource["inputProperties"], **resource["properties"]}.items():
            assert one.get("description"), name
    for choice in schema["types"].values():
        assert all(member["description"] for member in choice["enum"]), choice
    signal = schema["types"]["zerofloor:index:WakeSignal"]
    assert [member["value"] for member in signal["enum"]] == [
        "http",
        "gateway",
        "sqs",
        "redis",
        "kafka",
    ]


def test_descriptions_carry_no_indentation_of_the_source(schema: Mapping[str, Any]) -> None:
    for resource in schema["resources"].values():
        for one in (resource, *resource["inputProperties"].values()):
            assert not re.search(r"\n +\S", one["description"]), one["description"]


def test_the_schema_and_the_specs_have_the_same_arguments(schema: Mapping[str, Any]) -> None:
    from zerofloor.components.arguments import camel

    for component, spec in SPECS.items():
        resource = schema["resources"][f"zerofloor:index:{component}"]
        assert set(resource["inputProperties"]) == {camel(name) for name in spec.model_fields}
        # `name` has the component's own name for its default.
        assert set(resource.get("requiredInputs", [])) == {
            camel(name)
            for name, one in spec.model_fields.items()
            if one.is_required() and name != "name"
        }


def test_bounds_are_plain_numbers_and_the_rest_takes_outputs(schema: Mapping[str, Any]) -> None:
    inputs = schema["resources"]["zerofloor:index:GpuDeployment"]["inputProperties"]
    for name in ("minReplicas", "maxReplicas", "gpus", "cooldownSeconds"):
        assert (inputs[name]["type"], inputs[name].get("plain")) == ("number", True)
    for name in ("image", "namespace", "queueUrl", "nodePool"):
        assert (inputs[name]["type"], inputs[name].get("plain")) == ("string", None)
    assert inputs["env"].get("plain") is None
    assert inputs["env"]["additionalProperties"]["type"] == "string"
    # An integer would break on any value that has a dependency (pulumi 3.272).
    assert '"integer"' not in json.dumps(schema)


def test_defaults_in_the_descriptions_are_those_of_the_specs(schema: Mapping[str, Any]) -> None:
    from zerofloor.components.arguments import camel

    for component, spec in SPECS.items():
        inputs = schema["resources"][f"zerofloor:index:{component}"]["inputProperties"]
        for name, field in spec.model_fields.items():
            described = " ".join(inputs[camel(name)]["description"].split())
            default = field.get_default(call_default_factory=False)
            if default is PydanticUndefined or default is None or default == ():
                assert " Default " not in described, name
            else:
                assert described.endswith(f" Default {shown(default)}."), name


def test_the_pages_about_the_components_are_fresh() -> None:
    fresh = pages()
    assert {path: path.read_text() for path in fresh} == fresh
    assert set((ROOT / "docs" / "components").glob("*.md")) < set(fresh)


def preview(engine: Engine, resources: str, *more: str) -> subprocess.CompletedProcess[str]:
    project = engine.folder / "yaml"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    (project / "Pulumi.yaml").write_text(f"name: p\nruntime: yaml\nresources:\n{resources}")
    if not (engine.folder / "state" / ".pulumi" / "stacks").exists():
        assert engine.pulumi("stack", "init", "dev", cwd=project).returncode == 0
    return engine.pulumi("preview", *more, cwd=project, environ={"PULUMI_STACK": "dev"})


GOOD = """
  job:
    type: aws:ec2/vpc:Vpc
    properties: {cidrBlock: 10.0.0.0/16}
  gpu:
    type: zerofloor:GpuNodePool
    properties: {clusterName: c, role: nodes, instanceTypes: [g6e.xlarge], maxGpus: 2}
  llm:
    type: zerofloor:GpuDeployment
    properties:
      image: server:1
      nodePool: ${gpu.name}
      minReplicas: 0
      maxReplicas: 2
      wakeSignal: sqs
      queueUrl: ${job.arn}
      queueRegion: us-east-1
      env:
        URL: ${job.arn}
        TOKEN:
          fn::secret: hf_planted_secret
"""


@pytest.mark.engine
def test_a_yaml_program_declares_the_same_objects(engine: Engine) -> None:
    done = preview(engine, GOOD, "--json", "--show-sames")
    assert done.returncode == 0, done.stdout
    assert "hf_planted_secret" not in done.stdout
    steps = json.loads(done.stdout)["steps"]
    states = {step["newState"]["type"].rpartition(":")[2]: step["newState"] for step in steps}
    assert states["NodePool"]["inputs"]["spec"]["limits"] == {"nvidia.com/gpu": "2"}
    scaler = states["ScaledObject"]["inputs"]["spec"]
    assert (scaler["minReplicaCount"], scaler["maxReplicaCount"], scaler["scaleTargetRef"]) == (
        0,
        2,
        {"name": "llm"},
    )
    pod = states["Deployment"]["inputs"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"karpenter.sh/nodepool": "gpu"}
    assert states["Deployment"]["parent"].endswith("GpuDeployment::llm")


BAD = """
  job:
    type: aws:ec2/vpc:Vpc
    properties: {cidrBlock: 10.0.0.0/16}
  llm:
    type: zerofloor:GpuDeployment
    properties:
      image: server:1
      minReplicas: ${job.cidrBlock}
      maxReplicas: 2.5
      instanceTypes: [g6e.xlarge]
      cpu:
        fn::secret: hf_planted_secret
      wakeSignal: http
"""


@pytest.mark.engine
def test_a_yaml_program_is_told_each_argument_that_is_wrong_and_no_value(engine: Engine) -> None:
    done = preview(engine, BAD)
    assert done.returncode != 0
    assert "the arguments are refused" in done.stdout
    assert "minReplicas: must be a plain value, not an Output" in done.stdout
    assert "maxReplicas: must be a whole number" in done.stdout
    assert "cpu: must be a plain value, not an Output" in done.stdout
    assert "hf_planted_secret" not in done.stdout
    assert "Traceback" not in done.stdout
    assert 'File "' not in done.stdout


POOL: dict[str, Any] = {
    "clusterName": "c",
    "role": "r",
    "instanceTypes": ["g6e.xlarge"],
    "maxGpus": 2.0,
}


@pytest.mark.parametrize(
    ("component", "inputs", "says"),
    [
        (
            "GpuNodePool",
            POOL | {"replica": 1.0},
            "replica: is not an argument of this component",
        ),
        (
            "GpuNodePool",
            POOL | {"max_gpus": 1.0},
            "max_gpus: is not an argument of this component; did you mean maxGpus?",
        ),
        (
            "GpuNodePool",
            {key: value for key, value in POOL.items() if key != "maxGpus"},
            "maxGpus: is required",
        ),
        (
            "GpuNodePool",
            {"maxGpu": 2.0, "capacityTypes": ["free"]},
            "maxGpu: is not an argument of this component; did you mean maxGpus?\n"
            "capacityTypes[0]: must be on-demand, spot or reserved\n"
            "maxGpus: is required\n"
            "clusterName: is required, or `discoveryTags` in its place\n"
            "role: is required, or `instanceProfile` in its place\n"
            "instanceTypes: is required, or `instanceFamilies` in its place",
        ),
        (
            "GpuDeployment",
            {"image": "i", "wakeSignal": "pigeon"},
            "wakeSignal: must be one of 'http', 'gateway', 'sqs', 'redis' or 'kafka'",
        ),
        (
            "GpuDeployment",
            {"image": "i", "gpus": 2.0, "instanceTypes": ["g6e.xlarge"]},
            "gpus: 2 do not fit on g6e.xlarge, which holds 1",
        ),
    ],
)
def test_the_plugin_refuses_by_name(component: str, inputs: dict[str, Any], says: str) -> None:
    from pulumi.errors import InputPropertiesError

    from zerofloor.components.host import Components

    with pytest.raises(InputPropertiesError) as refused:
        Components().construct("x", f"zerofloor:index:{component}", inputs)
    assert (refused.value.message, refused.value.errors) == (
        f"the arguments are refused\n{says}",
        [],
    )


ON_CLOUDS = """
  workers:
    type: zerofloor:Ec2GpuGroup
    properties:
      subnetIds: [s]
      instanceTypes: [g6e.xlarge]
      maxInstances: 4
      wakeSignal: sqs
      queueName: jobs
  nodes:
    type: zerofloor:EksGpuNodeGroup
    properties:
      clusterName: c
      nodeRoleArn: r
      subnetIds: [s]
      instanceTypes: [g6e.xlarge]
      maxNodes: 4
  gke:
    type: zerofloor:GkeGpuNodePool
    properties: {cluster: c, location: us-central1, machineType: g2-standard-8, maxNodes: 4}
  gce:
    type: zerofloor:GceGpuGroup
    properties:
      zone: us-central1-a
      image: i
      machineType: g2-standard-8
      maxInstances: 4
      subscription: jobs
  run:
    type: zerofloor:CloudRunGpuService
    properties: {location: us-central1, image: i, maxInstances: 2}
  aks:
    type: zerofloor:AksGpuNodePool
    properties: {resourceGroup: g, cluster: c, vmSize: Standard_NC24ads_A100_v4, maxNodes: 2}
  app:
    type: zerofloor:ContainerAppsGpuService
    properties: {resourceGroup: g, location: eastus, image: i, maxReplicas: 2}
"""


def test_components_on_clouds_are_created_without_an_sdk_of_their_providers(
    engine: Engine,
) -> None:
    assert preview(engine, ON_CLOUDS).returncode == 0
    project = engine.folder / "yaml"
    done = engine.pulumi("up", "--yes", cwd=project, environ={"PULUMI_STACK": "dev"})
    assert done.returncode == 0, done.stdout
    assert {"workers", "nodes", "gke", "gce", "run", "aks", "app"} <= set(engine.created())
    # A group before what scales it, a template before the group that is made of it.
    made = engine.created()
    assert made.index("workers-template") < made.index("workers") < made.index("workers-in")
    assert made.index("gce") < made.index("gce-autoscaler")
