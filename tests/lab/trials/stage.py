"""One trial's own corner of the lab: a namespace, a pool of nodes, a diary."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.lab.declared import declared
from tests.lab.harness.api import Manifest, Refused
from tests.lab.harness.lab import Answer, Lab
from tests.lab.observer import accelerators
from zerofloor.words import counted

COOLDOWN, CONSOLIDATE = 8, 5
LOOK = 0.5
"""Seconds between two looks."""
PROMETHEUS = "http://127.0.0.1:9911/prometheus/"
REDIS = "redis.default:6379"
# One preview at a time: a Pulumi program's state is global.
_declaring = threading.Lock()


class Broken(Exception):
    """What happened is not what the component promises."""


@dataclass(kw_only=True)
class Stage:
    """What a trial acts and looks through."""

    lab: Lab
    name: str
    """Of the namespace, the component's objects and the pool."""
    whole: bool = True
    """Whether it looks on until the last machine is gone; CI has no time for that."""
    diary: list[tuple[float, str]] = field(default_factory=list)
    """What happened, and after how many seconds."""
    declarations: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Each component and the arguments that the trial is about."""
    _began: float = field(default_factory=time.monotonic)
    _applied: list[Manifest] = field(default_factory=list)
    _callers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(64))

    def told(self, what: str) -> None:
        """Writes into the diary."""
        self.diary.append((round(time.monotonic() - self._began, 1), what))

    def pool(self, *, boot: int = 0, types: Sequence[str] = ("g6e.xlarge",)) -> None:
        """The component GpuNodePool, on kwok's node class in place of EC2's; a machine takes
        `boot` seconds more to register."""
        arguments = {
            "name": self.name,
            "cluster_name": "lab",
            "role": "nodes",
            "instance_types": list(types),
            "max_gpus": 64,
            "consolidate_after_seconds": CONSOLIDATE,
        }
        node_class, pool = self._declared("GpuNodePool", arguments)
        pool["spec"]["template"]["spec"]["nodeClassRef"] = {
            "group": "karpenter.kwok.sh",
            "kind": "KWOKNodeClass",
            "name": self.name,
        }
        kwok = {
            "apiVersion": "karpenter.kwok.sh/v1alpha1",
            "kind": "KWOKNodeClass",
            "metadata": {"name": self.name},
            "spec": {"nodeRegistrationDelay": f"{boot}s"},
        }
        for manifest in (node_class, kwok, pool):
            self.apply(manifest)

    def deployment(self, **arguments: Any) -> list[Manifest]:
        """The component GpuDeployment, on the trial's pool; its objects as they were applied."""
        self.declarations.append(("GpuDeployment", arguments))
        given = {"image": "registry.invalid/server:1", "node_pool": self.name}
        return self._applied_of("GpuDeployment", given | self._fast() | arguments)

    def scaler(self, **arguments: Any) -> list[Manifest]:
        """The component GpuScaler, likewise."""
        self.declarations.append(("GpuScaler", arguments))
        return self._applied_of("GpuScaler", self._fast() | arguments)

    def apply(self, manifest: Manifest) -> None:
        """Applies under strict validation, and takes it away with the trial."""
        self.lab.api.apply(manifest, self.name)
        self._applied.append(manifest)

    def ask(self, path: str = "/", *, host: str | None = None, seconds: float = 400) -> Answer:
        """A request to the interceptor, by the Service of the component."""
        return self.lab.ask(path, host or f"{self.name}-proxy.{self.name}", seconds)

    def calling(self, path: str = "/") -> Future[Answer]:
        """The same without waiting."""
        return self._callers.submit(self.ask, path)

    def pods(self) -> list[Manifest]:
        """The trial's pods that have not ended."""
        listed: list[Manifest] = self.get("/api/v1", "pods")
        return [pod for pod in listed if pod["status"]["phase"] in ("Pending", "Running")]

    def running(self) -> int:
        """How many of them run."""
        return sum(pod["status"]["phase"] == "Running" for pod in self.pods())

    def gpus(self) -> int:
        """GPUs on the nodes of the trial's pool."""
        return sum(
            accelerators(node)
            for node in self.lab.api.get("/api/v1/nodes?resourceVersion=0")["items"]
            if node["metadata"]["labels"].get("karpenter.sh/nodepool") == self.name
        )

    def machines(self) -> int:
        """Machines of the trial's pool, with those that have not registered yet: each bills."""
        path = "/apis/karpenter.sh/v1/nodeclaims?labelSelector=karpenter.sh/nodepool="
        return len(self.lab.api.get(path + self.name)["items"])

    def get(self, root: str, plural: str, name: str = "") -> Any:
        """The trial's object of that kind and name, or all of the kind."""
        path = f"{root}/namespaces/{self.name}/{plural}"
        return self.lab.api.get(f"{path}/{name}") if name else self.lab.api.get(path)["items"]

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Waits for it and writes it down. Raises Broken."""
        deadline = time.monotonic() + seconds
        while not self._looked(condition):
            if time.monotonic() > deadline:
                raise Broken(
                    f"not within {seconds:g} s: {what}; {len(self.pods())} pods, "
                    f"{self.running()} run, {self.gpus()} GPUs"
                )
            time.sleep(LOOK)
        self.told(what)

    def stays(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """It must hold for so long. Raises Broken."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self._looked(condition):
                raise Broken(
                    f"no longer: {what}; {len(self.pods())} pods, {self.running()} run, "
                    f"{self.gpus()} GPUs"
                )
            time.sleep(LOOK)
        self.told(what)

    def check(self, condition: bool, what: str) -> None:
        """It must hold now. Raises Broken."""
        if not condition:
            raise Broken(f"not: {what}")
        self.told(what)

    def asleep(self, seconds: float = 10) -> None:
        """No pod and no GPU without a request."""
        self.stays(
            lambda: not self.pods() and not self.machines(),
            "idle: no pod, no GPU",
            seconds if self.whole else 3,
        )

    def runs(self, pods: int, why: str, *, unit: str = "replica", seconds: float = 120) -> None:
        """Waits for exactly so many pods that run, each on a GPU."""
        self.wait(
            lambda: self.running() == len(self.pods()) == pods <= self.gpus(),
            f"{why}: {counted(pods, unit)}",
            seconds,
        )

    def ends(self, why: str, seconds: float = 240) -> None:
        """Waits for zero: pods, then machines."""
        self.wait(lambda: not self.pods(), f"{why}: no pod", seconds)
        if self.whole:
            self.wait(lambda: not self.machines() and not self.gpus(), "no GPU", seconds)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """The namespace for as long as the trial runs."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}}
        self.lab.api.apply(namespace)
        try:
            yield
        finally:
            for manifest in reversed(self._applied):
                with contextlib.suppress(Refused, OSError):
                    self.lab.api.delete(self.lab.api.path_of(manifest, self.name))
            with contextlib.suppress(Refused, OSError):
                self.lab.api.delete(f"/api/v1/namespaces/{self.name}")
            self._callers.shutdown(wait=False, cancel_futures=True)

    def declare(self, component: str, arguments: Mapping[str, Any]) -> list[Manifest]:
        """A component's objects, which nothing applies."""
        named = {"name": self.name, "namespace": self.name}
        return self._declared(component, named | dict(arguments))

    def _fast(self) -> dict[str, Any]:
        return {"cooldown_seconds": COOLDOWN, "polling_seconds": 1}

    def _applied_of(self, component: str, arguments: Mapping[str, Any]) -> list[Manifest]:
        manifests = self.declare(component, arguments)
        for manifest in manifests:
            self.apply(manifest)
        kinds = Counter(manifest["kind"] for manifest in manifests)
        made = ", ".join(f"{n} × {kind}" if n > 1 else kind for kind, n in sorted(kinds.items()))
        self.told(f"{component} is made: {made}")
        return manifests

    def _declared(self, component: str, arguments: Mapping[str, Any]) -> list[Manifest]:
        with _declaring:
            (manifests,) = declared([(component, json.loads(json.dumps(arguments)))])
        return manifests

    def _looked(self, condition: Callable[[], bool]) -> bool:
        self.lab.check()
        try:
            return condition()
        except TimeoutError:
            return False
