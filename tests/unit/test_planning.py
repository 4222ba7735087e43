"""The parts of a plan that need no simulated run."""

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gelombang.errors import InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale
from gelombang.scenario import Persona
from gelombang_capacity.demand import Class
from gelombang_capacity.plan_inputs import Inputs, apply_to_profile, apply_to_scenario, draw
from gelombang_capacity.plan_options import Price, options, with_store
from gelombang_capacity.plan_outcome import Binding, Flow, Interval, Outcome, short
from gelombang_capacity.plan_result import plan_result
from gelombang_capacity.plan_sheet import plan_sheet
from gelombang_capacity.planning import Plan, Question, Tried, planned_profile, registry_needed
from gelombang_capacity.profile_text import profile_text
from gelombang_capacity.sizing import UTILISATION, bearable_utilisation, extrapolation, sizes
from support.calibrations import CALIBRATION

SURGE = load_scenario("surge-2020")
PROFILES = tuple(load_profile(name) for name in SURGE.profiles)
QUESTION = Question(SURGE, PROFILES, 75_600.0, 0.95, 3_600.0, Scale(Fraction(1, 50)), 4, 1, 0.6)


def flow(small: float) -> Flow:
    ones = np.ones(10)
    return Flow(10 * ones, small * ones, 5 * ones, 20 * ones, 8 * ones, 6 * ones, 1e7 * ones, 1e12, 300.0)


def outcome(through: float, share: float, binding: Binding) -> Outcome:
    return Outcome(through / share, through / share, through, share, 30.0, 5.0, 2e12, 1e8, 12.0, binding)


def test_the_first_world_is_the_scenario_as_written_and_others_are_drawn_by_the_seed() -> None:
    assert draw(1, 0) == Inputs()
    assert draw(1, 1) == draw(1, 1) != draw(2, 1)
    logs = [math.log(draw(5, world).uplink) for world in range(1, 400)]
    assert np.std(logs) == pytest.approx(0.20, rel=0.15)


def test_a_world_changes_people_and_store_and_nothing_of_the_admission_rules() -> None:
    inputs = Inputs(patience=2.0, uplink=0.5, store=1.5)
    crowd, site = apply_to_scenario(SURGE, inputs), apply_to_profile(PROFILES[1], inputs)
    assert crowd.patience.upload_seconds.quantile(0.5) == pytest.approx(2 * SURGE.patience.upload_seconds.quantile(0.5))
    assert crowd.people.line.uplink_ratio == pytest.approx(0.5 * SURGE.people.line.uplink_ratio)
    assert site.store.bandwidth_bytes_per_second == pytest.approx(1.5 * 13_500_000.0)
    assert site.uploads.tickets == PROFILES[1].uploads.tickets


def test_fewer_upload_places_are_among_the_options_and_cost_one_number() -> None:
    found = {each.name: each for each in options(PROFILES)}
    fewer = found["april-2020, 90 upload places in place of 720"]
    assert fewer.price is Price.NUMBER
    assert fewer.profile.store.turns_limit == 90
    assert found["april-2020, as it is"].price is Price.NONE
    assert found["hardened, as it is"].price is Price.SOFTWARE


def test_the_budgets_of_tickets_grow_with_the_store() -> None:
    twice = with_store(PROFILES[1], 2.0)
    assert twice.uploads.tickets is not None
    assert twice.uploads.tickets.received_budget_bytes == 540_000_000
    assert twice.store.turns_limit == 200


def test_the_registry_that_is_needed_keeps_everybodys_wait_below_what_was_asked() -> None:
    patient = registry_needed(replace(QUESTION, registry_wait_seconds=36_000.0))
    hasty = registry_needed(replace(QUESTION, registry_wait_seconds=60.0))
    assert 8.0 < patient < registry_needed(QUESTION) < hasty
    # 57 registrations a second at the peak, three quarters of whom read their mail.
    assert hasty < 57 * 0.75 * 1.4


def test_a_planned_profile_is_the_same_when_its_file_is_read_again(tmp_path: Path) -> None:
    profile = planned_profile(PROFILES[1], 1.8)
    path = tmp_path / "planned.toml"
    path.write_text(profile_text(profile, "Worked out.\nTwice."))
    assert load_profile(path) == profile
    assert path.read_text().startswith("# Worked out.\n# Twice.\n")


def test_sizes_are_peaks_times_costs_with_room_for_chance() -> None:
    calibration = CALIBRATION.model_copy(update={"requests_per_second_high": 800.0})
    found = sizes([flow(1_000.0)], SURGE, PROFILES[1], calibration, 0.6)
    cores = next(need for need in found.needs if need.resource == "API cores used at the peak").needed.median
    hashed = (0.0011 - 0.0008) * 60 + 0.0008
    assert cores == pytest.approx(1_000 * 0.0008 + 10 * hashed + 5 * 0.003)
    assert found.processes == math.ceil(max(cores / 0.6, cores + 1.2 * math.sqrt(cores)))
    assert found.warnings == ()
    fewest, most = found.waiting[0], found.waiting[-1]
    assert fewest.cores < most.cores
    assert fewest.waited_minutes_total > most.waited_minutes_total
    connections = next(need for need in found.needs if need.resource == "open connections").needed.median
    assert connections > 1_015 * PROFILES[1].api.keep_alive_seconds


def test_outside_the_calibrated_range_intervals_widen_and_far_outside_the_plan_is_refused() -> None:
    (near,) = sizes([flow(1_000.0)], SURGE, PROFILES[1], CALIBRATION, 0.6).warnings
    assert "Intervals are 1.9 times as wide" in near
    few = CALIBRATION.model_copy(update={"requests_per_second_high": 50.0})
    with pytest.raises(InputError, match=r"15\.0 times as many as any that was measured .* --utilisation 0\.12 or less"):
        sizes([flow(1_000.0)], SURGE, PROFILES[1], few, 0.6)


def test_a_calibration_that_saw_no_cost_is_refused() -> None:
    free = [each.model_copy(update={"seconds": 0.0}) if each.of is Class.SMALL else each for each in CALIBRATION.demands]
    with pytest.raises(InputError, match="could not tell what a small request costs"):
        sizes([flow(1.0)], SURGE, PROFILES[1], CALIBRATION.model_copy(update={"demands": free}), 0.6)


def tried(name: str, *outcomes: Outcome) -> Tried:
    return Tried(replace(options(PROFILES)[0], name=name), outcomes)


def test_an_infeasible_question_names_the_best_that_can_be_had() -> None:
    today = tried("as it is", outcome(70_000, 0.1, Binding.ADMISSION))
    best = tried("store × 16", outcome(500_000, 0.8, Binding.LINES))
    result = plan_result(Plan((today,), None, best, (), None, None), QUESTION, "2026-01-01", None, None)
    words = plan_sheet(result, "a surge").verdict
    assert "INFEASIBLE" in words
    assert "80.0% with store × 16" in words
    assert "people's own lines and patience" in words


def test_a_plan_tells_what_today_is_short_of_and_what_helps_cheaply() -> None:
    today = tried("as it is", outcome(70_000, 0.1, Binding.ADMISSION))
    cheap = tried("90 places", outcome(400_000, 0.6, Binding.REGISTRY))
    planned = Tried(
        replace(today.option, name="planned", profile=planned_profile(PROFILES[1], 2.0)), (outcome(700_000, 0.96, Binding.NOTHING),)
    )
    found = sizes([flow(1_000.0)], SURGE, PROFILES[1], CALIBRATION, 0.6)
    result = plan_result(Plan((today, cheap), planned, planned, (cheap,), found, cheap), QUESTION, "2026-01-01", None, None)
    sheet = plan_sheet(result, "a surge")
    assert "the store works for people who have left" in sheet.verdict
    assert "90 places lets 400,000 through, at 5 tries and 2 TB received" in sheet.verdict
    assert "27 MB a second at the store: then 700,000" in sheet.verdict
    assert any("civil registry" in row for section in sheet.sections for table in section.tables for row in table.rows)


def test_numbers_are_told_with_three_digits_that_matter() -> None:
    assert [short(value) for value in (77_834.0, 1.0345, 123.4, 0.0456)] == ["77,800", "1.03", "123", "0.0456"]
    assert Interval.of([1.0, 2.0, 3.0]).median == 2.0


def test_a_world_of_other_patience_has_it_for_each_persona_and_leaves_a_librarys_waits_alone() -> None:
    patient = SURGE.patience.model_copy(update={"retry_delays_seconds": [0.0, 60.0]})
    mixed = SURGE.model_copy(update={"persona": [Persona(name="library", patience=patient)]})
    found = apply_to_scenario(mixed, Inputs(patience=0.5, retry_delay=2.0))
    assert found.persona is not None
    changed = found.persona[0].patience
    assert changed.upload_seconds == SURGE.patience.upload_seconds.times(0.5)
    assert changed.retry_seconds == SURGE.patience.retry_seconds.times(2.0)
    assert changed.retry_delays_seconds == [0.0, 60.0]


def test_a_plan_uses_no_more_of_a_core_than_the_calibration_can_say_something_about() -> None:
    slow = CALIBRATION.model_copy(update={"requests_per_second_high": 200.0})
    assert bearable_utilisation(slow) == pytest.approx(0.48)
    widened, warnings = extrapolation(slow, bearable_utilisation(slow))
    assert widened == pytest.approx(3.0)
    assert "the calibration measured up to 200" in warnings[0]
    assert bearable_utilisation(CALIBRATION.model_copy(update={"requests_per_second_high": 400.0})) == UTILISATION
    assert bearable_utilisation(CALIBRATION.model_copy(update={"requests_per_second_high": 5.0})) == UTILISATION
