"""Benefits: what one NIK is given once in a lifetime, as entries that move whole rupiah from one account to another.

An entry takes from one account what it gives to another, so nothing is made and nothing is lost, and where somebody stands follows from
their entries alone. The programme grants a training credit, incentives after the first training, and rewards for surveys; each is a part
with a number, is promised once, and leaves the site at most once. Who buys no training in time loses the place: what was promised goes back
to the budget, and what is back there is never granted to that NIK again.

Functions here look at a holding and give the entries that a change adds, or raise `Refused`: a refusal leaves nothing behind.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is given."""

    TRAINING = "training"
    INCENTIVE = "incentive"
    SURVEY = "survey"


class Account(StrEnum):
    """Where rupiah are."""

    BUDGET = "budget"
    """The programme's; what it gave stands there as a debt."""
    PROMISED = "promised"
    SPENT = "spent"
    """On training."""
    DUE = "due"
    """To be paid to the wallet, from the entry's moment on."""
    ON_THE_WAY = "on_the_way"
    PAID = "paid"


class Refusal(StrEnum):
    """Why nothing was changed."""

    ONCE_IN_A_LIFETIME = "once_in_a_lifetime"
    NOT_GRANTED = "not_granted"
    LAPSED = "lapsed"
    CREDIT_SPENT = "credit_spent"
    TRAINING_FIRST = "training_first"
    DONE_BEFORE = "done_before"
    UNKNOWN_SURVEY = "unknown_survey"
    NOT_THERE = "not_there"
    """The part is not in the account that it should leave."""
    NOT_YET = "not_yet"


class Refused(Exception):  # noqa: N818  (the sentence is: it was refused)
    """Raised instead of entries."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is given once."""

    kind: Kind
    number: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the programme gives, in whole rupiah; durations in microseconds."""

    training_rupiah: int
    incentive_rupiah: int
    incentives: int
    survey_rupiah: int
    surveys: int
    first_training_us: int
    """After the grant; later the place has lapsed."""
    month_us: int
    """Between two incentives."""

    @property
    def total_rupiah(self) -> int:
        return self.training_rupiah + self.incentives * self.incentive_rupiah + self.surveys * self.survey_rupiah

    def parts(self) -> dict[Part, int]:
        """Every part and its rupiah."""
        given = {Part(Kind.TRAINING, 1): self.training_rupiah}
        given |= {Part(Kind.INCENTIVE, number): self.incentive_rupiah for number in range(1, self.incentives + 1)}
        return given | {Part(Kind.SURVEY, number): self.survey_rupiah for number in range(1, self.surveys + 1)}


@dataclass(frozen=True, slots=True)
class Entry:
    """So many rupiah of a part, from one account to another."""

    part: Part
    source: Account
    target: Account
    rupiah: int
    at_us: int
    """When it holds; an incentive that is due later says when."""

    def __post_init__(self) -> None:
        assert self.rupiah > 0
        assert self.source is not self.target


class Holding:
    """One NIK's entries, and what follows from them."""

    __slots__ = ("_balances", "entries")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = tuple(entries)
        self._balances: dict[tuple[Part, Account], int] = {}
        for entry in self.entries:
            for account, rupiah in ((entry.source, -entry.rupiah), (entry.target, entry.rupiah)):
                where = (entry.part, account)
                self._balances[where] = self._balances.get(where, 0) + rupiah

    def __add__(self, entries: Iterable[Entry]) -> "Holding":
        return Holding((*self.entries, *entries))

    def of(self, part: Part, account: Account) -> int:
        """Rupiah of this part in that account."""
        return self._balances.get((part, account), 0)

    def balance(self, account: Account) -> int:
        """Rupiah of all parts in that account."""
        return sum(rupiah for (_, where), rupiah in self._balances.items() if where is account)

    @property
    def granted_us(self) -> int | None:
        return self.entries[0].at_us if self.entries else None

    @property
    def has_bought(self) -> bool:
        """Whether any training was."""
        return self.balance(Account.SPENT) > 0

    @property
    def has_lapsed(self) -> bool:
        return any(entry.target is Account.BUDGET for entry in self.entries)

    @property
    def has_completed(self) -> bool:
        """Whether the first training was: its incentives have a day."""
        return any(entry.part.kind is Kind.INCENTIVE and entry.target is Account.DUE for entry in self.entries)

    def due(self, now_us: int) -> list[tuple[Part, int]]:
        """Parts that can be paid now, with their rupiah, in the order in which they became due."""
        ripe = [entry for entry in self.entries if entry.target is Account.DUE and entry.at_us <= now_us]
        return [(entry.part, held) for entry in ripe if (held := self.of(entry.part, Account.DUE))]


def grant(holding: Holding, terms: Terms, now_us: int) -> list[Entry]:
    """Everything that this NIK can ever have, promised. Once in a lifetime, a lapsed place included."""
    if holding.entries:
        raise Refused(Refusal.ONCE_IN_A_LIFETIME)
    return [Entry(part, Account.BUDGET, Account.PROMISED, rupiah, now_us) for part, rupiah in terms.parts().items()]


def deadline_us(holding: Holding, terms: Terms) -> int | None:
    """Until when the first training has to be bought; None when nothing was granted or the training is bought."""
    return None if holding.granted_us is None or holding.has_bought else holding.granted_us + terms.first_training_us


def buy_training(holding: Holding, terms: Terms, rupiah: int, now_us: int) -> list[Entry]:
    """Spend some of the credit."""
    assert rupiah > 0
    _require_place(holding, terms, now_us)
    part = Part(Kind.TRAINING, 1)
    if rupiah > holding.of(part, Account.PROMISED):
        raise Refused(Refusal.CREDIT_SPENT)
    return [Entry(part, Account.PROMISED, Account.SPENT, rupiah, now_us)]


def complete_training(holding: Holding, terms: Terms, now_us: int) -> list[Entry]:
    """The first training is done: an incentive is due now, and one a month after each."""
    _require_place(holding, terms, now_us)
    if not holding.has_bought:
        raise Refused(Refusal.TRAINING_FIRST)
    if holding.has_completed:
        raise Refused(Refusal.DONE_BEFORE)
    return [
        Entry(Part(Kind.INCENTIVE, n), Account.PROMISED, Account.DUE, terms.incentive_rupiah, now_us + (n - 1) * terms.month_us)
        for n in range(1, terms.incentives + 1)
    ]


def answer_survey(holding: Holding, terms: Terms, number: int, now_us: int) -> list[Entry]:
    """A survey's reward is due; surveys come after the first training."""
    _require_place(holding, terms, now_us)
    if not holding.has_completed:
        raise Refused(Refusal.TRAINING_FIRST)
    if not 1 <= number <= terms.surveys:
        raise Refused(Refusal.UNKNOWN_SURVEY)
    part = Part(Kind.SURVEY, number)
    if not holding.of(part, Account.PROMISED):
        raise Refused(Refusal.DONE_BEFORE)
    return [Entry(part, Account.PROMISED, Account.DUE, terms.survey_rupiah, now_us)]


def lapse(holding: Holding, terms: Terms, now_us: int) -> list[Entry]:
    """The place is withdrawn: what was promised goes back."""
    until_us = deadline_us(holding, terms)
    if until_us is None:
        raise Refused(Refusal.NOT_GRANTED if not holding.entries else Refusal.DONE_BEFORE)
    if holding.has_lapsed:
        raise Refused(Refusal.LAPSED)
    if now_us <= until_us:
        raise Refused(Refusal.NOT_YET)
    return [
        Entry(part, Account.PROMISED, Account.BUDGET, held, now_us)
        for part in terms.parts()
        if (held := holding.of(part, Account.PROMISED))
    ]


def send(holding: Holding, part: Part, now_us: int) -> list[Entry]:
    """A due part is handed to the partner."""
    if part not in [ripe for ripe, _ in holding.due(now_us)]:
        raise Refused(Refusal.NOT_THERE)
    return [Entry(part, Account.DUE, Account.ON_THE_WAY, holding.of(part, Account.DUE), now_us)]


def settle(holding: Holding, part: Part, now_us: int, *, is_paid: bool) -> list[Entry]:
    """The partner paid it, or gave it back for good, and it is due again."""
    held = holding.of(part, Account.ON_THE_WAY)
    if not held:
        raise Refused(Refusal.NOT_THERE)
    return [Entry(part, Account.ON_THE_WAY, Account.PAID if is_paid else Account.DUE, held, now_us)]


def _require_place(holding: Holding, terms: Terms, now_us: int) -> None:
    if not holding.entries:
        raise Refused(Refusal.NOT_GRANTED)
    until_us = deadline_us(holding, terms)
    if until_us is not None and now_us > until_us:
        raise Refused(Refusal.LAPSED)
