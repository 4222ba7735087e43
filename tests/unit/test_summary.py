"""The summary of small runs whose numbers can be counted by hand."""

import json

import numpy as np
import pytest

from gelombang.attempt import Code, Fate, Outcome, Phase, ServerOutcome, Stage
from gelombang.complaint_form import Complaints
from gelombang.distribution import Fixed
from gelombang.record import read_record, write_record
from gelombang.segments import read_segments
from gelombang.summary import RunFacts, summarise
from support.run_folder import RunFolder, scenario_of

FACTS = RunFacts("2026-01-01T00:00:00+00:00", commit="abc", machine={"cores": 2}, server_processes=1)


def summary_of(run, facts=FACTS, died=False, profile=True):
    run.write(died=died)
    return summarise(run.path, run.plan, run.profile if profile else None, facts, {}, run.due_us())


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path)


def test_people_and_attempts_are_conserved_and_come_back_from_the_file(run):
    record = summary_of(run.everybody())
    write_record(run.path, record)
    assert read_record(run.path) == record
    assert record.fates == {"finished": 6, "gave_up": 2, "rejected": 0, "unreachable": 2, "waiting": 0, "cut": 0, "unsent": 0}
    assert (record.people_planned, record.people_stand_for, record.unexplained, record.coverage) == (10, 500, 0, "both ends")
    assert (record.commit, record.host.cores, record.host.server_processes) == ("abc", 2, 1)


def test_steps_count_people_attempts_and_outcomes(run):
    record = summary_of(run.everybody(failures=2))
    ktp = next(step for step in record.steps if step.step == "ktp")
    assert (ktp.people_reached, ktp.people_passed, ktp.attempts) == (8, 6, 14)
    assert ktp.outcomes == {"ok": 6, "failed": 8}
    email = next(step for step in record.steps if step.step == "email")
    assert (email.outcomes, email.response.samples) == ({"ok": 8, "not_read": 2}, 8)


def test_response_counts_from_due_in_the_peoples_time_and_lateness_in_wall_time(run):
    run.attempt(0, "account", took_us=50_000, late_us=10_000)
    run.person(0, Fate.WAITING)
    record = summary_of(run)
    account = record.steps[0]
    assert account.response.p50_seconds == pytest.approx(0.060 * 60)
    assert account.service.p50_seconds == pytest.approx(0.050 * 60)
    assert record.host.lateness.p99_seconds == pytest.approx(0.010)


def test_uploads_are_counted_by_where_they_ended_and_by_bytes(run):
    run.finished(0, failures=2)
    run.attempt(
        1, "ktp", Outcome.TIMED_OUT, Phase.WAIT, status=0, server=(Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE, 499),
        received_bytes=700, kept_bytes=700,
    )  # fmt: skip
    run.store(1, "ktp", 1, 700)
    run.attempt(
        1, "ktp", Outcome.TOO_LARGE, Phase.RECEIVE, Code.PHOTO_TOO_LARGE, 413,
        server=(Stage.BODY, ServerOutcome.REJECTED, Code.PHOTO_TOO_LARGE, 413), received_bytes=9_000,
    )  # fmt: skip
    run.attempt(1, "ktp", Outcome.CUT, Phase.SEND, status=0, server=None)
    run.person(1, Fate.CUT)
    uploads = summary_of(run).uploads
    assert uploads is not None
    assert (uploads.attempts, uploads.acknowledged, uploads.failed, uploads.too_large, uploads.cut) == (7, 2, 3, 1, 1)
    assert {(w.stage, w.outcome, w.code): w.attempts for w in uploads.where} == {
        ("acknowledge", "completed", "none"): 2,
        ("admission", "failed", "upload_failed"): 2,
        ("acknowledge", "completed_unheard", "client_left"): 1,
        ("body", "rejected", "photo_too_large"): 1,
        ("send", "cut", "none"): 1,
    }
    assert all(w.meaning for w in uploads.where)
    assert (uploads.received_bytes, uploads.kept_bytes, uploads.stored_unheard_bytes) == (14_700, 3_000, 700)
    assert uploads.received_per_kept_byte == pytest.approx(4.9)
    assert uploads.attempts_per_acknowledged_photo == pytest.approx(3.5)
    assert (uploads.people_past_both_photos, uploads.photos_acknowledged_lost, uploads.audited) == (1, 0, True)


def test_the_stores_use_counts_acknowledged_bytes_with_their_commit_cost(run):
    run.finished(0)
    uploads = summary_of(run).uploads
    assert uploads is not None
    # W = 13.5 MB/s × 1/50 × 60 × 0.1 = 1.62 MB/s over 60 s of wall time; commit cost 100,000 × 0.1 bytes.
    assert uploads.store_used_ratio == pytest.approx((3_000 + 2 * 10_000) / (1_620_000 * 60))


def test_people_who_fail_often_enough_complain_in_the_record(run):
    complaints = Complaints(ratio=1.0, after_failures=Fixed(value=2.0), delay_seconds=Fixed(value=120.0), noticed_per_minute=60.0)
    run.plan = run.plan.model_copy(update={"scenario": run.scenario.model_copy(update={"complaints": complaints})})
    record = summary_of(run.everybody(failures=2))
    assert record.complaints is not None
    assert list(record.complaints.windows) == ["ktp"]
    assert (record.complaints.people, record.complaints.later) == (4, 0)
    assert len(record.complaints.per_window) == len(record.windows.offered)


def test_every_window_list_sums_to_its_total(run):
    record = summary_of(run.everybody())
    windows = record.windows
    assert windows.window_seconds == 60.0
    assert len(windows.offered) == len(windows.people_waiting) == 60
    assert sum(windows.offered) == sum(windows.started) == 10
    for step in record.steps:
        assert sum(windows.passed[step.step]) == step.people_passed
        assert sum(windows.ended[step.step]) == step.attempts - step.outcomes.get("not_read", 0)
        assert sum(windows.ok[step.step]) == step.outcomes.get("ok", 0)
    assert record.uploads is not None
    assert sum(windows.upload_attempts) == record.uploads.attempts
    assert sum(windows.upload_failed) == record.uploads.failed
    assert sum(windows.kept_bytes) == record.uploads.kept_bytes
    assert sum(windows.received_bytes) == record.uploads.received_bytes
    assert {key: sum(counts) for key, counts in windows.upload_where.items()} == {"acknowledged": 12, "admission/upload_failed": 8}


def test_a_moment_falls_into_the_window_of_the_peoples_time(run):
    run.attempt(3, "account", took_us=100_000)
    run.person(3, Fate.WAITING)
    record = summary_of(run)
    # Person 3 is due at 4 s of wall time, which is minute 4 at 60 times the speed.
    assert [i for i, n in enumerate(record.windows.started) if n] == [4]
    assert record.windows.response_p99_seconds["account"][4] == pytest.approx(6.03, rel=0.01)
    assert record.windows.response_p99_seconds["account"][3] is None


def test_people_wait_who_are_inside_and_in_no_exchange(run):
    run.attempt(0, "account", took_us=2_500_000)
    run.attempt(0, "email", Outcome.CUT, Phase.INBOX, status=0, server=None, took_us=9_000_000)
    run.person(0, Fate.WAITING)
    run.attempt(1, "account", took_us=100_000)
    run.person(1, Fate.GAVE_UP)
    # Person 0 is in an exchange from minute 1 to 3.5, then waits for a mail; person 1 comes and goes in minute 2.
    assert summary_of(run).windows.people_waiting[:6] == [0, 0, 0, 1, 1, 1]


def second_tab(run, person, sent_us, done_us, outcome=Outcome.OK):
    """Of the try whose row was written last."""
    row = run.generator[-1].copy()
    row["tab"], row["number"], row["outcome"], row["due"], row["sent"], row["done"] = 1, 1, outcome, sent_us, sent_us, done_us
    assert row["person"] == person
    run.generator.append(row)


def test_somebody_with_two_tabs_waits_for_one_answer(run):
    run.attempt(0, "account", Outcome.TIMED_OUT, Phase.WAIT, status=0, server=None, took_us=3_000_000)
    second_tab(run, 0, 2_100_000, 4_100_000, Outcome.FAILED)
    run.person(0, Fate.WAITING)
    # One exchange from minute 1 to 4.1, when the later tab has failed as well.
    assert summary_of(run).windows.people_waiting[:6] == [0, 0, 0, 0, 1, 1]


def test_a_tab_that_is_left_behind_makes_nobody_wait_less(run):
    run.attempt(0, "account", took_us=3_000_000)
    second_tab(run, 0, 1_200_000, 1_300_000)
    run.person(0, Fate.WAITING)
    run.attempt(1, "account", took_us=1_500_000)
    second_tab(run, 1, 2_100_000, 6_100_000)
    run.person(1, Fate.FINISHED)
    run.persons[1]["done"] = 3_500_500
    # Person 0 goes on by the second tab within minute 1; person 1 by the first one in minute 3, and the other is answered for nobody.
    assert summary_of(run).windows.people_waiting[:8] == [0, 1, 1, 1, 1, 1, 1, 1]


def test_people_without_a_row_are_unsent_and_rows_without_a_fate_were_cut(run):
    run.finished(0)
    run.attempt(1, "account", Outcome.OPEN, Phase.NONE, status=0, server=None)
    run.person(1, Fate.OPEN)
    record = summary_of(run, died=True)
    assert (record.fates["finished"], record.fates["cut"], record.fates["unsent"]) == (1, 1, 8)
    assert record.host.generators_died == 1
    assert "generator-died" in [doubt.name for doubt in record.doubts]


def test_a_killed_generators_open_attempts_are_counted_as_process_died(run):
    run.attempt(1, "account", Outcome.OPEN, Phase.NONE, status=0, server=None)
    run.person(1, Fate.OPEN)
    record = summary_of(run, died=True)
    assert record.steps[0].outcomes == {"process_died": 1}
    assert record.unexplained == 0


def test_an_empty_run_has_a_record(run):
    record = summary_of(run)
    record.check("here")
    assert record.fates["unsent"] == 10
    assert record.steps[0].response.samples == 0


def test_a_foreign_target_is_known_from_one_end(run):
    run.everybody().write()
    (run.path / "server.json").unlink()
    (run.path / "ledger-server-0.bin").unlink()
    (run.path / "site" / "gelombang.sqlite3").unlink()
    record = summarise(run.path, run.plan, None, FACTS, {}, run.due_us())
    assert (record.coverage, record.join, record.unexplained) == ("client only", [], 0)
    assert record.uploads is not None
    assert (record.uploads.audited, record.uploads.store_used_ratio) == (False, None)
    assert {(w.stage, w.outcome, w.code) for w in record.uploads.where} == {
        ("acknowledge", "completed", "none"),
        ("receive", "failed", "upload_failed"),
    }


def test_samples_of_machine_and_generator_are_read_from_the_runs_zero_on(run):
    run.everybody()
    samples = [
        {"t_us": -1, "machine_cpu_share": 1.0, "server_cpu_cores": 9.0, "generator_cpu_cores": 9.0},
        {"t_us": 1_000_000, "machine_cpu_share": 0.5, "server_cpu_cores": 0.2, "generator_cpu_cores": 0.1},
        {"t_us": 2_000_000, "machine_cpu_share": 0.96, "server_cpu_cores": 0.4, "generator_cpu_cores": 0.3},
    ]
    (run.path / "host.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    own = [{"t_us": i * 1_000_000, "cpu_share": 0.9 if 3 <= i < 9 else 0.1, "loop_late_max_us": 700 * i} for i in range(12)]
    (run.path / "generator-0.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in own) + '{"t_us": 12')
    (run.path / "generator-0.log").write_text("hello\nTraceback (most recent call last):\n  boom\n")
    facts = RunFacts(
        "now", listen_before={"listen_overflows": 5, "listen_drops": 6}, listen_after={"listen_overflows": 7, "listen_drops": 9}
    )
    host = summary_of(run, facts).host
    assert (host.machine_cpu_max_ratio, host.machine_busy_ratio) == (0.96, 0.5)
    assert host.server_cpu_ratio == pytest.approx(0.3)
    assert (host.generator_cpu_ratio, host.generator_cpu_max_ratio) == (pytest.approx(0.2), 0.3)
    assert host.generator_busy_seconds == pytest.approx(6.0)
    assert host.loop_late_max_seconds == pytest.approx(0.0077)
    assert (host.listen_overflows, host.listen_drops, host.generator_exceptions) == (2, 3, 1)


def test_segments_hold_every_duration_by_step_and_by_window(run):
    record = summary_of(run.everybody())
    segments = read_segments(run.path)
    for step in record.steps:
        assert segments.response[step.step].samples == step.response.samples
        assert segments.window_samples([step.step], 0, 60) == step.response.samples
    whole = segments.response["ktp"].quantile_us(0.5)
    assert segments.window_quantile_us(["ktp"], 0, 60, 0.5) == pytest.approx(whole, rel=0.01)
    assert segments.window_quantile_us(["ktp"], 59, 60, 0.5) is None
    by_window = [segments.window_samples(["ktp"], window, window + 1) for window in range(60)]
    assert by_window == record.windows.ended["ktp"]


def test_the_record_names_the_digests_of_the_runs_files(run):
    files = summary_of(run.everybody()).files
    assert {
        "plan.json",
        "ledger-generator-0.bin",
        "ledger-server-0.bin",
        "people-0.bin",
        "audit.json",
        "segments/windows.npz",
    } <= files.keys()
    assert all(len(digest) == 64 for digest in files.values())


def test_due_times_come_from_the_plan_when_nobody_gives_them(run, monkeypatch):
    run.write()
    seen = []

    class Plan:
        due_us = np.array([1, 2, 3], dtype=np.int64)

    monkeypatch.setattr("gelombang.summary.make_plan", lambda *args: seen.append(args) or Plan)
    record = summarise(run.path, run.plan, run.profile, FACTS)
    assert (record.people_planned, seen[0][2:]) == (3, (7, 3_600.0))


def test_a_scenario_without_photos_has_no_upload_part(run):
    journey = [step for step in scenario_of().journey if step.form != "photo"]
    scenario = run.scenario.model_copy(update={"journey": journey})
    run.plan = run.plan.model_copy(update={"scenario": scenario})
    run.attempt(0, "account")
    run.person(0, Fate.WAITING)
    assert summary_of(run).uploads is None
