"""Scenario files that lie over others: what they take, replace and change."""

import shutil
from pathlib import Path

import pytest

from gelombang.distribution import Fixed
from gelombang.loading import load_scenario
from gelombang.resources import scenarios_folder
from tests.support.scenario_files import extending, faults_of, scenario_file


def test_a_scenario_lies_over_the_one_it_extends(tmp_path: Path) -> None:
    base, mine = load_scenario("opening-hour"), load_scenario(extending(tmp_path, 'name = "mine"\n[patience]\nreturn_ratio = 0.8\n'))
    assert mine.name == "mine"
    assert mine.patience == base.patience.model_copy(update={"return_ratio": 0.8})
    assert mine.journey == base.journey
    assert mine.arrivals == base.arrivals


def test_lists_are_replaced_whole_and_changes_reach_into_them(tmp_path: Path) -> None:
    text = """
    [change]
    "journey.test.think_seconds" = { value = 5.0 }
    "people.line.fixed_line_ratio" = 0.5
    [[objective]]
    name = "mine"
    measure = "lost"
    at_most = 0.0
    """
    mine = load_scenario(extending(tmp_path, text))
    assert [objective.name for objective in mine.objective] == ["mine"]
    assert mine.journey[12].think_seconds == Fixed(value=5.0)
    assert mine.people.line.fixed_line_ratio == 0.5


def test_a_scenario_beside_it_is_extended_before_one_that_comes_along(tmp_path: Path) -> None:
    shutil.copytree(scenarios_folder() / "curves", tmp_path / "curves", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    beside = (scenarios_folder() / "opening-hour.toml").read_text().replace("drain_seconds = 120.0", "drain_seconds = 77.0")
    (tmp_path / "opening-hour.toml").write_text(beside)
    assert load_scenario(scenario_file(tmp_path, 'extends = "opening-hour.toml"\n')).drain_seconds == 77.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('extends = "mine.toml"', "extends is 'mine.toml', which extends this one; want a chain of files with an end"),
        ('extends = "nothing"', "extends is scenario nothing is neither a file nor a name that comes along"),
        ("extends = 3", "extends is 3; want the path or name of another scenario"),
        ('extends = "smoke"\nchange = 3', "change is 3; want a table of paths and their values"),
        ('extends = "smoke"\n[change]\n"journey.tset.title" = "x"', "change.journey.tset.title is 'tset' is not in the list; want test"),
    ],
)
def test_an_extension_that_leads_nowhere_is_a_fault(tmp_path: Path, text: str, said: str) -> None:
    (fault,) = faults_of(scenario_file(tmp_path, text + "\n"))
    assert fault.startswith(said)


def test_phases_take_the_place_of_the_curve_that_is_extended(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    phases = '[[arrivals.phases]]\nform = "hold"\nfor_seconds = 60.0\nstart_per_second = 5.0\n'
    path.write_text('extends = "opening-hour"\nname = "mine"\ntitle = "Mine"\nopens_at = "2027-01-04T09:00:00+07:00"\n' + phases)
    arrivals = load_scenario(path).arrivals
    assert arrivals.curve is None
    assert [phase.for_seconds for phase in arrivals.phases] == [60.0]
