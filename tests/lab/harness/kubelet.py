"""What the kubelet and a container would do for a pod that runs nothing but kubectl: the lab's own
kubectl with the rights of the pod's service account."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.lab.harness.api import Manifest
from tests.lab.harness.doorway import kubeconfig
from tests.lab.harness.lab import Lab, LabFailed
from tests.lab.harness.processes import BINARIES

KUBECTL = BINARIES / "kubectl"


def run_kubectl(lab: Lab, pod: Manifest) -> Iterator[tuple[str, int, str]]:
    """Each container's command and how it ended: init containers first, and none after one that
    failed."""
    if not KUBECTL.exists():
        raise LabFailed(f"{KUBECTL} is missing: make lab-build lab-operators")
    metadata, spec = pod["metadata"], pod["spec"]
    account = f"serviceaccounts/{spec['serviceAccountName']}"
    answer = lab.api.request(
        "POST",
        f"/api/v1/namespaces/{metadata['namespace']}/{account}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )
    with kubeconfig(lab) as text, tempfile.TemporaryDirectory() as folder:
        access = yaml.safe_load(text)
        access["users"][0]["user"] = {"token": answer["status"]["token"]}
        path = Path(folder, "kubeconfig")
        path.write_text(yaml.safe_dump(access))
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            program, *arguments = container["command"]
            assert program == "kubectl", container
            command = [str(KUBECTL), f"--kubeconfig={path}", *arguments]
            environ = {"HOME": folder}
            ran = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
            yield " ".join((program, *arguments)), ran.returncode, (ran.stdout + ran.stderr).strip()
            if ran.returncode:
                return
