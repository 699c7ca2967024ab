import gcp
import pulumi

config = pulumi.Config()
zones = gcp.get_zones()["names"]
version = gcp.get_engine_versions(zones[0])["latestMasterVersion"]
image = gcp.get_image("debian-12", "debian-cloud")["selfLink"]

cluster = gcp.Cluster(
    "train",
    location=zones[0],
    nodeLocations=zones[1:2],
    minMasterVersion=version,
    initialNodeCount=1,
    removeDefaultNodePool=True,
)
gcp.NodePool(
    "system", cluster=cluster.name, nodeCount=1, nodeConfig={"machineType": "e2-standard-4"}
)
gcp.NodePool(
    "a100",
    cluster=cluster.name,
    autoscaling={"minNodeCount": config.get_int("nodes") or 0, "maxNodeCount": 4},
    nodeConfig={"machineType": "a2-highgpu-4g", "spot": True},
)
gcp.Instance(
    "bastion",
    zone=zones[0],
    machineType="e2-small",
    bootDisk={"initializeParams": {"image": image}},
)

for person in config.require("people").split(","):
    idle = config.get("idle")
    gcp.Workbench(
        f"notebook-{person}",
        location=zones[0],
        gceSetup={
            "machineType": "n1-standard-8",
            "acceleratorConfigs": [{"type": "NVIDIA_TESLA_T4", "coreCount": "1"}],
            "metadata": {"idle-timeout-seconds": idle or "0"},
        },
    )
