// A model server and its GPU nodes on EKS, both from zero.
import * as pulumi from "@pulumi/pulumi";
import * as zerofloor from "@pulumi/zerofloor";

const config = new pulumi.Config();
const floor = config.getNumber("floor") ?? 0;

const nodes = new zerofloor.EksGpuNodeGroup("gpu", {
    clusterName: "serving",
    nodeRoleArn: "arn:aws:iam::123456789012:role/nodes",
    subnetIds: ["subnet-0a", "subnet-0b"],
    region: "us-east-1",
    instanceTypes: ["g6e.xlarge"],
    minNodes: floor,
    maxNodes: 4,
});

const server = new zerofloor.GpuDeployment("llm", {
    image: "vllm/vllm-openai:v0.11.0",
    args: ["--model", "Qwen/Qwen3-8B"],
    nodeSelector: { "eks.amazonaws.com/nodegroup": nodes.name },
    minReplicas: floor,
    maxReplicas: 4,
});

export const url = server.url;
