"""The record in a terminal, as Markdown and as JUnit."""

import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from gelombang.record import Judgement, RunRecord, Validity
from gelombang_reports.console import LINES_LIMIT, console_summary
from gelombang_reports.junit import junit_xml
from gelombang_reports.markdown import markdown_summary
from gelombang_reports.page import render_page
from support.records import collapsing, doubtful, empty, hardened


def in_terminal(records: list[RunRecord], page: Path | None = None, *, is_terminal: bool = True) -> list[str]:
    """What a terminal of 80 columns without colours shows; or a pipe."""
    out = StringIO()
    console_summary(records, Console(file=out, width=80, force_terminal=is_terminal, color_system=None), page)
    return out.getvalue().splitlines()


def test_the_terminal_shows_two_profiles_in_few_lines_of_80_columns_without_colour() -> None:
    lines = in_terminal([collapsing(), hardened()], Path("runs/here/report.html"))
    assert len(lines) <= LINES_LIMIT
    assert max(len(line) for line in lines) <= 80
    assert "\x1b" not in "".join(lines)


def test_a_build_log_gets_every_line_whole() -> None:
    doubted = doubtful(collapsing(), Validity.SUSPECT)
    lines = in_terminal([doubted], is_terminal=False)
    assert not any("…" in line for line in lines)
    assert any(line.startswith("SUSPECT") and line.endswith(doubted.doubts[-1].evidence) for line in lines)
    for judged in doubted.objectives:
        assert any(line.endswith(f": {judged.name}") for line in lines)


def with_failures(failed: int, acknowledged: int) -> RunRecord:
    record = hardened()
    assert record.uploads is not None
    return record.model_copy(update={"uploads": record.uploads.model_copy(update={"acknowledged": acknowledged, "failed": failed})})


def test_a_headline_begins_with_a_capital_whatever_its_number_is() -> None:
    assert "Less than 1 of 100 upload attempts did not get through; 1,131 of 8,000 people" in " ".join(
        in_terminal([with_failures(3, 9_000)])
    )


def test_a_headline_of_no_failure_says_so() -> None:
    assert "No upload attempt failed; 1,131 of 8,000 people" in " ".join(in_terminal([with_failures(0, 9_000)]))


def test_the_terminal_says_first_whom_the_sample_stands_for_and_last_where_the_page_is() -> None:
    lines = in_terminal([collapsing(), hardened()], Path("runs/here/report.html"))
    assert lines[0] == "8,000 people stand for 160,000 (1/20 of them, 60 times as fast, photos × 0.1)"
    assert lines[-1] == "Page: runs/here/report.html"


def test_the_terminal_sets_the_profiles_side_by_side() -> None:
    words = [line.split() for line in in_terminal([collapsing(), hardened()])]
    assert ["Selfie", "with", "KTP", "186", "44.1", "%", "1,131", "84.4", "%"] in words
    assert ["admission", "·", "upload_failed", "10,410", "68.9", "%", "0"] in words
    assert ["Bytes", "received", "for", "each", "byte", "kept", "25.3", "1.2"] in words


def test_objectives_that_were_not_met_stand_before_the_others_in_the_terminal() -> None:
    record = hardened()
    many = [Judgement(name=f"objective {i}", passed=True, wanted="1", found="1") for i in range(20)]
    lines = in_terminal([collapsing(), record.model_copy(update={"objectives": [*many, *record.objectives]})])
    assert len(lines) <= LINES_LIMIT
    judged = [line for line in lines if line.startswith(("met", "not met", "not judged"))]
    assert judged[0].startswith("not met    hardened: 2.31 s")
    assert lines[-1].startswith("and 20 more objectives")


@pytest.mark.parametrize("severity", [Validity.SUSPECT, Validity.INVALID])
def test_a_doubted_run_is_named_before_its_numbers_in_the_terminal(severity: Validity) -> None:
    lines = in_terminal([doubtful(collapsing(), severity)])
    assert lines[1].startswith(f"{severity.value} april-2020: late generator: p99 lateness 48 ms")


def test_an_invalid_run_has_no_objectives_in_the_terminal() -> None:
    text = "\n".join(in_terminal([doubtful(collapsing(), Validity.INVALID)]))
    assert "april-2020: No verdict: the run is INVALID." in text
    assert "most uploads fail" not in text


def test_a_record_cant_steer_the_terminal() -> None:
    hostile = collapsing().model_copy(update={"profile": "\x1b[2Jgone\x07 [bold]"})
    text = "\n".join(in_terminal([hostile]))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]" in text


def test_a_run_without_uploads_has_a_summary_everywhere() -> None:
    assert any("No upload was attempted." in line for line in in_terminal([empty()]))
    assert "Nobody tried to upload a photo" in markdown_summary([empty()])
    assert 'tests="1"' in junit_xml([empty()])


def test_markdown_holds_verdict_funnel_places_and_waste_as_tables() -> None:
    text = markdown_summary([collapsing(), hardened()])
    assert text.startswith("8,000 people stand for 160,000")
    assert "## hardened brought 6.1 times as many people past both photos as april-2020" in text
    assert "| account, e-mail, data and OTP answer in time | hardened | p99 of 2 s or less | 2.31 s | not met |" in text
    assert "| Selfie with KTP | 186 | 1,131 |" in text
    assert "| admission · upload\\_failed | 10,410 | 0 | all upload places" in text


def test_no_text_of_a_record_becomes_mark_up_in_markdown() -> None:
    hostile = collapsing().model_copy(update={"profile": "a|b\n# c <img src=x> [d](e) `f`"})
    text = markdown_summary([hostile])
    assert not re.search(r"(?<!\\)[<\[`]", text.split("### The verdict")[0])
    assert "\n# c" not in text
    assert "a\\|b \\# c \\<img src=x\\> \\[d\\](e) \\`f\\`" in text


def cases(xml: str) -> dict[str, list[str]]:
    """Children of each test case, by its name."""
    return {str(case.get("name")): [child.tag for child in case] for case in ET.fromstring(xml.split("\n", 1)[1]).iter("testcase")}


def test_junit_shows_each_objective_as_a_case() -> None:
    found = cases(junit_xml([hardened()]))
    assert found == {
        "Can this be believed?": [],
        "at least four times as many people get past both photos": [],
        "the store is used for photos that are kept": [],
        "account, e-mail, data and OTP answer in time": ["failure"],
        "nothing acknowledged is lost": ["skipped"],
    }


def test_junit_counts_its_cases() -> None:
    suite = next(ET.fromstring(junit_xml([doubtful(hardened(), Validity.SUSPECT)]).split("\n", 1)[1]).iter("testsuite"))
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }


def test_junit_skips_every_objective_of_an_invalid_run() -> None:
    found = cases(junit_xml([doubtful(hardened(), Validity.INVALID)]))
    assert found.pop("Can this be believed?") == ["error"]
    assert set(map(tuple, found.values())) == {("skipped",)}


def test_junit_stays_xml_whatever_a_record_holds() -> None:
    hostile = hardened().model_copy(update={"profile": 'a\x00b<&"\ud800', "scenario": "]]>"})
    assert ET.fromstring(junit_xml([hostile]).split("\n", 1)[1]).tag == "testsuites"


def test_who_stopped_a_run_and_why_stands_first_on_page_console_and_summary() -> None:
    stopped = hardened().model_copy(update={"stopped_by": "the kill switch", "stop_reason": "STOP is there: <b>", "stopped_seconds": 60.0})
    page = render_page([stopped])
    assert "STOP is there: &lt;b&gt;" in page
    assert page.index("was stopped by the kill switch") < page.index('class="stand-for"')
    assert "was stopped by the kill switch" in in_terminal([stopped])[0]
    assert "was stopped by the kill switch" in markdown_summary([stopped]).splitlines()[0]
