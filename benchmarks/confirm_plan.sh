#!/bin/sh
# From measured runs to a plan that a live run confirms: six runs, calibration, plan, confirming run, score. About 12 minutes of a machine that
# does nothing else, with one state of the code. Stops at the first run that may not be trusted, and at a calibration that is rejected.
# Usage: benchmarks/confirm_plan.sh [folder for everything]
out=${1:-runs/confirm-plan}
gelombang=${GELOMBANG:-gelombang}
for load in 0.5 0.7 0.9 1.1 1.3 1.5; do
  $gelombang run opening-hour --profile hardened --sample 1/50 --load $load --seed 11 --out "$out/load-$load"
  code=$?
  # 1: an objective of another load is missed. A calibration asks only whether the run is to be trusted.
  [ $code -le 1 ] || exit $code
done
set -e
$gelombang capacity calibrate "$out"/load-* --out "$out/calibration"
$gelombang capacity plan surge-2020 --calibration "$out/calibration/calibration.json" --worlds 4 --out "$out/plan"
$gelombang run opening-hour --profile "$out/plan/planned.toml" --sample 1/50 --seed 11 --out "$out/confirmed" || [ $? -eq 1 ]
$gelombang capacity score "$out/confirmed"
