"""The vendors' own controllers, which scenarios ask for by name (`needs`): what starts each, and
what it needs in the cluster before."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from tests.lab.harness.api import Manifest
from tests.lab.harness.processes import BINARIES, Program


@dataclass(frozen=True, slots=True)
class Vendor:
    """One controller. Its definitions and webhooks are those that its own module ships."""

    name: str
    """Of its folder under tools/lab, its program and what `needs` says."""
    title: str
    """With its version, as the docs name it."""
    programs: Callable[[Path], tuple[Program, ...]]
    files: Callable[[Path], Mapping[str, str]] = lambda folder: {}
    """Configuration files by their name in the lab's folder."""
    webhooks: int = 0
    """The port of its webhooks; 0: it has none."""
    converts: bool = False
    """Whether its webhook converts versions."""
    unserved: tuple[str, ...] = ()
    """Webhooks that its manifests name and its program does not serve."""
    namespaces: tuple[str, ...] = ()
    probe: Manifest = field(default_factory=dict)
    """One of its own kind, which it must take before the lab is healthy."""

    @property
    def folder(self) -> Path:
        """What its module ships as YAML."""
        return BINARIES / "vendors" / self.name

    @property
    def built(self) -> bool:
        """Whether its program is there."""
        return (BINARIES / f".{self.name}").exists()

    def definitions(self, bundle: str) -> Iterator[Manifest]:
        """Its CustomResourceDefinitions; those with several versions are converted by its
        webhook."""
        for path in sorted((self.folder / "crds").glob("*.yaml")):
            for definition in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader):
                if not definition:
                    continue
                if self.converts and len(definition["spec"]["versions"]) > 1:
                    url = f"https://127.0.0.1:{self.webhooks}/convert"
                    definition["spec"]["conversion"] = {
                        "strategy": "Webhook",
                        "webhook": {
                            "clientConfig": {"url": url, "caBundle": bundle},
                            "conversionReviewVersions": ["v1"],
                        },
                    }
                yield definition

    def admission(self, bundle: str) -> Iterator[Manifest]:
        """Its webhook configurations, at their port on this host."""
        if not self.webhooks:
            return
        patches = {
            f"{kind}WebhookConfiguration": self.folder / f"{kind.lower()}-patch.yaml"
            for kind in ("Mutating", "Validating")
        }
        for configuration in yaml.safe_load_all((self.folder / "manifests.yaml").read_text()):
            path = patches[configuration["kind"]]
            for patch in yaml.safe_load(path.read_text()) if path.exists() else ():
                configuration["webhooks"][int(patch["path"].rpartition("/")[2])] = patch["value"]
            configuration["webhooks"] = [
                one for one in configuration["webhooks"] if one["name"] not in self.unserved
            ]
            for webhook in configuration["webhooks"]:
                place = webhook["clientConfig"]["service"]["path"]
                url = f"https://127.0.0.1:{self.webhooks}{place}"
                webhook["clientConfig"] = {"url": url, "caBundle": bundle}
            configuration["metadata"]["name"] = f"{self.name}-{configuration['kind'].lower()}"
            yield configuration


def ca_bundle(folder: Path) -> str:
    """The lab's certificate authority, as webhook configurations want it."""
    return base64.b64encode((folder / "certificates" / "ca.crt").read_bytes()).decode()


def _kubernetes_sigs(
    name: str, version: str, webhooks: int, folder: Path, **more: Any
) -> Mapping[str, str]:
    """The configuration file that the controllers of kubernetes-sigs share."""
    configuration = {
        "apiVersion": f"config.{name}.x-k8s.io/{version}",
        "kind": "Configuration",
        "leaderElection": {"leaderElect": False},
        "metrics": {"bindAddress": "0"},
        "health": {"healthProbeBindAddress": f"127.0.0.1:{webhooks + 1}"},
        "webhook": {"port": webhooks, "host": "127.0.0.1", "certDir": f"{folder}/certificates"},
        "internalCertManagement": {"enable": False},
        "clientConnection": {"qps": 200, "burst": 300},
        **more,
    }
    return {f"{name}.yaml": yaml.safe_dump(configuration)}


def _kuberay(folder: Path) -> tuple[Program, ...]:
    argv = (
        str(BINARIES / "kuberay"),
        "--metrics-addr=127.0.0.1:9532",
        "--health-probe-bind-address=127.0.0.1:9531",
        "--enable-leader-election=false",
        "--feature-gates=RayCronJob=true",
        "--qps=200",
        "--burst=300",
    )
    env = {
        "KUBECONFIG": str(folder / "kubeconfig"),
        "ENABLE_WEBHOOKS": "true",
        # Its webhooks have neither a port nor a folder of their own: 9443, and below TMPDIR.
        "TMPDIR": str(folder / "kuberay"),
    }
    served = folder / "kuberay" / "k8s-webhook-server"
    served.mkdir(parents=True, exist_ok=True)
    if not (served / "serving-certs").exists():
        (served / "serving-certs").symlink_to(folder / "certificates")
    return (Program("kuberay", argv, "http://127.0.0.1:9531/readyz", env),)


def _mpi_operator(folder: Path) -> tuple[Program, ...]:
    argv = (
        str(BINARIES / "mpi-operator"),
        f"--kubeConfig={folder}/kubeconfig",
        "--kube-api-qps=100",
        "--kube-api-burst=200",
    )
    env = {"KUBECONFIG": str(folder / "kubeconfig")}
    return (Program("mpi-operator", argv, "http://127.0.0.1:8080/healthz", env),)


def _argo_rollouts(folder: Path) -> tuple[Program, ...]:
    argv = (
        str(BINARIES / "argo-rollouts"),
        f"--kubeconfig={folder}/kubeconfig",
        "--namespace=argo-rollouts",
        "--healthzPort=9551",
        "--metricsPort=9552",
        "--leader-elect=false",
        "--qps=200",
        "--burst=300",
    )
    return (Program("argo-rollouts", argv, "http://127.0.0.1:9551/healthz"),)


_QUEUED: Final = (
    "batch/job",
    "kubeflow.org/mpijob",
    "ray.io/rayjob",
    "ray.io/raycluster",
    "ray.io/rayservice",
    "jobset.x-k8s.io/jobset",
    "pod",
    "deployment",
    "statefulset",
    "leaderworkerset.x-k8s.io/leaderworkerset",
)
"""What Kueue looks after (its own default configuration has more kinds, which are not here)."""


def _configured(
    name: str, health: int, folder: Path, *, flags: tuple[str, ...] = ()
) -> tuple[Program, ...]:
    argv = (str(BINARIES / name), f"--config={folder}/{name}.yaml", *flags)
    env = {"KUBECONFIG": str(folder / "kubeconfig")}
    return (Program(name, argv, f"http://127.0.0.1:{health}/readyz", env),)


_POD: Final[Manifest] = {"spec": {"containers": [{"name": "c", "image": "registry.invalid/x:1"}]}}


def _object(version: str, kind: str, **spec: object) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "probe"}, "spec": spec}


_RAY_GROUP: Final[Manifest] = {"rayStartParams": {}, "template": _POD}
_REPLICA: Final[Manifest] = {"replicas": 1, "template": _POD}
_OWN_ETC: Final = """
mkdir -p "$0/etc" && mount -t tmpfs none "$0/etc" && mkdir "$0/etc/upper" "$0/etc/work" &&
mount -t overlay -o "lowerdir=/etc,upperdir=$0/etc/upper,workdir=$0/etc/work" none /etc &&
mkdir -p /etc/kueue/metrics && ln -s "$0/certificates" /etc/kueue/metrics/certs && exec "$@"
"""


def _kueue(folder: Path) -> tuple[Program, ...]:
    # It reads its metrics' certificate at a place in /etc that nothing changes: it has an /etc of
    # its own, with nothing of this machine's touched.
    (program,) = _configured(
        "kueue", 9541, folder, flags=("--feature-gates=VisibilityOnDemand=false",)
    )
    unshare = shutil.which("unshare") or "unshare"
    argv = (unshare, "--mount", "sh", "-c", _OWN_ETC, str(folder), *program.argv)
    return (replace(program, argv=argv),)


VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor(
            "lws",
            "LeaderWorkerSet 0.8.0",
            partial(_configured, "lws", 9511),
            partial(_kubernetes_sigs, "lws", "v1alpha1", 9510),
            webhooks=9510,
            probe=_object(
                "leaderworkerset.x-k8s.io/v1",
                "LeaderWorkerSet",
                leaderWorkerTemplate={"workerTemplate": _POD},
            ),
        ),
        Vendor(
            "jobset",
            "JobSet 0.11.1",
            partial(_configured, "jobset", 9521),
            partial(_kubernetes_sigs, "jobset", "v1alpha1", 9520),
            webhooks=9520,
            probe=_object(
                "jobset.x-k8s.io/v1alpha2",
                "JobSet",
                replicatedJobs=[
                    {
                        "name": "j",
                        "template": {
                            "spec": {
                                "template": {"spec": {**_POD["spec"], "restartPolicy": "Never"}}
                            }
                        },
                    }
                ],
            ),
        ),
        Vendor(
            "kuberay",
            "KubeRay 1.6.0",
            _kuberay,
            webhooks=9443,
            unserved=("vrayjob.kb.io", "vrayservice.kb.io"),
            probe=_object("ray.io/v1", "RayCluster", headGroupSpec=_RAY_GROUP),
        ),
        Vendor(
            "kueue",
            "Kueue 0.17.0",
            _kueue,
            partial(
                _kubernetes_sigs,
                "kueue",
                "v1beta2",
                9540,
                integrations={"frameworks": list(_QUEUED)},
            ),
            webhooks=9540,
            converts=True,
            namespaces=("kueue-system",),
            probe=_object("kueue.x-k8s.io/v1beta2", "ClusterQueue"),
        ),
        Vendor(
            "mpi-operator",
            "MPI operator 0.8.0",
            _mpi_operator,
            namespaces=("mpi-operator",),
            probe=_object("kubeflow.org/v2beta1", "MPIJob", mpiReplicaSpecs={"Launcher": _REPLICA}),
        ),
        Vendor(
            "argo-rollouts",
            "Argo Rollouts 1.9.2",
            _argo_rollouts,
            namespaces=("argo-rollouts",),
            probe=_object(
                "argoproj.io/v1alpha1",
                "Rollout",
                strategy={"canary": {}},
                selector={},
                template=_POD,
            ),
        ),
    )
}
"""By the name that `needs` says."""
