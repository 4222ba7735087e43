"""The test: questions, and a clock that the site keeps.

The first questions ask what somebody wants (every answer is right), the other ones are small sums, made from their number: the same for
everybody, so that nothing has to be kept. The server's time decides; a script only shows it.
"""

from dataclasses import dataclass

from aiohttp import web

from gelombang.clock import MICROSECONDS
from gelombang_server.config import CONTEXT
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import Words, clock_time, go_to, words
from gelombang_server.pages.forms import FieldProblem, checked, draw_form, read_form, shown
from gelombang_server.pages.registering import asker
from gelombang_server.pages.visitor import Visitor
from gelombang_server.problem import Problem
from gelombang_server.test import Answers, finish_test, start_test

MOTIVES = 6
CHOICES = 4


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answers, which count from 1."""

    number: int
    text: str
    choices: tuple[str, ...]


def question(w: Words, number: int) -> Question:
    """The question of this number, from 1."""
    if number <= MOTIVES:
        return Question(number, w[f"motive_{number}"], tuple(w[f"agree_{one}"] for one in range(1, CHOICES + 1)))
    first, second = 3 + number * 7 % 19, 2 + number * 5 % 13
    right = first + second
    choices = tuple(str(right + shift - number % CHOICES) for shift in range(CHOICES))
    return Question(number, w["sum"].format(first=first, second=second), choices)


@shown
async def test_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /tes"""
    return await _draw(request, visitor, {})


@shown
async def begin(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /tes/mulai"""
    applicant_id = visitor.require()
    await read_form(request, visitor)
    await start_test(request, applicant_id)
    return go_to(request, visitor, "/tes")


@shown
async def hand_in_answers(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /tes"""
    applicant_id = visitor.require()
    form = await read_form(request, visitor)
    count = request.app[CONTEXT].profile.test.questions
    given = {number: form[f"answer-{number}"] for number in range(1, count + 1) if f"answer-{number}" in form}
    try:
        if len(given) != count:
            raise FieldProblem("answers")
        answers = [int(one) if one in {"1", "2", "3", "4"} else 0 for one in given.values()]
        await finish_test(request, applicant_id, checked(Answers, answers=answers).answers)
    except Problem as problem:
        await _draw(request, visitor, given, problem)
        raise
    return go_to(request, visitor, "/status")


async def _draw(request: web.Request, visitor: Visitor, given: dict[int, str], problem: Problem | None = None) -> PageAnswer:
    applicant, context, w = await asker(request, visitor), request.app[CONTEXT], words(visitor.language)
    if applicant.has_done_test(context.profile.test, context.now_us()):
        return go_to(request, visitor, "/status")
    test = context.profile.test
    left_seconds = test.time_limit_seconds
    if applicant.test_began_us is not None:
        left_seconds -= (context.now_us() - applicant.test_began_us) / MICROSECONDS
    return draw_form(
        request,
        visitor,
        "test",
        problem,
        may_begin=applicant.may_take_test,
        has_begun=applicant.test_began_us is not None,
        questions=[question(w, number) for number in range(1, test.questions + 1)],
        given=given,
        minutes=max(1, round(test.time_limit_seconds / 60)),
        left_seconds=max(0, round(left_seconds)),
        until=clock_time(max(0.0, left_seconds)),
    )
