"""`zerofloor live` and `zerofloor reap` on the lab's real API server, with the roles that the docs
give and no other right."""

from __future__ import annotations

import base64
import datetime
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import Done, process
from tests.lab.harness.api import Manifest
from tests.lab.harness.doorway import kubeconfig
from tests.lab.harness.lab import Lab
from tests.live.aws_account import export
from tests.live.fake_cluster import Fake, declared, running_fake

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

DOCS = Path(__file__).parents[2] / "docs" / "live.md"
SPACE = "live"


def documented_roles() -> list[Manifest]:
    """The roles of docs/live.md."""
    blocks = DOCS.read_text().split("```yaml\n")[1:]
    listed = [yaml.safe_load(block.partition("```")[0]) for block in blocks]
    return [one for one in listed if one.get("kind") == "ClusterRole"]


def deployment(name: str, replicas: int, namespace: str = SPACE) -> Manifest:
    """Pods that only the node of this test takes."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "nodeSelector": {"for": "live"},
                    "containers": [
                        {
                            "name": "c",
                            "image": "x",
                            "resources": {"limits": {"nvidia.com/gpu": "1"}},
                        }
                    ],
                },
            },
        },
    }


NODE: Manifest = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "live-gpu",
        "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {
            "for": "live",
            "node.kubernetes.io/instance-type": "g5.48xlarge",
            "topology.kubernetes.io/region": "us-east-1",
            "topology.kubernetes.io/zone": "us-east-1a",
        },
    },
    "spec": {"providerID": "aws:///us-east-1a/i-0123"},
}
ROOM = {"cpu": "64", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": "8"}


class Cluster:
    """A namespace and a GPU node of the lab, a user with the documented roles, and a fake
    Prometheus."""

    def __init__(self, lab: Lab, prometheus: Fake, folder: Path, config: Path) -> None:
        self.lab = lab
        self.api = lab.api
        self.prometheus = prometheus
        self.folder = folder
        self.config = config

    def run(self, command: str, *arguments: str) -> Done:
        where = ("--kubeconfig", self.config, "--prometheus", self.prometheus.url)
        return process(command, *arguments, *map(str, where), cwd=self.folder)

    def live(self, *states: str) -> dict[str, dict[str, Any]]:
        done = self.run("live", *states, "--namespace", SPACE, "--format", "json")
        assert done.code == 1, done
        assert done.err == ""
        return {one["id"]: one for one in json.loads(done.out)["found"]}

    def pods(self, name: str) -> list[str]:
        path = f"/api/v1/namespaces/{SPACE}/pods?labelSelector=app%3D{name}"
        listed = self.api.get(path)["items"]
        return [
            pod["metadata"]["name"]
            for pod in listed
            if pod["status"].get("phase") == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def replicas(self, name: str) -> int:
        found = self.api.get(f"/apis/apps/v1/namespaces/{SPACE}/deployments/{name}")
        return int(found["spec"]["replicas"])

    def unused(self, *names: str) -> None:
        """None of their pods was asked for anything all day."""
        self.prometheus.series["DCGM_FI_DEV_GPU_UTIL"] = [
            ({"namespace": SPACE, "pod": pod}, [0.0]) for name in names for pod in self.pods(name)
        ]


@pytest.fixture(scope="module")
def cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("live")
    api = lab.api
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    api.apply(NODE)
    api.request(
        "PATCH",
        "/api/v1/nodes/live-gpu/status",
        {"status": {"allocatable": ROOM, "capacity": ROOM}},
        "application/merge-patch+json",
    )
    account = {"name": "zerofloor", "namespace": SPACE}
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    roles = documented_roles()
    assert roles
    for role in roles:
        api.apply(role)
        name = role["metadata"]["name"]
        api.apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": name,
                },
                "subjects": [{"kind": "ServiceAccount", **account}],
            }
        )
    token = api.request(
        "POST",
        f"/api/v1/namespaces/{SPACE}/serviceaccounts/zerofloor/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )["status"]["token"]
    with kubeconfig(lab) as text, running_fake() as prometheus:
        config = yaml.safe_load(text)
        config["users"] = [{"name": "admin", "user": {"token": token}}]
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        yield Cluster(lab, prometheus, folder, path)
    for path_of in (f"/api/v1/namespaces/{SPACE}", "/api/v1/nodes/live-gpu"):
        api.delete(path_of)


def wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.2)


def test_what_runs_beside_what_is_declared(cluster: Cluster, tmp_path: Path) -> None:
    applied = {"held": 1, "raised": 2, "forgotten": 1, "patched": 1}
    for name, replicas in applied.items():
        cluster.api.apply(deployment(name, replicas))
    cluster.api.apply(scaler("patched", 1))
    wait(lambda: all(len(cluster.pods(name)) == n for name, n in applied.items()), "all pods")
    cluster.unused("forgotten")
    state = declared(
        deployment("held", 1),
        deployment("raised", 1),
        deployment("patched", 1),
        scaler("patched", 0),
    )
    found = cluster.live(export(tmp_path, *state))
    assert {one: (found[one]["state"], found[one]["use"]) for one in found} == {
        "live/held": ("held as declared", "unknown"),
        "live/raised": ("drifted", "unknown"),
        "live/patched": ("drifted", "unknown"),
        "live/forgotten": ("orphaned", "idle"),
        "live-gpu": ("orphaned", "unknown"),
    }
    assert found["live/raised"]["kind"] == "Deployment"
    assert "replicas is 2" in found["live/raised"]["why"]
    assert found["live/raised"]["gpus"] == 2
    assert "minReplicaCount keeps 1 replica" in found["live/patched"]["why"]
    # g5.48xlarge: 16.288 an hour × 730, one of 8 GPUs; three are free.
    assert found["live/forgotten"]["monthly"]["amount"] == "1486.28"
    assert found["live-gpu"]["monthly"]["amount"] == "4458.84"
    assert datetime.datetime.fromisoformat(found["live/held"]["since"])
    cluster.api.delete(cluster.api.path_of(scaler("patched", 1), SPACE))
    for name in applied:
        cluster.api.delete(cluster.api.path_of(deployment(name, 1), SPACE))


def scaler(name: str, least: int) -> Manifest:
    """Polls a trigger that answers 0, so KEDA lets go where it may."""
    trigger = {
        "url": f"http://localhost:9911/v/{SPACE}-{name}",
        "valueLocation": "value",
        "targetValue": "1",
        "activationTargetValue": "0",
    }
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {
            "scaleTargetRef": {"name": name},
            "minReplicaCount": least,
            "maxReplicaCount": 2,
            "pollingInterval": 1,
            "cooldownPeriod": 1,
            "triggers": [{"type": "metrics-api", "metadata": trigger}],
        },
    }


def job() -> Manifest:
    template = deployment("stuck", 1)["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    template["metadata"]["labels"]["lab_run"] = "forever"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "stuck", "namespace": SPACE},
        "spec": {"template": template},
    }


def test_to_zero_and_back(cluster: Cluster, tmp_path: Path) -> None:
    """A Deployment by its scale, one under KEDA by its minimum, one whose trigger never lets go by
    KEDA's pause, a Job by its suspension; what is not shown to be idle, and what a stack owns, is
    left."""
    cluster.lab.set_trigger(f"{SPACE}-always", 5)
    for manifest in (
        deployment("always", 1),
        scaler("always", 0),
        deployment("alone", 2),
        deployment("kept", 1),
        scaler("kept", 1),
        job(),
        deployment("owned", 1),
        deployment("busy", 1),
    ):
        cluster.api.apply(manifest)
    gone = ("alone", "always", "kept", "stuck")
    names = (*gone, "owned")
    wait(lambda: all(map(cluster.pods, names)), "pods of each")
    wait(lambda: len(cluster.pods("alone")) == 2, "both pods")
    wait(lambda: len(cluster.pods("always")) == 2, "both pods for the trigger")
    cluster.unused(*names)
    state = export(tmp_path, *declared(deployment("owned", 1)))
    arguments = (state, "--namespace", SPACE)

    dry = cluster.run("reap", *arguments)
    assert dry.code == 0, dry.err
    assert "4 targets" in dry.out
    assert "Left: Deployment live/owned in lab: shop/dev declares it" in dry.out
    assert "Left: Deployment live/busy in lab: it isn't shown to be idle" in dry.out
    assert "Left: Node live-gpu in lab: nodes are not touched" in dry.out
    assert cluster.replicas("alone") == 2

    given = cluster.run("reap", *arguments, "--notice", "--grace-hours", "0")
    assert given.code == 0, given
    path = f"/apis/apps/v1/namespaces/{SPACE}/deployments/alone"
    assert "zerofloor/reap-after" in cluster.api.get(path)["metadata"]["annotations"]
    wrong = cluster.run("reap", *arguments, "--apply", "3")
    assert wrong.code == 2
    assert "but 4 can be put to zero now" in wrong.err

    undo = tmp_path / "undo.json"
    done = cluster.run("reap", *arguments, "--apply", "4", "--undo-file", str(undo))
    assert done.code == 0, done
    wait(lambda: not any(map(cluster.pods, gone)), "no pod of the four")
    assert cluster.pods("owned")
    assert cluster.pods("busy")

    back = cluster.run("reap", "--undo", str(undo))
    assert back.code == 0, back
    assert "Restored 4 of 4" in back.out
    wait(lambda: len(cluster.pods("alone")) == 2, "both pods again")
    wait(lambda: all(map(cluster.pods, gone)), "the pods of the others again")
    kept = cluster.api.get(f"/apis/keda.sh/v1alpha1/namespaces/{SPACE}/scaledobjects/kept")
    assert kept["spec"]["minReplicaCount"] == 1


@pytest.mark.parametrize("how", ["data", "files", "plugin"])
def test_a_client_certificate_without_any_right(
    lab: Lab, cluster: Cluster, tmp_path: Path, how: str
) -> None:
    """It gets in, so each refusal is RBAC's, and is named."""
    certificates = lab.folder / "certificates"
    certificate, key = certificates / "tls.crt", certificates / "tls.key"
    config = yaml.safe_load(cluster.config.read_text())
    in_cluster = config["clusters"][0]["cluster"]
    authority = Path(in_cluster.pop("certificate-authority")).read_bytes()
    in_cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    user: dict[str, Any] = {
        f"{name}-data": base64.b64encode(path.read_bytes()).decode()
        for name, path in (("client-certificate", certificate), ("client-key", key))
    }
    if how == "files":
        user = {"client-certificate": str(certificate), "client-key": str(key)}
    elif how == "plugin":
        answer = {
            "clientCertificateData": certificate.read_text(),
            "clientKeyData": key.read_text(),
        }
        (tmp_path / "answer.json").write_text(json.dumps({"status": answer}))
        version = "client.authentication.k8s.io/v1"
        user = {
            "exec": {"apiVersion": version, "command": "cat", "args": [f"{tmp_path}/answer.json"]}
        }
    config["users"] = [{"name": "admin", "user": user}]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    done = process("live", export(tmp_path), "--kubeconfig", path, cwd=tmp_path)
    assert done.code == 2
    lines = done.err.splitlines()
    assert len(lines) == 2
    for kind, line in zip(("nodes", "pods"), lines, strict=True):
        assert f'403 Forbidden: {kind} is forbidden: User "localhost" cannot list' in line
    assert "No GPU was found in cluster lab, but not all of it could be read." in done.out
    assert "PRIVATE" not in done.out + done.err
