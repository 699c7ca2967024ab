"""Kubernetes manifests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cases import truth_manifests, truths
from zerofloor.documents import read
from zerofloor.errors import InputError
from zerofloor.stack import SECRET, Stack

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"


def stack(text: str, name: str = "k8s.yaml") -> Stack:
    return read(name, text.encode())


def spec(text: str) -> Any:
    (pod,) = stack(POD + text).resources
    return pod.inputs["spec"]


def test_several_documents_with_empty_ones_and_comments_between() -> None:
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: llm}\nspec: "
        "{replicas: 1.0}\n...\n"
    )
    found = stack(f"# head\n---\n---\n{POD}---\n# nothing\n---\n{deployment}")
    assert [(r.urn, r.type, r.name) for r in found.resources] == [
        (
            "urn:pulumi:manifests::k8s.yaml::kubernetes:apps/v1:Deployment::llm/b",
            "kubernetes:apps/v1:Deployment",
            "llm/b",
        ),
        (
            "urn:pulumi:manifests::k8s.yaml::kubernetes:core/v1:Pod::default/a",
            "kubernetes:core/v1:Pod",
            "default/a",
        ),
    ]
    assert found.resources[0].inputs["spec"] == {"replicas": 1}
    assert (found.kind, found.config, found.resources[0].property_dependencies) == (
        "manifests",
        None,
        None,
    )


@pytest.mark.parametrize("kind", ["Namespace", "NodePool", "EC2NodeClass", "ClusterQueue"])
def test_cluster_scoped_objects_have_no_namespace(kind: str) -> None:
    (found,) = stack(f"apiVersion: a.b/v1\nkind: {kind}\nmetadata: {{name: gpu}}\n").resources
    assert found.name == "gpu"


def test_lists_are_flattened() -> None:
    pool = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "gpu"}}
    inner = {"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "a"}}]}
    found = read(
        "l.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": [pool, inner]}).encode()
    )
    assert [r.type for r in found.resources] == [
        "kubernetes:core/v1:Pod",
        "kubernetes:karpenter.sh/v1:NodePool",
    ]
    assert found.resources[0].inputs == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
    }


def test_json_documents_divided_as_yaml_ones() -> None:
    one = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s"}}'
    assert [r.name for r in stack(one % "a" + "\n---\n" + one % "b").resources] == [
        "default/a",
        "default/b",
    ]


def test_generated_names_are_two_objects() -> None:
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: train-}\n"
    assert [r.name for r in stack(f"{job}---\n{job}").resources] == [
        "default/train-#1",
        "default/train-#2",
    ]


def test_a_file_name_never_breaks_the_urn() -> None:
    (pod,) = stack(POD, name="a::b/c:\n.yaml").resources
    assert pod.urn == "urn:pulumi:manifests::a%3A%3Ab/c%3A_.yaml::kubernetes:core/v1:Pod::default/a"


def test_the_content_of_a_secret_stays_out() -> None:
    found = stack(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    keep: x\n"
        "    kubectl.kubernetes.io/last-applied-configuration: hf_planted_secret\nstringData: {token: hf_planted_secret}\ndata: {t: aGY=}\n"
    )
    assert "hf_planted_secret" not in repr(found)
    (secret,) = found.resources
    assert (secret.inputs["stringData"], secret.inputs["data"]) == (SECRET, SECRET)
    assert secret.inputs["metadata"]["annotations"] == {"keep": "x"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("yes", True),
        ("Off", False),
        ("y", "y"),
        ("0777", 511),
        ("0x1F", 31),
        ("1_000", 1000),
        ("-3", -3),
        ("1e3", 1000),
        ("2.5", 2.5),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!int '7'", 7),
        ("99999999999999999999", 99999999999999999999),
        ("[~, null, a]", [None, None, "a"]),
    ],
)
def test_scalars_as_kubernetes_reads_them(text: str, value: Any) -> None:
    found = spec(f"spec: {{v: {text}}}\n")["v"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_and_nulls_absent() -> None:
    assert spec("spec: {1: a, true: b, null: c, d: ~}\n") == {"1": "a", "true": "b", "null": "c"}


def test_anchors_and_merges() -> None:
    (pod,) = stack(f"{POD}base: &b {{p: 1, q: 2}}\nspec: {{<<: *b, q: 3, r: *b}}\n").resources
    assert pod.inputs["spec"] == {"p": 1, "q": 3, "r": {"p": 1, "q": 2}}


def bomb(line: str) -> str:
    return f"{POD}spec:\n  a0: &a0 {{k: x}}\n" + "".join(
        "  " + line.format(i=i, before=", ".join([f"*a{i - 1}"] * 10)) + "\n" for i in range(1, 12)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb("a{i}: &a{i} [{before}]"), "line .*: more than 2000000 values"),
        (
            bomb("a{i}: &a{i} {{{{<<: [{before}]}}}}").replace("{{", "{").replace("}}", "}"),
            "line .*: more than 2000000 values",
        ),
        (f"{POD}spec: &a {{x: *a}}\n", r"line 4: the alias \*a refers to nothing"),
        (f"{POD}spec: " + "[" * 100_000, "line 4: nested more than 200 levels"),
        (f"{POD}spec:\n  " + "- " * 100_000, "line 5: nested more than 200 levels"),
        (f"{POD}kind: Pod\n", "line 4: the key 'kind' is there twice"),
        (f"{POD}spec: {{[a]: b}}\n", "line 4: a list or an object as a key"),
        (f"{POD}spec: {{<<: 5}}\n", "merges objects only"),
        (f"{POD}spec: !!python/object/apply:os.system [x]\n", "line 4: the tag"),
        (f"{POD}spec: !vault x\n", "line 4: the tag !vault"),
        (
            "apiVersion: v1\n\tkind: Pod\n",
            "line 2, column 1: not valid YAML: found a tab character",
        ),
        (f"{POD}spec: 'open\n", "line .*: not valid YAML: found unexpected end of stream"),
        (f"{POD}spec: \x07\n", "not valid YAML: control characters"),
        (
            "{{- if .Values.gpu }}\napiVersion: v1\n{{- end }}\n",
            r"a Helm template \({{ … }} in line 1\)",
        ),
        (
            f"{POD}spec:\n  replicas: {{{{ .Values.replicas }}}}\n",
            r"a Helm template \({{ … }} in line 5\)",
        ),
        (f"{POD}---\n{POD}", r"document 2 \(line 4\): core/v1:Pod default/a is there twice"),
        (f"{POD}---\nreplicas: 1\n", r"document 2 \(line 4\) has no apiVersion and kind"),
        ("kind: Pod\nmetadata: {name: a}\n", r"document 1 \(line 1\) has no apiVersion:"),
        ("resources: [a.yaml]\n", "has no apiVersion and kind"),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "is a kustomization",
        ),
        ("just text\n", "document 1 .* is text"),
        ("- a\n", "document 1 .* is a list"),
        ("# nothing\n---\n", "nothing in it"),
        (
            "apiVersion: 'a::b'\nkind: Pod\nmetadata: {name: a}\n",
            "apiVersion is not one of Kubernetes'",
        ),
        ("apiVersion: v1\nkind: 'P::d'\nmetadata: {name: a}\n", "kind is not a kind"),
        ("apiVersion: 1\nkind: Pod\nmetadata: {name: a}\n", "apiVersion is not one"),
        ("apiVersion: v1\nkind: Pod\n", "Pod has no metadata with a name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", "has neither metadata.name nor"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: 12}\n",
            "metadata.name is a number, not text",
        ),
        ("apiVersion: v1\nkind: List\nitems: [5]\n", r"items\[0\] is a number"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        stack(text)
    assert "\n" not in str(refused.value)


def test_templates_inside_a_text_are_no_helm_template() -> None:
    (config,) = stack(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: alerts}\ndata:\n  a: |\n    {{ "
        "$labels.pod }} is idle\n"
    ).resources
    assert config.inputs["data"] == {"a": "{{ $labels.pod }} is idle\n"}


def test_every_scenario_of_the_lab_is_read() -> None:
    scenarios = truths()
    assert len(scenarios) == 194
    for name, scenario in scenarios.items():
        assert len(read(f"{name}.yaml", truth_manifests(scenario)).resources) == len(
            scenario["manifests"]
        ), name


def test_an_object_has_its_source_or_its_line() -> None:
    text = (
        "---\n# Source: chart/templates/llm.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n"
    )
    stack = read("out.yaml", text.encode())
    assert [resource.source_position for resource in stack.resources] == [
        "chart/templates/llm.yaml",
        "out.yaml:7",
    ]
