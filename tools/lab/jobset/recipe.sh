# Takes 2 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/jobset" sigs.k8s.io/jobset
config=$(module_dir sigs.k8s.io/jobset)/config/components
install -D -m 644 -t "$OUT/vendors/jobset/crds" "$config"/crd/bases/*.yaml
install -D -m 644 -t "$OUT/vendors/jobset" "$config"/webhook/manifests.yaml "$config"/webhook/patches/*.yaml
