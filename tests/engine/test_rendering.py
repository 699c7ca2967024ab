"""What components of the Kubernetes provider render: files, kustomizations and charts, or why
not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.program_folder import program
from tests.hiding import floor_of
from zerofloor.engine.program import preview_in_process
from zerofloor.engine.rendering import render
from zerofloor.errors import InputError
from zerofloor.stack import UNKNOWN, Resource, Stack

GPU = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  template:
    spec:
      containers: [{name: c, image: x, resources: {limits: {nvidia.com/gpu: 1}}}]
"""
CPU = GPU.replace("nvidia.com/gpu", "cpu")


def remote(kind: str, inputs: str) -> str:
    """A program of one component of the Kubernetes provider, without its SDK's import."""
    return f"""
        import pulumi
        pulumi.ComponentResource("kubernetes:{kind}", "c", {inputs}, remote=True)
    """


def component(kind: str, **inputs: object) -> Stack:
    token = f"kubernetes:{kind}"
    resource = Resource(f"urn:pulumi:dev::x::{token}::c", token, "c", inputs, custom=False)
    return Stack("digest", (resource,), previewed_by="engine")


@pytest.mark.parametrize("kind", ["yaml/v2:ConfigFile", "yaml/v2:ConfigGroup"])
def test_the_files_of_a_component_are_read(tmp_path: Path, kind: str) -> None:
    inputs = '{"file": "a.yaml"}' if kind.endswith("File") else '{"files": ["a*.yaml"]}'
    folder = program(tmp_path, remote(kind, inputs))
    (folder / "a.yaml").write_text(GPU)
    stack = preview_in_process(folder, "dev")
    child = next(r for r in stack.resources if r.type == "kubernetes:apps/v1:Deployment")
    assert child.urn.endswith(f"kubernetes:{kind}$kubernetes:apps/v1:Deployment::c:default/llm")
    assert child.parent is not None
    assert child.parent.endswith(f"kubernetes:{kind}::c")
    assert floor_of(stack).verdict == "held"
    (folder / "a.yaml").write_text(CPU)
    assert floor_of(preview_in_process(folder, "dev")).verdict == "zero"


def test_a_file_that_is_not_there_fails_the_preview(tmp_path: Path) -> None:
    folder = program(tmp_path, remote("yaml/v2:ConfigFile", '{"file": "nope.yaml"}'))
    with pytest.raises(InputError, match=r"nope\.yaml: there is no such file"):
        preview_in_process(folder, "dev")


def test_objects_of_a_group_keep_what_is_hidden(tmp_path: Path) -> None:
    objs = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": UNKNOWN}]
    found = render("kubernetes:yaml/v2:ConfigGroup", {"objs": objs}, "c", tmp_path)
    assert found is not None
    assert [r.inputs for r in found.objects] == objs


@pytest.mark.parametrize(
    ("kind", "inputs", "why"),
    [
        ("yaml/v2:ConfigFile", {"file": "https://example.com/a.yaml"}, "is not on this machine"),
        ("yaml/v2:ConfigGroup", {"yaml": UNKNOWN}, "yaml is unknown at preview"),
        ("kustomize/v2:Directory", {"directory": UNKNOWN}, "isn't known at preview"),
        ("kustomize/v2:Directory", {"directory": "nope"}, "is not on this machine"),
        ("helm.sh/v4:Chart", {"chart": "x", "values": {"a": UNKNOWN}}, "values isn't known"),
    ],
)
def test_what_cannot_be_rendered_says_why(
    tmp_path: Path, kind: str, inputs: dict[str, object], why: str
) -> None:
    found = render(f"kubernetes:{kind}", inputs, "c", tmp_path)
    assert found is not None
    assert why in found.why_not
    assert not found.objects


def test_other_components_render_nothing(tmp_path: Path) -> None:
    assert render("awsx:ec2:Vpc", {}, "c", tmp_path) is None


def test_helm_renders_a_chart_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    inputs = {"chart": "vllm", "namespace": "ml", "values": {"a": 1}}
    found = render("kubernetes:helm.sh/v4:Chart", inputs, "c", tmp_path)
    assert found is not None
    assert found.why_not == "helm is not installed"
    helm = tmp_path / "helm"
    helm.write_text(f'#!/bin/sh\necho "# $*"\n/bin/cat <<EOF\n{GPU}\nEOF\n')
    helm.chmod(0o755)
    found = render("kubernetes:helm.sh/v4:Chart", inputs, "c", tmp_path)
    assert found is not None
    assert found.text.startswith("# template c vllm --namespace ml --values")
    assert [r.name for r in found.objects] == ["default/llm"]


@pytest.mark.parametrize(
    ("kind", "inputs", "verdict"),
    [
        ("yaml/v2:ConfigGroup", {}, "undecided"),
        ("yaml/v2:ConfigFile", {"file": "a.yaml"}, "undecided"),
        ("yaml:ConfigFile", {"file": "a.yaml"}, "undecided"),
        ("kustomize/v2:Directory", {"directory": "."}, "undecided"),
        ("helm.sh/v4:Chart", {}, "undecided"),
        ("helm.sh/v4:Chart", {"chart": "vllm"}, "undecided"),
        ("helm.sh/v4:Chart", {"chart": "oci://example.com/nginx"}, "zero"),
        ("yaml/v2:ConfigGroup", {"yaml": GPU}, "undecided"),
        ("yaml/v2:ConfigGroup", {"yaml": CPU}, "zero"),
        ("yaml/v2:ConfigGroup", {"yaml": UNKNOWN}, "undecided"),
        ("yaml/v2:ConfigGroup", {"objs": [], "files": ["b.yaml"]}, "undecided"),
    ],
)
def test_a_component_that_was_not_rendered_is_undecided(
    kind: str, inputs: dict[str, object], verdict: str
) -> None:
    assert floor_of(component(kind, **inputs)).verdict == verdict


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("acme:ml:InferenceStack", "undecided"), ("awsx:ec2:Vpc", "zero")],
)
def test_a_remote_component_is_undecided_unless_its_package_makes_no_gpu(
    tmp_path: Path, kind: str, verdict: str
) -> None:
    source = f"""
        import pulumi
        pulumi.ComponentResource("{kind}", "c", {{"size": 1}}, remote=True)
    """
    assert floor_of(preview_in_process(program(tmp_path, source), "dev")).verdict == verdict


@pytest.mark.parametrize(
    ("chart", "asking", "verdict"),
    [
        # The chart's table says what it makes of the values: one pod (replicaCount 1) with a GPU.
        ("ollama", "ollama: {gpu: {enabled: true}}", "held"),
        # No table has this one: how many pods it keeps isn't told.
        ("acme-api", "gpu: {enabled: true}", "undecided"),
    ],
)
def test_values_in_a_file_are_read(tmp_path: Path, chart: str, asking: str, verdict: str) -> None:
    source = f"""
        import pulumi
        files = [pulumi.FileAsset("values.yaml")]
        pulumi.CustomResource(
            "kubernetes:helm.sh/v3:Release", "r", {{"chart": "{chart}", "valueYamlFiles": files}}
        )
    """
    folder = program(tmp_path, source)
    (folder / "values.yaml").write_text(asking)
    assert floor_of(preview_in_process(folder, "dev")).verdict == verdict
    (folder / "values.yaml").write_text("service: {port: 80}")
    assert floor_of(preview_in_process(folder, "dev")).verdict == "zero"
