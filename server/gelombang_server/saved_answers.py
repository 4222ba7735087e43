"""A test whose answers are saved one by one: each is a small durable write, and the site's clock ends the test.

The same answer again changes nothing, another one to the same question replaces it, until the test is handed in or its time is over. What
was saved by then counts: nobody has to come back to hand in, and nothing has to run when somebody's time ends, because whether it has
follows from when the test began (`Applicant.has_done_test`). Scoring is left out, as everywhere: the draw does not ask for a score.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import commit
from gelombang_server.bodies import Fields, read_json
from gelombang_server.config import CONTEXT, SiteContext
from gelombang_server.idempotency import commit_once, once
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.sessions import require_session

_SAVE = """
INSERT INTO test_answers (applicant, question, answer, saved_us) VALUES (?, ?, ?, ?)
ON CONFLICT (applicant, question) DO UPDATE SET answer = excluded.answer, saved_us = excluded.saved_us
WHERE test_answers.answer <> excluded.answer
"""


class Choice(Fields):
    """The answer to one question."""

    answer: Annotated[int, Field(ge=1, le=4)]


class SittingState(StrEnum):
    """How far somebody is with the test."""

    NOT_BEGUN = "not_begun"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    """Handed in, or out of time."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """One person's test."""

    began_us: int | None
    handed_in: bool
    ends_us: int
    """With the last moment in which an answer is taken."""

    def state(self, now_us: int) -> SittingState:
        if self.began_us is None:
            return SittingState.NOT_BEGUN
        return SittingState.DONE if self.handed_in or now_us > self.ends_us else SittingState.IN_PROGRESS

    def require_progress(self, now_us: int) -> None:
        """Raises Problem: step_not_open, already_done, test_time_over."""
        if self.began_us is None:
            raise Problem(Code.STEP_NOT_OPEN, "the test was not begun yet")
        if self.handed_in:
            raise Problem(Code.ALREADY_DONE, "the test was handed in already")
        if now_us > self.ends_us:
            raise Problem(Code.TEST_TIME_OVER, "the time of the test is over; what was saved counts")


def find_sitting(cursor: Cursor, applicant: int, limit_us: int) -> Sitting:
    """The test of somebody, begun or not."""
    row = cursor.execute("SELECT began_us, handed_in_us IS NOT NULL FROM tests WHERE applicant = ?", (applicant,)).fetchone()
    return Sitting(None, False, 0) if row is None else Sitting(row[0], bool(row[1]), row[0] + limit_us)


def find_answers(cursor: Cursor, applicant: int) -> dict[int, int]:
    """What is saved, by question, from 1."""
    rows = cursor.execute("SELECT question, answer FROM test_answers WHERE applicant = ? ORDER BY question", (applicant,)).fetchall()
    return {int(question): int(answer) for question, answer in rows}


def keep_answer(cursor: Cursor, applicant: int, question: int, answer: int, now_us: int, limit_us: int) -> None:
    """Raises Problem: step_not_open, already_done, test_time_over."""
    find_sitting(cursor, applicant, limit_us).require_progress(now_us)
    cursor.execute(_SAVE, (applicant, question, answer, now_us))


def hand_in_answers(cursor: Cursor, applicant: int, questions: int, now_us: int, limit_us: int) -> int:
    """What is saved is the test; how many answers that are. Raises Problem: step_not_open, already_done, test_time_over."""
    find_sitting(cursor, applicant, limit_us).require_progress(now_us)
    saved = find_answers(cursor, applicant)
    whole = bytes(saved.get(question, 0) for question in range(1, questions + 1))
    cursor.execute("UPDATE tests SET handed_in_us = ?, answers = ? WHERE applicant = ?", (now_us, whole, applicant))
    return len(saved)


async def look_at_test(request: web.Request) -> Answer:
    """GET /api/v1/me/test: where to go on, on this phone or another."""
    applicant_id = require_session(request)
    context = request.app[CONTEXT]
    questions, now_us, limit_us = context.profile.test.questions, context.now_us(), _limit_us(context)

    def find(cursor: Cursor) -> tuple[Sitting, dict[int, int]]:
        return find_sitting(cursor, applicant_id, limit_us), find_answers(cursor, applicant_id)

    sitting, saved = await context.database.read(find)
    state = sitting.state(now_us)
    left_us = sitting.ends_us - now_us if state is SittingState.IN_PROGRESS else 0
    return json_answer(
        {
            "state": state,
            "questions": questions,
            "saved": len(saved),
            "complete": len(saved) == questions,
            "next": next((one for one in range(1, questions + 1) if one not in saved), None),
            "left_seconds": left_us / MICROSECONDS,
        }
    )


async def save_answer(request: web.Request) -> Answer:
    """PUT /api/v1/me/test/answers/{question}"""
    applicant_id = require_session(request)
    context = request.app[CONTEXT]
    question = _question(request.match_info["question"], context.profile.test.questions)
    choice = await read_json(request, Choice)
    now_us, limit_us = context.now_us(), _limit_us(context)
    await commit(request, lambda cursor: keep_answer(cursor, applicant_id, question, choice.answer, now_us, limit_us))
    return json_answer({"question": question, "answer": choice.answer})


async def hand_in_saved(request: web.Request) -> Answer:
    """POST /api/v1/me/test/handed-in: once."""
    applicant_id = require_session(request)
    context = request.app[CONTEXT]
    questions, now_us, limit_us = context.profile.test.questions, context.now_us(), _limit_us(context)
    wanted = once(request, applicant_id)
    done = await commit_once(request, wanted, lambda cursor: hand_in_answers(cursor, applicant_id, questions, now_us, limit_us))
    if not done.is_again:
        context.metrics.passed("test").inc()
    return json_answer({"state": "scored", "saved": done.result})


def _question(text: str, questions: int) -> int:
    """Raises Problem(field_invalid)."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(questions)) else 0
    if not 1 <= number <= questions:
        raise Problem(Code.FIELD_INVALID, f"question: {text} is none of this test; want a number from 1 to {questions}")
    return number


def _limit_us(context: SiteContext) -> int:
    return round(context.profile.test.time_limit_seconds * MICROSECONDS)
