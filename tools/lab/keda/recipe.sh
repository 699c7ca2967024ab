# Takes 5 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/" github.com/kedacore/keda/v2/cmd/operator \
  github.com/kedacore/keda/v2/cmd/adapter github.com/kedacore/keda/v2/cmd/webhooks
for program in operator adapter webhooks; do mv "$OUT/$program" "$OUT/keda-$program"; done
config=$(module_dir github.com/kedacore/keda/v2)/config
install -D -m 644 -t "$OUT/crds/keda" "$config"/crd/bases/*.yaml
install -D -m 644 -t "$OUT/keda" "$config/webhooks/validation_webhooks.yaml"
