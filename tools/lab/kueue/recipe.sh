# Takes 5 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/kueue" sigs.k8s.io/kueue/cmd/kueue
config=$(module_dir sigs.k8s.io/kueue)/config/components
install -D -m 644 -t "$OUT/vendors/kueue/crds" "$config"/crd/bases/*.yaml
install -D -m 644 -t "$OUT/vendors/kueue" "$config"/webhook/manifests.yaml
# Kueue does not start beside an API server without a version, as the lab's own is.
cd ../kubernetes
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
go build -trimpath -buildvcs=false -o "$OUT/kube-apiserver-versioned" \
  -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" k8s.io/kubernetes/cmd/kube-apiserver
