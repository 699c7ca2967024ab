"""As little of the gcp SDK as the program uses: its classes register these types."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.runtime import invoke


def get_zones() -> Any:
    return invoke("gcp:compute/getZones:getZones", {}).value


def get_engine_versions(location: str) -> Any:
    args = {"location": location}
    return invoke("gcp:container/getEngineVersions:getEngineVersions", args).value


def get_image(family: str, project: str) -> Any:
    args = {"family": family, "project": project}
    return invoke("gcp:compute/getImage:getImage", args).value


class Cluster(pulumi.CustomResource):
    name: pulumi.Output[str]

    def __init__(self, name: str, **props: Any) -> None:
        super().__init__("gcp:container/cluster:Cluster", name, {"name": None, **props})


class NodePool(pulumi.CustomResource):
    def __init__(self, name: str, **props: Any) -> None:
        super().__init__("gcp:container/nodePool:NodePool", name, props)


class Workbench(pulumi.CustomResource):
    def __init__(self, name: str, **props: Any) -> None:
        super().__init__("gcp:workbench/instance:Instance", name, props)


class Instance(pulumi.CustomResource):
    def __init__(self, name: str, **props: Any) -> None:
        super().__init__("gcp:compute/instance:Instance", name, props)
