"""Benefits of one NIK, from the grant to the last rupiah."""

import pytest

from gelombang.programme.benefits import (
    Account,
    Holding,
    Kind,
    Part,
    Refusal,
    Refused,
    Terms,
    answer_survey,
    buy_training,
    complete_training,
    grant,
    lapse,
    send,
    settle,
)

DAY = 86_400_000_000
TERMS = Terms(1_000_000, 600_000, 4, 50_000, 3, 30 * DAY, 30 * DAY)


def granted() -> Holding:
    return Holding(grant(Holding(), TERMS, 0))


def paid(holding: Holding, part: Part, now_us: int) -> Holding:
    sent = holding + send(holding, part, now_us)
    return sent + settle(sent, part, now_us, is_paid=True)


def refusal(change: object, *arguments: object) -> Refusal:
    with pytest.raises(Refused) as refused:
        change(*arguments)  # type: ignore[operator]
    return refused.value.refusal


def test_all_that_was_promised_to_a_person_is_3_550_000_rupiah() -> None:
    assert TERMS.total_rupiah == granted().balance(Account.PROMISED) == 3_550_000


def test_a_whole_life_spends_the_credit_and_pays_the_rest_to_the_wallet() -> None:
    holding = granted()
    holding += buy_training(holding, TERMS, 400_000, DAY)
    holding += complete_training(holding, TERMS, 10 * DAY)
    holding += buy_training(holding, TERMS, 600_000, 50 * DAY)
    for number in (1, 2, 3):
        holding += answer_survey(holding, TERMS, number, 60 * DAY)
    assert [part for part, _ in holding.due(10 * DAY)] == [Part(Kind.INCENTIVE, 1)]
    for part, _ in holding.due(200 * DAY):
        holding = paid(holding, part, 200 * DAY)
    assert holding.balance(Account.SPENT) == 1_000_000
    assert holding.balance(Account.PAID) == 2_550_000
    assert holding.balance(Account.BUDGET) == -3_550_000
    assert holding.due(1_000 * DAY) == []


def test_nothing_is_granted_twice_not_even_after_a_lapse() -> None:
    holding = granted()
    assert refusal(grant, holding, TERMS, DAY) is Refusal.ONCE_IN_A_LIFETIME
    holding += lapse(holding, TERMS, 31 * DAY)
    assert holding.balance(Account.BUDGET) == 0
    assert refusal(grant, holding, TERMS, 32 * DAY) is Refusal.ONCE_IN_A_LIFETIME


def test_the_first_training_is_in_time_on_the_thirtieth_day_and_late_after_it() -> None:
    holding = granted()
    assert buy_training(holding, TERMS, 1, 30 * DAY)
    assert refusal(lapse, holding, TERMS, 30 * DAY) is Refusal.NOT_YET
    assert refusal(buy_training, holding, TERMS, 1, 30 * DAY + 1) is Refusal.LAPSED
    assert lapse(holding, TERMS, 30 * DAY + 1)


def test_who_has_bought_keeps_the_place() -> None:
    holding = granted()
    holding += buy_training(holding, TERMS, 1, DAY)
    assert refusal(lapse, holding, TERMS, 400 * DAY) is Refusal.DONE_BEFORE
    assert buy_training(holding, TERMS, 999_999, 400 * DAY)
    assert refusal(buy_training, holding, TERMS, 1_000_000, 400 * DAY) is Refusal.CREDIT_SPENT


def test_money_for_the_wallet_comes_after_the_first_training() -> None:
    holding = granted()
    assert refusal(complete_training, holding, TERMS, DAY) is Refusal.TRAINING_FIRST
    assert refusal(answer_survey, holding, TERMS, 1, DAY) is Refusal.TRAINING_FIRST
    holding += buy_training(holding, TERMS, 1, DAY)
    holding += complete_training(holding, TERMS, DAY)
    assert refusal(complete_training, holding, TERMS, DAY) is Refusal.DONE_BEFORE
    assert refusal(answer_survey, holding, TERMS, 4, DAY) is Refusal.UNKNOWN_SURVEY
    holding += answer_survey(holding, TERMS, 1, DAY)
    assert refusal(answer_survey, holding, TERMS, 1, DAY) is Refusal.DONE_BEFORE


def test_a_payment_that_came_back_is_due_again_and_one_that_was_made_is_not() -> None:
    first = Part(Kind.INCENTIVE, 1)
    holding = granted()
    holding += buy_training(holding, TERMS, 1, DAY)
    holding += complete_training(holding, TERMS, DAY)
    holding += send(holding, first, DAY)
    assert refusal(send, holding, first, DAY) is Refusal.NOT_THERE
    holding += settle(holding, first, DAY, is_paid=False)
    holding = paid(holding, first, 2 * DAY)
    assert refusal(send, holding, first, 3 * DAY) is Refusal.NOT_THERE
    assert refusal(send, holding, Part(Kind.INCENTIVE, 2), 3 * DAY) is Refusal.NOT_THERE
