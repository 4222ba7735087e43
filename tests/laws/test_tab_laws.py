"""Second tabs, whatever the site does and whenever the run is stopped: nobody and no attempt is lost, and tries are numbered in both."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.attempt import Fate, Outcome
from gelombang.in_exchange import went_on_us
from gelombang_loadtests.exchanged import Answer, Request
from tests.support.small_scenario import scenario
from tests.support.walking import LATE, SECOND, Walk, ok, problem

LOOK_EVERY_SECONDS = 0.250_013
"""Not on the moments at which something is due."""
STEPS = [{"step": f"page-{i}", "form": "request", "method": "GET", "path": "/page"} for i in range(3)]
ANSWERS = (
    ok(),
    LATE,
    problem(500, "internal_error"),
    problem(503, "uploads_busy", retry_after_seconds=4.0),
    problem(409, "already_done"),
    Answer(Outcome.RESET, error="reset"),
)


Stand = tuple[int, int]
"""A moment, and how many people wait then, as the engine says."""


def walked(data: st.DataObject, folder: Path, stands: list[Stand]) -> Walk:
    """Four people; what the site does to them, and whether the run is stopped, is drawn."""
    end_seconds = data.draw(st.floats(2.0, 60.0))
    ratio, after = data.draw(st.sampled_from([0.3, 1.0])), data.draw(st.floats(0.0, 8.0))
    what = scenario(
        *STEPS,
        second_tab={"ratio": ratio, "after_seconds": {"low": after, "high": after + 2.0}},
        attempts_limit=4,
        persist_ratio=0.9,
        retry_seconds={"value": 1.0},
    )
    waits = data.draw(st.lists(st.floats(0.0, 11.0), min_size=5, max_size=5))
    kinds = data.draw(st.lists(st.sampled_from(ANSWERS), min_size=7, max_size=7))
    stop_seconds = data.draw(st.one_of(st.none(), st.floats(0.0, 40.0)))
    asked = Counter[str]()

    def look(walk: Walk) -> None:
        walk.takes(LOOK_EVERY_SECONDS)
        while walk.loop.now_us() < walk._end.us:
            stands.append((walk.loop.now_us(), walk.engine.waiting))
            walk.takes(LOOK_EVERY_SECONDS)

    def site(walk: Walk, request: Request) -> Answer:
        if not asked:
            walk.loop.spawn(lambda: look(walk))
        asked["all"] += 1
        if stop_seconds is not None and walk.loop.now_us() >= stop_seconds * SECOND and not walk.engine.stopped:
            walk.engine.stop(2 * SECOND)
        answer = kinds[asked["all"] % len(kinds)]
        if answer is not LATE:
            until_us = walk.loop.now_us() + round(waits[asked["all"] % len(waits)] * SECOND)
            if until_us >= walk._end.us:
                return LATE
            walk.takes(waits[asked["all"] % len(waits)])
            if walk.loop.now_us() > walk._end.us:
                walk.loop.sleep_until(10_000 * SECOND)
        return answer

    return Walk(folder, what, site, due_seconds=(1.0, 1.5, 3.0, 9.0), end_seconds=end_seconds, in_flight_limit=5)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_person_has_one_fate_and_every_attempt_of_either_tab_one_outcome_and_one_number(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        walk = walked(data, Path(folder), [])
        people, attempts = walk.people, walk.attempts
    assert len(people) == 4
    assert (people["fate"] != Fate.OPEN).all()
    assert sum(walk.engine.fates.values()) == 4
    assert (attempts["outcome"] != Outcome.OPEN).all()
    assert (attempts["done"] >= attempts["sent"]).all()
    assert (attempts["sent"] >= attempts["due"]).all()
    assert walk.counts.attempts_ended == len(attempts)
    assert walk.engine.in_flight == 0
    made = Counter(attempts["person"].tolist())
    assert [made[person] for person in people["person"].tolist()] == people["attempts"].tolist()
    numbers: dict[tuple[int, int, int], list[int]] = {}
    for row in attempts:
        numbers.setdefault((int(row["person"]), int(row["step"]), int(row["tab"])), []).append(int(row["number"]))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    for person in people:
        for step in range(3):
            well = {int(row["done"]) for row in attempts if (row["person"], row["step"]) == (person["person"], step)
                    and row["outcome"] in (Outcome.OK, Outcome.CONFLICT)}  # fmt: skip
            passed = int(person["passed"][step])
            assert passed in ({0} | well)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_ledgers_say_of_every_moment_how_many_people_wait_as_the_engine_did(data: st.DataObject) -> None:
    stands: list[Stand] = []
    with tempfile.TemporaryDirectory() as folder:
        walk = walked(data, Path(folder), stands)
        people, attempts = walk.people, walk.attempts
    sent, went_on = attempts["sent"], went_on_us(attempts)
    gone = np.isin(people["fate"], (Fate.FINISHED, Fate.GAVE_UP))
    for at_us, waiting in stands:
        inside = (people["started"] > 0) & (people["started"] <= at_us) & ~(gone & (people["done"] <= at_us))
        in_exchange = (went_on > 0) & (sent <= at_us) & (at_us < went_on)
        assert inside.sum() - in_exchange.sum() == waiting
