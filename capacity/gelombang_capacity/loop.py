"""The event loop in machine code: whatever comes first, until the run's end. Virtual time; nothing is waited for.

At the same microsecond the order is: a turn at the store is over, the registry answers, somebody arrives, somebody's own next event, in the
order in which those were put in.
"""

from gelombang.attempt import Fate, Outcome
from gelombang.seeds import Purpose
from gelombang_capacity.draws import quantile, unit
from gelombang_capacity.endings import Ending
from gelombang_capacity.events import NEVER_US, NODE, next_us, take
from gelombang_capacity.jit import compiled, compiled_entry, held, prefetch
from gelombang_capacity.site import Kind
from gelombang_capacity.small_steps import message, registry_answers, request, wait_ends
from gelombang_capacity.store import next_finish_us
from gelombang_capacity.uploads import body_is_whole, gives_up_at_store, hears, leaves_body, photo, turns_are_over
from gelombang_capacity.walk import window_of
from gelombang_capacity.world import (
    AT_STORE,
    BETWEEN,
    BODY,
    CACHE_LINE_BYTES,
    CHANGE,
    GONE,
    HEARS,
    LEAVES_BODY,
    PARKED,
    PERSON,
    STARTED,
    World,
)

_UPLINK, _ROUND_TRIP, _FIXED_LINE = int(Purpose.UPLINK), int(Purpose.ROUND_TRIP), int(Purpose.FIXED_LINE)
_NIK_VALID, _PERSONA = int(Purpose.NIK_VALID), int(Purpose.PERSONA)
_FIRST_MESSAGE, _LAST_MESSAGE, _PHOTO = int(Kind.MAIL), int(Kind.REGISTRY), int(Kind.PHOTO)
_PERSON_BYTES, _NODE_BYTES, _TRIES_BYTES = PERSON.itemsize, NODE.itemsize, 2
_CUT_OUTCOME, _CUT, _FATE_CUT, _WAITING = int(Outcome.CUT), int(Ending.CUT), int(Fate.CUT), int(Fate.WAITING)


@compiled_entry
def run(world: World) -> None:
    """Walk the plan to its end. Afterwards every planned person has one fate, unless the queue says that it was full."""
    _walk(held(world))


@compiled
def _walk(w: World) -> None:
    p, s = w.p[0], w.site[0]
    s.people_at, s.tries_at, s.nodes_at = w.people.ctypes.data, w.tries.ctypes.data, w.nodes.ctypes.data
    finish_us = NEVER_US
    is_changed = True
    while w.queue[0].full == 0:
        if is_changed:
            finish_us = next_finish_us(w.store, w.turns, w.jobs, w.changes)
        answer_us = w.ring[s.ring_first].at if s.ring_first < s.ring_last else NEVER_US
        arrival_us = w.due[s.next_person] if s.next_person < p.people else NEVER_US
        others_us = min(min(finish_us, answer_us), arrival_us)
        now_us = min(others_us, next_us(w.queue, w.near, w.nodes, w.slices, min(others_us, p.end)))
        if now_us >= p.end:
            break
        s.events += 1
        is_changed = False
        if finish_us == now_us:
            turns_are_over(w, now_us)
            is_changed = True
        elif answer_us == now_us:
            registry_answers(w)
        elif arrival_us == now_us:
            s.next_person += 1
            _arrive(w, s.next_person - 1, now_us)
        else:
            take(w.queue, w.near)
            _look_ahead(w)
            if w.people[w.queue[0].person].ticket == w.queue[0].ticket:
                is_changed = _happens(w, int(w.queue[0].person), now_us)
    _close(w)


@compiled
def _look_ahead(w: World) -> None:
    """Ask for what the next slice's events will touch, one of them for each event of this slice: no cache holds millions of people, and a
    list can't be followed faster than its nodes arrive."""
    q, s = w.queue[0], w.site[0]
    if q.ahead >= 0:
        person = w.nodes[q.ahead].person
        prefetch(s.people_at + person * _PERSON_BYTES)
        prefetch(s.people_at + person * _PERSON_BYTES + CACHE_LINE_BYTES)
        prefetch(s.tries_at + person * _TRIES_BYTES * w.p[0].steps)
        q.ahead = w.nodes[q.ahead].next
        prefetch(s.nodes_at + q.ahead * _NODE_BYTES)


@compiled
def _arrive(w: World, person: int, now_us: int) -> None:
    me, p, d = w.people[person], w.p[0], w.distributions
    uplink, round_trip = unit(p.seed, person, _UPLINK, 0), unit(p.seed, person, _ROUND_TRIP, 0)
    if unit(p.seed, person, _FIXED_LINE, 0) < p.fixed_line_ratio:
        me.uplink = quantile(d, p.fixed_uplink, uplink)
        me.round_trip = int(quantile(d, p.fixed_round_trip, round_trip) * 1e6)
    else:
        me.uplink = quantile(d, p.uplink, uplink) * p.uplink_ratio
        me.round_trip = int(quantile(d, p.round_trip, round_trip) * 1e6)
    me.round_trip = me.round_trip if me.round_trip >= p.round_trip_from else 0
    me.persona = _persona(w, person)
    me.is_known = 1 if unit(p.seed, person, _NIK_VALID, 0) < p.nik_known_ratio else 0
    window = window_of(w, now_us)
    w.by_window[STARTED, window] += 1
    w.by_window[CHANGE, window] += 1
    _begin(w, person, now_us)


@compiled
def _persona(w: World, person: int) -> int:
    """`gelombang.person.persona_of`; 0 where all people are of one kind."""
    last = len(w.patience) - 1
    if last == 0:
        return 0
    place = unit(w.p[0].seed, person, _PERSONA, 0) * w.p[0].weights
    for number in range(last):
        place -= w.patience[number].weight
        if place < 0:
            return number
    return last


@compiled
def _begin(w: World, person: int, now_us: int) -> None:
    """An attempt at the person's step."""
    me = w.people[person]
    step = int(me.step)
    me.due = now_us
    me.number += 1
    if me.number == 1:
        w.reached[step] += 1
    kind = int(w.steps[step].kind)
    if kind == _PHOTO:
        photo(w, person, now_us)
    elif _FIRST_MESSAGE <= kind <= _LAST_MESSAGE:
        message(w, person, now_us)
    else:
        request(w, person, now_us)


@compiled
def _happens(w: World, person: int, now_us: int) -> bool:
    """The person's event; whether the store's next finish may have moved."""
    state = int(w.people[person].state)
    if state == BETWEEN:
        _begin(w, person, now_us)
    elif state == PARKED:
        wait_ends(w, person, now_us)
    elif state == HEARS:
        hears(w, person, now_us)
    elif state == LEAVES_BODY:
        leaves_body(w, person, now_us)
    elif state == BODY:
        body_is_whole(w, person, now_us)
        return True
    else:
        gives_up_at_store(w, person, now_us)
        return True
    return False


@compiled
def _close(w: World) -> None:
    """Who is in an exchange is cut; who is between attempts, or waits for a message, waits."""
    p, s = w.p[0], w.site[0]
    for person in range(s.next_person):
        me = w.people[person]
        state = int(me.state)
        if state == GONE:
            continue
        step = int(me.step)
        window = window_of(w, int(p.end))
        is_exchange = state == BODY or state == LEAVES_BODY or state == AT_STORE or state == HEARS
        w.fates[_FATE_CUT if is_exchange else _WAITING] += 1
        if is_exchange or state == PARKED:
            w.outcomes[step, _CUT_OUTCOME] += 1
            s.latest = p.end
        if is_exchange:
            w.by_window[CHANGE, window_of(w, int(me.due))] -= 1
            w.by_window[CHANGE, window] += 1
            w.endings[_CUT, window] += 1
