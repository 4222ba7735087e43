"""What a live search tells the model before it asks it for a limit."""

from dataclasses import replace
from fractions import Fraction
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale
from gelombang_capacity.costs import Costs
from gelombang_capacity.limit_search import Probe, SearchRules
from gelombang_capacity.password_price import PasswordPrice
from gelombang_cli import capacity_find
from gelombang_cli.capacity_find import _prices
from gelombang_cli.hunt import Hunt


def hunt(folder: Path) -> Hunt:
    rules = SearchRules(first_load=2.0)
    return Hunt(load_scenario("breakpoint-cpu"), load_profile("one-core"), Scale(Fraction(1)), 1, 20.0, 1, folder, rules)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The loads of the runs that were made."""
    made: list[float] = []

    def live(_: Hunt, load: float, number: int, is_long: bool) -> Probe:
        made.append(load)
        return Probe(load, number, is_long, is_met=True)

    monkeypatch.setattr(Hunt, "live", live)
    monkeypatch.setattr(capacity_find, "password_price", lambda folder, scenario: PasswordPrice(0.021, 0.022, 0.024))
    return made


def test_the_quartiles_of_a_passwords_price_in_a_run_at_half_the_first_load_are_what_the_model_is_asked_with(
    tmp_path: Path, loads: list[float]
) -> None:
    assert _prices(hunt(tmp_path), Console(quiet=True)) == {"dear": Costs(hash_seconds=0.024), "cheap": Costs(hash_seconds=0.021)}
    assert loads == [1.0]


def test_where_the_clock_is_fast_and_a_password_costs_next_to_nothing_no_run_is_made(tmp_path: Path, loads: list[float]) -> None:
    assert _prices(replace(hunt(tmp_path), scale=Scale(Fraction(1, 50), 60.0)), Console(quiet=True)) == {"simulated": Costs()}
    assert loads == []


def test_a_run_that_doubts_itself_tells_no_price(tmp_path: Path, loads: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hunt, "live", lambda *_: Probe(1.0, 0, False, True, doubts=("late-generator: late",)))
    console = Console(record=True, width=200, file=StringIO())
    assert _prices(hunt(tmp_path), console) == {"simulated": Costs()}
    assert "no price of a password from run 0 (late-generator: late); expecting the usual one" in console.export_text()
