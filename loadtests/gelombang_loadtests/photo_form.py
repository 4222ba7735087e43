"""The photo form of a step: one photo, sent by the protocol that the site's page asked for.

`multipart` is one exchange: the whole form goes to `{url}/{kind}`. `ticket` is two exchanges of one attempt: ask for a ticket with kind,
size and digest, then put the photo to the ticket's URL; a site that has the photo already says so in place of a ticket. Patience with
an upload begins with sending, as people see their progress bar (or none).
"""

from collections.abc import Mapping

import orjson

from gelombang.attempt import Code, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.person import Person, page_patience_seconds, upload_patience_seconds
from gelombang.steps import PhotoStep
from gelombang.templates import filled
from gelombang_loadtests.answers import Reading, reading_of
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.bodies import JSON_TYPE, PHOTO_TYPE, Carried
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.exchanges import NOTHING_CAPTURED, ExchangeListener, Exchanges, KeptPhoto, Try
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.holdings import Holdings
from gelombang_loadtests.multipart_body import multipart_photo
from gelombang_loadtests.person_photo import photo_of
from gelombang_loadtests.request_form import SHOWS_PROGRESS, HeadersForm, judged
from gelombang_loadtests.target import Target
from gelombang_loadtests.visit import Visit

PHOTO_EXCHANGE = {"POST": "POST photo", "PUT": "PUT photo"}
TICKET_EXCHANGE = "POST ticket"


class PhotoForm:
    """One step of the form `photo`."""

    def __init__(self, step: PhotoStep, base: Target, exchanges: Exchanges, listener: ExchangeListener, gear: Gear) -> None:
        self._step = step
        self._base = base
        self._exchanges = exchanges
        self._listener = listener
        self._gear = gear
        self._cookies = gear.cookies if step.cookies is None else step.cookies
        self._headers = HeadersForm(step.headers)

    def attempt(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Try:
        """Try once. Blocks the calling task for the person's patience at most."""
        visit = Visit(self._base, self._exchanges, self._listener, applicant, person, attempt, self._cookies)
        upload = _Upload(self, visit, applicant, person, values)
        url = filled(self._step.url, values)
        match filled(self._step.protocol, values):
            case "multipart":
                return upload.multipart(f"{url}/{self._step.photo}")
            case "ticket":
                return upload.ticket(url)
        return upload.lost()


class _Upload:
    """One attempt at one photo."""

    __slots__ = ("_attempt", "_form", "_person", "_photo", "_values", "_visit")

    def __init__(self, form: PhotoForm, visit: Visit, applicant: Applicant, person: Person, values: Mapping[str, str]) -> None:
        self._form = form
        self._visit = visit
        self._person = person
        self._values = values
        self._attempt = visit.attempt
        self._photo = photo_of(form._gear.photo, form._step.photo, applicant, person, self._attempt.step)

    def multipart(self, url: str) -> Try:
        """The whole form in one request."""
        body = multipart_photo(self._photo.parts, f"{self._form._step.photo}.jpg".encode())
        answer = self._send("POST", url, Carried(body.content_type.decode(), body.parts), self._upload_patience_seconds())
        return self.lost() if answer is None else self._judged_upload(answer, PHOTO_EXCHANGE["POST"])

    def ticket(self, asked_url: str) -> Try:
        """A ticket, then the photo on it."""
        photo = self._photo
        asked = orjson.dumps({"kind": str(self._form._step.photo), "bytes": photo.size_bytes, "sha256": photo.sha256.hex()})
        patience_seconds = page_patience_seconds(self._person, self._attempt.step, self._attempt.number)
        answer = self._send("POST", asked_url, Carried(JSON_TYPE, asked), patience_seconds)
        if answer is None:
            return self.lost()
        reading = Reading(answer.status, answer.headers, answer.body, wants_value=True)
        outcome = judged(answer, reading, None)
        url = reading.value("/url")
        stored = reading.value("/stored") is True
        if outcome is Outcome.OK and not stored and not isinstance(url, str):
            outcome = Outcome.PROTOCOL
        self._form._listener(TICKET_EXCHANGE, self._attempt, answer, outcome, reading.code)
        if outcome is not Outcome.OK or stored:
            return self._came_to(outcome, answer, reading)
        assert isinstance(url, str)
        put = self._send("PUT", url, Carried(PHOTO_TYPE, photo.parts), self._upload_patience_seconds())
        return self._came_to(Outcome.PROTOCOL, answer, reading) if put is None else self._judged_upload(put, PHOTO_EXCHANGE["PUT"])

    def lost(self) -> Try:
        """The page asked for a protocol or named an address that nobody can follow."""
        return Try(self._visit.tally.ending(Outcome.PROTOCOL, Phase.NONE, 0, Code.NONE))

    def _upload_patience_seconds(self) -> float:
        shows_progress = self._values.get(SHOWS_PROGRESS) == "true"
        return upload_patience_seconds(self._person, self._attempt.step, self._attempt.number, shows_progress)

    def _send(self, method: str, url: str, carried: Carried, patience_seconds: float) -> Answer | None:
        headers = self._form._headers(self._values)
        came = self._visit.go(method, url, headers, carried, patience_seconds, follows=False)
        return None if came is None else came[0]

    def _judged_upload(self, answer: Answer, kind: str) -> Try:
        reading = reading_of(answer.status, answer.headers, answer.body)
        outcome = judged(answer, reading, None)
        captured: Mapping[str, str] = NOTHING_CAPTURED
        missing = ""
        if outcome is Outcome.OK and self._form._step.capture:
            captured, missing = Holdings(answer, self._visit.cookie).captured(self._form._step.capture)
            if missing:
                outcome = Outcome.CAPTURE_FAILED
                self._form._gear.complaints.about(self._form._step.step, missing.partition(" (")[0], missing)
        self._form._listener(kind, self._attempt, answer, outcome, reading.code)
        return self._came_to(outcome, answer, reading, captured, missing)

    def _came_to(
        self, outcome: Outcome, answer: Answer, reading: Reading, captured: Mapping[str, str] = NOTHING_CAPTURED, reason: str = ""
    ) -> Try:
        ending = self._visit.tally.ending(outcome, answer.phase, answer.status, reading.code)
        kept = KeptPhoto(self._photo.size_bytes, self._photo.sha256) if outcome is Outcome.OK else None
        return Try(ending, reading.told_seconds, captured, kept, reason=reason)
