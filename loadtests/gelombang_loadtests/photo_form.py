"""The photo form of a step: one photo, sent by the protocol that the site's page asked for.

`multipart` is one exchange: the whole form goes to `{url}/{kind}`. `ticket` is two exchanges of one attempt: ask for a ticket with kind,
size and digest, then put the photo to the ticket's URL; a site that has the photo already says so in place of a ticket. Patience with
an upload begins with sending, as people see their progress bar (or none).
"""

from collections.abc import Callable, Mapping

import orjson

from gelombang.attempt import AttemptId, Code, Outcome, Phase
from gelombang.person import Person, page_patience_seconds, photo_bytes, upload_patience_seconds
from gelombang.steps import PhotoKind, PhotoStep
from gelombang.templates import filled
from gelombang_loadtests.answers import Reading
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.exchange import Answer, Request
from gelombang_loadtests.exchanges import ExchangeListener, Exchanges, KeptPhoto, Tally, Try
from gelombang_loadtests.multipart_body import multipart_photo
from gelombang_loadtests.photos import Photo
from gelombang_loadtests.request_form import ACCEPT_JSON, JSON_TYPE, filled_headers, judged
from gelombang_loadtests.target import Target

SHOWS_PROGRESS = "upload_shows_progress"
"""The capture that says whether the site's page shows how far an upload is; without it, it does not."""
PHOTO_EXCHANGE = {"POST": "POST photo", "PUT": "PUT photo"}
TICKET_EXCHANGE = "POST ticket"

MakePhoto = Callable[[PhotoKind, int, bytes], Photo]
"""(kind, size in bytes, serial) → the photo, whose bytes no other serial has."""


class PhotoForm:
    """One step of the form `photo`."""

    def __init__(self, step: PhotoStep, base: Target, exchanges: Exchanges, listener: ExchangeListener, photo: MakePhoto) -> None:
        self._step = step
        self._base = base
        self._exchanges = exchanges
        self._listener = listener
        self._photo = photo

    def attempt(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Try:
        """Try once. Blocks the calling task for the person's patience at most."""
        upload = _Upload(self, applicant, person, values, attempt)
        try:
            url = filled(self._step.url, values)
            match filled(self._step.protocol, values):
                case "multipart":
                    return upload.multipart(self._base.at(f"{url}/{self._step.photo}"))
                case "ticket":
                    return upload.ticket(self._base.at(url))
        except ValueError:
            pass
        # The page asked for a protocol or named an address that nobody can follow.
        return Try(upload.tally.ending(Outcome.PROTOCOL, Phase.NONE, 0, Code.NONE))


class _Upload:
    """One attempt at one photo."""

    def __init__(self, form: PhotoForm, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> None:
        self._form = form
        self._applicant = applicant
        self._person = person
        self._values = values
        self._attempt = attempt
        self.tally = Tally()
        kind = form._step.photo
        copy = applicant.copy(attempt.step)
        # Not the number of the try: who sends the same copy again sends the same bytes, as a browser does.
        serial = f"{person.run:x}.{person.index}.{copy}".encode()
        self._photo = form._photo(kind, photo_bytes(person, kind, copy > 0, max(copy - 1, 0)), serial)

    def multipart(self, target: Target) -> Try:
        """The whole form in one request."""
        photo = self._photo
        body = multipart_photo(photo.parts, photo.size_bytes, f"{self._form._step.photo}.jpg".encode())
        request = self._request(b"POST", target, (b"content-type", body.content_type), body.parts)
        answer = self._send(request, self._upload_patience_seconds())
        return self._judged_upload(answer, PHOTO_EXCHANGE["POST"])

    def ticket(self, target: Target) -> Try:
        """A ticket, then the photo on it."""
        photo = self._photo
        asked = orjson.dumps({"kind": str(self._form._step.photo), "bytes": photo.size_bytes, "sha256": photo.sha256.hex()})
        patience_seconds = page_patience_seconds(self._person, self._attempt.step, self._attempt.number)
        answer = self._send(self._request(b"POST", target, JSON_TYPE, asked), patience_seconds)
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
        try:
            put = self._request(b"PUT", self._form._base.at(url), (b"content-type", b"image/jpeg"), photo.parts)
        except ValueError:
            return self._came_to(Outcome.PROTOCOL, answer, reading)
        return self._judged_upload(self._send(put, self._upload_patience_seconds()), PHOTO_EXCHANGE["PUT"])

    def _upload_patience_seconds(self) -> float:
        shows_progress = self._values.get(SHOWS_PROGRESS) == "true"
        return upload_patience_seconds(self._person, self._attempt.step, self._attempt.number, shows_progress)

    def _request(
        self, method: bytes, target: Target, content_type: tuple[bytes, bytes], body: bytes | tuple[bytes | memoryview, ...]
    ) -> Request:
        headers = (
            ACCEPT_JSON,
            (b"traceparent", self._attempt.traceparent(self.tally.exchanges + 1).encode()),
            content_type,
            *filled_headers(self._form._step.headers, self._values),
        )
        return Request(method, target.path.encode(), target.host, target.port, headers, body)

    def _send(self, request: Request, patience_seconds: float) -> Answer:
        answer = self._form._exchanges(self._applicant, self._person, request, patience_seconds)
        self.tally.add(answer)
        return answer

    def _judged_upload(self, answer: Answer, kind: str) -> Try:
        reading = Reading(answer.status, answer.headers, answer.body, wants_value=False)
        outcome = judged(answer, reading, None)
        self._form._listener(kind, self._attempt, answer, outcome, reading.code)
        return self._came_to(outcome, answer, reading)

    def _came_to(self, outcome: Outcome, answer: Answer, reading: Reading) -> Try:
        ending = self.tally.ending(outcome, answer.phase, answer.status, reading.code)
        kept = KeptPhoto(self._photo.size_bytes, self._photo.sha256) if outcome is Outcome.OK else None
        return Try(ending, reading.told_seconds, kept=kept)
