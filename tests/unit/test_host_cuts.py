"""A server host that was cut off: which attempts it explains, and which it does not."""

import json

import pytest

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.evidence import read_evidence
from gelombang.join import join
from support.run_folder import DONE, SECOND, RunFolder

FROM, UNTIL = 20 * SECOND, 50 * SECOND
BEFORE = "its host was cut off before it came there"
UNDER_WAY = "its host was cut off with it under way: what was done nobody heard"
LEFT = (Stage.BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 499)


def cut_off(tmp_path, *sent, from_us=FROM, until_us=UNTIL):
    """A run one of whose hosts was away; `sent` are (person, step) of first tries that the proxy sent there."""
    run = RunFolder(tmp_path)
    attempts = [{"person": person, "tab": 0, "step": run.steps.index(step), "number": 1} for person, step in sent]
    cuts = [{"host": "server-2", "from_us": from_us, "until_us": until_us, "attempts": attempts}]
    (run.path / "host-cuts.json").write_text(json.dumps({"cuts": cuts}))
    return run


def attempt(
    run, outcome, phase=Phase.WAIT, status=0, server=None, times=(FROM + SECOND, FROM + 2 * SECOND), step="account", code=Code.NONE
):
    run.attempt(0, step, outcome, phase, code, status, server)
    run.generator[-1]["due"] = run.generator[-1]["sent"] = times[0]
    run.generator[-1]["done"] = times[1]


def found(run):
    run.write()
    joined = join(read_evidence(run.path, run.plan), run.scenario.journey, dropped_by_kernel=0)
    return joined.unexplained, [cell.meaning for cell in joined.cells if cell.explained]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.FAILED, 503),
        (Outcome.FAILED, 502),
        (Outcome.FAILED, 504),
        (Outcome.RESET, 0),
        (Outcome.PROTOCOL, 0),
        (Outcome.TIMED_OUT, 0),
    ],
)
def test_what_was_sent_to_the_host_that_was_away_and_seen_by_nobody_is_explained(tmp_path, outcome, status):
    run = cut_off(tmp_path, (0, "account"))
    attempt(run, outcome, status=status)
    assert found(run) == (0, [BEFORE])


@pytest.mark.parametrize("server", [(*DONE[:3], 201), LEFT], ids=["done", "given up"])
def test_what_the_host_had_under_way_when_it_was_cut_off_is_explained(tmp_path, server):
    run = cut_off(tmp_path, (0, "account"))
    attempt(run, Outcome.FAILED, Phase.RECEIVE, 502, server)
    assert found(run) == (0, [UNDER_WAY])


def test_who_was_sent_to_another_host_and_got_no_answer_stays_unexplained(tmp_path):
    run = cut_off(tmp_path, (1, "account"), (0, "data"))
    attempt(run, Outcome.FAILED, Phase.RECEIVE, 503)
    assert found(run) == (1, [])


@pytest.mark.parametrize(
    "times",
    [(FROM - 2 * SECOND, FROM - 1), (UNTIL + 1, UNTIL + 2), (FROM, UNTIL + SECOND + 1)],
    ids=["ended before", "sent after", "ended long after"],
)
def test_who_did_not_wait_while_the_host_was_away_stays_unexplained(tmp_path, times):
    run = cut_off(tmp_path, (0, "account"))
    attempt(run, Outcome.RESET, times=times)
    assert found(run) == (1, [])


@pytest.mark.parametrize(
    ("outcome", "status", "code", "server"),
    [
        (Outcome.OK, 201, Code.NONE, None),
        (Outcome.INVALID, 400, Code.NONE, None),
        (Outcome.FAILED, 500, Code.NONE, None),
        (Outcome.FAILED, 503, Code.DATABASE_GONE, (*DONE[:3], 201)),
    ],
    ids=["an answer that went well", "a refusal", "a fault of the site's", "an answer of the site's own"],
)
def test_a_cut_explains_no_answer_but_the_proxy_s_own(tmp_path, outcome, status, code, server):
    run = cut_off(tmp_path, (0, "account"))
    attempt(run, outcome, Phase.RECEIVE, status, server, code=code)
    assert found(run) == (1, [])


def test_two_rows_of_one_attempt_stay_unexplained_whatever_was_cut_off(tmp_path):
    run = cut_off(tmp_path, (0, "account"))
    attempt(run, Outcome.RESET, server=LEFT)
    run.seen(0, 0, 1, LEFT, FROM, FROM + SECOND)
    assert found(run)[0] > 0
