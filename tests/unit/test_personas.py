"""Kinds of people: what a scenario writes, and what each of them does."""

from pathlib import Path

import pytest

from gelombang.arrivals import make_plan
from gelombang.attempt import Outcome
from gelombang.errors import FileError
from gelombang.loading import load_scenario
from gelombang.patience import Choice, Decision, after_failure
from gelombang.person import make_person, page_patience_seconds, persona_of
from gelombang.runplan import read_model, write_model
from gelombang.scale import Scale, scaled
from gelombang.scenario import Scenario
from tests.support.small_scenario import HOME, scenario

HEAD = 'extends = "opening-hour"\nname = "mixed"\ntitle = "Mixed"\n'


def mixed(tmp_path: Path, text: str) -> Scenario:
    (tmp_path / "mixed.toml").write_text(HEAD + text)
    return load_scenario(tmp_path / "mixed.toml")


def persona(tmp_path: Path, text: str) -> Scenario:
    return mixed(tmp_path, f'[[persona]]\nname = "one"\n{text}\n')


def decision(scenario: Scenario, row: int, outcome: Outcome = Outcome.FAILED, person: int = 3, told: float | None = None) -> Decision:
    one = make_person(1, person, scenario, 5)
    return after_failure(1, person, one.patience, 2, row + 1, row, outcome, told)


def test_a_persona_is_the_scenarios_patience_changed_by_its_kind_changed_by_its_own(tmp_path: Path) -> None:
    found = persona(tmp_path, 'kind = "impatient"\npatience = { persist_ratio = 0.5 }')
    base = load_scenario("opening-hour").patience
    assert found.persona is not None
    own = found.persona[0].patience
    assert own.persist_ratio == 0.5
    assert own.page_seconds.quantile(0.5) == pytest.approx(4.0)
    assert own.away_seconds == base.away_seconds
    assert found.patience == base


def test_a_loaded_scenario_with_personas_comes_back_from_its_plan_the_same(tmp_path: Path) -> None:
    found = persona(tmp_path, 'kind = "well-behaved"\npatience = { backoff = { first_seconds = 1.0, longest_seconds = 9.0 } }')
    write_model(tmp_path / "scenario.json", found)
    assert read_model(tmp_path / "scenario.json", Scenario) == found


def test_without_personas_the_identity_of_a_plan_has_no_trace_of_them() -> None:
    plan = make_plan(load_scenario("smoke"), Scale(), 1)
    for word in ("persona", "backoff", "retry_delays", "obeys_told", "second_tab"):
        assert word not in plan.identity
    # What this scenario's plan was before there were personas.
    assert make_plan(scenario(HOME), Scale(), 1).identity.count('"patience"') == 1


def test_stock_tus_waits_its_fixed_delays_and_does_not_listen_then_the_person_decides(tmp_path: Path) -> None:
    found = persona(tmp_path, 'kind = "stock-tus"\npatience = { persist_ratio = 0.0, persist_later_ratio = 0.0 }')
    first = [decision(found, row, Outcome.REFUSED, person, told=900.0) for person in range(20) for row in range(4)]
    assert {each.choice for each in first} == {Choice.RETRY}
    assert [each.seconds for each in first[:4]] == [0.0, 1.0, 3.0, 5.0]
    assert len({each.seconds for each in first}) == 4
    assert decision(found, 4).choice is not Choice.RETRY


def test_well_behaved_people_spread_their_retries_keep_told_times_and_stop_at_their_budget(tmp_path: Path) -> None:
    found = persona(tmp_path, 'kind = "well-behaved"')
    for row, longest in ((0, 2.0), (1, 4.0), (4, 32.0)):
        delays = [decision(found, row, person=person).seconds for person in range(200)]
        assert 0 < min(delays) < 0.1 * longest
        assert 0.9 * longest < max(delays) <= longest
    assert decision(found, 0, Outcome.REFUSED, told=77.0).seconds == 77.0
    assert decision(found, 5).choice is Choice.GAVE_UP


def test_a_back_off_ends_at_its_longest_however_many_failures(tmp_path: Path) -> None:
    found = persona(tmp_path, 'kind = "well-behaved"\npatience = { attempts_limit = 60000 }')
    assert 0 < decision(found, 50_000).seconds <= 300.0


def test_who_is_back_in_an_hour_leaves_at_once_and_comes_back(tmp_path: Path) -> None:
    found = persona(tmp_path, 'kind = "back-in-an-hour"')
    for person in range(20):
        left = decision(found, 0, person=person)
        assert (left.choice, left.seconds) == (Choice.AWAY, 3_600.0)


def test_a_faster_clock_makes_a_personas_times_shorter(tmp_path: Path) -> None:
    found = scaled(persona(tmp_path, 'kind = "stock-tus"'), Scale(speed=60.0))
    assert found.persona is not None
    assert found.persona[0].patience.retry_delays_seconds == pytest.approx([0.0, 1 / 60, 3 / 60, 5 / 60])
    assert decision(found, 3).seconds == pytest.approx(5 / 60)


def test_each_person_waits_as_their_persona_does(tmp_path: Path) -> None:
    waits = (1.0, 2.0)
    text = "".join(f'[[persona]]\nname = "p{wait:.0f}"\npatience = {{ page_seconds = {{ value = {wait} }} }}\n' for wait in waits)
    found = mixed(tmp_path, text)
    for index in range(50):
        person = make_person(9, index, found, 5)
        assert page_patience_seconds(person, 0, 1) == waits[persona_of(9, index, found) or 0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('kind = "angry"', "persona[0].kind"),
        ("weight = 0.0", "persona[0].weight"),
        ("patience = { persist_ratio = 2.0 }", "persona[0].patience.persist_ratio"),
        ("patience = { persists = 0.5 }", "persona[0].patience.persists"),
        ("patience = { second_tab = { ratio = 0.0, after_seconds = { value = 5.0 } } }", "persona[0].patience.second_tab.ratio"),
        ("patience = { second_tab = { ratio = 0.5 } }", "persona[0].patience.second_tab.after_seconds"),
        (
            "patience = { retry_delays_seconds = [1.0], backoff = { first_seconds = 1.0, longest_seconds = 2.0 } }",
            "given retry_delays_seconds and backoff both",
        ),
        ('[[persona]]\nname = "one"', "personas of the same name: one"),
    ],
)
def test_what_is_wrong_with_a_persona_is_said_where_it_stands(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(FileError) as failed:
        persona(tmp_path, text)
    assert sentence in str(failed.value)
