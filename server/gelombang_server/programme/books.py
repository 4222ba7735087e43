"""Whether a programme's books balance.

Answers are compared with the test's time, people with draws, rupiah with the promise, payments with the partners' own books.
"""

from collections.abc import Iterator, Mapping

from gelombang.programme.benefits import Terms
from gelombang.programme.partner import PartnerBook
from gelombang.record_programme import ProgrammeBooks
from gelombang_server.peoplestore import Cursor

NAMED_LIMIT = 20
"""Breaches that are named; all are counted."""
_WAVES = """
SELECT d.wave, d.quota, d.joined, (SELECT count(*) FROM memberships m WHERE m.wave = d.wave),
(SELECT count(*) FROM selections s WHERE s.wave = d.wave),
(SELECT count(*) FROM selections s LEFT JOIN memberships m ON m.wave = s.wave AND m.applicant = s.applicant
 WHERE s.wave = d.wave AND m.applicant IS NULL), d.told FROM draws d ORDER BY d.wave
"""
_MOVED = """
SELECT nik, account, sum(rupiah) FROM (
SELECT nik, target AS account, rupiah FROM benefit_entries UNION ALL SELECT nik, source, -rupiah FROM benefit_entries
) AS moved GROUP BY nik, account
"""
_PAYMENTS = "SELECT key, partner, account, rupiah, state FROM payments"
_OTHER_NIK = """
SELECT count(*) FROM benefit_entries e WHERE NOT EXISTS (SELECT 1 FROM selections s WHERE s.applicant = e.applicant)
"""

_MEMBERS = "SELECT count(DISTINCT applicant) FROM memberships"
_TESTS = """
SELECT (SELECT count(*) FROM tests), (SELECT count(*) FROM tests WHERE handed_in_us IS NOT NULL), (SELECT count(*) FROM test_answers),
(SELECT count(*) FROM test_answers a LEFT JOIN tests t ON t.applicant = a.applicant
 WHERE t.began_us IS NULL OR a.saved_us > t.began_us + ?),
(SELECT count(*) FROM memberships m LEFT JOIN tests t ON t.applicant = m.applicant WHERE t.applicant IS NULL)
"""


def read_books(cursor: Cursor, terms: Terms, partners: Mapping[str, PartnerBook], test_us: int) -> ProgrammeBooks:
    """Compare everything with everything; a test lasts `test_us`. Payments under way are none of anybody's fault."""
    waves = {
        wave: {"quota": quota, "joined": joined, "members": members, "selected": selected, "strangers": strangers, "told": told}
        for wave, quota, joined, members, selected, strangers, told in cursor.execute(_WAVES).fetchall()
    }
    holdings: dict[str, dict[str, int]] = {}
    for nik, account, moved in cursor.execute(_MOVED).fetchall():
        holdings.setdefault(nik, {})[account] = int(moved)
    payments = [tuple(row) for row in cursor.execute(_PAYMENTS).fetchall()]
    (strangers,) = cursor.execute(_OTHER_NIK).fetchone()
    (members,) = cursor.execute(_MEMBERS).fetchone()
    begun, handed_in, answers, late, untested = cursor.execute(_TESTS, (test_us,)).fetchone()
    rupiah: dict[str, int] = {}
    for accounts in holdings.values():
        for account, held in accounts.items():
            rupiah[account] = rupiah.get(account, 0) + held
    states: dict[str, int] = {}
    for *_, state in payments:
        states[state] = states.get(state, 0) + 1
    breaches = [
        *_wave_breaches(waves),
        *_holding_breaches(holdings, terms),
        *_payment_breaches(payments, partners, rupiah.get("paid", 0)),
        *([f"{strangers} entries belong to people whom no draw chose"] if strangers else []),
        *([f"{late} answers were saved outside their test's time"] if late else []),
        *([f"{untested} places in a wave belong to people who took no test"] if untested else []),
    ]
    paid = sum(amount for book in partners.values() for _, amount in book.paid.values())
    return ProgrammeBooks(
        waves=waves,
        rupiah=rupiah,
        payments=states,
        paid_rupiah=paid,
        members=members,
        tests={"begun": begun, "handed_in": handed_in, "answers": answers},
        breaches=len(breaches),
        named=breaches[:NAMED_LIMIT],
    )


def _wave_breaches(waves: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for wave, found in waves.items():
        wanted = min(found["quota"], found["joined"])
        if found["selected"] != wanted:
            yield f"{wave}: {found['selected']} were drawn; want {wanted}"
        if found["members"] != found["joined"]:
            yield f"{wave}: {found['members']} had joined, and the draw was held over {found['joined']}"
        if found["strangers"]:
            yield f"{wave}: {found['strangers']} were drawn who had not joined"


def _holding_breaches(holdings: Mapping[str, Mapping[str, int]], terms: Terms) -> Iterator[str]:
    for number, accounts in enumerate(holdings.values(), 1):
        if sum(accounts.values()) != 0:
            yield f"holding {number}: rupiah were made or lost"
        if any(held < 0 for account, held in accounts.items() if account != "budget"):
            yield f"holding {number}: an account is below zero"
        if -accounts.get("budget", 0) not in (0, terms.total_rupiah):
            yield f"holding {number}: {-accounts.get('budget', 0)} rupiah were given; want {terms.total_rupiah}, or all of it back"


def _payment_breaches(payments: list[tuple[str, str, str, int, str]], partners: Mapping[str, PartnerBook], paid: int) -> Iterator[str]:
    ours = {key: (partner, account, rupiah, state) for key, partner, account, rupiah, state in payments}
    if (settled := sum(rupiah for _, _, rupiah, state in ours.values() if state == "paid")) != paid:
        yield f"payments of {settled} rupiah are made, and {paid} are booked as paid"
    for name, book in partners.items():
        if book.moves != len(book.paid):
            yield f"{name}: {book.moves - len(book.paid)} payments were made twice"
        for key, (account, rupiah) in book.paid.items():
            if (found := ours.get(key)) is None or found[:3] != (name, account, rupiah):
                yield f"{name}: paid under {key[:8]}… what nobody asked for"
            elif found[3] == "returned":
                yield f"{name}: paid under {key[:8]}… what it had refused"
    for key, (partner, _, _, state) in ours.items():
        if state == "paid" and key not in partners[partner].paid:
            yield f"{partner}: {key[:8]}… is booked as paid and was not"
