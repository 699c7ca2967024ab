"""Releases that Helm itself would install."""

import pulumi_kubernetes as k8s

CHART = "../helm_v4/chart"
server = k8s.helm.v3.Release("llm", chart=CHART, values={"replicas": 0})
k8s.helm.v3.Release("named", chart=CHART, name="models", namespace="models")
k8s.core.v1.ConfigMap("names", metadata={"name": "names"}, data={"release": server.name})
