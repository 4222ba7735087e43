"""Benefits: whatever people do in whatever order, rupiah are conserved and nobody has more than was promised."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from gelombang.programme.benefits import (
    Account,
    Entry,
    Holding,
    Kind,
    Part,
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

TERMS = st.builds(
    Terms,
    training_rupiah=st.integers(1, 2_000_000),
    incentive_rupiah=st.integers(1, 1_000_000),
    incentives=st.integers(1, 5),
    survey_rupiah=st.integers(1, 100_000),
    surveys=st.integers(1, 4),
    first_training_us=st.integers(0, 20),
    month_us=st.integers(0, 10),
)
PARTS = st.builds(Part, st.sampled_from(Kind), st.integers(1, 5))
Change = Callable[[Holding, Terms, int], list[Entry]]


def changes() -> st.SearchStrategy[Change]:
    return st.one_of(
        st.sampled_from([grant, complete_training, lapse]),
        st.integers(1, 2_000_000).map(lambda rupiah: lambda holding, terms, now: buy_training(holding, terms, rupiah, now)),
        st.integers(0, 6).map(lambda number: lambda holding, terms, now: answer_survey(holding, terms, number, now)),
        PARTS.map(lambda part: lambda holding, _, now: send(holding, part, now)),
        st.tuples(PARTS, st.booleans()).map(lambda asked: lambda holding, _, now: settle(holding, asked[0], now, is_paid=asked[1])),
    )


def check(holding: Holding, terms: Terms) -> None:
    assert sum(holding.balance(account) for account in Account) == 0
    assert holding.balance(Account.BUDGET) in (0, -terms.total_rupiah)
    for part, rupiah in terms.parts().items():
        held = [holding.of(part, account) for account in Account if account is not Account.BUDGET]
        assert min(held) >= 0
        assert sum(held) in (0, rupiah)
    paid_out = [entry.part for entry in holding.entries if entry.target is Account.PAID]
    assert len(paid_out) == len(set(paid_out))
    assert not any(entry.part.kind is Kind.TRAINING for entry in holding.entries if entry.target is Account.PAID)
    assert sum(entry.target is Account.PROMISED for entry in holding.entries) in (0, len(terms.parts()))
    if holding.has_lapsed:
        assert holding.balance(Account.PAID) == holding.balance(Account.SPENT) == 0


@given(TERMS, st.lists(st.tuples(changes(), st.integers(0, 8)), max_size=40))
def test_every_history_conserves_rupiah_and_keeps_the_promise(terms: Terms, history: list[tuple[Change, int]]) -> None:
    holding, now_us = Holding(grant(Holding(), terms, 0)), 0
    for change, pause_us in history:
        now_us += pause_us
        before = holding.entries
        try:
            holding += change(holding, terms, now_us)
        except Refused:
            assert holding.entries == before
        check(holding, terms)


@given(TERMS, st.lists(st.tuples(changes(), st.integers(0, 8)), max_size=20))
def test_without_a_grant_there_is_no_history(terms: Terms, history: list[tuple[Change, int]]) -> None:
    holding = Holding()
    for change, now_us in history:
        if change is grant:
            continue
        try:
            holding += change(holding, terms, now_us)
        except Refused:
            continue
    assert holding.entries == ()
