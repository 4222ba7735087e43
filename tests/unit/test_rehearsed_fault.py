"""Faults from the command line: what is understood, what is refused, and where a page shows them."""

from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang.loading import load_profile
from gelombang.rehearsed_fault import FAULTS_LIMIT, FaultSetting, RehearsedFault, changed, parse_faults, require_changeable
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ServerPlan, read_model, write_model
from gelombang_cli.main import main
from gelombang_reports.detail import read_detail
from gelombang_reports.figures import PAGE_FIGURES
from gelombang_reports.marks import chart_marks
from gelombang_reports.texts import ENGLISH
from tests.support.run_folder import recorded


def test_a_fault_is_told_in_the_peoples_time_and_kept_in_the_walls() -> None:
    found = parse_faults(["registry.lookups_per_second=1.5@1800", "store.capacity_bytes=9e9@0"], speed=60.0)
    assert found == (
        RehearsedFault(setting=FaultSetting.REGISTRY_RATE, at_seconds=30.0, value=1.5),
        RehearsedFault(setting=FaultSetting.STORE_CAPACITY, at_seconds=0.0, value=9e9),
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("registry.lookups_per_second=1.5", "want KEY=VALUE@SECONDS"),
        ("registry.lookups_per_second@60", "want KEY=VALUE@SECONDS"),
        ("registry.lookup_per_second=1@60", r"want registry\.lookups_per_second \(did you mean that\?\)"),
        ("api.backlog=lots@60", "its value is 'lots'; want a number, 0 or more"),
        ("api.backlog=1@-5", "its moment is '-5'; want a number, 0 or more"),
        ("api.backlog=1@inf", "its moment is 'inf'; want a number, 0 or more"),
        ("api.backlog=1.5@60", "its value is '1.5'; want a whole number"),
    ],
)
def test_what_is_no_fault_is_refused_in_one_sentence(given: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_faults([given], 60.0)


def test_a_sync_fails_or_does_not() -> None:
    assert parse_faults(["disk.sync_fails=1@60"], 60.0)[0].value == 1.0
    with pytest.raises(InputError, match=r"its value is '0\.5'; want 1 \(each sync of a photo fails\) or 0"):
        parse_faults(["disk.sync_fails=0.5@60"], 60.0)


def test_there_is_a_limit_to_what_can_go_wrong_at_once() -> None:
    with pytest.raises(InputError, match=f"given {FAULTS_LIMIT + 1} times; want {FAULTS_LIMIT} at most"):
        parse_faults(["api.backlog=1@60"] * (FAULTS_LIMIT + 1), 60.0)


def test_a_value_that_no_profile_may_have_is_refused_before_anything_begins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "smoke", "--sample", "1/100", "--fault", "uploads.answer_within_seconds=0@60"]) == 2
    assert "--fault uploads.answer_within_seconds=0: uploads.answer_within_seconds" in capsys.readouterr().err


def test_somebody_s_own_service_can_not_be_changed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "smoke", "--sample", "1/100", "--target", "http://127.0.0.1:9", "--fault", "api.backlog=1@60"]
    assert main(words) == 2
    assert "--fault is given with --target" in capsys.readouterr().err


def test_a_whole_number_stays_one() -> None:
    profile = load_profile("hardened")
    fault = RehearsedFault(setting=FaultSetting.BACKLOG, at_seconds=0.0, value=2.0)
    require_changeable(profile, [fault])
    assert repr(changed(profile, fault).api.backlog) == "2"


def test_the_page_marks_a_fault_at_the_runs_own_moment(tmp_path: Path) -> None:
    """The site's zero lies before the run's."""
    record = recorded(tmp_path)
    plan, server = read_model(tmp_path / PLAN_FILE, RunPlan), read_model(tmp_path / SERVER_FILE, ServerPlan)
    early_seconds = (plan.zero_us - server.zero_us) / 1e6
    fault = RehearsedFault(setting=FaultSetting.REGISTRY_RATE, at_seconds=early_seconds + 10.0, value=1.5)
    write_model(tmp_path / SERVER_FILE, server.model_copy(update={"faults": [fault]}))
    [mark] = [mark for mark in read_detail(tmp_path, record).marks if mark.kind == "fault"]
    assert mark.at_seconds == pytest.approx(10.0 * plan.scale.speed)
    assert [shown.label for shown in chart_marks([mark], ENGLISH, PAGE_FIGURES)] == ["fault: registry.lookups_per_second = 1.5"]


def test_the_room_of_a_store_that_is_not_modelled_can_not_be_changed() -> None:
    fault = RehearsedFault(setting=FaultSetting.STORE_CAPACITY, at_seconds=0.0, value=1e9)
    with pytest.raises(InputError, match=r"--fault store\.capacity_bytes: profile physical has no modelled store"):
        require_changeable(load_profile("physical"), [fault])
