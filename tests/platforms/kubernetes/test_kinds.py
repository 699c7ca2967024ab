"""Every kind that is read has a stack that is held and one that is not."""

from __future__ import annotations

from collections import defaultdict

from tests.platforms.stacks import every_stack
from zerofloor.platforms import kubernetes
from zerofloor.platforms.kubernetes import argo, kubevirt, rows, spark, wrappers
from zerofloor.platforms.kubernetes.objects import group_kind

HOLDS_NOTHING = {
    ("eks.amazonaws.com", "NodeClass"): "what its NodePools make",
    ("karpenter.azure.com", "AKSNodeClass"): "what its NodePools make",
    ("karpenter.k8s.aws", "EC2NodeClass"): "what its NodePools make",
    ("karpenter.kwok.sh", "KWOKNodeClass"): "nodes of a simulation",
    ("keda.sh", "ClusterTriggerAuthentication"): "a login",
    ("keda.sh", "TriggerAuthentication"): "a login",
    ("http.keda.sh", "InterceptorRoute"): "a route",
    ("model.aibrix.ai", "ModelAdapter"): "weights on pods of others",
    ("nvidia.com", "DynamoGraphDeploymentScalingAdapter"): "the scale of a part of others",
    ("nvidia.com", "DynamoModel"): "weights on pods of others",
}


def test_every_kind_is_held_and_not() -> None:
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for stack in every_stack().values():
        for part in stack.parts:
            for resource in part.resources:
                kind = group_kind(resource.type)
                if kind is not None:
                    seen[kind].add(stack.label["verdict"])
    known = {kind for module in (argo, kubevirt, rows, spark, wrappers) for kind in module.KINDS}
    known |= kubernetes.PATCHED
    known -= rows.INERT | kubevirt.INERT | set(HOLDS_NOTHING)
    missing = {kind: {"held", "zero"} - seen[kind] for kind in sorted(known)}
    assert not {kind: what for kind, what in missing.items() if what}
