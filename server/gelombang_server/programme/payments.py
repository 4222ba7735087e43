"""Payments in the database: queued with what makes them due, begun before they are sent, and settled together with their entries."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gelombang.programme.benefits import Account, Entry, Kind, Part, send, settle
from gelombang.programme.payout import Payment, PaymentState
from gelombang_server.peoplestore import Cursor
from gelombang_server.programme.holdings import add_entries, holding_of

_QUEUE = """
INSERT INTO payments (key, applicant, nik, kind, number, partner, account, rupiah, state, not_before_us)
SELECT ?, applicant, ?, ?, ?, partner, account, ?, 'due', ? FROM wallets WHERE applicant = ?
"""
_OPEN = """
SELECT key, applicant, nik, kind, number, account, rupiah, state, tries, not_before_us FROM payments
WHERE partner = ? AND state IN ('due', 'unsure') AND not_before_us <= ? ORDER BY not_before_us LIMIT ?
"""
_RETURNED = "SELECT key, nik, kind, number FROM payments WHERE applicant = ? AND state = 'returned'"


@dataclass(frozen=True, slots=True)
class OpenPayment:
    """A payment and whose it is."""

    payment: Payment
    applicant: int
    nik: str
    part: Part


def payment_key(nik: str, part: Part, account: str) -> str:
    """Names a payment at its partner, and says nothing of the person."""
    return hashlib.sha256(f"{nik} {part.kind} {part.number} {account}".encode()).hexdigest()[:40]


def queue_payments(cursor: Cursor, nik: str, applicant: int, entries: Iterable[Entry]) -> None:
    """What became due is paid to the applicant's wallet, from the moment on that the entry says."""
    (account,) = cursor.execute("SELECT account FROM wallets WHERE applicant = ?", (applicant,)).fetchone()
    for entry in entries:
        if entry.target is Account.DUE:
            key = payment_key(nik, entry.part, account)
            row = (key, nik, entry.part.kind.value, entry.part.number, entry.rupiah, entry.at_us, applicant)
            cursor.execute(_QUEUE, row)


def queue_returned(cursor: Cursor, applicant: int, now_us: int) -> None:
    """What came back from a closed account is paid to the wallet chosen now."""
    (partner, account) = cursor.execute("SELECT partner, account FROM wallets WHERE applicant = ?", (applicant,)).fetchone()
    change = "UPDATE payments SET key = ?, partner = ?, account = ?, state = 'due', not_before_us = ? WHERE key = ?"
    for key, nik, kind, number in cursor.execute(_RETURNED, (applicant,)).fetchall():
        cursor.execute(change, (payment_key(nik, Part(Kind(kind), number), account), partner, account, now_us, key))


def open_payments(cursor: Cursor, partner: str, now_us: int, limit: int) -> list[OpenPayment]:
    """What a partner can be asked about now, the longest due first."""
    return [
        OpenPayment(Payment(key, account, rupiah, PaymentState(state), tries, not_before_us), applicant, nik, Part(Kind(kind), number))
        for key, applicant, nik, kind, number, account, rupiah, state, tries, not_before_us in cursor.execute(
            _OPEN, (partner, now_us, limit)
        ).fetchall()
    ]


def begin_sending(cursor: Cursor, found: Iterable[OpenPayment], now_us: int) -> list[OpenPayment]:
    """Those that are due are on the way from now on, whatever becomes of this process."""
    begun = []
    for one in found:
        if one.payment.state is PaymentState.DUE:
            holding = holding_of(cursor, one.nik)
            if holding.of(one.part, Account.DUE):
                add_entries(cursor, one.nik, one.applicant, send(holding, one.part, now_us))
            cursor.execute("UPDATE payments SET state = 'sending' WHERE key = ?", (one.payment.key,))
            begun.append(replace(one, payment=one.payment.sending()))
        else:
            begun.append(one)
    return begun


def keep_answers(cursor: Cursor, answered: Iterable[OpenPayment], now_us: int) -> None:
    """Where they stand now; a settled one's rupiah have arrived, or are due again."""
    for one in answered:
        payment = one.payment
        if payment.state in (PaymentState.PAID, PaymentState.RETURNED):
            paid = payment.state is PaymentState.PAID
            add_entries(cursor, one.nik, one.applicant, settle(holding_of(cursor, one.nik), one.part, now_us, is_paid=paid))
        row = (payment.state.value, payment.tries, payment.not_before_us, payment.key)
        cursor.execute("UPDATE payments SET state = ?, tries = ?, not_before_us = ? WHERE key = ?", row)


def doubt_what_was_sent(cursor: Cursor, partner: str) -> int:
    """Nobody knows what became of sends that were begun, and whose answers were not kept. How many."""
    return cursor.execute("UPDATE payments SET state = 'unsure' WHERE state = 'sending' AND partner = ?", (partner,)).rowcount
