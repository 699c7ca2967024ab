#!/usr/bin/env bash
# attempt.sh WHAT COMMAND…: runs the command in silence. If it fails, one line says why: the disk is full, the network can't be reached,
# a hash differs; any other fault is shown as the command put it.
set -uo pipefail
what=$1; shift
log=$(mktemp) || { echo "$what: the disk is full, or ${TMPDIR:-/tmp} can't be written." >&2; exit 1; }
trap 'rm -f "$log"' EXIT
"$@" >"$log" 2>&1 </dev/null && exit 0
code=$?
said() { grep -Eiq "$1" "$log"; }
# Not every program says so when the disk is full; less than 8 MB is full.
full() { df -Pk . .venv "$HOME" "${TMPDIR:-/tmp}" 2>/dev/null | awk 'NR > 1 && $4 < 8192 { full = 1 } END { exit !full }'; }
if said 'no space left on device|disk quota exceeded' || full; then
  echo "$what: the disk is full. Free some space and run it again; what was done so far is kept." >&2
elif said 'do not match the hashes|checksum mismatch|SECURITY ERROR'; then
  echo "$what: a download isn't the file that is pinned, so it was refused: $(grep -Eim1 '==.* from |checksum mismatch|hashes' "$log" | sed 's/^ *//')" >&2
elif said 'dial tcp|no such host|i/o timeout|connection refused|network is unreachable|name resolution|NewConnectionError|ConnectTimeout|TLS handshake|module lookup disabled|ProxyError'; then
  echo "$what: something has to be downloaded and the network can't be reached. Run it again with a connection (later runs need none)." >&2
else
  tail -n 30 "$log" >&2
  echo "$what: failed; its last lines are above." >&2
fi
exit "$code"
