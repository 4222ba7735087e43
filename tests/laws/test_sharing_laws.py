"""What processor sharing must always do: against an obvious simulation, and against queueing theory."""

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gelombang.seeds import unit
from gelombang.sharing import ProcessorSharing, SharedStore, Slowdown

BYTES_PER_SECOND = 1_000_000.0

jobs = st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 500)), min_size=1, max_size=30)
"""(gap to the one before, work) of each job."""
slowdowns = st.lists(
    st.builds(
        lambda at, length, ratio: Slowdown(at, at + length, ratio), st.integers(0, 3_000), st.integers(1, 800), st.sampled_from([0.25, 0.5])
    ),
    max_size=3,
)


def ratio_at(windows: list[Slowdown], at_us: Fraction) -> Fraction:
    return min((Fraction(w.bandwidth_ratio) for w in windows if w.from_us <= at_us < w.until_us), default=Fraction(1))


def obvious_finishes(arrivals: list[tuple[int, int, int | None]], windows: list[Slowdown]) -> dict[int, Fraction]:
    """Exact finish times: subtract each job's equal share from its remaining work, from event to event. (arrival, work, leave) per job."""
    remaining: dict[int, Fraction] = {}
    finishes: dict[int, Fraction] = {}
    moments = sorted(
        {m for a, _, leave in arrivals for m in (a, leave) if m is not None} | {m for w in windows for m in (w.from_us, w.until_us)}
    )
    now = Fraction(0)
    while moments or remaining:
        until = Fraction(moments[0]) if moments else None
        if remaining:
            share = ratio_at(windows, now) / len(remaining)
            first = now + min(remaining.values()) / share
            if until is None or first <= until:
                remaining = {job: work - (first - now) * share for job, work in remaining.items()}
                now = first
                for job in [job for job, work in remaining.items() if work == 0]:
                    finishes[job] = now
                    del remaining[job]
                continue
            remaining = {job: work - (until - now) * share for job, work in remaining.items()}
        assert until is not None
        now = until
        moments.pop(0)
        for job, (arrival, work, leave) in enumerate(arrivals):
            if arrival == now:
                remaining[job] = Fraction(work)
            if leave == now:
                remaining.pop(job, None)
    return finishes


@given(jobs, slowdowns, st.lists(st.one_of(st.none(), st.integers(1, 1_500)), min_size=30, max_size=30))
def test_it_equals_a_slow_obvious_simulation_with_leavers_and_slowdowns(
    gaps_and_work: list[tuple[int, int]], windows: list[Slowdown], stays: list[int | None]
) -> None:
    arrivals, at = [], 0
    for (gap, work), stay in zip(gaps_and_work, stays, strict=False):
        at += gap
        arrivals.append((at, work, None if stay is None else at + stay))
    sharing: ProcessorSharing[int] = ProcessorSharing(BYTES_PER_SECOND, windows)
    found: dict[int, int] = {}
    events = sorted(
        [(a, 0, job) for job, (a, _, _) in enumerate(arrivals)] + [(s, 1, job) for job, (_, _, s) in enumerate(arrivals) if s is not None]
    )
    begun = set()
    for moment, what, job in sorted(events):
        if what == 0:
            sharing.begin(moment, job, arrivals[job][1])
            begun.add(job)
        elif job in begun:
            sharing.leave(moment, job)
    for finish_us, job in sharing.advance(10**9):
        found[job] = finish_us
    wanted = obvious_finishes(arrivals, windows)
    assert found.keys() == wanted.keys()
    for job, finish_us in found.items():
        # Reported times are whole microseconds, rounded up, apart from float noise.
        assert -2e-3 <= finish_us - wanted[job] < 1.001


@given(jobs, st.integers(1, 700))
def test_how_often_it_is_asked_changes_nothing(gaps_and_work: list[tuple[int, int]], step_us: int) -> None:
    often: ProcessorSharing[int] = ProcessorSharing(BYTES_PER_SECOND)
    once: ProcessorSharing[int] = ProcessorSharing(BYTES_PER_SECOND)
    found, at, clock = [], 0, 0
    for job, (gap, work) in enumerate(gaps_and_work):
        at += gap
        while clock + step_us < at:
            clock += step_us
            found += often.advance(clock)
        often.begin(at, job, work)
        once.begin(at, job, work)
    found += often.advance(10**9)
    wanted = once.advance(10**9)
    assert [job for _, job in found] == [job for _, job in wanted]
    assert [at for at, _ in found] == pytest.approx([at for at, _ in wanted], abs=1.001)


@given(jobs)
def test_work_is_conserved_and_the_store_never_idles_while_work_is_there(gaps_and_work: list[tuple[int, int]]) -> None:
    """The last finish is that of any server of this speed that never rests (Lindley's recursion on unfinished work)."""
    sharing: ProcessorSharing[int] = ProcessorSharing(BYTES_PER_SECOND)
    at, busy_until = 0, 0
    for job, (gap, work) in enumerate(gaps_and_work):
        at += gap
        sharing.begin(at, job, work)
        busy_until = max(busy_until, at) + work
    finished = sharing.advance(10**9)
    assert len(finished) == len(gaps_and_work)
    assert finished[-1][0] == pytest.approx(busy_until, abs=1.001)
    assert sharing.moved_bytes == pytest.approx(sum(work for _, work in gaps_and_work))


@given(st.lists(st.integers(0, 400), min_size=2, max_size=40), st.integers(1, 500))
def test_equal_jobs_finish_in_the_order_of_their_arrival(gaps: list[int], work: int) -> None:
    sharing: ProcessorSharing[int] = ProcessorSharing(BYTES_PER_SECOND)
    at = 0
    for job, gap in enumerate(gaps):
        at += gap
        sharing.begin(at, job, work)
    finished = sharing.advance(10**9)
    assert [job for _, job in finished] == list(range(len(gaps)))
    assert [us for us, _ in finished] == sorted(us for us, _ in finished)


@given(jobs, st.integers(1, 4))
def test_a_long_line_before_few_turns_loses_no_time(gaps_and_work: list[tuple[int, int]], turns_limit: int) -> None:
    """Whatever the number of turns, the store is busy as long as anybody waits: the last finish does not depend on it. One
    microsecond may be lost for each turn, by rounding up."""
    store: SharedStore[int] = SharedStore(BYTES_PER_SECOND, turns_limit, queue_limit=1_000)
    at, busy_until = 0, 0
    for job, (gap, work) in enumerate(gaps_and_work):
        at += gap
        store.ask(at, job, work)
        assert store.turns <= turns_limit
        busy_until = max(busy_until, at) + work
    finished = store.advance(10**9)
    assert len(finished) == len(gaps_and_work)
    assert 0 <= finished[-1].finished_us - busy_until <= len(gaps_and_work) + 1
    began = {f.job: f.began_us for f in finished}
    assert [began[job] for job in range(len(gaps_and_work))] == sorted(began.values()), "first come, first served"


def exponential(u: float) -> float:
    return -math.log(u)


def mostly_small(u: float) -> float:
    return 3.0 if u < 0.2 else 0.5


@pytest.mark.parametrize("work_of", [exponential, mostly_small, lambda u: 1.0], ids=["exponential", "mostly_small", "all_equal"])
def test_the_mean_time_in_the_store_is_that_of_m_g_1_processor_sharing(work_of: Callable[[float], float]) -> None:
    """E[T] = E[S] / (1 - rho), whatever the distribution of work (Kleinrock, "Queueing Systems", volume 2, 1976, section 4.4).

    24 batches of 1,000 jobs; the seed is fixed, and the band is four standard errors of the batch means (99.9 % with 23 degrees of
    freedom), which must itself be under 15 % or the test would accept anything.
    """
    load, mean_us, batches, size = 0.6, 1_000.0, 24, 1_000
    sharing: ProcessorSharing[int] = ProcessorSharing(BYTES_PER_SECOND)
    arrival_us: list[int] = []
    at = 0.0
    for job in range(batches * size):
        at += exponential(unit(1, job, 1)) * mean_us / load
        arrival_us.append(round(at))
        sharing.begin(round(at), job, mean_us * work_of(unit(1, job, 2)))
    times = [0.0] * len(arrival_us)
    for finish_us, job in sharing.advance(10**12):
        times[job] = finish_us - arrival_us[job]
    means = [sum(times[b * size : (b + 1) * size]) / size for b in range(batches)]
    mean = sum(means) / batches
    error = math.sqrt(sum((m - mean) ** 2 for m in means) / (batches - 1) / batches)
    assert 4 * error < 0.15 * mean
    assert abs(mean - mean_us / (1 - load)) < 4 * error
