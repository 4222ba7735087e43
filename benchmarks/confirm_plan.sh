#!/bin/sh
# From measured runs to a plan that a live run confirms: six runs, calibration, plan, confirming run, score. About 10 minutes of a machine that
# does nothing else, with one state of the code. A run that is INVALID is made once again; a second such run, one that the
# calibration or the score refuses as SUSPECT, and a calibration that is rejected end it.
# Usage: benchmarks/confirm_plan.sh [new folder for everything]
out=${1:-runs/confirm-plan}
gelombang=${GELOMBANG:-gelombang}

trusted_run() {  # 1 is trusted too: an objective of another load is missed, and a calibration asks only whether the run may be believed.
  folder=$1
  shift
  for again in 1 2; do
    rm -rf "$folder"
    $gelombang run opening-hour "$@" --sample 1/50 --seed 11 --out "$folder"
    code=$?
    [ $code -gt 1 ] || return 0
  done
  exit $code
}

for load in 0.4 0.55 0.7 0.85 1.0 1.1; do
  trusted_run "$out/load-$load" --profile hardened --load $load
done
$gelombang capacity calibrate "$out"/load-* --out "$out/calibration" || exit $?
$gelombang capacity plan surge-2020 --calibration "$out/calibration/calibration.json" --worlds 4 --out "$out/plan" || exit $?
trusted_run "$out/confirmed" --profile "$out/plan/planned.toml"
$gelombang capacity score "$out/confirmed"
