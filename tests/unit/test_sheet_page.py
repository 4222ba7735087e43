"""A sheet as a page and as lines."""

from gelombang.sheet import Curve, Plot, Section, Sheet, Table, Tone, lines_of
from gelombang_reports.sheet_page import chart_of, render_sheet

PLOT = Plot("Search", "runs", "arrivals/s", (Curve("rate", ((1.0, 4.0), (3.0, 8.0))), Curve("wanted", ((1.0, 5.0), (3.0, 5.0)), True)))
SHEET = Sheet(
    kind="A limit",
    title="How much <b>?",
    scene="Here.",
    verdict="Five a second.",
    tone=Tone.GOOD,
    sections=(Section("Runs", ("One & all.",), PLOT, (Table(("run", "rate"), (("1", "4"), ("2", "8")), "A note."),)),),
    doubts=("It was <late>.",),
)


def test_a_page_stands_alone_and_escapes_every_text() -> None:
    page = render_sheet(SHEET)
    assert "How much &lt;b&gt;?" in page
    assert "It was &lt;late&gt;." in page
    assert "One &amp; all." in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("<svg") == 1


def test_lines_hold_the_verdict_first_and_every_row() -> None:
    lines = lines_of(SHEET)
    assert lines[0] == "Five a second."
    assert "doubt: It was <late>." in lines
    assert "  2       8" in lines


def test_curves_share_their_x_and_go_straight_between_their_points() -> None:
    chart = chart_of(Plot("", "", "", (Curve("a", ((0.0, 0.0), (2.0, 4.0))), Curve("b", ((1.0, 7.0),)))))
    assert chart.x == (0.0, 1.0, 2.0)
    assert chart.lines[0].values == (0.0, 2.0, 4.0)
    assert chart.lines[1].values == (None, 7.0, None)
