#!/usr/bin/env bash
# The paired gate for any build server: GATE_BASE (default origin/main) against GATE_HEAD (default HEAD). Needs a whole history
# (git fetch --unshallow), no secret and no root. Ends with 0 passed or undecided, 1 failed, 2 wrong input; GATE_STRICT=1: 3 undecided.
# GATE_CACHE: where builds are kept, and the record of this class of machine that `mode = "enforce"` needs (default: in ~/.cache).
set -euo pipefail
base=${GATE_BASE:-origin/main}
head=${GATE_HEAD:-HEAD}
out=${GATE_OUT:-gate}
gelombang=${GELOMBANG:-gelombang}
mkdir -p "$out"
words=(gate paired --base "$base" --head "$head" --junit "$out/gate.xml" --summary "$out/gate.md")
if [ "${GATE_STRICT:-0}" = 1 ]; then words+=(--strict); fi
if [ -n "${GATE_CACHE:-}" ]; then words+=(--cache "$GATE_CACHE"); fi
code=0
# Under pipefail the gate's own exit code is what counts, whatever tee says.
"$gelombang" "${words[@]}" | tee "$out/gate.txt" || code=$?
if grep -q "THIS IS NO PASS" "$out/gate.txt"; then echo "gate: nothing was decided; this run says nothing about $head" >&2; fi
exit "$code"
