import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s


class Model(pulumi.ComponentResource):
    def __init__(
        self, name: str, replicas: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("components:serving:Model", name, {"replicas": replicas}, opts)
        labels = {"app": name}
        self.deployment = k8s.apps.v1.Deployment(
            name,
            spec={
                "replicas": replicas,
                "selector": {"match_labels": labels},
                "template": {"metadata": {"labels": labels}},
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                aliases=[
                    pulumi.Alias(name=f"old-{name}"),
                    pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE),
                ],
            ),
        )
        self.register_outputs({"name": self.deployment.metadata["name"]})


class Fleet(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("components:serving:Fleet", name, None, opts)
        self.models = [
            Model(f"{name}-{i}", i, pulumi.ResourceOptions(parent=self)) for i in range(2)
        ]
        self.instance = aws.ec2.Instance(
            f"{name}-gateway",
            ami="ami-1",
            instance_type="t3.micro",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


cluster = k8s.Provider("cluster", kubeconfig="{}")
fleet = Fleet(
    "fleet",
    pulumi.ResourceOptions(
        providers=[cluster, aws.Provider("paris", region="eu-west-3")],
        aliases=["urn:pulumi:dev::components::a:b:C::old"],
    ),
)
aws.ec2.Instance(
    "after", ami="ami-1", instance_type="t3.micro", opts=pulumi.ResourceOptions(depends_on=[fleet])
)
k8s.core.v1.ConfigMap(
    "child-of-custom",
    data={"model": fleet.models[0].deployment.spec["replicas"].apply(str)},
    opts=pulumi.ResourceOptions(parent=fleet.models[0].deployment),
)
