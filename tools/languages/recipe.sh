# Takes 2 min
go build -ldflags "-s -w" -o "$OUT/sdkgen" .
command -v npm >/dev/null || { echo "needs npm: https://nodejs.org" >&2; exit 1; }
mkdir "$OUT/languages"
cp package.json package-lock.json "$OUT/languages"
npm ci --prefix "$OUT/languages" --ignore-scripts --no-audit --no-fund --loglevel error
# What the programs in Go are built of, so that no test waits for a download.
(cd ../../tests/components/languages && go mod download)
