"""A NIK's benefits in the database: entries are added and never changed, inside the transaction of whatever happened."""

from collections.abc import Callable, Iterable

from gelombang.attempt import Code
from gelombang.programme.benefits import Account, Entry, Holding, Kind, Part, Refusal, Refused, Terms, lapse
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem

_ENTRIES = "SELECT kind, number, source, target, rupiah, at_us FROM benefit_entries WHERE nik = ? ORDER BY id"
_ADD = "INSERT INTO benefit_entries (nik, applicant, kind, number, source, target, rupiah, at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_UNTRAINED = """
SELECT nik, applicant FROM benefit_entries GROUP BY nik, applicant
HAVING min(at_us) < ? AND sum(CASE WHEN target IN ('spent', 'budget') THEN 1 ELSE 0 END) = 0
"""
_PROBLEMS = {
    Refusal.ONCE_IN_A_LIFETIME: (Code.BENEFIT_ONCE, "this NIK has had its benefits; they are given once in a lifetime"),
    Refusal.NOT_GRANTED: (Code.NOT_SELECTED, "benefits begin when you were drawn and have chosen a wallet"),
    Refusal.LAPSED: (Code.PLACE_LAPSED, "no training was bought in time, so the place went back"),
    Refusal.CREDIT_SPENT: (Code.CREDIT_SPENT, "the training costs more than what is left of your credit"),
    Refusal.TRAINING_FIRST: (Code.TRAINING_FIRST, "this comes after your first training"),
    Refusal.DONE_BEFORE: (Code.ALREADY_DONE, "this was done already"),
    Refusal.UNKNOWN_SURVEY: (Code.FIELD_INVALID, "there is no such survey"),
}


def holding_of(cursor: Cursor, nik: str) -> Holding:
    """What this NIK, as the database keeps it, has."""
    return Holding(
        Entry(Part(Kind(kind), number), Account(source), Account(target), rupiah, at_us)
        for kind, number, source, target, rupiah, at_us in cursor.execute(_ENTRIES, (nik,)).fetchall()
    )


def add_entries(cursor: Cursor, nik: str, applicant: int, entries: Iterable[Entry]) -> None:
    """Book them."""
    rows = [
        (nik, applicant, entry.part.kind.value, entry.part.number, entry.source.value, entry.target.value, entry.rupiah, entry.at_us)
        for entry in entries
    ]
    cursor.executemany(_ADD, rows)


def changed(cursor: Cursor, nik: str, applicant: int, change: Callable[[Holding], list[Entry]]) -> list[Entry]:
    """Book what `change` adds to the holding. Raises Problem by the name of what it refuses."""
    try:
        entries = change(holding_of(cursor, nik))
    except Refused as refused:
        raise Problem(*_PROBLEMS[refused.refusal]) from None
    add_entries(cursor, nik, applicant, entries)
    return entries


def lapse_places(cursor: Cursor, terms: Terms, now_us: int) -> int:
    """Take back every place whose first training was not bought in time; how many."""
    late = cursor.execute(_UNTRAINED, (now_us - terms.first_training_us,)).fetchall()
    for nik, applicant in late:
        changed(cursor, nik, applicant, lambda holding: lapse(holding, terms, now_us))
    return len(late)
