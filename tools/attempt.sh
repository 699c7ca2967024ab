#!/usr/bin/env bash
# attempt.sh WHAT COMMAND…: runs the command in silence. If it fails, one line says why: the disk is
# full, the network can't be reached, a hash differs; any other fault is shown as the command put it.
set -uo pipefail
what=$1; shift
temporary=${TMPDIR:-/tmp}
log=$(mktemp) || { echo "$what: the disk is full, or $temporary can't be written." >&2; exit 1; }
trap 'rm -f "$log"' EXIT
"$@" >"$log" 2>&1 </dev/null && exit 0
code=$?

said() { grep -Eiq "$1" "$log"; }
say() { echo "$what: $*" >&2; }
# Not every program says so when the disk is full; less than 8 MB is full.
full() {
  df -Pk . .venv "$HOME" "$temporary" 2>/dev/null |
    awk 'NR > 1 && $4 < 8192 { full = 1 } END { exit !full }'
}
no_network='dial tcp|no such host|i/o timeout|connection refused|network is unreachable'
no_network+='|name resolution|NewConnectionError|ConnectTimeout|TLS handshake|ProxyError'
no_network+='|module lookup disabled'

if said 'no space left on device|disk quota exceeded' || full; then
  say "the disk is full. Free some space and run it again; what was done so far is kept."
elif said 'do not match the hashes|checksum mismatch|SECURITY ERROR'; then
  which=$(grep -Eim1 '==.* from |checksum mismatch|hashes' "$log" | sed 's/^ *//')
  say "a download isn't the file that is pinned, so it was refused: $which"
elif said "$no_network"; then
  say "something has to be downloaded and the network can't be reached." \
    "Run it again with a connection (later runs need none)."
else
  tail -n 30 "$log" >&2
  say "failed; its last lines are above."
fi
exit "$code"
