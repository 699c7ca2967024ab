// A model on Fireworks that scales to zero.
import * as pulumi from "@pulumi/pulumi";
import * as fireworks from "@pulumi/fireworks";

const config = new pulumi.Config();

const llm = new fireworks.Deployment("llm", {
    baseModel: "accounts/fireworks/models/llama-v3p1-8b-instruct",
    acceleratorType: "NVIDIA_H100_80GB",
    acceleratorCount: 1,
    minReplicaCount: config.getNumber("minReplicas") ?? 0,
    maxReplicaCount: 2,
    autoscalingPolicy: {
        scaleToZeroWindow: "300s",
        scalingSchedules: {
            office: {
                minReplicaCount: 0,
                schedule: "0 9 * * 1-5",
                duration: "28800s",
                timezone: "Europe/Zurich",
            },
        },
    },
});

export const model = llm.model;
