"""An overlay that raises the replicas."""

import pulumi
import pulumi_kubernetes as k8s

# No cluster is needed where the provider writes files instead.
render = pulumi.ResourceOptions(
    provider=k8s.Provider("render", render_yaml_to_directory="rendered")
)

k8s.kustomize.v2.Directory("overlay", directory="overlay", opts=render)
