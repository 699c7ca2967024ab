import azure_native as azure
import pulumi

config = pulumi.Config()
idle = config.get("idle")
group = azure.ResourceGroup("research")
workspace = azure.Workspace("research", group.name)

azure.Compute(
    "train",
    group.name,
    workspace.name,
    {
        "computeType": "AmlCompute",
        "properties": {
            "vmSize": "STANDARD_NC96ADS_A100_V4",
            "vmPriority": "Dedicated",
            "scaleSettings": {
                "minNodeCount": config.get_int("nodes") or 0,
                "maxNodeCount": 4,
                "nodeIdleTimeBeforeScaleDown": "PT10M",
            },
        },
    },
)

for person in config.require("people").split(","):
    shutdown = {"idleTimeBeforeShutdown": idle} if idle else {}
    azure.Compute(
        f"notebook-{person}",
        group.name,
        workspace.name,
        {
            "computeType": "ComputeInstance",
            "properties": {"vmSize": "Standard_NC8as_T4_v3", **shutdown},
        },
    )
