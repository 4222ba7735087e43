"""How many messages wait to be sent, by kind: counted once, and from then on by what came and what was delivered since the last look.

Rows and deliveries are numbered in the order of their commits, so whoever remembers the newest of both has counted all before them. A look
then costs what happened since the one before it, however many wait and however many were ever delivered; the first one, of a process that
has just started, costs a look-up for each that waits. It is the database that is asked, so it does not matter which server wrote.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from gelombang_server.peoplestore import Cursor, PeopleStore

_WAITING = """
SELECT kind, count(*), 0, 0 FROM outbox WHERE delivered IS NULL GROUP BY kind
UNION ALL SELECT '', 0, coalesce(max(id), 0), 0 FROM outbox
UNION ALL SELECT '', 0, 0, coalesce(max(delivered), 0) FROM outbox WHERE delivered IS NOT NULL
"""
_SINCE = """
SELECT kind, count(*), max(id), 0 FROM outbox WHERE id > ? GROUP BY kind
UNION ALL SELECT kind, -count(*), 0, max(delivered) FROM outbox WHERE delivered > ? GROUP BY kind
"""
_Change: TypeAlias = "tuple[str, int, int, int]"
"""kind, by how many more wait, the newest row, the newest delivery. Those of one statement are of one moment."""


class _Seen(NamedTuple):
    """What stood at one moment."""

    waiting: Mapping[str, int]
    row: int
    delivery: int


class WaitingMessages:
    """The count of one process."""

    def __init__(self, database: PeopleStore) -> None:
        self._database = database
        self._seen: _Seen | None = None

    def forget(self) -> None:
        """Count everything the next time."""
        self._seen = None

    async def count(self) -> Mapping[str, int]:
        """How many wait now, by kind; a kind that never came may be absent. Raises Problem as the database's `read` does."""
        before = self._seen
        seen = _after(before or _Seen({}, 0, 0), await self._database.read(lambda cursor: _changes(cursor, before)))
        # What was forgotten meanwhile stays forgotten.
        if self._seen is before:
            self._seen = seen
        return seen.waiting


def _changes(cursor: Cursor, before: _Seen | None) -> list[_Change]:
    if before is None:
        return cursor.execute(_WAITING).fetchall()
    return cursor.execute(_SINCE, (before.row, before.delivery)).fetchall()


def _after(before: _Seen, changes: list[_Change]) -> _Seen:
    waiting = Counter(before.waiting)
    for kind, more, _, _ in changes:
        waiting[kind] += more
    row = max([before.row, *(row for _, _, row, _ in changes)])
    return _Seen(waiting, row, max([before.delivery, *(delivery for *_, delivery in changes)]))
