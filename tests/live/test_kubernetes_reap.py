"""`zerofloor reap` on a fake cluster: what each kind is put to zero by, what is left, and undo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Done, zerofloor
from tests.live.aws_account import export
from tests.live.fake_cluster import (
    TOKEN,
    Fake,
    Object,
    declared,
    deployed,
    meta,
    node,
    owned_by,
    pod,
    rights,
    roles_of,
    running_fake,
    scaled_object,
    workload,
)

DOCS = Path(__file__).parents[2] / "docs" / "live.md"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with running_fake() as running:
        running.add(node("n1", 8, "g5.48xlarge"))
        yield running


def idle(fake: Fake, *pods: str) -> None:
    fake.series["DCGM_FI_DEV_GPU_UTIL"] = [({"namespace": "ml", "pod": name}, [0]) for name in pods]


def reap(fake: Fake, folder: Path, *arguments: str) -> Done:
    where = ("--kubeconfig", fake.kubeconfig(folder), "--prometheus", fake.url)
    done = zerofloor("reap", *arguments, *where, cwd=folder)
    assert TOKEN not in done.out + done.err
    return done


def to_zero(fake: Fake, folder: Path, state: str, count: int = 1, *more: str) -> Done:
    given = reap(fake, folder, state, "--notice", "--grace-hours", "0", *more)
    assert given.code == 0, given
    return reap(fake, folder, state, "--apply", str(count), *more)


def of_kind(version: str, kind: str, name: str, spec: Object, **more: Any) -> list[Object]:
    """An object of this kind with a GPU pod of its own."""
    own = {"apiVersion": version, "kind": kind, "metadata": meta(name, **more), "spec": spec}
    return [own, pod(f"{name}-0", "n1", owned_by(version, kind, name))]


SCALER = scaled_object("a", 1)
CPU_SCALER = scaled_object("a", 1)
CPU_SCALER["spec"]["triggers"] = [{"type": "cpu", "metadata": {"value": "50"}}]
HPA = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": meta("a"),
    "spec": {
        "minReplicas": 1,
        "maxReplicas": 2,
        "scaleTargetRef": {"kind": "Deployment", "name": "a"},
    },
}
PAUSED = "autoscaling.keda.sh/paused-replicas"


@pytest.mark.parametrize(
    ("objects", "kind", "path", "before", "after"),
    [
        (deployed("a", "n1", 2), "Deployment", ("spec", "replicas"), 2, 0),
        ([*deployed("a", "n1"), HPA], "Deployment", ("spec", "replicas"), 1, 0),
        (of_kind("apps/v1", "StatefulSet", "a", {"replicas": 3}), "StatefulSet", ("spec", "replicas"), 3, 0),
        (of_kind("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "a", {"replicas": 2}), "LeaderWorkerSet", ("spec", "replicas"), 2, 0),
        (of_kind("batch/v1", "Job", "a", {"suspend": False}), "Job", ("spec", "suspend"), False, True),
        (of_kind("batch/v1", "Job", "a", {}), "Job", ("spec", "suspend"), None, True),
        (of_kind("ray.io/v1", "RayCluster", "a", {}), "RayCluster", ("spec", "suspend"), None, True),
        ([*deployed("a", "n1"), SCALER], "ScaledObject", ("spec", "minReplicaCount"), 1, 0),
        ([*deployed("a", "n1"), scaled_object("a", 0)], "ScaledObject", ("metadata", "annotations", PAUSED), None, "0"),
        ([*deployed("a", "n1"), CPU_SCALER], "ScaledObject", ("metadata", "annotations", PAUSED), None, "0"),
        ([*deployed("a", "n1"), scaled_object("a", 0, **{PAUSED: "2"})], "ScaledObject", ("metadata", "annotations", PAUSED), "2", "0"),
    ],
    ids=["Deployment", "HPA", "StatefulSet", "LeaderWorkerSet", "Job", "Job without suspend", "RayCluster", "minimum", "always on", "cpu alone", "paused by hand"],
)  # fmt: skip
def test_each_kind_to_zero_and_back(
    tmp_path: Path,
    fake: Fake,
    objects: list[Object],
    kind: str,
    path: tuple[str, ...],
    before: object,
    after: object,
) -> None:
    objects = json.loads(json.dumps(objects))
    fake.add(*objects)
    idle(fake, "a-0", "a-1")

    def now() -> object:
        value: Any = fake.found(kind, "a")
        for key in path:
            value = value.get(key) if value is not None else None
        return value

    assert now() == before
    done = to_zero(fake, tmp_path, export(tmp_path))
    assert done.code == 0, done
    assert now() == after
    undo = tmp_path / "zerofloor-undo.json"
    assert TOKEN not in undo.read_text()
    back = zerofloor("reap", "--undo", undo, cwd=tmp_path)
    assert back.code == 0, back
    assert now() == before
    assert "Restored 1 of 1" in back.out
    assert "Restored 0 of 0" in zerofloor("reap", "--undo", undo, cwd=tmp_path).out


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ([pod("a-0", "n1")], "a pod without a controller can only be deleted"),
        (of_kind("apps/v1", "DaemonSet", "a", {}), "a DaemonSet has no scale"),
        (of_kind("ray.io/v1", "RayService", "a", {}), "can only be deleted"),
        (of_kind("kubeflow.org/v1", "PyTorchJob", "a", {}), "nothing here puts a PyTorchJob to zero"),
        (of_kind("example.com/v1", "Widget", "a", {}), "nothing here puts a Widget to zero"),
        (of_kind("serving.kserve.io/v1beta1", "InferenceService", "a", {}), "set spec.predictor.minReplicas to 0"),
        (of_kind("batch/v1", "Job", "a", {}, labels={"kueue.x-k8s.io/queue-name": "q"}), "Kueue decides"),
        (deployed("a", "n1", annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:ml/a"}), "Argo CD (shop) manages it"),
        (deployed("a", "n1", labels={"kustomize.toolkit.fluxcd.io/name": "apps"}), "Flux (apps) manages it"),
        (
            of_kind("apps/v1", "StatefulSet", "a", {"replicas": 1, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}),
            "scaling it in deletes its volumes",
        ),
    ],
)  # fmt: skip
def test_what_has_no_way_back_is_left_with_the_reason(
    tmp_path: Path, fake: Fake, objects: list[Object], why: str
) -> None:
    fake.add(*json.loads(json.dumps(objects)))
    idle(fake, "a-0")
    done = reap(fake, tmp_path, export(tmp_path))
    assert "0 targets" in done.out
    assert why in done.out
    assert not [call for call in fake.calls if call[0] != "GET"]


def test_what_a_stack_owns_needs_owned_and_what_it_keeps_is_left(
    tmp_path: Path, fake: Fake
) -> None:
    fake.add(*deployed("zero", "n1"), scaled_object("zero", 1))
    fake.add(*deployed("kept", "n1", 2))
    fake.add(*deployed("shared", "n1"), scaled_object("shared", 1))
    idle(fake, "zero-0", "kept-0", "kept-1", "shared-0")
    state = export(
        tmp_path,
        *declared(
            workload("zero"), scaled_object("zero", 0), workload("kept"), scaled_object("shared", 0)
        ),
    )
    left = reap(fake, tmp_path, state)
    assert "0 targets" in left.out
    assert (
        "Deployment ml/zero in prod: shop/dev declares it: change the program, or add --owned"
        in left.out
    )
    # Nobody declares the Deployment, but its scaler is a stack's.
    assert "Deployment ml/shared in prod: shop/dev declares it" in left.out
    told = reap(fake, tmp_path, state, "--owned")
    assert "2 targets" in told.out
    assert (
        "Left: Deployment ml/kept in prod: shop/dev keeps it, and would start it again" in told.out
    )
    assert to_zero(fake, tmp_path, state, 2, "--owned").code == 0
    assert fake.found("ScaledObject", "zero")["spec"]["minReplicaCount"] == 0


def test_what_may_be_kept_is_left(tmp_path: Path, fake: Fake) -> None:
    """A minimum that the state has encrypted, and a Helm release's, are not known to be 0."""
    made = {"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "ml"}
    fake.add(*deployed("secret", "n1"), *deployed("charted", "n1", annotations=made))
    idle(fake, "secret-0", "charted-0")
    (hidden,) = declared(workload("secret"))
    cipher = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": "v1:x",
    }
    hidden["inputs"]["spec"]["replicas"] = cipher
    release = {"type": "kubernetes:helm.sh/v3:Release", "inputs": {"name": "r", "namespace": "ml"}}
    state = export(tmp_path, hidden, release)
    out = reap(fake, tmp_path, state, "--owned").out
    assert "0 targets" in out
    assert "Deployment ml/secret in prod: shop/dev may keep it" in out
    assert "Deployment ml/charted in prod: Helm release 1 would set it back" in out


def test_a_node_without_pods_is_told_with_what_keeps_it(tmp_path: Path, fake: Fake) -> None:
    pinned = node("pinned")
    pinned["metadata"]["annotations"] = {"karpenter.sh/do-not-disrupt": "true"}
    fake.add(pinned, node("bare"), node("safe"), node("free"))
    fake.add(pod("lonely", "bare", gpus=0))
    fake.add(
        pod(
            "web-0",
            "safe",
            owned_by("apps/v1", "ReplicaSet", "web"),
            gpus=0,
            annotations={"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
        )
    )
    fake.add(pod("agent-1", "free", owned_by("apps/v1", "DaemonSet", "agent"), gpus=0))
    out = reap(fake, tmp_path, export(tmp_path)).out
    told = {line.split()[2]: line for line in out.splitlines() if line.startswith("Left: Node")}
    assert "its annotation karpenter.sh/do-not-disrupt keeps it" in told["pinned"]
    assert "pod ml/lonely keeps it (no controller" in told["bare"]
    assert "pod ml/web-0 keeps it" in told["safe"]
    assert "safe-to-evict" in told["safe"]
    assert "nothing on it keeps it" in told["free"]


@pytest.mark.parametrize("how", ["scaled", "scaled in between", "recreated", "status"])
def test_what_changed_meanwhile_is_not_overwritten(tmp_path: Path, fake: Fake, how: str) -> None:
    """KEDA and controllers write statuses all the time: that is no reason to leave it."""
    fake.add(*deployed("a", "n1"))
    idle(fake, "a-0")
    state = export(tmp_path)
    assert reap(fake, tmp_path, state, "--notice", "--grace-hours", "0").code == 0
    found = fake.found("Deployment", "a")
    when = "GET" if how == "scaled" else "PATCH"

    def by_another(method: str, path: str, query: dict[str, str]) -> None:
        changed = found["metadata"]["resourceVersion"] == "99"
        if method == when and "/deployments/a" in path and not changed:
            found["metadata"]["resourceVersion"] = "99"
            if how == "recreated":
                found["metadata"]["uid"] = "another"
            elif how != "status":
                found["spec"]["replicas"] = 3

    fake.answers.append(by_another)
    done = reap(fake, tmp_path, state, "--apply", "1")
    if how == "status":
        assert done.code == 0, done
        assert found["spec"]["replicas"] == 0
        return
    assert done.code == 2
    told = "created anew" if how == "recreated" else "changed since"
    assert told in done.err
    assert found["spec"]["replicas"] == (1 if how == "recreated" else 3)
    assert "Restored 0 of 0" in zerofloor("reap", "--undo", "zerofloor-undo.json", cwd=tmp_path).out


@pytest.mark.parametrize("how", ["scaled", "recreated", "gone"])
def test_undo_leaves_what_others_changed_since(tmp_path: Path, fake: Fake, how: str) -> None:
    fake.add(*deployed("a", "n1", 2))
    idle(fake, "a-0", "a-1")
    assert to_zero(fake, tmp_path, export(tmp_path)).code == 0
    found = fake.found("Deployment", "a")
    if how == "scaled":
        found["spec"]["replicas"] = 1
    elif how == "recreated":
        found["metadata"]["uid"] = "another"
    else:
        fake.objects["/apis/apps/v1/deployments"].clear()
    back = zerofloor("reap", "--undo", "zerofloor-undo.json", cwd=tmp_path)
    assert back.code == 2
    assert "Restored 0 of 1" in back.out
    told = {"scaled": "changed since", "recreated": "created anew", "gone": "404 Not Found"}
    assert told[how] in back.err
    assert found["spec"]["replicas"] == (1 if how == "scaled" else 0)


def test_undo_needs_the_same_cluster(tmp_path: Path, fake: Fake) -> None:
    fake.add(*deployed("a", "n1"))
    idle(fake, "a-0")
    assert to_zero(fake, tmp_path, export(tmp_path)).code == 0
    with running_fake() as other:
        other.kubeconfig(tmp_path)
        back = zerofloor("reap", "--undo", "zerofloor-undo.json", cwd=tmp_path)
        assert other.calls == []
    assert back.code == 2
    assert "give its --kubeconfig" in back.err


def test_undo_of_a_cluster_that_a_stack_named(tmp_path: Path, fake: Fake) -> None:
    fake.add(*deployed("a", "n1"))
    idle(fake, "a-0")
    inputs = {"kubeconfig": fake.kubeconfig(tmp_path).read_text()}
    state = export(tmp_path, {"type": "pulumi:providers:kubernetes", "inputs": inputs})
    where = ("reap", state, "--stack-kubeconfig", "--prometheus", fake.url)
    assert zerofloor(*where, "--notice", "--grace-hours", "0", cwd=tmp_path).code == 0
    assert zerofloor(*where, "--apply", "1", cwd=tmp_path).code == 0
    back = zerofloor("reap", "--undo", "zerofloor-undo.json", cwd=tmp_path)
    assert back.code == 2
    assert "its kubeconfig was a stack's own: give --kubeconfig" in back.err
    again = ("--kubeconfig", fake.kubeconfig(tmp_path))
    back = zerofloor("reap", "--undo", "zerofloor-undo.json", *again, cwd=tmp_path)
    assert back.code == 0, back
    assert fake.found("Deployment", "a")["spec"]["replicas"] == 1


def test_a_namespace_that_is_named_twice_counts_once(tmp_path: Path, fake: Fake) -> None:
    fake.add(*deployed("a", "n1"))
    idle(fake, "a-0")
    out = reap(fake, tmp_path, export(tmp_path), "--namespace", "ml", "--namespace", "ml").out
    # g5.48xlarge: 16.288 an hour × 730 / 8.
    assert "1 target, $1,486.28 a month; 0 ready." in out


def test_reap_needs_no_more_than_its_roles(tmp_path: Path, fake: Fake) -> None:
    for index, objects in enumerate(
        (deployed("a", "n1"), [*deployed("b", "n1"), scaled_object("b", 1)])
    ):
        fake.add(*objects)
        idle(fake, *(f"{name}-0" for name in "ab"[: index + 1]))
    fake.add(*of_kind("batch/v1", "Job", "c", {}))
    fake.add(*of_kind("ray.io/v1", "RayCluster", "d", {}))
    idle(fake, "a-0", "b-0", "c-0", "d-0")
    assert reap(fake, tmp_path, export(tmp_path)).code == 0
    roles = roles_of(DOCS)
    live = rights(fake.calls)
    assert live <= roles["zerofloor-live"]
    assert {verb for verb, _, _ in live} == {"list"}
    assert to_zero(fake, tmp_path, export(tmp_path), 4).code == 0
    assert zerofloor("reap", "--undo", "zerofloor-undo.json", cwd=tmp_path).code == 0
    assert rights(fake.calls) <= roles["zerofloor-live"] | roles["zerofloor-reap"]
