"""Rates over time: curves from files, phases from scenarios."""

from pathlib import Path

import numpy as np
import pytest

from gelombang.curve import Rate, rate_of, rate_of_phases, read_curve
from gelombang.errors import FileError, InputError
from gelombang.scenario import Arrivals, CurveRows, Phase

HEADER = "seconds_since_opening,registrations_per_second\n"


def curve(tmp_path: Path, text: str) -> CurveRows:
    path = tmp_path / "curve.csv"
    path.write_text(text)
    return read_curve(path)


def faults(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(FileError) as caught:
        curve(tmp_path, text)
    return [(fault.where, fault.found) for fault in caught.value.faults]


def test_a_curve_is_read_row_by_row_and_comments_are_left_out(tmp_path: Path) -> None:
    rows = curve(tmp_path, "# where it comes from\n" + HEADER + "0,40.5\n60, 41\n# a note\n120,3e1\n")
    assert rows == CurveRows(seconds=(0.0, 60.0, 120.0), per_second=(40.5, 41.0, 30.0))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [("line 1", "empty")]),
        ("# nothing\n", [("line 1", "empty")]),
        ("time,rate\n0,1\n60,1\n", [("line 1", "'time,rate'")]),
        (HEADER, [("line 1", "the end after 0 rows")]),
        (HEADER + "0,1\n", [("line 2", "the end after 1 rows")]),
        (HEADER + "0,1\n60,-3\n120,1\n", [("line 3", "rate -3")]),
        (HEADER + "0,1\n60,many\n120,1\n", [("line 3", "rate 'many'")]),
        (HEADER + "0,1\n60,nan\n120,1\n", [("line 3", "rate 'nan'")]),
        (HEADER + "0,1\n60\n120,1\n", [("line 3", "1 values ('60')")]),
        (HEADER + "0,1\n60,1\n60,2\n", [("line 4", "time 60, repeated")]),
        (HEADER + "0,1\n120,1\n60,2\n", [("line 4", "time 60, before the one above it")]),
        (HEADER + "60,1\n120,1\n", [("line 2", "first time 60")]),
        (HEADER + "0,1\n60,1\n120,1\n180,1\n800,1\n", [("line 6", "time 800, after a gap of 620 s")]),
    ],
)
def test_a_faulty_curve_is_refused_with_its_line(tmp_path: Path, text: str, found: list[tuple[str, str]]) -> None:
    assert faults(tmp_path, text) == found


def test_a_step_of_ten_times_the_usual_one_is_no_gap(tmp_path: Path) -> None:
    assert curve(tmp_path, HEADER + "0,1\n60,1\n120,1\n180,1\n780,1\n").seconds[-1] == 780.0


def test_all_faults_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = "time,rate\n0,1\n60,-3\n120,x,y\n90,1\n90,1\n"
    assert [where for where, _ in faults(tmp_path, text)] == ["line 1", "line 3", "line 4", "line 6"]


def test_a_file_of_another_kind_is_refused_in_a_page_at_most(tmp_path: Path) -> None:
    found = faults(tmp_path, "x\n" * 5_000)
    assert len(found) == 21
    assert found[-1] == ("the rest", "4980 more faults")


def test_a_missing_curve_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv is missing; want a CSV file with the header seconds_since_opening"):
        read_curve(tmp_path / "none.csv")


def test_a_trapezoid_counts_what_geometry_says() -> None:
    rate = Rate(np.array([0.0, 10.0, 20.0]), np.array([0.0, 10.0, 4.0]))
    assert rate.total == 50 + 70
    assert rate.expected_until(np.array([0.0, 5.0, 10.0, 20.0])).tolist() == [0.0, 12.5, 50.0, 120.0]
    assert rate.inverse(np.array([12.5, 50.0, 120.0])) == pytest.approx([5.0, 10.0, 20.0])


def test_a_window_keeps_the_rate_and_begins_at_zero() -> None:
    window = Rate(np.array([0.0, 10.0, 20.0]), np.array([0.0, 10.0, 4.0])).window(5.0, 10.0)
    assert window.seconds.tolist() == [0.0, 5.0, 10.0]
    assert window.per_second.tolist() == [5.0, 10.0, 7.0]


@pytest.mark.parametrize(
    ("phases", "total"),
    [
        ([Phase(form="hold", for_seconds=60.0, start_per_second=5.0)], 300.0),
        ([Phase(form="ramp", for_seconds=60.0, start_per_second=0.0, end_per_second=10.0)], 300.0),
        ([Phase(form="spike", for_seconds=60.0, start_per_second=2.0, end_per_second=12.0)], 60 * 2 + 60 * 10 / 2),
        ([Phase(form="stairs", for_seconds=60.0, start_per_second=2.0, end_per_second=6.0, stairs=3)], 20 * (2 + 4 + 6)),
    ],
)
def test_a_phase_brings_as_many_as_its_area(phases: list[Phase], total: float) -> None:
    rate = rate_of_phases(phases)
    assert rate.total == pytest.approx(total)
    assert rate.duration_seconds == pytest.approx(60.0)


def test_phases_follow_one_another_and_may_jump() -> None:
    hold, jump = Phase(form="hold", for_seconds=10.0, start_per_second=1.0), Phase(form="hold", for_seconds=10.0, start_per_second=9.0)
    rate = rate_of_phases([hold, jump])
    assert rate.expected_until(np.array([5.0, 10.0, 15.0, 20.0])).tolist() == [5.0, 10.0, 55.0, 100.0]
    assert rate.inverse(np.array([10.0, 10.9])) == pytest.approx([10.0, 10.1])
    assert rate.window(0.0, 10.0).total == pytest.approx(10.0)
    assert rate.window(10.0, 10.0).total == pytest.approx(90.0)


def test_time_without_arrivals_is_passed_over() -> None:
    quiet = Phase(form="hold", for_seconds=10.0, start_per_second=0.0)
    busy = Phase(form="hold", for_seconds=10.0, start_per_second=1.0)
    assert rate_of_phases([quiet, busy]).inverse(np.array([0.5, 1.0])) == pytest.approx([10.5, 11.0])
    assert rate_of_phases([busy, quiet, busy]).inverse(np.array([9.5, 10.5])) == pytest.approx([9.5, 20.5])


ROWS = CurveRows(seconds=(0.0, 600.0, 1_200.0), per_second=(10.0, 10.0, 10.0))


def test_the_window_of_a_scenario_may_be_taken_shorter_or_longer() -> None:
    arrivals = Arrivals(curve="c.csv", from_seconds=300.0, for_seconds=600.0, rows=ROWS)
    assert rate_of(arrivals).total == pytest.approx(6_000)
    assert rate_of(arrivals, 60.0).total == pytest.approx(600)
    assert rate_of(arrivals, 900.0).total == pytest.approx(9_000)


@pytest.mark.parametrize(("from_seconds", "for_seconds"), [(0.0, 1_200.1), (900.0, 301.0), (1_300.0, 1.0)])
def test_a_window_past_the_end_is_refused(from_seconds: float, for_seconds: float) -> None:
    with pytest.raises(InputError, match=r"reach past the end of the rate; want at most 1200 s in all"):
        rate_of(Arrivals(curve="c.csv", from_seconds=from_seconds, for_seconds=for_seconds, rows=ROWS))


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="want somebody to come"):
        rate_of(Arrivals(phases=[Phase(form="hold", for_seconds=10.0, start_per_second=0.0)]))
