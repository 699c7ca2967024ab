"""A chart that the provider renders itself: once with its own values, once with others."""

import pulumi
import pulumi_kubernetes as k8s

# No cluster is needed where the provider writes files instead.
render = pulumi.ResourceOptions(
    provider=k8s.Provider("render", render_yaml_to_directory="rendered")
)

k8s.helm.v4.Chart("default", chart="./chart", opts=render)
k8s.helm.v4.Chart("zero", chart="./chart", namespace="models", values={"replicas": 0}, opts=render)
