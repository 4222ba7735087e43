"""Twins: a live run and simulated runs of the same scenario at the same scale, step by step and outcome by outcome.

Tolerance. A count of a live run is one draw; simulated runs with other seeds say how far such draws lie apart (for joined counts of tens
that is near Poisson's square root, for attempts of a retry storm more, because one person makes many). So a live count may lie up to four
standard deviations from the simulated mean, the deviation being that over the seeds or the Poisson one, whichever is larger, plus 8 % for
what the model is known to leave out (docs/capacity.md), plus 3 for counts near none. A mismatch names the step and the outcome.
"""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Outcome
from gelombang.loading import load_profile, load_scenario
from gelombang.record import RunRecord, read_record
from gelombang.scale import Scale
from gelombang_capacity.simulation import Simulation, simulate

pytestmark = [pytest.mark.system, pytest.mark.alone, pytest.mark.timeout(1_800)]

FOR_SECONDS = 1_800.0
SAMPLE, SPEED, BYTES = Fraction(1, 50), 60.0, 0.1
SEEDS = range(1, 13)
DEVIATIONS, MODEL_RATIO, NEAR_NONE = 4.0, 0.08, 3.0


def live_run(profile: str, folder: Path) -> RunRecord:
    command = [sys.executable, "-m", "gelombang_cli", "run", "opening-hour", "--profile", profile, "--sample", str(SAMPLE)]
    command += ["--speed", str(SPEED), "--bytes", str(BYTES), "--for", str(FOR_SECONDS), "--seed", "1", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (folder / "record.json").exists(), done.stdout + done.stderr
    return read_record(folder)


def simulated_counts(profile: str, seed: int) -> dict[tuple[str, str], int]:
    """Attempts by step and outcome, and people past each step as the outcome `passed`."""
    scenario = load_scenario("opening-hour")
    order = Simulation(scenario, load_profile(profile), Scale(SAMPLE, SPEED, BYTES), seed, FOR_SECONDS, "twin", "2020-04-11T12:00:00+00:00")
    found = simulate(order)
    counts: dict[tuple[str, str], int] = {}
    for i, name in enumerate(found.names):
        counts |= {(name, outcome.name.lower()): int(found.world.outcomes[i, outcome]) for outcome in Outcome}
        counts[name, "passed"] = int(found.passed(name).sum())
    return counts


def mismatches(live: dict[tuple[str, str], int], twins: list[dict[tuple[str, str], int]]) -> list[str]:
    """What lies too far away, in words."""
    found = []
    for (step, outcome), count in live.items():
        draws = np.array([twin[step, outcome] for twin in twins], dtype=np.float64)
        mean = float(draws.mean())
        spread = max(float(draws.std(ddof=1)), mean**0.5)
        tolerance = DEVIATIONS * spread + MODEL_RATIO * mean + NEAR_NONE
        if abs(count - mean) > tolerance:
            found.append(
                f"{step}, {outcome}: live {count}, simulated {mean:.1f} with a spread of {spread:.1f}; want within {tolerance:.1f}"
            )
    return found


@pytest.mark.parametrize("profile", ["april-2020", "hardened"])
def test_every_step_and_outcome_of_a_live_run_is_one_that_simulated_runs_have(profile: str, tmp_path: Path) -> None:
    record = live_run(profile, tmp_path / profile)
    if any("machine" in doubt.name or "late" in doubt.name for doubt in record.doubts):
        pytest.skip(f"the live run doubts itself on this machine: {record.doubts[0].evidence}")
    live = {(step.step, outcome.name.lower()): step.outcomes.get(outcome.name.lower(), 0) for step in record.steps for outcome in Outcome}
    live |= {(step.step, "passed"): step.people_passed for step in record.steps}
    assert not mismatches(live, [simulated_counts(profile, seed) for seed in SEEDS])


def test_a_mismatch_names_its_step_and_outcome() -> None:
    twins = [{("ktp", "refused"): 1_000 + n, ("selfie", "ok"): 50} for n in (-20, 0, 20)]
    assert mismatches({("ktp", "refused"): 1_010, ("selfie", "ok"): 55}, twins) == []
    found = mismatches({("ktp", "refused"): 1_300, ("selfie", "ok"): 50}, twins)
    assert len(found) == 1
    assert found[0].startswith("ktp, refused: live 1300, simulated 1000.0")
