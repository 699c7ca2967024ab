// Modules of which the lab uses the CustomResourceDefinitions alone.
module zerofloor.example/lab/definitions

go 1.26.6

require (
	github.com/aws/karpenter-provider-aws v1.14.1
	sigs.k8s.io/lws v0.8.0
)
