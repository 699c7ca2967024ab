# Takes 2 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/mpi-operator" github.com/kubeflow/mpi-operator/cmd/mpi-operator
install -D -m 644 -t "$OUT/vendors/mpi-operator/crds" \
  "$(module_dir github.com/kubeflow/mpi-operator)/manifests/base/kubeflow.org_mpijobs.yaml"
