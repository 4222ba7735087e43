"""The death of a server process: which of the attempts that no ledger saw it explains, and which it does not."""

import json

import pytest

from gelombang.attempt import Code, Outcome, Phase
from gelombang.evidence import read_evidence
from gelombang.join import join
from support.run_folder import DONE, SECOND, RunFolder

KILLED_AT = 20 * SECOND
"""From the run's zero; the server's zero lies 5 s before it."""
MEANING = "the server process was killed before it had read the request"


def killed(tmp_path, profile="april-2020", alive_us=KILLED_AT - 20_000):
    """A run whose server process of slot 0 answered somebody `alive_us` after the run's zero and was noted as killed at KILLED_AT."""
    run = RunFolder(tmp_path, profile=profile)
    run.attempt(9, "account")
    run.server[0]["began"] += alive_us - (run.server[0]["ended"] - 5 * SECOND)
    run.server[0]["ended"] = alive_us + 5 * SECOND
    return run


def note(run, slot=0, drained=()):
    """The killed process's slot, and the slots that were told to end 10 ms later and had ended after 50."""
    at_us = KILLED_AT + 5 * SECOND
    drains = [{"slot": each, "told_us": at_us + 10_000, "ended_us": at_us + 50_000} for each in drained]
    text = {"deaths": [{"slot": slot, "how": "was killed by signal 9", "at_us": at_us}], "drains": drains}
    (run.path / "server-deaths.json").write_text(json.dumps(text))


def unseen(run, sent_us, done_us, step="account", outcome=Outcome.RESET, phase=Phase.WAIT):
    """An attempt of person 0 that no server saw."""
    run.attempt(0, step, outcome, phase, status=0, server=None, received_bytes=100)
    run.generator[-1]["due"] = run.generator[-1]["sent"] = sent_us
    run.generator[-1]["done"] = done_us


def found(run, *, server_died=True):
    run.write(server_died=server_died)
    joined = join(read_evidence(run.path, run.plan), run.scenario.journey, dropped_by_kernel=0)
    return joined.unexplained, [cell.attempts for cell in joined.cells if cell.meaning == MEANING]


@pytest.mark.parametrize("outcome", [Outcome.RESET, Outcome.PROTOCOL])
@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.SEND, Phase.WAIT])
def test_a_request_in_flight_when_its_process_was_killed_is_explained(tmp_path, outcome, phase):
    run = killed(tmp_path)
    note(run)
    unseen(run, KILLED_AT - 30_000, KILLED_AT + 2_000, outcome=outcome, phase=phase)
    assert found(run) == (0, [1])


def test_the_kernel_may_have_told_the_person_before_the_supervisor_knew(tmp_path):
    run = killed(tmp_path)
    note(run)
    unseen(run, KILLED_AT - 15_000, KILLED_AT - 10_000)
    assert found(run) == (0, [1])


@pytest.mark.parametrize(
    ("sent_us", "done_us"),
    [
        (KILLED_AT + 1, KILLED_AT + 5_000),
        (KILLED_AT - 60_000, KILLED_AT - 20_001),
        (KILLED_AT - 60_000, KILLED_AT + SECOND + 1),
        (2 * SECOND, 3 * SECOND),
    ],
    ids=["sent after it", "ended before the last sign of life", "ended long after it", "long before"],
)
def test_what_was_not_in_flight_at_the_death_stays_unexplained(tmp_path, sent_us, done_us):
    run = killed(tmp_path)
    note(run)
    unseen(run, sent_us, done_us)
    assert found(run) == (1, [])


def test_a_process_that_had_been_idle_explains_no_more_than_the_second_before_the_note(tmp_path):
    run = killed(tmp_path, alive_us=10 * SECOND)
    note(run)
    unseen(run, 15 * SECOND, KILLED_AT - SECOND - 1)
    unseen(run, 15 * SECOND, KILLED_AT - SECOND)
    assert found(run) == (1, [1])


@pytest.mark.parametrize(
    ("step", "outcome", "phase"),
    [
        ("account", Outcome.TIMED_OUT, Phase.WAIT),
        ("account", Outcome.RESET, Phase.RECEIVE),
        ("account", Outcome.OK, Phase.WAIT),
        ("account", Outcome.FAILED, Phase.WAIT),
        ("email", Outcome.RESET, Phase.WAIT),
    ],
)
def test_a_death_explains_nothing_but_a_connection_that_the_kernel_ended_before_an_answer(tmp_path, step, outcome, phase):
    run = killed(tmp_path)
    note(run)
    unseen(run, KILLED_AT - 10_000, KILLED_AT + 2_000, step, outcome, phase)
    assert found(run) == (1, [])


def test_a_note_without_a_ledger_left_open_explains_nothing(tmp_path):
    run = killed(tmp_path)
    note(run)
    unseen(run, KILLED_AT - 10_000, KILLED_AT + 2_000)
    assert found(run, server_died=False) == (1, [])


def test_a_ledger_left_open_without_a_note_explains_nothing(tmp_path):
    run = killed(tmp_path)
    unseen(run, KILLED_AT - 10_000, KILLED_AT + 2_000)
    assert found(run) == (1, [])


def test_another_process_s_note_explains_nothing(tmp_path):
    run = killed(tmp_path)
    note(run, slot=1)
    unseen(run, KILLED_AT - 10_000, KILLED_AT + 2_000)
    assert found(run) == (1, [])


@pytest.mark.parametrize(("slot", "step"), [(0, "account"), (1, "ktp")], ids=["the API process", "the uploads process"])
def test_a_process_explains_only_the_steps_that_it_serves(tmp_path, slot, step):
    run = killed(tmp_path, profile="hardened")
    note(run, slot)
    for each in ("account", "ktp"):
        unseen(run, KILLED_AT - 10_000, KILLED_AT + 2_000, each, phase=Phase.WAIT if each == step else Phase.SEND)
    run.write(server_died=True)
    if slot == 1:
        (tmp_path / "ledger-server-0.bin").rename(tmp_path / "ledger-server-1.bin")
    joined = join(read_evidence(tmp_path, run.plan), run.scenario.journey, dropped_by_kernel=0)
    assert [cell.client_phase for cell in joined.cells if cell.meaning == MEANING] == ["wait"]
    assert [cell.client_phase for cell in joined.cells if not cell.explained] == ["send"]


def test_a_site_with_one_process_for_all_explains_both_kinds_of_steps(tmp_path):
    run = killed(tmp_path)
    note(run)
    for step in ("account", "ktp"):
        unseen(run, KILLED_AT - 10_000, KILLED_AT + 2_000, step)
    assert found(run) == (0, [2])


@pytest.mark.parametrize(("done_us", "unexplained"), [(KILLED_AT + 2_000, 0), (KILLED_AT + 2 * SECOND, 1)], ids=["at its death", "later"])
def test_an_answer_that_a_killed_process_had_on_the_way_is_explained_by_its_death_alone(tmp_path, done_us, unexplained):
    run = killed(tmp_path)
    note(run)
    run.attempt(0, "account", Outcome.RESET, Phase.WAIT, Code.NONE, 0, server=DONE)
    run.generator[-1]["sent"], run.generator[-1]["done"] = KILLED_AT - 10_000, done_us
    run.write(server_died=True)
    joined = join(read_evidence(run.path, run.plan), run.scenario.journey, dropped_by_kernel=0)
    assert joined.unexplained == unexplained
    assert [cell.explained for cell in joined.cells if "answer on the way" in cell.meaning] == [True] * (1 - unexplained)


def drained(tmp_path, sent_us, done_us, step="account", *, slots=(0,), closes=True):
    """A hardened run whose uploads process, slot 1, was killed and whose API process was drained for it: unexplained, and by the drain."""
    run = killed(tmp_path, profile="hardened")
    note(run, 1, slots)
    unseen(run, sent_us, done_us, step)
    run.write(server_died=True)
    api, uploads = (tmp_path / f"ledger-server-{slot}.bin" for slot in (0, 1))
    api.rename(uploads)
    if closes:
        api.touch()
    joined = join(read_evidence(tmp_path, run.plan), run.scenario.journey, dropped_by_kernel=0)
    return joined.unexplained, [cell.attempts for cell in joined.cells if cell.meaning == "the site was shut down as the request came"]


def test_a_request_that_came_as_its_process_was_drained_is_explained(tmp_path):
    assert drained(tmp_path, KILLED_AT + 15_000, KILLED_AT + 20_000) == (0, [1])


@pytest.mark.parametrize(
    ("sent_us", "done_us", "more"),
    [
        (KILLED_AT + 50_001, KILLED_AT + 60_000, {}),
        (KILLED_AT - 5_000, KILLED_AT + 9_999, {}),
        (KILLED_AT + 15_000, KILLED_AT + 20_000, {"step": "ktp"}),
        (KILLED_AT + 15_000, KILLED_AT + 20_000, {"slots": ()}),
        (KILLED_AT + 15_000, KILLED_AT + 20_000, {"closes": False}),
    ],
    ids=[
        "sent after its end",
        "ended before the order",
        "a step of another process",
        "a drain that nobody noted",
        "a ledger that is not there",
    ],
)
def test_a_drain_explains_nothing_else(tmp_path, sent_us, done_us, more):
    assert drained(tmp_path, sent_us, done_us, **more) == (1, [])
