"""A step's body by tus: what a person sends, and one attempt's exchanges until the upload is done or has ended.

All exchanges have the one patience of the attempt. What a person had begun when an attempt ended is gone on with in their next one, as
upload pages do that keep its address.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS
from gelombang.person import Person
from gelombang.step_parts import FilePart, TusUpload
from gelombang.templates import filled
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.bodies import Carried, file_field
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.multipart_body import FileField
from gelombang_loadtests.own_files import type_of
from gelombang_loadtests.tus import Upload, Verdict
from gelombang_loadtests.visit import Visit


class Asking(NamedTuple):
    """How a step asks: where, with which headers, for how long, and along redirects or not."""

    url: str
    headers: Mapping[str, str]
    patience_seconds: float
    follows: bool


class Came(NamedTuple):
    """An upload's last exchange, which the listener has not heard of yet. `answer` holds the upload's address as its location."""

    answer: Answer
    method: str
    verdict: Verdict


Judge = Callable[[Answer], Outcome]
Heard = Callable[[str, Answer, Outcome], None]
"""Told of every exchange but the last."""


class TusForm:
    """One step's upload, ready to be sent by anybody."""

    def __init__(self, upload: TusUpload, gear: Gear) -> None:
        self._upload = upload
        self._gear = gear
        self._part = None if upload.file is not None else FilePart(photo=upload.photo, folder=upload.folder)

    def send(self, visit: Visit, asking: Asking, values: Mapping[str, str], judge: Judge, heard: Heard) -> Came | None:
        """Send what is left of it. None for an address that nobody may follow."""
        loop = self._gear.loop
        assert loop is not None, "an upload by tus needs a clock"
        applicant, person, step = visit.applicant, visit.person, visit.attempt.step
        field = self._field(applicant, person, step)
        key = (step, visit.branch, applicant.copy(step))
        begun = applicant.uploads or {}
        upload = Upload(self._upload, asking.url, field.content, self._metadata(field, values), begun.get(key))
        until_us = loop.now_us() + round(asking.patience_seconds * MICROSECONDS)
        try:
            while True:
                wanted = upload.wanted()
                if wanted.after_seconds:
                    loop.sleep_until(min(loop.now_us() + round(wanted.after_seconds * MICROSECONDS), until_us))
                left_seconds = (until_us - loop.now_us()) / MICROSECONDS
                headers = {**asking.headers, **wanted.headers}
                came = visit.go(wanted.method, wanted.url, headers, Carried(None, wanted.content), left_seconds, asking.follows)
                if came is None:
                    return None
                answer, method = came
                outcome = judge(answer)
                verdict = upload.take(answer, outcome, visit.url)
                if verdict is not None:
                    return Came(_with_location(answer, upload.url), method, verdict)
                heard(method, answer, outcome)
        finally:
            self._keep(applicant, key, None if upload.offset_bytes == upload.size_bytes else upload.url)

    def _field(self, applicant: Applicant, person: Person, step: int) -> FileField:
        if self._part is not None:
            return file_field(self._gear, "", self._part, applicant, person, step, 0)
        assert self._upload.file is not None
        file = Path(self._upload.file)
        return FileField("", file.name, type_of(file.name), (self._gear.files.content(file),))

    def _metadata(self, field: FileField, values: Mapping[str, str]) -> dict[str, str]:
        if self._upload.metadata is None:
            return {"filename": field.filename, "filetype": field.content_type}
        return {name: filled(text, values) for name, text in self._upload.metadata.items()}

    def _keep(self, applicant: Applicant, key: tuple[int, int, int], url: str | None) -> None:
        """Remember where an upload is that is not done; forget one that is."""
        if url is not None:
            applicant.uploads = {**(applicant.uploads or {}), key: url}
        elif applicant.uploads is not None:
            applicant.uploads.pop(key, None)


def _with_location(answer: Answer, url: str | None) -> Answer:
    if url is None or answer.outcome_error is not None:
        return answer
    return replace(answer, headers={**answer.headers, b"location": url.encode()})
