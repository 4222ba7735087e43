"""Personal data: checked for structure at once, by the civil registry later."""

from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from gelombang.attempt import Code
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import commit, find_applicant
from gelombang_server.bodies import Fields, read_json
from gelombang_server.config import CONTEXT
from gelombang_server.nik import AGE_LIMIT_YEARS, OPENING_DAY, is_born_on, is_old_enough, nik_fault
from gelombang_server.peoplestore import Cursor, TakenError
from gelombang_server.problem import Problem
from gelombang_server.registry import queue_lookup
from gelombang_server.sessions import require_session


class PersonalData(Fields):
    nik: Annotated[str, StringConstraints(max_length=32)]
    kk: Annotated[str, StringConstraints(pattern=r"^[0-9]{16}$")] | None = Field(default=None, description="16 digits, or nothing")
    birth_date: date = Field(description="a day such as 1990-12-31")
    address: Annotated[str, StringConstraints(min_length=1, max_length=300)]


async def put_data(request: web.Request) -> Answer:
    """PUT /api/v1/me/data: the same data again changes nothing; other data only before it is with the registry, or after it was unknown."""
    applicant_id = require_session(request)
    return json_answer({"state": await hand_in_data(request, applicant_id, await read_json(request, PersonalData))}, 202)


async def hand_in_data(request: web.Request, applicant_id: int, fields: PersonalData) -> str:
    """How the NIK stands now. Raises Problem: nik_invalid, birth_date_mismatch, field_invalid, nik_taken, already_done, step_not_open,
    registry_queue_full."""
    _check(fields)
    context = request.app[CONTEXT]
    now_us, queue_limit = context.now_us(), context.profile.registry.queue_limit
    seal = context.seal
    nik, kk = seal.close("nik", fields.nik), None if fields.kk is None else seal.close("kk", fields.kk)
    data = (nik, kk, fields.birth_date.isoformat(), fields.address)

    def store(cursor: Cursor) -> tuple[str, bool]:
        applicant = find_applicant(cursor, applicant_id)
        applicant.require_email()
        if (applicant.nik, applicant.kk, applicant.birth_date, applicant.address) == data:
            assert applicant.nik_state is not None
            return applicant.nik_state, False
        if applicant.nik_state in ("being_checked", "verified"):
            raise Problem(Code.ALREADY_DONE, "other data was handed in already")
        try:
            cursor.execute(
                "UPDATE applicants SET nik = ?, kk = ?, birth_date = ?, address = ?, nik_state = 'being_checked' WHERE id = ?",
                (*data, applicant_id),
            )
        except TakenError:
            raise Problem(Code.NIK_TAKEN, "this NIK is registered already") from None
        queue_lookup(cursor, applicant_id, nik, now_us, queue_limit)
        return "being_checked", applicant.nik is None

    state, is_first = await commit(request, store)
    if is_first:
        context.metrics.passed("data").inc()
    return state


def _check(fields: PersonalData) -> None:
    if (fault := nik_fault(fields.nik)) is not None:
        raise Problem(Code.NIK_INVALID, fault)
    if not is_born_on(fields.nik, fields.birth_date):
        raise Problem(Code.BIRTH_DATE_MISMATCH, "NIK and date of birth do not belong together")
    if not is_old_enough(fields.birth_date):
        raise Problem(Code.FIELD_INVALID, f"birth_date: want {AGE_LIMIT_YEARS} years or older on {OPENING_DAY}")
