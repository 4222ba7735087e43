"""Which runs may teach, and what a calibration refuses."""

from dataclasses import replace
from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.record import Doubt, RunRecord, Validity, write_record
from gelombang.segments import Segments
from gelombang_capacity.calibration import Measured, fit_runs, read_measured, require_alike, split
from gelombang_capacity.demand import Class
from gelombang_capacity.held_out import rejections
from gelombang_cli.capacity_calibrate import calibration_sheet
from support.calibrations import CALIBRATION, held_out
from support.records import hardened


def measured(name: str, load: float, **changes: object) -> Measured:
    record = hardened()
    steps = [step.model_copy(update={"attempts": round(step.attempts * load)}) for step in record.steps]
    record = record.model_copy(update={"steps": steps, **changes})
    return Measured(Path(name), record, Segments(steps=[]), [], load_scenario("opening-hour"), load_profile("hardened"))


def folder_of(tmp_path: Path, record: RunRecord) -> Path:
    write_record(tmp_path, record)
    return tmp_path


def test_a_simulated_run_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a simulated run; want live ones"):
        read_measured(folder_of(tmp_path, hardened().model_copy(update={"kind": "simulated"})))


def test_a_run_that_doubts_itself_is_refused_with_its_doubt(tmp_path: Path) -> None:
    doubt = Doubt(name="busy-machine", severity=Validity.SUSPECT, evidence="it was busy", what_to_do="-")
    record = hardened().model_copy(update={"validity": Validity.SUSPECT, "doubts": [doubt]})
    with pytest.raises(InputError, match=r"is SUSPECT: busy-machine: it was busy"):
        read_measured(folder_of(tmp_path, record))


def test_a_run_against_a_service_of_ones_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"was not made against the reference server"):
        read_measured(folder_of(tmp_path, hardened()))


def test_runs_of_two_server_versions_or_profiles_are_refused() -> None:
    with pytest.raises(InputError, match=r"b has server version other and a has 0123456789"):
        require_alike([measured("a", 1.0), measured("b", 1.0, commit="other")])
    with pytest.raises(InputError, match=r"b has profile .* want runs that differ in load only"):
        require_alike([measured("a", 1.0), replace(measured("b", 1.0), profile=load_profile("april-2020"))])


def test_the_largest_load_is_held_out_and_too_few_runs_are_refused() -> None:
    runs = [measured(name, load) for name, load in (("c", 3.0), ("a", 1.0), ("b", 2.0))]
    fitted, tested = split(runs, [])
    assert [str(run.folder) for run in fitted] == ["a", "b"]
    assert [str(run.folder) for run in tested] == ["c"]
    with pytest.raises(InputError, match=r"1 runs to fit and 1 to hold out; want 2 and 1 or more"):
        split(runs[:2], [])


def test_loads_that_are_all_alike_are_refused() -> None:
    with pytest.raises(InputError, match=r"want loads at least a tenth apart"):
        split([measured("a", 1.0), measured("b", 1.01), measured("c", 1.02)], [])


def test_runs_without_seconds_are_refused() -> None:
    with pytest.raises(InputError, match=r"0 whole seconds between them; want 30 or more"):
        fit_runs([])


def test_a_quantity_far_outside_rejects_the_model_with_both_numbers() -> None:
    (words,) = rejections([held_out("server cores", 0.5, 0.1, 0.52), held_out("uploads", 10.0, 1.0, 20.0)])
    assert "uploads was 20" in words
    assert "predicted 10" in words


def test_costs_for_the_simulator_leave_the_hash_in_the_peoples_time() -> None:
    costs = CALIBRATION.costs(2, 1.0, 200.0)
    assert costs.api_processes == 2
    assert costs.api_seconds == CALIBRATION.demand(Class.SMALL).seconds
    assert costs.hash_seconds == pytest.approx((0.0011 - 0.0008) * 60)
    assert costs.round_trip_from_seconds == 0.0
    assert CALIBRATION.costs(1, 60.0, 200.0).round_trip_from_seconds == 0.005


def test_the_page_tells_the_largest_held_out_error_of_each_kind_beside_what_was_wanted() -> None:
    checks = [
        held_out("people past the last photo per second", 5.0, 1.0, 5.2),
        held_out("people past the last photo per second", 5.0, 1.0, 4.5),
        held_out("response of uploads, p95, s", 10.0, 1.0, 11.0),
        held_out("share of uploads failed", 0.20, 0.1, 0.23),
    ]
    sheet = calibration_sheet(CALIBRATION.model_copy(update={"checks": checks, "coverage_ratio": 1.0}))
    errors = sheet.sections[1].tables[0]
    assert errors.rows == (
        ("people through", "-10.0%", "at most 5%"),
        ("responses of small requests and of uploads", "+10.0%", "at most 15%"),
        ("share of uploads failed", "+3.0 points", "at most 5 points"),
        ("inside their 90 % interval", "100% of 4", "80% to 97%"),
    )


def test_a_kind_that_no_run_measured_is_said_to_be_not_measured() -> None:
    assert ("share of uploads failed", "not measured", "at most 5 points") in calibration_sheet(CALIBRATION).sections[1].tables[0].rows


def test_a_believed_change_makes_small_requests_dearer_or_cheaper_with_load_and_none_beyond_what_was_measured() -> None:
    assert CALIBRATION.small_seconds(400.0) == CALIBRATION.demand(Class.SMALL).seconds
    change = CALIBRATION.change.model_copy(update={"is_believed": True})
    found = CALIBRATION.model_copy(update={"change": change})
    assert found.small_seconds(200.0) == pytest.approx(0.0008)
    assert found.small_seconds(400.0) == pytest.approx(0.0006)
    assert found.small_seconds(1_000.0) == found.small_seconds(400.0)
    assert found.costs(1, 60.0, 400.0).api_seconds == found.small_seconds(400.0)


def test_a_believed_change_moves_what_others_wait_for_and_neither_the_requests_own_answer_nor_the_price_of_a_hash() -> None:
    change = CALIBRATION.change.model_copy(update={"is_believed": True})
    found = CALIBRATION.model_copy(update={"change": change})
    quiet, busy = found.costs(1, 60.0, 100.0), found.costs(1, 60.0, 400.0)
    assert quiet.api_spread[0] > busy.api_spread[0]
    for costs in (quiet, busy):
        own = [spent - costs.api_after_seconds for spent in costs.api_spread]
        assert own == pytest.approx(CALIBRATION.times.api)
    assert quiet.hash_seconds == busy.hash_seconds


def test_a_transaction_takes_what_a_believed_change_says_at_a_load_and_no_more_beyond_what_was_measured() -> None:
    assert CALIBRATION.costs(1, 60.0, 400.0).commit_spread == tuple(CALIBRATION.times.commit)
    change = CALIBRATION.commit_change.model_copy(update={"seconds": -0.0001, "is_believed": True})
    found = CALIBRATION.model_copy(update={"commit_change": change})
    assert found.costs(1, 60.0, 100.0).commit_spread[0] == pytest.approx(0.00045)
    assert found.costs(1, 60.0, 400.0).commit_spread[0] == pytest.approx(0.0003)
    assert found.costs(1, 60.0, 900.0) == found.costs(1, 60.0, 400.0)
    assert "A transaction takes -0.10 ms at twice the load (standard error 0.00)." in [
        words for section in calibration_sheet(found).sections for words in section.sentences
    ]


def test_where_the_servers_clock_says_more_than_the_fit_an_answer_waits_for_all_of_its_cpu() -> None:
    times = CALIBRATION.times.model_copy(update={"api": [0.002] * len(CALIBRATION.times.api)})
    assert CALIBRATION.model_copy(update={"times": times}).costs(1, 60.0, 200.0).api_after_seconds == 0.0
