"""The `kubernetes` provider of the end-to-end test: it applies what the engine gives it to the lab,
on a fast clock and on fake nodes.

What it changes, and nothing else: a NodePool points at kwok's node class in place of an
EC2NodeClass (which is stored, so its CRD accepted
it), and waiting times are seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import provider_pb2_grpc

from tests.engine.echo_provider import Echo
from tests.lab.declared import whole
from tests.lab.harness.api import Api, Manifest

COOLDOWN, CONSOLIDATE = 8, "5s"


class Applies(Echo):
    """Echo, but what is created is applied to the lab, and what is deleted is deleted there."""

    def __init__(self, api: Api) -> None:
        super().__init__("kubernetes")
        self._api = api

    def Create(self, request: Any, context: Any) -> Any:
        if not request.preview:
            self._api.apply(_for_the_lab(_manifest(request.properties)))
        return super().Create(request, context)

    def Update(self, request: Any, context: Any) -> Any:
        if not request.preview:
            self._api.apply(_for_the_lab(_manifest(request.news)))
        return super().Update(request, context)

    def Delete(self, request: Any, context: Any) -> Any:
        self._api.delete(self._api.path_of(_manifest(request.properties), "default"))
        return empty_pb2.Empty()


def _manifest(properties: Any) -> Manifest:
    manifest: Manifest = whole(json_format.MessageToDict(properties))
    return {key: value for key, value in manifest.items() if not key.startswith("__")}


def _for_the_lab(manifest: Mapping[str, Any]) -> Manifest:
    spec = manifest.get("spec", {})
    if manifest["kind"] == "NodePool":
        template = spec["template"]
        kwok = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
        template = {**template, "spec": {**template["spec"], "nodeClassRef": kwok}}
        spec = {
            **spec,
            "template": template,
            "disruption": {**spec["disruption"], "consolidateAfter": CONSOLIDATE},
        }
    if manifest["kind"] == "ScaledObject":
        behavior = {"scaleDown": {"stabilizationWindowSeconds": COOLDOWN}}
        spec = {
            **spec,
            "pollingInterval": 1,
            "cooldownPeriod": COOLDOWN,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        }
    return {**manifest, "spec": spec}


def main() -> None:
    """Serves until the engine ends it."""
    api = Api(Path(os.environ["LAB_SOCKET"]), os.environ["LAB_TOKEN"])
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Applies(api), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
