"""A running lab: `with running_lab() as lab:`. Nothing of it is left when the block ends, however
it ends."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import yaml

from tests.lab.harness import processes
from tests.lab.harness.api import Api, Manifest, Refused
from tests.lab.harness.certificates import write_certificates
from tests.lab.harness.instance_types import instance_types
from tests.lab.harness.processes import BINARIES, ROOT, Program
from tests.lab.harness.stand_ins import METRICS_PORT, TRIGGER_PORT
from tests.lab.harness.supervisor import LOG_LINES
from tests.lab.harness.vendors import VENDORS, Vendor, ca_bundle

TOOLS = ("etcd", "kubernetes", "kwok", "karpenter", "keda", "http-add-on", "definitions")
"""What tools/lab builds; each leaves a stamp beside its programs."""
START_SECONDS = 90
JOB_MILLISECONDS = 8000
"""How long the pod of a Job works. Its label lab_run may say `forever`, or `fails`: it fails then."""


class LabFailed(Exception):
    """The lab could not start, or one of its programs ended. The message has the end of its log."""


@dataclasses.dataclass(frozen=True, slots=True)
class Clusters:
    """What differs between one lab and another."""

    kubernetes_gates: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    karpenter_gates: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    external_metrics: str = "keda"
    """Who serves external.metrics.k8s.io: `keda`, or `stand-in` for plain HPAs. It is one API, so
    not both."""
    http_add_on: bool = False
    """Whether KEDA's HTTP add-on runs."""
    kafka: bool = False
    """Whether a Kafka broker runs."""
    vendors: tuple[str, ...] = ()
    """Whose controllers run beside, by their names in `VENDORS`."""


DEFAULT = Clusters()
WITH_HTTP = Clusters(http_add_on=True)
GATES_ON = Clusters(
    {"HPAScaleToZero": True}, {"StaticCapacity": True, "CapacityBuffer": True}, "stand-in"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """To a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Lab:
    """What a test or the runner does with a running lab."""

    def __init__(
        self, folder: Path, clusters: Clusters, supervisor: Supervisor, api: Api, token: str
    ) -> None:
        self.folder = folder
        self.token = token
        """The API server's, for its only user."""
        self.clusters = clusters
        self.api = api
        self._supervisor = supervisor

    def check(self) -> None:
        """Raises LabFailed where a program has ended by itself."""
        self._supervisor.check()

    def stop(self, name: str) -> None:
        """Stops one program on purpose."""
        self._supervisor.ask({"do": "stop", "name": name})

    def start(self, name: str) -> None:
        """Starts a program again that was stopped."""
        programs = (
            *processes.keda(self.folder),
            processes.keda_adapter(self.folder),
            *(
                program
                for v in self.clusters.vendors
                for program in VENDORS[v].programs(self.folder)
            ),
        )
        self._supervisor.start(next(program for program in programs if program.name == name))

    def set_trigger(self, key: str, value: object) -> None:
        """What the trigger of this key answers from now on."""
        self._put(f"/v/{key}", str(value))

    def set_cpu(self, namespace: str, used: str) -> None:
        """What each pod of the namespace uses from now on (`900m`)."""
        self._put(f"/cpu/{namespace}", used)

    def set_ray_job(self, namespace: str, status: str) -> None:
        """How the Ray jobs of the namespace end, or that they run."""
        self._put(f"/ray/{namespace}", status)

    def set_metrics(self, namespace: str, known: Mapping[str, float]) -> None:
        """What the Prometheus of the namespace knows from now on, by query or by metric of the
        pods."""
        self._put(f"/prometheus/{namespace}", json.dumps(known))

    def set_list(self, name: str, items: int) -> None:
        """How many items a Redis list has from now on."""
        self._put(f"/redis/{name}", str(items))

    def set_queue(self, name: str, waiting: int, in_flight: int = 0) -> None:
        """How many messages an SQS queue has from now on."""
        self._put(f"/sqs/{name}", f"{waiting} {in_flight}")

    def produce(self, topic: str, records: int) -> None:
        """Puts so many records into the only partition of a Kafka topic, which it makes."""
        self._put(f"/{topic}", str(records), "kafka.sock")

    def commit(self, topic: str, group: str, offset: int) -> None:
        """That a consumer group has read the topic up to there."""
        self._put(f"/{topic}/{group}", str(offset), "kafka.sock")

    def request(self, path: str, host: str, seconds: float = 120) -> int:
        """The status of a request to KEDA's interceptor, as a caller in the cluster would send it;
        waits so long for the answer."""
        return self.ask(path, host, seconds).status

    def ask(self, path: str, host: str, seconds: float = 120) -> Answer:
        """The whole answer to such a request. Raises TimeoutError."""
        return self._send("http.sock", "GET", path, None, host, seconds)

    def _put(self, path: str, value: str, place: str = "trigger.sock") -> None:
        try:
            answer = self._send(place, "PUT", path, value, "localhost", 60)
        except OSError as error:
            raise LabFailed(f"the stand-ins do not answer: {error}") from None
        if answer.status != 200:
            raise LabFailed(f"{place} {path}: {answer.status} {answer.body.decode()}")

    def _send(
        self, name: str, method: str, path: str, body: str | None, host: str, seconds: float
    ) -> Answer:
        with contextlib.closing(http.client.HTTPConnection(host, timeout=seconds)) as connection:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(seconds)
            connection.sock.connect(str(self.folder / name))
            connection.request(method, path, body)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())


class Supervisor:
    """The process inside the namespaces (supervisor.py) as seen from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._answers: dict[int, str | None] = {}
        self._changed = threading.Condition()
        self._died: str | None = None
        self._sent = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, program: Program) -> None:
        """Starts a program and waits until it is healthy. Raises LabFailed."""
        if not Path(program.argv[0]).exists():
            raise LabFailed(f"{program.argv[0]} is missing: make lab-build lab-operators")
        fields = {
            "name": program.name,
            "argv": program.argv,
            "env": dict(program.env),
            "health": program.health,
        }
        self.ask({"do": "start", **fields, "timeout": START_SECONDS})

    def ask(self, command: Mapping[str, object]) -> None:
        """Sends a command and waits for its answer. Raises LabFailed."""
        with self._changed:
            self._sent += 1
            number = self._sent
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(json.dumps({"id": number, **command}) + "\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                raise LabFailed("the lab's supervisor has ended") from None
            self._changed.wait_for(
                lambda: number in self._answers or self._died, START_SECONDS + 30
            )
            error = self._answers.pop(number, self._died or "the lab's supervisor does not answer")
        if error:
            raise LabFailed(error)

    def check(self) -> None:
        """Raises LabFailed where a program has ended by itself."""
        if self._died:
            raise LabFailed(self._died)

    def close(self) -> None:
        """Stops everything, and waits until it is gone."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            with self._changed:
                if "died" in message:
                    self._died = self._died or (
                        f"{message['died']} ended by itself ({message['code']}); the end "
                        f"of its log:\n{message['log']}"
                    )
                else:
                    self._answers[message["id"]] = message["error"]
                self._changed.notify_all()
        with self._changed:
            self._died = self._died or "the lab's supervisor has ended"
            self._changed.notify_all()


def cannot_run() -> str | None:
    """Why this machine can't run the lab; None where it can."""
    missing = [name for name in TOOLS if not (BINARIES / f".{name}").exists()]
    if missing:
        return (
            f"the control plane is not built ({', '.join(missing)} missing): make -C tools/lab "
            "(Go 1.26 or newer)"
        )
    if not shutil.which("unshare"):
        return "unshare (util-linux) is missing: the lab needs a network namespace of its own"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return f"no namespace to be had here: {tried.stderr.strip()}" if tried.returncode else None


def not_built(vendors: Iterable[str]) -> str | None:
    """What is missing for these vendors' controllers; None where all are built."""
    missing = [name for name in vendors if not VENDORS[name].built]
    if not missing:
        return None
    return f"not built: {', '.join(missing)} (make lab-operators; Go 1.26 or newer)"


@contextlib.contextmanager
def running_lab(
    clusters: Clusters = DEFAULT, *, extra: Sequence[Program] = (), keep: bool = False
) -> Iterator[Lab]:
    """Starts everything and waits until it is healthy; on the way out stops it and removes its
    folder (kept with `keep`, for its logs).

    `extra` are programs that are started before all others. Raises LabFailed.
    """
    if reason := cannot_run() or not_built(clusters.vendors):
        raise LabFailed(reason)
    # A Unix socket's path has 107 characters at most, so the folder stands under the system's own
    # one for temporary files.
    folder = Path(tempfile.mkdtemp(prefix="zerofloor-lab-"))
    (folder / "hosts").write_text("127.0.0.1 localhost localhost.localdomain\n")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    command = [
        *_unshare(),
        sys.executable,
        "-m",
        "tests.lab.harness.supervisor",
        str(folder),
        *(["--keep"] if keep else []),
    ]
    # A session of its own: Ctrl-C reaches us alone, and we stop the programs in order.
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    supervisor = Supervisor(process)
    api: Api | None = None
    try:
        lab = _start(folder, clusters, supervisor, extra)
        api = lab.api
        yield lab
        supervisor.check()
    finally:
        supervisor.close()
        if api:
            api.close()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _start(
    folder: Path, clusters: Clusters, supervisor: Supervisor, extra: Sequence[Program]
) -> Lab:
    token = secrets.token_hex(16)
    write_certificates(folder / "certificates")
    _write_files(folder, token)
    for program in (
        *extra,
        processes.etcd(folder),
        *processes.kubernetes(folder, clusters.kubernetes_gates, _api_server(clusters)),
    ):
        supervisor.start(program)
    supervisor.start(processes.stand_ins(folder, token))
    supervisor.ask(
        {"do": "forward", "socket": str(folder / "api.sock"), "port": processes.API_PORT}
    )
    supervisor.ask({"do": "forward", "socket": str(folder / "trigger.sock"), "port": TRIGGER_PORT})
    supervisor.ask(
        {"do": "forward", "socket": str(folder / "http.sock"), "port": processes.PROXY_PORT}
    )
    api = Api(folder / "api.sock", token)
    _install(folder, api, clusters)
    for program in (processes.karpenter(folder, clusters.karpenter_gates), *processes.keda(folder)):
        supervisor.start(program)
    if clusters.kafka:
        supervisor.start(processes.kafka())
        supervisor.ask(
            {"do": "forward", "socket": str(folder / "kafka.sock"), "port": processes.KAFKA_PORT}
        )
    if clusters.external_metrics == "keda":
        supervisor.start(processes.keda_adapter(folder))
    if clusters.http_add_on:
        for manifest in _interceptor_service():
            api.apply(manifest)
        for program in processes.http_add_on(folder):
            supervisor.start(program)
    _wait_for_metrics(api)
    for name in clusters.vendors:
        _start_vendor(folder, api, supervisor, VENDORS[name])
    return Lab(folder, clusters, supervisor, api, token)


def _api_server(clusters: Clusters) -> str:
    """Kueue wants one that says its version; the lab's own says none."""
    return "kube-apiserver-versioned" if "kueue" in clusters.vendors else "kube-apiserver"


def _start_vendor(folder: Path, api: Api, supervisor: Supervisor, vendor: Vendor) -> None:
    """Definitions, programs, webhooks; then a manifest of its own kind must be taken."""
    bundle = ca_bundle(folder)
    for name, text in vendor.files(folder).items():
        (folder / name).write_text(text)
    for name in vendor.namespaces:
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    definitions = [api.create(definition) for definition in vendor.definitions(bundle)]
    for definition in definitions:
        _wait_for_definition(api, definition)
    for program in vendor.programs(folder):
        supervisor.start(program)
    for configuration in vendor.admission(bundle):
        api.apply(configuration)
    said: list[str] = []
    deadline = time.monotonic() + START_SECONDS
    while not _takes(api, vendor.probe, said):
        supervisor.check()
        if time.monotonic() > deadline:
            log = "\n".join((folder / f"{vendor.name}.log").read_text().splitlines()[-LOG_LINES:])
            raise LabFailed(
                f"{vendor.name} does not take its own kind after {START_SECONDS} s "
                f"({said[-1]}); the end of its log:\n{log}"
            )
        time.sleep(0.2)


def _takes(api: Api, manifest: Manifest, said: list[str]) -> bool:
    try:
        api.apply(manifest, dry_run=True)
    except Refused as refused:
        said.append(str(refused))
        return False
    return True


def _unshare() -> list[str]:
    namespaces = ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child"]
    return namespaces if os.geteuid() == 0 else [*namespaces, "--user", "--map-root-user"]


def _write_files(folder: Path, token: str) -> None:
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    (folder / "instance-types.json").write_text(json.dumps(instance_types()))
    (folder / "stages.yaml").write_text(yaml.safe_dump_all(_stages()))
    cluster = {
        "server": f"https://127.0.0.1:{processes.API_PORT}",
        "certificate-authority": str(folder / "certificates" / "ca.crt"),
    }
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
        "current-context": "lab",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))


def _stages() -> Iterator[Manifest]:
    for path in sorted((BINARIES / "stages").glob("*.yaml")):
        stage = yaml.safe_load(path.read_text())
        if stage["metadata"]["name"] == "pod-complete":
            # kwok ends a Job's pod at once; work takes a while, some never ends, some fails.
            stage["spec"]["delay"] = {"durationMilliseconds": JOB_MILLISECONDS}
            yield _failing(stage)
            stage["spec"]["selector"]["matchExpressions"].append(_runs("NotIn", "forever", "fails"))
        yield stage


def _failing(complete: Manifest) -> Manifest:
    stage = copy.deepcopy(complete)
    stage["metadata"]["name"] = "pod-fail"
    stage["spec"]["selector"]["matchExpressions"].append(_runs("In", "fails"))
    template = stage["spec"]["next"]["statusTemplate"]
    for done, failed in (
        ("exitCode: 0", "exitCode: 1"),
        ("Completed", "Error"),
        ("Succeeded", "Failed"),
    ):
        template = template.replace(done, failed)
    stage["spec"]["next"]["statusTemplate"] = template
    return stage


def _runs(operator: str, *values: str) -> Manifest:
    # The key is jq: no hyphen.
    return {"key": ".metadata.labels.lab_run", "operator": operator, "values": list(values)}


def _install(folder: Path, api: Api, clusters: Clusters) -> None:
    definitions = [
        document
        for path in sorted((BINARIES / "crds").glob("*/*.yaml"))
        # A vendor brings its own.
        if path.parent.name not in clusters.vendors
        for document in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)
        if document
    ]
    for definition in definitions:
        # Applied, a large one would be too large: the server keeps its fields' owners, too.
        api.create(definition)
    for definition in definitions:
        _wait_for_definition(api, definition)
    for name in ("keda", "lab"):
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    node_class = {
        "apiVersion": "karpenter.kwok.sh/v1alpha1",
        "kind": "KWOKNodeClass",
        "metadata": {"name": "default"},
        "spec": {},
    }
    _wait(partial(_tried, partial(api.apply, node_class)), "the KWOKNodeClass is refused")
    api.apply(_webhooks(folder))
    adapter = 6444 if clusters.external_metrics == "keda" else METRICS_PORT
    for group, port in (("external.metrics.k8s.io", adapter), ("metrics.k8s.io", METRICS_PORT)):
        service = group.split(".")[0] + "-metrics"
        # An aggregated API needs a Service; ExternalName with a port reaches a process on this
        # host.
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
        api.apply(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": service, "namespace": "lab"},
                "spec": spec,
            }
        )
        api.apply({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"v1beta1.{group}"},
            "spec": {
                "group": group, "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True,
                "service": {"name": service, "namespace": "lab", "port": port},
            },
        })  # fmt: skip


def _wait_for_definition(api: Api, definition: Manifest) -> None:
    _wait(
        partial(_is, api, api.path_of(definition, ""), "Established"),
        f"{definition['metadata']['name']} is not established",
    )


def _webhooks(folder: Path) -> Manifest:
    configuration: Manifest = yaml.safe_load(
        (BINARIES / "keda" / "validation_webhooks.yaml").read_text()
    )
    bundle = ca_bundle(folder)
    for webhook in configuration["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        url = f"https://127.0.0.1:{processes.KEDA_WEBHOOKS_PORT}{path}"
        webhook["clientConfig"] = {"url": url, "caBundle": bundle}
    return configuration


def _interceptor_service() -> Iterator[Manifest]:
    # The scaler asks the interceptors behind this Service how many requests wait. Loopback
    # addresses are refused in slices, names aren't.
    name = {"name": processes.INTERCEPTOR_SERVICE, "namespace": "keda"}
    ports = [{"name": "admin", "port": processes.ADMIN_PORT}]
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": name,
        "spec": {"clusterIP": "None", "ports": ports},
    }
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            **name,
            "labels": {"kubernetes.io/service-name": processes.INTERCEPTOR_SERVICE},
        },
        "addressType": "FQDN",
        "endpoints": [{"addresses": ["localhost.localdomain"], "conditions": {"ready": True}}],
        "ports": ports,
    }


def _wait_for_metrics(api: Api) -> None:
    path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1."
    for group in ("external.metrics.k8s.io", "metrics.k8s.io"):
        _wait(partial(_is, api, path + group, "Available"), f"{group} is not available")


def _is(api: Api, path: str, condition: str) -> bool:
    return any(
        c["type"] == condition and c["status"] == "True"
        for c in api.get(path).get("status", {}).get("conditions") or ()
    )


def _tried(action: Callable[[], object]) -> bool:
    try:
        action()
    except Refused:
        return False
    return True


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise LabFailed(f"{otherwise} after {START_SECONDS} s")
        time.sleep(0.2)
