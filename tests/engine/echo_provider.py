"""A provider for any package that needs no cloud: it accepts every resource and returns its inputs
as outputs.

Started by the engine as `pulumi-resource-PACKAGE` (real_engine.py writes the launchers). Works on
the protocol's structs as they are, so
secrets and unknowns pass unchanged. Real changes are noted in the file that ECHO_LOG names; a
creation takes ECHO_SECONDS.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

ANY = {"$ref": "pulumi.json#/Any"}

TYPES = {
    "aws": {
        "aws:ec2/instance:Instance": ["ami", "instanceType", "tags", "userData"],
        "aws:ec2/vpc:Vpc": ["cidrBlock", "tags"],
        "aws:ec2/launchTemplate:LaunchTemplate": ["imageId", "instanceType"],
        "aws:autoscaling/group:Group": [
            "minSize",
            "maxSize",
            "desiredCapacity",
            "launchTemplate",
            "vpcZoneIdentifiers",
        ],
        "aws:eks/nodeGroup:NodeGroup": [
            "clusterName",
            "nodeRoleArn",
            "subnetIds",
            "instanceTypes",
            "capacityType",
            "scalingConfig",
        ],
    },
    "gcp": {
        "gcp:container/cluster:Cluster": [
            "name",
            "location",
            "initialNodeCount",
            "removeDefaultNodePool",
            "deletionProtection",
            "releaseChannel",
        ],
        "gcp:container/nodePool:NodePool": [
            "name",
            "cluster",
            "location",
            "nodeCount",
            "initialNodeCount",
            "autoscaling",
            "nodeConfig",
        ],
        "gcp:cloudrunv2/service:Service": ["name", "location", "scaling", "template"],
        "gcp:compute/instanceTemplate:InstanceTemplate": [
            "name",
            "machineType",
            "guestAccelerators",
            "scheduling",
            "disks",
        ],
        "gcp:compute/instanceGroupManager:InstanceGroupManager": [
            "name",
            "zone",
            "baseInstanceName",
            "targetSize",
            "versions",
        ],
        "gcp:compute/autoscaler:Autoscaler": ["name", "zone", "target", "autoscalingPolicy"],
    },
    "azure-native": {
        "azure-native:resources:ResourceGroup": ["resourceGroupName", "location", "tags"],
        "azure-native:containerservice:ManagedCluster": [
            "resourceGroupName",
            "resourceName",
            "location",
            "dnsPrefix",
            "identity",
            "sku",
            "agentPoolProfiles",
            "autoScalerProfile",
        ],
        "azure-native:containerservice:AgentPool": [
            "resourceGroupName",
            "resourceName",
            "agentPoolName",
            "mode",
            "osType",
            "vmSize",
            "count",
            "enableAutoScaling",
            "minCount",
            "maxCount",
            "nodeTaints",
        ],
        "azure-native:app:ManagedEnvironment": [
            "resourceGroupName",
            "environmentName",
            "location",
            "workloadProfiles",
        ],
        "azure-native:app:ContainerApp": [
            "resourceGroupName",
            "containerAppName",
            "environmentId",
            "workloadProfileName",
            "configuration",
            "template",
        ],
        "azure-native:compute:VirtualMachineScaleSet": [
            "resourceGroupName",
            "vmScaleSetName",
            "location",
            "sku",
            "orchestrationMode",
            "virtualMachineProfile",
        ],
        "azure-native:monitor:AutoscaleSetting": [
            "resourceGroupName",
            "autoscaleSettingName",
            "enabled",
            "targetResourceUri",
            "profiles",
        ],
        "azure-native:machinelearningservices:Compute": [
            "resourceGroupName",
            "workspaceName",
            "computeName",
            "location",
            "properties",
        ],
    },
}
"""What YAML programs use: their host wants a schema, and property names are enough for it."""

ANSWERS: dict[str, dict[str, Any]] = {
    "aws:index/getRegion:getRegion": {
        "name": "us-west-2",
        "region": "us-west-2",
        "id": "us-west-2",
        "description": "US West (Oregon)",
    },
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "accountId": "123456789012",
        "arn": "arn:aws:iam::123456789012:root",
        "userId": "x",
        "id": "x",
    },
    "aws:index/getPartition:getPartition": {
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "id": "aws",
        "reverseDnsPrefix": "com.amazonaws",
    },
    "gcp:compute/getZones:getZones": {
        "id": "projects/acme/regions/europe-west4",
        "names": ["europe-west4-a", "europe-west4-b", "europe-west4-c"],
        "region": "europe-west4",
        "project": "acme",
    },
    "gcp:container/getEngineVersions:getEngineVersions": {
        "id": "acme",
        "latestMasterVersion": "1.34",
        "latestNodeVersion": "1.34",
    },
    "gcp:compute/getImage:getImage": {
        "id": "projects/debian-cloud/global/images/debian-12",
        "selfLink": "projects/debian-cloud/global/images/debian-12",
        "name": "debian-12",
    },
}


class Echo(provider_pb2_grpc.ResourceProviderServicer):
    """Answers each call of the engine with what it was given."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._count = 0
        self._lock = threading.Lock()

    def _note(self, what: str, urn: str) -> None:
        if path := os.environ.get("ECHO_LOG"):
            with self._lock, open(path, "a") as log:  # noqa: PTH123
                log.write(f"{what} {urn}\n")

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="99.0.0")

    def GetSchema(self, request: Any, context: Any) -> Any:
        resources = {
            token: {
                "inputProperties": dict.fromkeys(names, ANY),
                "properties": {**dict.fromkeys(names, ANY), "arn": {"type": "string"}},
            }
            for token, names in TYPES.get(self._package, {}).items()
        }
        return provider_pb2.GetSchemaResponse(
            schema=json.dumps({"name": self._package, "version": "99.0.0", "resources": resources})
        )

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        old = request.old_inputs if request.HasField("old_inputs") else request.olds
        changed = sorted(
            {
                key
                for key in {*old.fields, *request.news.fields}
                if old.fields.get(key) != request.news.fields.get(key)
            }
            - set(request.ignoreChanges)
        )
        kind = (
            provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        )
        return provider_pb2.DiffResponse(changes=kind, diffs=changed)

    def Create(self, request: Any, context: Any) -> Any:
        time.sleep(float(os.environ.get("ECHO_SECONDS", "0")))
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=request.properties)
        self._note("create", request.urn)
        with self._lock:
            self._count += 1
            return provider_pb2.CreateResponse(
                id=f"{self._package}-{self._count}", properties=request.properties
            )

    def Update(self, request: Any, context: Any) -> Any:
        if not request.preview:
            self._note("update", request.urn)
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, request: Any, context: Any) -> Any:
        self._note("delete", request.urn)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Invoke(self, request: Any, context: Any) -> Any:
        answer = ANSWERS.get(request.tok)
        if answer is None:
            failure = provider_pb2.CheckFailure(
                reason=f"the echo provider has no answer for {request.tok}"
            )
            return provider_pb2.InvokeResponse(failures=[failure])
        response = provider_pb2.InvokeResponse()
        json_format.ParseDict(answer, getattr(response, "return"))
        return response

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def main(package: str) -> None:
    server = grpc.server(
        ThreadPoolExecutor(max_workers=8),
        options=[("grpc.max_receive_message_length", 400 * 1024 * 1024)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Echo(package), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1])
