"""What people waited, retries included, of runs that can be counted by hand."""

import numpy as np
import pytest

from gelombang.attempt import Fate, Outcome
from gelombang.summary import RunFacts, summarise
from support.run_folder import RunFolder

FACTS = RunFacts("2026-01-01T00:00:00+00:00")


def totals_of(run):
    run.write()
    return summarise(run.path, run.plan, run.profile, FACTS, {}, run.due_us()).journey


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path, speed=1.0)


def passed(run, person, step, at_us):
    run.persons[person]["passed"][run.steps.index(step)] = at_us


def test_a_step_counts_from_its_first_try_to_its_passing_with_every_retry_between(run):
    for outcome in (Outcome.FAILED, Outcome.FAILED, Outcome.OK):
        run.attempt(0, "account", outcome, took_us=200_000, server=None)
    run.person(0, Fate.WAITING)
    done = int(run.generator[-1]["done"])
    passed(run, 0, "account", done)
    totals = totals_of(run)
    # Three tries of 0.2 s, each 0.5 ms late, with 0.1 s between them.
    assert totals.step_waited["account"].max_seconds == pytest.approx(0.8015)
    assert totals.finished_waited.samples == 0


def test_who_never_passed_a_step_is_in_no_figure_of_it(run):
    run.attempt(0, "account", Outcome.FAILED, server=None)
    run.person(0, Fate.GAVE_UP)
    assert totals_of(run).step_waited["account"].samples == 0


def test_a_journey_is_the_sum_of_its_steps_and_the_whole_has_the_thinking_too(run):
    run.everybody()
    totals = totals_of(run)
    rows = np.array(run.generator)
    people = [person for person, row in run.persons.items() if row["fate"] == Fate.FINISHED]
    slow = []
    for person in people:
        waited = 0
        for step in range(len(run.steps)):
            mine = rows[(rows["person"] == person) & (rows["step"] == step)]
            at = int(run.persons[person]["passed"][step])
            waited += at - int(mine["due"].min()) if at and len(mine) else 0
        slow.append(waited / 1e6)
    assert totals.finished_waited.samples == len(people) == 6
    assert totals.finished_waited.max_seconds == pytest.approx(max(slow))
    assert totals.finished_whole.max_seconds >= totals.finished_waited.max_seconds > 0
