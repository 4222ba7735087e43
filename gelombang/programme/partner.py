"""A wallet partner as the harness plays it: accounts, a book of what it paid, a rate of its own, and how it misbehaves.

The rules are the contract that the four wallets of 2020 stand behind here: an account is checked against a NIK before anything is paid; a
payment names its key, and the same key again moves nothing; a key can be asked for. Over its rate the partner does nothing and says busy.
What it does wrong is drawn for each request from the seed: it answers in time, falls silent before the money moved, or after.

The modelled accounts are numbered after the NIK of whoever opened them: `ACCOUNT_PREFIX` and the NIK. Nobody's number looks like that.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from gelombang.programme.payout import Reply
from gelombang.seeds import Purpose, unit

ACCOUNT_PREFIX = "8"
"""Before the NIK of its owner, in the number of a modelled account."""
CLOSED_PREFIX = "7"
"""The same, of an account that was closed after it was chosen: the check passes, and payments are refused for good."""


class Check(StrEnum):
    """What the partner says of an account and a NIK."""

    SAME_NIK = "same_nik"
    OTHER_NIK = "other_nik"
    UNKNOWN = "unknown"


class Manners(StrEnum):
    """How one request is treated."""

    GOOD = "good"
    SILENT_BEFORE = "silent_before"
    """Nothing moved, no answer."""
    SILENT_AFTER = "silent_after"
    """The money moved, no answer."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How often it misbehaves, and how fast it takes requests."""

    silent_before_ratio: float
    silent_after_ratio: float
    requests_per_second: float


@dataclass(slots=True)
class PartnerBook:
    """One partner's accounts and payments; one for each partner, kept apart from the site's own books."""

    paid: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By key: account and rupiah. At most one for each payment that the site ever makes."""
    moves: int = 0
    """How often money moved: more than there are keys would be paying twice."""

    def check(self, account: str, nik: str) -> Check:
        """Whose account it is."""
        if account[:1] not in (ACCOUNT_PREFIX, CLOSED_PREFIX) or len(account) != len(ACCOUNT_PREFIX) + 16 or not account.isdigit():
            return Check.UNKNOWN
        return Check.SAME_NIK if account[1:] == nik else Check.OTHER_NIK

    def pay(self, key: str, account: str, rupiah: int) -> Reply:
        """Move the money, once for each key."""
        if key in self.paid:
            return Reply.PAID
        if account.startswith(CLOSED_PREFIX):
            return Reply.REFUSED
        self.paid[key] = (account, rupiah)
        self.moves += 1
        return Reply.PAID

    def find(self, key: str) -> Reply:
        """Whether that key was paid."""
        return Reply.PAID if key in self.paid else Reply.NOT_FOUND


def manners(habits: Habits, seed: int, request: int) -> Manners:
    """How the `request`-th request of a partner is treated."""
    place = unit(seed, request, Purpose.PARTNER_MANNERS)
    if place < habits.silent_after_ratio:
        return Manners.SILENT_AFTER
    return Manners.SILENT_BEFORE if place < habits.silent_after_ratio + habits.silent_before_ratio else Manners.GOOD
