"""Every program of the lab as data: what starts it, and where it says that it is healthy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.harness.stand_ins import TRIGGER_PORT

ROOT = Path(__file__).parents[3]
BINARIES = ROOT / ".work" / "lab-bin"
API_PORT = 6443
KEDA_WEBHOOKS_PORT = 9444
PROXY_PORT, ADMIN_PORT = 8080, 9091
KAFKA_PORT = 9093
"""Where records are put in; the broker itself listens on 9092."""
INTERCEPTOR_SERVICE = "keda-add-ons-http-interceptor-admin"


@dataclass(frozen=True, slots=True)
class Program:
    """One process of the lab."""

    name: str
    argv: tuple[str, ...]
    health: str = ""
    """A URL that answers 200 once the program is up; empty: started is enough."""
    env: Mapping[str, str] = field(default_factory=dict)


def etcd(folder: Path) -> Program:
    """The store. Without fsync: its data goes with the run."""
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    return _program(
        "etcd", f"{client}/health", f"--data-dir={folder}/etcd", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}", "--unsafe-no-fsync",
    )  # fmt: skip


def kubernetes(
    folder: Path, gates: Mapping[str, bool], api_server: str = "kube-apiserver"
) -> tuple[Program, ...]:
    """API server, controller manager, scheduler, and kwok as the kubelet of nodes that don't
    exist."""
    certificates, kubeconfig = folder / "certificates", folder / "kubeconfig"
    feature_gates = (f"--feature-gates={_gates(gates)}",) if gates else ()
    logins = (
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
    )
    return (
        _program(
            api_server, f"https://127.0.0.1:{API_PORT}/readyz", "--etcd-servers=http://127.0.0.1:2379", f"--secure-port={API_PORT}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16", f"--token-auth-file={folder}/tokens.csv", "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={certificates}/service-account.key",
            f"--service-account-signing-key-file={certificates}/service-account.key",
            f"--client-ca-file={certificates}/ca.crt", f"--tls-cert-file={certificates}/tls.crt",
            f"--tls-private-key-file={certificates}/tls.key", f"--requestheader-client-ca-file={certificates}/ca.crt",
            "--requestheader-allowed-names=front-proxy", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group", "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={certificates}/front-proxy.crt", f"--proxy-client-key-file={certificates}/front-proxy.key",
            "--enable-aggregator-routing=false",
            # Without this plugin pods can be made before their namespace has its service account.
            "--disable-admission-plugins=ServiceAccount", *feature_gates,
        ),
        _program(
            "kube-controller-manager", "https://127.0.0.1:10257/healthz", *logins, "--bind-address=127.0.0.1", "--leader-elect=false",
            f"--service-account-private-key-file={certificates}/service-account.key", f"--root-ca-file={certificates}/ca.crt",
            # A fast clock for autoscaling; what they decide does not change with it.
            "--horizontal-pod-autoscaler-sync-period=2s", "--horizontal-pod-autoscaler-downscale-stabilization=5s",
            "--horizontal-pod-autoscaler-cpu-initialization-period=5s", "--horizontal-pod-autoscaler-initial-readiness-delay=2s",
            "--kube-api-qps=300", "--kube-api-burst=500", *feature_gates,
        ),
        _program("kube-scheduler", "https://127.0.0.1:10259/healthz", *logins, "--bind-address=127.0.0.1",
            "--leader-elect=false", *feature_gates,
        ),
        _program(
            "kwok", "http://127.0.0.1:10247/healthz", f"--kubeconfig={kubeconfig}", f"--config={folder}/stages.yaml",
            "--manage-all-nodes=false", "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40", "--node-ip=127.0.0.1", "--cidr=10.200.0.1/16", "--server-address=127.0.0.1:10247",
        ),
    )  # fmt: skip


def stand_ins(folder: Path, token: str) -> Program:
    """The trigger and the metrics APIs."""
    certificates = folder / "certificates"
    argv = (
        sys.executable,
        "-m",
        "tests.lab.harness.stand_ins",
        f"{certificates}/tls.crt",
        f"{certificates}/tls.key",
        token,
    )
    return Program(
        "stand-ins", argv, f"http://127.0.0.1:{TRIGGER_PORT}/v/health", {"PYTHONPATH": str(ROOT)}
    )


def kafka() -> Program:
    """A Kafka broker in memory (tools/lab/kafka)."""
    return _program("kafka", f"http://127.0.0.1:{KAFKA_PORT}/")


def karpenter(folder: Path, gates: Mapping[str, bool]) -> Program:
    """Karpenter with its kwok provider. Listens on all addresses, hence the network namespace."""
    env = {
        "KUBECONFIG": str(folder / "kubeconfig"),
        "DISABLE_LEADER_ELECTION": "true",
        "METRICS_PORT": "8090",
        "HEALTH_PROBE_PORT": "8091",
        "INSTANCE_TYPES_FILE_PATH": str(folder / "instance-types.json"),
        "SYSTEM_NAMESPACE": "kube-system",
        "FEATURE_GATES": _gates({"ReservedCapacity": True} | dict(gates)),
    }
    return Program("karpenter", (str(BINARIES / "karpenter"),), "http://127.0.0.1:8091/readyz", env)


def keda(folder: Path) -> tuple[Program, ...]:
    """KEDA's operator and webhooks."""
    certificates = f"--cert-dir={folder}/certificates"
    return (
        _program(
            "keda-operator", "http://127.0.0.1:8081/readyz", certificates, "--enable-cert-rotation=false",
            "--metrics-bind-address=127.0.0.1:8079", "--health-probe-bind-address=127.0.0.1:8081",
            "--metrics-service-bind-address=127.0.0.1:9666", "--leader-elect=false", "--kube-api-qps=200", "--kube-api-burst=300",
            env=_keda_env(folder),
        ),
        keda_webhooks(folder),
    )  # fmt: skip


def keda_webhooks(folder: Path) -> Program:
    """KEDA's admission webhooks."""
    return _program(
        "keda-webhooks", "http://127.0.0.1:8087/readyz", f"--cert-dir={folder}/certificates", f"--port={KEDA_WEBHOOKS_PORT}",
        "--metrics-bind-address=127.0.0.1:8086", "--health-probe-bind-address=127.0.0.1:8087", env=_keda_env(folder),
    )  # fmt: skip


def keda_adapter(folder: Path) -> Program:
    """KEDA's metrics adapter; needs the operator to be up."""
    kubeconfig, certificates = folder / "kubeconfig", folder / "certificates"
    return _program(
        "keda-adapter", "https://127.0.0.1:6444/healthz", "--metrics-service-address=localhost:9666", "--port=8085", "--secure-port=6444",
        "--bind-address=127.0.0.1", f"--cert-dir={certificates}", f"--tls-cert-file={certificates}/tls.crt",
        f"--tls-private-key-file={certificates}/tls.key", f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}", f"--lister-kubeconfig={kubeconfig}", env=_keda_env(folder),
    )  # fmt: skip


def http_add_on(folder: Path) -> tuple[Program, ...]:
    """KEDA's HTTP add-on, without its operator: a ScaledObject of one's own needs the interceptor
    and the scaler alone."""
    shared = {"KUBECONFIG": str(folder / "kubeconfig"), "OTEL_PROM_EXPORTER_ENABLED": "false"}
    interceptor = {
        "KEDA_HTTP_PROXY_PORT": str(PROXY_PORT),
        "KEDA_HTTP_ADMIN_PORT": str(ADMIN_PORT),
        "KEDA_HTTP_SHUTDOWN_DELAY": "0s",
    }
    scaler = {
        "KEDA_HTTP_SCALER_PORT": "9090",
        "KEDA_HTTP_SCALER_TARGET_ADMIN_NAMESPACE": "keda",
        "KEDA_HTTP_SCALER_TARGET_ADMIN_SERVICE": INTERCEPTOR_SERVICE,
        "KEDA_HTTP_SCALER_TARGET_ADMIN_DEPLOYMENT": "keda-add-ons-http-interceptor",
        "KEDA_HTTP_SCALER_TARGET_ADMIN_PORT": str(ADMIN_PORT),
    }
    return (
        _program(
            "http-interceptor", f"http://127.0.0.1:{ADMIN_PORT}/readyz", env=shared | interceptor
        ),
        _program("http-scaler", "", env=shared | scaler),
    )


def _program(name: str, health: str, *flags: str, env: Mapping[str, str] | None = None) -> Program:
    return Program(name, (str(BINARIES / name), *flags), health, env or {})


def _keda_env(folder: Path) -> dict[str, str]:
    return {
        "KUBECONFIG": str(folder / "kubeconfig"),
        "WATCH_NAMESPACE": "",
        "POD_NAMESPACE": "keda",
        "KEDA_CLUSTER_OBJECT_NAMESPACE": "keda",
        # Amazon SQS is one of the stand-ins; a key of nobody's lets the SDK sign.
        "AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{TRIGGER_PORT}",
        "AWS_ACCESS_KEY_ID": "lab",
        "AWS_SECRET_ACCESS_KEY": "lab",
    }


def _gates(gates: Mapping[str, bool]) -> str:
    return ",".join(f"{name}={str(on).lower()}" for name, on in sorted(gates.items()))
