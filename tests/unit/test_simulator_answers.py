"""What answers take, from runs whose lines are known because they are made up."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gelombang_capacity.answers import SAMPLES_LEAST, commit_spread, settled
from gelombang_capacity.costs import Spread, mean_of
from support.made_run import commits_metrics


def drawn(spread: Spread, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(shares, np.linspace(0.0, 1.0, len(spread)), spread)


def test_what_a_line_takes_is_taken_out_of_an_answers_own_time() -> None:
    chance = np.random.default_rng(1)
    line = chance.exponential(0.3, 20_000)
    measured = {"data": line + chance.uniform(1.0, 2.0, 20_000), "rare": np.ones(SAMPLES_LEAST - 1)}

    def simulate(own: Mapping[str, Spread]) -> dict[str, NDArray[np.float64]]:
        again = np.random.default_rng(2)
        return {step: again.exponential(0.3, 20_000) + drawn(spread, again.random(20_000)) for step, spread in own.items()}

    found = settled(measured, simulate)
    assert set(found) == {"data"}
    assert mean_of(found["data"]) == pytest.approx(1.5, rel=0.02)
    assert found["data"][32] == pytest.approx(1.5, rel=0.1)


def test_an_answers_own_time_is_never_below_nothing() -> None:
    found = settled({"data": np.full(100, 0.5)}, lambda own: {step: np.full(100, 0.8) for step in own})
    assert found["data"] == (0.0,) * len(found["data"])


def test_transactions_take_what_the_servers_histogram_says_on_average(tmp_path: Path) -> None:
    commits_metrics(tmp_path, {"0.001": 900.0, "0.0025": 990.0, "0.005": 1_000.0, "+Inf": 1_000.0}, 0.7)
    spread = commit_spread([tmp_path], 1)
    assert mean_of(spread) == pytest.approx(0.0007)
    assert spread[-1] > 3 * spread[32]


def test_without_metrics_no_transaction_is_waited_for(tmp_path: Path) -> None:
    assert commit_spread([tmp_path], 1) == ()
