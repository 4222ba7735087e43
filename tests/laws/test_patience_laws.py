"""What a person does after an attempt that didn't work."""

import pytest

from gelombang.attempt import Outcome
from gelombang.distribution import Fixed, Lognormal, Uniform
from gelombang.patience import Choice, Decision, after_failure
from gelombang.scenario import Patience

COUNT = 4_000
TOLERANCE = 0.04
"""Five standard deviations of a share of 4,000 draws."""


def patience(**changes: object) -> Patience:
    usual = Patience(
        page_seconds=Fixed(value=12.0),
        upload_seconds=Fixed(value=45.0),
        upload_progress_ratio=2.0,
        persist_ratio=0.95,
        persist_tries=3,
        persist_later_ratio=0.85,
        retry_seconds=Lognormal(median=15.0, sigma=0.8),
        away_seconds=Uniform(low=1_800.0, high=7_200.0),
        return_ratio=1.0,
        leave_when_refused_ratio=0.05,
        smaller_copy_ratio=0.10,
        attempts_limit=2_000,
    )
    return usual.model_copy(update=changes)


def decide(
    outcome: Outcome, *, person: int = 0, number: int = 1, row: int = 0, told: float | None = None, photo: bool = True, **changes: object
) -> Decision:
    return after_failure(1, person, patience(**changes), 9, number, row, outcome, told, photo)


def share(choice: Choice, outcome: Outcome, row: int = 0, told: float | None = None, **changes: object) -> float:
    return sum(decide(outcome, person=p, row=row, told=told, **changes).choice is choice for p in range(COUNT)) / COUNT


FAILURES = [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.RESET, Outcome.CONNECT_REFUSED, Outcome.PROTOCOL]


def test_the_same_attempt_is_always_decided_the_same() -> None:
    assert decide(Outcome.FAILED, person=5) == decide(Outcome.FAILED, person=5)
    assert decide(Outcome.FAILED, person=5) != decide(Outcome.FAILED, person=5, number=2)


@pytest.mark.parametrize("outcome", FAILURES)
def test_after_each_of_the_first_three_failures_95_percent_persist(outcome: Outcome) -> None:
    assert share(Choice.RETRY, outcome, row=0) == pytest.approx(0.95, abs=TOLERANCE)


def test_after_the_fourth_failure_in_a_row_85_percent_persist() -> None:
    assert share(Choice.RETRY, Outcome.FAILED, row=2) == pytest.approx(0.95, abs=TOLERANCE)
    assert share(Choice.RETRY, Outcome.FAILED, row=3) == pytest.approx(0.85, abs=TOLERANCE)


def test_failures_in_a_row_are_counted_and_forgotten_after_coming_back() -> None:
    decisions = [decide(Outcome.FAILED, person=p, row=7) for p in range(200)]
    assert {(d.choice, d.failures_in_a_row) for d in decisions} == {(Choice.RETRY, 8), (Choice.AWAY, 0)}


def test_who_leaves_is_away_for_half_an_hour_to_two_hours() -> None:
    away = [d.seconds for p in range(COUNT) if (d := decide(Outcome.FAILED, person=p)).choice is Choice.AWAY]
    assert away
    assert all(1_800 <= seconds <= 7_200 for seconds in away)


def test_the_share_that_never_returns_has_given_up() -> None:
    assert share(Choice.GAVE_UP, Outcome.FAILED, row=3, return_ratio=0.0) == pytest.approx(0.15, abs=TOLERANCE)
    assert share(Choice.AWAY, Outcome.FAILED, row=3, return_ratio=0.0) == 0


def test_a_told_time_is_obeyed_to_the_second_by_all_but_5_percent() -> None:
    obeyed = [d for p in range(COUNT) if (d := decide(Outcome.REFUSED, person=p, row=2, told=33.5)).choice is Choice.RETRY]
    assert len(obeyed) / COUNT == pytest.approx(0.95, abs=TOLERANCE)
    assert {(d.seconds, d.failures_in_a_row, d.smaller_copy) for d in obeyed} == {(33.5, 2, False)}
    assert share(Choice.AWAY, Outcome.REFUSED, told=33.5) == pytest.approx(1 - len(obeyed) / COUNT)


def test_a_refusal_without_a_time_is_a_failure() -> None:
    assert decide(Outcome.REFUSED, person=3, told=None).failures_in_a_row == 1


def test_a_photo_too_large_is_sent_again_as_a_smaller_copy_and_nobody_leaves() -> None:
    decisions = [decide(Outcome.TOO_LARGE, person=p, row=2) for p in range(300)]
    assert {(d.choice, d.smaller_copy, d.failures_in_a_row) for d in decisions} == {(Choice.RETRY, True, 2)}


def test_one_in_ten_switches_to_a_smaller_copy_after_a_failed_upload() -> None:
    switched = sum(decide(Outcome.FAILED, person=p).smaller_copy for p in range(COUNT)) / COUNT
    assert switched == pytest.approx(0.10, abs=TOLERANCE)
    assert not any(decide(Outcome.FAILED, person=p, photo=False).smaller_copy for p in range(COUNT))


def test_who_waits_for_a_message_goes_on_waiting_at_once() -> None:
    assert decide(Outcome.NO_MESSAGE) == Decision(Choice.RETRY, 0.0, 0, False)


def test_the_last_attempt_that_is_allowed_ends_in_giving_up() -> None:
    assert decide(Outcome.NO_MESSAGE, number=1_999).choice is Choice.RETRY
    assert decide(Outcome.NO_MESSAGE, number=2_000).choice is Choice.GAVE_UP
    assert decide(Outcome.REFUSED, number=2_000, told=1.0).choice is Choice.GAVE_UP


def test_retries_come_after_a_median_of_15_seconds() -> None:
    """The sample median of 3,800 lognormals with sigma 0.8 has a relative deviation of 1.6 %; five of them are allowed."""
    seconds = sorted(d.seconds for p in range(COUNT) if (d := decide(Outcome.FAILED, person=p)).choice is Choice.RETRY)
    assert seconds[len(seconds) // 2] == pytest.approx(15.0, rel=0.08)
