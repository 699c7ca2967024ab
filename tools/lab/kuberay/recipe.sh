# Takes 2 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/kuberay" github.com/ray-project/kuberay/ray-operator
config=$(module_dir github.com/ray-project/kuberay/ray-operator)/config
install -D -m 644 -t "$OUT/vendors/kuberay/crds" "$config"/crd/bases/*.yaml
install -D -m 644 -t "$OUT/vendors/kuberay" "$config"/webhook/manifests.yaml
