# Takes 4 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/argo-rollouts" \
  github.com/argoproj/argo-rollouts/cmd/rollouts-controller
install -D -m 644 -t "$OUT/vendors/argo-rollouts/crds" \
  "$(module_dir github.com/argoproj/argo-rollouts)"/manifests/crds/*-crd.yaml
