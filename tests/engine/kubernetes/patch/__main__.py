"""Patches of objects that something else declares."""

import pulumi_kubernetes as k8s

k8s.apps.v1.DeploymentPatch(
    "llm", metadata={"name": "llm", "namespace": "default"}, spec={"replicas": 2}
)
k8s.core.v1.NamespacePatch("default", metadata={"name": "default", "labels": {"team": "serving"}})
k8s.apiextensions.CustomResourcePatch(
    "scaler",
    api_version="keda.sh/v1alpha1",
    kind="ScaledObject",
    metadata={"name": "llm", "namespace": "default"},
    spec={"minReplicaCount": 1},
)
