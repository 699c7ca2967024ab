#!/usr/bin/env bash
# build.sh FOLDER BIN: puts what FOLDER/recipe.sh builds with Go into BIN. What is there is never
# built again: BIN/.NAME names what it was built from, and a cache beside Go's own keeps each build,
# so that the next clone on a machine links in a second what took minutes.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd -P)
folder=$(cd "$1" && pwd -P)
mkdir -p "$2" || exit 1
bin=$(cd "$2" && pwd -P)
name=$(basename "$folder")
say() { echo "$name: $*" >&2; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

# Go's version is no part of it: a newer Go makes the same program of the same sources.
sources() { find . -maxdepth 1 -type f ! -name Makefile | LC_ALL=C sort | xargs cat; }
key=$({ uname -sm; cd "$folder"; sources; } | sha256 | cut -c1-16)
stamp=$bin/.$name
stamped() { tail -n +2 "$stamp"; }
there() { stamped | while IFS= read -r file; do [ -e "$bin/$file" ] || exit 1; done; }
[ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$key" ] && there && exit 0

cache=${ZEROFLOOR_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zerofloor/tools}/$name
mkdir -p "$cache" || { say "$cache can't be written."; exit 1; }
# Two clones may ask at the same time; the second waits and finds it there. (macOS has no flock:
# there both build, to the same end.)
exec 9>"$cache/lock"
if command -v flock >/dev/null; then flock 9; fi
if [ ! -d "$cache/$key" ]; then
  need=$(sed -n 's/^go \([0-9.]*\).*/\1/p' "$folder/go.mod")
  command -v go >/dev/null || {
    say "needs Go $need or newer, and there is no go on PATH: https://go.dev/dl"; exit 1; }
  have=$(cd "$folder" && go env GOVERSION 2>/dev/null) || have=$(go version | cut -d' ' -f3)
  have=${have#go}
  [ "$(printf '%s\n' "$need" "$have" | sort -V | head -n 1)" = "$need" ] || {
    say "needs Go $need or newer, and this is $have: https://go.dev/dl"; exit 1; }
  say "building, $(sed -n 's/^# Takes //p' "$folder/recipe.sh") the first time"
  start=$SECONDS
  out=$cache/$key.part
  rm -rf "$out"
  mkdir -p "$out"
  # A recipe calls `module_dir MODULE` for what a module ships besides Go. It is downloaded first:
  # an empty module cache has no folder of it.
  OUT=$out "$tools/attempt.sh" "$name" bash -euo pipefail -c '
    module_dir() { go mod download "$1" && go list -m -f "{{.Dir}}" "$1"; }
    cd "$0" && . ./recipe.sh' "$folder"
  mv "$out" "$cache/$key"
  say "built in $((SECONDS - start)) s"
  # What nobody has linked for a month goes.
  find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name "$key" -mtime +30 -exec rm -rf {} +
fi
touch "$cache/$key"
[ ! -f "$stamp" ] || stamped | while IFS= read -r file; do rm -f "$bin/$file"; done
cp -alf "$cache/$key/." "$bin/" 2>/dev/null ||
  "$tools/attempt.sh" "$name" cp -Rpf "$cache/$key/." "$bin/"
{ echo "$key"; cd "$cache/$key"; find . -type f | LC_ALL=C sort; } >"$stamp"
