"""Writes into the ledger of predictions what the model expects of a live run, over several seeds, before anybody runs it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from gelombang.clock import utc_now
from gelombang.profile import Profile
from gelombang.runplan import ScaleNumbers
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang_capacity.costs import Costs
from gelombang_capacity.predictions import PREDICTIONS_FILE, Prediction, Quantity, add_line, run_key
from gelombang_cli.provenance import commit

SEEDS = 12
STUDENT = 1.796
"""The 95 % point of Student's t with 11 degrees of freedom: a 90 % interval from 12 seeds."""
MODEL_RATIO = 0.08
"""What the model is known to be off by, beyond chance (docs/capacity.md)."""
LEDGER = Path("runs") / PREDICTIONS_FILE


def expect_run(by: str, scenario: Scenario, profile: Profile, scale: Scale, for_seconds: float, costs: Costs | None = None) -> Prediction:
    """Simulate `SEEDS` runs and write what they say of one more, and of a site that is not quite the model."""
    from gelombang_capacity.simulation import Simulation, simulate
    from gelombang_capacity.simulation_counts import counts_of

    order = Simulation(scenario, profile, scale, 0, for_seconds, "expected", _now(), costs=costs or Costs())
    draws = [counts_of(simulate(replace(order, seed=9_000 + n))) for n in range(SEEDS)]
    quantities = []
    for name in draws[0]:
        values = np.array([each[name] for each in draws])
        mean = float(values.mean())
        spread = STUDENT * float(values.std(ddof=1)) * math.sqrt(1 + 1 / SEEDS) + MODEL_RATIO * abs(mean)
        quantities.append(Quantity(name=name, value=mean, low=mean - spread, high=mean + spread))
    prediction = Prediction(
        made_at=_now(),
        by=by,
        key=run_key(scenario, profile, ScaleNumbers.of(scale), for_seconds),
        scenario=scenario.name,
        profile=profile.name,
        confidence=0.9,
        quantities=quantities,
        commit=commit(),
    )
    add_line(LEDGER, prediction)
    return prediction


def _now() -> str:
    return utc_now().isoformat(timespec="seconds")
