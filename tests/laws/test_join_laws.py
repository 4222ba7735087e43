"""The vectorised match against a dictionary, and conservation of the join: every row of either end is counted exactly once."""

import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.evidence import Evidence
from gelombang.join import join
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, SERVER_ROW
from gelombang.row_match import NOT_JOINED, match
from gelombang.scenario import Scenario
from gelombang.server_deaths import ServerDeath

STEPS = Scenario.model_validate(tomllib.loads((Path(__file__).parents[2] / "scenarios" / "opening-hour.toml").read_text())).journey

key = st.tuples(
    st.sampled_from([0, 1, 2, (1 << 40) - 1]), st.sampled_from([0, 1, 9, 14, 60_000]), st.integers(1, 3), st.sampled_from([0, 255])
)
keys = st.lists(key, max_size=25)


def rows_of(found, dtype):
    rows = np.zeros(len(found), dtype)
    for i, (person, step, number, tab) in enumerate(found):
        rows["person"][i], rows["step"][i], rows["number"][i], rows["tab"][i] = person, step, number, tab
    return rows


def slow_match(own, other):
    """The obvious way: a list of places for each identity."""
    mine, theirs = {}, {}
    for places, found in ((mine, own), (theirs, other)):
        for i, each in enumerate(found):
            places.setdefault(each, []).append(i)
    server_of = [theirs[k][0] if len(mine[k]) == 1 and len(theirs.get(k, ())) == 1 else NOT_JOINED for k in own]
    twice = [len(mine[k]) > 1 for k in own]
    server_twice = [len(theirs[k]) > 1 for k in other]
    alone = [k not in mine and len(theirs[k]) == 1 for k in other]
    return server_of, twice, server_twice, alone


@given(keys, keys)
def test_the_match_is_that_of_a_dictionary(own, other):
    found = match(rows_of(own, GENERATOR_ROW), rows_of(other, SERVER_ROW))
    assert [list(part) for part in found] == [list(part) for part in slow_match(own, other)]


def any_of(values):
    return st.sampled_from([int(value) for value in values])


own_fields = st.tuples(any_of(Outcome), any_of(Phase), st.sampled_from([0, 200, 201, 409, 503]), any_of(Code), st.integers(0, 1))
other_fields = st.tuples(any_of(Stage), any_of(ServerOutcome), st.sampled_from([0, 200, 201, 409, 503]), any_of(Code), st.just(0))


@settings(max_examples=200)
@given(st.lists(st.tuples(key, own_fields), max_size=25), st.lists(st.tuples(key, other_fields), max_size=25), st.integers(0, 3))
def test_every_row_is_counted_once_whatever_the_ledgers_hold(own, other, dropped):
    generator = rows_of([k for k, _ in own], GENERATOR_ROW)
    for i, (_, values) in enumerate(own):
        for name, value in zip(("outcome", "phase", "status", "code", "bytes_sent"), values, strict=True):
            generator[name][i] = value
    server = rows_of([k for k, _ in other], SERVER_ROW)
    for i, (_, values) in enumerate(other):
        for name, value in zip(("stage", "outcome", "status", "code", "route"), values, strict=True):
            server[name][i] = value
    nobody, nothing, no_process = np.zeros(0, PERSON_ROW), np.zeros(0, ACKNOWLEDGED_ROW), np.zeros(0, np.int64)
    found = join(Evidence(generator, server, nobody, no_process, nothing, True, 0, 0), STEPS, dropped)
    _, _, server_twice, alone = slow_match([k for k, _ in own], [k for k, _ in other])
    counts = Counter()
    for cell in found.cells:
        counts["server only" if cell.client_outcome == "unseen" else "attempts"] += cell.attempts
    assert counts["attempts"] == len(own)
    assert counts["server only"] == sum(server_twice) + sum(alone)
    assert found.unexplained == sum(cell.attempts for cell in found.cells if not cell.explained)
    assert sum(cell.attempts for cell in found.cells if cell.explained and "kernel" in cell.meaning) <= dropped


moments = st.integers(-3_000_000, 3_000_000)
deaths_of_servers = st.lists(st.builds(ServerDeath, moments, moments, st.booleans(), st.booleans()), max_size=3)
any_step, lasted = st.integers(0, len(STEPS) - 1), st.integers(0, 3_000_000)
unseen_rows = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), any_of(Outcome), any_of(Phase), moments, st.integers(0, 3_000_000)), max_size=25
)


def explains(death, step, outcome, phase, sent, done):
    """The rule of a death, said the obvious way."""
    served = death.serves_uploads if step.form == "photo" else death.serves_others
    waited = sent <= death.at_us and max(death.alive_us, death.at_us - 1_000_000) <= done <= death.at_us + 1_000_000
    broke = outcome in (Outcome.RESET, Outcome.PROTOCOL) and phase in (Phase.CONNECT, Phase.SEND, Phase.WAIT)
    return served and waited and broke and step.form != "message"


@settings(max_examples=200)
@given(unseen_rows, deaths_of_servers)
def test_a_servers_death_explains_what_was_in_flight_on_it_and_nothing_else(own, deaths):
    generator = np.zeros(len(own), GENERATOR_ROW)
    for i, (step, outcome, phase, sent, took) in enumerate(own):
        values = {"person": i, "number": 1, "step": step, "outcome": outcome, "phase": phase, "sent": sent, "done": sent + took}
        for name, value in (values | {"bytes_sent": 1}).items():
            generator[name][i] = value
    nobody, nothing, no_process = np.zeros(0, PERSON_ROW), np.zeros(0, ACKNOWLEDGED_ROW), np.zeros(0, np.int64)
    evidence = Evidence(generator, np.zeros(0, SERVER_ROW), nobody, no_process, nothing, True, 0, len(deaths), server_deaths=tuple(deaths))
    found = join(evidence, STEPS, 0)
    without = join(replace(evidence, server_deaths=()), STEPS, 0)
    expected = sum(
        any(explains(death, STEPS[step], outcome, phase, sent, sent + took) for death in deaths) for step, outcome, phase, sent, took in own
    )
    assert sum(cell.attempts for cell in found.cells if "before it had read" in cell.meaning) == expected
    assert without.unexplained - found.unexplained == expected
