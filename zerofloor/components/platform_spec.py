"""What a GpuPlatform accepts: types, defaults and bounds. What each argument means, its Args type
says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field

from zerofloor.components.aks_node_pool_spec import AksNodePoolSpec
from zerofloor.components.arguments import (
    Name,
    PlainText,
    PlainTexts,
    Problem,
    Some,
    Spec,
    SpecError,
    Text,
    TextMap,
    Texts,
    Whole,
    read,
)
from zerofloor.components.deployment_spec import DeploymentSpec
from zerofloor.components.gke_node_pool_spec import GkeNodePoolSpec
from zerofloor.components.machine_types import Market
from zerofloor.components.node_pool_spec import NodePoolSpec
from zerofloor.components.spec import Path, one_of_many
from zerofloor.hardware.instances import lookup
from zerofloor.words import counted

CLOUDS: Final[Mapping[str, tuple[str, str]]] = {
    "eks": ("aws", "role"),
    "gke": ("gcp", "location"),
    "aks": ("azure", "resource_group"),
}
"""The clusters, each with its cloud and the argument that belongs to it alone."""
POOLS: Final[Mapping[str, type[Spec]]] = {
    "eks": NodePoolSpec,
    "gke": GkeNodePoolSpec,
    "aks": AksNodePoolSpec,
}
CHARTS: Final = ("keda", "http-add-on", "device-plugin", "metrics")
_CALLED: Final[Mapping[str, str]] = {
    "instance_types": "machine_types",
    "machine_type": "machine_types",
    "vm_size": "machine_types",
    "max_gpus": "max_nodes",
    "cluster": "cluster_name",
}
"""The arguments of the components inside, as this one calls them."""


def _cloud(value: Any) -> str:
    return one_of_many(value, tuple(CLOUDS))


def _chart(value: Any) -> str:
    return one_of_many(value, CHARTS)


class PlatformSpec(Spec):
    """The arguments of a GpuPlatform."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "cloud": "eks",
        "cluster_name": "c",
        "role": "r",
        "machine_types": ["g6e.xlarge"],
        "max_nodes": 1000,
        "image": "i",
    }

    name: Name
    cloud: Annotated[str, BeforeValidator(_cloud)]
    cluster_name: Text
    role: Text = None
    location: PlainText | None = None
    resource_group: Text = None
    installed: tuple[Annotated[str, BeforeValidator(_chart)], ...] = ()

    machine_types: Annotated[PlainTexts, Some]
    capacity_type: Market = "on-demand"
    max_nodes: Annotated[Whole, Field(ge=1, le=1000)]

    namespace: Text = "default"
    image: Text
    args: Texts | None = None
    env: TextMap | None = None
    port: Annotated[Whole, Field(ge=1, le=65535)] = 8000
    health_path: Path = "/health"
    gpus: Annotated[Whole, Field(ge=1, le=128)] = 1
    min_replicas: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_replicas: Annotated[Whole, Field(ge=1, le=1000)] = 1

    def problems(self) -> Iterator[Problem]:
        """The cluster against the arguments that belong to it, and what the components inside
        refuse."""
        for cloud, (_, own) in CLOUDS.items():
            given = getattr(self, own) is not None
            if cloud == self.cloud and not given:
                yield Problem(own, f"is required with `cloud` {cloud}")
            if cloud != self.cloud and given:
                yield Problem(own, f"belongs to `cloud` {cloud}, and this one is {self.cloud}")
        if self.cloud != "eks" and len(self.machine_types) > 1:
            yield Problem("machine_types", f"must name one with `cloud` {self.cloud}")
        inside = (
            *_refused(POOLS[self.cloud], self.pool()),
            *_refused(DeploymentSpec, self.server()),
        )
        yield from dict.fromkeys(inside)
        if not inside:
            yield from self._room()

    def _room(self) -> Iterator[Problem]:
        held = self.node_gpus
        if held and self.gpus > min(held):
            yield Problem("gpus", f"{self.gpus} do not fit on a node, which holds {min(held)}")
        elif held and self.max_replicas * self.gpus > self.max_nodes * max(held):
            yield Problem(
                "max_nodes",
                f"{counted(self.max_nodes, 'node')} hold "
                f"{counted(self.max_nodes * max(held), 'GPU')}, and "
                f"`max_replicas` {self.max_replicas} of `gpus` {self.gpus} need "
                f"{self.max_replicas * self.gpus}",
            )

    @property
    def node_gpus(self) -> tuple[int, ...]:
        """Whole GPUs of a node of each type."""
        found = [lookup(CLOUDS[self.cloud][0], name) for name in self.machine_types]
        return tuple(int(shape.gpus) for shape in found if shape is not None and shape.gpus)

    def pool(self) -> dict[str, Any]:
        """The arguments of the pool."""
        spot = self.capacity_type == "spot"
        match self.cloud:
            case "eks":
                return {
                    "name": self.name,
                    "cluster_name": self.cluster_name,
                    "role": self.role or "-",
                    "auto_mode": True,
                    "instance_types": list(self.machine_types),
                    "capacity_types": ["spot", "on-demand"] if spot else ["on-demand"],
                    "max_gpus": self.max_nodes * max(self.node_gpus, default=8),
                }
            case "gke":
                return {
                    "name": self.name,
                    "cluster": self.cluster_name,
                    "location": self.location or "us-central1",
                    "machine_type": self.machine_types[0],
                    "capacity_type": self.capacity_type,
                    "max_nodes": self.max_nodes,
                }
            case _:
                return {
                    # Of AKS' short names without dashes.
                    "name": re.sub("[^a-z0-9]", "", self.name)[:12],
                    "resource_group": self.resource_group or "-",
                    "cluster": self.cluster_name,
                    "vm_size": self.machine_types[0],
                    "capacity_type": self.capacity_type,
                    "max_nodes": self.max_nodes,
                    # By it the charts of device plugin and metrics find GPU nodes.
                    "labels": {"nvidia.com/gpu.present": "true"},
                }

    def server(self) -> dict[str, Any]:
        """The arguments of the model server, without its node selector."""
        given = {
            "name": self.name,
            "namespace": self.namespace,
            "image": self.image,
            "args": self.args,
            "env": self.env,
            "port": self.port,
            "health_path": self.health_path,
            "gpus": self.gpus,
            "min_replicas": self.min_replicas,
            "max_replicas": self.max_replicas,
            # Only of EC2's types a server can say that it needs one.
            "instance_types": list(self.machine_types) if self.cloud == "eks" else None,
        }
        return {key: value for key, value in given.items() if value is not None}

    @property
    def charts(self) -> tuple[str, ...]:
        """The charts to install. EKS Auto Mode and GKE run the device plugin themselves, and show
        the GPUs' metrics through their own monitoring."""
        wanted = CHARTS if self.cloud == "aks" else ("keda", "http-add-on")
        return tuple(chart for chart in wanted if chart not in self.installed)


def _refused(kind: type[Spec], args: Mapping[str, Any]) -> Iterator[Problem]:
    """What a component inside would refuse, in the names of this one's arguments."""
    try:
        read(kind, "", "", args)
    except SpecError as error:
        for problem in error.problems:
            head, rest = re.fullmatch(r"([^.\[]*)(.*)", problem.path).groups()  # type: ignore[union-attr]
            why = re.sub(r"`(\w+)`", lambda name: f"`{_called(name[1])}`", problem.why)
            yield Problem(_called(head) + rest, why)


def _called(name: str) -> str:
    return _CALLED.get(name, name)
