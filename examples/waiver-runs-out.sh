#!/usr/bin/env bash
# A waiver on its last day, the day after, and with a cap below what the stack costs by now.
source "$(dirname "$0")/common.sh"
idle=("$repository" --stack idle "${common[@]}" --settings "$work/zerofloor.yaml")

waive() {
  cat > "$work/zerofloor.yaml" <<YAML
waivers:
  - {rule: GPU002, urn: "*::llm-scaler", reason: customer demo, owner: ml-platform, expires: 2026-12-15, maxMonthlyUsd: $1}
YAML
}

say "On its last day the waiver holds, and the report shows its cap and its last day."
waive 1400
expect 0 zerofloor preview "${idle[@]}" --today 2026-12-15

say "The day after, the finding blocks again."
expect 1 zerofloor preview "${idle[@]}" --today 2026-12-16

say "Grown past its cap, it blocks again and says by how much."
waive 1000
expect 1 zerofloor preview "${idle[@]}" --today 2026-12-01
