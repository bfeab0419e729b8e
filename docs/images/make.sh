#!/usr/bin/env bash
# Makes the pictures of this folder anew: the demo and its report in chromium, at single parts.
# Needs synthgen on the path, chromium, and imagemagick.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
synthgen demo -o "$work/demo" >"$work/log" 2>&1

# shot NAME PAGE ANCHOR WIDTH HEIGHT: one part of a page as NAME.png
shot() {
  sed "s|</head>|<style>.top, main > :not(:has(#$3)):not(#$3), :has(> #$3) > :not(#$3) { display: none !important }</style></head>|" \
    "$2" >"$work/page.html"
  chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --hide-scrollbars --user-data-dir="$work/profile" --window-size="$4,$5" \
    --screenshot="$work/$1.png" "file://$work/page.html" >"$work/log" 2>&1
  convert "$work/$1.png" -dither None -colors 96 -strip "PNG8:$here/$1.png"
}

shot report "$work/demo/report.html" entity-0 1200 1060
shot regions "$work/demo/report.html" regions 1200 640

# An evaluation that is refused: a cohort that copies the very records it is held against.
seed=10
for name in copies others; do
  synthgen generate kr-demo -n 300 --seed "$((seed += 1))" --format csv --no-report -o "$work/$name" >"$work/log" 2>&1
done
synthgen evaluate "$work/copies" --model kr-demo --policy enclave --records "$work/copies" \
  --control "$work/others" -o "$work/evaluation" >"$work/log" 2>&1 || [ $? -eq 3 ]
shot evaluation-verdict "$work/evaluation/report.html" verdict 1200 560
shot evaluation-finding "$work/evaluation/report.html" m-replicated_uniques 1200 570
shot dossier "$work/evaluation/dossier.html" five 1200 1000
