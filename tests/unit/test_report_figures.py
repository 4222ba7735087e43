"""How numbers, axes and areas are made for people to read."""

from dataclasses import replace
from math import ceil

import pytest

from gelombang.record import Quantiles, RunRecord
from gelombang_reports.axis import Axis
from gelombang_reports.charts import Ink, Line, log_ticks, stacked, time_ticks, value_ticks
from gelombang_reports.figures import PAGE_FIGURES, TEXT_FIGURES, clock_text
from gelombang_reports.response import value
from gelombang_reports.story import of_hundred
from gelombang_reports.svg import draw
from gelombang_reports.texts import ENGLISH
from gelombang_reports.timeline import Timelines, timelines
from support.records import collapsing, hardened

OPENS = "2020-04-11T19:00:00+07:00"


def drawn(records: list[RunRecord]) -> Timelines:
    return timelines(Axis(records), records, ENGLISH)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0031, "3.1 ms"), (0.42, "0.42 s"), (3.14, "3.1 s"), (45.0, "45 s"), (200.0, "3 min 20 s"), (7_500.0, "2 h 5 min"), (None, "–")],
)
def test_durations_are_written_in_units_of_people(seconds: float | None, text: str) -> None:
    assert TEXT_FIGURES.seconds(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 10, "0 %"), (10, 10, "100 %"), (1, 100_000, "<0.1 %"), (99_999, 100_000, ">99.9 %"), (1, 3, "33.3 %"), (0, 0, "–")],
)
def test_none_and_all_are_said_only_of_none_and_all(part: int, whole: int, text: str) -> None:
    assert TEXT_FIGURES.share(part, whole) == text


@pytest.mark.parametrize(("ratio", "text"), [(0.0, "0"), (0.001, "less than 1"), (0.957, "96"), (0.9951, "more than 99"), (1.0, "100")])
def test_of_a_hundred_rounds_neither_to_none_nor_to_all(ratio: float, text: str) -> None:
    assert of_hundred(ratio) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (8.79, 9.89, "8.8–9.9 s"),
        (0.37, 1.05, "0.37–1.1 s"),
        (86.0, 117.5, "86 s–1 min 58 s"),
        (798.0, 1_486.0, "13–25 min"),
        (0.004, 0.02, "4.0 ms–0.02 s"),
    ],
)
def test_a_span_names_its_unit_once_where_both_ends_have_the_same(low: float, high: float, text: str) -> None:
    assert TEXT_FIGURES.span(low, high) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (1.0, 1.12, "+12 %"),
        (3.0, 2.0, "−33 %"),
        (2.0, 6.8, "× 3.4"),
        (1.0, 1.001, "+<1 %"),
        (0.0, 3.0, ""),
        (None, 3.0, ""),
        (2.0, 2.0, "±0 %"),
    ],
)
def test_a_change_is_told_against_what_it_was(before: float | None, after: float, text: str) -> None:
    assert TEXT_FIGURES.change(before, after) == text


def test_thousands_stand_apart_by_a_thin_space_on_the_page() -> None:
    assert PAGE_FIGURES.count(1_432_133) == "1\u202f432\u202f133"
    assert TEXT_FIGURES.size(1_986_000_000) == "2.0 GB"


@pytest.mark.parametrize(
    ("samples", "enough"),
    [(19, (False, False, False)), (20, (True, False, False)), (100, (True, True, False)), (999, (True, True, False)), (1_000, (True,) * 3)],
)
def test_a_quantile_wants_ten_samples_beyond_it(samples: int, enough: tuple[bool, ...]) -> None:
    quantiles = Quantiles(samples=samples, p50_seconds=1.0, p90_seconds=2.0, p99_seconds=3.0)
    assert tuple(value(quantiles, name).enough for name in ("p50", "p90", "p99")) == enough


def test_the_clock_of_the_people_goes_on_past_midnight() -> None:
    assert clock_text(OPENS, 600.0) == "19:10"
    assert clock_text(OPENS, 5.5 * 3_600) == "00:30"


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (20.0, ["19:00:00", "19:00:05", "19:00:10", "19:00:15", "19:00:20"]),
        (3_720.0, ["19:00", "19:10", "19:20", "19:30", "19:40", "19:50", "20:00"]),
        (75_600.0, ["21:00", "00:00", "03:00", "06:00", "09:00", "12:00", "15:00"]),
        (421_200.0, ["12 Apr", "13 Apr", "14 Apr", "15 Apr", "16 Apr"]),
    ],
)
def test_time_ticks_fall_on_round_moments(span: float, labels: list[str]) -> None:
    assert [tick.label for tick in time_ticks(OPENS, span)] == labels


@pytest.mark.parametrize("largest", [0.0, 0.03, 1.0, 7.6, 104.0, 102_400.0])
def test_an_axis_holds_its_largest_value_and_has_a_few_round_ticks(largest: float) -> None:
    top, ticks = value_ticks(largest)
    assert top >= largest
    assert 2 <= len(ticks) <= 7
    assert ticks[0].at == 0.0
    assert all(tick.at <= top for tick in ticks)


def test_a_logarithmic_axis_begins_at_a_power_of_ten_and_holds_its_largest_value() -> None:
    low, high, ticks = log_ticks(0.7, 190.0)
    assert low == pytest.approx(0.1)
    assert 190.0 <= high < 1_000.0
    assert [tick.label for tick in ticks] == ["0.1", "1", "10", "100"]


def test_areas_lie_on_each_other_and_the_tallest_is_painted_first() -> None:
    painted = stacked([Line("kept", "c1", (1.0, None)), Line("lost", "c2", (2.0, 5.0))])
    assert [(line.name, line.values, line.ink) for line in painted] == [
        ("lost", (3.0, 5.0), Ink.AREA),
        ("kept", (1.0, 0.0), Ink.AREA),
    ]


def test_upload_charts_conserve_attempts_at_full_size() -> None:
    """The tallest area summed over time is every attempt, times 20 people each stands for."""
    chart = drawn([collapsing(), hardened()]).uploads[0]
    total = sum(value or 0.0 for value in chart.lines[0].values) * 60.0
    assert total == pytest.approx(15_110 * 20, rel=1e-4)


def steady(windows: int, window_seconds: float) -> RunRecord:
    """Ten people a second are due from the run's zero to its end; each stands for themselves."""
    record = collapsing()
    offered = [round(10 * window_seconds)] * windows
    found = record.windows.model_copy(update={"window_seconds": window_seconds, "offered": offered})
    scale = record.scale.model_copy(update={"sample": "1"})
    return record.model_copy(update={"windows": found, "scale": scale})


@pytest.mark.parametrize("windows", [179, 180, 181, 359, 361])
def test_a_steady_rate_is_steady_to_the_last_column_however_many_windows_it_holds(windows: int) -> None:
    record = steady(windows, 60.0)
    axis = Axis([record])
    assert set(axis.rates(record, record.windows.offered)) == {10.0}


@pytest.mark.parametrize(
    ("of_first", "of_second", "column_seconds"),
    [
        ((60, 60.0), (20, 30.0), 60.0),
        ((20, 30.0), (60, 60.0), 60.0),
        ((30, 10.0), (40, 15.0), 30.0),
        ((240, 60.0), (144, 600.0), 600.0),
        ((361, 60.0), (20, 30.0), 180.0),
    ],
)
def test_runs_with_windows_of_different_widths_are_drawn_where_each_of_them_was(
    of_first: tuple[int, float], of_second: tuple[int, float], column_seconds: float
) -> None:
    axis = Axis([steady(*of_first), steady(*of_second)])
    assert axis.column_seconds == column_seconds
    for windows, window_seconds in (of_first, of_second):
        record = steady(windows, window_seconds)
        columns = ceil(windows * window_seconds / column_seconds)
        assert axis.rates(record, record.windows.offered) == (10.0,) * columns + (None,) * (len(axis.x) - columns)


def test_charts_of_two_profiles_share_their_axes() -> None:
    lines = drawn([collapsing(), hardened()])
    for pair in (lines.uploads, lines.bytes, lines.offered):
        assert pair[0].y_max == pair[1].y_max
        assert pair[0].x_ticks == pair[1].x_ticks


def test_p99_over_time_is_full_only_where_a_window_has_a_thousand_attempts() -> None:
    record = collapsing()
    ended = record.windows.ended | {"account": [1_000, *record.windows.ended["account"][1:]]}
    chart = drawn([record.model_copy(update={"windows": record.windows.model_copy(update={"ended": ended})})]).response[0]
    faint, full = chart.lines
    assert (faint.ink, full.ink) == (Ink.FAINT, Ink.LINE)
    assert [value for value in full.values if value is not None] == [full.values[0]] == [faint.values[0]]


def test_a_gap_in_a_line_stays_a_gap_in_its_drawing() -> None:
    chart = drawn([hardened()]).past_photos
    assert chart is not None
    whole = str(draw(chart, ""))
    values = chart.lines[0].values
    broken = Line("x", "p1", (*values[:20], None, *values[21:]))
    assert whole.count('class="line p1"') == 1
    assert str(draw(replace(chart, lines=(broken,)), "")).count('class="line p1"') == 2
