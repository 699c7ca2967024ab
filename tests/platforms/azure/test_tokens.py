"""Four spellings of one azure-native type, and ARM's own."""

from __future__ import annotations

import pytest

from zerofloor.platforms import is_read
from zerofloor.platforms.azure.tokens import is_native, logical, of_arm

POOL = "azure-native:containerservice:AgentPool"


@pytest.mark.parametrize(
    ("token", "type_"),
    [
        (POOL, POOL),
        ("azure-native:containerservice/v20240501:AgentPool", POOL),
        ("azure-native:containerservice/v20240902preview:AgentPool", POOL),
        ("azure-native_containerservice_v20240901:containerservice:AgentPool", POOL),
        ("azure-native_containerservice_v20240901:containerservice/v20240901:AgentPool", POOL),
        ("azure-native:insights:AutoscaleSetting", "azure-native:monitor:AutoscaleSetting"),
        (
            "azure-native:insights/v20221001:AutoscaleSetting",
            "azure-native:monitor:AutoscaleSetting",
        ),
    ],
)
def test_one_type_in_every_spelling(token: str, type_: str) -> None:
    assert logical(token) == type_
    assert is_native(token)
    assert is_read(token)


def test_what_is_no_native_token_stays() -> None:
    token = "azure:containerservice/kubernetesClusterNodePool:KubernetesClusterNodePool"
    assert logical(token) == token
    assert not is_native(token)
    assert is_read(token)
    assert not is_native("pulumi:providers:azure-native")


def test_arm_types_in_any_case() -> None:
    assert of_arm("Microsoft.ContainerService/managedClusters/agentPools") == POOL
    assert of_arm("MICROSOFT.COMPUTE/virtualmachines") == "azure-native:compute:VirtualMachine"
    assert of_arm("Microsoft.Network/virtualNetworks") == ""
