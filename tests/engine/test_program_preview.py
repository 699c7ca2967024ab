"""Real programs with the real SDK in a real child process: what the in-process preview makes of
them."""

from __future__ import annotations

import json
import venv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.engine.program_folder import VPC, program
from zerofloor.documents import read
from zerofloor.engine.program import preview_in_process
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

DATA = Path(__file__).parents[1] / "data" / "engine"
PROGRAMS = Path(__file__).parent / "programs"


def preview(folder: Path, **options: Any) -> dict[str, Resource]:
    return by_name(preview_in_process(folder, "dev", time_limit=60, **options))


def by_name(stack: Stack) -> dict[str, Resource]:
    return {resource.name: resource for resource in stack.resources}


def test_the_recorded_program_gives_what_the_engine_recorded(tmp_path: Path) -> None:
    folder = program(tmp_path, (DATA / "program.py").read_text())
    (folder / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text('config:\n  demo:floor: "0"\n  demo:extra: "true"\n')
    digest = read("create.digest.json", (DATA / "create.digest.json").read_bytes())
    ours = preview_in_process(folder, "dev", time_limit=60)
    assert [resource.urn for resource in ours.resources] == [
        resource.urn for resource in digest.resources
    ]
    for one, other in zip(ours.resources, digest.resources, strict=True):
        if one.type == "kubernetes:core/v1:Secret":
            # Recorded with a provider that echoes; the real one encodes what a Secret holds.
            assert (one.inputs["data"], other.inputs["stringData"]) == (SECRET, SECRET)
            one = replace(one, inputs=other.inputs)
        assert one == other
    assert (ours.project, ours.name, ours.config) == (digest.project, digest.name, digest.config)
    assert (ours.kind, ours.previewed_by, ours.notes) == ("program", "in-process", ())


def test_the_same_program_gives_the_same_stack(tmp_path: Path) -> None:
    source = (
        f"import pulumi\n{VPC}\npulumi.ComponentResource('a:b:C', 'c', {{'z': 1, 'a': {{'y': "
        f"2, 'b': 3}}}})\n"
    )
    one, other = (
        preview_in_process(program(tmp_path, source), "dev", time_limit=60) for _ in range(2)
    )
    assert repr(one) == repr(other)


def test_transforms_change_inputs_options_and_links() -> None:
    resources = preview(PROGRAMS / "transforms")
    group = resources["group"]
    assert group.inputs["scalingConfig"] == {"minSize": 1, "maxSize": 2, "desiredSize": 0}
    assert group.inputs["tags"] == {"team": "serving"}
    assert (group.inputs["subnetIds"], group.inputs["instanceTypes"]) == ([UNKNOWN], SECRET)
    assert group.ignore_changes == ("scalingConfig.desiredSize",)
    assert resources["vllm"].inputs["spec"]["replicas"] == 3
    # As in the engine: a resource's own transform keeps links only where it returns nothing, since
    # the SDK drops them from a result.
    assert group.property_dependencies is not None
    assert group.property_dependencies["subnetIds"] == ()
    linked = resources["linked"].property_dependencies
    assert linked is not None
    assert linked["data"] == (resources["vpc"].urn,)


def test_nested_components_name_their_children() -> None:
    stack = preview_in_process(PROGRAMS / "components", "dev", time_limit=60)
    resources = by_name(stack)
    model = "urn:pulumi:dev::components::components:serving:Fleet$components:serving:Model"
    assert resources["fleet"].custom is False
    deployment = next(
        r for r in stack.resources if r.urn == f"{model}$kubernetes:apps/v1:Deployment::fleet-1"
    )
    assert deployment.parent == f"{model}::fleet-1"
    assert (deployment.provider or "").startswith(
        "urn:pulumi:dev::components::pulumi:providers:kubernetes::cluster::"
    )
    assert (resources["fleet-gateway"].provider or "").startswith(
        "urn:pulumi:dev::components::pulumi:providers:aws::paris::"
    )


def test_providers_carry_their_region_and_are_inherited() -> None:
    resources = preview(PROGRAMS / "providers")
    tokyo = f"{resources['tokyo'].urn}::04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert resources["tokyo"].inputs["region"] == "ap-northeast-1"
    assert resources["inside"].inputs["kubeconfig"] is UNKNOWN
    assert (resources["cluster"].provider, resources["group"].provider) == (tokyo, tokyo)
    assert (resources["older"].provider or "").split("::")[-2] == "default_7_0_0"


def test_look_ups_are_answered_and_each_answer_is_told() -> None:
    stack = preview_in_process(PROGRAMS / "invokes", "dev", time_limit=60)
    resources = by_name(stack)
    assert resources["plain"].inputs["instanceType"] == "g6.xlarge"
    assert resources["output"].inputs["instanceType"] == "g6.xlarge"
    assert resources["unknown"].inputs["ami"] is UNKNOWN
    assert stack.notes == (
        (
            "aws:index/getCallerIdentity:getCallerIdentity answered with account 123456789012, "
            "as in AWS' documentation"
        ),
        "aws:index/getPartition:getPartition answered with partition aws",
        "aws:index/getRegion:getRegion answered with region us-west-2",
    )


def test_a_manifest_becomes_its_objects() -> None:
    resources = {
        resource.type: resource
        for resource in preview_in_process(PROGRAMS / "manifest", "dev", time_limit=60).resources
    }
    model = resources["kubernetes:apps/v1:Deployment"]
    assert (model.name, model.parent) == (
        "gpu/vllm",
        "urn:pulumi:dev::manifest::kubernetes:yaml:ConfigFile::models",
    )
    assert model.inputs["spec"]["template"]["spec"]["containers"][0]["resources"] == {
        "limits": {"nvidia.com/gpu": 1}
    }
    assert (
        resources["kubernetes:autoscaling/v2:HorizontalPodAutoscaler"].inputs["spec"]["minReplicas"]
        == 1
    )
    assert resources["kubernetes:karpenter.sh/v1:NodePool"].inputs["spec"] == {
        "limits": {"nvidia.com/gpu": "8"}
    }
    assert resources["kubernetes:core/v1:ConfigMap"].inputs["data"] == {"since": "2026-01-01"}


def test_what_is_computed_from_outputs_is_known_as_far_as_its_parts_are() -> None:
    resources = preview(PROGRAMS / "outputs")
    data = resources["map"].inputs["data"]
    assert resources["group"].inputs["subnetIds"] == ["subnet-1", "subnet-2"]
    assert resources["scaler"].inputs["spec"] == {
        "scaleTargetRef": {"name": "vllm"},
        "minReplicaCount": 1,
        "maxReplicaCount": 1,
    }
    assert data == {
        "arn": UNKNOWN,
        "subnet": "subnet-1",
        "policy": UNKNOWN,
        "sentence": "runs on serving",
        "token": SECRET,
        "both": SECRET,
    }


def test_hooks_are_taken_and_not_run() -> None:
    assert preview(PROGRAMS / "hooks")["hooked"].inputs["instanceType"] == "g5.xlarge"


def test_reads_are_resources_that_exist() -> None:
    vpc = preview(PROGRAMS / "lookup")["vpc"]
    assert (vpc.op, vpc.inputs) == ("read", {})


def test_a_program_may_declare_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert [resource.type for resource in preview(PROGRAMS / "empty").values()] == [
        "pulumi:pulumi:Stack"
    ]
    assert "info: hello" in capsys.readouterr().err


def test_a_dynamic_providers_code_is_no_input(tmp_path: Path) -> None:
    source = """
        from pulumi.dynamic import CreateResult, Resource, ResourceProvider

        class Provider(ResourceProvider):
            def create(self, props):
                raise RuntimeError("a preview creates nothing")

        class Ticket(Resource):
            pass

        Ticket(Provider(), "ticket", {"gpus": 8, "number": None})
    """
    ticket = preview(program(tmp_path, source))["ticket"]
    assert (ticket.type, ticket.inputs) == ("pulumi-python:dynamic:Resource", {"gpus": 8})


REMOTE = f"""
    import pulumi

    class Cluster(pulumi.ComponentResource):
        kubeconfig: pulumi.Output[str]

        def __init__(self, name, props):
            super().__init__("eks:index:Cluster", name, {{**props, "kubeconfig": None}}, None, remote=True)

    vpc = {VPC}
    cluster = Cluster("cluster", {{"vpcId": vpc.id, "instanceType": "p5.48xlarge", "token": pulumi.Output.secret("planted"), "minSize": 1}})
    called = pulumi.runtime.call("eks:index:Cluster/getKubeconfig", {{"__self__": cluster}}, cluster)
    pulumi.CustomResource("aws:ec2/instance:Instance", "after", {{"userData": cluster.kubeconfig, "tags": called}})
"""


def test_a_remote_component_is_kept_with_its_inputs(tmp_path: Path) -> None:
    stack = preview_in_process(program(tmp_path, REMOTE), "dev", time_limit=60)
    cluster, after = by_name(stack)["cluster"], by_name(stack)["after"]
    assert (cluster.custom, cluster.provider) == (False, None)
    assert cluster.inputs == {
        "vpcId": UNKNOWN,
        "instanceType": "p5.48xlarge",
        "token": SECRET,
        "minSize": 1,
    }
    assert cluster.property_dependencies is not None
    assert cluster.property_dependencies["vpcId"] == (by_name(stack)["vpc"].urn,)
    assert after.inputs == {"userData": UNKNOWN, "tags": UNKNOWN}
    assert stack.notes == (
        "the result of eks:index:Cluster/getKubeconfig is not known here",
        f"{cluster.urn} is a component of another package: what it creates is not known here",
    )


REFERENCE = """
    import pulumi

    other = pulumi.StackReference("acme/network/prod")
    pulumi.CustomResource("aws:ec2/instance:Instance", "beside", {
        "instanceType": other.get_output("type"), "count": other.require_output("count"),
    })
"""


def test_another_stacks_outputs_are_unknown_unless_given(tmp_path: Path) -> None:
    folder = program(tmp_path, REFERENCE)
    stack = preview_in_process(folder, "dev", time_limit=60)
    assert by_name(stack)["beside"].inputs == {"instanceType": UNKNOWN, "count": UNKNOWN}
    assert stack.notes == ("the outputs of the stack acme/network/prod are not known here",)
    exports = tmp_path / "exports.json"
    exports.write_text(json.dumps({"acme/network/prod": {"type": "g5.xlarge", "count": 2}}))
    assert preview(folder, exports=exports)["beside"].inputs == {
        "instanceType": "g5.xlarge",
        "count": 2,
    }


def test_answers_of_the_settings_go_first(tmp_path: Path) -> None:
    source = """
        import pulumi
        image = pulumi.runtime.invoke("aws:ec2/getAmi:getAmi", {"owners": ["amazon"]}).value
        pulumi.CustomResource("aws:ec2/instance:Instance", "instance", {"ami": image["id"]})
    """
    answers: Mapping[str, Mapping[str, Any]] = {"aws:ec2/getAmi:getAmi": {"id": "ami-1"}}
    stack = preview_in_process(program(tmp_path, source), "dev", time_limit=60, answers=answers)
    assert by_name(stack)["instance"].inputs == {"ami": "ami-1"}
    assert stack.notes == ("aws:ec2/getAmi:getAmi answered with what the settings say",)


def test_an_output_form_without_an_answer_is_unknown_and_not_missing(tmp_path: Path) -> None:
    source = """
        import pulumi
        image = pulumi.runtime.invoke_output("aws:ec2/getAmi:getAmi", {"owners": ["amazon"]})
        pulumi.CustomResource("aws:ec2/instance:Instance", "instance", {"ami": image.apply(lambda found: found["id"])})
    """
    assert preview(program(tmp_path, source))["instance"].inputs == {"ami": UNKNOWN}


def test_a_transform_of_invokes_decides_what_is_asked(tmp_path: Path) -> None:
    source = """
        import pulumi

        def elsewhere(args):
            return pulumi.InvokeTransformResult({**args.args, "region": "eu-west-1"}, args.opts)

        pulumi.runtime.register_invoke_transform(elsewhere)
        region = pulumi.runtime.invoke("aws:index/getRegion:getRegion", {}).value
        pulumi.CustomResource("aws:ec2/instance:Instance", "instance", {"region": region["name"]})
    """
    assert preview(program(tmp_path, source, config="aws:region: us-west-2"))[
        "instance"
    ].inputs == {"region": "eu-west-1"}


ENCRYPTED = """
    test:token: {secure: v1:abc}
    test:login: {user: alice, password: {secure: v1:def}}
"""


def test_encrypted_configuration_is_secret_wherever_it_goes(tmp_path: Path) -> None:
    source = """
        import pulumi
        config = pulumi.Config()
        pulumi.CustomResource("aws:ec2/instance:Instance", "instance", {
            "marked": config.require_secret("token"),
            "plain": config.require("token"),
            "inside": f"token={config.require('token')}",
            "key": {config.require("token"): 1},
            "user": config.require_object("login")["user"],
            "password": config.require_object("login")["password"],
        })
    """
    stack = preview_in_process(program(tmp_path, source, config=ENCRYPTED), "dev", time_limit=60)
    hidden = dict.fromkeys(("marked", "plain", "inside", "key", "password"), SECRET)
    assert by_name(stack)["instance"].inputs == {**hidden, "user": "alice"}
    assert stack.config == {}
    assert [note for note in stack.notes if "encrypted" in note] == [
        "the configuration test:login is encrypted and not decrypted here",
        "the configuration test:token is encrypted and not decrypted here",
    ]


def test_what_a_provider_would_compute_is_unknown_also_within_an_object(tmp_path: Path) -> None:
    source = """
        import pulumi, pulumi_aws.eks as eks, pulumi_kubernetes.core.v1 as core

        cluster = eks.Cluster("cluster", role_arn="role", vpc_config={"subnet_ids": ["subnet-1"]})
        core.ConfigMap("map", data={
            "given": cluster.vpc_config.subnet_ids[0],
            "computed": cluster.vpc_config.cluster_security_group_id,
            "whole": cluster.vpc_config.apply(lambda vpc: vpc.vpc_id),
        })
    """
    data = preview(program(tmp_path, source))["map"].inputs["data"]
    assert data == {"given": "subnet-1", "computed": UNKNOWN, "whole": UNKNOWN}


def test_main_runs_where_the_project_says(tmp_path: Path) -> None:
    folder = program(tmp_path, "raise RuntimeError", project="runtime: python\nmain: app/serve.py")
    (folder / "app").mkdir()
    (folder / "app" / "helper.py").write_text("NAME = open('name.txt').read()\n")
    (folder / "app" / "name.txt").write_text("found")
    (folder / "app" / "serve.py").write_text(
        "import os, pulumi, helper\nos.chdir('/')\nclass C(pulumi.CustomResource):\n    def __init__(self, name):\n"
        "        super().__init__('a:b:C', name)\nC(helper.NAME)\n"
    )
    assert preview(folder)["found"].source_position == "app/serve.py:6"


def test_the_program_knows_its_stack(tmp_path: Path) -> None:
    source = (
        "import pulumi\npulumi.ComponentResource('a:b:C', '-'.join((pulumi.get_organization(), "
        "pulumi.get_project(), pulumi.get_stack())))"
    )
    folder = program(tmp_path, source)
    assert "acme-test-dev" in by_name(preview_in_process(folder, "acme/test/dev", time_limit=60))


def test_a_program_runs_in_its_own_environment_without_zerofloor_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)  # The suite's own checkout may be in it.
    source = """
        import importlib.util, sys
        import pulumi
        assert importlib.util.find_spec("zerofloor") is None
        pulumi.ComponentResource("a:b:C", sys.prefix.rpartition("/")[2])
    """
    folder = program(
        tmp_path, source, project="runtime: {name: python, options: {virtualenv: own}}"
    )
    venv.create(folder / "own", with_pip=False, symlinks=True)
    packages = Path(pulumi.__file__).parents[1]
    theirs = next((folder / "own").glob("lib/python3*/site-packages"))
    (theirs / "pulumi").symlink_to(packages / "pulumi")
    (theirs / "rest.pth").write_text(
        str(packages)
    )  # Its own .pth files, and so an editable zerofloor, are not read.
    assert "own" in preview(folder)
