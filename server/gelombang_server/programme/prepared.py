"""People who were there before the run: rows as their registration would have left them, made before anybody is served.

They are the run's own people (`gelombang.person`), so that whoever walks a journey as one of them logs in with their address and password.
Their photos are those of an earlier run and not in this one's store: where the test is theirs to take, that is written beside.
"""

from collections.abc import Iterator

import numpy as np
from argon2 import PasswordHasher

from gelombang.person import Identity, address, birth_date, email, kk, name, nik, password, phone
from gelombang.profile import Profile
from gelombang.runplan import PreparedPeople, ServerPlan
from gelombang.scale import scaled
from gelombang.seeds import Purpose, unit_array
from gelombang.steps import PhotoKind
from gelombang_server.checking.states import VALIDATED
from gelombang_server.passwords import hasher
from gelombang_server.peoplestore import Cursor
from gelombang_server.sealing import Seal

_ROW = """
INSERT INTO applicants (id, email, name, password_hash, created_us, email_verified_us, nik, kk, birth_date, address, nik_state, phone,
phone_verified_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'verified', ?, ?)
"""
LONG_AGO_US = -(1 << 50)
"""When they did all of it: before any wave closed."""
_BOTH_PHOTOS = ",".join(f"{kind.value} {VALIDATED}" for kind in PhotoKind)
_NO_PASSWORD = "nobody logs in here"


def prepare_people(cursor: Cursor, plan: ServerPlan, prepared: PreparedPeople) -> int:
    """Make them; how many. A site that has them already is left as it is."""
    if cursor.execute("SELECT 1 FROM applicants LIMIT 1").fetchone() is not None:
        return 0
    profile: Profile = scaled(plan.profile, plan.scale.scale())
    seal = Seal.from_environment() if profile.credentials.seals_identity else Seal(None)
    hashes, people = hasher(profile.password), chosen_people(plan.seed, prepared)
    cursor.executemany(_ROW, _rows(plan, prepared, people, seal, hashes))
    count = len(people)
    ids = range(1, count + 1)
    if prepared.photos:
        cursor.executemany("INSERT INTO photos_elsewhere (applicant, states) VALUES (?, ?)", ((one, _BOTH_PHOTOS) for one in ids))
    if prepared.wave is not None:
        tests = "INSERT INTO tests (applicant, began_us, handed_in_us) VALUES (?, ?, ?)"
        cursor.executemany(tests, ((one, LONG_AGO_US, LONG_AGO_US) for one in ids))
        for table in ("joins", "memberships"):
            insert = f"INSERT INTO {table} (applicant, wave, joined_us) VALUES (?, ?, ?)"
            cursor.executemany(insert, ((one, prepared.wave, LONG_AGO_US) for one in ids))
    return count


def chosen_people(seed: int, prepared: PreparedPeople) -> list[int]:
    """Their indexes: of those who come, a share; of those who never come, all."""
    coming = np.arange(prepared.coming, dtype=np.int64)
    known = coming[unit_array(seed, coming, Purpose.THERE_BEFORE) < prepared.ratio].tolist()
    return [*known, *range(prepared.coming, prepared.coming + prepared.others)]


def _rows(
    plan: ServerPlan, prepared: PreparedPeople, people: list[int], seal: Seal, hashes: PasswordHasher
) -> Iterator[tuple[int | str, ...]]:
    for number, index in enumerate(people, 1):
        who = Identity(plan.seed, index, plan.run)
        secret = hashes.hash(password(who)) if index < prepared.coming else _NO_PASSWORD
        sealed = (seal.close("nik", nik(who)), seal.close("kk", kk(who)))
        born, lives, number_of_phone = birth_date(who).isoformat(), address(who), phone(who)
        yield number, email(who), name(who), secret, LONG_AGO_US, LONG_AGO_US, *sealed, born, lives, number_of_phone, LONG_AGO_US
