#!/usr/bin/env bash
# Makes docs/images/report.png anew: the demo, its report in chromium, the part about one group.
# Needs synthgen on the path, chromium, and imagemagick.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
synthgen demo -o "$work/demo" >"$work/log" 2>&1
chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
  --hide-scrollbars --user-data-dir="$work/profile" --window-size=1200,4200 \
  --screenshot="$work/report.png" "file://$work/demo/report.html" >"$work/log" 2>&1
convert "$work/report.png" -crop 1200x900+0+2990 +repage -colors 96 -strip "PNG8:$here/report.png"
