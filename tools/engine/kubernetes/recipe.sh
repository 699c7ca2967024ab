# Takes 9 min
module=github.com/pulumi/pulumi-kubernetes/provider/v4
assets=$(module_dir $module)/cmd/pulumi-resource-kubernetes
version=$(go list -m -f '{{.Version}}' $module)
# The schema (10 MB) is embedded at build time from the module itself, so it is never committed.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
cp go.mod go.sum main.go "$source"
sed "0,/\"name\": \"kubernetes\",/s//&\n    \"version\": \"${version#v}\",/" "$assets/schema.json" > "$source/schema.json"
cat "$assets/terraform-mapping.json" > "$source/terraform-mapping.json"
cd "$source"
go build -buildvcs=false -ldflags "-s -w -X $module/pkg/version.Version=${version#v}" -o "$OUT/pulumi-resource-kubernetes" .
