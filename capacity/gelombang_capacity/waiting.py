"""Who is waiting to be let in, and when they shall come back: `gelombang.waiting` and the rules of `gelombang.admission`, compiled.

The admission rules are not written again: the very functions that the server calls are turned into machine code here.

Whoever is overdue is forgotten when the next person is told a time. Each person has at most one place in the queue that tells who is due
to be overdue, as long as their times grow: a place whose time has come while its person was told a later one is put in again for that.
"""

from gelombang import admission
from gelombang.seeds import Purpose
from gelombang_capacity.draws import quantile, unit
from gelombang_capacity.events import next_us, put, take
from gelombang_capacity.jit import compiled
from gelombang_capacity.world import World

admission_for_ticket = compiled(admission.admission_for_ticket)
budget_ratio = compiled(admission.budget_ratio)
return_after_seconds = compiled(admission.return_after_seconds)
patience_end_us = compiled(admission.patience_end_us)
_JITTER = int(Purpose.SERVER_JITTER)


@compiled
def come_back_seconds(w: World, person: int, now_us: int) -> float:
    """How long this person is told to stay away; they count as waiting from now on."""
    me, p, s = w.people[person], w.p[0], w.site[0]
    _forget_overdue(w, now_us)
    is_counted = me.waits_until != 0
    jitter = quantile(w.distributions, p.jitter, unit(p.seed, 0, _JITTER, s.refusals))
    s.refusals += 1
    told_seconds = return_after_seconds(
        s.people_waiting + (0 if is_counted else 1),
        p.mean_photo,
        p.bandwidth,
        p.come_back_ratio,
        jitter,
        p.come_back_min,
        p.come_back_max,
    )
    if not is_counted:
        s.people_waiting += 1
    until_us = patience_end_us(now_us, told_seconds, p.come_back_min)
    me.waits_until = until_us
    if me.told_at == 0 or until_us < me.told_at:
        _look_again(w, person, until_us)
    return float(told_seconds)


@compiled
def is_admitted(w: World, person: int) -> None:
    """The person waits no more."""
    if w.people[person].waits_until != 0:
        w.people[person].waits_until = 0
        w.site[0].people_waiting -= 1


@compiled
def _look_again(w: World, person: int, at_us: int) -> None:
    """See at that time whether the person is overdue; what is due after the end never comes."""
    w.people[person].told_at = at_us if at_us < w.p[0].end else 0
    if at_us < w.p[0].end:
        put(w.told, w.told_near, w.told_nodes, w.told_slices, at_us, person)
        w.queue[0].full |= w.told[0].full


@compiled
def _forget_overdue(w: World, now_us: int) -> None:
    while next_us(w.told, w.told_near, w.told_nodes, w.told_slices, now_us) <= now_us:
        take(w.told, w.told_near)
        person, at_us = int(w.told[0].person), w.told[0].at
        me = w.people[person]
        if me.told_at != at_us:
            continue
        if me.waits_until > now_us:
            _look_again(w, person, int(me.waits_until))
            continue
        me.told_at = 0
        is_admitted(w, person)
