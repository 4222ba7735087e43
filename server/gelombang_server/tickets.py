"""Tickets: the right to send one photo, given before a byte is sent, within the budgets of `gelombang.admission`.

A ticket is signed and carries whom, what and until when it admits (`ticket_claims`); what it takes from the budgets is held here
from the moment it is given until `close`: the photo is durable, the upload failed, or nobody came in time. A person has one open ticket
for each photo: a newer request evicts the older one, because a phone that lost its line must not be locked out by its own ghost. A
ticket whose life ends unused gives back what it held; its attempt rests for as long again, so that a photo that comes too late is told
so within its own attempt, and ends then as abandoned. Once a photo is being sent, the body's own patience rules.
"""

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice

from gelombang import telemetry
from gelombang.admission import (
    Admission,
    admission_for_ticket,
    budget_ratio,
    budget_ratio_in_room,
    patience_end_us,
    return_after_seconds,
)
from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.attempt_id import AttemptId, parse_trace_id
from gelombang.clock import MICROSECONDS
from gelombang.drain_rate import DrainRate
from gelombang.profile_uploads import Store, Tickets
from gelombang.seeds import Purpose, unit
from gelombang.steps import PhotoKind
from gelombang.waiting import PeopleWaiting
from gelombang_server.attempts import ServerAttempt
from gelombang_server.metrics import Metrics
from gelombang_server.problem import Problem
from gelombang_server.room import BUSY_TEXT, Room
from gelombang_server.ticket import Ticket
from gelombang_server.ticket_claims import NO_TRACE, Claims, TicketSeal

PEOPLE_WAITING_LIMIT = 1_000_000
"""How many people who were told to come back are remembered; beyond it the told times stop growing."""


class TicketDesk:
    """Gives tickets, takes them back. Numbers of `store` and `tickets` are scaled; `now_us` counts from the run's zero."""

    def __init__(
        self, store: Store, tickets: Tickets, places_limit: int, key: bytes, seed: int, metrics: Metrics, now_us: Callable[[], int]
    ) -> None:
        self._store = store
        self._tickets = tickets
        self._places_limit = places_limit
        self._life_us = round(tickets.life_seconds * 1e6)
        self._seal = TicketSeal(key)
        self._seed = seed
        self._metrics = metrics
        self._now_us = now_us
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._open: OrderedDict[int, Ticket] = OrderedDict()
        self._unused: OrderedDict[int, Ticket] = OrderedDict()
        """In the order in which they expire, because all live equally long."""
        self._late: deque[Ticket] = deque()
        """Expired unused, their attempts still resting; as many as can be given in one life, so no more than places."""
        self._of_person: dict[tuple[int, PhotoKind], Ticket] = {}
        self._waiting = PeopleWaiting(PEOPLE_WAITING_LIMIT)
        self._drain = DrainRate(
            store.bandwidth_bytes_per_second, tickets.mean_photo_bytes, round(tickets.return_min_seconds * MICROSECONDS)
        )
        self._refusals = 0
        self.room = Room(store, tickets, tickets.room, key, seed, metrics) if tickets.room is not None else None
        self.received_bytes = 0
        self.admitted_bytes = 0
        limits = metrics.gauge(telemetry.TICKET_BUDGET_LIMIT_BYTES)
        limits.labels("received").set(tickets.received_budget_bytes)
        limits.labels("admitted").set(tickets.admitted_budget_bytes)
        metrics.gauge(telemetry.UPLOAD_PLACES_LIMIT).set(places_limit)
        for promise in ("kept", "broken"):
            metrics.counter(telemetry.ROOM_ADMITTED).labels(promise)
        metrics.at_scrape(self._scrape)

    @property
    def unfinished(self) -> int:
        """Tickets given and not closed."""
        return len(self._open)

    def ask(
        self,
        applicant: int,
        kind: PhotoKind,
        photo_bytes: int,
        sha256: bytes,
        has_other_photo: bool,
        attempt: ServerAttempt,
        place: str | None = None,
    ) -> Ticket:
        """A ticket for this photo. Raises Problem(uploads_busy) with the time to come back, Problem(place_invalid) for a place that is
        shown and not this person's."""
        now_us = self._now_us()
        if self.room is not None and place is not None:
            self.room.shown(now_us, applicant, place)
        if (stale := self._of_person.get((applicant, kind))) is not None:
            self._evict(stale, attempt)
        work_bytes = photo_bytes + self._store.commit_bytes
        answer = admission_for_ticket(
            work_bytes,
            self.received_bytes,
            self._tickets.received_budget_bytes,
            self.admitted_bytes,
            self._tickets.admitted_budget_bytes,
            self._ratio(now_us, applicant, has_other_photo),
            len(self._open),
            self._places_limit,
        )
        if answer is not Admission.ADMITTED:
            if self.room is not None and not has_other_photo:
                raise self.room.refusal(now_us, applicant)
            raise Problem(Code.UPLOADS_BUSY, BUSY_TEXT, retry_after_seconds=self.return_after_seconds(applicant), stage=Stage.ADMISSION)
        if self.room is not None:
            self.room.admitted(now_us, applicant)
        self._waiting.admitted(applicant)
        expires_us = now_us + self._life_us
        # A client without a trace id can't be recognised in its next request: its attempt ends with this answer.
        rests = attempt if attempt.id is not None else None
        ticket = Ticket(secrets.randbits(64), applicant, kind, photo_bytes, sha256, expires_us, attempt.id, rests, work_bytes)
        self._open[ticket.serial] = self._unused[ticket.serial] = ticket
        self._of_person[applicant, kind] = ticket
        self.admitted_bytes += work_bytes
        if self._timer is None:
            self._set_timer()
        return ticket

    def _ratio(self, now_us: int, applicant: int, has_other_photo: bool) -> float:
        first = self._tickets.first_photo_budget_ratio
        if self.room is None:
            return budget_ratio(has_other_photo, first)
        return budget_ratio_in_room(has_other_photo, self.room.is_due(now_us, applicant), first, self.room.walk_in_budget_ratio)

    def return_after_seconds(self, applicant: int) -> float:
        """When this person shall come back; they count as waiting from now on."""
        tickets, now_us = self._tickets, self._now_us()
        self._waiting.told(applicant, now_us + 1)
        people = self._waiting.count(now_us)
        jitter = tickets.return_jitter.quantile(unit(self._seed, 0, Purpose.SERVER_JITTER, self._refusals))
        self._refusals += 1
        per_second, is_declared = self._drain.when_refused(now_us)
        told_seconds = return_after_seconds(
            people,
            tickets.mean_photo_bytes,
            per_second,
            # Coming a little early keeps a store from running dry. What is scarce instead is eaten up by those who come in vain.
            tickets.return_ratio if is_declared else 1.0,
            jitter,
            tickets.return_min_seconds,
            tickets.return_max_seconds,
        )
        self._waiting.told(applicant, patience_end_us(now_us, told_seconds, tickets.return_min_seconds))
        return told_seconds

    def after_trouble_seconds(self, applicant: int) -> float:
        """The same when the store is away: up to as long again by chance, so that who was told in one second does not come back in one."""
        return self.return_after_seconds(applicant) * (1.0 + unit(self._seed, applicant, Purpose.SERVER_JITTER, self._refusals))

    def token(self, ticket: Ticket) -> str:
        """The ticket as text, signed."""
        trace = bytes.fromhex(ticket.attempt_id.trace_id()) if ticket.attempt_id is not None else NO_TRACE
        return self._seal.token(
            Claims(ticket.serial, ticket.applicant, ticket.kind, ticket.photo_bytes, ticket.expires_us, trace, ticket.sha256)
        )

    def read(self, token: str) -> Claims:
        """What this text says, whether or not its ticket is open. Raises Problem(ticket_invalid)."""
        return self._seal.read(token)

    def claim(self, token: str, kind: PhotoKind, attempt_id: AttemptId | None) -> Ticket:
        """The open ticket of this text, in use from now on by the running task. Raises Problem(ticket_invalid or ticket_expired)."""
        claims = self.read(token)
        if claims.kind is not kind:
            raise Problem(Code.TICKET_INVALID, f"the ticket is not for the photo {kind}; please ask for one")
        if claims.trace != NO_TRACE and attempt_id != parse_trace_id(claims.trace.hex()):
            raise Problem(Code.TICKET_INVALID, "the ticket was given to another try; please ask for one")
        ticket = self._unused.pop(claims.serial, None)
        if ticket is None or self._now_us() >= claims.expires_us:
            if ticket is not None:
                self.close(ticket)
            raise Problem(Code.TICKET_EXPIRED, "the ticket is too old, or was used; please ask for a new one")
        ticket.task = asyncio.current_task()
        return ticket

    def resume(self, applicant: int, kind: PhotoKind, photo_bytes: int, sha256: bytes, attempt: ServerAttempt) -> Ticket:
        """The place of an upload that goes on, in use from now on by the running task: the one that it holds, or a new one, before people
        who have sent nothing yet. The attempt does not rest on it. Raises Problem(uploads_busy)."""
        ticket = self._of_person.get((applicant, kind))
        if ticket is None or not self._is_held_for(ticket, photo_bytes, sha256, attempt):
            ticket = self.ask(applicant, kind, photo_bytes, sha256, True, attempt)
        del self._unused[ticket.serial]
        ticket.attempt = None
        ticket.task = asyncio.current_task()
        return ticket

    def put_back(self, ticket: Ticket) -> None:
        """Whoever was sending is gone, or pauses: the place is theirs for one more life."""
        if ticket.serial not in self._open:
            return
        assert not ticket.received
        ticket.task = None
        ticket.expires_us = self._now_us() + self._life_us
        self._unused[ticket.serial] = ticket
        if self._timer is None:
            self._set_timer()

    def photo_received(self, ticket: Ticket) -> None:
        """The body is whole: it counts in the received budget, too."""
        if ticket.serial in self._open and not ticket.received:
            ticket.received = True
            self.received_bytes += ticket.work_bytes

    def close(self, ticket: Ticket) -> None:
        """Give back what the ticket held. Closing twice changes nothing."""
        if self._open.pop(ticket.serial, None) is None:
            return
        self._unused.pop(ticket.serial, None)
        if self._of_person.get((ticket.applicant, ticket.kind)) is ticket:
            del self._of_person[ticket.applicant, ticket.kind]
        self.admitted_bytes -= ticket.work_bytes
        if ticket.received:
            self.received_bytes -= ticket.work_bytes
            self._drain.done(self._now_us(), ticket.work_bytes)

    def shut(self) -> None:
        """Stop the timer and give up what nobody uses; resting attempts are left to the book, which ends them as shut down."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for ticket in list(self._unused.values()):
            self.close(ticket)

    def _is_held_for(self, ticket: Ticket, photo_bytes: int, sha256: bytes, attempt: ServerAttempt) -> bool:
        if ticket.serial not in self._unused or self._now_us() >= ticket.expires_us:
            return False
        is_free = ticket.attempt is None or ticket.attempt is attempt or not ticket.attempt.is_open
        return is_free and (ticket.photo_bytes, ticket.sha256) == (photo_bytes, sha256)

    def _evict(self, stale: Ticket, attempt: ServerAttempt) -> None:
        """The person asks anew: whatever the older ticket is doing, its line is dead or its page is gone. Unless it is another tab's."""
        tabs = [each.tab for each in (stale.attempt_id, attempt.id) if each is not None]
        self.close(stale)
        if stale.attempt is not None and len(set(tabs)) == 2:
            self._replace(stale, stale.attempt)
        elif stale.task is not None:
            stale.task.cancel()
        elif stale.attempt is not None and stale.attempt is not attempt and stale.attempt.is_open:
            stale.attempt.end(Stage.BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 0)

    def _replace(self, stale: Ticket, attempt: ServerAttempt) -> None:
        """Somebody sits before the older one's page: they are told that their ticket is void, when they come with the photo or at once.
        What is being made durable has done its work already, and is answered."""
        if stale.task is None:
            self._late.append(stale)
        elif attempt.stage < Stage.COMMIT:
            stale.is_replaced = True
            stale.task.cancel()

    def _expire(self) -> None:
        now_us = self._now_us()
        while self._unused and (ticket := next(iter(self._unused.values()))).expires_us <= now_us:
            self.close(ticket)
            if ticket.attempt is not None:
                self._late.append(ticket)
        while self._late and self._late[0].expires_us + self._life_us <= now_us:
            attempt = self._late.popleft().attempt
            if attempt is not None and attempt.is_open and attempt.is_resting:
                attempt.end(Stage.BODY, ServerOutcome.ABANDONED, Code.TICKET_EXPIRED, 0)
        self._set_timer()

    def _set_timer(self) -> None:
        self._timer = None
        moments = [ticket.expires_us for ticket in islice(self._unused.values(), 1)]
        moments += [ticket.expires_us + self._life_us for ticket in islice(self._late, 1)]
        if moments:
            delay_seconds = max(0, min(moments) - self._now_us()) / 1e6
            self._timer = self._loop.call_later(delay_seconds + 0.001, self._expire)

    def _scrape(self) -> None:
        used = self._metrics.gauge(telemetry.TICKET_BUDGET_USED_BYTES)
        used.labels("received").set(self.received_bytes)
        used.labels("admitted").set(self.admitted_bytes)
        self._metrics.gauge(telemetry.UPLOAD_PLACES_USED).set(len(self._open))
