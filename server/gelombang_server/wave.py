"""Joining a wave: the end of the registration."""

from aiohttp import web

from gelombang.attempt import Code
from gelombang.profile import Profile
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import find_applicant
from gelombang_server.bodies import Fields, read_json
from gelombang_server.config import CONTEXT
from gelombang_server.idempotency import commit_once, once
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.sessions import require_session


class Consent(Fields):
    accept_terms: bool


async def join_wave(request: web.Request) -> Answer:
    """POST /api/v1/me/waves/{wave}"""
    applicant_id, wave = require_session(request), request.match_info["wave"]
    require_known(wave, request.app[CONTEXT].profile)
    await enter_wave(request, applicant_id, wave, await read_json(request, Consent))
    return json_answer({"state": "waiting_for_wave_to_close"}, 201)


def require_known(wave: str, profile: Profile) -> None:
    """Raises Problem(wave_unknown)."""
    if wave not in profile.waves:
        raise Problem(Code.WAVE_UNKNOWN, f"there is no such wave; want one of {', '.join(profile.waves)}")


async def enter_wave(request: web.Request, applicant_id: int, wave: str, fields: Consent) -> None:
    """The applicant is in it. Raises Problem: field_invalid, already_done, step_not_open."""
    context = request.app[CONTEXT]
    if not fields.accept_terms:
        raise Problem(Code.FIELD_INVALID, "accept_terms: want true")
    wanted, now_us = once(request, applicant_id, fields), context.now_us()

    def join(cursor: Cursor) -> int:
        applicant = find_applicant(cursor, applicant_id)
        if applicant.joined_wave is not None:
            raise Problem(Code.ALREADY_DONE, f"you have joined {applicant.joined_wave}")
        if not applicant.has_done_test(context.profile.test, now_us):
            raise Problem(Code.STEP_NOT_OPEN, "the test was not handed in yet")
        cursor.execute("INSERT INTO joins (applicant, wave, joined_us) VALUES (?, ?, ?)", (applicant_id, wave, now_us))
        return applicant_id

    done = await commit_once(request, wanted, join)
    if not done.is_again:
        context.metrics.passed("join").inc()
