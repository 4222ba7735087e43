"""Lead times: the page is that of the recordings, every alert has one, and each way of noticing is measured as its words say."""

from pathlib import Path

import pytest

from gelombang.drill_file import StoredProcess, StoredRun, StoredSeries
from gelombang.panels.parts import Runbook
from gelombang_dashboards.lead import CASES, Case, Lead, lead
from gelombang_dashboards.lead_page import leads_of, page, read_fired, recordings
from gelombang_dashboards.replayed_alerts import series_read

ROOT = Path(__file__).parents[2]
BEGAN = 60
SECONDS = 180


@pytest.fixture(scope="module")
def leads() -> list[Lead]:
    return leads_of(recordings(ROOT), read_fired(ROOT))


def test_the_committed_page_is_that_of_the_recordings(leads: list[Lead]) -> None:
    committed = (ROOT / "docs" / "lead-time.md").read_text(encoding="utf-8")
    assert committed == page(leads, recordings(ROOT)), "stale: run python -m gelombang_dashboards.lead_page"


def test_every_alert_has_a_recording_that_fires_it_and_is_quiet_before(leads: list[Lead]) -> None:
    assert {each.case.alert for each in leads} == set(Runbook)
    fired = read_fired(ROOT)
    for each in leads:
        assert not [second for second in fired[each.case.recording][each.case.alert.alert] if second < each.began], each.case


def case_of(alert: Runbook) -> Case:
    return next(case for case in CASES if case.alert is alert)


def recorded(name: str, labels: dict[str, str], before: float, after: float) -> StoredSeries:
    """A counter with one pace before it began and another after."""
    values = [before * min(t, BEGAN) + after * max(0, t - BEGAN) for t in range(SECONDS + 1)]
    return StoredSeries(name=name, labels=labels, values=values)


def run_of(*series: StoredSeries) -> StoredRun:
    process = StoredProcess(
        job="gelombang-server", instance="a", times=[float(t) for t in range(SECONDS + 1)], missed=[], series=list(series)
    )
    return StoredRun(title="made", provenance={}, speed=60.0, fault_seconds=float(BEGAN), expected=[], processes=[process])


def uploads(outcome: str, code: str, before: float, after: float) -> StoredSeries:
    return recorded("gelombang_server_upload_attempts_total", {"photo": "ktp", "outcome": outcome, "code": code}, before, after)


def people(step: str, before: float, after: float) -> StoredSeries:
    return recorded("gelombang_server_people_steps_total", {"step": step}, before, after)


def noticed_after(alert: Runbook, run: StoredRun) -> float | None:
    found = lead(case_of(alert), run, [BEGAN + 1]).noticed
    return None if found is None else found - BEGAN


def test_a_days_budget_of_failed_uploads_is_a_twentieth_of_the_days_pace() -> None:
    """Ten a second of wall time are 14,400 in a day of 1,440 s: 720 may fail, and 20 a second do."""
    run = run_of(uploads("completed", "none", 10.0, 0.0), uploads("failed", "upload_failed", 0.0, 20.0))
    assert noticed_after(Runbook.UPLOADS_FAILING, run) == 36.0


def test_photos_over_the_limit_and_people_told_to_come_back_use_no_budget() -> None:
    run = run_of(
        uploads("completed", "none", 10.0, 0.0),
        uploads("rejected", "photo_too_large", 0.0, 99.0),
        uploads("refused", "uploads_busy", 0.0, 99.0),
    )
    assert noticed_after(Runbook.UPLOADS_FAILING, run) is None


def test_a_days_budget_of_people_is_a_tenth_of_those_who_come_to_the_photos() -> None:
    """1,440 a day: 144 may be stuck, and 2 a second are."""
    run = run_of(people("nik", 1.0, 3.0), people("selfie", 1.0, 1.0))
    assert noticed_after(Runbook.SITE_STAYS_DOWN, run) == 72.0


def test_the_first_photo_that_is_refused_for_lack_of_room_is_noticed() -> None:
    assert noticed_after(Runbook.STORE_FILLING, run_of(uploads("failed", "store_full", 0.0, 0.25))) == 4.0


def test_fewer_finish_when_a_window_has_six_tenths_of_the_one_before_it_began() -> None:
    """Of 100 in ten seconds less than 60: after five seconds 50 + 0 are left."""
    assert noticed_after(Runbook.REGISTRY_SATURATED, run_of(people("join", 10.0, 0.0))) == 5.0


def test_people_who_notice_first_make_the_lead_negative() -> None:
    run = run_of(uploads("failed", "store_full", 0.0, 1.0))
    assert lead(case_of(Runbook.STORE_FILLING), run, [BEGAN - 5, BEGAN + 7]).lead_seconds == -6.0


def test_a_recording_that_does_not_fire_its_alert_is_refused() -> None:
    with pytest.raises(AssertionError, match="StoreFilling does not fire in store-filling"):
        lead(case_of(Runbook.STORE_FILLING), run_of(uploads("failed", "store_full", 0.0, 1.0)), [])


def test_what_a_recording_must_hold_is_read_off_the_rules() -> None:
    assert {"gelombang_server_store_used_bytes", "gelombang_generator_validity"} <= series_read()
    assert not any(":" in name for name in series_read())
