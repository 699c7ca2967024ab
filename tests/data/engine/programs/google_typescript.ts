// Recorded as google_typescript.digest.json: the real engine's `pulumi preview --json --show-sames --client=ADDRESS` on a first
// preview, with this program served by the LanguageServer of @pulumi/pulumi 3.259.0 and @pulumi/gcp 9.37.0; the gcp provider echoed.
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";

// A render farm and a model server: what people write for batch work and inference on Google Cloud.
export async function program(): Promise<Record<string, unknown>> {
    const config = new pulumi.Config();
    const network = new gcp.compute.Network("render", { autoCreateSubnetworks: true });
    const template = new gcp.compute.InstanceTemplate("render", {
        machineType: "n1-standard-8",
        disks: [{ sourceImage: "projects/debian-cloud/global/images/family/debian-12", boot: true }],
        networkInterfaces: [{ network: network.id }],
        guestAccelerators: [{ type: "nvidia-tesla-t4", count: 2 }],
        scheduling: { onHostMaintenance: "TERMINATE", automaticRestart: false },
    });
    const group = new gcp.compute.InstanceGroupManager("render", {
        zone: "europe-west4-a",
        baseInstanceName: "render",
        versions: [{ instanceTemplate: template.selfLinkUnique }],
    });
    new gcp.compute.Autoscaler("render", {
        zone: "europe-west4-a",
        target: group.id,
        autoscalingPolicy: {
            minReplicas: config.getNumber("minimum") ?? 0,
            maxReplicas: 8,
            metrics: [{
                name: "pubsub.googleapis.com/subscription/num_undelivered_messages",
                filter: "resource.type = pubsub_subscription AND resource.label.subscription_id = frames",
                singleInstanceAssignment: 4,
            }],
        },
    });
    const service = new gcp.cloudrunv2.Service("llm", {
        location: "europe-west4",
        template: {
            containers: [{ image: "vllm/vllm-openai:v0.11.0", resources: { limits: { "nvidia.com/gpu": "1", cpu: "4", memory: "16Gi" } } }],
            nodeSelector: { accelerator: "nvidia-l4" },
            scaling: { minInstanceCount: 0, maxInstanceCount: 3 },
        },
    });
    return { url: service.uri };
}
