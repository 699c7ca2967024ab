import pulumi_kubernetes as k8s

k8s.yaml.ConfigFile("models", file="models.yaml")
k8s.yaml.ConfigGroup(
    "inline",
    yaml=[
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: inline}\ndata: {since: '2026-01-01'}\n"
    ],
)
