"""One payment to one wallet: who asks what next, so that it is made once whatever the partner does or this site forgets.

    DUE      is sent, and is SENDING
    SENDING  paid: PAID; refused for good: RETURNED; busy: DUE, later; silence, or this site died: UNSURE
    UNSURE   the partner is asked for the key. Found: PAID; not found: DUE; silence or busy: UNSURE, later

Silence means that nobody knows whether the money moved, so it is never answered by sending: the partner is asked for the payment's key
first. When the partner does not know the key, the payment is sent again under the same one. SENDING must be durable before a byte leaves:
who finds it after a restart does not know more than silence says.

What the partner has to promise for this to hold: a key that it has taken is never taken again, or `find` tells the truth about keys. One of
the two is enough; a partner that breaks both, forgets a key and denies that it paid, can't be paid through safely, and no caller can tell.
How often is bounded by pauses that grow up to a longest one, and never ends, because somebody waits for the money.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class PaymentState(StrEnum):
    """Where a payment stands."""

    DUE = "due"
    SENDING = "sending"
    UNSURE = "unsure"
    PAID = "paid"
    RETURNED = "returned"
    """The partner will never pay it to this account."""


class Ask(StrEnum):
    """What is asked of the partner."""

    SEND = "send"
    FIND = "find"


class Reply(StrEnum):
    """What came back."""

    PAID = "paid"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    """Nothing moved, and never will: the account is closed."""
    BUSY = "busy"
    """Nothing was done: over the partner's rate."""
    SILENCE = "silence"
    """No answer in time, a broken line, or one that makes no sense."""


SETTLED = frozenset({PaymentState.PAID, PaymentState.RETURNED})


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long is waited after a try that settled nothing."""

    first_us: int
    longest_us: int

    def after(self, tries: int) -> int:
        """Doubles from the first to the longest."""
        return min(self.longest_us, self.first_us << min(max(tries - 1, 0), 40))


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment."""

    key: str
    """Names it at the partner; the same for every try."""
    account: str
    rupiah: int
    state: PaymentState = PaymentState.DUE
    tries: int = 0
    not_before_us: int = 0

    def next_ask(self, now_us: int) -> Ask | None:
        """What to ask now; None when it is settled, under way, or to be waited for."""
        if now_us < self.not_before_us:
            return None
        return {PaymentState.DUE: Ask.SEND, PaymentState.UNSURE: Ask.FIND}.get(self.state)

    def sending(self) -> "Payment":
        """To be made durable before it is sent."""
        assert self.state is PaymentState.DUE
        return replace(self, state=PaymentState.SENDING)

    def found_after_restart(self) -> "Payment":
        """Nobody knows what became of a send that a dead process began."""
        return replace(self, state=PaymentState.UNSURE) if self.state is PaymentState.SENDING else self

    def answered(self, answer: Reply, now_us: int, pauses: Pauses) -> "Payment":
        """After the partner's answer to what `next_ask` said."""
        assert self.state in (PaymentState.SENDING, PaymentState.UNSURE), self.state
        tries = self.tries + 1
        match self.state, answer:
            case _, Reply.PAID:
                return replace(self, state=PaymentState.PAID, tries=tries)
            case PaymentState.SENDING, Reply.REFUSED:
                return replace(self, state=PaymentState.RETURNED, tries=tries)
            case PaymentState.UNSURE, Reply.NOT_FOUND:
                return replace(self, state=PaymentState.DUE, tries=tries, not_before_us=now_us)
            case PaymentState.SENDING, Reply.BUSY:
                return replace(self, state=PaymentState.DUE, tries=tries, not_before_us=now_us + pauses.after(tries))
        # Silence, and whatever is no answer to what was asked.
        return replace(self, state=PaymentState.UNSURE, tries=tries, not_before_us=now_us + pauses.after(tries))
