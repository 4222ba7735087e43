"""What the routes share about the applicant who asks: the row, the steps passed, and how a change becomes durable."""

from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile import Test
from gelombang.steps import PhotoKind
from gelombang_server.checking.states import RECEIVED, VALIDATED
from gelombang_server.config import ATTEMPT, CONTEXT
from gelombang_server.peoplestore import Cursor, Operation
from gelombang_server.problem import Problem

T = TypeVar("T")
_RANK = {RECEIVED: 1, VALIDATED: 2}


@dataclass(frozen=True, slots=True)
class Applicant:
    """One row of `applicants`, and what the step tables hold for it. The order of the fields is that of `_SELECT`."""

    email: str
    email_verified: bool
    nik: str | None
    kk: str | None
    birth_date: str | None
    address: str | None
    nik_state: str | None
    phone_verified: bool
    photo_states: dict[str, str]
    """By kind of those that were sent, as `photo_states` says it."""
    test_began_us: int | None
    test_handed_in: bool
    joined_wave: str | None

    def has_done_test(self, test: Test, now_us: int) -> bool:
        """Handed in; or, where answers are saved one by one, out of time."""
        if self.test_handed_in or not test.saves_each_answer or self.test_began_us is None:
            return self.test_handed_in
        return now_us > self.test_began_us + round(test.time_limit_seconds * MICROSECONDS)

    @property
    def photos(self) -> frozenset[str]:
        """The kinds that are stored and were not rejected."""
        return frozenset(kind for kind, state in self.photo_states.items() if state in _RANK)

    @property
    def rejected_photos(self) -> dict[str, str]:
        """The kinds that have to be sent again, and why."""
        return {kind: state for kind, state in self.photo_states.items() if state not in _RANK}

    @property
    def may_take_test(self) -> bool:
        """NIK verified, phone verified, both photos stored."""
        return self.nik_state == "verified" and self.phone_verified and self.photos.issuperset(PhotoKind)

    def require_email(self) -> None:
        """Raises Problem(step_not_open) before the link in the mail was followed."""
        if not self.email_verified:
            raise Problem(Code.STEP_NOT_OPEN, "the e-mail address is not verified yet; please follow the link in the mail")


_SELECT = """
SELECT a.email, a.email_verified_us IS NOT NULL, a.nik, a.kk, a.birth_date, a.address, a.nik_state, a.phone_verified_us IS NOT NULL,
       coalesce((SELECT group_concat(DISTINCT kind || ' ' || coalesce(verdict, '')) FROM photos LEFT JOIN photo_checks ON photo = photos.id
                 WHERE applicant = a.id), (SELECT states FROM photos_elsewhere WHERE applicant = a.id)),
       t.began_us, t.handed_in_us IS NOT NULL, j.wave
FROM applicants a LEFT JOIN tests t ON t.applicant = a.id LEFT JOIN joins j ON j.applicant = a.id
WHERE a.id = ?
"""


def find_applicant(cursor: Cursor, applicant: int) -> Applicant:
    """The applicant of a session. Raises Problem(session_invalid) when there is none (any more)."""
    row = cursor.execute(_SELECT, (applicant,)).fetchone()
    if row is None:
        raise Problem(Code.SESSION_INVALID, "the session belongs to nobody; please log in")
    email, verified, nik, kk, born, address, nik_state, phone_verified, kinds, began_us, handed_in, wave = row
    photos = photo_states(kinds)
    return Applicant(
        email, bool(verified), nik, kk, born, address, nik_state, bool(phone_verified), photos, began_us, bool(handed_in), wave
    )


def photo_states(found: str | None) -> dict[str, str]:
    """By kind: received, validated, or the code for which it was rejected. One that counts stands before one that does not, and of those
    that do, the one that was looked at."""
    states: dict[str, str] = {}
    for kind, verdict in (one.split(" ") for one in found.split(",")) if found else ():
        state = verdict or RECEIVED
        if kind not in states or _RANK.get(state, 0) > _RANK.get(states[kind], 0):
            states[kind] = state
    return states


async def commit(request: web.Request, operation: Operation[T]) -> T:
    """Run an operation for this request's attempt: it has reached the commit, and how long that took is noted."""
    attempt = request[ATTEMPT]
    attempt.stage = Stage.COMMIT
    began_us = monotonic_us()
    result = await request.app[CONTEXT].database.run(operation)
    attempt.stage_us("commit_us", monotonic_us() - began_us)
    return result
