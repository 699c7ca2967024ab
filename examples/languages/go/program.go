package main

import (
	"example.com/pulumi-zerofloor/sdk/go/zerofloor"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// program declares a model server and its GPU nodes on EKS, both from zero.
func program(ctx *pulumi.Context) error {
	floor := pulumi.Float64Ref(config.New(ctx, "").GetFloat64("floor"))

	nodes, err := zerofloor.NewEksGpuNodeGroup(ctx, "gpu", &zerofloor.EksGpuNodeGroupArgs{
		ClusterName:   pulumi.String("serving"),
		NodeRoleArn:   pulumi.String("arn:aws:iam::123456789012:role/nodes"),
		SubnetIds:     pulumi.ToStringArray([]string{"subnet-0a", "subnet-0b"}),
		Region:        pulumi.StringRef("us-east-1"),
		InstanceTypes: []string{"g6e.xlarge"},
		MinNodes:      floor,
		MaxNodes:      4,
	})
	if err != nil {
		return err
	}

	server, err := zerofloor.NewGpuDeployment(ctx, "llm", &zerofloor.GpuDeploymentArgs{
		Image:        pulumi.String("vllm/vllm-openai:v0.11.0"),
		Args:         pulumi.ToStringArray([]string{"--model", "Qwen/Qwen3-8B"}),
		NodeSelector: map[string]pulumi.StringInput{"eks.amazonaws.com/nodegroup": nodes.Name},
		MinReplicas:  floor,
		MaxReplicas:  pulumi.Float64Ref(4),
	})
	if err != nil {
		return err
	}

	ctx.Export("url", server.Url)
	return nil
}
