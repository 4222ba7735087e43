"""From the end of an attempt to what comes next, in machine code: the walker of the live run and the decisions of `gelombang.patience`."""

import math

from gelombang.attempt import Fate, Outcome
from gelombang.histogram import _SUB_BITS, LIMIT_US
from gelombang.journey import RETRY, target_of_fate
from gelombang.patience import DOUBLINGS_LIMIT
from gelombang.seeds import Purpose
from gelombang_capacity.draws import quantile, unit
from gelombang_capacity.endings import OUTCOMES, Ending
from gelombang_capacity.events import put
from gelombang_capacity.jit import compiled
from gelombang_capacity.site import Kind
from gelombang_capacity.world import BETWEEN, CHANGE, ENDED, GONE, KEPT, OK, PASSED, RECEIVED, TOO_LARGE, World

NOT_TOLD = -1.0
_OK, _CONFLICT, _REFUSED = int(Outcome.OK), int(Outcome.CONFLICT), int(Outcome.REFUSED)
_FAILED, _TIMED_OUT, _NO_MESSAGE = int(Outcome.FAILED), int(Outcome.TIMED_OUT), int(Outcome.NO_MESSAGE)
_TOO_LARGE, _NOT_READ, _CUT_OUTCOME = int(Outcome.TOO_LARGE), int(Outcome.NOT_READ), int(Outcome.CUT)
_CUT = int(Ending.CUT)
_GAVE_UP, _FATE_CUT, _FATES_BELOW = int(Fate.GAVE_UP), int(Fate.CUT), target_of_fate(Fate.OPEN)
_FIRST_MESSAGE, _LAST_MESSAGE, _PHOTO = int(Kind.MAIL), int(Kind.REGISTRY), int(Kind.PHOTO)
_THINK, _PERSIST, _RETRY_DELAY = int(Purpose.THINK), int(Purpose.PERSIST), int(Purpose.RETRY_DELAY)
_AWAY, _RETURN, _SMALLER = int(Purpose.AWAY), int(Purpose.RETURN), int(Purpose.SMALLER_COPY)
_LEAVE = int(Purpose.LEAVE_WHEN_REFUSED)
_RETRY_TARGET = RETRY
_COPIES_LIMIT = 255
_DOUBLINGS_LIMIT = DOUBLINGS_LIMIT
_BUCKET_LIMIT_US = LIMIT_US
_BUCKET_BITS = _SUB_BITS


@compiled
def window_of(w: World, at_us: int) -> int:
    """The window of a moment."""
    return int(min(max(math.floor(at_us / w.p[0].window_us), 0), w.p[0].window_count - 1))


@compiled
def bucket_of(value_us: int) -> int:
    """`gelombang.histogram.bucket_of`."""
    value = min(value_us, _BUCKET_LIMIT_US)
    shift = 0
    while value >> shift >= 2 << _BUCKET_BITS:
        shift += 1
    return (shift << _BUCKET_BITS) + (value >> shift)


@compiled
def schedule(w: World, person: int, at_us: int, state: int) -> None:
    """The person's next event, in place of any other. What is due after the end never comes."""
    me = w.people[person]
    me.state = state
    me.ticket = put(w.queue, w.near, w.nodes, w.slices, at_us, person) if at_us < w.p[0].end else 0


@compiled
def end_attempt(w: World, person: int, ending: int, done_us: int, told_seconds: float, received_bytes: int) -> None:
    """An attempt is over at `done_us`, now or later: count it, and decide what comes next."""
    me = w.people[person]
    step = int(me.step)
    if done_us >= w.p[0].end:
        ending, done_us = _CUT, int(w.p[0].end)
    outcome = OUTCOMES[ending]
    _count(w, person, ending, outcome, done_us, received_bytes)
    if ending == _CUT:
        _ends(w, person, _FATE_CUT, done_us)
        return
    if (outcome == _OK or outcome == _CONFLICT) and not me.passed >> step & 1:
        me.passed |= 1 << step
        w.by_step[PASSED, step, window_of(w, done_us)] += 1
    target = int(w.next[step, outcome])
    if target == _RETRY_TARGET:
        _decide(w, person, outcome, done_us, told_seconds)
    elif target < 0:
        _ends(w, person, _FATES_BELOW - target, done_us)
    elif _tries_at(w, person, target) >= w.patience[me.persona].attempts_limit:
        _ends(w, person, _GAVE_UP, done_us)
    else:
        w.tries[person, step] = me.number
        me.number = w.tries[person, target]
        me.step = target
        me.is_sized = 0
        me.failures = 0
        thinking = 0.0
        if w.steps[target].think >= 0:
            n = target << 24 | int(me.number)
            thinking = quantile(w.distributions, w.steps[target].think, unit(w.p[0].seed, person, _THINK, n))
        schedule(w, person, done_us + int(thinking * 1e6), BETWEEN)


@compiled
def _tries_at(w: World, person: int, step: int) -> int:
    me = w.people[person]
    return int(me.number if me.step == step else w.tries[person, step])


@compiled
def _count(w: World, person: int, ending: int, outcome: int, done_us: int, received_bytes: int) -> None:
    me, s = w.people[person], w.site[0]
    step = int(me.step)
    kind = w.steps[step].kind
    window = window_of(w, done_us)
    w.outcomes[step, outcome] += 1
    s.latest = max(s.latest, done_us)
    if outcome != _CUT_OUTCOME and outcome != _NOT_READ:
        taken_us = done_us - me.due
        w.response[step, window, bucket_of(taken_us)] += 1
        w.longest[step] = max(w.longest[step], taken_us)
        w.shortest[step] = min(w.shortest[step], taken_us)
        w.by_step[ENDED, step, window] += 1
        if outcome == _OK or outcome == _CONFLICT:
            w.by_step[OK, step, window] += 1
        elif outcome == _TOO_LARGE:
            w.by_step[TOO_LARGE, step, window] += 1
    if kind < _FIRST_MESSAGE or kind > _LAST_MESSAGE:
        w.by_window[CHANGE, window_of(w, me.due)] -= 1
        w.by_window[CHANGE, window] += 1
    if kind == _PHOTO:
        w.endings[ending, window] += 1
        w.by_window[RECEIVED, window] += received_bytes
        if outcome == _OK and not me.passed >> step & 1:
            w.by_window[KEPT, window] += me.bytes
    if s.traced < len(w.trace):
        row = w.trace[s.traced]
        row.person, row.step, row.number, row.ending = person, step, me.number, ending
        row.due, row.done, row.bytes = me.due, done_us, received_bytes
        s.traced += 1


@compiled
def _ends(w: World, person: int, fate: int, at_us: int) -> None:
    w.fates[fate] += 1
    w.people[person].state = GONE
    w.people[person].ticket = 0
    if fate != _FATE_CUT:
        w.by_window[CHANGE, window_of(w, at_us)] -= 1


@compiled
def _decide(w: World, person: int, outcome: int, done_us: int, told_seconds: float) -> None:
    """`gelombang.patience.after_failure`."""
    me, p = w.people[person], w.p[0]
    mine = w.patience[me.persona]
    step = int(me.step)
    number = int(me.number)
    n = step << 24 | number
    if number >= mine.attempts_limit:
        _ends(w, person, _GAVE_UP, done_us)
        return
    if outcome == _REFUSED and told_seconds != NOT_TOLD and mine.obeys:
        if unit(p.seed, person, _LEAVE, n) < mine.leave_when_refused_ratio:
            _leave(w, person, n, done_us)
        else:
            schedule(w, person, done_us + int(told_seconds * 1e6), BETWEEN)
        return
    failures = 1
    if outcome == _FAILED or outcome == _TIMED_OUT or outcome == _REFUSED:
        me.failures += 1
        failures = int(me.failures)
        if w.steps[step].is_upload and unit(p.seed, person, _SMALLER, n) < mine.smaller_copy_ratio:
            _switch(w, person, False)
        persist = mine.persist_ratio if failures <= mine.persist_tries else mine.persist_later_ratio
        if failures > mine.delays and unit(p.seed, person, _PERSIST, n) >= persist:
            _leave(w, person, n, done_us)
            return
    elif outcome == _NO_MESSAGE:
        schedule(w, person, done_us, BETWEEN)
        return
    elif outcome == _TOO_LARGE:
        _switch(w, person, True)
    schedule(w, person, done_us + int(_delay(w, person, n, failures) * 1e6), BETWEEN)


@compiled
def _delay(w: World, person: int, n: int, failures: int) -> float:
    """`gelombang.patience._delay`: how long until the next try after so many failures in a row."""
    mine = w.patience[w.people[person].persona]
    if failures <= mine.delays:
        return float(w.delays[mine.first_delay + failures - 1])
    share = unit(w.p[0].seed, person, _RETRY_DELAY, n)
    if mine.has_backoff:
        growth = float(min(failures - 1, _DOUBLINGS_LIMIT))
        return float(share * min(mine.backoff_longest, mine.backoff_first * math.pow(mine.backoff_times, growth)))
    return quantile(w.distributions, mine.retry, share)


@compiled
def _switch(w: World, person: int, again: bool) -> None:
    """Send a smaller copy from now on."""
    photo = w.steps[w.people[person].step].photo
    copy = w.people[person].copies[photo]
    if copy == 0 or (again and copy < _COPIES_LIMIT):
        w.people[person].is_sized = 0
        w.people[person].copies[photo] = copy + 1


@compiled
def _leave(w: World, person: int, n: int, done_us: int) -> None:
    p, mine = w.p[0], w.patience[w.people[person].persona]
    if unit(p.seed, person, _RETURN, n) < mine.return_ratio:
        w.people[person].failures = 0
        away = quantile(w.distributions, mine.away, unit(p.seed, person, _AWAY, n))
        schedule(w, person, done_us + int(away * 1e6), BETWEEN)
    else:
        _ends(w, person, _GAVE_UP, done_us)
