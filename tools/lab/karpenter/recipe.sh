# Takes 80 s
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/karpenter" sigs.k8s.io/karpenter/kwok
module=$(module_dir sigs.k8s.io/karpenter)
install -D -m 644 -t "$OUT/crds/karpenter" "$module"/pkg/apis/crds/*.yaml "$module"/kwok/apis/crds/*.yaml
