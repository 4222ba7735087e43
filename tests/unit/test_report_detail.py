"""What stands beside a record: read from a run's folder, drawn on its page, written into its tables."""

import csv
import io
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.intervals import Interval
from gelombang.record import RunRecord
from gelombang.segments import WINDOW_COUNT, Segments
from gelombang.summary import summarise
from gelombang_reports.axis import Axis
from gelombang_reports.charts import ChartMark
from gelombang_reports.csv_table import COLUMNS, csv_table
from gelombang_reports.detail import Detail, MachineSample, read_detail
from gelombang_reports.detail_charts import column_quantiles, machine_charts
from gelombang_reports.figures import PAGE_FIGURES
from gelombang_reports.json_report import json_report
from gelombang_reports.marks import Mark, chart_marks
from gelombang_reports.page import render_page
from gelombang_reports.places import places
from gelombang_reports.response import ResponseRow, ResponseStep, StepSpread, Value, responses
from gelombang_reports.strips import heat_strips, quantile_ranges
from gelombang_reports.svg import draw
from gelombang_reports.texts import ENGLISH
from gelombang_reports.timeline import timelines
from support.records import collapsing, hardened
from support.run_folder import FACTS, UPLOAD_FAILED, RunFolder, recorded


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, Detail]:
    folder = tmp_path_factory.mktemp("run")
    record = recorded(folder)
    return record, read_detail(folder, record)


def test_a_record_alone_has_an_empty_detail_and_its_page_says_so(tmp_path: Path) -> None:
    detail = read_detail(tmp_path, hardened())
    assert (detail.whole, detail.spread, detail.traces, detail.machine) == (False, {}, (), ())
    assert "Only record.json was there" in render_page([hardened()], details=[detail])


def test_the_slowest_upload_and_one_of_each_place_are_followed(found: tuple[RunRecord, Detail]) -> None:
    _record, detail = found
    told = [(trace.title, trace.person_saw, trace.acknowledged) for trace in detail.traces]
    assert told.count(("KTP photo", "failed", False)) == 1
    assert told.count(("KTP photo", "timed_out", False)) == 1
    assert sum(acknowledged for *_, acknowledged in told) == 3


def test_both_ends_of_an_attempt_lie_on_one_axis_in_the_people_s_time(found: tuple[RunRecord, Detail]) -> None:
    """At speed 60: sent 0.5 ms late, the server began 0.3 ms after that, and 0.3 s of wall time are 18 s."""
    _record, detail = found
    failed = next(trace for trace in detail.traces if trace.person_saw == "failed")
    assert [(span.name, round(span.begins_seconds, 3), round(span.seconds, 3)) for span in failed.client] == [
        ("late", 0.0, 0.03),
        ("wait", 0.03, 18.0),
    ]
    assert [(span.name, round(span.begins_seconds, 3)) for span in failed.server] == [("other", 0.048)]
    assert failed.response_seconds == pytest.approx(18.03)
    assert len(failed.trace_id) == 32


def test_an_attempt_that_the_server_never_saw_has_one_end(found: tuple[RunRecord, Detail]) -> None:
    record, detail = found
    left = next(trace for trace in detail.traces if trace.person_saw == "timed_out")
    assert left.server == ()
    assert "timed_out / the server never saw it" in render_page([record], details=[detail])


def test_without_uploads_the_slowest_attempts_of_all_steps_are_followed(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, people=3)
    journey = [step for step in run.scenario.journey if step.form != "photo"]
    run.plan = run.plan.model_copy(update={"scenario": run.scenario.model_copy(update={"journey": journey})})
    for person, took_us in enumerate((30_000, 90_000, 60_000)):
        run.attempt(person, "account", took_us=took_us)
        run.person(person, Fate.WAITING)
    run.write()
    record = summarise(run.path, run.plan, run.profile, FACTS, {}, run.due_us())
    detail = read_detail(run.path, record)
    assert [(trace.title, trace.person) for trace in detail.traces] == [("Account", 1), ("Account", 2), ("Account", 0)]
    assert "The slowest attempts of all steps." in render_page([record], details=[detail])


def test_two_samples_of_a_quantile_are_too_few_for_an_interval_and_greyed(found: tuple[RunRecord, Detail]) -> None:
    record, detail = found
    assert detail.spread["test"].intervals == {"p50": None, "p90": None, "p99": None}
    row = next(step for step in responses([record], [detail.spread]) if step.step == "test").rows[0]
    assert not any(value.enough for value in row.values)


def test_tries_of_one_person_that_resemble_each_other_are_worth_one(tmp_path: Path) -> None:
    """Twelve people with five tries each; half of the people are always slow, the others always fast."""
    run = RunFolder(tmp_path, people=12)
    for person in range(12):
        for _ in range(5):
            run.attempt(
                person, "ktp", Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_FAILED, 503, UPLOAD_FAILED, took_us=100_000 + person % 2 * 700_000
            )
        run.person(person, Fate.WAITING)
    run.write()
    record = summarise(run.path, run.plan, run.profile, FACTS, {}, run.due_us())
    effect = read_detail(run.path, record).spread["ktp"].design_effects["p50"]
    assert effect == pytest.approx(5 * 12 / 11, rel=0.05)


def test_the_kernel_s_counters_are_told_from_the_first_sample_on(found: tuple[RunRecord, Detail]) -> None:
    record, detail = found
    assert [sample.kernel_drops for sample in detail.machine] == [0, 1, 2, 3]
    assert [sample.at_seconds for sample in detail.machine] == [0, 60, 120, 180]
    assert [sample.machine_cores for sample in detail.machine] == [1.0] * 4
    charts = machine_charts(Axis([record]), [record], [detail], ENGLISH)
    assert charts.drops[0].lines[0].values == (0, 1, 2, 3)


def test_no_chart_of_drops_is_drawn_when_the_kernel_dropped_nothing() -> None:
    quiet = Detail(machine=(MachineSample(0.0, 0.1, 0.1, 0.4, 1e8, 1e8, 0.0),))
    assert machine_charts(Axis([hardened()]), [hardened()], [quiet], ENGLISH).drops == ()


def test_phases_faults_and_the_last_arrivals_are_on_every_time_axis() -> None:
    marks = (Mark("phase", 600.0), Mark("stall", 900.0, 1_200.0, 0.1), Mark("arrivals_end", 3_600.0))
    shown = chart_marks(marks, ENGLISH, PAGE_FIGURES)
    assert shown[1] == ChartMark(900.0, 1_200.0, "store at 10.0\u202f%")
    records = [collapsing()]
    lines = timelines(Axis(records, [shown]), records, ENGLISH)
    for chart in (*lines.uploads, *lines.bytes, *lines.offered, lines.past_photos, lines.waiting, *lines.response):
        assert chart is not None
        assert chart.marks == shown
        assert str(draw(chart, "")).count('class="stretch"') == 1


def test_quantiles_of_a_short_run_beside_a_long_one_stand_where_they_were_measured() -> None:
    windows = hardened().windows.model_copy(update={"window_seconds": 30.0, "offered": [400] * 20})
    short = hardened().model_copy(update={"windows": windows})
    counts = np.array([(0, window, 900, 100) for window in range(20)], dtype=WINDOW_COUNT)
    found = column_quantiles(Axis([collapsing(), short]), short, Detail(segments=Segments(["account"], windows=counts)), "account", "p50")
    assert len(found) == 31
    assert [value is not None for value in found] == [True] * 5 + [False] * 26, "ten minutes in columns of two minutes each"


def test_a_strip_is_darker_where_more_attempts_ended() -> None:
    records = [collapsing()]
    found = places(records)
    strips = heat_strips(Axis(records), records, found, ENGLISH, PAGE_FIGURES)
    worst = next(str(strips[i][0]) for i, place in enumerate(found) if place.code == "upload_failed")
    rare = next(str(strips[i][0]) for i, place in enumerate(found) if place.stage == "connect")
    assert 'class="heat5"' in worst
    assert "heat5" not in rare
    columns = sum(path.count("M") for path in re.findall(r' d="([^"]*)"', worst))
    assert columns == sum(n > 0 for n in records[0].windows.upload_where["admission/upload_failed"])


@cache
def spread() -> dict[str, StepSpread]:
    return {"ktp": StepSpread({"p50": Interval(36.0, 40.0), "p90": Interval(100.0, 130.0), "p99": None}, {})}


def test_an_interval_is_written_below_its_quantile_and_drawn_beside_it() -> None:
    page = render_page([collapsing()], details=[Detail(spread=spread())])
    section = page[page.index('<table class="response">') :]
    row = section[section.index("KTP photo") :].split("</tr>")[0]
    assert '38\u202fs<span class="note">36–40\u202fs</span>' in row
    assert row.count('class="sure"') == 2
    assert row.count('class="hollow"') == 1
    assert '<td class="few" title="too few samples">5\u202fmin 42\u202fs</td>' in row


def test_without_any_quantile_there_is_no_axis_of_ranges() -> None:
    assert quantile_ranges([]) == ([], [])


def test_the_table_for_spreadsheets_has_a_number_per_row_and_no_formula(found: tuple[RunRecord, Detail]) -> None:
    record, detail = found
    judged = hardened().objectives[0].model_copy(update={"name": "=cmd|' /C calc'!A0"})
    rows = list(csv.DictReader(io.StringIO(csv_table([record.model_copy(update={"objectives": [judged]})], [detail]))))
    assert tuple(rows[0]) == COLUMNS
    failed = [row for row in rows if row["table"] == "uploads" and row["row"] == "admission · upload_failed"]
    assert [row["value"] for row in failed] == ["4"]
    offered = [row for row in rows if row["table"] == "windows" and row["column"] == "offered"]
    assert sum(int(row["value"]) for row in offered) == record.people_planned
    assert [row["at_seconds"] for row in offered[:2]] == ["0", "60"]
    assert next(row["row"] for row in rows if row["table"] == "objectives").startswith("'=")


def test_the_document_for_programs_holds_records_intervals_and_the_comparison(found: tuple[RunRecord, Detail]) -> None:
    record, detail = found
    alone = json.loads(json_report([record], [detail]))
    assert RunRecord.model_validate(alone["runs"][0]["record"]) == record
    assert alone["runs"][0]["response_intervals_seconds"]["test"] == {"p50": None, "p90": None, "p99": None}
    assert "comparison" not in alone
    both = json.loads(json_report([collapsing(), hardened()], [Detail(), Detail()]))
    assert both["differences"]["differ"]["target"] == ["april-2020", "hardened"]
    marked = [one["title"] for one in both["comparison"]["measures"] if one["marked"]]
    assert "People past “Selfie with KTP”" in marked


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        ((0.2, 3.0), ["0.1", "1"]),
        ((0.02, 400.0), ["0.01", "0.1", "1", "10", "100"]),
        ((0.002, 2_900.0), ["0.001", "0.1", "10", "1\u202f000"]),
    ],
)
def test_over_a_wide_axis_every_second_power_of_ten_is_named(seconds: tuple[float, ...], labels: list[str]) -> None:
    row = ResponseRow(0, 1_000, 1.0, tuple(Value(each, enough=True) for each in seconds))
    _, named = quantile_ranges([ResponseStep("nik", "NIK", True, (row,))])
    assert [label for label, _ in named] == [f"{label}\u202fs" for label in labels]
    assert [place for _, place in named] == sorted(place for _, place in named)
