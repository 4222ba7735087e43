#!/usr/bin/env bash
# Each night, on each class of machine: is the gate itself to be believed, and do many small passes add up? First the head against itself (the
# A/A lane and the known delay), then against the last release, then the rates of all nights so far. Ends with 1 when the drift fails or the
# head is called slower than itself; a night in which nothing was decided ends with 0, aloud; with
# `mode = "enforce"` a drift on a machine that never showed what it sees ends with 2. Keep GATE_CACHE from night to night: health.jsonl in it
# is the record.
set -euo pipefail
head=${GATE_HEAD:-HEAD}
out=${GATE_OUT:-gate}
cache=${GATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gelombang/gate}
gelombang=${GELOMBANG:-gelombang}
mkdir -p "$out"
worst=0
for night in "paired --base $head" drift; do
    code=0
    # shellcheck disable=SC2086  # the words of a lane are several
    "$gelombang" gate $night --head "$head" --cache "$cache" --junit "$out/${night%% *}.xml" --summary "$out/gate.md" || code=$?
    if [ "$code" -eq 1 ] || [ "$worst" -eq 0 ]; then worst=$code; fi
done
"$gelombang" gate health --cache "$cache" --summary "$out/gate.md"
exit "$worst"
