# Takes some seconds
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/kafka" .
