"""Several runs side by side: what differs is named, and only what differs beyond chance is marked."""

import numpy as np
import pytest

from gelombang.histogram import Histogram
from gelombang.intervals import Interval
from gelombang.record import RunRecord, Validity
from gelombang.segments import Segments
from gelombang_reports.compare import Comparison, comparison, differences, labelled
from gelombang_reports.detail import Detail
from gelombang_reports.figures import TEXT_FIGURES
from gelombang_reports.markdown import markdown_summary
from gelombang_reports.page import render_page
from gelombang_reports.response import StepSpread
from gelombang_reports.texts import ENGLISH
from support.records import collapsing, doubtful, hardened

NONE = Interval(0.0, 0.0)


def detail_of(record: RunRecord, factor: float = 1.0, samples: int = 2_000, effect: float = 1.0) -> Detail:
    """Segments in which every step answers between 0.1 s and 1 s of wall time, `factor` times as long."""
    spread_us = np.geomspace(100_000 * factor, 1_000_000 * factor, samples).astype(np.int64)
    names = [step.step for step in record.steps]
    segments = Segments(steps=names, response={name: Histogram.of(spread_us) for name in names})
    known = StepSpread(dict.fromkeys(("p50", "p90", "p99"), NONE), dict.fromkeys(("p50", "p90", "p99"), effect))
    return Detail(spread=dict.fromkeys(names, known), segments=segments, arrivals_digest="0123456789ab")


def slowed(record: RunRecord, factor: float) -> RunRecord:
    """The record that goes with `detail_of(record, factor)`: one second times the factor everywhere."""
    seconds = dict.fromkeys(("p50_seconds", "p90_seconds", "p99_seconds"), factor)
    steps = [step.model_copy(update={"response": step.response.model_copy(update=seconds)}) for step in record.steps]
    return record.model_copy(update={"steps": steps})


def compared(first: RunRecord, second: RunRecord, details: list[Detail] | None = None) -> Comparison:
    records = labelled([first, second])
    found = comparison(records, details or [Detail(), Detail()], ENGLISH, TEXT_FIGURES)
    assert found is not None
    return found


def marked(found: Comparison) -> dict[str, str]:
    return {row.title: row.found[-1].judged for row in found.rows if row.marked}


def test_a_run_beside_itself_has_nothing_that_differs_and_nothing_marked() -> None:
    record = hardened()
    found = compared(record, record, [detail_of(record), detail_of(record)])
    assert marked(found) == {}
    assert found.family > 30
    assert found.alpha == pytest.approx(0.05 / found.family)
    differing, same = differences(labelled([record, record]), [detail_of(record)] * 2, ENGLISH, TEXT_FIGURES)
    assert differing == []
    assert {"target", "scenario", "arrival curve", "machine", "version", "seed"} <= set(same)


def test_what_differs_before_the_runs_is_named_with_both_values() -> None:
    first = hardened()
    host = first.host.model_copy(update={"cores": 8})
    scale = first.scale.model_copy(update={"sample": "1/50"})
    second = first.model_copy(update={"seed": 8, "host": host, "scale": scale, "commit": "f" * 40})
    differing, _same = differences(labelled([first, second]), [Detail(), Detail()], ENGLISH, TEXT_FIGURES)
    assert {row.title: row.values for row in differing} == {
        "sample": ("1/20", "1/50"),
        "seed": ("7", "8"),
        "version": ("0123456789ab", "ffffffffffff"),
        "machine": ("2 cores, 8.2 GB of memory", "8 cores, 8.2 GB of memory"),
    }


def test_two_runs_of_one_profile_are_told_apart_by_a_letter() -> None:
    assert [record.profile for record in labelled([hardened(), hardened()])] == ["A: hardened", "B: hardened"]
    assert [record.profile for record in labelled([collapsing(), hardened()])] == ["april-2020", "hardened"]


def test_more_people_past_a_photo_is_better_and_more_failed_uploads_are_worse() -> None:
    there, back = marked(compared(collapsing(), hardened())), marked(compared(hardened(), collapsing()))
    assert there["People past “Selfie with KTP”"] == "better"
    assert there["Upload attempts that failed"] == "better"
    assert there["People past the last photo per minute, full size"] == "better"
    assert back == dict.fromkeys(there, "worse")


def test_what_is_the_same_for_both_profiles_is_not_marked() -> None:
    assert "People past “Account”" not in marked(compared(collapsing(), hardened()))


def test_slower_quantiles_are_worse_and_slightly_slower_ones_are_within_chance() -> None:
    record = hardened()
    slow = marked(compared(slowed(record, 1.0), slowed(record, 2.0), [detail_of(record), detail_of(record, 2.0)]))
    assert slow["KTP photo, response p50"] == slow["KTP photo, response p99"] == "worse"
    assert marked(compared(slowed(record, 1.0), slowed(record, 1.02), [detail_of(record), detail_of(record, 1.02)])) == {}


def test_attempts_that_resemble_each_other_mark_less() -> None:
    record = hardened()
    details = [detail_of(record, effect=60.0), detail_of(record, 1.3, effect=60.0)]
    found = compared(record, record, details)
    assert marked(found) == {}
    p99 = next(row for row in found.rows if row.title == "KTP photo, response p99")
    assert p99.found[1].judged == "few"


def test_without_segments_quantiles_are_shown_and_not_compared() -> None:
    found = compared(collapsing(), hardened())
    row = next(row for row in found.rows if row.title == "KTP photo, response p50")
    assert [one.words for one in row.found] == ["38 s", "9.0 s"]
    assert row.found[1].judged == "few"


def test_a_run_that_nothing_follows_from_is_not_compared() -> None:
    records = [hardened(), doubtful(collapsing(), Validity.INVALID)]
    assert comparison(records, [Detail(), Detail()], ENGLISH, TEXT_FIGURES) is None
    assert "What came out differently" not in render_page(records)


def test_the_headline_claims_no_difference_that_chance_makes() -> None:
    first = hardened()
    assert first.uploads is not None
    second = first.model_copy(update={"uploads": first.uploads.model_copy(update={"people_past_both_photos": 1_140})})
    page = render_page([first, second])
    assert "brought about as many people past both photos" in page.split("<h1>")[1].split("</h1>")[0]


def test_the_page_says_how_many_comparisons_were_made_and_lists_all_of_them_apart() -> None:
    page = render_page([collapsing(), hardened()])
    section = page[page.index('<section id="compare"') : page.index('<section id="funnel"')]
    family = compared(collapsing(), hardened()).family
    assert f"{family} comparisons with april-2020" in section
    shown, everything = section.split("<details>")
    assert "People past “Account”" not in shown
    assert "People past “Account”" in everything


def test_a_job_page_names_what_differs_and_what_came_out_differently() -> None:
    text = markdown_summary([collapsing(), hardened()])
    assert "### What differs" in text
    assert "| target | april-2020 | hardened |" in text
    after = text[text.index("### What came out differently") : text.index("### How far people got")]
    assert "| People past “Selfie with KTP” | 2.3 % | 14.1 % better × 6.1 |" in after
    assert "Account" not in after
    assert "What differs" not in markdown_summary([hardened()])
