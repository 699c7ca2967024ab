"""YAML through the provider's own components: what they make is known to the provider alone."""

import pulumi
import pulumi_kubernetes as k8s

# No cluster is needed where the provider writes files instead.
render = pulumi.ResourceOptions(
    provider=k8s.Provider("render", render_yaml_to_directory="rendered")
)
POD = """
apiVersion: v1
kind: Pod
metadata: {name: batch}
spec: {containers: [{name: c, image: cuda, resources: {limits: {nvidia.com/gpu: 2}}}]}
"""
SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}

k8s.yaml.v2.ConfigFile("file", file="models.yaml", opts=render)
k8s.yaml.v2.ConfigGroup("files", files=["model*.yaml"], resource_prefix="again", opts=render)
k8s.yaml.v2.ConfigGroup("text", yaml=POD, opts=render)
k8s.yaml.v2.ConfigGroup("objects", objs=[{**SETTINGS, "data": {"idle": "300"}}], opts=render)
