"""A line that stands dissolves, and one that does not is left alone."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.admission import Place
from gelombang.seeds import unit
from gelombang.standing_line import REFUSED_AFTER_TARGETS, LineRule, StandingLine

RULE = LineRule(line_limit=20, target_us=10, interval_us=50)
DISK = LineRule(line_limit=100_000, target_us=10_000, interval_us=100_000)
NO_CODEL = LineRule(line_limit=100_000, target_us=10**12, interval_us=10**12)
SERVICE_US = 2_000
happenings = st.lists(st.tuples(st.sampled_from(["ask", "done", "leave", "look"]), st.integers(0, 60)), max_size=200)


@given(happenings, st.integers(1, 4))
def test_whoever_asks_is_in_line_in_a_place_refused_or_gone_and_never_two_of_these(events: list[tuple[str, int]], places: int) -> None:
    line: StandingLine[int] = StandingLine(RULE, places)
    now_us = 0
    waiting: dict[int, int] = {}
    at_work: list[int] = []
    for job, (what, pause_us) in enumerate(events):
        now_us += pause_us
        if what == "ask":
            place = line.ask(now_us, job)
            assert (place is Place.TURN) == (len(at_work) < places and not waiting)
            assert (place is Place.FULL) == (place is not Place.TURN and len(waiting) == RULE.line_limit)
            if place is Place.TURN:
                at_work.append(job)
            elif place is Place.QUEUE:
                waiting[job] = now_us
        elif what == "done" and at_work:
            at_work.pop()
            line.done()
        elif what == "leave" and waiting:
            assert line.leave(next(iter(waiting)))
            waiting.pop(next(iter(waiting)))
        for refused in line.next_refused(now_us):
            assert now_us - waiting.pop(refused) > REFUSED_AFTER_TARGETS * RULE.target_us, "nobody is refused before their time"
        newest_first = line.stands
        for begun in line.next_begun(now_us):
            assert begun == (max if newest_first else min)(waiting), "first come, first served, until the line stands"
            del waiting[begun]
            at_work.append(begun)
        assert not line.leave(-1)
        assert (line.waiting, line.in_place) == (len(waiting), len(at_work))
        assert not waiting or len(at_work) >= places, "nobody waits while a place is free"


@dataclass
class Seen:
    """What became of those who came: how long each served one waited, when, and who was refused."""

    waits: list[tuple[int, int]] = field(default_factory=list)
    refused: int = 0


def served(rule: LineRule, arrivals_us: Sequence[int]) -> Seen:
    """One place, `SERVICE_US` for each: who comes at these moments, and what becomes of them."""
    line: StandingLine[int] = StandingLine(rule, 1)
    seen, asked = Seen(), dict(enumerate(arrivals_us))
    events = [(at, job, True) for job, at in asked.items()]
    heapq.heapify(events)
    while events:
        now_us, job, comes = heapq.heappop(events)
        begun = []
        if comes:
            begun = [job] if line.ask(now_us, job) is Place.TURN else []
        else:
            line.done()
        seen.refused += len(line.next_refused(now_us))
        for one in begun + line.next_begun(now_us):
            seen.waits.append((now_us, now_us - asked[one]))
            heapq.heappush(events, (now_us + SERVICE_US, one, False))
    return seen


def poisson_us(rate_per_second: float, until_us: int, seed: int) -> list[int]:
    return [round((n + unit(seed, n, 1)) / rate_per_second * 1e6) for n in range(round(rate_per_second * until_us / 1e6))]


@given(st.integers(1, 20))
@settings(max_examples=5)
def test_a_standing_line_dissolves_within_an_interval_and_a_first_come_line_stands_on(seed: int) -> None:
    """A thousand at once, two seconds of work, and then four fifths of what the place can take. First come, first served, everybody for
    the next 10 s waits; with the rule the wait is short again after two intervals, and what is done in all is the same."""
    arrivals = [0] * 1_000 + poisson_us(400.0, 4_000_000, seed)
    dissolved, stood = (served(rule, arrivals) for rule in (DISK, NO_CODEL))

    def median_wait_us(seen: Seen, from_us: int, to_us: int) -> int:
        waits = sorted(wait for at, wait in seen.waits if from_us <= at < to_us)
        return waits[len(waits) // 2]

    after_us = 2 * DISK.interval_us
    assert median_wait_us(dissolved, after_us, 2_000_000) <= DISK.target_us
    assert median_wait_us(stood, after_us, 2_000_000) > 500_000
    assert stood.refused == 0
    assert 0 < dissolved.refused <= 1_000


@given(st.integers(1, 20))
@settings(max_examples=5)
def test_at_twice_what_it_can_do_the_place_works_on_without_a_pause_and_whoever_is_served_waited_little(seed: int) -> None:
    seen = served(DISK, poisson_us(1_000.0, 4_000_000, seed))
    waits = sorted(wait for at, wait in seen.waits if at >= 2 * DISK.interval_us)
    assert len(seen.waits) * SERVICE_US >= 0.99 * 4_000_000, "throughput is what it was"
    assert waits[len(waits) // 2] <= DISK.target_us
    assert waits[len(waits) * 99 // 100] <= REFUSED_AFTER_TARGETS * DISK.target_us + SERVICE_US


@given(st.integers(1, 20))
@settings(max_examples=5)
def test_below_what_it_can_do_nobody_is_refused(seed: int) -> None:
    assert served(DISK, poisson_us(450.0, 2_000_000, seed)).refused == 0
