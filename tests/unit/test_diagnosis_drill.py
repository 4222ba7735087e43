"""The diagnosis drill: ten faults at two strengths, two pairs and a control, from recorded series; and its page."""

from pathlib import Path

import pytest

from gelombang.diagnosis.causes import Cause
from gelombang.diagnosis.drill import JUDGED_AFTER_SECONDS, Scored, score, singles
from gelombang.drill_file import read_drill, write_drill
from gelombang.errors import RecordError
from gelombang_dashboards.drill_page import FRESH, page, recorded

ROOT = Path(__file__).parents[2]
RUNS = recorded(ROOT)
FRESH_RUNS = recorded(ROOT, FRESH)
DRILLED = {
    Cause.STORE_SLOW,
    Cause.STORE_FULL,
    Cause.DISK_STALLED,
    Cause.REGISTRY_CAPPED,
    Cause.PROCESS_SLOW,
    Cause.BACKLOG_TOO_SMALL,
    Cause.BODY_LIMIT_LOW,
    Cause.TIME_OUT_SHORT,
    Cause.GENERATOR_STARVED,
    Cause.DATABASE_LOCKED,
}


@pytest.fixture(scope="module")
def scored() -> list[Scored]:
    return [score(run) for run in RUNS]


def test_ten_faults_are_drilled_at_two_strengths_and_two_pairs_and_a_control(scored: list[Scored]) -> None:
    assert {each.expected[0] for each in singles(scored)} == DRILLED
    assert len(singles(scored)) == 20
    assert [len(each.expected) for each in scored].count(2) == 2
    assert [each.title for each in scored if not each.expected] == ["control"]
    assert all(run.fault_seconds is None or run.table().ends_seconds >= run.fault_seconds + JUDGED_AFTER_SECONDS for run in RUNS)


def test_at_least_nine_of_ten_single_faults_are_named_with_owner_moment_and_knob(scored: list[Scored]) -> None:
    wrong = [(each.title, each.named, each.since_error_seconds) for each in singles(scored) if not each.is_right]
    assert len(wrong) <= len(singles(scored)) / 10, wrong


def test_in_the_control_nothing_is_named(scored: list[Scored]) -> None:
    [control] = [each for each in scored if not each.expected]
    assert control.named == ()


def test_in_controls_that_the_table_was_not_set_with_nothing_is_named() -> None:
    controls = [score(run) for run in FRESH_RUNS if not run.expected]
    assert len(controls) >= 2
    assert [each.named for each in controls] == [()] * len(controls)


def test_a_diagnosis_that_always_names_the_same_cause_would_not_pass(scored: list[Scored]) -> None:
    """The score can fail: whichever cause is named whatever happens is right in two of twenty."""
    for cause in Cause:
        assert sum(each.expected == (cause,) for each in singles(scored)) <= 2


def test_before_the_fault_no_drill_has_its_cause() -> None:
    """Judged at the fault's own moment, the cause that is about to be set off is not there yet."""
    for run in RUNS:
        if run.fault_seconds is not None:
            early = score(run.model_copy(update={"fault_seconds": run.fault_seconds - JUDGED_AFTER_SECONDS}))
            assert not set(early.named) & set(early.expected), run.title


def test_the_committed_page_is_what_the_recordings_say(scored: list[Scored]) -> None:
    committed = (ROOT / "docs" / "drill.md").read_text(encoding="utf-8")
    assert committed == page(scored, [score(run) for run in FRESH_RUNS]), "stale: run python -m gelombang_dashboards.drill_page"


def test_a_drill_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_drill(tmp_path / "drill.json.gz", RUNS[0])
    assert read_drill(tmp_path / "drill.json.gz") == RUNS[0]


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08\x00broken"])
def test_a_file_that_is_no_drill_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json.gz").write_bytes(content)
    with pytest.raises(RecordError, match="holds no recorded series"):
        read_drill(tmp_path / "x.json.gz")
    with pytest.raises(RecordError, match="is missing"):
        read_drill(tmp_path / "y.json.gz")
