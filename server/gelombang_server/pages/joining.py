"""Joining a wave, and what became of it: the same states, to the second, as programs are told.

A profile with a programme has a calendar, a draw and a next wave; one without ends with joining.
"""

from dataclasses import dataclass

import orjson
from aiohttp import web

from gelombang.clock import MICROSECONDS
from gelombang.programme.wave import Shown, Wave
from gelombang_server.config import CONTEXT
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import DAY_SECONDS, Words, go_to, told_day, words
from gelombang_server.pages.forms import FieldProblem, checked, draw_form, read_form, shown
from gelombang_server.pages.registering import asker
from gelombang_server.pages.visitor import Visitor
from gelombang_server.problem import Problem
from gelombang_server.programme.calendar import Calendar
from gelombang_server.programme.joining import enter_programme_wave
from gelombang_server.programme.parts import PROGRAMME
from gelombang_server.wave import Consent, enter_wave, require_known

_CAN_JOIN = frozenset({Shown.NOT_JOINED, Shown.NOT_YET_SUCCESSFUL})


@dataclass(frozen=True, slots=True)
class WaveView:
    """One person's view of the waves; texts are empty where there is nothing to say."""

    state: str
    wave: str
    """Which one they are in, as people say it."""
    when: str
    """What comes next in it, and when."""
    joinable: str
    """The name of the wave that they can join now."""
    joinable_title: str
    joinable_when: str
    """Until when it is open."""
    opens: str
    """When the next one opens."""
    now: str
    """What the programme's calendar shows."""


def wave_title(w: Words, names: list[str], name: str) -> str:
    """A wave of the profile, as people say it."""
    return w["wave_name"].format(n=names.index(name) + 1)


def calendar_view(w: Words, calendar: Calendar, wave: Wave | None, state: Shown, now_us: int) -> WaveView:
    """With a programme."""
    names = [one.name for one in calendar.waves]
    when = ""
    if wave is not None:
        held = calendar.draws.get(wave.name)
        result_us = wave.publishes_us if held is None else held.published_us
        if state is Shown.WAITING_TO_CLOSE:
            when = w["wave_closes"].format(at=told_day(w, calendar.moment(wave.closes_us)))
        elif state in (Shown.BEING_PROCESSED, Shown.BEING_EVALUATED):
            # A draw that is held late is published late, and when is not known yet.
            is_known = now_us < result_us
            when = w["wave_result"].format(at=told_day(w, calendar.moment(result_us))) if is_known else w["wave_result_late"]
    can_join = state in _CAN_JOIN
    is_open = next((one for one in calendar.waves if one.is_open(now_us) and one is not wave), None) if can_join else None
    later = next((one for one in calendar.waves if one.opens_us > now_us), None) if can_join and is_open is None else None
    return WaveView(
        state.value,
        "" if wave is None else wave_title(w, names, wave.name),
        when,
        "" if is_open is None else is_open.name,
        "" if is_open is None else wave_title(w, names, is_open.name),
        "" if is_open is None else w["wave_closes"].format(at=told_day(w, calendar.moment(is_open.closes_us))),
        "" if later is None else w["wave_opens"].format(
            wave=wave_title(w, names, later.name), at=told_day(w, calendar.moment(later.opens_us))
        ),
        told_day(w, calendar.moment(now_us)),
    )  # fmt: skip


def plain_view(w: Words, names: list[str], joined: str | None) -> WaveView:
    """Without a programme: there is no calendar, and no draw."""
    if joined is not None:
        return WaveView(Shown.WAITING_TO_CLOSE.value, wave_title(w, names, joined), "", "", "", "", "", "")
    return WaveView(Shown.NOT_JOINED.value, "", "", names[0], wave_title(w, names, names[0]), w["wave_closes_untold"], "", "")


@shown
async def wave_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /gelombang"""
    return await _draw(request, visitor)


@shown
async def join(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /gelombang"""
    applicant_id = visitor.require()
    form = await read_form(request, visitor)
    context, wave = request.app[CONTEXT], form.get("wave", "")
    try:
        require_known(wave, context.profile)
        consent = checked(Consent, accept_terms=form.get("accept_terms") == "1")
        if not consent.accept_terms:
            raise FieldProblem("accept_terms")
        if context.profile.programme is None:
            await enter_wave(request, applicant_id, wave, consent)
        else:
            await enter_programme_wave(request, applicant_id, wave, consent)
    except Problem as problem:
        await _draw(request, visitor, problem)
        raise
    return go_to(request, visitor, "/gelombang")


async def _draw(request: web.Request, visitor: Visitor, problem: Problem | None = None) -> PageAnswer:
    applicant, context, w = await asker(request, visitor), request.app[CONTEXT], words(visitor.language)
    names = context.profile.waves
    days = None
    if context.profile.programme is None:
        view = plain_view(w, names, applicant.joined_wave)
    else:
        programme, now_us = request.app[PROGRAMME], context.now_us()
        told = orjson.loads(await programme.looks.body(visitor.require(), now_us))
        wave = None if told["wave"] is None else programme.calendar.wave(told["wave"])
        view = calendar_view(w, programme.calendar, wave, Shown(told["state"]), now_us)
        days = round(context.scale.people_seconds(programme.calendar.terms.first_training_us / MICROSECONDS) / DAY_SECONDS)
    is_ready = applicant.has_done_test(context.profile.test, context.now_us())
    return draw_form(request, visitor, "wave", problem, view=view, days=days, is_ready=is_ready)
