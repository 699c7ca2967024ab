#!/usr/bin/env bash
# A pull request that raises a floor from zero to one: it fails, and says what it costs and where.
source "$(dirname "$0")/common.sh"

say "The base branch: a floor of zero."
expect 0 zerofloor preview "$repository" --stack dev "${common[@]}" --today 2026-11-24 --format "json=$work/base.json"

say "The pull request: one run, four reports."
expect 1 zerofloor preview "$repository" --stack idle "${common[@]}" --today 2026-11-24 --against "$work/base.json" \
  --format github --format "markdown=$work/comment.md" --format "sarif=$work/report.sarif" --format "junit=$work/report.xml"

say "Its comment:"
sed -n '1,/^#### Findings/p' "$work/comment.md"
grep -q '+\$1,374.53' "$work/comment.md"
grep -q '"ruleId": "GPU002"' "$work/report.sarif"
grep -q '<failure type="scaler-minimum-holds-gpu"' "$work/report.xml"
