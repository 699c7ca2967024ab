# What the scripts share: run from anywhere, work in a folder of their own.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$repository/.venv/bin:$PATH"
common=(--engine in-process)

say() { printf '\n== %s\n' "$*"; }

# expect CODE COMMAND…: runs the command, shows its output, and fails unless it exits with CODE.
expect() {
  local wanted=$1 code=0
  shift
  printf '$ %s\n' "${*//$repository/.}"
  "$@" || code=$?
  if [ "$code" -ne "$wanted" ]; then echo "exit $code, expected $wanted" >&2; exit 1; fi
}
