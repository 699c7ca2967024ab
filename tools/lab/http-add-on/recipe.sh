# Takes 1 min
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/" github.com/kedacore/http-add-on/interceptor github.com/kedacore/http-add-on/scaler
for program in interceptor scaler; do mv "$OUT/$program" "$OUT/http-$program"; done
definitions=$(module_dir github.com/kedacore/http-add-on)/config/crd/bases
install -D -m 644 -t "$OUT/crds/http-add-on" "$definitions"/*.yaml
