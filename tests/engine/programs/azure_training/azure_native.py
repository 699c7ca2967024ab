"""As little of the azure-native SDK as the program uses: its classes register these types."""

from __future__ import annotations

from typing import Any

import pulumi


class ResourceGroup(pulumi.CustomResource):
    name: pulumi.Output[str]

    def __init__(self, name: str, location: str | None = None) -> None:
        props = {"resourceGroupName": name, "location": location, "name": None}
        super().__init__("azure-native:resources:ResourceGroup", name, props)


class Workspace(pulumi.CustomResource):
    name: pulumi.Output[str]

    def __init__(self, name: str, group: pulumi.Input[str]) -> None:
        props = {"resourceGroupName": group, "workspaceName": name, "name": None}
        super().__init__("azure-native:machinelearningservices:Workspace", name, props)


class Compute(pulumi.CustomResource):
    def __init__(
        self, name: str, group: pulumi.Input[str], workspace: pulumi.Input[str], properties: Any
    ) -> None:
        props = {
            "resourceGroupName": group,
            "workspaceName": workspace,
            "computeName": name,
            "properties": properties,
        }
        super().__init__("azure-native:machinelearningservices:Compute", name, props)
