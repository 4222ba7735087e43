"""Payments: whatever partners do and whenever this site dies, each is made once.

The partner here is of the two kinds that the contract allows: one remembers keys and denies for a while what it paid, the other forgets
keys and tells the truth when asked. Requests may be lost on the way, arrive long after their caller gave up, and answers may be lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from gelombang.programme.payout import SETTLED, Ask, Pauses, Payment, PaymentState, Reply

PAUSES = Pauses(first_us=2, longest_us=50)
PAYMENTS = 4


@dataclass
class Wallets:
    """A partner. `moved` is the truth: how often money moved for a key."""

    remembers: bool
    closed: set[str] = field(default_factory=set)
    moved: dict[str, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Keys that it would not take again."""
    shown: set[str] = field(default_factory=set)
    """Keys that it admits to."""

    def pay(self, payment: Payment) -> Reply:
        if payment.key in self.known:
            return Reply.PAID
        if payment.key in self.closed:
            return Reply.REFUSED
        self.moved[payment.key] = self.moved.get(payment.key, 0) + 1
        self.known.add(payment.key)
        if not self.remembers:
            self.shown.add(payment.key)
        return Reply.PAID

    def find(self, payment: Payment) -> Reply:
        return Reply.PAID if payment.key in self.shown else Reply.NOT_FOUND


class Payouts(RuleBasedStateMachine):
    """A site's payments, its restarts, and a partner that hypothesis drives."""

    late = Bundle("late")

    @initialize(remembers=st.booleans(), closed=st.sets(st.integers(0, PAYMENTS - 1)))
    def begin(self, remembers: bool, closed: set[int]) -> None:
        self.partner = Wallets(remembers, {f"key-{n}" for n in closed})
        self.durable = [Payment(f"key-{n}", f"8{n:016d}", 600_000) for n in range(PAYMENTS)]
        self.now_us = 0

    def ask(self, which: int, exchange: Callable[[Ask, Payment], Reply | None]) -> None:
        """What a runner does: durable first, then the partner, then durable again; None: the site died meanwhile."""
        payment = self.durable[which]
        asked = payment.next_ask(self.now_us)
        if asked is None:
            return
        if asked is Ask.SEND:
            payment = self.durable[which] = payment.sending()
        answer = exchange(asked, payment)
        if answer is not None:
            self.durable[which] = payment.answered(answer, self.now_us, PAUSES)

    def served(self, asked: Ask, payment: Payment) -> Reply:
        return self.partner.pay(payment) if asked is Ask.SEND else self.partner.find(payment)

    @rule(which=st.integers(0, PAYMENTS - 1))
    def goes_well(self, which: int) -> None:
        self.ask(which, self.served)

    @rule(which=st.integers(0, PAYMENTS - 1))
    def answer_is_lost(self, which: int) -> None:
        def exchange(asked: Ask, payment: Payment) -> Reply:
            self.served(asked, payment)
            return Reply.SILENCE

        self.ask(which, exchange)

    @rule(which=st.integers(0, PAYMENTS - 1))
    def request_is_lost(self, which: int) -> None:
        self.ask(which, lambda *_: Reply.SILENCE)

    @rule(which=st.integers(0, PAYMENTS - 1))
    def partner_is_busy(self, which: int) -> None:
        self.ask(which, lambda *_: Reply.BUSY)

    @rule(which=st.integers(0, PAYMENTS - 1), reached=st.booleans())
    def site_dies_on_the_way(self, which: int, reached: bool) -> None:
        def exchange(asked: Ask, payment: Payment) -> None:
            if reached:
                self.served(asked, payment)

        self.ask(which, exchange)
        self.durable = [payment.found_after_restart() for payment in self.durable]

    @precondition(lambda self: self.partner.remembers)
    @rule(target=late, which=st.integers(0, PAYMENTS - 1))
    def request_dawdles(self, which: int) -> Payment:
        """A partner that serves after its caller gave up has to remember keys: none other is safe."""
        self.ask(which, lambda *_: Reply.SILENCE)
        return self.durable[which]

    @rule(payment=consumes(late))
    def dawdler_arrives(self, payment: Payment) -> None:
        if payment.state is PaymentState.UNSURE:
            self.partner.pay(payment)

    @rule()
    def partner_catches_up(self) -> None:
        """What it denied it now admits; what it need not remember it forgets."""
        if self.partner.remembers:
            self.partner.shown |= self.partner.known
        else:
            self.partner.known.clear()

    @rule(pause_us=st.integers(1, 60))
    def time_passes(self, pause_us: int) -> None:
        self.now_us += pause_us

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        assert all(times == 1 for times in self.partner.moved.values())

    @invariant()
    def what_the_site_says_is_true(self) -> None:
        for payment in self.durable:
            has_moved = payment.key in self.partner.moved
            if payment.state is PaymentState.PAID:
                assert has_moved
            if payment.state in (PaymentState.DUE, PaymentState.RETURNED) and not self.partner.remembers:
                assert not has_moved

    def teardown(self) -> None:
        """From here on everybody behaves: everything settles, and everybody with an open account is paid."""
        if not hasattr(self, "durable"):
            return
        self.durable = [payment.found_after_restart() for payment in self.durable]
        self.partner_catches_up()
        for _ in range(20):
            self.now_us += PAUSES.longest_us
            for which in range(PAYMENTS):
                self.ask(which, self.served)
        assert all(payment.state in SETTLED for payment in self.durable)
        for payment in self.durable:
            wanted = 0 if payment.state is PaymentState.RETURNED else 1
            assert self.partner.moved.get(payment.key, 0) == wanted
            assert (payment.state is PaymentState.RETURNED) == (payment.key in self.partner.closed)


TestPayouts = Payouts.TestCase
TestPayouts.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
