"""The slow simulator's photo steps: tickets, bodies, turns at the modelled store, and people who leave meanwhile."""

from dataclasses import dataclass

from gelombang.admission import Admission, Place, admission_for_ticket, budget_ratio, patience_end_us, return_after_seconds
from gelombang.person import page_patience_seconds, photo_bytes, upload_patience_seconds
from gelombang.profile_uploads import Tickets
from gelombang.seeds import Purpose, unit
from gelombang.sharing import Finished, SharedStore, Slowdown
from gelombang.steps import PhotoKind, PhotoStep
from gelombang.waiting import PeopleWaiting
from gelombang_capacity.endings import Ending
from gelombang_capacity.slow_walk import Applicant, SlowWalk, served

_WAITING_LIMIT = 1_000_000
_BODY_LIMITS = 8


@dataclass(slots=True, eq=False)
class _Photo:
    """A job at the store."""

    applicant: Applicant
    kind: PhotoKind
    copy: int
    size_bytes: int
    proxy_us: int
    is_awaited: bool = True
    durable_us: int = 0


class SlowUploads:
    """What the site has for photos; `upload_free_us` says when each of the processes that hand out tickets is free."""

    def __init__(self, walk: SlowWalk, upload_free_us: list[int]) -> None:
        self._walk, self._upload_free = walk, upload_free_us
        store = walk.site.modelled_store
        slowdowns = [
            Slowdown(round(s.at_seconds * 1e6), round(s.at_seconds * 1e6) + max(1, round(s.for_seconds * 1e6)), s.bandwidth_ratio)
            for s in store.stalls
        ]
        self._store: SharedStore[_Photo] = SharedStore(store.bandwidth_bytes_per_second, store.turns_limit, store.queue_limit, slowdowns)
        self._used_bytes = self._bodies = self._open = self._admitted = self._received = self._refusals = 0
        self._waiting = PeopleWaiting(_WAITING_LIMIT)

    def next_finish_us(self) -> int | None:
        """When the next turn at the store is over."""
        return self._store.next_finish_us()

    def turns_are_over(self, now_us: int) -> None:
        """Every turn at the store that is over by now."""
        for finished in self._store.advance(now_us):
            self._turn_is_over(finished, now_us)

    def photo(self, a: Applicant, step: PhotoStep, now_us: int) -> None:
        """One attempt at a photo."""
        uploads = self._walk.site.uploads
        copy = a.copies.get(step.photo, 0)
        size = photo_bytes(a.person, step.photo, copy > 0, max(copy - 1, 0))
        photo = _Photo(a, step.photo, copy, size, 0)
        if uploads.tickets is not None:
            self._ask_for_ticket(photo, uploads.tickets, now_us)
        elif self._bodies >= uploads.bodies_limit:
            self._walk.end(a, Ending.BODIES_FULL, now_us + a.round_trip_us)
        elif size > _BODY_LIMITS * uploads.photo_limit_bytes:
            self._walk.end(a, Ending.BODY_TOO_LARGE, now_us + a.round_trip_us)
        else:
            self._bodies += 1
            self._send(photo, now_us)

    def _ask_for_ticket(self, photo: _Photo, tickets: Tickets, now_us: int) -> None:
        a, uploads, store = photo.applicant, self._walk.site.uploads, self._walk.site.modelled_store
        cpu_us = self._walk.drawn_us(self._walk.costs.ticket_spread, Purpose.CPU_TIME, a, round(self._walk.costs.ticket_seconds * 1e6))
        answer_us = served(self._upload_free, now_us, cpu_us) + a.round_trip_us + self._walk.answer_takes_us(a)
        patience_us = int(page_patience_seconds(a.person, a.step, a.tries[a.step]) * 1e6)
        if answer_us - now_us > patience_us:
            self._walk.end(a, Ending.LEFT_PAGE, now_us + patience_us)
            return
        if photo.size_bytes > uploads.photo_limit_bytes:
            self._walk.end(a, Ending.TOO_LARGE_BEFORE_BODY, answer_us)
            return
        if uploads.answers_stored_at_once and a.stored.get(photo.kind) == photo.copy:
            self._walk.end(a, Ending.OK, answer_us)
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
            self._walk.end(a, Ending.BUSY, answer_us, self._come_back_seconds(a, tickets, now_us))
            return
        self._waiting.admitted(a.person.index)
        self._admitted += work_bytes
        self._open += 1
        self._send(photo, answer_us)

    def _come_back_seconds(self, a: Applicant, tickets: Tickets, now_us: int) -> float:
        self._waiting.told(a.person.index, now_us + 1)
        jitter = tickets.return_jitter.quantile(unit(self._walk.seed, 0, Purpose.SERVER_JITTER, self._refusals))
        self._refusals += 1
        told_seconds = return_after_seconds(
            self._waiting.count(now_us),
            tickets.mean_photo_bytes,
            self._walk.site.modelled_store.bandwidth_bytes_per_second,
            tickets.return_ratio,
            jitter,
            tickets.return_min_seconds,
            tickets.return_max_seconds,
        )
        self._waiting.told(a.person.index, patience_end_us(now_us, told_seconds, tickets.return_min_seconds))
        return told_seconds

    def _send(self, photo: _Photo, now_us: int) -> None:
        a = photo.applicant
        seconds = upload_patience_seconds(a.person, a.step, a.tries[a.step], self._walk.site.uploads.shows_progress)
        a.leaves_us = now_us + int(seconds * 1e6)
        whole_us = now_us + int(photo.size_bytes / a.person.uplink_bytes_per_second * 1e6)
        if whole_us < a.leaves_us:
            self._walk.schedule(a, whole_us, lambda at_us: self._body_is_whole(photo, at_us))
        else:
            self._walk.schedule(a, a.leaves_us, lambda at_us: self._leaves_body(photo, at_us))

    def _leaves_body(self, photo: _Photo, now_us: int) -> None:
        a = photo.applicant
        self._close(photo, is_received=False)
        sent_bytes = int(a.person.uplink_bytes_per_second * (a.leaves_us - a.due_us) / 1e6)
        self._walk.end(a, Ending.LEFT_BODY, now_us, received_bytes=min(photo.size_bytes, sent_bytes))

    def _body_is_whole(self, photo: _Photo, now_us: int) -> None:
        a, store, uploads = photo.applicant, self._walk.site.modelled_store, self._walk.site.uploads
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
        self._walk.schedule(a, min(a.leaves_us, photo.proxy_us + a.round_trip_us), lambda at_us: self._gives_up(photo, at_us))

    def _shed(self, photo: _Photo, ending: Ending, ending_told: Ending, now_us: int) -> None:
        tickets = self._walk.site.uploads.tickets
        told_seconds = None if tickets is None else self._come_back_seconds(photo.applicant, tickets, now_us)
        self._close(photo, is_received=True)
        self._answer(photo, ending if tickets is None else ending_told, now_us, told_seconds)

    def _answer(self, photo: _Photo, ending: Ending, now_us: int, told_seconds: float | None) -> None:
        a = photo.applicant
        heard_us = now_us + a.round_trip_us
        if heard_us > a.leaves_us:
            self._walk.end(a, Ending.LEFT_STORE, a.leaves_us, received_bytes=photo.size_bytes)
        else:
            self._walk.end(a, ending, heard_us, told_seconds, photo.size_bytes)

    def _close(self, photo: _Photo, is_received: bool) -> None:
        if self._walk.site.uploads.tickets is None:
            self._bodies -= 1
            return
        work_bytes = photo.size_bytes + self._walk.site.modelled_store.commit_bytes
        self._open -= 1
        self._admitted -= work_bytes
        self._received -= work_bytes if is_received else 0

    def _turn_is_over(self, finished: Finished[_Photo], now_us: int) -> None:
        photo = finished.job
        a, uploads = photo.applicant, self._walk.site.uploads
        photo.durable_us = now_us + round(self._walk.site.modelled_store.latency_seconds * 1e6)
        heard_us = photo.durable_us + a.round_trip_us
        is_heard = photo.is_awaited and photo.durable_us <= photo.proxy_us and heard_us <= a.leaves_us
        if is_heard:
            self._close(photo, is_received=True)
            self._walk.schedule(a, heard_us, lambda at_us: self._walk.end(a, Ending.OK, at_us, received_bytes=photo.size_bytes))
        in_time = photo.durable_us <= min(a.leaves_us, photo.proxy_us + a.round_trip_us)
        if is_heard or not uploads.cancels_when_client_left or in_time:
            a.stored[photo.kind] = photo.copy
        else:
            self._used_bytes -= photo.size_bytes

    def _gives_up(self, photo: _Photo, now_us: int) -> None:
        a, cancels = photo.applicant, self._walk.site.uploads.cancels_when_client_left
        self._close(photo, is_received=True)
        photo.is_awaited = False
        lets_go = cancels and self._store.leave(now_us, photo)
        if lets_go:
            self._used_bytes -= photo.size_bytes
        was_let_go = lets_go or (cancels and photo.durable_us > now_us)
        left = Ending.LEFT_STORE if was_let_go else Ending.UNHEARD
        self._walk.end(a, Ending.NOT_IN_TIME if now_us < a.leaves_us else left, now_us, received_bytes=photo.size_bytes)
