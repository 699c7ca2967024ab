# Takes 3 min
version=$(go list -m -f '{{.Version}}' github.com/pulumi/pulumi/pkg/v3)
GOBIN=$OUT go install -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$version" tool
