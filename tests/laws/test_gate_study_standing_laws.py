"""What the study of the gate calls proven, what it calls an estimate, and how long it says that the proof still takes."""

from collections import Counter
from math import ceil
from pathlib import Path

import pytest
from gate_study.__main__ import main
from gate_study.judge import BLOCKS_LONGEST, Found, Row
from gate_study.page import page_of, table_of
from gate_study.standing import SECONDS_PER_HOUR, WANTED, Standing, hours_more, needed, stood

from gelombang_gates.comparing import Outcome
from gelombang_gates.health import upper_bound

BLOCK_SECONDS = 6.0


def row(passed: int = 0, failed: int = 0, undecided: int = 0, drawn: tuple[int, int] = (0, 0)) -> Row:
    """Whatever failed named the right route; `drawn` passed and failed. A comparison took 20 blocks."""
    in_a_row = Counter({Outcome.PASS: passed, Outcome.FAIL: failed, Outcome.INCONCLUSIVE: undecided})
    of_drawn = Counter({Outcome.PASS: drawn[0], Outcome.FAIL: drawn[1]})
    return Row("made up", in_a_row, of_drawn, failed, drawn[1], blocks=20 * in_a_row.total(), seconds=[100.0] * in_a_row.total())


def found(equal: Row, *slower: Row, blocks: int = 4_000) -> Found:
    rows = [equal, *slower, *(row() for _ in range(3 - len(slower)))]
    days = ("2026-11-26T00:00:00+00:00", "2026-11-26T06:00:00+00:00")
    return Found(blocks, blocks // 2, ["made up"], ["a" * 40], ["list"], days, (0.1, 0.2, 0.3), BLOCK_SECONDS, rows, [])


def standing(of: Found) -> dict[str, Standing]:
    return {own.wanted.words: own.standing for own in stood(of)}


def test_one_per_cent_is_proven_by_299_comparisons_without_a_failure_and_by_no_fewer() -> None:
    """0.99 ** 299 is below 0.05, and 0.99 ** 298 is not."""
    assert needed(0, 12, 0.0, 0.01) == 299
    assert stood(found(row(passed=298)))[0].standing is Standing.ESTIMATED
    assert stood(found(row(passed=299)))[0].standing is Standing.PROVEN


@pytest.mark.parametrize(
    ("bad", "of", "share", "limit"), [(1, 20, 0.05, 0.1), (3, 17, 0.2, 0.25), (0, 5, 0.02, 0.5), (2, 300, 0.004, 0.01)]
)
def test_after_what_is_needed_the_bound_is_at_the_limit_and_one_comparison_before_it_is_not(
    bad: int, of: int, share: float, limit: float
) -> None:
    enough = needed(bad, of, share, limit)
    assert enough is not None

    def bound(size: int) -> float:
        return upper_bound(bad + ceil(share * (size - of)), size)

    assert bound(enough) <= limit < bound(enough - 1)


def test_no_number_of_comparisons_proves_what_the_estimate_contradicts() -> None:
    assert needed(3, 20, 0.15, 0.1) is None
    assert needed(9, 100, 0.099, 0.1) is None  # it would take more than anybody measures


def test_the_hours_are_those_of_the_blocks_that_are_missing_at_the_time_that_one_took() -> None:
    [alarms, *_] = stood(found(row(passed=17)))
    assert (alarms.more, alarms.more_blocks) == (299 - 17, 20 * (299 - 17))
    assert hours_more(found(row()), 600) * SECONDS_PER_HOUR == 600 * BLOCK_SECONDS


def test_what_was_drawn_is_the_better_estimate_and_proves_nothing() -> None:
    drawn_well, drawn_badly = row(failed=10, drawn=(3, 297)), row(failed=10, drawn=(90, 210))
    known = standing(found(row(passed=299), drawn_well, drawn_badly, row(passed=19, failed=1)))
    assert list(known.values()) == [
        Standing.PROVEN,
        Standing.PROVEN,
        Standing.ESTIMATED,  # 10 of 10 in a row: at least 74 %
        Standing.OUTSIDE,  # 70 % of those that were drawn
        Standing.MISSED,  # 1 of 20: at most 22 %
    ]


def test_of_too_few_blocks_nothing_is_proven_however_well_it_goes() -> None:
    short = found(row(passed=299), row(failed=40), blocks=2 * BLOCKS_LONGEST - 2)
    assert Standing.PROVEN not in standing(short).values()
    assert stood(short)[0].more_blocks == 2
    assert Standing.PROVEN in standing(found(row(passed=299), blocks=2 * BLOCKS_LONGEST)).values()


def test_the_table_of_a_quick_study_says_why_nothing_is_drawn_and_how_many_blocks_it_takes() -> None:
    table = table_of(found(row(passed=6), row(failed=2), blocks=90))
    assert "takes 72 blocks of one kind, and there are 45 quiet ones and 45 with a neighbour; 54 more, half of either" in table
    assert "(about 5 minutes)" in table
    assert "| none: too few blocks |" in table


def test_the_page_says_in_words_what_is_proven_and_what_is_not() -> None:
    page = page_of(found(row(passed=20), row(failed=30, drawn=(0, 300)), row(failed=5)))
    assert f"- **Proven**: {WANTED[1].words}; {WANTED[2].words}." in page
    assert f"- **Only estimated**: {WANTED[0].words}; {WANTED[3].words}." in page
    assert f"- **Not measured yet**: {WANTED[4].words}." in page
    assert "takes about 9.3 hours more (5,580 blocks), at the 6.0 s that a block took" in page
    assert "- A comparison took 100 s, the longest of 55 100 s; wanted: at most 300 s.\n" in page
    assert "Nothing is drawn" not in page


def test_a_comparison_that_took_too_long_is_said_to_be_missed() -> None:
    slow = row(passed=2)
    slow.seconds[1] = 301.0
    assert "the longest of 2 301 s; wanted: at most 300 s, which is missed." in page_of(found(slow))


@pytest.mark.parametrize(
    "words", [["--quick", "--judge-only"], ["--judge-only", "--collect-only"], ["--minutes", "0"], ["--minutes", "nan"]]
)
def test_words_that_do_not_go_together_change_no_page(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr("sys.argv", ["gate_study", *words, "--page", str(page), "--data", str(tmp_path / "blocks.jsonl")])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert not page.exists()
