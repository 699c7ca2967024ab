# Takes 3 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/lws" sigs.k8s.io/lws/cmd
config=$(module_dir sigs.k8s.io/lws)/config
install -D -m 644 -t "$OUT/vendors/lws/crds" "$config"/crd/bases/*.yaml
install -D -m 644 -t "$OUT/vendors/lws" "$config"/webhook/manifests.yaml "$config"/webhook/*-patch.yaml
