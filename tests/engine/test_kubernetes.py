"""The real Kubernetes provider: what it makes of a program, and that our preview says the same."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.comparison import comparable
from tests.engine.real_engine import Engine, logged_out
from tests.engine.record import PROGRAMS, RECORDED, outputs
from zerofloor.documents import read
from zerofloor.engine.kubernetes import checked, default_namespace, has_unknown, placed
from zerofloor.engine.program import preview_in_process
from zerofloor.engine.properties import OUTPUT_SIGNATURE, SIGNATURE, UNKNOWN_STRING, secret
from zerofloor.engine.pulumi import preview_with_engine
from zerofloor.stack import UNKNOWN, Resource, Stack

NAMES = sorted(folder.name for folder in PROGRAMS.iterdir())
PLAIN = ("plain", "custom", "patch")
"""Programs whose objects are in the program itself."""
RENDERED = {
    "yaml_v2": {"file:default/llm", "again:default/llm", "text:default/batch"},
    "kustomize_v2": {"overlay:models/llm"},
    "helm_v4": {"default:default/default", "zero:models/zero"},
}
"""Programs whose objects are in files and charts, and what the provider makes of those with GPUs."""


def by_engine(engine: Engine, name: str) -> Stack:
    return preview_with_engine(PROGRAMS / name, "dev", time_limit=60, environ=logged_out(engine))


def by_us(name: str) -> Stack:
    return preview_in_process(PROGRAMS / name, "dev", time_limit=60)


def of_package(stack: Stack) -> list[Resource]:
    return [r for r in stack.resources if r.type.startswith("kubernetes:")]


@pytest.mark.engine
@pytest.mark.parametrize("name", PLAIN)
def test_our_preview_gives_objects_as_the_provider_does(engine: Engine, name: str) -> None:
    real, ours = by_engine(engine, name), by_us(name)
    assert len(of_package(real)) >= 3
    assert comparable(ours) == comparable(real)


@pytest.mark.engine
def test_our_preview_gives_releases_as_the_provider_does_but_for_helms_defaults(
    engine: Engine,
) -> None:
    real, ours = by_engine(engine, "release"), by_us("release")
    for one, other in zip(ours.resources, real.resources, strict=True):
        if one.type != "kubernetes:helm.sh/v3:Release":
            continue
        theirs = {**other.inputs, "name": re.sub("-[0-9a-f]{8}$", "", other.inputs["name"])}
        mine = {**one.inputs, "name": re.sub("-[0-9a-f]{8}$", "", one.inputs["name"])}
        assert set(theirs) > set(mine)
        assert mine == {key: theirs[key] for key in mine}
    (names,) = (r for r in ours.resources if r.name == "names")
    assert re.fullmatch("llm-[0-9a-f]{8}", names.inputs["data"]["release"])


@pytest.mark.engine
@pytest.mark.parametrize("name", RENDERED)
def test_what_the_providers_components_make_is_in_the_digest(engine: Engine, name: str) -> None:
    stack = by_engine(engine, name)
    servers = {r.name: r for r in stack.resources if "nvidia.com/gpu" in repr(r.inputs)}
    assert set(servers) == RENDERED[name]
    # The components stand where the program puts them and carry nothing themselves.
    parents = [r for r in stack.resources if r.urn in {s.parent for s in servers.values()}]
    assert [(r.custom, r.inputs) for r in parents] == [(False, {})] * len(parents)
    # Positions in the provider's own source are none of the program's.
    assert {r.source_position for r in (*servers.values(), *parents)} == {None}
    assert not (PROGRAMS / name / "rendered").exists()


@pytest.mark.engine
@pytest.mark.parametrize("name", ["yaml_v2", "kustomize_v2"])
def test_our_preview_renders_components_as_the_provider_does(engine: Engine, name: str) -> None:
    if name == "kustomize_v2" and not shutil.which("kubectl"):
        pytest.skip("kubectl, which renders kustomizations, is not installed")
    real, ours = by_engine(engine, name), by_us(name)
    assert [r.urn for r in ours.resources] == [r.urn for r in real.resources]
    for one, other in zip(comparable(ours), comparable(real), strict=True):
        if "$" in one.urn:
            # Only ours knows the line of the program: that of the component.
            assert re.fullmatch(r"__main__\.py:\d+", one.source_position or "")
            one = replace(one, source_position=None)
        elif one.type.startswith("kubernetes:"):
            continue  # The component: of that the provider tells nothing but its children.
        assert one == other


def test_our_preview_says_where_it_does_not_know_what_a_component_makes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("helm_v4", "kustomize_v2"):
        stack = by_us(name)
        components = [r for r in of_package(stack) if not r.custom]
        assert components
        assert all(any(r.urn in note for note in stack.notes) for r in components)


@pytest.mark.engine
def test_of_a_component_on_a_cluster_of_the_same_program_the_provider_tells_nothing(
    engine: Engine,
) -> None:
    real, ours = by_engine(engine, "own_cluster"), by_us("own_cluster")
    told = {r.urn: r for r in comparable(real)}
    for one in comparable(ours):
        if one.custom and "$" not in one.urn:
            assert one == told[one.urn]
        elif one.type.startswith("kubernetes:") and not one.custom:
            assert one.inputs
            assert (told[one.urn].inputs, told[one.urn].source_position) == ({}, None)
    assert not any("$" in urn for urn in told)
    # Ours reads the files all the same.
    assert any(r.name == "manifests:default/llm" for r in ours.resources)
    # Nobody asks a provider whose kubeconfig is unknown, so nobody makes up a name either.
    (llm,) = (r for r in ours.resources if r.urn.endswith("::kubernetes:apps/v1:Deployment::llm"))
    assert "metadata" not in llm.inputs


@pytest.mark.engine
@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_documents_are_what_engine_and_provider_write(
    engine: Engine, name: str
) -> None:
    for ending, text in outputs(engine, name).items():
        recorded = (RECORDED / f"{name}.{ending}").read_bytes()
        now, then = read("x", text.encode()), read("x", recorded)
        assert comparable(now) == comparable(then)
        assert (now.kind, now.notes) == (then.kind, then.notes)


@pytest.mark.parametrize("name", NAMES)
def test_digest_and_events_tell_the_same(name: str) -> None:
    digest, events = (
        read(f"{name}.{ending}", (RECORDED / f"{name}.{ending}").read_bytes())
        for ending in ("digest.json", "events.jsonl")
    )
    assert [(r.urn, r.type, r.op) for r in digest.resources] == [
        (r.urn, r.type, r.op) for r in events.resources
    ]
    assert [o.inputs for o in comparable(digest)] == [o.inputs for o in comparable(events)]


def test_the_recorded_documents_name_no_machine() -> None:
    for path in sorted(RECORDED.iterdir()):
        assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text()), path


DEPLOYMENT = "kubernetes:apps/v1:Deployment"
URN = f"urn:pulumi:dev::p::{DEPLOYMENT}::llm"


def metadata(kind: str, given: Any, namespace: str | None = None) -> Any:
    props = {} if given is None else {"metadata": given}
    return checked(kind, props, name="llm", urn=URN, namespace=namespace).get("metadata")


def test_an_object_without_a_name_gets_one_and_always_the_same() -> None:
    made = metadata(DEPLOYMENT, None)
    assert re.fullmatch("llm-[0-9a-f]{8}", made["name"])
    assert made["annotations"] == {"pulumi.com/autonamed": "true"}
    assert metadata(DEPLOYMENT, {}) == made
    assert metadata(DEPLOYMENT, {"name": ""}) == made
    other = checked(DEPLOYMENT, {}, name="llm", urn=f"{URN}-2")["metadata"]
    assert other["name"] != made["name"]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "llm"},
        {"name": UNKNOWN_STRING},
        {"generateName": "llm-"},
        secret({"labels": {}}),
        {SIGNATURE: OUTPUT_SIGNATURE},
        UNKNOWN_STRING,
    ],
)
def test_metadata_that_has_a_name_or_is_not_known_stays(given: Any) -> None:
    assert metadata(DEPLOYMENT, given) == given


@pytest.mark.parametrize(
    "kind",
    [
        "kubernetes:apps/v1:DeploymentPatch",
        "kubernetes:core/v1:ConfigMapList",
        "kubernetes:helm.sh/v4:Chart",
        "kubernetes:yaml:ConfigFile",
        "pulumi:providers:kubernetes",
    ],
)
def test_what_the_provider_gives_no_name_gets_none(kind: str) -> None:
    assert metadata(kind, None) is None


def test_what_the_server_alone_writes_is_no_input() -> None:
    given = {"name": "llm", "creationTimestamp": None, "uid": "x", "labels": {"a": "b"}}
    assert metadata(DEPLOYMENT, given) == {"name": "llm", "labels": {"a": "b"}}


def test_the_providers_namespace_is_for_what_has_one_and_names_none() -> None:
    named = {"name": "llm"}
    assert metadata(DEPLOYMENT, named, "gpu") == {"name": "llm", "namespace": "gpu"}
    own = {"name": "llm", "namespace": "own"}
    assert metadata(DEPLOYMENT, own, "gpu") == own
    assert metadata("kubernetes:core/v1:Namespace", named, "gpu") == named
    # Of a custom resource the provider does not know it, and takes it to have one.
    assert metadata("kubernetes:x.io/v1:Pool", named, "gpu")["namespace"] == "gpu"


KUBECONFIG = """
apiVersion: v1
current-context: one
contexts:
  - {name: one, context: {cluster: c}}
  - {name: two, context: {cluster: c, namespace: models}}
"""


@pytest.mark.parametrize(
    ("settings", "namespace"),
    [
        ({}, None),
        ({"namespace": "gpu"}, "gpu"),
        ({"namespace": "gpu", "kubeconfig": KUBECONFIG, "context": "two"}, "gpu"),
        ({"kubeconfig": KUBECONFIG}, "default"),
        ({"kubeconfig": secret(KUBECONFIG), "context": "two"}, "models"),
        ({"kubeconfig": KUBECONFIG, "context": "three"}, None),
        ({"kubeconfig": "{}"}, None),
        ({"kubeconfig": "{"}, None),
        ({"kubeconfig": "[]"}, None),
        ({"kubeconfig": "~/.kube/config"}, None),
        ({"kubeconfig": "{contexts: 3}"}, None),
    ],
)
def test_the_namespace_is_the_providers_or_that_of_its_context(
    settings: dict[str, Any], namespace: str | None
) -> None:
    assert default_namespace(settings) == namespace


SECRET_KIND = "kubernetes:core/v1:Secret"


@pytest.mark.parametrize(
    ("kind", "metadata", "where", "called"),
    [
        (DEPLOYMENT, {"name": "llm"}, "gpu", "gpu/llm"),
        (DEPLOYMENT, {"name": "llm", "namespace": "own"}, "own", "own/llm"),
        (DEPLOYMENT, {"name": UNKNOWN}, "gpu", None),
        (DEPLOYMENT, {"name": "llm", "namespace": UNKNOWN}, UNKNOWN, "gpu/llm"),
        ("kubernetes:karpenter.sh/v1:NodePool", {"name": "gpu"}, None, "gpu"),
    ],
)
def test_a_rendered_object_is_placed_and_called_by_where_it_is(
    kind: str, metadata: dict[str, Any], where: Any, called: str | None
) -> None:
    made, name = placed(kind, {"metadata": metadata}, "gpu")
    assert (made["metadata"].get("namespace"), name) == (where, called)


def test_a_rendered_object_with_hidden_metadata_stays() -> None:
    assert placed(DEPLOYMENT, {"metadata": UNKNOWN}, "gpu") == ({"metadata": UNKNOWN}, None)


def test_the_texts_of_a_secret_are_encoded_into_its_data() -> None:
    named = {"metadata": {"name": "llm"}}
    given = {**named, "data": {"a": "eA=="}, "stringData": secret({"b": "hf_x"})}
    made = checked(SECRET_KIND, given, name="llm", urn=URN)
    assert made == {**named, "data": secret({"a": "eA==", "b": "aGZfeA=="})}
    for left in (
        {**named, "stringData": {"b": UNKNOWN_STRING}},
        {**named, "stringData": {}},
        {**named, "stringData": "x"},
        {**named, "data": UNKNOWN_STRING, "stringData": {"b": "x"}},
    ):
        assert checked(SECRET_KIND, left, name="llm", urn=URN) == left


def test_a_provider_counts_as_unknown_with_any_unknown_part() -> None:
    assert has_unknown({"kubeconfig": secret(UNKNOWN_STRING)})
    assert has_unknown({"a": [{"b": UNKNOWN_STRING}]})
    assert not has_unknown({"kubeconfig": "{}", "n": 3, "none": None, "list": ["x"]})


def test_names_that_the_user_sets_rules_for_stay_unknown(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  pulumi:autonaming: {mode: verbatim}\n")
    (tmp_path / "__main__.py").write_text(
        "from pulumi_kubernetes.core.v1 import ConfigMap\n"
        "ConfigMap('b', data={'a': ConfigMap('a').metadata.name})\n"
    )
    stack = preview_in_process(tmp_path, "dev", time_limit=60)
    (b,) = (r for r in stack.resources if r.name == "b")
    assert b.inputs["data"] == {"a": UNKNOWN}
