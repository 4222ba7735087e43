"""The test of motivation and basic ability: begun once, handed in once, within its time."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from gelombang.attempt import Code
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import commit, find_applicant
from gelombang_server.bodies import Fields, read_json
from gelombang_server.config import CONTEXT
from gelombang_server.idempotency import commit_once, once
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.sessions import require_session


class Answers(Fields):
    answers: Annotated[list[Annotated[int, Field(ge=1, le=4)]], Field(max_length=1_000)]


async def begin_test(request: web.Request) -> Answer:
    """POST /api/v1/me/test"""
    await start_test(request, require_session(request))
    test = request.app[CONTEXT].profile.test
    return json_answer({"questions": test.questions, "seconds": test.time_limit_seconds}, 201)


async def start_test(request: web.Request, applicant_id: int) -> None:
    """Its time runs from now on. Raises Problem: already_done, step_not_open."""
    context = request.app[CONTEXT]
    wanted, now_us = once(request, applicant_id), context.now_us()

    def begin(cursor: Cursor) -> int:
        applicant = find_applicant(cursor, applicant_id)
        if applicant.test_began_us is not None:
            raise Problem(Code.ALREADY_DONE, "the test was begun already")
        if not applicant.may_take_test:
            raise Problem(Code.STEP_NOT_OPEN, "the test needs a verified NIK, a verified phone and both photos")
        cursor.execute("INSERT INTO tests (applicant, began_us) VALUES (?, ?)", (applicant_id, now_us))
        return applicant_id

    await commit_once(request, wanted, begin)


async def hand_in_test(request: web.Request) -> Answer:
    """PUT /api/v1/me/test: handing in again changes nothing."""
    applicant_id = require_session(request)
    await finish_test(request, applicant_id, (await read_json(request, Answers)).answers)
    return json_answer({"state": "scored"})


async def finish_test(request: web.Request, applicant_id: int, answers: list[int]) -> None:
    """It is handed in. Raises Problem: field_invalid, step_not_open, test_time_over."""
    context = request.app[CONTEXT]
    test, now_us = context.profile.test, context.now_us()
    if len(answers) != test.questions:
        raise Problem(Code.FIELD_INVALID, f"answers: {len(answers)} were given; want {test.questions}")
    limit_us = round(test.time_limit_seconds * 1e6)

    def hand_in(cursor: Cursor) -> bool:
        applicant = find_applicant(cursor, applicant_id)
        if applicant.test_began_us is None:
            raise Problem(Code.STEP_NOT_OPEN, "the test was not begun yet")
        if applicant.test_handed_in:
            return False
        if now_us > applicant.test_began_us + limit_us:
            raise Problem(Code.TEST_TIME_OVER, "the time of the test is over")
        cursor.execute("UPDATE tests SET handed_in_us = ?, answers = ? WHERE applicant = ?", (now_us, bytes(answers), applicant_id))
        return True

    if await commit(request, hand_in):
        context.metrics.passed("test").inc()
