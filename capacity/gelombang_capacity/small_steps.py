"""Requests that are no uploads, and messages, in machine code.

A request is answered when the site's CPU has come to it (`gelombang_capacity.station`) and its handler has run, its password is hashed,
what it changes is durable, and a round trip and the answer's own time have passed (`gelombang_capacity.costs`); nothing else that happens
meanwhile can change that, so its end is known, and counted, when it begins. Mail and SMS are taken by their partner at a capped rate and
then travel; the civil registry looks up so many numbers a second. What the site has done it has done, whether or not the person waited.
"""

from gelombang.seeds import Purpose
from gelombang_capacity.draws import quantile, spread_us, unit
from gelombang_capacity.endings import Ending
from gelombang_capacity.jit import compiled
from gelombang_capacity.site import Kind
from gelombang_capacity.station import commit, serve
from gelombang_capacity.walk import NOT_TOLD, end_attempt, schedule
from gelombang_capacity.world import PARKED, World

_PATIENCE, _EMAIL_READ, _JITTER = int(Purpose.PATIENCE), int(Purpose.EMAIL_READ), int(Purpose.SERVER_JITTER)
_CPU_TIME, _COMMIT_TIME, _ANSWER_TIME = int(Purpose.CPU_TIME), int(Purpose.COMMIT_TIME), int(Purpose.ANSWER_TIME)
_ACCOUNT, _LOGIN, _DATA, _OTP_SEND, _OTP = int(Kind.ACCOUNT), int(Kind.LOGIN), int(Kind.DATA), int(Kind.OTP_SEND), int(Kind.OTP)
_MAIL, _SMS, _REGISTRY = int(Kind.MAIL), int(Kind.SMS), int(Kind.REGISTRY)
_END_OK, _END_CONFLICT, _END_EXPIRED, _END_INVALID = int(Ending.OK), int(Ending.CONFLICT), int(Ending.EXPIRED), int(Ending.INVALID)
_END_NO_MESSAGE, _END_NOT_READ, _END_LEFT = int(Ending.NO_MESSAGE), int(Ending.NOT_READ), int(Ending.LEFT_PAGE)
_END_REGISTRY_FULL = int(Ending.REGISTRY_FULL)
_DID_ACCOUNT, _DID_DATA, _DID_OTP = 1, 2, 4


@compiled
def page_patience_us(w: World, person: int) -> int:
    """How long the person waits for this attempt's answer."""
    step = int(w.people[person].step)
    n = step << 24 | int(w.people[person].number)
    page = w.patience[w.people[person].persona].page
    return int(quantile(w.distributions, page, unit(w.p[0].seed, person, _PATIENCE, n)) * 1e6)


@compiled
def request(w: World, person: int, now_us: int) -> None:
    """One request of the person's step."""
    me, p = w.people[person], w.p[0]
    row = w.steps[me.step]
    kind = int(row.kind)
    n = int(me.step) << 24 | int(me.number)
    served_us = serve(w.api_free, now_us, spread_us(w.spreads, p.api_spread, p.api_us, p.seed, person, _CPU_TIME, n)) - p.api_after
    if kind == _ACCOUNT or kind == _LOGIN:
        served_us = serve(w.hash_free, served_us, p.hash_us)
    if row.writes and p.commit_spread >= 0:
        served_us = commit(w.site, served_us, spread_us(w.spreads, p.commit_spread, 0, p.seed, person, _COMMIT_TIME, n))
    ending, told_seconds = _site_does(w, person, kind, served_us)
    answer_us = served_us + me.round_trip + answer_takes_us(w, person)
    patience_us = page_patience_us(w, person)
    if answer_us - now_us > patience_us:
        end_attempt(w, person, _END_LEFT, now_us + patience_us, NOT_TOLD, 0)
    else:
        end_attempt(w, person, ending, answer_us, told_seconds, 0)


@compiled
def answer_takes_us(w: World, person: int) -> int:
    """What the answer to this attempt takes beyond lines, CPU, commit and round trip."""
    me, p = w.people[person], w.p[0]
    return spread_us(w.spreads, w.steps[me.step].answer, 0, p.seed, person, _ANSWER_TIME, int(me.step) << 24 | int(me.number))


@compiled
def _site_does(w: World, person: int, kind: int, at_us: int) -> tuple[int, float]:
    """What the request changes at the site, and how it is answered."""
    me, p = w.people[person], w.p[0]
    if kind == _ACCOUNT:
        if me.did & _DID_ACCOUNT:
            return _END_CONFLICT, NOT_TOLD
        me.did |= _DID_ACCOUNT
        me.mail = _post_mail(w, at_us)
    elif kind == _DATA and not me.did & _DID_DATA:
        return _queue_look_up(w, person, at_us)
    elif kind == _OTP_SEND:
        if me.did & _DID_OTP:
            return _END_CONFLICT, NOT_TOLD
        me.code = _post_sms(w, at_us)
        me.code_ends = at_us + p.otp_life
    elif kind == _OTP:
        if not me.did & _DID_OTP and at_us >= me.code_ends:
            return _END_EXPIRED, NOT_TOLD
        me.did |= _DID_OTP
    return _END_OK, NOT_TOLD


@compiled
def _queue_look_up(w: World, person: int, at_us: int) -> tuple[int, float]:
    me, p, s = w.people[person], w.p[0], w.site[0]
    if s.ring_last - s.ring_first >= p.registry_limit:
        return _END_REGISTRY_FULL, p.shed_seconds
    me.did |= _DID_DATA
    start_us = max(float(at_us), s.registry_free)
    s.registry_free = start_us + p.registry_gap
    w.ring[s.ring_last].at = int(round(start_us)) + p.registry_latency
    w.ring[s.ring_last].person = person
    s.ring_last += 1
    return _END_OK, NOT_TOLD


@compiled
def _post_mail(w: World, at_us: int) -> int:
    """When a mail that is written now is there."""
    s = w.site[0]
    start_us = max(float(at_us), s.mail_free)
    s.mail_free = start_us + w.p[0].mail_gap
    return _delivered(w, start_us, int(w.p[0].mail_delay))


@compiled
def _post_sms(w: World, at_us: int) -> int:
    s = w.site[0]
    start_us = max(float(at_us), s.sms_free)
    s.sms_free = start_us + w.p[0].sms_gap
    return _delivered(w, start_us, int(w.p[0].sms_delay))


@compiled
def _delivered(w: World, start_us: float, delay: int) -> int:
    s = w.site[0]
    s.messages += 1
    travels = quantile(w.distributions, delay, unit(w.p[0].seed, s.messages, _JITTER, 0))
    return int(round(start_us)) + int(round(travels * 1e6))


@compiled
def registry_answers(w: World) -> None:
    """The look-up that is answered first: a mail tells it, to whom waits for it or will."""
    s = w.site[0]
    at_us, person = int(w.ring[s.ring_first].at), int(w.ring[s.ring_first].person)
    s.ring_first += 1
    me = w.people[person]
    me.nik = _post_mail(w, at_us)
    if me.state == PARKED and w.steps[me.step].kind == _REGISTRY and me.nik <= me.leaves:
        schedule(w, person, me.nik, PARKED)


@compiled
def message(w: World, person: int, now_us: int) -> None:
    """The person begins to wait for a mail or SMS; often it is there already."""
    me = w.people[person]
    step = int(me.step)
    row = w.steps[step]
    if unit(w.p[0].seed, person, _EMAIL_READ, step) >= row.read_ratio:
        end_attempt(w, person, _END_NOT_READ, now_us, NOT_TOLD, 0)
        return
    if row.kind != _SMS and me.passed >> step & 1:
        end_attempt(w, person, _END_OK, now_us, NOT_TOLD, 0)
        return
    at_us = _message_at(w, person)
    if 0 < at_us <= now_us:
        _read(w, person, now_us)
        return
    me.leaves = now_us + row.within
    schedule(w, person, at_us if 0 < at_us <= me.leaves else me.leaves, PARKED)


@compiled
def wait_ends(w: World, person: int, now_us: int) -> None:
    """The message is there, or the person waits no longer."""
    if 0 < _message_at(w, person) <= now_us:
        _read(w, person, now_us)
    else:
        end_attempt(w, person, _END_NO_MESSAGE, now_us, NOT_TOLD, 0)


@compiled
def _message_at(w: World, person: int) -> int:
    me = w.people[person]
    kind = w.steps[me.step].kind
    if kind == _MAIL:
        return int(me.mail)
    return int(me.code) if kind == _SMS else int(me.nik)


@compiled
def _read(w: World, person: int, now_us: int) -> None:
    me = w.people[person]
    row = w.steps[me.step]
    if row.kind == _SMS:
        me.code = 0
    well = row.kind != _REGISTRY or row.wants_known == 0 or me.is_known != 0
    end_attempt(w, person, _END_OK if well else _END_INVALID, now_us, NOT_TOLD, 0)
