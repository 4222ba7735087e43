"""The page of a run, as text: what it says, in which order, and that a record can't break out of it."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from gelombang.errors import HostError, InputError
from gelombang.joined_log import JoinedLog, LogCell, LoggedQuantiles, LoggedStep
from gelombang.record import Quantiles, RunRecord, Validity
from gelombang.record_pages import PageEnds
from gelombang.service_metrics import StageReading
from gelombang_reports.page import SIZE_LIMIT_BYTES, render_page, write_page
from support.records import collapsing, doubtful, empty, hardened

THIN = "\u202f"
HOSTILE = "</script></style><script>alert(1)</script>\"'&{{ 7 * 7 }}"


@cache
def both() -> str:
    return render_page([collapsing(), hardened()])


def visible(page: str) -> str:
    """The text of the body, without marks and scripts, spaces made plain."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page[page.index("<body>") :], flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace(THIN, " ").split())


def test_the_first_line_says_for_how_many_people_the_sample_stands() -> None:
    assert visible(both()).startswith("8 000 people stand for 160 000 (1/20 of them, 60 times as fast, photos × 0.1)")


def test_the_headline_compares_two_profiles_by_people_past_both_photos() -> None:
    assert "<h1>hardened brought 6.1 times as many people past both photos as april-2020</h1>" in both()


def test_the_page_answers_in_the_agreed_order() -> None:
    wanted = ("believed", "verdict", "compare", "funnel", "uploads", "waste", "response", "offered", "provenance")
    places = [both().index(f'<section id="{name}"') for name in wanted]
    assert places == sorted(places)


def test_the_strips_are_said_to_last_from_the_opening_to_the_end_wherever_the_ticks_stand() -> None:
    begun_odd = collapsing().model_copy(update={"opens_at": "2020-04-11T19:03:00+07:00"})
    assert "Strips: time from left to right, 19:03 to 20:05;" in visible(render_page([begun_odd]))


def test_the_funnel_shows_people_their_share_of_the_step_before_and_the_full_size() -> None:
    text = visible(both())
    assert "KTP photo 422 28.8 % of those before; 8 440 at full size 1 340 91.4 % of those before; 26 800 at full size" in text
    assert "Selfie with KTP 186 44.1 % of those before; 3 720 at full size" in text
    assert "never read the mail 2 060 25.8 %" in text


def test_the_service_s_own_metrics_are_shown_stage_by_stage() -> None:
    known = StageReading(stage="body", promql="max(<b>)", samples=9, median_seconds=0.5, largest_seconds=3.0, largest_at_seconds=840.0)
    record = hardened().model_copy(update={"server_metrics": [known, StageReading(stage="store", promql="x", samples=0)]})
    text = visible(render_page([record]))
    assert "body max(&lt;b&gt;) 0.50 s 3.0 s 14 min after the first arrivals were due" in text
    assert "store x – – no sample in the time of the run" in text
    assert "What the service’s own metrics say" not in visible(both())


def test_a_joined_access_log_is_shown_beside_what_people_felt() -> None:
    took = LoggedQuantiles(samples=9, p50_seconds=0.1, p99_seconds=0.31, max_seconds=0.4)
    none = LoggedQuantiles(samples=0)
    steps = [
        LoggedStep(step="account", title="Account", attempts=11, seen=9, covered=True, requests=12, request=took, upstream=took),
        LoggedStep(step="put", title="PUT elsewhere", attempts=5, seen=0, covered=False, requests=0, request=none, upstream=none),
    ]
    cells = [
        LogCell(client_outcome="ok", client_status=200, log_status=None, attempts=2, agrees=False, meaning="it never arrived"),
        LogCell(client_outcome="timed_out", client_status=0, log_status=499, attempts=9, agrees=True, meaning="left"),
    ]
    log = JoinedLog(format="nginx", lines=20, other_lines=8, unreadable_lines=0, seen=9, unseen=2, cells=cells, steps=steps)
    account = hardened().steps[0].model_copy(update={"step": "put"})
    record = hardened().model_copy(update={"log": log, "steps": [*hardened().steps, account], "coverage": "client + joined log"})
    text = visible(render_page([record]))
    assert "9 attempts seen, 2 unseen" in text
    assert "Account 9 81.8 % 0.31 s 0.31 s" in text
    assert "PUT elsewhere not behind this log" in text
    assert "disagrees ok 200 / not in the log it never arrived 2" in text
    assert "timed_out no answer read / 499 left 9" in text
    assert "What the access log saw" not in visible(both())


def test_what_applicants_pages_reported_is_shown_where_there_are_reports() -> None:
    taken = PageEnds(outcome="ok", phase="none", stage="acknowledge", server_outcome="completed", attempts=7)
    broken = PageEnds(outcome="reset", phase="send", stage="body", server_outcome="abandoned", attempts=2)
    silent = PageEnds(outcome="no report", phase="", stage="store", server_outcome="failed", attempts=3)
    text = visible(render_page([hardened().model_copy(update={"pages": [taken, silent, broken]}), hardened()]))
    assert "ok / acknowledge · completed the page heard that the photo was taken 7 0" in text
    assert "no report / store · failed the page was closed, or found no line again, before it could report 3 0" in text
    assert "reset in send / body · abandoned not taken at either end 2 0" in text
    assert "What applicants’ pages reported" not in visible(both())


def test_without_a_store_to_look_into_nothing_is_said_to_be_lost_or_not() -> None:
    uploads = hardened().uploads
    assert uploads is not None
    record = hardened().model_copy(update={"uploads": uploads.model_copy(update={"audited": False})})
    assert "Photos acknowledged and then lost –" in visible(render_page([record]))
    assert "Photos acknowledged and then lost 0" in visible(render_page([hardened()]))


def test_every_upload_attempt_is_in_the_table_and_the_table_adds_up() -> None:
    text = visible(both())
    assert "admission · upload_failed all upload places of the photo store were taken" in text
    assert "10 410 68.9 %" in text
    assert "All upload attempts 15 110 6 527" in text


def test_a_place_without_a_code_is_named_by_how_it_ended() -> None:
    assert "connect · timed_out" in visible(both())
    assert "connect · none" not in visible(both())


def test_waste_is_given_per_byte_kept_and_per_photo_with_the_full_size() -> None:
    text = visible(both())
    assert "Bytes received for each byte kept 25.3 1.2" in text
    assert "Bytes stored for people who had left 171 MB 34.2 GB at full size 1.1 MB 220 MB at full size" in text


def test_a_code_has_one_colour_in_table_legend_and_chart() -> None:
    charts = json.loads(re.findall(r'<script type="application/json" id="charts">(.*?)</script>', both(), flags=re.S)[0])
    lines = [line for chart in charts["charts"] for line in chart["lines"] if line["name"] == "admission · upload_failed"]
    assert {line["colour"] for line in lines} == {"c1"}
    assert re.search(r'class="mark"><i class="swatch c1" aria-hidden="true"></i><span class="place">admission · upload_failed', both())
    assert re.search(r'<path class="area c1"', both())


def test_axes_speak_the_people_s_clock() -> None:
    assert re.search(r'<g class="tick" text-anchor="middle">.*?<text[^>]*>19:10</text>', both())


def test_quantiles_with_too_few_samples_are_greyed_and_those_with_enough_are_not() -> None:
    """61 samples carry a p50, but neither a p90 (wants 100) nor a p99 (wants 1,000)."""
    row = re.search(r"Test handed in.*?</tr>.*?<tbody>", both()[both().index('class="response"') :], flags=re.S)
    assert row is not None
    first = row.group(0).split("</tr>")[0]
    cells = re.findall(r"<td([^>]*)>([^<]*)</td>", first)
    assert [("few" in marks, text.replace(THIN, " ")) for marks, text in cells[-3:]] == [
        (False, "0.08 s"),
        (True, "0.24 s"),
        (True, "0.72 s"),
    ]


def test_no_samples_show_a_dash_and_never_a_number() -> None:
    record = collapsing()
    steps = [record.steps[0].model_copy(update={"response": Quantiles(samples=0)}), *record.steps[1:]]
    page = render_page([record.model_copy(update={"steps": steps})])
    section = page[page.index('class="response"') :]
    assert re.findall(r"<td[^>]*>([^<]*)</td>", section)[1:5] == ["0", "–", "–", "–"]


def test_no_text_of_a_record_becomes_mark_up() -> None:
    record = collapsing()
    assert record.uploads is not None
    where = [entry.model_copy(update={"meaning": HOSTILE, "stage": HOSTILE}) for entry in record.uploads.where]
    windows = record.windows.model_copy(update={"upload_where": {HOSTILE: record.windows.upload_where["admission/upload_failed"]}})
    hostile = record.model_copy(
        update={
            "profile": HOSTILE,
            "title": HOSTILE,
            "story": HOSTILE,
            "run_id": HOSTILE,
            "commit": HOSTILE,
            "scenario": HOSTILE,
            "coverage": HOSTILE,
            "steps": [step.model_copy(update={"title": HOSTILE, "step": f"{HOSTILE}{i}"}) for i, step in enumerate(record.steps)],
            "uploads": record.uploads.model_copy(update={"where": where}),
            "windows": windows,
            "join": [cell.model_copy(update={"meaning": HOSTILE, "server_stage": HOSTILE}) for cell in record.join],
            "objectives": [o.model_copy(update={"name": HOSTILE, "found": HOSTILE}) for o in record.objectives],
            "files": {HOSTILE: HOSTILE},
        }
    )
    page = render_page([doubtful(hostile, Validity.SUSPECT)])
    assert "<script>alert" not in page
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]
    data = re.findall(r'id="charts">(.*?)</script>', page, flags=re.S)[0]
    assert "alert" in data
    assert "<" not in data
    assert page.count("</script>") == 3
    assert page.count("</style>") == 1


def test_the_reproducing_command_names_profiles_scale_and_seed() -> None:
    want = "gelombang run opening-hour --profile april-2020 --profile hardened --sample 1/20 --speed 60 --bytes 0.1 --seed 7 --for 3600"
    assert f'<pre tabindex="0">{want}</pre>' in both()


@pytest.mark.parametrize("severity", [Validity.SUSPECT, Validity.INVALID])
def test_a_run_that_is_doubted_says_so_before_anything_it_found(severity: Validity) -> None:
    page = render_page([hardened(), doubtful(collapsing(), severity)])
    assert page.index(f"<strong>{severity.value}</strong> april-2020") < page.index("<h1>")
    assert "p99 lateness 48 ms; the limit is 5 ms. What to do: use a smaller --sample" in visible(page)


def test_a_remark_is_shown_without_doubting_the_run() -> None:
    page = render_page([doubtful(collapsing(), Validity.VALID)])
    assert 'role="alert"' not in page
    assert "Yes, with the remarks below in mind." in page
    assert '<span class="flag none">remark</span> late generator' in page


def test_an_invalid_run_gives_no_verdict() -> None:
    text = visible(render_page([doubtful(collapsing(), Validity.INVALID)]))
    assert "No verdict: april-2020 can’t be believed" in text
    assert "No verdict: the run is INVALID." in text
    assert "most uploads fail" not in text
    assert "of 100 upload attempts" not in text


def test_one_profile_alone_has_a_page() -> None:
    page = render_page([collapsing()])
    assert "<h1>96 of 100 upload attempts did not get through; 186 of 8\u202f000 people got past both photos</h1>" in page
    assert "hardened" not in visible(page)


def test_a_run_without_uploads_has_a_page_that_divides_by_nothing() -> None:
    text = visible(render_page([empty()]))
    assert "Nobody tried to upload a photo; 8 000 people arrived" in text
    assert "No upload was attempted." in text
    assert "What was wasted" not in text


def test_what_is_unexplained_stands_first_and_is_marked() -> None:
    record = collapsing()
    cell = record.join[-1].model_copy(update={"explained": False, "meaning": "nobody knows", "server_stage": "store"})
    page = render_page([record.model_copy(update={"join": [*record.join, cell], "unexplained": 22})])
    rows = page[page.index("Both ends, attempt by attempt") :]
    assert rows.index('class="unexplained"') < rows.index("all upload places")
    assert '<td class="bad">22 ' in page


def test_the_page_is_small_and_names_no_address_to_load() -> None:
    assert len(both().encode()) <= SIZE_LIMIT_BYTES
    assert "default-src &#39;none&#39;" in both()
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", both())
    assert not re.search(r"@import|url\(", both())


def test_a_long_run_still_fits_by_merging_windows() -> None:
    """117 h in windows of 5 minutes: 1,404 windows of 20 series."""
    page = render_page([stretched(collapsing(), 1_404), stretched(hardened(), 1_404)])
    assert len(page.encode()) <= SIZE_LIMIT_BYTES


def test_no_record_or_too_many_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="a page shows 0 runs; want 1 to 4"):
        render_page([])
    with pytest.raises(InputError, match="a page shows 5 runs"):
        render_page([collapsing()] * 5)


def test_a_page_that_cant_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"report\.html can't be written \(No such file or directory\)"):
        write_page([empty()], tmp_path / "nowhere" / "report.html")


def stretched(record: RunRecord, windows: int) -> RunRecord:
    """The same run told in many more windows."""
    old = record.windows

    def longer(values: list[int]) -> list[int]:
        return [values[i * len(values) // windows] for i in range(windows)]

    changes: dict[str, object] = {"window_seconds": 300.0}
    for name in ("offered", "started", "upload_attempts", "upload_failed", "people_waiting", "received_bytes", "kept_bytes"):
        changes[name] = longer(getattr(old, name))
    for name in ("passed", "upload_where", "ok", "ended", "response_p99_seconds"):
        changes[name] = {key: longer(values) for key, values in getattr(old, name).items()}
    return record.model_copy(update={"windows": old.model_copy(update=changes), "ended_seconds": windows * 300.0})
