"""The simulator once more, slow and obvious: plain Python, the centre's own functions, a heap of callbacks.

It is the oracle of the compiled one: both must tell every attempt of a small run alike, to the microsecond. It shares the model's rules and
nothing of its code: people, patience, think, sharing, admission and waiting are those of the centre, which the live run uses too.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from gelombang.admission import Admission, Place, admission_for_ticket, budget_ratio, patience_end_us, return_after_seconds
from gelombang.attempt import Fate, Outcome
from gelombang.clock import MICROSECONDS
from gelombang.journey import RETRY, compile_journey, fate_of_target
from gelombang.patience import Choice, after_failure
from gelombang.person import (
    Person,
    make_person,
    page_patience_seconds,
    photo_bytes,
    reads_message,
    think_seconds,
    upload_patience_seconds,
)
from gelombang.profile_uploads import Tickets
from gelombang.scale import Dimension
from gelombang.seeds import Purpose, unit
from gelombang.sharing import Finished, SharedStore, Slowdown
from gelombang.steps import MessageStep, PhotoKind, PhotoStep, RequestStep, is_upload
from gelombang.waiting import PeopleWaiting
from gelombang_capacity.costs import LEVELS, Costs, Spread
from gelombang_capacity.endings import ENDS, Ending
from gelombang_capacity.site import SHED_RETRY_SECONDS, SitePlan

_WAITING_LIMIT = 1_000_000
_BODY_LIMITS = 8


class Told(NamedTuple):
    """One attempt as this simulator tells it."""

    person: int
    step: int
    number: int
    ending: int
    due_us: int
    done_us: int
    received_bytes: int


@dataclass(slots=True, eq=False)
class _Applicant:
    person: Person
    due_us: int
    round_trip_us: int
    step: int = 0
    tries: dict[int, int] = field(default_factory=dict)
    failures: int = 0
    passed: set[int] = field(default_factory=set)
    copies: dict[PhotoKind, int] = field(default_factory=dict)
    stored: dict[PhotoKind, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    did: set[str] = field(default_factory=set)
    code_ends_us: int = 0
    leaves_us: int = 0
    parked_for: str = ""
    wake_up: int = 0
    fate: Fate = Fate.WAITING


@dataclass(slots=True, eq=False)
class _Photo:
    """A job at the store."""

    applicant: _Applicant
    kind: PhotoKind
    copy: int
    size_bytes: int
    proxy_us: int
    is_awaited: bool = True
    durable_us: int = 0


class _Partner:
    """Takes one after the other at a capped rate."""

    def __init__(self, per_second: float) -> None:
        self._gap_us = MICROSECONDS / per_second
        self._free_us = 0.0

    def start_us(self, at_us: int) -> float:
        start = max(float(at_us), self._free_us)
        self._free_us = start + self._gap_us
        return start


class SlowSimulator:
    """One run; `told` has its attempts in the order in which they were decided."""

    def __init__(self, plan: SitePlan, seed: int, costs: Costs) -> None:
        self.told: list[Told] = []
        self.people: list[_Applicant] = []
        self._plan, self._seed = plan, seed
        self._scenario, self._site = plan.scenario, plan.profile
        self._journey = compile_journey(plan.scenario)
        self._events: list[tuple[int, int, _Applicant, Callable[[int], None]]] = []
        self._sequence = 0
        store = self._site.modelled_store
        slowdowns = [
            Slowdown(round(s.at_seconds * 1e6), round(s.at_seconds * 1e6) + max(1, round(s.for_seconds * 1e6)), s.bandwidth_ratio)
            for s in store.stalls
        ]
        self._store: SharedStore[_Photo] = SharedStore(store.bandwidth_bytes_per_second, store.turns_limit, store.queue_limit, slowdowns)
        self._used_bytes = self._bodies = self._open = self._admitted = self._received = self._refusals = self._rows = 0
        self._waiting = PeopleWaiting(_WAITING_LIMIT)
        self._look_ups: list[tuple[int, _Applicant]] = []
        messages = self._site.messages
        self._mail, self._sms = _Partner(messages.mail_per_second), _Partner(messages.sms_per_second)
        self._registry = _Partner(self._site.registry.lookups_per_second)
        self._costs = costs
        self._round_trip_from_us = round(costs.round_trip_from_seconds * 1e6)
        self._hash_us = round(costs.hash_seconds * plan.scale.factor(Dimension.HASH_COST) * 1e6)
        self._api_free = [0] * costs.api_processes
        uploads = self._site.uploads
        self._upload_free = [0] * uploads.processes if uploads.own_process else self._api_free
        self._commit_begins_us = self._commit_ends_us = 0
        self._hash_free = [0] * self._site.password.threads_limit

    def run(self) -> None:
        """Walk everybody; whoever is in the middle of something at the end is left there."""
        due = [int(at) for at in self._plan.due_us]
        while True:
            arrival_us = due[len(self.people)] if len(self.people) < len(due) else None
            moments = [
                self._store.next_finish_us(),
                self._look_ups[0][0] if self._look_ups else None,
                arrival_us,
                self._events[0][0] if self._events else None,
            ]
            known = [at for at in moments if at is not None]
            if not known or min(known) >= self._plan.end_us:
                return
            now_us = min(known)
            match moments.index(now_us):
                case 0:
                    for finished in self._store.advance(now_us):
                        self._turn_is_over(finished, now_us)
                case 1:
                    self._registry_answers(now_us)
                case 2:
                    self._arrive(now_us)
                case _:
                    _, wake_up, applicant, then = heapq.heappop(self._events)
                    if applicant.wake_up == wake_up:
                        then(now_us)

    def _arrive(self, now_us: int) -> None:
        person = make_person(self._seed, len(self.people), self._scenario, 1)
        round_trip_us = int(person.round_trip_seconds * 1e6)
        waited_us = round_trip_us if round_trip_us >= self._round_trip_from_us else 0
        applicant = _Applicant(person, now_us, waited_us)
        self.people.append(applicant)
        self._begin(applicant, now_us)

    def _at(self, applicant: _Applicant, at_us: int, then: Callable[[int], None]) -> None:
        self._sequence += 1
        applicant.wake_up = self._sequence
        heapq.heappush(self._events, (at_us, self._sequence, applicant, then))

    def _begin(self, applicant: _Applicant, now_us: int) -> None:
        applicant.due_us = now_us
        applicant.tries[applicant.step] = applicant.tries.get(applicant.step, 0) + 1
        step = self._scenario.journey[applicant.step]
        if isinstance(step, PhotoStep):
            self._photo(applicant, step, now_us)
        elif isinstance(step, MessageStep):
            self._message(applicant, step, now_us)
        else:
            self._request(applicant, step, now_us)

    def _end(self, a: _Applicant, ending: Ending, done_us: int, told_seconds: float | None = None, received_bytes: int = 0) -> None:
        if done_us >= self._plan.end_us:
            ending, done_us = Ending.CUT, self._plan.end_us
        step, number = a.step, a.tries[a.step]
        self.told.append(Told(a.person.index, step, number, int(ending), a.due_us, done_us, received_bytes))
        outcome = ENDS[ending].outcome
        if outcome is Outcome.CUT:
            a.fate, a.wake_up = Fate.CUT, 0
            return
        if outcome in (Outcome.OK, Outcome.CONFLICT):
            a.passed.add(step)
        target = self._journey.follow(step, outcome)
        fate = fate_of_target(target)
        if target == RETRY:
            self._decide(a, outcome, done_us, told_seconds)
        elif fate is not None:
            a.fate, a.wake_up = fate, 0
        elif a.tries.get(target, 0) >= a.person.patience.attempts_limit:
            a.fate, a.wake_up = Fate.GAVE_UP, 0
        else:
            a.step, a.failures = target, 0
            thinking = think_seconds(a.person, target, a.tries.get(target, 0))
            self._at(a, done_us + int(thinking * 1e6), lambda now_us: self._begin(a, now_us))

    def _decide(self, a: _Applicant, outcome: Outcome, done_us: int, told_seconds: float | None) -> None:
        step = self._scenario.journey[a.step]
        number = a.tries[a.step]
        patience = a.person.patience
        decision = after_failure(self._seed, a.person.index, patience, a.step, number, a.failures, outcome, told_seconds, is_upload(step))
        a.failures = decision.failures_in_a_row
        if decision.smaller_copy and isinstance(step, PhotoStep):
            copy = a.copies.get(step.photo, 0)
            if copy == 0 or (outcome is Outcome.TOO_LARGE and copy < 255):
                a.copies[step.photo] = copy + 1
        if decision.choice is Choice.GAVE_UP:
            a.fate, a.wake_up = Fate.GAVE_UP, 0
        else:
            self._at(a, done_us + int(decision.seconds * 1e6), lambda now_us: self._begin(a, now_us))

    # small steps

    def _request(self, a: _Applicant, step: RequestStep, now_us: int) -> None:
        cpu_us = self._drawn_us(self._costs.api_spread, Purpose.CPU_TIME, a, round(self._costs.api_seconds * 1e6))
        served_us = _served(self._api_free, now_us, cpu_us) - int(self._costs.api_after_seconds * 1e6)
        asked = (step.method, step.path)
        if asked in (("POST", "/api/v1/accounts"), ("POST", "/api/v1/sessions")):
            served_us = _served(self._hash_free, served_us, self._hash_us)
        is_read = step.method == "GET" and step.path.startswith("/")
        if self._costs.commit_spread and not is_read:
            served_us = self._durable_us(served_us, self._drawn_us(self._costs.commit_spread, Purpose.COMMIT_TIME, a, 0))
        answer_us = served_us + a.round_trip_us + self._answer_takes_us(a)
        ending, told_seconds = self._site_does(a, asked, served_us)
        patience_us = int(page_patience_seconds(a.person, a.step, a.tries[a.step]) * 1e6)
        if answer_us - now_us > patience_us:
            self._end(a, Ending.LEFT_PAGE, now_us + patience_us)
        else:
            self._end(a, ending, answer_us, told_seconds)

    def _drawn_us(self, spread: Spread, purpose: Purpose, a: _Applicant, fixed_us: int) -> int:
        if not spread:
            return fixed_us
        place = unit(self._seed, a.person.index, purpose, a.step << 24 | a.tries[a.step]) * (LEVELS - 1)
        low_us, high_us = spread[int(place)] * 1e6, spread[int(place) + 1] * 1e6
        return int(low_us + (place - int(place)) * (high_us - low_us))

    def _answer_takes_us(self, a: _Applicant) -> int:
        return self._drawn_us(self._costs.answers.get(self._scenario.journey[a.step].step, ()), Purpose.ANSWER_TIME, a, 0)

    def _durable_us(self, now_us: int, commit_us: int) -> int:
        if now_us < self._commit_begins_us:
            return self._commit_ends_us
        self._commit_begins_us = max(now_us, self._commit_ends_us)
        self._commit_ends_us = self._commit_begins_us + commit_us
        return self._commit_ends_us

    def _site_does(self, a: _Applicant, asked: tuple[str, str], at_us: int) -> tuple[Ending, float | None]:
        match asked:
            case ("POST", "/api/v1/accounts"):
                if "account" in a.did:
                    return Ending.CONFLICT, None
                a.did.add("account")
                a.messages["email-link"] = self._delivered(self._mail, at_us, sms=False)
            case ("PUT", "/api/v1/me/data") if "data" not in a.did:
                if len(self._look_ups) >= self._site.registry.queue_limit:
                    return Ending.REGISTRY_FULL, self._plan.scale.wall_seconds(SHED_RETRY_SECONDS)
                a.did.add("data")
                answered_us = round(self._registry.start_us(at_us)) + round(self._site.registry.latency_seconds * 1e6)
                self._look_ups.append((answered_us, a))
            case ("POST", "/api/v1/me/otp"):
                if "otp" in a.did:
                    return Ending.CONFLICT, None
                a.messages["otp"] = self._delivered(self._sms, at_us, sms=True)
                a.code_ends_us = at_us + round(self._site.credentials.otp_life_seconds * 1e6)
            case ("PUT", "/api/v1/me/otp"):
                if "otp" not in a.did and at_us >= a.code_ends_us:
                    return Ending.EXPIRED, None
                a.did.add("otp")
        return Ending.OK, None

    def _delivered(self, partner: _Partner, at_us: int, sms: bool) -> int:
        self._rows += 1
        messages = self._site.messages
        delay = messages.sms_delay_seconds if sms else messages.mail_delay_seconds
        travels = delay.quantile(unit(self._seed, self._rows, Purpose.SERVER_JITTER))
        return round(partner.start_us(at_us)) + round(travels * 1e6)

    def _registry_answers(self, now_us: int) -> None:
        _, a = self._look_ups.pop(0)
        there_us = a.messages["registry"] = self._delivered(self._mail, now_us, sms=False)
        if a.parked_for == "registry" and there_us <= a.leaves_us:
            self._at(a, there_us, lambda at_us: self._wait_ends(a, at_us))

    def _message(self, a: _Applicant, step: MessageStep, now_us: int) -> None:
        if not reads_message(a.person, a.step):
            self._end(a, Ending.NOT_READ, now_us)
        elif step.kind != "otp" and a.step in a.passed:
            self._end(a, Ending.OK, now_us)
        elif 0 < a.messages.get(step.kind, 0) <= now_us:
            self._read(a, step, now_us)
        else:
            a.leaves_us = now_us + int(step.within_seconds * 1e6)
            a.parked_for = step.kind
            there_us = a.messages.get(step.kind, 0)
            self._at(a, there_us if 0 < there_us <= a.leaves_us else a.leaves_us, lambda at_us: self._wait_ends(a, at_us))

    def _wait_ends(self, a: _Applicant, now_us: int) -> None:
        step = self._scenario.journey[a.step]
        assert isinstance(step, MessageStep)
        a.parked_for = ""
        if 0 < a.messages.get(step.kind, 0) <= now_us:
            self._read(a, step, now_us)
        else:
            self._end(a, Ending.NO_MESSAGE, now_us)

    def _read(self, a: _Applicant, step: MessageStep, now_us: int) -> None:
        if step.kind == "otp":
            del a.messages["otp"]
        well = step.kind != "registry" or step.accept.get("result") != "verified" or a.person.nik_known
        self._end(a, Ending.OK if well else Ending.INVALID, now_us)

    # photos

    def _photo(self, a: _Applicant, step: PhotoStep, now_us: int) -> None:
        uploads = self._site.uploads
        copy = a.copies.get(step.photo, 0)
        size = photo_bytes(a.person, step.photo, copy > 0, max(copy - 1, 0))
        photo = _Photo(a, step.photo, copy, size, 0)
        if uploads.tickets is not None:
            self._ask_for_ticket(photo, uploads.tickets, now_us)
        elif self._bodies >= uploads.bodies_limit:
            self._end(a, Ending.BODIES_FULL, now_us + a.round_trip_us)
        elif size > _BODY_LIMITS * uploads.photo_limit_bytes:
            self._end(a, Ending.BODY_TOO_LARGE, now_us + a.round_trip_us)
        else:
            self._bodies += 1
            self._send(photo, now_us)

    def _ask_for_ticket(self, photo: _Photo, tickets: Tickets, now_us: int) -> None:
        a, uploads, store = photo.applicant, self._site.uploads, self._site.modelled_store
        cpu_us = self._drawn_us(self._costs.ticket_spread, Purpose.CPU_TIME, a, round(self._costs.ticket_seconds * 1e6))
        answer_us = _served(self._upload_free, now_us, cpu_us) + a.round_trip_us + self._answer_takes_us(a)
        patience_us = int(page_patience_seconds(a.person, a.step, a.tries[a.step]) * 1e6)
        if answer_us - now_us > patience_us:
            self._end(a, Ending.LEFT_PAGE, now_us + patience_us)
            return
        if photo.size_bytes > uploads.photo_limit_bytes:
            self._end(a, Ending.TOO_LARGE_BEFORE_BODY, answer_us)
            return
        if uploads.answers_stored_at_once and a.stored.get(photo.kind) == photo.copy:
            self._end(a, Ending.OK, answer_us)
            return
        work_bytes = photo.size_bytes + store.commit_bytes
        admission = admission_for_ticket(
            work_bytes,
            self._received,
            tickets.received_budget_bytes,
            self._admitted,
            tickets.admitted_budget_bytes,
            budget_ratio(any(kind is not photo.kind for kind in a.stored), tickets.first_photo_budget_ratio),
            self._open,
            min(store.turns_limit + store.queue_limit, uploads.bodies_limit),
        )
        if admission is not Admission.ADMITTED:
            self._end(a, Ending.BUSY, answer_us, self._come_back_seconds(a, tickets, now_us))
            return
        self._waiting.admitted(a.person.index)
        self._admitted += work_bytes
        self._open += 1
        self._send(photo, answer_us)

    def _come_back_seconds(self, a: _Applicant, tickets: Tickets, now_us: int) -> float:
        self._waiting.told(a.person.index, now_us + 1)
        jitter = tickets.return_jitter.quantile(unit(self._seed, 0, Purpose.SERVER_JITTER, self._refusals))
        self._refusals += 1
        told_seconds = return_after_seconds(
            self._waiting.count(now_us),
            tickets.mean_photo_bytes,
            self._site.modelled_store.bandwidth_bytes_per_second,
            tickets.return_ratio,
            jitter,
            tickets.return_min_seconds,
            tickets.return_max_seconds,
        )
        self._waiting.told(a.person.index, patience_end_us(now_us, told_seconds, tickets.return_min_seconds))
        return told_seconds

    def _send(self, photo: _Photo, now_us: int) -> None:
        a = photo.applicant
        seconds = upload_patience_seconds(a.person, a.step, a.tries[a.step], self._site.uploads.shows_progress)
        a.leaves_us = now_us + int(seconds * 1e6)
        whole_us = now_us + int(photo.size_bytes / a.person.uplink_bytes_per_second * 1e6)
        if whole_us < a.leaves_us:
            self._at(a, whole_us, lambda at_us: self._body_is_whole(photo, at_us))
        else:
            self._at(a, a.leaves_us, lambda at_us: self._leaves_body(photo, at_us))

    def _leaves_body(self, photo: _Photo, now_us: int) -> None:
        a = photo.applicant
        self._close(photo, is_received=False)
        sent_bytes = int(a.person.uplink_bytes_per_second * (a.leaves_us - a.due_us) / 1e6)
        self._end(a, Ending.LEFT_BODY, now_us, received_bytes=min(photo.size_bytes, sent_bytes))

    def _body_is_whole(self, photo: _Photo, now_us: int) -> None:
        a, store, uploads = photo.applicant, self._site.modelled_store, self._site.uploads
        if uploads.tickets is not None:
            self._received += photo.size_bytes + store.commit_bytes
        elif photo.size_bytes > uploads.photo_limit_bytes:
            self._close(photo, is_received=True)
            self._answer(photo, Ending.TOO_LARGE_AFTER_BODY, now_us, None)
            return
        if self._used_bytes + photo.size_bytes > store.capacity_bytes:
            self._shed(photo, Ending.STORE_FULL, Ending.STORE_FULL_TOLD, now_us)
            return
        photo.proxy_us = now_us + round(uploads.answer_within_seconds * 1e6)
        if self._store.ask(now_us, photo, photo.size_bytes + store.commit_bytes) is Place.FULL:
            self._shed(photo, Ending.PLACES_FULL, Ending.PLACES_FULL_TOLD, now_us)
            return
        self._used_bytes += photo.size_bytes
        self._at(a, min(a.leaves_us, photo.proxy_us + a.round_trip_us), lambda at_us: self._gives_up(photo, at_us))

    def _shed(self, photo: _Photo, ending: Ending, ending_told: Ending, now_us: int) -> None:
        tickets = self._site.uploads.tickets
        told_seconds = None if tickets is None else self._come_back_seconds(photo.applicant, tickets, now_us)
        self._close(photo, is_received=True)
        self._answer(photo, ending if tickets is None else ending_told, now_us, told_seconds)

    def _answer(self, photo: _Photo, ending: Ending, now_us: int, told_seconds: float | None) -> None:
        a = photo.applicant
        heard_us = now_us + a.round_trip_us
        if heard_us > a.leaves_us:
            self._end(a, Ending.LEFT_STORE, a.leaves_us, received_bytes=photo.size_bytes)
        else:
            self._end(a, ending, heard_us, told_seconds, photo.size_bytes)

    def _close(self, photo: _Photo, is_received: bool) -> None:
        if self._site.uploads.tickets is None:
            self._bodies -= 1
            return
        work_bytes = photo.size_bytes + self._site.modelled_store.commit_bytes
        self._open -= 1
        self._admitted -= work_bytes
        self._received -= work_bytes if is_received else 0

    def _turn_is_over(self, finished: Finished[_Photo], now_us: int) -> None:
        photo = finished.job
        a, uploads = photo.applicant, self._site.uploads
        photo.durable_us = now_us + round(self._site.modelled_store.latency_seconds * 1e6)
        heard_us = photo.durable_us + a.round_trip_us
        is_heard = photo.is_awaited and photo.durable_us <= photo.proxy_us and heard_us <= a.leaves_us
        if is_heard:
            self._close(photo, is_received=True)
            self._at(a, heard_us, lambda at_us: self._end(a, Ending.OK, at_us, received_bytes=photo.size_bytes))
        in_time = photo.durable_us <= min(a.leaves_us, photo.proxy_us + a.round_trip_us)
        if is_heard or not uploads.cancels_when_client_left or in_time:
            a.stored[photo.kind] = photo.copy
        else:
            self._used_bytes -= photo.size_bytes

    def _gives_up(self, photo: _Photo, now_us: int) -> None:
        a, cancels = photo.applicant, self._site.uploads.cancels_when_client_left
        self._close(photo, is_received=True)
        photo.is_awaited = False
        lets_go = cancels and self._store.leave(now_us, photo)
        if lets_go:
            self._used_bytes -= photo.size_bytes
        was_let_go = lets_go or (cancels and photo.durable_us > now_us)
        left = Ending.LEFT_STORE if was_let_go else Ending.UNHEARD
        self._end(a, Ending.NOT_IN_TIME if now_us < a.leaves_us else left, now_us, received_bytes=photo.size_bytes)


def _served(free_us: list[int], now_us: int, service_us: int) -> int:
    first = free_us.index(min(free_us))
    free_us[first] = max(now_us, free_us[first]) + service_us
    return free_us[first]
