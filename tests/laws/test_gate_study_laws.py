"""The study of the gate, on made-up blocks: what is judged by what, and what is never counted twice."""

from pathlib import Path

import numpy as np
import pytest
from gate_study.__main__ import main
from gate_study.blocks import GATED, LARGE, SMALL, Block, append_block, read_blocks
from gate_study.judge import judge
from gate_study.naive import naive_rows
from gate_study.page import page_of

from gelombang.errors import InputError
from gelombang_gates.comparing import Outcome
from gelombang_gates.gate_file import Gate
from gelombang_gates.pairs import KNOWN_DELAY, Lane

ROUTES = ["list", "search"]
FACTOR = {Lane.SLOW: 1 + KNOWN_DELAY, Lane.HEAD_SLOWER: 1 + LARGE}
TABLE = Gate.model_validate({"route": [{"name": name} for name in ROUTES], "time_limit_seconds": 10_000.0})


def block(number: int, noise: float = 0.004, wall: float = 1.0) -> Block:
    chance = np.random.default_rng(number)
    processes = {lane: float(np.exp(chance.normal(0, noise))) for lane in (Lane.BASE, Lane.SAME, Lane.HEAD)}
    of = {Lane.SLOW: Lane.SAME, Lane.HEAD_SLOWER: Lane.HEAD}
    own = {lane: processes[of.get(lane, lane)] * FACTOR.get(lane, 1.0) for lane in (*GATED, Lane.HEAD_SLOWER)}
    return Block.model_validate(
        {
            "at": f"2026-11-26T00:00:{number % 60:02d}+00:00",
            "machine": "made up",
            "commit": "a" * 40,
            "neighbour": number % 2 == 1,
            "load": 1.0,
            "seconds": 10.0,
            "requests": dict.fromkeys(ROUTES, 50),
            "spent": {lane: {route: [(round(1e6 * by), 4, round(2e3 * by * wall))] * 4 for route in ROUTES} for lane, by in own.items()},
            "memory_bytes": dict.fromkeys((Lane.BASE, Lane.SAME, Lane.HEAD), 50_000_000),
            "outcomes": {lane: {route: {"200": 150} for route in ROUTES} for lane in own},
        }
    )


def test_equal_blocks_do_not_fail_and_a_slower_route_is_caught_by_name() -> None:
    found = judge([block(number) for number in range(144)], TABLE, drawn=4)
    equal, slower, *_ = found.rows
    assert equal.in_a_row[Outcome.FAIL] == 0
    assert equal.in_a_row[Outcome.PASS] >= 4
    assert slower.in_a_row.total() >= 2
    assert slower.named == slower.in_a_row.total()
    assert slower.drawn_named == slower.drawn.total() == 4


def test_no_block_is_used_by_two_comparisons_in_a_row() -> None:
    """24 quiet blocks and as many with a neighbour: at 12 pairs a look, there can be no third comparison of either."""
    found = judge([block(number) for number in range(48)], TABLE, drawn=1)
    assert found.rows[0].in_a_row.total() <= 4


def test_a_comparison_for_which_blocks_run_out_is_not_counted() -> None:
    found = judge([block(number) for number in range(10)], TABLE, drawn=3)
    assert all(row.in_a_row.total() == row.drawn.total() == 0 for row in found.rows)
    assert all(row.cut_off == 2 for row in found.rows)  # one of either kind
    assert "none: too few blocks" in page_of(found)


def test_nothing_is_drawn_where_only_short_comparisons_could_be_finished() -> None:
    """Of 71 quiet blocks the longest comparison, 2 * 36, can't be made; the shorter ones alone would be another rate."""
    found = judge([block(number) for number in range(143)], TABLE, drawn=3)
    assert found.rows[0].in_a_row.total() > 0
    assert all(row.drawn.total() == 0 for row in found.rows)


def test_the_page_says_so_where_nothing_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr("sys.argv", ["gate_study", "--judge-only", "--data", str(tmp_path / "none.jsonl"), "--page", str(page)])
    assert main() == 0
    assert "Nothing was measured yet" in page.read_text()


def test_the_page_says_so_where_commits_differ() -> None:
    blocks = [block(0), block(1).model_copy(update={"commit": "b" * 40})]
    assert "2 commits from aaaaaaaaaaaa to bbbbbbbbbbbb" in page_of(judge(blocks, TABLE))


def test_a_gate_on_one_route_takes_less_time_than_one_on_all_which_takes_as_long_as_a_block() -> None:
    one = block(0)
    assert one.pair_seconds(["list"]) < one.pair_seconds(ROUTES) == one.seconds


def test_a_head_half_as_slow_is_the_slower_one_in_every_second_round() -> None:
    one = block(0)
    plain, slower = (one.spent[lane]["list"] for lane in (Lane.HEAD, Lane.HEAD_SLOWER))
    assert one.head("list", 0.0) == plain
    assert one.head("list", SMALL) == [plain[0], slower[1], plain[2], slower[3]]
    assert one.head("list", LARGE) == slower
    assert len({batch[0] for batch in one.head("list", SMALL)}) == 2


def test_a_stored_base_alarms_when_the_machine_changed_and_one_of_the_same_job_does_not() -> None:
    """Twice as long in every second block of either kind; that one with a neighbour is unlike a quiet one is held against no rule."""
    rows = {row.name: row for row in naive_rows([block(number, 0.0, wall=1.0 + number // 2 % 2) for number in range(20)], ROUTES)}
    assert rows["mean beyond 10 %, base stored"].comparisons == 18
    assert rows["mean beyond 10 %, base stored"].alarms == 10  # five times of nine the machine got slower, twice
    assert rows["pytest-benchmark --benchmark-compare-fail=mean:5%"].alarms == 10
    assert rows["200 % of the last value (github-action-benchmark)"].alarms == 0  # twice as long is not more than twice
    assert rows["mean beyond 2 %, base in the same job"].alarms == 0
    assert rows["mean beyond 2 %, base in the same job"].caught[LARGE] == 40
    assert rows["mean beyond 2 %, base in the same job"].caught[SMALL] == 0


def test_a_block_is_read_as_it_was_written_and_one_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    data = tmp_path / "blocks.jsonl"
    assert read_blocks(data) == []
    for number in range(2):
        append_block(data, block(number))
    with data.open("a") as file:
        file.write('{"at": "2026')
    assert read_blocks(data) == [block(0), block(1)]
    append_block(data, block(2))
    assert read_blocks(data) == [block(0), block(1), block(2)]


def test_a_line_that_is_no_block_is_named(tmp_path: Path) -> None:
    data = tmp_path / "blocks.jsonl"
    data.write_text('{"at": 1}\n')
    with pytest.raises(InputError, match=r"blocks\.jsonl:1 is no block of this study; want"):
        read_blocks(data)
