"""Joining a wave under the programme: one membership at a time, and with one request again for whoever was not drawn."""

from aiohttp import web

from gelombang.attempt import Code
from gelombang.programme.wave import JoinFault, Membership, Wave, join_fault
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import find_applicant
from gelombang_server.bodies import read_json
from gelombang_server.config import CONTEXT
from gelombang_server.idempotency import commit_once, once
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.programme.calendar import Calendar
from gelombang_server.programme.parts import PROGRAMME
from gelombang_server.sessions import require_session
from gelombang_server.wave import Consent, require_known

_FAULTS = {
    JoinFault.NOT_OPEN_YET: (Code.WAVE_NOT_OPEN, "this wave is not open yet"),
    JoinFault.CLOSED: (Code.WAVE_CLOSED, "this wave is closed; please join the next one"),
    JoinFault.MEMBER_ALREADY: (Code.MEMBER_ALREADY, "you were in this wave, or are in another whose result is not out"),
    JoinFault.SELECTED_ALREADY: (Code.SELECTED_ALREADY, "you were drawn already"),
}
_BECOME = """
INSERT INTO joins (applicant, wave, joined_us) VALUES (?, ?, ?)
ON CONFLICT (applicant) DO UPDATE SET wave = excluded.wave, joined_us = excluded.joined_us
"""


async def join_programme_wave(request: web.Request) -> Answer:
    """POST /api/v1/me/waves/{wave}"""
    applicant_id, wave = require_session(request), request.match_info["wave"]
    require_known(wave, request.app[CONTEXT].profile)
    await enter_programme_wave(request, applicant_id, wave, await read_json(request, Consent))
    return json_answer({"state": "waiting_for_wave_to_close"}, 201)


async def enter_programme_wave(request: web.Request, applicant_id: int, name: str, fields: Consent) -> None:
    """The applicant is in it. Raises Problem: field_invalid, wave_not_open, wave_closed, member_already, selected_already, step_not_open,
    benefit_once."""
    context, programme = request.app[CONTEXT], request.app[PROGRAMME]
    calendar = programme.calendar
    wave = calendar.wave(name)
    assert wave is not None, f"{name} is no wave of this profile"
    if not fields.accept_terms:
        raise Problem(Code.FIELD_INVALID, "accept_terms: want true")
    wanted, now_us = once(request, applicant_id, fields), context.now_us()

    def join(cursor: Cursor) -> int:
        applicant = find_applicant(cursor, applicant_id)
        _require_joinable(cursor, calendar, wave, applicant_id, applicant.joined_wave, now_us)
        if not applicant.has_done_test(context.profile.test, now_us):
            raise Problem(Code.STEP_NOT_OPEN, "the test was not handed in yet")
        require_first_benefit(cursor, applicant_id, applicant.nik)
        cursor.execute(_BECOME, (applicant_id, wave.name, now_us))
        cursor.execute("INSERT INTO memberships (wave, applicant, joined_us) VALUES (?, ?, ?)", (wave.name, applicant_id, now_us))
        return applicant_id

    done = await commit_once(request, wanted, join)
    if not done.is_again:
        context.metrics.passed("join").inc()
        programme.looks.saw(applicant_id, programme.looks.number_of(wave))


def require_first_benefit(cursor: Cursor, applicant: int, nik: str | None) -> None:
    """Raises Problem(benefit_once) when this NIK was granted benefits under another account."""
    find = "SELECT 1 FROM benefit_entries WHERE nik = ? AND applicant <> ?"
    if nik is not None and cursor.execute(find, (nik, applicant)).fetchone() is not None:
        raise Problem(Code.BENEFIT_ONCE, "this NIK has had its benefits; they are given once in a lifetime")


def _require_joinable(cursor: Cursor, calendar: Calendar, wave: Wave, applicant: int, latest: str | None, now_us: int) -> None:
    """Read in the transaction that joins: a draw of any process before it counts."""
    membership = None
    if latest is not None:
        before = calendar.wave(latest)
        assert before is not None, f"{latest} is no wave of this profile"
        row = cursor.execute("SELECT published_us FROM draws WHERE wave = ?", (latest,)).fetchone()
        is_selected = cursor.execute("SELECT 1 FROM selections WHERE applicant = ?", (applicant,)).fetchone() is not None
        membership = Membership(before, None if row is None else row[0], is_selected)
    fault = join_fault(wave, membership, now_us)
    if fault is None and cursor.execute("SELECT 1 FROM draws WHERE wave = ?", (wave.name,)).fetchone() is not None:
        fault = JoinFault.CLOSED
    if fault is not None:
        raise Problem(*_FAULTS[fault])
