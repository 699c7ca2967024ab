# Takes 1 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/kwok" sigs.k8s.io/kwok/cmd/kwok
stages=$(module_dir sigs.k8s.io/kwok)/kustomize/stage
install -D -m 644 -t "$OUT/stages" \
  "$stages/node/fast/node-initialize.yaml" "$stages/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml" \
  "$stages/pod/fast/pod-ready.yaml" "$stages/pod/fast/pod-complete.yaml" "$stages/pod/fast/pod-delete.yaml"
