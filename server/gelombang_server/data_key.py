"""Holds every server of a database, and every start over it, to one key of identity numbers.

Whoever opens the database first leaves the fingerprint of its key there; whoever comes later and has another is refused before it serves.
In a database whose numbers were sealed before fingerprints were kept, the first to leave one must open such a number.

Left out: exchanging the key for another, for which every number would have to be sealed anew.
"""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from gelombang.errors import HostError, InputError
from gelombang.runplan import ServerPlan
from gelombang_server.peoplestore import Cursor
from gelombang_server.sealing import KEY_VARIABLE, SEALED_PREFIX, Seal, ensure_key

SHOWN_DIGITS = 8
"""Of a fingerprint, in a sentence."""
_WANTED = "want the key that this database was first opened with, the same for all of its servers"


@dataclass(frozen=True, slots=True)
class DataKey:
    """What one start of a server seals with; `found` says where that comes from."""

    seal: Seal
    found: str


def data_key(plan: ServerPlan) -> DataKey:
    """The key in the environment, drawn into it where there is none. Raises InputError for one that can't be a key."""
    if not plan.profile.credentials.seals_identity:
        return DataKey(Seal(None), f"profile {plan.profile.name} seals none (seals_identity)")
    is_drawn = KEY_VARIABLE not in os.environ
    ensure_key()
    seal = Seal.from_environment()
    return DataKey(seal, f"{KEY_VARIABLE} is not set" if is_drawn else f"{KEY_VARIABLE} holds {_shown(seal.fingerprint)}")


def hold_to_one_key(cursor: Cursor, key: DataKey, where: str) -> None:
    """Leave the key's fingerprint where there is none yet. Raises InputError when the database `where` has another's."""
    fingerprint, kept = key.seal.fingerprint, _kept(cursor)
    if kept is None:
        if fingerprint is None:
            return
        _open_one(cursor, key, where)
        cursor.execute("INSERT INTO data_key (id, fingerprint) VALUES (1, ?) ON CONFLICT DO NOTHING", (fingerprint,))
        # Another server may have come first meanwhile.
        kept = _kept(cursor)
    if kept != fingerprint:
        raise InputError(f"{where}: its identity numbers are sealed under the key {_shown(kept)}, and {key.found}; {_WANTED}")


def hold_file_to_one_key(path: Path, key: DataKey) -> None:
    """`hold_to_one_key` for a database in a file."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        hold_to_one_key(cursor, key, str(path))
        cursor.execute("COMMIT")
    finally:
        connection.close()


def _kept(cursor: Cursor) -> str | None:
    row = cursor.execute("SELECT fingerprint FROM data_key").fetchone()
    return None if row is None else str(row[0])


def _open_one(cursor: Cursor, key: DataKey, where: str) -> None:
    sealed = f"SELECT nik FROM applicants WHERE substr(nik, 1, {len(SEALED_PREFIX)}) = ? LIMIT 1"
    row = cursor.execute(sealed, (SEALED_PREFIX,)).fetchone()
    if row is None:
        return
    try:
        key.seal.open("nik", row[0])
    except HostError:
        raise InputError(f"{where}: its identity numbers are sealed under another key, and {key.found}; {_WANTED}") from None


def _shown(fingerprint: str | None) -> str:
    assert fingerprint is not None, "only keys are shown"
    return fingerprint[:SHOWN_DIGITS]
