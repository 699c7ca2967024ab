"""Stacks that share a cluster are judged together: the cluster in one, its models in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.estates.backends import CIPHER, Backend, deployment, instance, resource, urn_of
from tests.estates.test_audit import audited
from zerofloor.estates.links import links_of
from zerofloor.stack import UNKNOWN, Resource, Stack


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path / "backend")


def server(cluster: str) -> str:
    return f"https://{cluster.upper()}.gr7.us-east-1.eks.amazonaws.com"


def kubeconfig(cluster: str, *, address: str = "") -> str:
    args = ["eks", "get-token", "--cluster-name", cluster]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "aws",
            "clusters": [{"name": "kubernetes", "cluster": {"server": address or server(cluster)}}],
            "contexts": [{"name": "aws", "context": {"cluster": "kubernetes", "user": "aws"}}],
            "users": [{"name": "aws", "user": {"exec": {"command": "aws", "args": args}}}],
        }
    )


def cluster(name: str, pulumi_name: str = "cluster") -> Any:
    return resource(
        "aws:eks/cluster:Cluster",
        pulumi_name,
        {"name": name, "roleArn": "arn:aws:iam::123456789012:role/eks"},
        outputs={
            "endpoint": server(name),
            "arn": f"arn:aws:eks:us-east-1:123456789012:cluster/{name}",
        },
    )


def group(
    of: str,
    project: str,
    *,
    pulumi_name: str = "gpu",
    parent: str = "cluster",
    stack: str = "dev",
) -> Any:
    """A node group that a cluster autoscaler scales to zero."""
    return resource(
        "aws:eks/nodeGroup:NodeGroup",
        pulumi_name,
        {
            "clusterName": of,
            "instanceTypes": ["g6e.xlarge"],
            "scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 4},
            "tags": {"owner": "platform"},
        },
        depends={"clusterName": [urn_of(project, stack, "aws:eks/cluster:Cluster", parent)]}
        if parent
        else {},
    )


TRUSTED = {"trust": {"clusterAutoscaler": True}}


def joined(backend: Backend, code: int = 1) -> dict[str, Any]:
    settings = backend.folder.parent / "trusted.json"
    settings.write_text(json.dumps(TRUSTED))
    return audited(backend, "--settings", settings, code=code)


def the_model_holds_the_pool(found: dict[str, Any]) -> None:
    (line,) = found["lines"]
    assert line["stack"] == "platform/dev"
    assert line["name"] == "gpu"
    assert "g6e.xlarge" in line["runs_on"]
    assert (line["holder"], line["rule"]) == ("models/dev", "GPU001")
    assert line["owner"] == "search"
    by_name = {one["name"]: one for one in found["stacks"]}
    assert by_name["models/dev"]["joined"] == ["platform/dev"]
    assert by_name["models/dev"]["gate"] == "fail"
    assert by_name["platform/dev"]["gate"] == "pass"


def test_by_the_address_in_the_kubeconfig(backend: Backend) -> None:
    backend.add("platform", "dev", cluster("ml"), group("ml", "platform"))
    backend.add("models", "dev", deployment("llm", owner="search"), kubeconfig=kubeconfig("ml"))
    the_model_holds_the_pool(joined(backend))


def test_by_a_kubeconfig_that_another_stack_exports(backend: Backend) -> None:
    text = kubeconfig("ml", address="https://10.0.0.7")
    hidden = resource("aws:eks/cluster:Cluster", "cluster", {"roleArn": "arn"})
    pool = group("ml-1a2b3c", "platform")
    backend.add("platform", "dev", hidden, pool, exports={"kubeconfig": text})
    other = json.dumps(json.loads(text), indent=2)
    backend.add("models", "dev", deployment("llm", owner="search"), kubeconfig=other)
    the_model_holds_the_pool(joined(backend))


def test_by_the_stack_that_a_secret_kubeconfig_is_referred_from(backend: Backend) -> None:
    backend.add("platform", "dev", cluster("ml"), group("ml", "platform"))
    name = "organization/platform/dev"
    reference = resource("pulumi:pulumi:StackReference", name, {"name": name})
    urn = urn_of("models", "dev", "pulumi:pulumi:StackReference", name)
    backend.add(
        "models",
        "dev",
        reference,
        deployment("llm", owner="search"),
        kubeconfig=CIPHER,
        kubeconfig_from=[urn],
    )
    the_model_holds_the_pool(joined(backend))


def test_by_the_clusters_name(backend: Backend) -> None:
    backend.add("platform", "dev", cluster("ml"), group("ml", "platform"))
    text = kubeconfig("ml", address="https://proxy.example.com")
    backend.add("models", "dev", deployment("llm", owner="search"), kubeconfig=text)
    the_model_holds_the_pool(joined(backend))


def test_a_name_that_two_stacks_declare_is_told_and_not_guessed(backend: Backend) -> None:
    backend.add("platform", "dev", cluster("ml"), group("ml", "platform"))
    backend.add("platform", "prod", cluster("ml"))
    text = kubeconfig("ml", address="https://proxy.example.com")
    backend.add("models", "dev", deployment("llm"), kubeconfig=text)
    found = joined(backend)
    assert [line["stack"] for line in found["lines"]] == ["models/dev"]
    (notice,) = found["notices"]
    assert notice["stack"] == "models/dev"
    assert "ml is declared by several stacks (platform/dev, platform/prod)" in notice["what"]


def test_a_node_group_in_a_third_stack(backend: Backend) -> None:
    backend.add("network", "dev", cluster("ml"))
    backend.add("platform", "dev", group("ml", "platform", parent=""))
    backend.add("models", "dev", deployment("llm"), kubeconfig=kubeconfig("ml"))
    (line,) = joined(backend)["lines"]
    assert (line["stack"], line["holder"]) == ("platform/dev", "models/dev")


def test_pods_stay_in_their_own_cluster(backend: Backend) -> None:
    """Of two clusters in one stack only the one that the kubeconfig is for takes the pods."""
    large = group("big", "platform", pulumi_name="large", parent="other")
    large["inputs"]["instanceTypes"] = ["g5.xlarge"]  # cheaper: it would be chosen
    backend.add(
        "platform",
        "dev",
        cluster("ml"),
        group("ml", "platform"),
        cluster("big", "other"),
        large,
    )
    backend.add("models", "dev", deployment("llm"), kubeconfig=kubeconfig("ml"))
    (line,) = joined(backend)["lines"]
    assert (line["name"], line["state"]) == ("gpu", "held")


@pytest.mark.parametrize("by_reference", [True, False])
def test_of_three_stacks_with_two_clusters_pods_stay_in_their_own(
    by_reference: bool, backend: Backend
) -> None:
    """The models' stack also has a pool, named by text, of the other cluster: a cheaper one."""
    name = "organization/platform/dev"
    reference = resource("pulumi:pulumi:StackReference", name, {"name": name})
    other = group("big", "models", pulumi_name="other", parent="")
    other["inputs"]["instanceTypes"] = ["g5.xlarge"]
    backend.add("platform", "dev", cluster("ml"), group("ml", "platform"))
    backend.add("network", "dev", cluster("big"))
    urn = urn_of("models", "dev", "pulumi:pulumi:StackReference", name)
    backend.add(
        "models",
        "dev",
        reference,
        other,
        deployment("llm"),
        kubeconfig=CIPHER if by_reference else kubeconfig("ml"),
        kubeconfig_from=[urn] if by_reference else (),
    )
    found = joined(backend)
    assert [(line["name"], line["state"]) for line in found["lines"]] == [("gpu", "held")]
    assert len(found["stacks"][0]["joined"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        kubeconfig("ml", address="https://127.0.0.1:6443"),
        "~/.kube/config",
        "",
        "clusters: [server: {",
        "clusters:\nserver: 3\ncurrent-context: []\n",
        CIPHER,
    ],
    ids=range(6),
)
def test_what_is_one_cluster_on_one_machine_only_joins_nothing(text: Any, backend: Backend) -> None:
    if isinstance(text, str):
        text = text.replace("--cluster-name", "--profile")
    for project in ("one", "two"):
        backend.add(project, "dev", deployment("llm"), kubeconfig=text)
    assert all(one["joined"] == [] for one in joined(backend)["stacks"])


def test_without_a_gpu_nothing_is_joined(backend: Backend) -> None:
    backend.add("platform", "dev", cluster("ml"))
    backend.add("models", "dev", deployment("web", gpus=0), kubeconfig=kubeconfig("ml"))
    backend.add("shop", "dev", instance("a"))
    assert all(one["joined"] == [] for one in joined(backend)["stacks"])


@pytest.mark.parametrize(
    ("name", "offers"),
    [("ml", ["name:ml"]), ("", []), (UNKNOWN, []), (None, []), (7, [])],
)
def test_a_cluster_is_offered_by_its_name_where_it_has_one(name: Any, offers: list[str]) -> None:
    kind = "aws:eks/cluster:Cluster"
    one = Resource(urn_of("platform", "dev", kind, "c"), kind, "c", {"name": name})
    assert list(links_of(Stack("export", (one,))).offers) == offers
