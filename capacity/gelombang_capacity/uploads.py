"""Photo steps in machine code: what `gelombang_server` does with a photo, and what its person does meanwhile.

`multipart`: the body comes in at the speed of the person's line, counts among the bodies, and is looked at when it is whole: too large, no
place at the store, or a turn. `ticket`: size, photos that the site has, and the budgets are asked first; then the body comes. Work at the
store goes on for people who left, or is let go, as the profile says. Whether a photo is too late for its person is known when its turn is
over: its time of answer is then fixed.
"""

from gelombang.admission import Admission
from gelombang.seeds import Purpose
from gelombang_capacity import store as stores
from gelombang_capacity.draws import quantile, spread_us, unit
from gelombang_capacity.endings import Ending
from gelombang_capacity.jit import compiled
from gelombang_capacity.small_steps import answer_takes_us, page_patience_us
from gelombang_capacity.station import serve
from gelombang_capacity.waiting import admission_for_ticket, budget_ratio, come_back_seconds, is_admitted
from gelombang_capacity.walk import NOT_TOLD, end_attempt, schedule
from gelombang_capacity.world import AT_STORE, BODY, HEARS, LEAVES_BODY, World

_PATIENCE, _PHOTO_SIZE, _COPY_SIZE = int(Purpose.PATIENCE), int(Purpose.PHOTO_SIZE), int(Purpose.SMALLER_COPY_SIZE)
_CPU_TIME = int(Purpose.CPU_TIME)
_OK, _LEFT_PAGE, _LEFT_BODY, _LEFT_STORE = int(Ending.OK), int(Ending.LEFT_PAGE), int(Ending.LEFT_BODY), int(Ending.LEFT_STORE)
_BODIES_FULL, _BODY_TOO_LARGE, _BUSY = int(Ending.BODIES_FULL), int(Ending.BODY_TOO_LARGE), int(Ending.BUSY)
_TOO_LARGE_AFTER, _TOO_LARGE_BEFORE = int(Ending.TOO_LARGE_AFTER_BODY), int(Ending.TOO_LARGE_BEFORE_BODY)
_PLACES_FULL, _PLACES_FULL_TOLD = int(Ending.PLACES_FULL), int(Ending.PLACES_FULL_TOLD)
_STORE_FULL, _STORE_FULL_TOLD = int(Ending.STORE_FULL), int(Ending.STORE_FULL_TOLD)
_NOT_IN_TIME, _UNHEARD = int(Ending.NOT_IN_TIME), int(Ending.UNHEARD)
_ADMITTED = Admission.ADMITTED
_BODY_LIMITS = 8
"""Photo limits that the length of a body may have, as in the reference server."""


@compiled
def photo(w: World, person: int, now_us: int) -> None:
    """One attempt at a photo."""
    me, p, s = w.people[person], w.p[0], w.site[0]
    me.bytes = _photo_bytes(w, person)
    if p.ticketed:
        _ask_for_ticket(w, person, now_us)
        return
    if s.bodies >= p.bodies_limit:
        end_attempt(w, person, _BODIES_FULL, now_us + me.round_trip, NOT_TOLD, 0)
        return
    if me.bytes > _BODY_LIMITS * p.photo_limit:
        end_attempt(w, person, _BODY_TOO_LARGE, now_us + me.round_trip, NOT_TOLD, 0)
        return
    s.bodies += 1
    _send(w, person, now_us)


@compiled
def _photo_bytes(w: World, person: int) -> int:
    me, p = w.people[person], w.p[0]
    row = w.steps[me.step]
    which = int(row.photo)
    copy = int(me.copies[which])
    if me.is_sized:
        return int(me.bytes)
    me.is_sized = 1
    if copy:
        size = quantile(w.distributions, row.smaller, unit(p.seed, person, _COPY_SIZE, which << 24 | (copy - 1)))
    else:
        size = quantile(w.distributions, row.first, unit(p.seed, person, _PHOTO_SIZE, which))
    return max(1, int(round(size)))


@compiled
def _send(w: World, person: int, now_us: int) -> None:
    """The body begins to leave: the next thing is its end, or the end of patience."""
    me, p = w.people[person], w.p[0]
    step = int(me.step)
    n = step << 24 | int(me.number)
    mine = w.patience[me.persona]
    seconds = quantile(w.distributions, mine.upload, unit(p.seed, person, _PATIENCE, n))
    if p.shows_progress:
        seconds *= mine.progress_ratio
    me.leaves = now_us + int(seconds * 1e6)
    whole_us = now_us + int(me.bytes / me.uplink * 1e6)
    if whole_us < me.leaves:
        schedule(w, person, whole_us, BODY)
    else:
        schedule(w, person, int(me.leaves), LEAVES_BODY)


@compiled
def _ask_for_ticket(w: World, person: int, now_us: int) -> None:
    me, p, s = w.people[person], w.p[0], w.site[0]
    which = int(w.steps[me.step].photo)
    n = int(me.step) << 24 | int(me.number)
    cpu_us = spread_us(w.spreads, p.ticket_spread, p.ticket_us, p.seed, person, _CPU_TIME, n)
    answer_us = serve(w.upload_free, now_us, cpu_us) + me.round_trip + answer_takes_us(w, person)
    patience_us = page_patience_us(w, person)
    if answer_us - now_us > patience_us:
        end_attempt(w, person, _LEFT_PAGE, now_us + patience_us, NOT_TOLD, 0)
        return
    if me.bytes > p.photo_limit:
        end_attempt(w, person, _TOO_LARGE_BEFORE, answer_us, NOT_TOLD, 0)
        return
    if p.at_once and me.stored[which] == me.copies[which] + 1:
        end_attempt(w, person, _OK, answer_us, NOT_TOLD, 0)
        return
    work_bytes = me.bytes + p.commit
    answer = admission_for_ticket(
        work_bytes,
        s.received,
        p.received_budget,
        s.admitted,
        p.admitted_budget,
        budget_ratio(me.stored[1 - which] != 0, p.first_photo_ratio),
        s.open,
        p.places_limit,
    )
    if answer != _ADMITTED:
        told = come_back_seconds(w, person, now_us)
        end_attempt(w, person, _BUSY, answer_us, told, 0)
        return
    is_admitted(w, person)
    s.admitted += work_bytes
    s.open += 1
    _send(w, person, answer_us)


@compiled
def leaves_body(w: World, person: int, now_us: int) -> None:
    """Patience ends while the body is being sent."""
    me = w.people[person]
    _close(w, person, False)
    sent_us = me.leaves - me.due
    end_attempt(w, person, _LEFT_BODY, now_us, NOT_TOLD, min(int(me.bytes), int(me.uplink * sent_us / 1e6)))


@compiled
def body_is_whole(w: World, person: int, now_us: int) -> None:
    """All bytes are here: a place at the store is asked for."""
    me, p, s, shared = w.people[person], w.p[0], w.site[0], w.store[0]
    photo_bytes = int(me.bytes)
    work_bytes = photo_bytes + p.commit
    if p.ticketed:
        s.received += work_bytes
    elif photo_bytes > p.photo_limit:
        _close(w, person, True)
        _answer(w, person, _TOO_LARGE_AFTER, now_us, NOT_TOLD)
        return
    if shared.used + photo_bytes > p.capacity:
        _shed(w, person, _STORE_FULL, _STORE_FULL_TOLD, now_us)
        return
    stores.catch_up(w.store, w.turns, w.jobs, w.changes, w.finished, float(now_us))
    has_turn = shared.turns < p.turns and shared.waiting == 0
    if not has_turn and shared.waiting >= p.queue:
        _shed(w, person, _PLACES_FULL, _PLACES_FULL_TOLD, now_us)
        return
    which = int(w.steps[me.step].photo)
    job = stores.new_job(w.store, w.jobs, person, photo_bytes, float(work_bytes), (int(me.copies[which]) + 1) << 1 | which)
    me.job = job
    if has_turn:
        stores.give_turn(w.store, w.turns, w.jobs, job)
    else:
        stores.stand_in_line(w.store, w.jobs, job)
    me.done = 0
    proxy_us = now_us + p.answer_within
    schedule(w, person, int(min(me.leaves, proxy_us + me.round_trip)), AT_STORE)
    w.jobs[job].proxy = proxy_us


@compiled
def _shed(w: World, person: int, ending: int, ending_told: int, now_us: int) -> None:
    if w.p[0].ticketed:
        told = come_back_seconds(w, person, now_us)
        _close(w, person, True)
        _answer(w, person, ending_told, now_us, told)
    else:
        _close(w, person, True)
        _answer(w, person, ending, now_us, NOT_TOLD)


@compiled
def _answer(w: World, person: int, ending: int, now_us: int, told_seconds: float) -> None:
    """An answer after the whole body; a round trip later the person has it, or has left."""
    me = w.people[person]
    heard_us = now_us + me.round_trip
    if heard_us > me.leaves:
        end_attempt(w, person, _LEFT_STORE, int(me.leaves), NOT_TOLD, int(me.bytes))
    else:
        end_attempt(w, person, ending, heard_us, told_seconds, int(me.bytes))


@compiled
def _close(w: World, person: int, is_received: bool) -> None:
    """The site lets go of body or ticket."""
    s, p = w.site[0], w.p[0]
    if not p.ticketed:
        s.bodies -= 1
        return
    work_bytes = w.people[person].bytes + p.commit
    s.admitted -= work_bytes
    s.open -= 1
    if is_received:
        s.received -= work_bytes


@compiled
def turns_are_over(w: World, now_us: int) -> None:
    """Whose turn is over at this microsecond: their answer's time is known now, and the next in line begin."""
    stores.catch_up(w.store, w.turns, w.jobs, w.changes, w.finished, float(now_us))
    done = int(w.store[0].done)
    w.store[0].done = 0
    for i in range(done):
        job = int(w.finished[i])
        w.store[0].turns -= 1
        _turn_is_over(w, job, now_us)
        stores.free_job(w.store, w.jobs, job)
        stores.fill(w.store, w.turns, w.jobs, w.p[0].turns)


@compiled
def _turn_is_over(w: World, job: int, now_us: int) -> None:
    p, row = w.p[0], w.jobs[job]
    person = int(row.person)
    me = w.people[person]
    durable_us = now_us + p.store_latency
    heard_us = durable_us + me.round_trip
    is_heard = row.is_awaited and durable_us <= row.proxy and heard_us <= me.leaves
    if row.is_awaited:
        me.job = stores.NO_JOB
        if is_heard:
            _close(w, person, True)
            schedule(w, person, heard_us, HEARS)
        else:
            me.done = durable_us
    gives_up_us = min(me.leaves, row.proxy + me.round_trip)
    if is_heard or not p.cancels or durable_us <= gives_up_us:
        me.stored[row.copy & 1] = row.copy >> 1
        if not is_heard:
            w.site[0].stored_unheard_bytes += row.bytes
    else:
        w.store[0].used -= row.bytes


@compiled
def hears(w: World, person: int, now_us: int) -> None:
    """The photo is stored, and its person is told."""
    end_attempt(w, person, _OK, now_us, NOT_TOLD, int(w.people[person].bytes))


@compiled
def gives_up_at_store(w: World, person: int, now_us: int) -> None:
    """The person's patience, or the proxy's, is over."""
    me, p, shared = w.people[person], w.p[0], w.store[0]
    is_told = now_us < me.leaves
    is_done = me.done != 0
    job = int(me.job)
    me.job = stores.NO_JOB
    _close(w, person, True)
    lets_go = p.cancels and not is_done
    if not is_done:
        w.jobs[job].is_awaited = 0
    if lets_go:
        stores.catch_up(w.store, w.turns, w.jobs, w.changes, w.finished, float(now_us))
        shared.used -= w.jobs[job].bytes
        if w.jobs[job].state == stores.IN_LINE:
            stores.leave_line(w.store, w.jobs, job)
            stores.free_job(w.store, w.jobs, job)
        else:
            stores.give_up_turn(w.store, w.turns, w.jobs, job)
            stores.fill(w.store, w.turns, w.jobs, p.turns)
    if is_told:
        end_attempt(w, person, _NOT_IN_TIME, now_us, NOT_TOLD, int(me.bytes))
    elif lets_go or (is_done and p.cancels and me.done > now_us):
        end_attempt(w, person, _LEFT_STORE, now_us, NOT_TOLD, int(me.bytes))
    else:
        end_attempt(w, person, _UNHEARD, now_us, NOT_TOLD, int(me.bytes))
