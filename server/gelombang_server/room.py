"""The waiting room of a site (`gelombang.waiting_room`), with signed places.

A refusal of a first photo holds a place: whom it is for, when it was told and when it is due, signed as tickets are. The site remembers
who has which, so a page that shows nothing has its place nevertheless; shown in the header `Upload-Place` it also holds after the site was
started again. A place that is forged, or somebody else's, is refused by name; one that is over is none.
"""

import binascii
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from gelombang import telemetry
from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS
from gelombang.profile_uploads import Room as RoomNumbers
from gelombang.profile_uploads import Store, Tickets
from gelombang.seeds import Purpose, draw
from gelombang.waiting_room import Promise, RoomRule, WaitingRoom
from gelombang_server.metrics import Metrics
from gelombang_server.problem import Problem

PLACE_HEADER = "Upload-Place"
BUSY_TEXT = "many people are sending photos; please come back at the told time"
PHOTOS_OF_A_PERSON = 2
_CLAIMS = struct.Struct("<qqq")
"""applicant, told, due"""
_SIGNATURE_BYTES = 16


class Room:
    """Numbers are scaled; moments count from the run's zero."""

    def __init__(self, store: Store, tickets: Tickets, numbers: RoomNumbers, key: bytes, seed: int, metrics: Metrics) -> None:
        people_per_second = numbers.capacity_ratio * store.bandwidth_bytes_per_second / (PHOTOS_OF_A_PERSON * tickets.mean_photo_bytes)
        self.walk_in_budget_ratio = numbers.walk_in_budget_ratio
        self._soonest_seconds, self._horizon_seconds = tickets.return_min_seconds, numbers.horizon_seconds
        self._key = hmac.digest(key, b"place", "sha256")
        self._seed = seed
        self._draws = 0
        soonest_us, horizon_us, grace_us = (
            round(seconds * MICROSECONDS) for seconds in (tickets.return_min_seconds, numbers.horizon_seconds, numbers.grace_seconds)
        )
        block_people = max(1, round(people_per_second * numbers.block_seconds))
        self._waiting = WaitingRoom(RoomRule(people_per_second, block_people, soonest_us, horizon_us, grace_us), self._draw)
        self._admitted = {kept: metrics.counter(telemetry.ROOM_ADMITTED).labels("kept" if kept else "broken") for kept in (True, False)}
        self._told_again = metrics.counter(telemetry.ROOM_TOLD_AGAIN)
        metrics.at_scrape(lambda: metrics.gauge(telemetry.ROOM_PEOPLE).set(self._waiting.people))

    def is_due(self, now_us: int, applicant: int) -> bool:
        """Whether the person comes at the time of their place."""
        return self._waiting.is_due(now_us, applicant)

    def shown(self, now_us: int, applicant: int, place: str) -> None:
        """A person shows a place. Raises Problem(place_invalid) when it is not of this site, or not theirs."""
        try:
            data = urlsafe_b64decode(place + "=" * (-len(place) % 4))
        except (binascii.Error, ValueError):
            data = b""
        claims, signature = data[: _CLAIMS.size], data[_CLAIMS.size :]
        if len(claims) != _CLAIMS.size or not hmac.compare_digest(signature, self._signature(claims)):
            raise Problem(Code.PLACE_INVALID, "the place in the waiting room is not one of this site", stage=Stage.ADMISSION)
        whose, told_us, at_us = _CLAIMS.unpack(claims)
        if whose != applicant:
            raise Problem(Code.PLACE_INVALID, "the place in the waiting room is somebody else's", stage=Stage.ADMISSION)
        self._waiting.keep(now_us, applicant, Promise(told_us, at_us))

    def refusal(self, now_us: int, applicant: int) -> Problem:
        """What a person without room is told: their place, drawn now when they had none, and how long until then."""
        if self._waiting.promised(now_us, applicant) is not None:
            self._told_again.inc()
        promise = self._waiting.promise(now_us, applicant)
        if promise is None:
            return Problem(Code.UPLOADS_BUSY, BUSY_TEXT, retry_after_seconds=self._horizon_seconds, stage=Stage.ADMISSION)
        # Who comes in time and finds no room keeps the place, and asks again soon.
        left_seconds = (promise.at_us - now_us) / MICROSECONDS
        told_seconds = left_seconds if left_seconds > 0 else self._soonest_seconds
        claims = _CLAIMS.pack(applicant, promise.told_us, promise.at_us)
        place = urlsafe_b64encode(claims + self._signature(claims)).decode().rstrip("=")
        return Problem(Code.UPLOADS_BUSY, BUSY_TEXT, retry_after_seconds=told_seconds, stage=Stage.ADMISSION, place=place)

    def admitted(self, now_us: int, applicant: int) -> None:
        """The person has a ticket: was what they had been told true?"""
        promise = self._waiting.admitted(applicant)
        if promise is not None:
            self._admitted[promise.is_kept(now_us)].inc()

    def _draw(self, n: int) -> int:
        self._draws += 1
        return draw(self._seed, 0, Purpose.WAITING_PLACE, self._draws) % n

    def _signature(self, claims: bytes) -> bytes:
        return hmac.digest(self._key, claims, "sha256")[:_SIGNATURE_BYTES]
