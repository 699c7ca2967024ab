#!/usr/bin/env bash
# Adopting the gate on a stack that idles today: advisory, baseline, waiver, mandatory.
source "$(dirname "$0")/common.sh"
idle=("$repository" --stack idle "${common[@]}" --today 2026-11-24)

say "Today the gate would fail."
expect 1 zerofloor preview "${idle[@]}"

say "Week 1, advisory: everything is reported, nothing fails."
expect 0 zerofloor preview "${idle[@]}" --advisory --format "json=$work/report.json"

say "Week 2, a baseline: what idles today is listed and passes; what is new or grows fails."
expect 0 zerofloor baseline "$repository" --stack idle "${common[@]}" --today 2026-11-24 --output "$work/known.json"
expect 0 zerofloor preview "${idle[@]}" --baseline-findings "$work/known.json"

say "Week 3, a waiver with an owner, a last day and a cap instead of the baseline."
cat > "$work/zerofloor.yaml" <<'YAML'
waivers:
  - rule: scaler-minimum-holds-gpu
    urn: "*::llm-scaler"
    reason: customer demo until the middle of December
    owner: ml-platform
    expires: 2026-12-15
    maxMonthlyUsd: 1400
YAML
expect 0 zerofloor preview "${idle[@]}" --settings "$work/zerofloor.yaml"

say "Mandatory: the same program at a floor of zero."
expect 0 zerofloor preview "$repository" --stack dev "${common[@]}" --today 2026-11-24
